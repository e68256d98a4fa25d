"""The interactive version of *limits*: the reader chooses which sizes were trained.

One smooth curve, the paper's model, at n sizes over one range; the browser computes the paper's
emergence score of what these sizes show.
"""

from __future__ import annotations

import altair as alt

from mirage import plots
from mirage.book.interactive import (
    InteractiveFigure,
    emergence_scores,
    panel,
    panels_of,
    parameters_axis,
    readout,
    share_axis,
    slider,
)
from mirage.pages.limits_of_the_score_simulation import gpt_sizes

MOST = 40  # sizes

ALT_TEXT = (
    "Two panels against the number of parameters on a logarithmic axis. Sliders set the number "
    "of sizes, how they crowd towards the small or the large end, and the target length L. First, "
    "in orange: accuracy of the paper's smooth model at these sizes. Second, in blue: its minus "
    "token edit distance. The sentence above gives the emergence score of both."
)

_LOW, *_, _HIGH = gpt_sizes().tolist()
FORMULAS = {
    # Crowding b: places t^(2^b) of the log range; 0 for even distances.
    "place": "pow(datum.index / (n_sizes - 1), pow(2, crowding))",
    "n_params": f"{_LOW} * pow({_HIGH} / {_LOW}, datum.place)",
    "token_probability": "exp(-pow(datum.n_params / 2e9, -0.5))",
    "accuracy": "pow(datum.token_probability, target_length)",
    "negative_token_edit_distance": "-target_length * (1 - datum.token_probability)",
}


def spacing_explorer() -> InteractiveFigure:
    """Return the paper's model on sizes of the reader's choice, with its emergence scores.

    Returns
    -------
    InteractiveFigure
        Its sentence gives the emergence scores of accuracy and of −token edit distance, and that
        of a straight line through as many sizes.
    """
    sliders = [
        slider("n_sizes", 4, 3, MOST, 1, "number of sizes"),
        slider("crowding", 0, -2, 2, 0.25, "crowding: − large, + small"),
        slider("target_length", 5, 1, 20, 1, "target length L (tokens)"),
    ]
    distance = alt.Y(
        "negative_token_edit_distance:Q",
        title=None,
        scale=alt.Scale(domainMin=alt.expr("-target_length"), domainMax=0),
        axis=alt.Axis(format="~g", tickCount=5),
    )
    panels = [
        _draw("'Accuracy, L = ' + target_length", share_axis("accuracy"), plots.SHARP, "square"),
        _draw("'−token edit distance (tokens)'", distance, plots.SMOOTH, "circle", _sentence()),
    ]
    rows = [{"index": i} for i in range(MOST)]
    return InteractiveFigure(panels_of(panels, sliders, rows, FORMULAS, columns=2), ALT_TEXT)


def _trained() -> alt.Chart:
    return alt.Chart().transform_filter("datum.index < n_sizes")


def _draw(title: str, y: alt.Y, color: str, shape: str, *above: alt.Chart) -> alt.LayerChart:
    """Draw a metric at the chosen sizes."""
    base = _trained().encode(x=parameters_axis(_LOW / 1.4, _HIGH * 1.4), y=y)
    tooltip = [
        alt.Tooltip("n_params:Q", title="parameters", format=".3~s"),
        alt.Tooltip(y.shorthand, title="score", format=".3~g"),
    ]
    return panel(
        title,
        base.mark_line(color=color, strokeWidth=2, aria=False),
        base.mark_point(color=color, filled=True, shape=shape, size=45, opacity=1).encode(
            tooltip=tooltip
        ),
        *above,
    )


def _sentence() -> alt.Chart:
    """Say the emergence scores: range over root median square step. Both metrics rise."""
    metrics = {"accuracy": "sharp", "negative_token_edit_distance": "smooth"}
    chart = emergence_scores(_trained(), metrics, "index")
    words = (
        "'Emergence score: accuracy ' + format(datum.sharp, '.3~r')"
        " + ', −token edit distance ' + format(datum.smooth, '.3~r')"
        " + '; a straight line through ' + n_sizes + ' sizes: ' + (n_sizes - 1) + '.'"
    )
    return readout(chart, words)
