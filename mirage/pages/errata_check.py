"""Computations behind the errata: simulation, enumeration, and the argument with slips mended.

ε is the probability that a token is wrong, as in the paper's appendix, and p = 1 − ε.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl
from rapidfuzz.distance import Hamming
from rapidfuzz.process import cpdist
from scipy.special import expit, logit

from mirage.emergence.dormancy import dormancy
from mirage.metrics.strings import exact_match, token_edit_distance
from mirage.pages import published
from mirage.theory import tokens
from mirage.theory.choices import coherent_choices

GPT3_LARGEST = 175e9  # parameters, as Figure 3 and OpenAI have it
PAIRS = ("accuracy and edit distance", "grade and Brier score")


class Answers(NamedTuple):
    """Simulated answers: token edit distance (tokens) and exact match (0 or 1) of each."""

    distance: np.ndarray
    match: np.ndarray


class Pairs(NamedTuple):
    """What every pair of short strings shows of edit distance and Hamming distance.

    Attributes
    ----------
    n_pairs : int
        Ordered pairs of strings.
    least : int
        Smallest edit distance minus Hamming distance, over pairs of equal length.
    share_below : float
        Share of the pairs of equal length whose edit distance is the smaller one.
    n_outside : int
        Pairs with TED below the difference d of the lengths, or above min(Hamming + d, max length).
    """

    n_pairs: int
    least: int
    share_below: float
    n_outside: int


class SmallestSteps(NamedTuple):
    """Smallest step of accuracy and of token accuracy on a small test set, in [0, 1]."""

    accuracy: float
    token_accuracy: float


def simulate(
    p: float, n_answers: int, rng: np.random.Generator, length: int = 5, vocabulary: int = 50_000
) -> Answers:
    """Draw answers whose tokens are right with probability p, independently, and score them.

    Parameters
    ----------
    p : float
        Token probability; a wrong token is any other one of the vocabulary, equally likely.
    n_answers : int
        Answers to draw.
    rng : numpy.random.Generator
        Source of the draws.
    length, vocabulary : int
        Tokens of a target, and different tokens.

    Returns
    -------
    Answers
        Arrays of shape (n_answers,).
    """
    targets = rng.integers(vocabulary, size=(n_answers, length))
    is_wrong = rng.random(targets.shape) >= p
    others = (targets + rng.integers(1, vocabulary, size=targets.shape)) % vocabulary
    answers, targets = _texts(np.where(is_wrong, others, targets)), _texts(targets)
    return Answers(token_edit_distance(answers, targets), exact_match(answers, targets))


def _texts(tokens: np.ndarray) -> list[str]:
    """Rows of tokens as strings of as many characters, compared in a tenth of the time."""
    characters = (tokens + 0x10000).astype(np.uint32)  # beyond surrogates, and none is 0
    return characters.view(f"U{tokens.shape[1]}")[:, 0].tolist()


def string_pairs(longest: int = 4) -> Pairs:
    """Compare edit distance and Hamming distance on all pairs of strings over four tokens.

    Parameters
    ----------
    longest : int
        Length of the longest strings.

    Returns
    -------
    Pairs

    Examples
    --------
    >>> string_pairs(2)
    Pairs(n_pairs=400, least=0, share_below=0.0, n_outside=0)
    """
    strings = ["".join(s) for n in range(1, longest + 1) for s in product("1234", repeat=n)]
    left, right = zip(*product(strings, strings), strict=True)
    distance = token_edit_distance(left, right)
    padded = cpdist(left, right, scorer=Hamming.distance, scorer_kwargs={"pad": True})
    lengths = np.array([[len(s) for s in left], [len(s) for s in right]])
    gap = np.abs(lengths[0] - lengths[1])  # padded = mismatches in the common length + gap
    inside = (gap <= distance) & (distance <= np.minimum(padded, lengths.max(axis=0)))
    difference = (distance - padded)[gap == 0]
    return Pairs(
        len(left), int(difference.min()), float((difference < 0).mean()), int((~inside).sum())
    )


def smallest_steps(n_items: int = 4, length: int = 3) -> SmallestSteps:
    """Find the smallest steps of two metrics over every pattern of right and wrong tokens.

    Examples
    --------
    >>> smallest_steps(2, 2)
    SmallestSteps(accuracy=0.5, token_accuracy=0.25)
    """
    n_tokens = n_items * length
    patterns = np.array(list(product([False, True], repeat=n_tokens)))
    items = patterns.reshape(-1, n_items, length).all(axis=2).sum(axis=1)
    steps = (np.diff(np.unique(count)).min() for count in (items, patterns.sum(axis=1)))
    of_items, of_tokens = steps
    return SmallestSteps(float(of_items / n_items), float(of_tokens / n_tokens))


def argument(n_answers: int, rng: np.random.Generator) -> pl.DataFrame:
    """Repeat Figure 2's comparison of metrics with the slips mended, one by one and together.

    Parameters
    ----------
    n_answers : int
        Simulated answers for each size, where the edit distance has no closed form.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    polars.DataFrame
        Columns ``variant``, ``pair`` ("accuracy and edit distance" or "grade and Brier score"),
        the dormant shares ``sharp`` and ``smooth``, their ``difference``, and for choices that
        ``from_guess``: of the shares above the level of a guess.

    Notes
    -----
    Unequal items: token log odds ± 1.5 on either half of the items, or a spread of 1 nat of the
    logit margin where there are choices.
    """
    published_sizes = np.array(published.load("fig2")["N"])
    mended = np.append(published_sizes[:-1], GPT3_LARGEST)
    p, q = tokens.token_probability(published_sizes), tokens.token_probability(mended)
    rows = [
        ("as published", published_sizes, p**5, -5 * (1 - p)),
        ("175 billion parameters for 200", mended, q**5, -5 * (1 - q)),
        ("edit distance, simulated", published_sizes, p**5, _simulated(p, n_answers, rng)),
        ("items of unequal difficulty", published_sizes, *_unequal(p)),
        ("all of these", mended, _unequal(q)[0], _simulated_unequal(q, n_answers, rng)),
    ]
    grades = [("as published", tokens.multiple_choice_grade(p, 2), -tokens.brier_score(p))]
    for name, spread in (("one model, items alike", 0.0), ("one model, unequal items", 1.0)):
        scores = coherent_choices(p, 2, spread)
        grades.append((name, scores.grade, -scores.brier))
    table = [_compared(PAIRS[0], *row) for row in rows]
    guess = 1 / 2, -tokens.brier_score(1 / 2)
    table += [_compared(PAIRS[1], name, published_sizes, *pair, guess) for name, *pair in grades]
    return pl.DataFrame(table, infer_schema_length=None)


def _compared(pair: str, variant: str, sizes, sharp, smooth, guess=None) -> dict:
    both = np.stack([sharp, smooth])
    shares = np.asarray(dormancy(both, sizes).share).tolist()
    row = {"pair": pair, "variant": variant, "sharp": shares[0], "smooth": shares[1]}
    above = None if guess is None else float(-np.diff(dormancy(both, sizes, guess).share)[0])
    return row | {"difference": shares[0] - shares[1], "from_guess": above}


def _simulated(p: np.ndarray, n_answers: int, rng: np.random.Generator) -> np.ndarray:
    """−token edit distance with ten different tokens, so that shifted answers match in part."""
    draws = (simulate(value, n_answers, rng, vocabulary=10).distance.mean() for value in p)
    return -np.array(list(draws))


def _halves(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return expit(logit(p) - 1.5), expit(logit(p) + 1.5)


def _unequal(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hard, easy = _halves(p)
    return (hard**5 + easy**5) / 2, -5 * (1 - (hard + easy) / 2)


def _simulated_unequal(p: np.ndarray, n_answers: int, rng: np.random.Generator) -> np.ndarray:
    return sum(_simulated(half, n_answers, rng) for half in _halves(p)) / 2
