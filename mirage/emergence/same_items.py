"""Which of two metrics stays dormant longer on the same items, where few models answered them.

Four models cannot distinguish a break from a smooth curve (`mirage.fits`). But their items can be
drawn again, which gives the dormant shares of both metrics and their difference an interval.
"""

import numpy as np
import polars as pl
from scipy.special import ndtri

from mirage.emergence.dormancy_bootstrap import dormancy_difference

OUTCOMES = ("longer", "shorter", "undecided", "reversed", "no rise")


def differences(outcomes: pl.DataFrame, n_resamples: int, rng: np.random.Generator) -> pl.DataFrame:
    """Compare the dormant shares of accuracy and loss on the same items.

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
        items: dormant shares of ``accuracy`` and of ``loss`` (of minus the loss); their
        ``difference`` with its 95 % interval ``low``, ``high``; ``disjoint``, whether the rises
        begin between other models; and ``outcome``, one of `OUTCOMES`: whether accuracy stays
        dormant "longer" or "shorter" (the interval excludes 0), "undecided", "reversed" (the loss
        gets worse) or "no rise" (accuracy does not improve).

    See Also
    --------
    mirage.emergence.dormancy_difference : The statistic.

    Notes
    -----
    A metric rises or falls where the mean paired change from the smallest to the largest model
    is more than 1.96 standard errors from 0.
    """
    rows = []
    both = outcomes.drop_nulls(["correct", "loss"]).sort("n_params")
    for (family, task), run in both.group_by(["family", "task"], maintain_order=True):
        sizes = run.select("model", "n_params").unique(maintain_order=True)
        if sizes.height < 4:
            continue
        wide = [
            run.pivot(on="model", index="item", values=name).sort("item").drop_nulls()
            for name in ("correct", "loss")
        ]
        right = wide[0].select(sizes["model"].to_list()).to_numpy().astype(float).T
        losses = wide[1].select(sizes["model"].to_list()).to_numpy().astype(float).T
        row = {"family": family, "task": task, "n_models": len(right), "n_items": right.shape[1]}
        x = sizes["n_params"].to_numpy()
        rows.append(row | _difference(right, -losses, x, n_resamples, rng))
    return pl.DataFrame(rows, infer_schema_length=None)


def _difference(right, likelihood, x, n_resamples, rng) -> dict:
    found = dormancy_difference(right, likelihood, x, rng, per_item=True, n_resamples=n_resamples)
    trends = [_trend(values) for values in (right, likelihood)]
    if trends[0] <= 0:
        outcome = "no rise"
    elif trends[1] < 0:
        outcome = "reversed"
    elif found.low > 0 or found.high < 0:
        outcome = "longer" if found.low > 0 else "shorter"
    else:
        outcome = "undecided"
    row = {"accuracy": found.a.share, "loss": found.b.share, "difference": found.difference}
    row |= {"low": found.low, "high": found.high, "disjoint": found.disjoint}
    return row | {"outcome": outcome}


def _trend(values: np.ndarray) -> int:
    """1 where the largest model is better than the smallest, −1 where it is worse, else 0."""
    change = values[-1] - values[0]
    error = change.std(ddof=1) / np.sqrt(len(change))
    return int(np.sign(change.mean())) if abs(change.mean()) > ndtri(0.975) * error else 0
