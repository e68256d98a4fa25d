"""How sharp accuracy and loss are on the same items, where only a few models answered them.

Four models cannot tell a break from a smooth curve (`mirage.fits`); but their items can be drawn
again, which gives the emergence score an interval under either metric.
"""

import numpy as np
import polars as pl
from scipy.special import ndtri

from mirage.emergence.metric_change import outcome
from mirage.emergence.scores import spaced_emergence_score
from mirage.statistics.bootstrap import item_bootstrap
from mirage.statistics.intervals import Interval, percentile_interval

TWICE = 2.0  # a jump is sharper than this, in units of a straight line in log size


def sharpness(outcomes: pl.DataFrame, n_resamples: int, rng: np.random.Generator) -> pl.DataFrame:
    """Judge accuracy and loss on the same items.

    Parameters
    ----------
    outcomes : polars.DataFrame
        An outcome table with the columns ``correct`` and ``loss`` (nats); blanks are left out.
    n_resamples : int
        Bootstrap resamples of the items, the same for all models and for both metrics.
    rng : numpy.random.Generator
        Source of the resamples.

    Returns
    -------
    polars.DataFrame
        One row per family and task on which at least 4 models have both metrics on the same
        items: spaced emergence scores ``accuracy`` and ``loss`` (a straight line in log size has
        1; of minus the loss), their ends ``_low`` and ``_high``; ``ratio`` of their magnitudes
        with its ends; and `mirage.emergence.metric_change.outcome`.

    Notes
    -----
    A metric *jumps* if its whole interval is above `TWICE`, is smooth if it is below, and falls
    if it is negative; between these it is not identifiable.
    The root of the median is not taken below the noise of the items: Φ⁻¹(¾) times the root
    median square standard error of a step, paired over items.
    """
    rows = []
    both = outcomes.drop_nulls(["correct", "loss"]).sort("n_params")
    for (family, task), one in both.group_by(["family", "task"], maintain_order=True):
        sizes = one.select("model", "n_params").unique(maintain_order=True)
        if sizes.height < 4:
            continue
        wide = [
            one.pivot(on="model", index="item", values=name).sort("item").drop_nulls()
            for name in ("correct", "loss")
        ]
        items = wide[0].select(sizes["model"].to_list()).to_numpy().astype(float).T
        losses = -wide[1].select(sizes["model"].to_list()).to_numpy().astype(float).T
        both_metrics = np.stack([items, losses])  # (2, models, items)
        rows.append(
            {"family": family, "task": task, "n_models": len(items), "n_items": items.shape[1]}
            | _sharpness(both_metrics, sizes["n_params"].to_numpy(), n_resamples, rng)
        )
    return pl.DataFrame(rows)


def _sharpness(values: np.ndarray, x: np.ndarray, n_resamples: int, rng) -> dict:
    steps = np.diff(values, axis=1)  # (2, models − 1, items)
    error = steps.std(axis=2, ddof=1) / np.sqrt(steps.shape[2])
    floor = ndtri(0.75) * np.sqrt(np.median(error**2, axis=1))
    floor = np.maximum(floor, 1 / values.shape[2])  # all items may move together
    flat = values.reshape(-1, values.shape[2])
    draws = item_bootstrap(flat, n_resamples, rng).reshape(n_resamples, *values.shape[:2])
    found = spaced_emergence_score(values.mean(axis=2), x, floor)
    drawn = spaced_emergence_score(draws, x, np.broadcast_to(floor, draws.shape[:2]))
    row, kinds = {}, []
    for i, name in enumerate(("accuracy", "loss")):
        ends = percentile_interval(drawn[:, i])
        row |= {name: float(found[i]), f"{name}_low": ends.low, f"{name}_high": ends.high}
        kinds.append(_kind(ends))
    ratio = percentile_interval(np.abs(drawn[:, 0]) / np.maximum(np.abs(drawn[:, 1]), 1e-12))
    row |= {"ratio": float(abs(found[0] / found[1])), "ratio_low": ratio.low}
    return row | {"ratio_high": ratio.high, "outcome": outcome(*kinds)}


def _kind(ends: Interval) -> str:
    if ends.low > TWICE:
        return "jump"
    if ends.high < 0:
        return "falls"
    return "smooth" if ends.high < TWICE else "not identifiable"
