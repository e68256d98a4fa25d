"""The interactive version of Figure 4: the reader chooses the number of test items.

The browser has the exact accuracy of each of our models, and computes what n items would show.
"""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import polars as pl

from mirage.book.interactive import (
    INK,
    InteractiveFigure,
    legend,
    panel,
    panels_of,
    parameters_axis,
    readout,
    share_axis,
    slider,
)
from mirage.pages.figure_4 import NAMES

FLOOR = 1e-7  # lowest accuracy of the logarithmic axis
COLORS = {"products": "#c24e00", "sums": "#5e3c99"}
SHAPES = {"products": "circle", "sums": "square"}

ALT_TEXT = (
    "Two panels against the number of parameters of our transformers on a logarithmic axis; a "
    "slider sets the number n of test items. First: accuracy on a logarithmic axis, exact as a "
    "line and as n items would show it as points; a triangle at the bottom where the expected "
    "number of right answers rounds to zero, and a dashed line at one item. Second: probability "
    "that none of n answers is right."
)

# As `mirage.theory.observed_accuracy` and `mirage.theory.probability_unseen`.
FORMULAS = {
    "n_items": "round(pow(10, log10_n_items))",
    "observed_accuracy": "round(datum.n_items * datum.accuracy) / datum.n_items",
    "probability_unseen": "pow(1 - datum.accuracy, datum.n_items)",
    "drawn": f"max(datum.observed_accuracy, {FLOOR})",
    "resolution": "1 / datum.n_items",
    "is_seen": "datum.observed_accuracy > 0",
}


def items_explorer(measured: Mapping[str, pl.DataFrame]) -> InteractiveFigure:
    """Return what n items show of our models, with a slider for n.

    Parameters
    ----------
    measured : mapping of str to polars.DataFrame
        By task, from `mirage.pages.figure_4_sampling.measure`.

    Returns
    -------
    InteractiveFigure
        Its sentence counts the models that would probably have no right answer.
    """
    rows = pl.concat(
        table.select("n_params", accuracy="expected", task=pl.lit(NAMES[task].partition(",")[0]))
        for task, table in measured.items()
    ).unique(maintain_order=True)
    low, high = rows["n_params"].min() / 1.3, rows["n_params"].max() * 1.3
    chart = panels_of(
        [_accuracy(parameters_axis(low, high)), _unseen(parameters_axis(low, high), rows.height)],
        [slider("log10_n_items", 2, 1, 6, 0.25, "test items n")],
        rows.to_dicts(),
        FORMULAS,
        columns=2,
    )
    return InteractiveFigure(chart, ALT_TEXT)


def _by_task(chart: alt.Chart, shapes: bool = False) -> alt.Chart:
    """Colour by task, and give each its marker."""
    names = list(COLORS)
    color = alt.Color(
        "task:N", scale=alt.Scale(domain=names, range=list(COLORS.values())), legend=None
    )
    shape = alt.Shape(
        "task:N", scale=alt.Scale(domain=names, range=list(SHAPES.values())), legend=None
    )
    return chart.encode(color=color, shape=shape) if shapes else chart.encode(color=color)


def _accuracy(x: alt.X) -> alt.LayerChart:
    """Draw exact accuracies, and what n items show of them."""
    scale = alt.Scale(type="log", domain=[FLOOR, 1])
    axis = alt.Axis(
        values=[1, 1e-2, 1e-4, 1e-6],
        labelExpr="datum.value == 1 ? '1' : format(datum.value, '~e')",
    )
    exact = alt.Chart().encode(x=x, y=alt.Y("accuracy:Q", title=None, scale=scale, axis=axis))
    seen = alt.Chart().encode(x=x, y=alt.Y("drawn:Q", title=None))
    tooltip = [
        alt.Tooltip("task:N"),
        alt.Tooltip("n_params:Q", title="parameters", format=",d"),
        alt.Tooltip("accuracy:Q", title="exact accuracy", format=".3~g"),
        alt.Tooltip("observed_accuracy:Q", title="seen with n items", format=".3~g"),
    ]
    items = "'┄ one of ' + format(round(pow(10, log10_n_items)), ',') + ' items'"
    return panel(
        "'Accuracy that n items show'",
        alt.Chart()
        .mark_rule(color=INK, strokeDash=[4, 3], aria=False)
        .encode(y=alt.Y("min(resolution):Q", title=None)),
        _by_task(exact.mark_line(strokeWidth=1.5, aria=False)),
        _by_task(seen.mark_point(filled=True, size=60, opacity=1), shapes=True)
        .transform_filter("datum.is_seen")
        .encode(tooltip=tooltip),
        _by_task(seen.mark_point(shape="triangle-down", size=90, strokeWidth=1.8))
        .transform_filter("!datum.is_seen")
        .encode(tooltip=tooltip),
        *legend(
            [
                ("'● products'", COLORS["products"]),
                ("'■ sums'", COLORS["sums"]),
                ("'▽ none right'", INK),
                (items, INK),
            ],
            below=True,
        ),
    )


def _unseen(x: alt.X, n_models: int) -> alt.LayerChart:
    """Draw the probability of no right answer, and the sentence."""
    base = alt.Chart().encode(x=x, y=share_axis("probability_unseen"))
    tooltip = [
        alt.Tooltip("task:N"),
        alt.Tooltip("n_params:Q", title="parameters", format=",d"),
        alt.Tooltip("probability_unseen:Q", title="probability", format=".3~g"),
    ]
    hidden = (
        alt.Chart()
        .transform_calculate(is_hidden="datum.probability_unseen > 0.5 ? 1 : 0")
        .transform_aggregate(n="sum(is_hidden)")
    )
    words = (
        "'With ' + format(round(pow(10, log10_n_items)), ',') + ' items ' + datum.n + ' of "
        f"{n_models} models would probably show no right answer at all.'"
    )
    return panel(
        "'Probability of no right answer'",
        _by_task(base.mark_line(strokeWidth=2, aria=False)),
        _by_task(base.mark_point(filled=True, size=60, opacity=1), shapes=True).encode(
            tooltip=tooltip
        ),
        readout(hidden, words),
    )
