"""Panels of Figure 8's page: tables in, axes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from mirage import plots
from mirage.emergence.dormancy_bootstrap import DormancyDifference
from mirage.pages import published
from mirage.pages.figure_8 import LENGTH, SHARP, SMOOTH, paper
from mirage.vision import sequences

STYLES = {"width": ("wider, trained well", "-"), "depth": ("more blocks, brief training", "--")}


def draw_figure(
    axes: Sequence[Axes], curves: pl.DataFrame, wide: DormancyDifference
) -> Sequence[Axes]:
    """Draw panels A to C: the published ability, accuracy per image, and all of 3 labels right.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned.
    curves : polars.DataFrame
        From `mirage.vision.sequences.curves`.
    wide : mirage.emergence.dormancy_bootstrap.DormancyDifference
        Dormant shares of the width family, for the titles.
    """
    mmlu = published.load("fig8A_mmlu")
    plots.published(axes[0], mmlu["params"], mmlu["acc"])
    axes[0].axhline(0.25, ls=":", color="grey", label="chance, 4 choices")
    axes[0].set(xscale="log", xlabel="parameters", ylabel="accuracy", ylim=(0, 0.5))
    plots.letter(axes[0], "A", "MMLU (paper)").legend(loc="upper left")
    panels = (
        (
            "B",
            f"Accuracy: {100 * wide.b.share:.0f} % dormant",
            SMOOTH,
            plots.SMOOTH,
            "accuracy per image",
            "accuracy",
        ),
        (
            "C",
            f"All of 3 right: {100 * wide.a.share:.0f} % dormant",
            SHARP,
            plots.SHARP,
            "all of 3 labels right",
            "together",
        ),
    )
    for ax, (name, message, metric, color, label, column) in zip(axes[1:], panels, strict=True):
        for marker, (family, (text, line)) in zip("os", STYLES.items(), strict=True):
            curve = curves.filter(metric=metric, family=family)
            plots.curve(ax, curve, label=text, color=color, marker=marker)
            ax.lines[-1].set_linestyle(line)
        plots.published(ax, paper()["n_params"], paper()[column])
        ax.set(xscale="log", xlabel="parameters", ylabel=label)
        ax.set_ylim(-0.02, 1 if metric == SMOOTH else 0.65)
        plots.letter(ax, name, message).legend(loc="upper left")
    return axes


def draw_lengths(
    axes: Sequence[Axes], curves: pl.DataFrame, starts: pl.DataFrame
) -> Sequence[Axes]:
    """Draw panels D to F: all-correct of the wider networks for L = 1 to 5, and where each rises.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned.
    curves : polars.DataFrame
        From `mirage.vision.sequences.curves`.
    starts : polars.DataFrame
        From `mirage.pages.figure_8.onsets`.
    """
    lengths = range(1, sequences.LENGTH + 1)
    for ax, scale in zip(axes[:2], ("linear", "log"), strict=True):
        for n, color in zip(lengths, plots.sequence(len(lengths)), strict=True):
            curve = curves.filter(family="width", metric=f"all correct, L = {n}")
            curve = curve.filter((pl.col("score") > 0) | (scale == "linear"))
            band = scale == "linear"
            plots.curve(
                ax, curve, label=f"L = {n}", color=color, marker=plots.MARKERS[n - 1], band=band
            )
        ax.set(xscale="log", yscale=scale, xlabel="parameters", ylabel="all L labels right")
        ax.xaxis.set_minor_formatter(NullFormatter())
    plots.letter(axes[0], "D", "The longer, the later").legend()
    plots.letter(axes[1], "E", "The same on a log axis")
    for marker, (family, (text, line)) in zip("os", STYLES.items(), strict=True):
        rows = starts.filter(family=family)
        style = {"color": plots.SHARP, "fmt": marker + line, "label": text}
        plots.intervals(axes[2], rows, x="length", **style)
    axes[2].set(xlabel="L", ylabel="dormant share of the sizes", ylim=(-0.02, 0.5))
    plots.letter(axes[2], "F", "Where the rise begins").legend(loc="upper left")
    return axes


def draw_dependence(axes: Sequence[Axes], curves: pl.DataFrame) -> Sequence[Axes]:
    """Draw panels G and H: all-correct against accuracy, and what dependence adds to it.

    Parameters
    ----------
    axes : sequence of 2 Axes
        Drawn on, and returned.
    curves : polars.DataFrame
        From `mirage.vision.sequences.curves`.
    """
    wide = curves.pivot(on="metric", index=["family", "n_params"], values="score")
    for marker, (family, (text, _)) in zip("os", STYLES.items(), strict=True):
        rows = wide.filter(family=family)
        axes[0].plot(rows[SMOOTH], rows[SHARP], marker, color=plots.SHARP, label=text)
        excess = curves.filter(family=family, metric=f"excess over product, L = {LENGTH}")
        style = {"color": plots.SHARP, "fmt": marker, "label": text}
        plots.intervals(axes[1], excess, **style)
    p = np.linspace(0.02, 1, 200)
    axes[0].plot(p, p**LENGTH, ":", color="grey", label=f"accuracy to the power {LENGTH}")
    plots.published(axes[0], paper()["accuracy"], paper()["together"])
    axes[0].set(xlabel="accuracy per image", ylabel="all of 3 labels right")
    plots.letter(axes[0], "G", "All right, given accuracy").legend(loc="upper left")
    axes[1].axhline(0, color="grey", lw=0.8)
    axes[1].set(xscale="log", xlabel="parameters", ylabel="all right − independent images")
    axes[1].xaxis.set_minor_formatter(NullFormatter())
    plots.letter(axes[1], "H", "What dependence adds").legend(loc="upper left")
    return axes
