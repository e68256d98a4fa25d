"""Panels of Figure 11's page: tables in, axes out."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from mirage import plots
from mirage.pages import published
from mirage.pages.figure_11 import SHARP, SMOOTH, K, Onset, medians


def draw_figure(axes: Sequence[Axes], scores: pl.DataFrame, both: Onset) -> Sequence[Axes]:
    """Draw panels A to C: the published ability, accuracy, and K of K right.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned.
    scores : polars.DataFrame
        As for `mirage.pages.figure_11.findings`.
    both : mirage.pages.figure_11.Onset
        Dormant shares, for the titles.
    """
    mappings, paper = published.load("fig11A_grounded_mappings"), published.lenet_scores()
    plots.published(axes[0], mappings["x_flops"], mappings["acc"])
    axes[0].axhline(mappings["chance"], ls=":", color="grey", label="chance")
    axes[0].set(xscale="log", xlabel="training compute (FLOP)", ylabel="accuracy", ylim=(0, 0.5))
    plots.letter(axes[0], "A", "Grounded mappings (paper)").legend()
    panels = (
        (
            "B",
            f"Accuracy: {100 * both.smooth.share:.0f} % dormant",
            SMOOTH,
            plots.SMOOTH,
            "o",
            "test accuracy",
        ),
        (
            "C",
            f"{K} of {K} right: {100 * both.sharp.share:.0f} % dormant",
            SHARP,
            plots.SHARP,
            "s",
            f"{K} of {K} images right",
        ),
    )
    for ax, (name, message, metric, color, marker, label) in zip(axes[1:], panels, strict=True):
        single = scores.filter(metric=metric)
        ax.plot(single["n_params"], single["score"], ".", color="grey", ms=4, label="one seed")
        curve = medians(scores).filter(metric=metric)
        plots.curve(ax, curve, label="median, quartiles", color=color, marker=marker)
        points = paper.filter(metric=metric)
        plots.published(ax, points["n_params"], points["score"], marker=marker)
        ax.set(xscale="log", xlabel="parameters", ylabel=label, ylim=(-0.02, 1))
        plots.letter(ax, name, message).legend(
            loc="lower right" if metric == SMOOTH else "upper left"
        )
    return axes


def draw_subsets(
    axes: Sequence[Axes], scores: pl.DataFrame, starts: pl.DataFrame
) -> Sequence[Axes]:
    """Draw panels D to F: subset accuracy for several K on two axes, and where each rises.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned.
    scores : polars.DataFrame
        As for `mirage.pages.figure_11.findings`.
    starts : polars.DataFrame
        From `mirage.pages.figure_11.onsets`.
    """
    shown, curves = (1, 2, 4, 6, 8, 10), medians(scores)
    for ax, scale in zip(axes[:2], ("linear", "log"), strict=True):
        for k, color, marker in zip(shown, plots.sequence(len(shown)), plots.MARKERS, strict=False):
            curve = curves.filter(metric=f"subset accuracy, K = {k}")
            curve = curve.filter((pl.col("score") > 0) | (scale == "linear"))
            plots.curve(ax, curve, label=f"K = {k}", color=color, marker=marker, band=False)
        ax.set(xscale="log", yscale=scale, xlabel="parameters", ylabel="K of K images right")
        ax.xaxis.set_minor_formatter(NullFormatter())
    plots.letter(axes[0], "D", "The larger K, the later").legend()
    plots.letter(axes[1], "E", "The same on a log axis")
    plots.curve(axes[2], starts, x="k", label="median, 95 % interval", color=plots.SHARP)
    label = "paper's accuracies to the power K"
    plots.published(axes[2], starts["k"], starts["published"], label=label)
    axes[2].set(xlabel="K", ylabel="dormant share of the sizes", ylim=(-0.02, 0.6))
    plots.letter(axes[2], "F", "Where the rise begins").legend(loc="upper left")
    return axes


def draw_seeds(axes: Sequence[Axes], scores: pl.DataFrame) -> Sequence[Axes]:
    """Draw panels G and H: accuracy of every seed by width, and by its number of live units.

    Parameters
    ----------
    axes : sequence of 2 Axes
        Drawn on, and returned.
    scores : polars.DataFrame
        As for `mirage.pages.figure_11.findings`.
    """
    single = scores.filter(pl.col("metric") == SMOOTH, pl.col("width") <= 8).sort("width", "seed")
    counts = single["live_units"].clip(upper_bound=4)
    colors = plots.sequence(5)
    panels = ((axes[0], "width", "width w"), (axes[1], "live_units", "hidden units still active"))
    for ax, column, label in panels:
        for n in range(5):
            group = single.filter(counts == n)
            # Seeds side by side, so that equal accuracies do not hide each other.
            shift = group["seed"] % 11 / 22 - 0.25
            name = f"{n} active" if n < 4 else "4 or more"
            style = {"color": colors[n], "mec": "black", "mew": 0.3, "ls": "none", "ms": 6}
            ax.plot(group[column] + shift, group["score"], plots.MARKERS[n], label=name, **style)
        ax.set(xlabel=label, ylabel="test accuracy", ylim=(0, 1))
    plots.letter(axes[0], "G", "Single seeds at small widths").legend(title="hidden units")
    plots.letter(axes[1], "H", "The same by active units")
    return axes
