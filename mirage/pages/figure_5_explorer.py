"""The interactive version of Figure 5: the reader chooses the threshold and the unit of counting.

The paper states neither the threshold of a *large* emergence score nor the base rate of the
metrics that it finds among abilities called emergent.
"""

from __future__ import annotations

import altair as alt
import polars as pl

from mirage import plots
from mirage.book.interactive import (
    INK,
    InteractiveFigure,
    choice,
    legend,
    panel,
    panels_of,
    readout,
    slider,
)
from mirage.pages.figure_5_scores import paper_maxima

N_PAPER = 39  # metrics in Figure 5A
LOW, HIGH = 0.004, 1000  # ends of the axis; left of 0.5 it has the names of the metrics

ALT_TEXT = (
    "Two panels. A slider sets the threshold above which an emergence score counts as large, a "
    "menu the unit in which tasks are counted. First: a mark for each finite, positive official "
    "score by metric, and hollow circles for the largest scores that the paper draws, against a "
    "logarithmic axis with a dashed line at the threshold. Second: two bars, the share of the two "
    "metrics among tasks called emergent and among the others, and the paper's 62 of 67 as a "
    "dashed line."
)

FORMULAS = {
    "threshold": "pow(10, log10_threshold)",
    "is_above": "isValid(datum.score) && datum.score > datum.threshold ? 1 : 0",
    "paper_above": "isValid(datum.paper) && datum.paper > datum.threshold ? 1 : 0",
    "is_unit": "datum.unit == unit",
}


def threshold_explorer(scored: pl.DataFrame, rates: pl.DataFrame) -> InteractiveFigure:
    """Return official scores and the base rate, with a slider and a menu.

    Parameters
    ----------
    scored : polars.DataFrame
        Official curves with ``metric`` and ``emergence_score``, from `mirage.emergence.table`.
    rates : polars.DataFrame
        From `mirage.pages.figure_5_tasks.base_rates`.

    Returns
    -------
    InteractiveFigure
        Its sentence counts the scores above the threshold and gives the odds ratio of the unit.
    """
    score = pl.col("emergence_score")
    finite = scored.drop_nulls("emergence_score").filter(score.is_finite())
    rows = finite.select("metric", score=score.round(4)).to_dicts()
    drawn = finite["metric"].unique().to_list()
    rows += [{"metric": name, "paper": value} for name, value in paper_maxima().items()]
    rows += _units(rates)
    metrics = [*(name for name in paper_maxima() if name in drawn)]
    metrics += [name for name in sorted(drawn) if name not in metrics]
    metrics += [name for name in paper_maxima() if name not in metrics]
    chart = panels_of(
        [_scores(metrics), _shares(len(finite))],
        [
            slider("log10_threshold", 1.7, 0, 3, 0.05, "score is large above"),
            choice("unit", rates["unit"].to_list(), "unit of counting"),
        ],
        rows,
        FORMULAS,
        columns=2,
    )
    return InteractiveFigure(chart, ALT_TEXT)


def _units(rates: pl.DataFrame) -> list[dict]:
    """Rows ``unit, group, share, odds_ratio, low, high``: two for each unit of counting."""
    called = rates.select(
        "unit", "odds_ratio", "low", "high", k="called_two", n="called", group=pl.lit("called")
    )
    others = rates.select(
        "unit",
        "odds_ratio",
        "low",
        "high",
        k=pl.col("two") - pl.col("called_two"),
        n=pl.col("n") - pl.col("called"),
        group=pl.lit("others"),
    )
    return pl.concat([called, others]).to_dicts()


def _scores(metrics: list[str]) -> alt.LayerChart:
    """Draw every score by metric, and the threshold across them."""
    scale = alt.Scale(type="log", domain=[LOW, HIGH])
    y = alt.Y("metric:N", title=None, sort=metrics, axis=alt.Axis(labels=False, ticks=False))
    axis = alt.Axis(values=[1, 10, 100, 1000], format="~s")
    x = alt.X("score:Q", title="emergence score", scale=scale, axis=axis)
    color = alt.condition("datum.is_above", alt.value(plots.SHARP), alt.value("#6b6b6b"))
    tooltip = [alt.Tooltip("metric:N"), alt.Tooltip("score:Q", format=".3~g")]
    ours = alt.Chart().transform_filter("datum.score > 0.5")
    paper = alt.Chart().transform_filter("isValid(datum.paper)")
    labels = [{"metric": name, "label": name.replace("_", " ")} for name in metrics]
    names = alt.Chart(alt.Data(values=labels))
    at = alt.Chart().mark_rule(color=INK, strokeDash=[4, 3], aria=False)
    return panel(
        "'Scores of each metric, and the threshold'",
        names.mark_text(align="left", fontSize=10.5, color=INK).encode(
            x=alt.value(2), y=y, text="label:N"
        ),
        at.encode(x=alt.X("max(threshold):Q", title="emergence score")),
        ours.mark_tick(thickness=1.2, opacity=0.8).encode(x=x, y=y, color=color, tooltip=tooltip),
        paper.mark_point(size=60, strokeWidth=1.5).encode(
            x=alt.X("paper:Q"),
            y=y,
            color=alt.condition("datum.paper_above", alt.value(plots.SHARP), alt.value("#6b6b6b")),
            tooltip=[alt.Tooltip("metric:N"), alt.Tooltip("paper:Q", title="paper")],
        ),
        height=300,
    )


def _shares(n_curves: int) -> alt.LayerChart:
    """Draw the share of the two metrics in both groups of tasks, and the sentence."""
    chosen = (
        alt.Chart()
        .transform_filter("datum.is_unit")
        .transform_calculate(
            share="datum.k / datum.n",
            name="datum.group == 'called' ? 'called emergent' : 'all others'",
            count="datum.k + ' of ' + datum.n",
        )
    )
    y = alt.Y(
        "share:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    x = alt.X(
        "name:N", title=None, sort=["called emergent", "all others"], axis=alt.Axis(labelAngle=0)
    )
    paper = alt.Chart(alt.Data(values=[{"share": 62 / 67}]))
    color = alt.Color(
        "group:N",
        scale=alt.Scale(domain=["called", "others"], range=[plots.SHARP, "#8a8a8a"]),
        legend=None,
    )
    return panel(
        "'Share scored by one of the two metrics'",
        chosen.mark_bar(width=50).encode(x=x, y=y, color=color),
        chosen.mark_text(dy=-7, fontSize=11, color=INK).encode(x=x, y=y, text="count:N"),
        paper.mark_rule(color=INK, strokeDash=[4, 3], aria=False).encode(y="share:Q"),
        *legend([("'┄ paper: 62 of 67 pairs'", INK)]),
        _sentence(n_curves),
        height=300,
    )


def _sentence(n_curves: int) -> alt.Chart:
    """Count the large scores, and give the odds ratio of the chosen unit."""
    columns = ("odds_ratio", "low", "high")
    chart = (
        alt.Chart()
        .transform_calculate(
            **{f"its_{name}": f"datum.is_unit ? datum.{name} : null" for name in columns}
        )
        .transform_aggregate(
            above="sum(is_above)",
            paper="sum(paper_above)",
            threshold="max(threshold)",
            **{name: f"max(its_{name})" for name in columns},
        )
    )
    words = (
        f"'Above ' + format(datum.threshold, '.2~r') + ': ' + datum.above + ' of {n_curves} finite"
        f" official scores, and ' + datum.paper + ' of the paper’s {N_PAPER} metrics. Odds ratio: '"
        " + format(datum.odds_ratio, '.1f') + ' [' + format(datum.low, '.1f') + ', '"
        " + format(datum.high, '.1f') + '].'"
    )
    return readout(chart, words)
