"""Interactive figures: Vega-Lite charts with sliders, computed in the browser without a kernel.

In the book ``book/_static/mirage-vega.js`` draws them with the bundle of `mirage.book.vega`: it
sets the panels side by side or, on a phone, below each other, writes the value of each slider in
words, and repeats the text of `readout` as a line that screen readers announce.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import altair as alt

# JupyterLab 4 draws Vega-Lite 5 and nothing later; the specification is valid in 5 and in 6.
VEGALITE_MIME = "application/vnd.vegalite.v5+json"
VEGALITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

INK, GRID = "#1a1a1a", "#e6e6e6"


@dataclass(frozen=True)
class InteractiveFigure:
    """A chart with its text alternative that shows itself in JupyterLab and in the book.

    Parameters
    ----------
    chart : altair.ConcatChart
        From `panels_of`.
    alt_text : str
        What the axes and series are, and what the sliders change.
    """

    chart: alt.ConcatChart
    alt_text: str

    def spec(self) -> dict:
        """Return the Vega-Lite specification."""
        return self.chart.to_dict()

    def html(self) -> str:
        """Return the element that ``mirage-vega.js`` turns into the figure, without blank lines."""
        spec = json.dumps(self.spec(), separators=(",", ":"), ensure_ascii=False)
        spec = spec.replace("</", r"<\/")  # no text of the figure can close the script element
        return (
            f'<div class="mirage-vega" role="group" aria-label="{escape(self.alt_text)}">\n'
            f'<script type="application/json">{spec}</script>\n'
            f"<noscript>This figure needs JavaScript. {escape(self.alt_text)}</noscript>\n"
            "</div>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        # HTML would win over Vega-Lite in JupyterLab, which lacks the book's script, and leave the
        # output empty. Markdown loses to Vega-Lite there, and the book passes its HTML through.
        return {
            VEGALITE_MIME: {**self.spec(), "$schema": VEGALITE_SCHEMA},
            "text/markdown": self.html(),
            "text/plain": self.alt_text,
        }


def slider(
    name: str, value: float, low: float, high: float, step: float, label: str
) -> alt.Parameter:
    """Return a parameter that a slider moves.

    Parameters
    ----------
    name : str
        For the formulas; beginning with ``log10_`` it is written as its power of ten.
    value : float
        Where the slider starts: a whole number of steps from `low`.
    low, high, step : float
        Its range and its steps.
    label : str
        Written beside it.
    """
    bind = alt.binding_range(min=low, max=high, step=step, name=label)
    return alt.param(name=name, value=value, bind=bind)


def choice(name: str, options: Sequence[str], label: str) -> alt.Parameter:
    """Return a parameter that a menu sets to one of several texts; it starts at the first."""
    bind = alt.binding_select(options=list(options), name=label)
    return alt.param(name=name, value=options[0], bind=bind)


def parameters_axis(low: float, high: float) -> alt.X:
    """Return a logarithmic axis of the number of parameters, the column ``n_params``.

    Parameters
    ----------
    low, high : float
        Ends of the axis. Its labels are the powers of ten between them.
    """
    return alt.X(
        "n_params:Q",
        title="parameters",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(
            values=[10**k for k in range(13) if low <= 10**k <= high],
            labelExpr="replace(format(datum.value, '~s'), 'G', 'B')",
        ),
    )


def share_axis(column: str, title: str | None = None) -> alt.Y:
    """Return a linear axis from 0 to 1 for a column of shares."""
    axis = alt.Axis(format="~g", tickCount=5)
    return alt.Y(f"{column}:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=axis)


def legend(lines: Sequence[tuple[str, str]], below: bool = False) -> list[alt.Chart]:
    """Name the marks of a panel in one of its corners.

    Parameters
    ----------
    lines : sequence of (str, str)
        A Vega expression and a colour.
    below : bool
        In the lower right corner, else in the upper left one.
    """
    rows = []
    for i, (text, color) in enumerate(lines):
        text_mark = {"text": alt.expr(text), "color": color, "fontSize": 11, "aria": False}
        mark = alt.Chart(alt.Data(values=[{}]))
        if below:
            mark = mark.mark_text(align="right", dx=-8, dy=15 * (i - len(lines)) + 5, **text_mark)
            rows.append(mark.encode(x=alt.value("width"), y=alt.value("height")))
        else:
            mark = mark.mark_text(align="left", **text_mark)
            rows.append(mark.encode(x=alt.value(8), y=alt.value(10 + 15 * i)))
    return rows


def readout(chart: alt.Chart, text: str) -> alt.Chart:
    """Return a layer that writes what the sliders have changed as one sentence.

    Parameters
    ----------
    chart : altair.Chart
        With transforms that leave one row.
    text : str
        Vega expression of the sentence. The book writes it above the panels.
    """
    # Of no size: a long sentence in the picture would widen it.
    return (
        chart.transform_calculate(readout=text)
        .mark_text(fontSize=1, opacity=0, aria=False)
        .encode(text="readout:N", x=alt.value(0), y=alt.value(0))
        .properties(name="readout")
    )


def emergence_scores(chart: alt.Chart, metrics: Mapping[str, str], order: str) -> alt.Chart:
    """Add transforms that leave one row with the paper's emergence score of each metric.

    Parameters
    ----------
    chart : altair.Chart
        A row per model; every metric rises with size, so that its score is positive.
    metrics : mapping of str to str
        Name of the new column by that of the metric's.
    order : str
        Column that sorts the models.

    Notes
    -----
    Range over root median square step, as `mirage.emergence.scores.emergence_score`.
    """
    before = [
        alt.WindowFieldDef(op="lag", field=column, **{"as": f"before_{name}"})
        for column, name in metrics.items()
    ]
    squares = {
        f"square_{name}": f"isValid(datum.before_{name})"
        f" ? pow(datum.{column} - datum.before_{name}, 2) : null"
        for column, name in metrics.items()
    }
    summaries = [
        alt.AggregatedFieldDef(op=op, field=field, **{"as": f"{op}_{name}"})
        for column, name in metrics.items()
        for op, field in (("min", column), ("max", column), ("median", f"square_{name}"))
    ]
    scores = {
        name: f"(datum.max_{name} - datum.min_{name}) / sqrt(datum.median_{name})"
        for name in metrics.values()
    }
    chart = chart.transform_window(before, sort=[alt.SortField(order)])
    return (
        chart.transform_calculate(**squares)
        .transform_aggregate(summaries)
        .transform_calculate(**scores)
    )


def panel(title: str, *layers: alt.Chart, height: int = 190) -> alt.LayerChart:
    """Lay charts over each other as one panel.

    Parameters
    ----------
    title : str
        Vega expression, so that it can name the value of a slider.
    layers : altair.Chart
        From the lowest to the uppermost.
    height : int
        Of the frame, pixels. The book sets the width.
    """
    return alt.layer(*layers, title=alt.TitleParams(text=alt.expr(title))).properties(
        width=height * 1.4, height=height
    )


def panels_of(
    panels: Sequence[alt.LayerChart],
    parameters: Sequence[alt.Parameter],
    rows: Sequence[Mapping[str, Any]],
    formulas: Mapping[str, str] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
    columns: int = 3,
) -> alt.ConcatChart:
    """Set panels beside each other, with the sliders and the table that they share.

    Parameters
    ----------
    panels : sequence of altair.LayerChart
        From `panel`; a layer without data of its own draws `rows`.
    parameters : sequence of altair.Parameter
        From `slider` and `choice`.
    rows : sequence of mapping
        Rows of the table.
    formulas : mapping of str to str, optional
        Vega expressions of further columns, in order of evaluation: sliders are free names,
        columns are read from ``datum``.
    words : mapping of str to sequence of str, optional
        What a slider from 0 in steps of 1 shows in place of each number, by its name.
    columns : int
        Most panels beside each other; the book takes fewer where they would be narrow.

    Returns
    -------
    altair.ConcatChart
    """
    # The spacing holds the axes: panels are set by their frames alone ("flush").
    chart = alt.concat(
        *panels,
        columns=columns,
        data=alt.Data(values=list(rows)),
        bounds="flush",
        spacing={"row": 76, "column": 54},
    )
    for column, formula in (formulas or {}).items():
        chart = chart.transform_calculate(**{column: formula})
    text = {"labelFontSize": 11, "titleFontSize": 11, "labelColor": INK, "titleColor": INK}
    return (
        chart.add_params(*parameters)
        .properties(
            background="white",
            padding={"left": 0, "top": 0, "right": 0, "bottom": 4},
            usermeta={"words": dict(words or {})},
        )
        .configure(font="sans-serif")
        .configure_view(stroke=None)
        .configure_point(opacity=1)  # Vega-Lite's 0.7 leaves too little contrast
        .configure_axis(titleFontWeight="normal", gridColor=GRID, **text)
        .configure_axisX(labelFlush=True)
        .configure_title(anchor="start", frame="group", dx=-26, fontSize=12.5, color=INK, offset=8)
    )
