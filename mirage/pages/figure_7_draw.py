"""Panels of Figure 7's page: tables in, axes out."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.emergence.dormancy_bootstrap import DormancyDifference
from mirage.pages import published
from mirage.pages.figure_7 import ERROR, PAPER_C


def draw_figure(
    axes: Sequence[Axes],
    curves: pl.DataFrame,
    bound: pl.DataFrame,
    c: float,
    both: DormancyDifference,
) -> list[Axes]:
    """Draw panels A to C: the published ability, the test error, and reconstruction to within c.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned.
    curves : polars.DataFrame
        Mean over seeds of the family's scores, from `mirage.tables.over_seeds`.
    bound : polars.DataFrame
        Test error of principal components.
    c : float
        Threshold; the paper's points are drawn at the paper's own.
    both : mirage.emergence.dormancy_bootstrap.DormancyDifference
        Dormant shares, for the titles.
    """
    elements = published.load("fig7A_periodic_elements")
    plots.published(axes[0], elements["params"], elements["normalized_score"])
    axes[0].set(xscale="log", xlabel="parameters", ylabel="normalized score")
    plots.letter(axes[0], "A", "Periodic elements (paper)").legend()
    paper = published.load("fig7B_mse")
    plots.curve(axes[1], curves.filter(metric=ERROR), label="autoencoder", color=plots.SMOOTH)
    axes[1].plot(bound["n_params"], bound["score"], ":", color="black", label="PCA (bound)")
    plots.published(axes[1], paper["params"], paper["test_mse"])
    axes[1].set(xscale="log", yscale="log", xlabel="parameters", ylabel="test mean squared error")
    plots.letter(axes[1], "B", f"Error: {100 * both.b.share:.0f} % dormant").legend(
        loc="lower left"
    )
    return [
        *axes[:2],
        draw_reconstruction(
            axes[2], curves, c, "C", f"Reconstruction: {100 * both.a.share:.0f} % dormant"
        ),
    ]


def draw_reconstruction(
    ax: Axes, curves: pl.DataFrame, c: float, letter: str, message: str
) -> Axes:
    """Draw the share of test images whose error is below c against the number of parameters."""
    curve = curves.filter(metric=f"reconstruction, c = {c:g}")
    plots.curve(ax, curve, label=f"autoencoder, c = {c:g}", color=plots.SHARP, marker="s")
    paper, points = published.load("fig7B_mse"), published.load("fig7C_reconstruction")
    label = f"paper, c = {PAPER_C:g}"
    plots.published(ax, paper["params"], points[f"{PAPER_C:g}"], marker="s", label=label)
    ax.set(xscale="log", xlabel="parameters", ylabel="share of images with error < c")
    plots.letter(ax, letter, message).legend(loc="upper left")
    return ax


def draw_thresholds(
    axes: Sequence[Axes], curves: pl.DataFrame, starts: pl.DataFrame, c: float
) -> Sequence[Axes]:
    """Draw panels D to F: C on a logarithmic axis, where each threshold's rise begins, and some.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned.
    curves : polars.DataFrame
        As for `draw_figure`.
    starts : polars.DataFrame
        From `mirage.pages.figure_7.onsets`.
    c : float
        Threshold of panel D.
    """
    positive = curves.filter(pl.col("score") > 0)
    draw_reconstruction(axes[0], positive, c, "D", "The same on a log axis")
    axes[0].set(yscale="log", ylim=(5e-5, 2))
    axes[1].plot(starts["c"], starts["share"], "s-", color=plots.SHARP, label="autoencoder")
    axes[1].set(xscale="log", xlabel="threshold c", ylabel="dormant share of the sizes")
    axes[1].set_ylim(-0.02, 1)
    plots.letter(axes[1], "E", "Where the rise begins")
    shown = starts["c"].to_list()[::4]
    for threshold, color in zip(shown, plots.sequence(len(shown)), strict=True):
        curve = curves.filter(metric=f"reconstruction, c = {threshold:g}")
        label = f"{threshold:.2g}"
        plots.curve(axes[2], curve, label=label, color=color, marker=".", band=False)
    axes[2].set(xscale="log", xlabel="parameters", ylabel="share of images with error < c")
    plots.legend_beside(plots.letter(axes[2], "F", "Any c, any place"), title="c")
    return axes


def draw_training(axes: Sequence[Axes], ours: pl.DataFrame, paper: pl.DataFrame) -> Sequence[Axes]:
    """Draw panels G and H: error above principal components, by size and by activation.

    Parameters
    ----------
    axes : sequence of 2 Axes
        Drawn on, and returned.
    ours : polars.DataFrame
        From `mirage.pages.figure_7.excess`.
    paper : polars.DataFrame
        From `mirage.pages.figure_7.paper_excess`; without rows on a subset of the images.
    """
    standard = ours.filter(activation="tanh", gain=0.05)
    plots.curve(axes[0], standard, x="bottleneck", label="random start", color=plots.SMOOTH)
    if paper.height:
        plots.published(axes[0], paper["bottleneck"], paper["score"])
    axes[0].set(xscale="log", xlabel="bottleneck k", ylabel="error above PCA (%)")
    axes[0].set_yscale("symlog", linthresh=1)
    axes[0].set_ylim(min(0, ours["score"].min()) - 0.3, 2 * max(ours["score"].max(), 1))
    plots.letter(axes[0], "G", "Error above the bound").legend(loc="upper left")
    others = ours.filter(pl.struct("activation", "gain").n_unique().over("bottleneck") > 1)
    sizes = others["bottleneck"].unique().sort().to_list()
    for marker, k in zip("s^", sizes, strict=False):
        rows = others.filter(bottleneck=k).sort("score")
        names = rows.select(pl.format("{}, {}", "activation", "gain")).to_series()
        axes[1].plot(names, rows["score"], marker, ls="none", label=f"k = {k}")
    axes[1].set(xlabel="activation, gain", ylabel="error above PCA (%)")
    axes[1].tick_params(axis="x", rotation=25)
    plots.letter(axes[1], "H", "By activation").legend(loc="upper left")
    return axes
