"""Simulations behind the page on the emergence score: its faults as tables and numbers.

The score is the paper's (Section 4). Curves have 12 models unless said otherwise; the smooth ones
are the paper's model p^L, the jump goes from .25 to .6 half-way. Where a rule is to
distinguish the two, the smooth ones are rescaled to the same rise, since the score grows with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import mannwhitneyu

from mirage.emergence.dormancy import dormancy
from mirage.emergence.nulls import null_scores
from mirage.emergence.scores import emergence_score, noise_floor, spaced_emergence_score
from mirage.fits.curve import fit_curves
from mirage.fits.data import checked
from mirage.pages import published
from mirage.statistics.bootstrap import binomial_bootstrap, draw_accuracies
from mirage.statistics.intervals import mean_interval, percentile_interval
from mirage.theory import tokens

N_MODELS = 12  # models of a simulated curve: the number of BIG-G's sizes
METRICS = ("accuracy", "−token edit distance")
LOW, HIGH = 0.25, 0.6  # accuracies before and after the simulated jump
JUMP = np.repeat([LOW, HIGH], N_MODELS // 2)  # half-way through the models
TREND = np.linspace(LOW, HIGH, N_MODELS)  # the same rise, evenly spread
N_BLOCKS = 20  # the draws are split, so that a number from all of them has an interval


class Profile(NamedTuple):
    """How much is simulated: draws of the score, judged curves, and fits at each setting."""

    n_draws: int
    n_curves: int
    n_fits: int


PROFILES = {"quick": Profile(4000, 120, 20), "paper": Profile(40_000, 800, 200)}


class Estimate(NamedTuple):
    """A number from simulation, its 95 % interval by blocks of draws, and how many draws."""

    value: float
    interval: tuple[float, float]
    n_draws: int


def gpt_sizes() -> np.ndarray:
    """Return the four sizes of Figure 2, numbers of parameters."""
    return np.array(published.load("fig2")["N"])


def sizes(n: int = N_MODELS) -> np.ndarray:
    """Return n sizes over the range of Figure 2, evenly spaced on a logarithmic axis."""
    low, *_, high = gpt_sizes()
    return np.geomspace(low, high, n)


def by_grid(counts: Sequence[int] = range(4, 41)) -> pl.DataFrame:
    """Three measures of the paper's model (L = 5) on more and more sizes over one range.

    Parameters
    ----------
    counts : sequence of int
        Numbers of log-spaced sizes.

    Returns
    -------
    polars.DataFrame
        Columns ``sizes`` ("GPT-3" for Figure 2's four, else "log-spaced"), ``n_sizes``,
        ``metric``; ``score``, ``spaced_score`` and ``dormant_share``.

    Examples
    --------
    >>> table = by_grid([12])
    >>> table.select("sizes", "metric", pl.col("score").round(2)).row(0)
    ('GPT-3', 'accuracy', 9.62)
    >>> [round(y, 2) for y in table.filter(sizes="log-spaced")["score"]]
    [9.92, 10.82]
    """
    rows = []
    grids = [("GPT-3", gpt_sizes()), *(("log-spaced", sizes(n)) for n in counts)]
    for name, grid in grids:
        p = tokens.token_probability(grid)
        curves = tokens.accuracy(p, 5), -tokens.token_edit_distance(p, 5)
        for metric, y in zip(METRICS, curves, strict=True):
            rows.append(
                {
                    "sizes": name,
                    "n_sizes": len(grid),
                    "metric": metric,
                    "score": float(emergence_score(y)),
                    "spaced_score": float(spaced_emergence_score(y, grid)),
                    "dormant_share": dormancy(y, grid).share,
                }
            )
    return pl.DataFrame(rows)


def infinite_shares(
    lengths: Sequence[int], items: Sequence[int], n_draws: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Share of test sets, drawn from the paper's model at 12 sizes, whose score is infinite.

    Parameters
    ----------
    lengths, items : sequence of int
        Target lengths in tokens, and numbers of items.
    n_draws : int
        Test sets of each.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    polars.DataFrame
        Columns ``length``, ``n_items`` and ``share`` in [0, 1].
    """
    p = tokens.token_probability(sizes())
    return pl.DataFrame(
        [
            {
                "length": length,
                "n_items": n,
                "share": float(np.isinf(null_scores(p**length, n, n_draws, rng)).mean()),
            }
            for length in lengths
            for n in items
        ]
    )


def of_tasks(scores: pl.DataFrame, n_resamples: int, rng: np.random.Generator) -> pl.DataFrame:
    """Emergence score of each task: by its definition, and with a floor and an interval.

    Parameters
    ----------
    scores : polars.DataFrame
        Score table of accuracies of one family, the same models for each task, with ``n_items``.
    n_resamples : int
        Test sets drawn from each.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    polars.DataFrame
        Columns ``task``, ``score``, ``floored``, and ``low`` and ``high``, the 95 % interval of
        ``floored`` over items; by ``floored``, ascending.
    """
    curves = scores.sort("n_params").group_by("task", maintain_order=True)
    curves = curves.agg("score", "n_items")
    y, n_items = (np.array(curves[name].to_list()) for name in ("score", "n_items"))
    floor = noise_floor(y, n_items)
    draws = emergence_score(binomial_bootstrap(y, n_items, n_resamples, rng), floor)
    low, high = percentile_interval(draws)
    columns = {"score": emergence_score(y), "floored": emergence_score(y, floor)}
    return curves.select("task").with_columns(**columns, low=low, high=high).sort("floored")


def of_jump(
    items: Sequence[int], n_draws: int, n_fits: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Emergence score and fitted height of one jump, with more and more items.

    Parameters
    ----------
    items : sequence of int
        Numbers of items.
    n_draws, n_fits : int
        Test sets for the score, and test sets to which a step is fitted.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    polars.DataFrame
        Columns ``n_items``, ``quantity`` ("score" or "height"), and the median ``score`` with
        ``low`` and ``high``, between which 95 % of the draws lie.
    """
    rows = []
    for n in items:
        draws = draw_accuracies(JUMP, n, n_fits, rng)
        drawn = [checked(sizes(), draw, n, None, "size", None) for draw in draws]
        steps = [found.parameters for found in fit_curves(drawn, "step")]
        heights = [step["after"] - step["before"] for step in steps]
        for quantity, values in (
            ("score", null_scores(JUMP, n, n_draws, rng)),
            ("height", heights),
        ):
            low, median, high = np.quantile(values, [0.025, 0.5, 0.975]).tolist()
            ends = {"score": median, "low": low, "high": high}
            rows.append({"n_items": int(n), "quantity": quantity} | ends)
    return pl.DataFrame(rows)


def tails(n_items: int, n_draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Absolute value of the score over test sets of three true curves of 12 models, sorted.

    Parameters
    ----------
    n_items, n_draws : int
        Items of a test set, and test sets.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    dict of str to ndarray, shape (n_draws,)
        "no trend", "smooth trend" and "jump"; infinite scores are the last.
    """
    curves = {"no trend": np.full(N_MODELS, LOW), "smooth trend": TREND, "jump": JUMP}
    return {
        name: np.sort(np.abs(null_scores(y, n_items, n_draws, rng))) for name, y in curves.items()
    }


def in_blocks(number: Callable[..., float], *draws: np.ndarray) -> Estimate:
    """Compute a number from all draws, with an interval about it from what blocks of them give.

    The blocks say how much the number scatters: Student's half-width of their mean. Their mean is
    not where it lies: a quantile or a ratio of medians of few draws is biased, that of all draws
    much less, and with many draws the bias of the blocks exceeds the half-width.

    Examples
    --------
    >>> found = in_blocks(np.mean, np.tile([0.0, 2.0], 50))
    >>> float(found.value), found.n_draws
    (1.0, 100)
    """
    blocks = zip(*(np.array_split(values, N_BLOCKS) for values in draws), strict=True)
    low, high = mean_interval([number(*block) for block in blocks])
    value, half = float(number(*draws)), float(high - low) / 2
    return Estimate(value, (value - half, value + half), len(draws[0]))


def smooth_curves() -> np.ndarray:
    """Return the paper's model p^L, L = 1 to 5, rescaled to the rise of the jump.

    Returns
    -------
    ndarray, shape (5, 12)
        Each from .25 to .6.
    """
    curves = tokens.token_probability(sizes()) ** np.arange(1, 6)[:, None]
    first, last = curves[:, :1], curves[:, -1:]
    return LOW + (HIGH - LOW) * (curves - first) / (last - first)


def growth(n_draws: int, rng: np.random.Generator) -> Estimate:
    """Median score of the jump with 10 000 items, over that with 100."""
    many, few = (null_scores(JUMP, n, n_draws, rng) for n in (10_000, 100))
    return in_blocks(lambda a, b: np.median(a) / np.median(b), many, few)


def chance_tail(n_items: int, n_draws: int, rng: np.random.Generator) -> Estimate:
    """Return the 99 % quantile of the score of a smooth trend, over a straight line's 11."""
    draws = null_scores(TREND, n_items, n_draws, rng)
    return in_blocks(lambda a: np.quantile(a, 0.99, method="lower") / (N_MODELS - 1), draws)


def separation(n_items: int, n_draws: int, rng: np.random.Generator) -> Estimate:
    """Area under the ROC curve of the score, jumps against smooth curves of the same rise.

    Parameters
    ----------
    n_items, n_draws : int
        Items of a test set, and test sets of each of the two kinds; the smooth ones are those of
        `smooth_curves` in turn.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    Estimate
        In [0, 1]: the probability that a jump scores higher than a smooth curve.
    """
    curves = smooth_curves()
    smooth = np.stack([null_scores(y, n_items, n_draws // len(curves), rng) for y in curves], 1)
    jumps = null_scores(JUMP, n_items, n_draws, rng)
    return in_blocks(area, jumps, smooth.ravel())


def area(jumps: np.ndarray, smooth: np.ndarray) -> float:
    """Share of pairs in which the jump scores higher, a tie counted as a half.

    Examples
    --------
    >>> area(np.array([1.0, 3.0]), np.array([0.0, 2.0]))
    0.75
    """
    return float(mannwhitneyu(jumps, smooth).statistic / (len(jumps) * len(smooth)))
