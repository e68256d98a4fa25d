"""Drawing of the page on the works after the paper: tables in, axes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.fits.comparison import MARGIN
from mirage.pages.sceptic import CURVATURES, DORMANT
from mirage.pages.sceptic_tables import PROBABILITY, Halves

EASY, HARD = "#009e73", "#8a4f7d"  # halves of items, not metrics


def draw_forecasts(ax: Axes, table: pl.DataFrame) -> Axes:
    """Draw the mean error of each task's forecasts of held-out accuracy (panel A).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_tables.forecast_errors`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "A", "Error of forecasts of accuracy, 3B runs held out")
    names = [task.replace("_", " ") for task in table["task"]]
    ax.hlines(names, table["direct"], table["chained"], color="grey", lw=1, zorder=1)
    series = {
        "last": ("|", "black", "nothing changes"),
        "direct": ("o", plots.SHARP, "from compute"),
        "chained": ("s", plots.SMOOTH, "by way of bits per byte"),
    }
    for name, (mark, color, label) in series.items():
        ax.plot(table[name], names, mark, color=color, label=label, ms=7, ls="none")
    ax.set(xlabel="mean absolute error of accuracy", xlim=(0, None))
    return plots.legend_beside(ax)


def draw_thresholds(
    axes: Sequence[Axes], runs: pl.DataFrame, table: pl.DataFrame
) -> Sequence[Axes]:
    """Draw probability against the loss (panel B) and the dormant share of each task (panel C).

    Parameters
    ----------
    axes : sequence of 2 Axes
        Drawn on, and returned.
    runs : polars.DataFrame
        Of `mirage.pages.sceptic_tables.ladder`.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_tables.thresholds`.

    Returns
    -------
    sequence of Axes
    """
    plots.letter(axes[0], "B", "Probability of the right answer")
    for n, (_, task) in enumerate(runs.sort("loss").group_by(["task"], maintain_order=True)):
        label = "one task" if n == 0 else None
        style = {"color": plots.SMOOTH, "lw": 1, "ms": 3, "alpha": plots.FAINT}
        values = task[PROBABILITY]
        rise = (values - values.min()) / (values.max() - values.min())
        axes[0].plot(task["loss"], rise, "s-", label=label, **style)
    axes[0].set(xlabel="pre-training loss (nats)", ylabel="probability, share of its own range")
    axes[0].invert_xaxis()  # better models to the right
    axes[0].legend(loc="upper left")
    plots.letter(axes[1], "C", "How long is each task dormant?")
    names = [task.replace("_", " ") for task in table["task"]]
    axes[1].plot(table["accuracy"], names, "o", color=plots.SHARP, label="accuracy", ms=6)
    axes[1].plot(table["probability"], names, "s", color=plots.SMOOTH, label="probability", ms=6)
    axes[1].axvline(DORMANT, color="grey", ls="--")
    axes[1].set(xlabel="dormant share of the range of loss", xlim=(-0.02, 1))
    axes[1].legend(loc="lower right")
    return axes


def draw_curvatures(axes: Sequence[Axes], table: pl.DataFrame) -> Sequence[Axes]:
    """Draw each task's curvature (panel D) and the sorted p-values of straightness (panel E).

    An interval without an end goes to the edge of the axis and has an arrow there; one whose end
    lies further out is cut.

    Parameters
    ----------
    axes : sequence of 2 Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_tables.curvatures`.

    Returns
    -------
    sequence of Axes
    """
    plots.letter(axes[0], "D", "How much does each task bend?")
    low, high = CURVATURES
    for bent, color, mark in ((False, "grey", "."), (True, plots.SHARP, "o")):
        rows = table.with_row_index("place").filter((pl.col("p_value") <= 0.05) == bent)
        label = f"p {'≤' if bent else '>'} 0.05"
        drawn = rows.with_columns(pl.col("low", "high").clip(low, high))
        axes[0].hlines(drawn["place"], drawn["low"], drawn["high"], color=color, lw=1)
        axes[0].plot(rows["curvature"], rows["place"], mark, color=color, ms=5, label=label)
        for end, edge, arrow in (("low", low, "<"), ("high", high, ">")):
            open_ = rows.filter(pl.col(end).is_infinite())["place"]
            style = {"color": color, "ms": 4, "clip_on": False, "zorder": 3}
            axes[0].plot([edge] * len(open_), open_, arrow, **style)
    axes[0].axvline(0, color="grey", ls="--")
    axes[0].set(xlabel="curvature of log(−log score), per squared decade", ylabel="tasks, sorted")
    axes[0].set_xlim(low, high)
    axes[0].set_ylim(-0.2 * table.height - 1, table.height)  # below the tasks: the legend
    axes[0].legend(loc="lower right")
    plots.letter(axes[1], "E", "More small p-values than by chance?")
    p = np.sort(table["p_value"].to_numpy())
    share = (np.arange(len(p)) + 1) / max(len(p), 1)
    axes[1].plot(p, share, ".-", color=plots.SHARP, label="tasks")
    axes[1].plot([0, 1], [0, 1], color="grey", ls="--", label="all straight")
    axes[1].axvline(0.05, color="grey", lw=0.8, ls=":")
    axes[1].set(xlabel="p-value of a straight line", ylabel="share of tasks")
    axes[1].legend(loc="upper left")
    return axes


def draw_halves(ax: Axes, found: Halves | None) -> Axes:
    """Draw accuracy on easy and hard items against size (panel F).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    found : Halves or None
        Of `mirage.pages.sceptic_tables.halves`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "F", "Do hard items get worse first?")
    if found is None:
        return ax
    series = (
        ("easy half", found.easy, "^", EASY),
        ("hard half", found.hard, "v", HARD),
    )
    for label, values, mark, color in series:
        mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
        ends = {"yerr": 1.96 * error, "fmt": f"{mark}-", "color": color, "ms": 5, "capsize": 2}
        ax.errorbar(found.sizes, mean, label=label, **ends)
    ax.set(xscale="log", xlabel="parameters", ylabel="accuracy", ylim=(0, None))
    ax.legend(fontsize=9, loc="upper left")
    return ax


def draw_breaks(ax: Axes, table: pl.DataFrame) -> Axes:
    """Draw the AICc difference of smooth and broken power laws of each task (panel G).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_tables.breaks`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "G", "Does a broken curve explain bits per byte better?")
    names = [task.replace("_", " ") for task in table["task"]]
    ax.barh(names, table["delta"], color=plots.SMOOTH)
    for margin in (-MARGIN, MARGIN):
        ax.axvline(margin, color="grey", ls=":")
    ax.set(xlabel="AICc, best smooth less best broken curve (right: broken)", xlim=(-14, 14))
    return ax


def draw_chain(ax: Axes, correlations: pl.DataFrame) -> Axes:
    """Draw the rank correlation with compute from likelihood to accuracy (panel H).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    correlations : polars.DataFrame
        Of `mirage.pages.sceptic_tables.chain`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "H", "What does each step lose?")
    columns = ["bits", "probability", "accuracy"]
    labels = ["− bits per byte", "probability of\nthe right answer", "accuracy"]
    for n, row in enumerate(correlations.select(columns).rows()):
        ax.plot(labels, row, ".-", color="grey", lw=0.8, label=None if n else "one task")
    means = correlations.select(columns).mean().row(0) if correlations.height else ()
    for label, mean, color, mark in zip(
        labels, means, (plots.SMOOTH, plots.SMOOTH, plots.SHARP), "sso", strict=False
    ):
        ax.plot(label, mean, mark, color=color, ms=9, zorder=3)
    ax.plot([], [], "s", color=plots.SMOOTH, ms=9, label="mean of tasks")
    ax.set(ylabel="rank correlation with compute", ylim=(None, 1.005))
    ax.legend(loc="lower left")
    return ax


def draw_seeds(ax: Axes, scores: pl.DataFrame, table: pl.DataFrame) -> Axes:
    """Draw the accuracy of every seed of each width, and the thirds of its range (panel I).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    scores : polars.DataFrame
        Score table of `mirage.vision.lenet.evaluate`, one metric.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_seeds.thirds`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "I", "Two humps over training seeds?")
    for row in table.iter_rows(named=True):
        third = (row["high"] - row["low"]) / 3
        label = "middle third of the range" if row["width"] == table["width"].min() else None
        box = {"fc": (plots.SMOOTH, 0.15), "ec": plots.EDGE, "lw": 0.8, "label": label}
        ax.bar(row["width"], third, 0.8, row["low"] + third, **box)
        for n, name in enumerate(("lower", "middle", "upper")):
            place = row["width"] + 0.42, row["low"] + (n + 0.5) * third
            if third > 0:
                ax.text(*place, row[name], va="center", ha="left", fontsize=9, color="0.3")
    # Seeds side by side, so that equal accuracies do not hide each other.
    shift = scores["seed"] % 11 / 16 - 0.3
    ax.plot(
        scores["width"] + shift, scores["score"], "o", color=plots.SHARP, ms=5, label="one seed"
    )
    ax.set(xlabel="width w", ylabel="test accuracy", ylim=(0, 1), xticks=table["width"])
    return plots.legend_beside(ax)
