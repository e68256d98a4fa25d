"""What a number of items can show of a rare success (Figure 4).

A model of the family has a known accuracy under sampling, the mean of exp(Σ log p). Here it is
also *measured*, with few items and with many, and by sampling until a fixed number of passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import betaincinv

from mirage.arithmetic import scoring
from mirage.arithmetic.family import Trained
from mirage.arithmetic.model import Transformer
from mirage.arithmetic.tasks import Task
from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Equals, Exceeds
from mirage.metrics.strings import exact_match
from mirage.statistics import resolution
from mirage.statistics.intervals import clopper_pearson_interval
from mirage.statistics.item_counts import items_to_exceed

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="figure-4-chance",
        kind=Kind.PAPER,
        place="Section 4, Figure 4: with more test items even the smallest models are above chance",
        statement="Of the paper's 72 accuracies, the number that lie below chance. The interval"
        " counts those that do so whatever the number of items and the reading error, and those"
        " that may.",
        rule=Equals(0),
        published=0,
    ),
    Claim(
        id="figure-4-rises",
        kind=Kind.PAPER,
        place="Section 4, Figure 4: accuracy rises smoothly and predictably with scale",
        statement="Of the paper's 18 curves of accuracy (task, target length, temperature), the"
        " number on which a larger model has a lower accuracy than the one before. The interval"
        " counts falls beyond what the items allow, and all.",
        rule=Equals(0),
        published=0,
    ),
    Claim(
        id="figure-4-foot",
        kind=Kind.IMPLIED,
        place="Section 4: small test sets make small models look unable",
        statement="Models of our family that would probably score 0 on a test of 100 items, though"
        " none has an accuracy of 0: their number.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-4-seen",
        kind=Kind.IMPLIED,
        place="Section 4: with enough test items every model has some right answers",
        statement="Largest probability, over our models, of no right answer among 100,000 items.",
        rule=Below(0.05),
    ),
    Claim(
        id="figure-4-smallest-times",
        kind=Kind.IMPLIED,
        place="Section 4, Figure 4: even the smallest models are above chance",
        statement="Our smallest transformer, products of four digits: expected exact match at"
        " temperature 1 divided by chance.",
        rule=Exceeds(1),
    ),
    Claim(
        id="figure-4-smallest-plus",
        kind=Kind.IMPLIED,
        place="Section 4, Figure 4: even the smallest models are above chance",
        statement="Our smallest transformer, sums of five digits: expected exact match at"
        " temperature 1 divided by chance.",
        rule=Exceeds(1),
    ),
    Claim(
        id="figure-4-linear-times",
        kind=Kind.OURS,
        place="Is the paper's scaling law the shape of the curve? (Hu et al. 2024)",
        statement="Our products of four digits: p-value of a curvature of log(−log accuracy)"
        " against log size, which the paper's model makes a straight line.",
        rule=Exceeds(0.05),
    ),
    Claim(
        id="figure-4-linear-plus",
        kind=Kind.OURS,
        place="Is the paper's scaling law the shape of the curve? (Hu et al. 2024)",
        statement="Our sums of five digits: p-value of a curvature of log(−log accuracy) against"
        " log size, which the paper's model makes a straight line.",
        rule=Exceeds(0.05),
    ),
    Claim(
        id="figure-4-pass-until",
        kind=Kind.OURS,
        place="Can an accuracy near 0 be measured without its closed form? (Hu et al. 2024)",
        statement="Share of the 95 % PassUntil intervals of our models that contain the exact"
        " accuracy.",
        rule=Exceeds(0.75),
    ),
)

MODEL = ("family", "model", "n_params", "task", "seed")
FIRST, LARGEST = 250, 10_000  # samples drawn at once, doubled from the one to the other
N_ITEMS = (100, 1000, 10_000, 100_000)  # sizes of test sets


@dataclass(frozen=True)
class Profile:
    """How closely to look.

    Parameters
    ----------
    n_problems : int
        Held-out problems of one target length that the closed form averages over.
    r : int
        Passes that PassUntil waits for: 10 give a relative error of 1/√8.
    max_samples : int
        Where it gives up.
    """

    n_problems: int
    r: int
    max_samples: int


PROFILES = {
    "quick": Profile(n_problems=5000, r=10, max_samples=20_000),  # seconds
    "paper": Profile(n_problems=50_000, r=10, max_samples=200_000),  # chance passes ten times
}


def measure(
    outcomes: pl.DataFrame, n_items: Sequence[int], rng: np.random.Generator
) -> pl.DataFrame:
    """Measure accuracy at temperature 1 with so many items, as if nothing else were known.

    Parameters
    ----------
    outcomes : polars.DataFrame
        From `mirage.arithmetic.family.outcomes`; all models have the same items.
    n_items : sequence of int
        Sizes of the test sets.
    rng : numpy.random.Generator
        Draws the items, the same for all models, and the models' answers.

    Returns
    -------
    polars.DataFrame
        A row per model, seed and test set: ``n_items``, ``n_correct``, the accuracy ``score``,
        its Clopper–Pearson interval ``low``, ``high``, and ``expected``, what it estimates.

    Notes
    -----
    Items are drawn with replacement: there are only 10 000 products of two-digit numbers. A sample
    is right with probability exp(Σ log p) of its item, and drawn from just that.

    Examples
    --------
    >>> row = {"family": "a", "model": "b", "n_params": 1, "task": "c", "seed": 0}
    >>> table = pl.DataFrame([row | {"item": i, "log_likelihood": float(np.log(0.5))}
    ...                       for i in range(10)])
    >>> rng = np.random.default_rng(0)
    >>> measure(table, [100], rng).select("n_items", "n_correct", "expected").row(0)
    (100, 46, 0.5)
    """
    models = outcomes.sort("n_params", "seed", "item").group_by(MODEL, maintain_order=True)
    chances = {key: np.exp(part["log_likelihood"].to_numpy()) for key, part in models}
    rows = []
    for n in n_items:
        drawn = rng.integers(len(next(iter(chances.values()))), size=n)
        for key, p in chances.items():
            k = int((rng.random(n) < p[drawn]).sum())
            low, high = clopper_pearson_interval(k, n)
            row = dict(zip(MODEL, key, strict=True)) | {"n_items": n, "n_correct": k}
            rows.append(row | {"score": k / n, "low": low, "high": high, "expected": p.mean()})
    return pl.DataFrame(rows)


class Passes(NamedTuple):
    """How sampling ended.

    Attributes
    ----------
    n_samples : int
        Samples drawn, up to the last pass that was waited for.
    n_passes : int
        Right ones among them.
    """

    n_samples: int
    n_passes: int


def sample_until(
    model: Transformer,
    task: Task,
    problems: np.ndarray,
    r: int,
    max_samples: int,
    rng: np.random.Generator,
) -> Passes:
    """Let a model answer random problems at temperature 1 until it was right r times.

    Parameters
    ----------
    model : mirage.arithmetic.model.Transformer
        Trained on the task.
    task : Task
    problems : ndarray of int, shape (problems, 2)
        Operands to draw from, with replacement.
    r : int
        Passes to wait for.
    max_samples : int
        Where to give up.
    rng : numpy.random.Generator

    Returns
    -------
    Passes
        Fewer than r passes if it gave up.
    """
    n, passes, size = 0, 0, FIRST
    while n < max_samples:
        size = min(size, max_samples - n)
        asked = problems[rng.integers(len(problems), size=size)]
        given = scoring.completions(model, task, asked, 1.0, int(rng.integers(2**31)))
        answers = [str(answer) for answer in task.answer(*asked.T).tolist()]
        right = np.flatnonzero(exact_match(given, answers))
        if passes + len(right) >= r:
            return Passes(n + int(right[r - passes - 1]) + 1, r)
        n, passes, size = n + size, passes + len(right), min(2 * size, LARGEST)
    return Passes(n, passes)


def pass_until(
    models: Sequence[Trained],
    task: Task,
    problems: np.ndarray,
    depth: Profile,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Estimate the accuracy of models at temperature 1 by PassUntil (Hu et al. 2024).

    Parameters
    ----------
    models : sequence of Trained
    task, problems, rng
        As in `sample_until`.
    depth : Profile
        Its ``r`` and ``max_samples``.

    Returns
    -------
    polars.DataFrame
        A row per model: ``n_samples``, ``n_passes``, ``score``, ``low``, ``high`` (95 %), and
        ``expected``, the mean of exp(Σ log p) over the problems. With r passes the score is
        `mirage.statistics.resolution.pass_until`'s;
        with fewer it is their share of the samples, with the
        interval of Clopper and Pearson.

    Notes
    -----
    Generations, not draws from the closed form: the two can disagree.
    """
    rows = []
    for name, n_params, seed, model in models:
        n, passes = sample_until(model, task, problems, depth.r, depth.max_samples, rng)
        found = resolution.pass_until(n, passes) if passes == depth.r else None
        low, high = found.interval if found else clopper_pearson_interval(passes, n)
        forced = scoring.teacher_forced(model, task, problems)
        row = {"model": name, "n_params": n_params, "task": task.name, "seed": seed}
        row |= {"n_samples": n, "n_passes": passes, "low": low, "high": high}
        row |= {"score": float(found.estimate) if found else passes / n}
        rows.append(row | {"expected": float(np.exp(forced.log_likelihood).mean())})
    return pl.DataFrame(rows)


def against_chance(scores: pl.DataFrame, chance: dict[str, float]) -> pl.DataFrame:
    """Compare accuracies of unknown item counts with chance.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table of accuracies with the columns ``task`` and ``target_length``.
    chance : dict
        Accuracy of a guess, by task.

    Returns
    -------
    polars.DataFrame
        The table and the columns

        - ``chance``;
        - ``fewest``: the fewest items there can have been, if all cells of a target length had
          the same: the lowest accuracy above 0 is then at least one right answer;
        - ``low``, ``high``: the 95 % interval at ``fewest`` items, the widest possible;
        - ``needed``: see `items_to_exceed`;
        - ``verdict``: "never above" chance, whatever the items; "depends" on how many there were;
          or "above", already with the fewest.

    Examples
    --------
    >>> table = pl.DataFrame({"task": ["sum"] * 3, "target_length": [1] * 3,
    ...                       "score": [5e-5, 2e-4, 0.5]})
    >>> against_chance(table, {"sum": 1e-4})["verdict"].to_list()
    ['never above', 'depends', 'above']
    """
    positive = pl.col("score").filter(pl.col("score") > 0).min()
    table = scores.with_columns(
        chance=pl.col("task").replace_strict(chance, return_dtype=pl.Float64),
        fewest=(1 / positive).floor().over("task", "target_length").cast(pl.Int64),
    )
    a, n = table["score"].to_numpy(), table["fewest"].to_numpy()
    right, wrong = n * a, n * (1 - a)
    pairs = zip(table["chance"].to_list(), table["score"].to_list(), strict=True)
    none, all_ = right <= 0, wrong <= 0  # where an end is known
    table = table.with_columns(
        low=np.where(none, 0, betaincinv(np.where(none, 1, right), wrong + 1, 0.025)),
        high=np.where(all_, 1, betaincinv(right + 1, np.where(all_, 1, wrong), 0.975)),
        needed=pl.Series([items_to_exceed(c, y) for c, y in pairs], dtype=pl.Float64),
    )
    verdict = (
        pl.when(pl.col("needed").is_infinite())
        .then(pl.lit("never above"))
        .when(pl.col("needed") > pl.col("fewest"))
        .then(pl.lit("depends"))
        .otherwise(pl.lit("above"))
    )
    return table.with_columns(verdict=verdict)
