"""Drawing of Figure 6: tables in, axes out; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.emergence.metric_change import OUTCOMES
from mirage.pages.figure_6_groups import Group
from mirage.pages.figure_6_models import CHAIN, Pair
from mirage.statistics.intervals import wilson_interval

OUTCOME_COLORS = {
    "disappears": "#0072b2",
    "persists": "#c24e00",
    "reversed": "#dda3c3",
    "appears only under the new metric": "#f0b840",
    "no jump": "#bbbbbb",
    "undecided": "#eeeeee",
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def draw_lamda(
    axes: np.ndarray, published: pl.DataFrame, items: pl.DataFrame, outcomes: Mapping[str, str]
) -> np.ndarray:
    """Draw LaMDA's four tasks under both metrics, as published.

    Parameters
    ----------
    axes : ndarray of Axes, shape (2, 4)
        Drawn on, and returned.
    published : polars.DataFrame
        Of `mirage.pages.figure_6_lamda.lamda`.
    items : polars.DataFrame
        Accuracy of BIG-G on the items that we have; may be empty.
    outcomes : mapping of str to str
        Of `mirage.pages.figure_6_lamda.lamda_outcomes`.

    Returns
    -------
    ndarray of Axes
    """
    metrics = published["metric"].unique(maintain_order=True)
    for i, (metric, color) in enumerate(zip(metrics, (plots.SHARP, plots.SMOOTH), strict=True)):
        for j, (ax, task) in enumerate(zip(axes[i], outcomes, strict=True)):
            curves = published.filter(metric=metric, task=task)
            for shots, mark in ((2, "o"), (3, "s")):
                curve = curves.filter(shots=shots)
                style = {"marker": mark, "mfc": "none", "color": color, "ms": 6}
                ax.plot(curve["n_params"], curve["score"], label=f"paper, {shots} shots", **style)
            ax.axhline(curves["chance"][0], ls=":", color="black", label="uniform guess")
            message = (
                f"outcome: {outcomes[task]}"
                if i
                else task.replace("_", " ").replace("english ", "")
            )
            plots.letter(ax, LETTERS[4 * i + j], message)
            ax.set(xscale="log", xlabel="parameters" if i else "")
            if i == 0:
                _accuracy_of_items(ax, items.filter(task=task))
        axes[i, 0].set_ylabel(metric.replace("negative", "−"))
    axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)
    return axes


def _accuracy_of_items(ax: Axes, items: pl.DataFrame) -> None:
    if items.is_empty():
        return
    right = (items["score"] * items["n_items"]).round()
    ends = abs(np.array(wilson_interval(right, items["n_items"])) - items["score"].to_numpy())
    style = {"fmt": "^", "color": "grey", "ms": 3, "lw": 0.8, "label": "BIG-G, our items"}
    ax.errorbar(items["n_params"] * 1.12, items["score"], yerr=ends, **style)


def draw_counts(ax: Axes, counts: pl.DataFrame, letter: str, message: str) -> Axes:
    """Draw how often each outcome occurs, a bar for each data set.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    counts : polars.DataFrame
        Of `mirage.pages.figure_6_groups.counts`.
    letter, message : str
        The panel's letter, and what it shows.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, message)
    left = np.zeros(counts.height)
    for outcome, color in OUTCOME_COLORS.items():
        widths = counts[outcome].to_numpy() / counts["curves"].to_numpy()
        style = {"fc": color, "ec": plots.EDGE, "lw": 0.8, "label": outcome}
        bars = ax.barh(counts["data"], widths, 0.7, left, **style)
        ink = "white" if outcome in ("disappears", "persists") else "black"
        for bar, count in zip(bars, counts[outcome], strict=True):
            if count:
                x, y = bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height() / 2
                ax.text(x, y, str(count), ha="center", va="center", fontsize=9, color=ink)
        left = left + widths
    ax.invert_yaxis()
    ax.set(xlabel="share of curves", xlim=(0, 1))
    ax.legend(loc="upper left", bbox_to_anchor=(-0.5, -0.16), ncols=3, fontsize=9)
    return ax


def draw_differences(ax: Axes, groups: Sequence[Group], letter: str, message: str) -> Axes:
    """Draw the difference of dormant shares of each curve, a row for each data set.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    groups : sequence of Group
        Of `mirage.pages.figure_6_groups`.
    letter, message : str
        The panel's letter, and what it shows.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, message)
    for place, (_, _, table) in enumerate(groups):
        known = table.drop_nulls("difference")
        shift = np.linspace(-0.25, 0.25, known.height) if known.height > 1 else [0.0]
        ends = ~known["disjoint"]
        for side, mark in ((~ends, "o"), (ends, ".")):
            some = known.filter(side)
            y = place + np.asarray(shift)[side.to_numpy()]
            color = np.where(some["difference"] > 0, plots.SHARP, plots.SMOOTH)
            ax.scatter(some["difference"], y, c=color, marker=mark, s=22, alpha=0.8)
    ax.axvline(0, color="grey", ls="--")
    ax.set_yticks(range(len(groups)), [group.label for group in groups])
    ax.set(xlim=(-1, 1), xlabel="dormant share, first metric less second")
    ax.set_xticks([-0.5, 0, 0.5, 1])
    return ax


def draw_pairs(axes: np.ndarray, models: Mapping[Pair, pl.DataFrame], judged: dict) -> np.ndarray:
    """Draw open models under the two metrics of each pair.

    Parameters
    ----------
    axes : ndarray of Axes, shape (2, pairs)
        Drawn on, and returned.
    models : mapping of Pair to DataFrame
        Of `mirage.pages.figure_6_models.open_models`.
    judged : dict of Pair to dict
        The row of `mirage.pages.figure_6_models.judged` of each.

    Returns
    -------
    ndarray of Axes
    """
    for column, (pair, table) in enumerate(models.items()):
        row = judged[pair]
        sides = (("old", pair.old, plots.SHARP), ("new", pair.new, plots.SMOOTH))
        for i, (side, metric, color) in enumerate(sides):
            ax = axes[i, column]
            ax.plot(table["x"], table[side], ".", color=color, ms=6)
            sign = "−" if table[side].max() <= 0 else ""
            message = f"{pair.label}: {row[side]}" if i == 0 else f"{row[side]}"
            plots.letter(ax, LETTERS[10 + len(models) * i + column], message)
            share = row[f"{side}_share"]
            if share is not None:
                log = np.log(table["x"].to_numpy())
                ax.axvspan(
                    np.exp(log.min()),
                    np.exp(log.min() + share * np.ptp(log)),
                    color="grey",
                    alpha=0.15,
                    lw=0,
                )
            ax.set(xscale="log", ylabel=sign + metric)
        has_compute = table["x"].max() > 1e15
        axes[1, column].set_xlabel("training compute (FLOP)" if has_compute else "parameters")
    return axes


def draw_free_answers(axes: np.ndarray, table: pl.DataFrame, new: str) -> np.ndarray:
    """Draw exact match, and another metric of the same answers, of the tasks that rise most.

    Parameters
    ----------
    axes : ndarray of Axes, shape (2, tasks)
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.figure_6_models.ukp`, as many tasks as columns.
    new : str
        Name of the other metric.

    Returns
    -------
    ndarray of Axes
    """
    sides = (("old", "exact match", plots.SHARP), ("new", f"−{new}\n(characters)", plots.SMOOTH))
    for j, curve in enumerate(table.partition_by("task", maintain_order=True)):
        task, *_, shots = curve["task"][0].split(", ")
        for i, (side, label, color) in enumerate(sides):
            ax = axes[i, j]
            ax.plot(curve["x"], curve[side], "o-", color=color)
            message = f"−{new}" if i else f"{task.replace('_', ' ')}, {shots}"
            plots.letter(ax, LETTERS[16 + axes.shape[1] * i + j], message)
            ax.set_xscale("log")
            if j == 0:
                ax.set_ylabel(label)
        axes[1, j].set_xlabel("parameters")
    return axes


def draw_olmo(axes: Sequence[Axes], tables: Sequence[tuple[str, str, pl.DataFrame, str, str]]):
    """Draw metrics of the OLMo ladder, each task as a share of its range, and their median.

    Parameters
    ----------
    axes : sequence of Axes
        Drawn on, and returned.
    tables : sequence of (str, str, DataFrame, str, str)
        For each panel its letter and message, a table of `mirage.emergence.metric_change.paired`,
        the side to be drawn, ``old`` or ``new``, and the name of its scale.

    Returns
    -------
    sequence of Axes
    """
    for ax, (letter, message, table, side, x) in zip(axes, tables, strict=True):
        plots.letter(ax, letter, message)
        low, high = (getattr(pl.col(side), end)().over("task") for end in ("min", "max"))
        shown = table.with_columns(share=(pl.col(side) - low) / (high - low))
        color = plots.SHARP if side == "old" else plots.SMOOTH
        ax.plot(shown["x"], shown["share"], ".", color=color, alpha=plots.FAINT, ms=3, mew=0)
        middle = shown.group_by("x").agg(pl.median("share")).sort("x")
        ax.plot(middle["x"], middle["share"], "-", color="black", lw=1.2)
        ax.set(xscale="log", xlabel=x)
        ax.set_ylabel("share of the task's range")
    return axes


def draw_correlations(ax: Axes, correlations: pl.DataFrame, letter: str, message: str) -> Axes:
    """Draw the rank correlation with compute at each step from likelihood to accuracy.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    correlations : polars.DataFrame
        Of `mirage.pages.figure_6_models.correlations`.
    letter, message : str
        The panel's letter, and what it shows.

    Returns
    -------
    Axes
    """
    plots.letter(ax, letter, message)
    wide = correlations.pivot(on="metric", index="task", values="correlation")
    lines = wide.select(CHAIN).to_numpy()
    ax.plot(range(len(CHAIN)), lines.T, color=plots.EDGE, lw=0.8, alpha=plots.FAINT)
    colors = [plots.SMOOTH] * (len(CHAIN) - 1) + [plots.SHARP]
    for place, color in enumerate(colors):
        ax.plot(np.full(len(lines), place), lines[:, place], ".", color=color, ms=7)
        ax.plot(place, np.median(lines[:, place]), "_", color="black", ms=22, mew=2)
    names = ["− bits\nper byte", "log p\n(right)", "p\n(right)", "accuracy"]
    ax.set_xticks(range(len(CHAIN)), names)
    ax.set_ylabel("rank correlation with compute")
    return ax


assert set(OUTCOME_COLORS) == set(OUTCOMES)
