"""Measuring an accuracy of our models that is known exactly: with n items, and until r passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from mirage.arithmetic import scoring
from mirage.arithmetic.family import Trained
from mirage.arithmetic.model import Transformer
from mirage.arithmetic.tasks import Task
from mirage.metrics.strings import exact_match
from mirage.statistics import resolution
from mirage.statistics.intervals import clopper_pearson_interval

MODEL = ("family", "model", "n_params", "task", "seed")
FIRST, LARGEST = 250, 10_000  # samples drawn at once, doubled from the first to the second
N_ITEMS = (100, 1000, 10_000, 100_000)  # sizes of test sets


@dataclass(frozen=True)
class Profile:
    """Effort of the measurements.

    Parameters
    ----------
    n_problems : int
        Largest number of held-out problems of one target length; the exact accuracy is their mean.
    r : int
        Passes that PassUntil waits for: 10 give a relative error of 1/√8.
    max_samples : int
        Number of samples at which it gives up.
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
    """Measure accuracy at temperature 1 with a given number of sampled items.

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
