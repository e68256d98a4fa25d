"""LaMDA in Figure 6, as published: steepness of the last step under two metrics, from both bases.

The points were read by eye. Each statistic carries the interval of that reading error; there is
none over items, since neither their number nor their scores are published. A jump is asked from
both bases (`mirage.pages.bases`): of the whole curve, and of what of it lies above a guess.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from mirage.book.claims import Found
from mirage.emergence import metric_change
from mirage.formatting import listed, number
from mirage.pages import published
from mirage.pages.bases import GUESS, spanning
from mirage.statistics.intervals import percentile_interval

STEEP = 2  # slopes of a straight line: a steeper last step is a jump
BASES = ("steepness", "above")  # statistics of `reading`: from the first score, from a guess
READING_ERROR = 0.01  # of each point, in the unit of its axis
NEAR = 0.05  # of a guess: five times the reading error


def lamda() -> pl.DataFrame:
    """Figure 6 as published: four tasks, two metrics, two numbers of shots, six sizes.

    Returns
    -------
    polars.DataFrame
        ``task, shots, metric, n_params, score``, read by eye to ± 0.01, and ``chance``, what a
        uniform guess scores: 1/K, and −(K − 1)/K² under the (negated) Brier score.

    Examples
    --------
    >>> lamda().filter(task="logical_args", metric="negative Brier score")["chance"].unique().item()
    -0.16
    """
    figure, rows = published.load("fig6_by_eye_pm0.01"), []
    for metric, key in (("multiple choice grade", "mcg"), ("negative Brier score", "neg_brier")):
        for shots in (2, 3):
            for task, scores in figure[f"{key}_shot{shots}"].items():
                k = 1 / figure["chance_mcg"][task]
                chance = 1 / k if key == "mcg" else -(k - 1) / k**2
                for n_params, score in zip(figure["params"], scores, strict=True):
                    row = {"task": task, "shots": shots, "metric": metric, "n_params": n_params}
                    rows.append(row | {"score": score, "chance": round(chance, 12)})
    return pl.DataFrame(rows).with_columns(pl.col("n_params").cast(int))


def reading(n_draws: int, rng: np.random.Generator) -> pl.DataFrame:
    """What Figure 6 says of each task and metric, within the error of reading it.

    Parameters
    ----------
    n_draws : int
        Draws of the reading errors, uniform and independent.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    polars.DataFrame
        One row per task and metric. Three statistics, each with its ends ``_low`` and ``_high``
        over the draws; scores are averaged over both numbers of shots:

        - ``steepness`` of the last step: its share of the whole change over its share of the log
          axis. 1 for a straight line in log size. The range of the scores is the whole change
          where they fall over all sizes;
        - ``above``: the same of the curve above a guess, whose lower scores count as a guess's; 0
          where nothing is above it;
        - ``last``: the change from the second largest model to the largest;
        - ``first``: the smallest model's score less that of a uniform guess.

    Examples
    --------
    >>> table = reading(100, np.random.default_rng(0)).filter(task="swahili_english_proverbs")
    >>> table.select("metric", pl.col("last").round(4)).rows()
    [('multiple choice grade', 0.072), ('negative Brier score', -0.0435)]
    """
    rows = []
    for (task, metric), one in lamda().group_by(["task", "metric"], maintain_order=True):
        sizes = one["n_params"].unique().sort().to_numpy()
        y = one.sort("shots", "n_params")["score"].to_numpy().reshape(-1, len(sizes))
        errors = rng.uniform(-READING_ERROR, READING_ERROR, (n_draws, *y.shape))
        drawn = (y + errors).mean(axis=1)  # (draws, sizes)
        found = _statistics(y.mean(axis=0), sizes, one["chance"][0])
        ends = _statistics(drawn, sizes, one["chance"][0])
        row = {"task": task, "metric": metric}
        for name, value in found.items():
            # Draws that are all alike have no interval.
            low, high = np.nan_to_num(percentile_interval(ends[name]), nan=value).tolist()
            row |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pl.DataFrame(rows)


def steepest(sizes: np.ndarray) -> float:
    """Largest steepness of the last step of a curve that never falls: it rises there alone.

    Examples
    --------
    >>> round(steepest([3.5e8, 1.3e9, 6.7e9, 1.75e11]), 1)  # GPT-3's
    1.9
    """
    log = np.log(sizes)
    return float((log[-1] - log[0]) / (log[-1] - log[-2]))


def _most_steep() -> str:
    return f"{steepest(lamda()['n_params'].unique().sort()):.1f}"


def _statistics(y: np.ndarray, sizes: np.ndarray, chance: float) -> dict[str, np.ndarray]:
    found = {"last": y[..., -1] - y[..., -2], "first": y[..., 0] - chance}
    for name, curve in (("steepness", y), ("above", np.maximum(y, chance))):
        last, whole = curve[..., -1] - curve[..., -2], curve[..., -1] - curve[..., 0]
        # A curve that falls over all sizes has no rise to compare with: its range stands in.
        whole = np.where(whole > 0, whole, np.ptp(curve, axis=-1))
        found[name] = steepest(sizes) * last / np.where(whole > 0, whole, 1)
    return found


def lamda_outcomes(read: pl.DataFrame) -> dict[str, str]:
    """Whether the rise of each of LaMDA's tasks survives the change of metric, as read.

    Parameters
    ----------
    read : polars.DataFrame
        Of `reading`.

    Returns
    -------
    dict of str to str
        By task, an outcome of `mirage.emergence.metric_change`: a last step more than twice as
        steep as a straight line, with its interval, is a jump. Undecided where the bases disagree.
    """
    found = {}
    for task, sides in sides_of(read).items():
        both = {metric_change.outcome(*(_kind(row, name) for row in sides)) for name in BASES}
        found[task] = both.pop() if len(both) == 1 else "undecided"
    return found


def sides_of(read: pl.DataFrame) -> dict[str, list[dict]]:
    """Rows of `reading` by task: under multiple choice grade and under −Brier score."""
    sides: dict[str, list[dict]] = {}
    for row in read.iter_rows(named=True):
        sides.setdefault(row["task"], []).append(row)
    return sides


def disappears(old: dict, new: dict) -> Found:
    """How far the old metric is above a jump and the new one below it: the smaller distance.

    The ends are those of both steepnesses, so that the verdict is the outcome of the figure.

    Parameters
    ----------
    old, new : dict
        Rows of `reading` of one task.

    Returns
    -------
    Found
        In slopes of a straight line, with an interval that holds both bases.
    """
    found = []
    for name in BASES:
        value, low, high = (
            min(old[f"{name}{one}"] - STEEP, STEEP - new[f"{name}{other}"])
            for one, other in (("", ""), ("_low", "_high"), ("_high", "_low"))
        )
        found.append(Found(value, (low, high)))
    steep = " and ".join(number(side["steepness"]) for side in (old, new))
    reason = (
        f"steepness {steep}, of at most {_most_steep()} on these sizes where no step falls;"
        " interval: error of reading the figure"
    )
    return spanning(found[0]._replace(reason=reason), found[1], GUESS)


def _kind(row: dict, name: str) -> str:
    if row["last_high"] < 0:
        return "falls"
    if row[f"{name}_low"] > STEEP:
        return "jump"
    return "smooth" if row[f"{name}_high"] < STEEP else "not identifiable"


def numbers(outcomes: Mapping[str, str]) -> dict[str, str]:
    """Words of the text on LaMDA, by the name under which they are glued.

    Parameters
    ----------
    outcomes : mapping of str to str
        Of `lamda_outcomes`.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> numbers({"logical_args": "persists", "irony_identification": "disappears"})["f6-lamda-text"]
    'the jump persists for logical args and disappears for irony identification'
    """
    by_outcome: dict[str, list[str]] = {}
    for task, outcome in outcomes.items():
        by_outcome.setdefault(outcome, []).append(_plain(task))
    parts = [f"{_VERBS.get(one, one)} for {listed(tasks)}" for one, tasks in by_outcome.items()]
    n = len(by_outcome.get("disappears", ()))
    return {
        "f6-lamda-text": f"the jump {listed(parts)}",
        "f6-lamda-n": f"{n or 'none'} {'disappear' if n > 1 else 'disappears'}",
        "f6-lamda-guess": _near_a_guess(lamda()),
        "f6-lamda-most": _most_steep(),
    }


_VERBS = {
    "undecided": "is undecided",
    "reversed": "is reversed",
    "no jump": "does not exist under the multiple choice grade",
}


def _plain(task: str) -> str:
    return task.replace("_", " ").replace("english ", "")


def _near_a_guess(published: pl.DataFrame) -> str:
    """Say which tasks are near a guess under multiple choice grade at all sizes but the largest."""
    means = published.filter(metric="multiple choice grade").group_by(
        "task", "n_params", maintain_order=True
    )
    above = means.agg(above=(pl.col("score").mean() - pl.col("chance").first()).round(3))
    small = above.filter(pl.col("n_params") < pl.col("n_params").max())
    early = small.filter(pl.col("above") > NEAR)
    n, n_early = above["task"].n_unique(), early["task"].n_unique()
    text = (
        f"{n - n_early} of the {n} tasks are within {NEAR:g} of a guess up to"
        f" {small['n_params'].max() / 1e9:.0f} billion parameters, and higher at"
        f" {above['n_params'].max() / 1e9:.0f} billion"
    )
    for row in early.unique("task", keep="first", maintain_order=True).iter_rows(named=True):
        text += (
            f"; {_plain(row['task'])} are {row['above']:.2f} above it at"
            f" {row['n_params'] / 1e9:.0f} billion already"
        )
    return text
