"""Figures of the page on the emergence score: tables in, axes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.pages.limits_of_the_score import RULES
from mirage.pages.limits_of_the_score_simulation import HIGH, LOW, METRICS, N_MODELS

COLORS = {"jump": plots.SHARP, "smooth": plots.SMOOTH, "smooth trend": plots.SMOOTH}


def draw_sizes(axes: Sequence[Axes], grids: pl.DataFrame) -> Sequence[Axes]:
    """Draw score and dormant share of the same model against the number of sizes.

    Parameters
    ----------
    axes : two Axes
        For the emergence score and the dormant share.
    grids : polars.DataFrame
        As `by_grid` of the simulations returns it; Figure 2's own sizes are drawn hollow.

    Returns
    -------
    two Axes
    """
    styles = zip(METRICS, (plots.SHARP, plots.SMOOTH), "os", strict=True)
    for metric, color, marker in styles:
        rows = grids.filter(sizes="log-spaced", metric=metric)
        paper = grids.filter(sizes="GPT-3", metric=metric)
        for ax, column in zip(axes, ("score", "dormant_share"), strict=True):
            ax.plot(rows["n_sizes"], rows[column], marker, ls="-", color=color, ms=3, label=metric)
            ax.plot(4, paper[column], marker, mfc="none", mec=color, ms=9, mew=1.5)
    n = grids.filter(sizes="log-spaced")["n_sizes"].unique().sort()
    axes[0].plot(n, n - 1, "k:", label="a straight line")
    axes[0].set(ylabel="emergence score")
    axes[1].set(ylabel="dormant share", ylim=(0, 1))
    for ax, letter, message in zip(
        axes, "AB", ("The score follows the number of sizes", "The onset does not"), strict=True
    ):
        ax.set(xlabel="sizes, 3.5e8 to 2e11 parameters")
        plots.letter(ax, letter, message)
        ax.legend()
    return axes


def draw_infinite(ax: Axes, shares: pl.DataFrame) -> Axes:
    """Draw the share of infinite scores against the number of items, a line for each length."""
    lengths = shares["length"].unique(maintain_order=True).to_list()
    for length, color, marker in zip(lengths, plots.sequence(len(lengths)), "os^", strict=False):
        rows = shares.filter(length=length)
        ax.plot(rows["n_items"], rows["share"], marker, ls="-", color=color, label=f"L = {length}")
    ax.set(xscale="log", xlabel="items", ylabel="share of infinite scores", ylim=(0, 1))
    ax.legend()
    return plots.letter(ax, "E", "Few items, infinite score")


def draw_tasks(ax: Axes, tasks: pl.DataFrame) -> Axes:
    """Draw every task's score by its definition, and with the floor and its interval."""
    rows = tasks.with_row_index("place")
    edge = 90  # where infinite scores are drawn
    bars = rows.rename({"floored": "kept"}).with_columns(score=pl.col("kept"))
    options = {"ms": 3, "lw": 0.7, "capsize": 0, "color": "#444444"}
    plots.intervals(ax, bars, "place", label="with a floor, 95 % interval", **options)
    finite = rows.filter(pl.col("score").is_finite())
    ax.plot(finite["place"], finite["score"], "x", color=plots.SHARP, ms=4, label="definition")
    infinite = rows.filter(pl.col("score").is_infinite())
    heights = edge * np.sign(infinite["score"].to_numpy())
    ax.plot(infinite["place"], heights, "^", color=plots.SHARP, label="definition: infinite")
    ax.axhline(N_MODELS - 1, color="k", ls=":", lw=1, label="a straight line")
    ax.set_yscale("symlog", linthresh=10)
    ax.set_yticks([-100, -10, 0, 10, 100], ["−100", "−10", "0", "10", "100"])
    ax.set(xlabel="task, by score with a floor", ylabel="emergence score")
    plots.letter(ax, "G", "BIG-bench tasks: wide intervals")
    return plots.legend_beside(ax)


def draw_jump(axes: Sequence[Axes], jump: pl.DataFrame) -> Sequence[Axes]:
    """Draw score and fitted height of one jump against the number of items, 95 % of the draws."""
    titles = ("One jump, any score", "Its height stays")
    labels = ("emergence score", "fitted height of the jump")
    for ax, quantity, letter, title, label in zip(
        axes, ("score", "height"), "CD", titles, labels, strict=True
    ):
        rows = jump.filter(quantity=quantity)
        plots.intervals(ax, rows, "n_items", color=plots.SHARP)
        ax.set(xscale="log", xlabel="items", ylabel=label)
        plots.letter(ax, letter, title)
    axes[0].set_yscale("log")
    axes[1].axhline(HIGH - LOW, color="k", ls=":")
    axes[1].set_ylim(0, 0.7)
    return axes


def draw_tails(ax: Axes, tails: Mapping[str, np.ndarray]) -> Axes:
    """Draw the share of test sets that score at least so much, for three true curves."""
    grid = np.linspace(0, 40, 161)
    for (name, values), style in zip(tails.items(), ("-", "--", "-."), strict=True):
        share = 1 - np.searchsorted(values, grid) / len(values)
        ax.plot(grid, share, style, color=COLORS.get(name, "#444444"), label=name)
    ax.axhline(0.01, color="k", lw=0.8, ls=":")
    ax.set(yscale="log", ylim=(1e-3, 1), xlabel="size of the emergence score")
    ax.set_ylabel("share at least as large")
    ax.legend()
    return plots.letter(ax, "F", "Smooth trends reach high scores")


def draw_rules(ax: Axes, flags: pl.DataFrame) -> Axes:
    """Draw how many smooth curves and jumps each rule flags, as bars with their counts."""
    for row, shift, hatch in zip(flags.iter_rows(named=True), (-0.2, 0.2), ("//", ""), strict=True):
        shares = [row[name] / row["n_curves"] for name in RULES]
        truth = row["truth"]
        bars = ax.bar(
            np.arange(len(RULES)) + shift, shares, 0.4, color=COLORS[truth], hatch=hatch,
            label=f"{truth} ({row['n_curves']} curves)", alpha=0.8,
        )  # fmt: skip
        ax.bar_label(bars, [row[name] for name in RULES])
    ax.set_xticks(range(len(RULES)), RULES)
    ax.set(ylabel="share called a jump", ylim=(0, 1.3))
    ax.legend()
    return plots.letter(ax, "H", "Three rules")


def draw_verdicts(ax: Axes, shares: pl.DataFrame) -> Axes:
    """Draw the share of right verdicts against the number of sizes, for both truths."""
    for truth, marker in (("jump", "o"), ("smooth", "s")):
        rows = shares.filter(truth=truth)
        ax.plot(rows["n_sizes"], rows["share"], marker, ls="-", color=COLORS[truth], label=truth)
    ax.set(xlabel="sizes", ylabel="share of right verdicts", ylim=(-0.03, 1.03))
    ax.set_xticks(shares["n_sizes"].unique().sort())
    ax.legend()
    return plots.letter(ax, "I", "Fits need sizes")


def draw_left_out(ax: Axes, curves: pl.DataFrame) -> Axes:
    """Draw the score of every published curve, and the range without one of its models."""
    names = curves["curve"].unique(maintain_order=True).to_list()
    styles = zip(METRICS, (plots.SHARP, plots.SMOOTH), "os", (-0.15, 0.15), strict=True)
    for metric, color, marker, shift in styles:
        rows = curves.filter(metric=metric)
        x = [names.index(name) + shift for name in rows["curve"]]
        ax.vlines(x, rows["low"], rows["high"], color=color, lw=5)
        ax.plot(x, rows["score"], marker, mfc="none", mec=color, label=metric)
    ax.axhline(2, color="k", ls=":", label="most that three models can score")
    ax.set_xticks(range(len(names)), names)
    ax.set(yscale="log", xlabel="task, target length", ylabel="emergence score")
    ax.legend()
    return plots.letter(ax, "J", "Published, and without one model")
