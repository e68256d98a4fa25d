"""The interactive version of Figure 11: the reader chooses how many images must all be right.

The browser has one row per network and computes from its number of right answers what
`mirage.metrics.subsets.subset_accuracy` computes, and the medians over training seeds.
"""

from __future__ import annotations

import altair as alt
import polars as pl

from mirage import plots
from mirage.book.interactive import (
    InteractiveFigure,
    legend,
    panel,
    panels_of,
    parameters_axis,
    readout,
    share_axis,
    slider,
)
from mirage.pages.figure_11 import SMOOTH

MOST = 20  # images; the paper draws up to 10
FLOOR = 1e-6  # lowest value of the logarithmic axis

ALT_TEXT = (
    "Three panels against the number of parameters of LeNets on a logarithmic axis; a slider sets "
    "the number K of images that must all be right. First, in blue: test accuracy. Second, in "
    "orange: probability that K of K images are right. Third: the same on a logarithmic axis. "
    "Dots are single training seeds, the line their median, the bars their quartiles."
)

# Π_{i<K} (m − i)/(n − i), with m of n test images right: the factors from K on are 1.
_FACTORS = " * ".join(
    f"({i} < k ? max(datum.n_correct - {i}, 0) / (datum.n_items - {i}) : 1)" for i in range(MOST)
)
FORMULAS = {
    "accuracy": "datum.n_correct / datum.n_items",
    "all_right": _FACTORS,
    "log_all_right": f"max(datum.all_right, {FLOOR})",
}


def subset_explorer(scores: pl.DataFrame) -> InteractiveFigure:
    """Return accuracy and the probability that K of K images are right, with a slider for K.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of `mirage.vision.lenet.evaluate`.

    Returns
    -------
    InteractiveFigure
        Its sentence gives the smallest network whose median is at least one half.
    """
    rows = scores.filter(metric=SMOOTH).select(
        "n_params",
        "n_items",
        n_correct=(pl.col("score") * pl.col("n_items")).round().cast(pl.Int64),
    )
    low, high = rows["n_params"].min() / 1.3, rows["n_params"].max() * 1.3
    log = alt.Y(
        "log_all_right:Q",
        title=None,
        scale=alt.Scale(type="log", domain=[FLOOR, 1]),
        axis=alt.Axis(
            values=[1, 1e-2, 1e-4, 1e-6],
            labelExpr="datum.value == 1 ? '1' : format(datum.value, '~e')",
        ),
    )
    x = parameters_axis(low, high)
    names = [("'• one seed'", "#6b6b6b"), ("'■ median, quartiles'", plots.SHARP)]
    panels = [
        _draw("'Accuracy: 1 of 1 right'", x, share_axis("accuracy"), plots.SMOOTH, "circle"),
        _draw(
            "'All of K = ' + k + ' right'",
            x,
            share_axis("all_right"),
            plots.SHARP,
            "square",
            *legend(names),
            _sentence(),
        ),
        _draw("'The same, logarithmic axis'", x, log, plots.SHARP, "square"),
    ]
    sliders = [slider("k", 10, 1, MOST, 1, "images K that must all be right")]
    chart = panels_of(panels, sliders, rows.sort("n_params").to_dicts(), FORMULAS)
    return InteractiveFigure(chart, ALT_TEXT)


def _draw(
    title: str, x: alt.X, y: alt.Y, color: str, shape: str, *above: alt.Chart
) -> alt.LayerChart:
    """Draw one quantity: every seed, and median and quartiles of each size."""
    column = str(y.shorthand).partition(":")[0]
    single = alt.Chart().encode(x=x, y=y)
    # Names of each panel's own: Vega-Lite would merge summaries of one name into one.
    middle, low, high = (f"{name}_{column}" for name in ("middle", "low", "high"))
    of_sizes = alt.Chart().transform_aggregate(
        [
            alt.AggregatedFieldDef(op=op, field=column, **{"as": name})
            for op, name in (("median", middle), ("q1", low), ("q3", high))
        ],
        groupby=["n_params"],
    )
    tooltip = [
        alt.Tooltip("n_params:Q", title="parameters", format=",d"),
        alt.Tooltip(f"{middle}:Q", title="median", format=".3~g"),
    ]
    line = of_sizes.encode(x=x, y=_axis_of(y, middle))
    return panel(
        title,
        single.mark_point(color="#6b6b6b", filled=True, size=10, opacity=0.8, aria=False),
        of_sizes.mark_rule(color=color, strokeWidth=2, opacity=plots.FAINT, aria=False).encode(
            x=x, y=_axis_of(y, low), y2=f"{high}:Q"
        ),
        line.mark_line(color=color, strokeWidth=2, aria=False),
        line.mark_point(color=color, filled=True, shape=shape, size=45, opacity=1).encode(
            tooltip=tooltip
        ),
        *above,
    )


def _axis_of(y: alt.Y, column: str) -> alt.Y:
    """The same axis for another column."""
    y = y.copy()
    y.shorthand = f"{column}:Q"
    return y


def _sentence() -> alt.Chart:
    """Say from which size on the median network has all K right in half of the draws."""
    medians = alt.Chart().transform_aggregate(
        half_one="median(accuracy)", half_all="median(all_right)", groupby=["n_params"]
    )
    half = medians.transform_calculate(
        one="datum.half_one >= 0.5 ? datum.n_params : null",
        every="datum.half_all >= 0.5 ? datum.n_params : null",
    ).transform_aggregate(one="min(one)", every="min(every)")
    words = (
        "'The median network passes one half: with one image from ' + format(datum.one, ',')"
        " + ' parameters on, with K = ' + k + ' '"
        " + (isValid(datum.every) ? 'from ' + format(datum.every, ',') + ' on.' : 'at no size.')"
    )
    return readout(half, words)
