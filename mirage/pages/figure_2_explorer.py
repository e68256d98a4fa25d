"""The interactive version of Figure 2: the paper's model under the reader's own assumptions.

The chart is one Vega-Lite specification, computed in the browser without a kernel.
``FORMULAS`` are the equations of `mirage.theory` as Vega expressions; a test holds them equal.
"""

from __future__ import annotations

from math import log10
from typing import NamedTuple

import altair as alt

from mirage.book.interactive import (
    INK,
    InteractiveFigure,
    emergence_scores,
    legend,
    panel,
    panels_of,
    parameters_axis,
    readout,
    slider,
)

GPT3_SIZES = (3.5e8, 1.3e9, 6.7e9, 2.0e11)  # Fig 2 has 200 B where GPT-3 has 175 B
LOG_FLOOR = 1e-7  # lowest accuracy of the logarithmic panel; the paper's lowest is 6.45e-6

# In order of evaluation. Sliders are free names, columns are read from `datum`.
FORMULAS = {
    "cross_entropy": "pow(datum.n_params / pow(10, log10_c), alpha)",
    "token_probability": "exp(-datum.cross_entropy)",
    "accuracy": "pow(datum.token_probability, target_length)",
    "n_items": "round(pow(10, log10_n_items))",
    "observed_accuracy": "round(datum.n_items * datum.accuracy) / datum.n_items",
    "token_edit_distance": "target_length * (1 - datum.token_probability)",
    "multiple_choice_grade": "datum.token_probability > 0.5 ? 1 : 1 / n_choices",
    "brier_score": "pow(1 - datum.token_probability, 2)",
    # What is drawn: higher is better in every panel but the first, and a log axis has no zero.
    "negative_token_edit_distance": "-datum.token_edit_distance",
    "negative_brier_score": "-datum.brier_score",
    "log_accuracy": f"max(datum.accuracy, {LOG_FLOOR / 10})",
    "log_observed_accuracy": f"max(datum.observed_accuracy, {LOG_FLOOR})",
    "resolution": "1 / datum.n_items",
    "outcome": "datum.observed_accuracy > 0 ? 'some right' : 'none right'",
}

EXPECTED, OBSERVED = "#0072b2", "#c24e00"  # Okabe and Ito's blue and vermilion, it darker for text

ALT_TEXT = (
    "Six panels against the number of parameters, drawn anew by five sliders. "
    "Token cross-entropy falls as a straight line on log axes. "
    "Accuracy stays near zero and then rises, the later the longer the target. "
    "With few test items the observed accuracy is exactly zero below half of one item. "
    "Token edit distance and Brier score improve smoothly; multiple choice grade jumps once."
)


class Panel(NamedTuple):
    """One small multiple: the column on the y axis, its title (Vega expression) and its scale."""

    column: str
    title: str
    scale: alt.Scale
    axis: alt.Axis = alt.Axis(format="~g", tickCount=5)
    observed: str | None = None  # the same quantity as n items show it


_N_ITEMS = "format(round(pow(10, log10_n_items)), ',')"

PANELS = (
    Panel("cross_entropy", "'token cross-entropy (nats)'", alt.Scale(type="log")),
    Panel(
        "accuracy",
        "'accuracy, L = ' + target_length",
        alt.Scale(domain=[0, 1]),
        observed="observed_accuracy",
    ),
    Panel(
        "log_accuracy",
        "'accuracy, log axis'",
        alt.Scale(type="log", domain=[LOG_FLOOR, 1]),
        alt.Axis(
            values=[1, 1e-2, 1e-4, 1e-6],
            labelExpr="datum.value == 1 ? '1' : format(datum.value, '~e')",
        ),
        observed="log_observed_accuracy",
    ),
    Panel(
        "negative_token_edit_distance",
        "'−token edit distance (tokens)'",
        alt.Scale(domainMin=alt.expr("-target_length"), domainMax=0),
    ),
    Panel(
        "multiple_choice_grade",
        "'multiple choice grade, K = ' + n_choices",
        alt.Scale(domain=[0, 1]),
    ),
    Panel("negative_brier_score", "'−Brier score'", alt.Scale(domain=[-1, 0])),
)


def _sliders() -> list[alt.Parameter]:
    """Five sliders; the paper's value is the default, and lies on each slider's grid."""
    paper_c = log10(2e9)
    return [
        slider("target_length", 5, 1, 20, 1, "target length L (tokens)"),
        slider("alpha", -0.5, -1, -0.1, 0.05, "scaling exponent α"),
        # From 1e8 to 1e11, in steps of a twentieth of a decade that meet 2e9.
        slider("log10_c", paper_c, paper_c - 1.3, paper_c + 1.7, 0.05, "scale c (log, parameters)"),
        slider("n_choices", 2, 2, 10, 1, "choices K"),
        # The paper states no n; with 100 items two of its four models get none right.
        slider("log10_n_items", 2, 1, 6, 0.25, "test items n (log)"),
    ]


def _models() -> list[dict]:
    """Rows ``n_params, published``: 50 sizes a decade from 1e8 to 3e11, and the paper's four."""
    grid = {float(f"{10 ** (8 + i / 50):.4g}") for i in range(175)}
    return [{"n_params": n, "published": n in GPT3_SIZES} for n in sorted(grid | set(GPT3_SIZES))]


def _draw(quantity: Panel) -> alt.LayerChart:
    """Curve of the model over all sizes, points at the paper's four."""
    y = alt.Y(f"{quantity.column}:Q", title=None, scale=quantity.scale, axis=quantity.axis)
    base = alt.Chart().encode(x=parameters_axis(1e8, 3.2e11), y=y)
    clip = quantity.column == "log_accuracy"  # elsewhere whole points may cross the frame
    layers = [
        base.mark_line(color=EXPECTED, strokeWidth=2, clip=clip, aria=False),
        _points(base.mark_point(color=EXPECTED, filled=True, size=45, clip=clip), quantity.column),
    ]
    if quantity.observed:
        layers = _observed(base, quantity.observed) + layers
    if quantity.column == "accuracy":
        layers += [*_legend(), _sentence()]
    return panel(quantity.title, *layers, height=150)


def _points(chart: alt.Chart, column: str) -> alt.Chart:
    name = column.removeprefix("log_").replace("negative_", "−").replace("_", " ")
    tooltip = [
        alt.Tooltip("n_params:Q", title="parameters", format=".2~s"),
        alt.Tooltip(f"{column}:Q", title=name, format=".3~g"),
    ]
    return chart.encode(tooltip=tooltip, opacity=alt.value(1)).transform_filter("datum.published")


def _observed(base: alt.Chart, column: str) -> list[alt.Chart]:
    """What n items would show: a staircase of multiples of 1/n, and a dashed line at 1/n."""
    base = base.encode(y=alt.Y(f"{column}:Q", title=None))
    shapes = alt.Scale(domain=["some right", "none right"], range=["square", "triangle-down"])
    rule = alt.Chart().mark_rule(color=INK, strokeDash=[4, 3], aria=False)
    return [
        rule.encode(y=alt.Y("min(resolution):Q", title=None)),
        base.mark_line(color=OBSERVED, interpolate="step", strokeWidth=1.5, aria=False),
        _points(base.mark_point(color=OBSERVED, size=110, strokeWidth=1.5), column).encode(
            shape=alt.Shape("outcome:N", scale=shapes, legend=None)
        ),
    ]


def _legend() -> list[alt.Chart]:
    """Name the marks in the empty corner above a rising curve."""
    return legend(
        [
            ("'● expected'", EXPECTED),
            (f"'□ seen with ' + {_N_ITEMS} + ' items'", OBSERVED),
            ("'▽ none of them right'", OBSERVED),
            (f"'┄ one item, 1/' + {_N_ITEMS}", INK),
        ]
    )


def _sentence() -> alt.Chart:
    """Say the emergence scores of both metrics on the paper's four sizes."""
    metrics = {"accuracy": "sharp", "negative_token_edit_distance": "smooth"}
    published = alt.Chart().transform_filter("datum.published")
    words = (
        "'Emergence score on the four sizes: accuracy ' + format(datum.sharp, '.3~r')"
        " + ', −token edit distance ' + format(datum.smooth, '.3~r') + '.'"
    )
    return readout(emergence_scores(published, metrics, "n_params"), words)


def theory_explorer() -> InteractiveFigure:
    """Return the paper's model with sliders for L, alpha, c, the choices K and the test items n.

    Returns
    -------
    InteractiveFigure
        Six panels against parameters: token cross-entropy (nats), accuracy on a linear and a
        logarithmic axis, −token edit distance (tokens), multiple choice grade and −Brier score.

    Notes
    -----
    Source: Fig 2 and Section 2 of the paper; the equations are those of `mirage.theory`.
    The observed accuracy is round(n p^L)/n, see `mirage.theory.observed_accuracy`.

    Examples
    --------
    >>> figure = theory_explorer()
    >>> [param["name"] for param in figure.spec()["params"]]
    ['target_length', 'alpha', 'log10_c', 'n_choices', 'log10_n_items']
    """
    chart = panels_of([_draw(quantity) for quantity in PANELS], _sliders(), _models(), FORMULAS)
    return InteractiveFigure(chart, ALT_TEXT)
