"""Does a jump survive a change of metric? The same models under two metrics (Figure 6).

Under a metric the scores *jump* if an offset between two models explains what no smooth trend does
(`mirage.fits.jump`). `outcome` says what the verdicts under two metrics mean together.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage.emergence.scores import pad
from mirage.fits.data import Bounds
from mirage.fits.jump import jump_test

OUTCOMES = (
    "disappears",
    "persists",
    "reversed",
    "undecided",
    "appears only under the new metric",
    "no jump",
)
LEVEL = 0.05  # of the jump test
UNKNOWN = "not identifiable"
DETECTABLE = 1.5  # log odds, .25 to .6: where such a jump would be missed no curve is called smooth


def outcome(old: str, new: str) -> str:
    """What the verdicts under two metrics say together.

    Parameters
    ----------
    old, new : str
        "jump", "smooth", "falls" or "not identifiable".

    Returns
    -------
    str
        One of `OUTCOMES`. For a jump under the old metric: "persists" (a jump under the new one,
        too), "disappears" (smooth), "reversed" (falls) or "undecided". Without one: "no jump", or
        "appears only under the new metric". "undecided" if the old metric is.

    Examples
    --------
    >>> outcome("jump", "smooth"), outcome("jump", "not identifiable"), outcome("falls", "smooth")
    ('disappears', 'undecided', 'no jump')
    """
    if old == "not identifiable":
        return "undecided"
    if old == "jump":
        fates = {"jump": "persists", "smooth": "disappears", "falls": "reversed"}
        return fates.get(new, "undecided")
    return "appears only under the new metric" if new == "jump" else "no jump"


def paired(scores: pl.DataFrame, old: str, new: str, x: str | None = None) -> pl.DataFrame:
    """Models that have a score under both metrics, side by side.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with a column ``higher_is_better``.
    old, new : str
        Two of its metrics.
    x : str, optional
        Column of the scale; by default ``compute`` (FLOP) where the table has it, else
        ``n_params``. A ``loss`` (nats) becomes exp(−loss), which rises with ability.

    Returns
    -------
    polars.DataFrame
        One row per task and model: ``x``; ``old`` and ``new``, higher is better; ``n_items``, null
        where none is known for the task; ``chance``, the old metric's of a guess, null likewise.

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
    if x is None:
        x = "compute" if scores["compute"].is_not_null().any() else "n_params"
    oriented = pl.when("higher_is_better").then("score").otherwise(-pl.col("score"))
    index = ["task", "family", "model", "n_params", *([x] if x != "n_params" else [])]
    known = scores if "chance" in scores.columns else scores.with_columns(chance=pl.lit(None))
    sides = [
        known.filter(metric=metric).select(*index, "n_items", "chance", oriented.alias(name))
        for metric, name in ((old, "old"), (new, "new"))
    ]
    table = sides[0].join(sides[1].drop("n_items", "chance"), on=index, nulls_equal=True)
    # Some scores are no multiples of 1/n: what is known of the task's other models holds for them.
    table = table.with_columns(pl.col("n_items").fill_null(pl.max("n_items").over("task")))
    scale = (-pl.col(x)).exp() if x == "loss" else pl.col(x)
    table = table.with_columns(x=scale.cast(float)).drop_nulls(["x", "old", "new"])
    if table.is_empty():
        raise ValueError(f"found no model with both {old!r} and {new!r}, expected at least one")
    return table.sort("task", "x")


def verdicts(
    table: pl.DataFrame,
    bounds: Bounds,
    rng: np.random.Generator,
    *,
    n_draws: int = 999,
) -> pl.DataFrame:
    """Look for a jump in each task of a table, under both metrics.

    Parameters
    ----------
    table : polars.DataFrame
        Of `paired`.
    bounds : (float, float) or None
        Bounds of the new metric; None where it has none. The old one is a share of items.
    rng : numpy.random.Generator
        Source of the draws.
    n_draws : int
        As for `mirage.fits.jump.jump_test`.

    Returns
    -------
    polars.DataFrame
        One row per task: ``task``; ``n_models``, ``n_families``; for ``old`` and ``new`` the
        verdict of the metric and ``_p``, the p-value of its jump, ``_height``, its height in log
        odds with ``_height_low`` and ``_height_high``, ``_gap``, the lower end of its gap, and
        ``_detectable``, the smallest jump that would be found; ``outcome``, one of `OUTCOMES`.

    Raises
    ------
    ValueError
        As `mirage.fits.jump.jump_test`.

    Notes
    -----
    Verdict of a metric, by `mirage.fits.jump.jump_test`: "jump" where p ≤ 0.05 and the smooth
    trend rises; otherwise "smooth", or "falls" where the trend does, if a jump of 1.5 in log odds
    (.25 to .6) would have been found with a power of 80 %; else "not identifiable", as with fewer
    than 5 models.
    Models of one family share data and recipe; the test takes all scatter for independent.
    """
    tasks = table.group_by("task", maintain_order=True).agg(
        n_models=pl.len(), n_families=pl.col("family").n_unique()
    )
    curves = table.partition_by("task", maintain_order=True)
    kinds = []
    for name in ("old", "new"):
        columns, verdict = _side(curves, name, bounds, rng, n_draws)
        kinds.append(verdict)
        tasks = tasks.with_columns(
            pl.Series(name, verdict), *(pl.Series(f"{name}_{k}", v) for k, v in columns.items())
        )
    fates = [outcome(old, new) for old, new in zip(*kinds, strict=True)]
    return tasks.with_columns(outcome=pl.Series(fates, dtype=pl.String))


def _side(curves: list[pl.DataFrame], name: str, bounds: Bounds, rng, n_draws):
    """Numbers and verdicts of one metric of all curves."""
    x, y = (pad([curve[column].to_list() for curve in curves]) for column in ("x", name))
    # The test wants sizes in order; models of one size are moved apart by a part in a billion.
    x = x * (1 + 1e-9 * np.arange(x.shape[1]))
    items = {"bounds": bounds}
    if name == "old":
        known = [curve["n_items"].cast(pl.Float64).fill_null(np.nan).to_list() for curve in curves]
        items = {"n_items": pad(known), "chance": [curve["chance"][0] or 0.0 for curve in curves]}
    jumps = jump_test(x, y, rng=rng, n_draws=n_draws, **items)
    last = jumps.expected[np.arange(len(y)), (~np.isnan(y)).sum(1) - 1]
    rises = last > jumps.expected[:, 0]
    seen = jumps.smallest_detectable <= DETECTABLE
    kinds = np.select(
        [rises & (jumps.p_value <= LEVEL), seen & rises, seen], ["jump", "smooth", "falls"], UNKNOWN
    )
    columns = {
        "p": jumps.p_value,
        "height": jumps.height,
        "height_low": jumps.height_low,
        "height_high": jumps.height_high,
        "gap": jumps.gap_low,
        "detectable": jumps.smallest_detectable,
    }
    return columns, kinds.tolist()


def counts(table: pl.DataFrame) -> dict[str, int]:
    """How often each outcome occurs.

    Parameters
    ----------
    table : polars.DataFrame
        Of `verdicts`.

    Returns
    -------
    dict of str to int
        All of `OUTCOMES`, in that order.

    Examples
    --------
    >>> table = pl.DataFrame({"outcome": ["persists", "no jump", "no jump"]})
    >>> {name: count for name, count in counts(table).items() if count}
    {'persists': 1, 'no jump': 2}
    """
    return {name: table.filter(outcome=name).height for name in OUTCOMES}
