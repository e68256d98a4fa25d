"""Panels of the page on forecasts: tables in, axes out; nothing is computed here."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.arithmetic.curves import EXACT, METRICS, NEGATED
from mirage.emergence.forecast import extrapolate
from mirage.pages.forecast import LENGTHS, NAMES

COLORS = dict(zip(METRICS, (plots.SHARP, "#009E73", plots.SMOOTH, "#444444"), strict=True))


def draw_curves(
    axes: np.ndarray, curves: pl.DataFrame, n_held_out: int, letters: str
) -> np.ndarray:
    """Draw each metric with the curve fitted to the small models.

    Parameters
    ----------
    axes : ndarray of Axes, shape (2, 4)
        A row for each task, a column for each metric; drawn on, and returned.
    curves : polars.DataFrame
        From `mirage.arithmetic.curves.comparable`.
    n_held_out : int
        Sizes that are not fitted.
    letters : str
        Of the panels, row by row.

    Returns
    -------
    ndarray of Axes
    """
    sizes = np.geomspace(curves["n_params"].min(), curves["n_params"].max(), 60)
    cells = [(task, metric) for task in LENGTHS for metric in METRICS]
    for ax, (task, metric), letter in zip(axes.flat, cells, letters, strict=True):
        curve, color = curves.filter(task=task, metric=metric), COLORS[metric]
        seen = pl.col("n_params") <= curve["n_params"].unique().sort()[-1 - n_held_out]
        line = extrapolate(curve, n_held_out, sizes)
        plots.curve(ax, line, label="fit, 95 % prediction", marker="", color=color)
        ax.plot(*curve.filter(seen)["n_params", "score"], "o", color=color, label="fitted")
        ax.plot(
            *curve.filter(~seen)["n_params", "score"], "D", mfc="w", mec=color, label="held out"
        )
        low, high = curve.select("floor", "ceiling").row(0)
        margin = 0.05 * (high - low)
        ax.set(xscale="log", ylim=(low - margin, high + margin))
        plots.letter(ax, letter, f"{metric} (tokens)" if metric == NEGATED else metric)
    for row, name in zip(axes, NAMES.values(), strict=True):
        row[0].set(ylabel=name)
    for ax in axes[1]:
        ax.set(xlabel="parameters")
    return axes


def draw_origins(axes: np.ndarray, found: pl.DataFrame, letters: str) -> np.ndarray:
    """Draw the forecast exact match of the largest model against the largest size fitted.

    Parameters
    ----------
    axes : sequence of 2 Axes
        One for each task; drawn on, and returned.
    found : polars.DataFrame
        Means over seeds: ``task, metric, largest_fitted, score, low, high, em_observed``.
    letters : str
        Of the panels.

    Returns
    -------
    sequence of Axes
    """
    for ax, (task, name), letter in zip(axes, NAMES.items(), letters, strict=True):
        part = found.filter(task=task)
        for i, metric in enumerate(METRICS):
            curve = part.filter(metric=metric).sort("largest_fitted")
            low, high = (curve[end].clip(0, 1).fill_nan(curve["score"]) for end in ("low", "high"))
            ends = curve["score"] - low, high - curve["score"]
            style = {"marker": plots.MARKERS[i], "color": COLORS[metric]}
            aside = 1.05 ** (i - 1.5)
            x = curve["largest_fitted"] * aside
            ax.errorbar(x, curve["score"], ends, label=f"from {metric}", **style)
        ax.axhline(part["em_observed"].mean(), ls="--", color="black", label="observed")
        ax.set(xscale="log", xlabel="largest size fitted (parameters)", ylim=(-0.05, 1.05))
        plots.letter(ax, letter, name)
    axes[0].set(ylabel="exact match of the largest")
    return axes


def draw_published(left: Axes, right: Axes, paper: pl.DataFrame, bigg: pl.DataFrame) -> None:
    """Draw forecasts of GPT-3 175B, and relative errors of forecasts of the largest BIG-G model.

    Parameters
    ----------
    left, right : Axes
        Drawn on.
    paper : polars.DataFrame
        From `mirage.pages.forecast.of_paper`.
    bigg : polars.DataFrame
        From `mirage.pages.forecast.relative`.
    """
    for metric, marker in ((EXACT, "o"), (NEGATED, "s")):
        curve, style = paper.filter(metric=metric), {"marker": marker, "ls": "none"}
        left.plot(
            *curve["label", "exact_match"], color=COLORS[metric], label=f"from {metric}", **style
        )
    observed = paper.filter(metric=EXACT)
    plots.published(left, *observed["label", "em_observed"], marker="D", label="observed")
    left.set(xlabel="operation and target length", ylabel="exact match of GPT-3 175B")
    drawn = bigg.filter(~pl.col("metric").str.contains("/"))
    for i, ((metric, model), part) in enumerate(
        drawn.group_by("metric", "model", maintain_order=True)
    ):
        ends = [np.abs(part["score"] - part[end]) for end in ("low", "high")]
        style = {"fmt": "oo^^ss"[i], "color": (plots.SHARP, plots.SMOOTH)[i % 2]}
        style["label"] = f"{metric.split(',')[0]}, {model}"
        right.errorbar(part["n_held_out"] + 0.1 * i - 0.25, part["score"], ends, **style)
    right.axhline(1, ls="--", color="black", label="nothing changes")
    right.set(xlabel="largest sizes held out", ylabel="relative error", xticks=[1, 2, 3])
    right.set(ylim=(0, None))
    plots.letter(left, "K", "GPT-3").legend(loc=(0.02, 0.27))
    plots.legend_beside(plots.letter(right, "L", "BIG-G"))
