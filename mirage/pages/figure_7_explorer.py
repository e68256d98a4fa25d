"""The interactive version of Figure 7: the reader chooses the threshold c, and moves the cliff.

The scores at every threshold come from the page's own table; nothing is interpolated between them.
"""

from __future__ import annotations

import altair as alt
import polars as pl

from mirage import plots
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
from mirage.pages import published
from mirage.pages.figure_7 import ERROR

ALT_TEXT = (
    "Two panels against the number of parameters on a logarithmic axis; a slider sets the "
    "threshold c. First, in blue: test mean squared error of the networks on a logarithmic axis, "
    "with a dashed line at c. Second, in orange: share of test images with an error below c, with "
    "the paper's points at the two thresholds that it draws."
)

FORMULAS = {"is_chosen": "datum.threshold == threshold"}


def threshold_explorer(curves: pl.DataFrame, starts: pl.DataFrame, c: float) -> InteractiveFigure:
    """Return test error and reconstruction to within c, with a slider for c.

    Parameters
    ----------
    curves : polars.DataFrame
        Mean over seeds of the family's scores, from `mirage.tables.over_seeds`.
    starts : polars.DataFrame
        Dormant share at each threshold, from `mirage.pages.figure_7.onsets`; the slider has these
        thresholds and no other.
    c : float
        Threshold at which it starts.

    Returns
    -------
    InteractiveFigure
        Its sentence gives the dormant share at c, and the smallest network that reconstructs half
        of the images.
    """
    values = starts["c"].to_list()
    start = min(range(len(values)), key=lambda i: abs(values[i] - c))
    rows = _rows(curves, starts)
    low, high = curves["n_params"].min() / 1.5, curves["n_params"].max() * 1.5
    chart = panels_of(
        [_error(curves, values, low, high), _share(low, high)],
        [slider("threshold", start, 0, len(values) - 1, 1, "threshold c")],
        rows.to_dicts(),
        FORMULAS,
        words={"threshold": [f"{value:g}" for value in values]},
        columns=2,
    )
    return InteractiveFigure(chart, ALT_TEXT)


def _rows(curves: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """Table ``threshold`` (its number), ``c``, ``dormant``, ``n_params``, ``share``, ``paper``."""
    chosen = starts.with_row_index("threshold").select("threshold", "c", dormant="share")
    names = pl.format("reconstruction, c = {}", pl.col("c").map_elements(_plain, pl.String))
    rows = chosen.with_columns(metric=names).join(
        curves.select("metric", "n_params", share="score"), on="metric"
    )
    paper, sizes = published.load("fig7C_reconstruction"), published.load("fig7B_mse")["params"]
    points = [
        {"c": float(c), "n_params": n, "paper": y}
        for c, shares in paper.items()
        for n, y in zip(sizes, shares, strict=True)
    ]
    points = pl.DataFrame(points).join(chosen, on="c").with_columns(pl.col("n_params").cast(int))
    rows = pl.concat([rows.drop("metric"), points], how="diagonal_relaxed")
    return rows.sort("threshold", "n_params")


def _plain(c: float) -> str:
    return f"{c:g}"


def _error(curves: pl.DataFrame, values: list[float], low: float, high: float) -> alt.LayerChart:
    """Draw the error, the same at every threshold, and the threshold as a line across it."""
    rows = curves.filter(metric=ERROR).select("n_params", "score").sort("n_params").to_dicts()
    axis = alt.Axis(values=[1, 0.1, 0.01, 0.001], format="~g")
    scale = alt.Scale(type="log", domain=[values[0] * 0.8, 1.5], nice=False)
    y = alt.Y("score:Q", title=None, scale=scale, axis=axis)
    base = alt.Chart(alt.Data(values=rows)).encode(x=parameters_axis(low, high), y=y)
    tooltip = [
        alt.Tooltip("n_params:Q", title="parameters", format=",d"),
        alt.Tooltip("score:Q", title="mean squared error", format=".3~g"),
    ]
    at = alt.Chart(alt.Data(values=[{}])).transform_calculate(c=f"{values}[threshold]")
    line = at.mark_rule(color=plots.SHARP, strokeDash=[4, 3], aria=False).encode(y="c:Q")
    return panel(
        "'Test mean squared error, and c'",
        base.mark_line(color=plots.SMOOTH, strokeWidth=2, aria=False),
        base.mark_point(color=plots.SMOOTH, filled=True, size=45, opacity=1).encode(
            tooltip=tooltip
        ),
        line,
    )


def _share(low: float, high: float) -> alt.LayerChart:
    """Draw reconstruction at the chosen threshold, and the sentence."""
    base = alt.Chart().encode(x=parameters_axis(low, high), y=share_axis("share"))
    ours = base.transform_filter("datum.is_chosen && isValid(datum.share)")
    paper = alt.Chart().transform_filter("datum.is_chosen && isValid(datum.paper)")
    tooltip = [
        alt.Tooltip("n_params:Q", title="parameters", format=",d"),
        alt.Tooltip("share:Q", title="share of images", format=".3~g"),
    ]
    half = ours.transform_calculate(at="datum.share >= 0.5 ? datum.n_params : null")
    sentence = half.transform_aggregate(c="min(c)", dormant="min(dormant)", least="min(at)")
    words = (
        "'c = ' + format(datum.c, '~g') + ': dormant over ' + format(datum.dormant, '.0%')"
        " + ' of the sizes; ' + (isValid(datum.least)"
        " ? 'half of the images are reconstructed from ' + format(datum.least, ',')"
        " + ' parameters on.'"
        " : 'no network reconstructs half of the images.')"
    )
    return panel(
        "'Share of images with an error below c'",
        ours.mark_line(color=plots.SHARP, strokeWidth=2, aria=False),
        ours.mark_point(color=plots.SHARP, filled=True, shape="square", size=45, opacity=1).encode(
            tooltip=tooltip
        ),
        paper.mark_point(color=INK, shape="square", size=80, aria=False).encode(
            x=parameters_axis(low, high), y=share_axis("paper")
        ),
        *legend([("'■ our networks'", plots.SHARP), ("'□ paper, c = 0.003 and 0.004'", INK)]),
        readout(sentence, words),
    )
