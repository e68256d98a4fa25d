"""Does a jump survive a change of metric? The same models under two metrics (Figure 6).

Under a metric the scores *jump* if a broken or a step curve explains them better than every
smooth one, by the margin of `mirage.fits.compare`. `outcome` says what two verdicts mean together.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import stdtrit

from mirage.fits import comparison
from mirage.fits.comparison import Comparison
from mirage.fits.curve import fit
from mirage.statistics.intervals import Interval


def outcome(old: str, new: str) -> str:
    """What the verdicts under two metrics say together.

    Parameters
    ----------
    old, new : str
        "smooth", "falls", "not identifiable" or a jump: "jump", "broken", "step".

    Returns
    -------
    str
        For a jump under the old metric: "survives", "gone" (smooth under the new one),
        "reversed" (falls) or "open". For no jump: "no jump", or "new metric makes one".
        Else "not identifiable".

    Examples
    --------
    >>> outcome("broken", "smooth"), outcome("step", "not identifiable")
    ('gone', 'open')
    """
    jumps = ("jump", "broken", "step")
    if old in jumps:
        fate = {"smooth": "gone", "falls": "reversed", "not identifiable": "open"}
        return fate.get(new, "survives")
    if old == "not identifiable":
        return old
    return "new metric makes one" if new in jumps else "no jump"


def paired(scores: pl.DataFrame, old: str, new: str) -> pl.DataFrame:
    """Models that have a score under both metrics, side by side.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with a column ``higher_is_better``.
    old, new : str
        Two of its metrics.

    Returns
    -------
    polars.DataFrame
        One row per task and model: ``x``, training compute in FLOP where the table has it (size
        and data count then), else parameters; ``old`` and ``new``, higher is better; ``n_items``.

    Raises
    ------
    ValueError
        If no model has both.

    Examples
    --------
    >>> row = {"family": "f", "model": "m", "n_params": 10, "compute": None, "task": "t"}
    >>> both = [row | {"metric": "accuracy", "score": 0.5, "higher_is_better": True},
    ...         row | {"metric": "loss", "score": 2.0, "higher_is_better": False}]
    >>> table = pl.DataFrame([r | {"n_items": 4} for r in both])
    >>> paired(table, "accuracy", "loss").select("x", "old", "new").row(0)
    (10.0, 0.5, -2.0)
    """
    oriented = pl.when("higher_is_better").then("score").otherwise(-pl.col("score"))
    index = ["task", "family", "model", "n_params", "compute"]
    sides = [
        scores.filter(metric=metric).select(*index, "n_items", oriented.alias(name))
        for metric, name in ((old, "old"), (new, "new"))
    ]
    table = sides[0].join(sides[1].drop("n_items"), on=index, nulls_equal=True)
    # Some scores are no multiples of 1/n: what is known of the task's other models holds for them.
    table = table.with_columns(pl.col("n_items").fill_null(pl.max("n_items").over("task")))
    x = "compute" if table["compute"].is_not_null().any() else "n_params"
    table = table.with_columns(x=pl.col(x).cast(float)).drop_nulls(["x", "old", "new"])
    if table.is_empty():
        raise ValueError(f"found no model with both {old!r} and {new!r}, expected at least one")
    return table.sort("task", "x")


def compare(
    table: pl.DataFrame, bounds: tuple[float, float] | None
) -> list[tuple[str, Comparison]]:
    """Compare smooth with broken and step curves under both metrics of one task.

    Parameters
    ----------
    table : polars.DataFrame
        Of `paired`, one task.
    bounds : (float, float) or None
        Range of the new metric. The old one is a share of ``n_items``, with a binomial
        likelihood. None drops this knowledge: both have a Gaussian one, and fitted ends.

    Returns
    -------
    list of two (str, `mirage.fits.Comparison`)
        For the old and the new metric: the verdict, or "falls" where the best curve does; and
        the comparison, whose ``delta`` above the margin speaks for a jump.

    Raises
    ------
    ValueError
        As `mirage.fits.compare`.
    """
    x, n = table["x"].to_numpy(), table["n_items"].to_numpy()
    sides = []
    for name in ("old", "new"):
        y, noise = table[name].to_numpy(), noise_of(name, n, bounds)
        found = comparison.compare(x, y, **noise, held_out=False)
        ends = fit(x, y, found.best, **noise).predict([x.min(), x.max()])
        falls = found.verdict != "not identifiable" and ends[1] < ends[0]
        sides.append(("falls" if falls else found.verdict, found))
    return sides


def noise_of(side: str, n_items: np.ndarray, bounds: tuple[float, float] | None) -> dict:
    """What `mirage.fits` is told of a metric beside the scores."""
    if bounds is None:
        return {}
    return {"n_items": n_items} if side == "old" else {"bounds": bounds}


def verdicts(table: pl.DataFrame, bounds: tuple[float, float]) -> pl.DataFrame:
    """Judge each task of a table.

    Parameters
    ----------
    table : polars.DataFrame
        Of `paired`.
    bounds : (float, float)
        Range of the new metric.

    Returns
    -------
    polars.DataFrame
        One row per task: ``n_models``, ``n_families``; for ``old`` and ``new`` the verdict, the
        AICc difference (``_delta``, with ``_low`` and ``_high``, its 95 % interval) and the best
        ``_smooth`` and ``_sharp`` model; ``outcome``; ``n_same``, in how many of the tables with
        one family less it is the same (null for fewer than 3 families); ``outcome_gaussian``,
        with Gaussian likelihoods and fitted ends for both metrics.

    Notes
    -----
    Models of one family share data and recipe, and are not independent. The interval is Tukey's
    jackknife by groups, δ ± t_{g−1}(.975) √((g − 1)/g Σ (δ_(i) − mean)²) for g families;
    approximate, since an AICc difference is no smooth statistic.
    """
    rows = []
    for (task,), one in table.group_by(["task"], maintain_order=True):
        families = one["family"].unique(maintain_order=True).to_list()
        sides = compare(one, bounds)
        row = {"task": task, "n_models": one.height, "n_families": len(families)}
        row["outcome"] = outcome(*(kind for kind, _ in sides))
        row["outcome_gaussian"] = outcome(*(kind for kind, _ in compare(one, None)))
        left_out = families if len(families) > 2 else []
        without = [compare(one.filter(pl.col("family") != family), bounds) for family in left_out]
        fates = [outcome(*(kind for kind, _ in pair)) for pair in without]
        row["n_same"] = fates.count(row["outcome"]) if fates else None
        for i, name in enumerate(("old", "new")):
            row |= _side(name, *sides[i], [pair[i][1].delta for pair in without])
        rows.append(row)
    return pl.DataFrame(rows)


def _side(name: str, kind: str, found: Comparison, without: list[float]) -> dict:
    ends = _jackknife(found.delta, np.array(without))
    row = {name: kind, f"{name}_delta": found.delta}
    row |= {f"{name}_low": ends.low, f"{name}_high": ends.high}
    defined = [model for model in found.models if not np.isnan(model.aicc)]
    for part, calm in (("smooth", True), ("sharp", False)):
        models = [model for model in defined if (model.kind == "smooth") == calm]
        best = min(models, key=lambda model: model.aicc).model if models else None
        row[f"{name}_{part}"] = best
    return row


def _jackknife(delta: float, without: np.ndarray) -> Interval:
    g = len(without)
    if g < 3:
        return Interval(np.nan, np.nan)
    half = stdtrit(g - 1, 0.975) * np.sqrt((g - 1) * without.var())
    return Interval(float(delta - half), float(delta + half))
