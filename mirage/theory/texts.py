"""Texts simulated under the toy model, scored with ROUGE-L-Sum and BLEU (Figures 9 and 10).

Each token of an answer agrees with each of R references with the token probability p(N),
independently, and is written once as a word and once without spaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from mirage.metrics.text import bleu, rouge_l_sum
from mirage.theory import tokens

N_PARAMS = np.geomspace(1e8, 3e11, 10).round().astype(np.int64)  # as in both figures
N_REFERENCES = (1, 4, 7)  # as in both figures
LENGTHS = {"ROUGE-L-Sum": (4, 20, 36), "BLEU": (8, 12, 16, 20)}  # tokens, as in the figures
TEXTS = {"words": " ", "one piece": ""}  # what stands between the tokens of a text
SIMULATION = SimpleNamespace(digest="none")  # what a sweep asks of its data: there are none


@dataclass(frozen=True)
class Config:
    """One simulation: ten sizes, one metric and target length, all numbers of references.

    Attributes
    ----------
    metric : {"ROUGE-L-Sum", "BLEU"}
        What is measured, once on words and once on the same texts in one piece.
    length : int
        Tokens of each text.
    seed : int
        Fixes the texts.
    n_items : int
        Texts per size.
    """

    metric: str
    length: int
    seed: int
    n_items: int


@dataclass(frozen=True)
class Profile:
    """How much is simulated.

    Attributes
    ----------
    n_seeds : int
        Simulations of each curve: 3 is the least that gives a useful interval.
    n_items : int
        Texts per size: the published means are multiples of 1/500.
    """

    n_seeds: int
    n_items: int


PROFILES = {"quick": Profile(n_seeds=3, n_items=200), "paper": Profile(n_seeds=10, n_items=500)}


def configs(profile: str, n_seeds: int = 0) -> list[Config]:
    """Every simulation of a profile.

    Parameters
    ----------
    profile : {"quick", "paper"}
        A key of ``PROFILES``.
    n_seeds : int
        Simulations of each curve; 0 means the profile's.

    Returns
    -------
    list of Config
        The longest texts, which take the most time, first.

    Examples
    --------
    >>> len(configs("quick")), configs("quick", n_seeds=1)[0]
    (21, Config(metric='ROUGE-L-Sum', length=36, seed=0, n_items=200))
    """
    chosen = PROFILES[profile]
    cases = [(length, metric) for metric, lengths in LENGTHS.items() for length in lengths]
    return [
        Config(metric, length, seed, chosen.n_items)
        for length, metric in sorted(cases, reverse=True)
        for seed in range(n_seeds or chosen.n_seeds)
    ]


def texts(
    p: float, length: int, n_references: int, n_items: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Answers and references as words: numbers of four digits, all ten thousand equally likely.

    Parameters
    ----------
    p : float
        Probability that a word of a reference equals the answer's word at its place.
    length, n_references, n_items : int
        Words of a text, references of an item, items.
    rng : numpy.random.Generator
        Source of the texts.

    Returns
    -------
    answers, references : ndarray of int, shapes (items, length) and (items, references, length)
        Words; :func:`join` makes texts of them.

    Notes
    -----
    The references scatter around the answer. Around a common target they would be alike (all
    right or wrong together), and the published curves are those of independent references.

    Examples
    --------
    >>> answers, references = texts(1.0, 3, 2, 1, np.random.default_rng(0))
    >>> (references == answers[:, None]).all(), references.shape
    (np.True_, (1, 2, 3))
    """
    answers = rng.integers(10_000, size=(n_items, length))
    shape = (n_items, n_references, length)
    wrong = (rng.random(shape) >= p) * rng.integers(1, 10_000, size=shape)
    return answers, (answers[:, None] + wrong) % 10_000


def join(words: np.ndarray, separator: str) -> list:
    """Write words as texts; with equal widths a text without spaces still has one reading.

    Parameters
    ----------
    words : ndarray of int, shape (..., length)
        From 0 to 9999.
    separator : str
        What stands between two words.

    Returns
    -------
    list
        Of str, nested like the leading axes.

    Examples
    --------
    >>> join(np.array([[1, 23], [456, 7]]), " "), join(np.array([[1, 23]]), "")
    (['0001 0023', '0456 0007'], ['00010023'])
    """
    if words.ndim > 1:
        return [join(row, separator) for row in words]
    return separator.join(f"{word:04d}" for word in words)


def evaluate(config: Config, data: Any) -> list[dict]:
    """Score simulated texts; see :func:`mirage.training.sweep.run`.

    Parameters
    ----------
    config : Config
        What to simulate.
    data : SIMULATION
        Not read: nothing but the configuration decides.

    Returns
    -------
    list of dict
        Rows of a score table, with the columns ``length``, ``n_references`` and ``text``, one of
        ``TEXTS``.
    """
    rng, rows = np.random.default_rng([config.seed, config.length]), []
    for n_params in N_PARAMS.tolist():
        p = float(tokens.token_probability(n_params))
        answers, references = texts(p, config.length, max(N_REFERENCES), config.n_items, rng)
        for text, separator in TEXTS.items():
            sides = join(answers, separator), join(references, separator)
            for n_references, score in zip(
                N_REFERENCES, _scores(config.metric, *sides), strict=True
            ):
                rows.append(
                    row_of(config.metric, n_params, config.length, n_references)
                    | {"text": text, "score": float(score.mean()), "n_items": config.n_items}
                    | {"family": "toy model", "seed": config.seed, "source": "simulated"}
                )
    return rows


def _scores(metric: str, answers: list[str], references: list[list[str]]) -> list[np.ndarray]:
    """Score each item against the first R references, for each R."""
    if metric == "BLEU":
        return [bleu(answers, [several[:r] for several in references]) for r in N_REFERENCES]
    # The best reference counts, so that each is scored once for every R.
    flat = [reference for several in references for reference in several]
    one = rouge_l_sum([a for a in answers for _ in references[0]], flat).reshape(len(answers), -1)
    return [one[:, :r].max(axis=1) for r in N_REFERENCES]


def row_of(metric: str, n_params: int, length: int, n_references: int) -> dict:
    """Return the columns that name one point: size, task, metric, length and references."""
    return {
        "model": f"{n_params / 1e9:.3g} B",
        "n_params": n_params,
        "task": f"L = {length}, R = {n_references}",
        "metric": metric,
        "length": length,
        "n_references": n_references,
    }
