"""Drawing of Figure 5: tables in, axes out; nothing is computed here."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.metrics import catalogue
from mirage.pages import published
from mirage.pages.figure_5_scores import THRESHOLD, UPPER, paper_maxima
from mirage.pages.figure_5_tasks import Ranks, name_of
from mirage.statistics.intervals import clopper_pearson_interval

ALL_OR_NOTHING = tuple(metric.name for metric in catalogue.CATALOGUE if metric.all_or_nothing)
EDGE = 2000  # where infinity is drawn
FITS = {
    "not identifiable": (".", plots.EDGE),
    "smooth": ("o", plots.SMOOTH),
    "broken": ("s", "#009e73"),
    "jump": ("D", plots.SHARP),
    "step": ("^", plots.SHARP),
}


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _absent(ax: Axes, text: str = "these data are not here") -> Axes:
    """Say in an empty panel why it is empty."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", style="italic")
    ax.set(xticks=[], yticks=[])
    return ax


def _score_axis(ax: Axes) -> None:
    ax.axvspan(THRESHOLD, UPPER, color="grey", alpha=0.2, lw=0)
    ax.set_xscale("symlog", linthresh=1)
    ax.set(xlabel="emergence score", xlim=(-400, 1000))
    ticks = {-100: "−100", -10: "−10", 0: "0", 10: "10", 100: "100", 1000: "1000"}
    ax.set_xticks(list(ticks), list(ticks.values()))


def draw_metrics(ax: Axes, rows: pl.DataFrame, letter: str, message: str, paper: bool) -> Axes:
    """Draw the emergence scores of each metric as letter values, a row each.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    rows : polars.DataFrame
        Of `mirage.pages.figure_5_scores.by_metric`.
    letter, message : str
        The panel's letter, and what it shows.
    paper : bool
        Also mark the paper's maxima, hollow, with rows for the metrics that only it has.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, message)
    if rows.is_empty():
        return _absent(ax)
    best = paper_maxima() if paper else {}
    names = [*rows["metric"], *(name for name in best if name not in rows["metric"])]
    for place, row in enumerate(rows.iter_rows(named=True)):
        color = plots.SHARP if row["metric"] in ALL_OR_NOTHING else plots.SMOOTH
        plots.draw(ax, place, row["finite"], color)
        text = "{curves} curves, {infinite} infinite, {negative} negative".format(**row)
        ax.text(1.01, place, text, transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    if paper:
        plots.published(ax, list(best.values()), [names.index(name) for name in best])
    ax.set_yticks(range(len(names)), [_words(name) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    _score_axis(ax)
    return ax


def draw_maxima(ax: Axes, tops: pl.DataFrame, letter: str = "B") -> Axes:
    """Draw the largest score of each metric: one family, two temperatures pooled, the paper.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    tops : polars.DataFrame
        Of `mirage.pages.figure_5_scores.maxima`.
    letter : str
        The panel's letter.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, "One family, two temperatures pooled, the paper")
    if tops.is_empty():
        return _absent(ax)
    places = np.arange(tops.height)
    ax.hlines(places, tops["family"], tops["paper"], color="grey", lw=0.8)
    series = {
        "family": ("o", plots.SMOOTH, "one curve per family"),
        "pooled": ("s", plots.SHARP, "temperatures 0 and 1 pooled"),
    }
    for name, (marker, color, label) in series.items():
        ax.plot(tops[name], places, marker, color=color, label=label, ms=7)
    plots.published(ax, tops["paper"], places, label="paper, Figure 5A")
    for place, row in zip(places, tops.iter_rows(named=True), strict=True):
        text = "{curves} curves; {pooled_curves} pooled, {pooled_infinite} infinite".format(**row)
        ax.text(1.01, place, text, transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    ax.set_yticks(places, [_words(name) for name in tops["metric"]])
    ax.set(xscale="log", xlim=(1, 500), xlabel="largest finite emergence score")
    ax.set_ylim(tops.height - 0.4, -0.6)
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.45), ncols=3, fontsize=9, borderaxespad=0)
    return ax


def draw_survivors(ax: Axes, left_over: pl.DataFrame, letter: str, message: str) -> Axes:
    """Draw how many curves meet each demand.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    left_over : polars.DataFrame
        Of `mirage.pages.figure_5_scores.survivors`.
    letter, message : str
        The panel's letter, and what it shows.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, message)
    bars = ax.barh(left_over["demand"], left_over["curves"], color=plots.SMOOTH)
    ax.bar_label(bars, padding=3)
    ax.invert_yaxis()
    ax.set(xlabel="curves", xlim=(0, 1.25 * left_over["curves"].max() + 1))
    return ax


def draw_p_values(ax: Axes, judged: pl.DataFrame, n_draws: int, letter: str) -> Axes:
    """Draw the p-value of each curve under a smooth null against its emergence score.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    judged : polars.DataFrame
        Of `mirage.emergence.table`, with draws.
    n_draws : int
        Draws of the null: no p-value is below 1 / (1 + n_draws).
    letter : str
        The panel's letter.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, "p-value under a smooth curve")
    shown = judged.with_columns(pl.col("emergence_score").clip(-EDGE, EDGE))
    for kind, (mark, color) in FITS.items():
        curves = shown.filter(fit=kind)
        if curves.height:
            x, y = curves["emergence_score"], curves["p_value"]
            ax.plot(x, y, mark, color=color, label=kind, ms=4)
    ax.set_xscale("symlog", linthresh=1)
    ax.axvline(THRESHOLD, color="grey", ls="--")
    ax.set_xticks([-EDGE, -10, 0, 10, 100, EDGE], ["−∞", "−10", "0", "10", "100", "∞"])
    ax.set(yscale="log", ylim=(0.5 / n_draws, 2), xlabel="emergence score", ylabel="p-value")
    ax.legend(title="preferred fit", loc="lower left", fontsize=9)
    return ax


def draw_annotated(ax: Axes, shares: pl.DataFrame, letter: str) -> Axes:
    """Draw each metric's share of the pairs called emergent beside its share of all tasks.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    shares : polars.DataFrame
        Of `mirage.pages.figure_5_tasks.shares`.
    letter : str
        The panel's letter.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, "Pairs called emergent, and all tasks")
    pairs = published.load("fig5BC")["pairs"]
    n_pairs, names = sum(pairs.values()), [name_of(name) for name in pairs]
    for shift, (unit, table) in enumerate(shares.group_by("unit", maintain_order=True)):
        known = dict(table.select("metric", "share").iter_rows())
        places = np.arange(len(names)) + 0.2 * (shift - 1.5)
        grey = plt.colormaps["Greys"](0.25 + 0.18 * shift)
        style = {"fc": grey, "ec": plots.EDGE, "lw": 0.8, "label": unit[0]}
        ax.barh(places, [known.get(name, 0) for name in names], 0.17, **style)
    for place, k in enumerate(pairs.values()):
        ax.plot(clopper_pearson_interval(k, n_pairs), [place, place], "k-", lw=1)
        plots.published(ax, [k / n_pairs], [place], label="" if place else "paper, 67 pairs")
    ax.set_yticks(range(len(names)), [_words(name).replace(" ", "\n", 1) for name in names])
    ax.set(xlabel="share", xlim=(-0.02, 1.02))
    ax.invert_yaxis()
    ax.legend(loc="lower right", fontsize=9)
    return ax


def draw_rates(ax: Axes, rates: pl.DataFrame, letter: str) -> Axes:
    """Draw the odds ratio of the two metrics for each unit of counting.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    rates : polars.DataFrame
        Of `mirage.pages.figure_5_tasks.base_rates`.
    letter : str
        The panel's letter.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, "Enrichment depends on the unit")
    if rates.is_empty():
        return _absent(ax)
    cap = 100
    for place, row in enumerate(rates.iter_rows(named=True)):
        ends = np.clip([row["low"], row["high"]], 1 / cap, cap)
        ax.plot(ends, [place, place], color=plots.SHARP)
        ax.plot(np.clip(row["odds_ratio"], 1 / cap, cap), place, "o", color=plots.SHARP)
        text = "{two} of {n}; called emergent {called_two} of {called}".format(**row)
        ground = {"fc": "white", "ec": "none", "pad": 1}  # the line at 1 would cross the words
        ax.annotate(
            text, (1 / cap, place), (4, 9), textcoords="offset points", fontsize=9, bbox=ground
        )
    ax.axvline(1, color="grey", ls="--")
    ax.set_yticks(range(rates.height), [name.replace(" (", "\n(") for name in rates["unit"]])
    ax.set(xscale="log", xlim=(1 / cap, cap), xlabel="odds ratio, called emergent to others")
    ax.set_ylim(rates.height - 0.5, -0.6)
    return ax


def draw_ranks(
    ax: Axes, judged: pl.DataFrame, called: list[str], ranked: Ranks | None, letter: str
) -> Axes:
    """Draw the emergence scores of the tasks called emergent, and of the others.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    judged : polars.DataFrame
        Of `mirage.emergence.table`, one curve per task.
    called : list of str
        Tasks that were called emergent.
    ranked : Ranks or None
        Of `mirage.pages.figure_5_tasks.ranks`.
    letter : str
        The panel's letter.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, "Called emergent, and others")
    if ranked is None:
        return _absent(ax)
    inside = pl.col("task").is_in(called)
    for place, side in enumerate((inside, ~inside)):
        scores = judged.filter(side, pl.col("emergence_score").is_finite())["emergence_score"]
        plots.draw(ax, place, scores, (plots.SHARP, plots.SMOOTH)[place])
    ax.set_yticks([0, 1], ["called\nemergent", "others"])
    ax.set(ylim=(1.6, -0.6), xlabel="emergence score")
    text = f"probability {ranked.probability:.2f} {ranked.interval:.2f}"
    ax.text(0.98, 0.5, text, transform=ax.transAxes, ha="right", va="center", fontsize=9)
    return ax
