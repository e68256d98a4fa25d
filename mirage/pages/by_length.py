"""Drawing of curves by target length (Figures 3, 4, prediction 3): tables in, axes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mirage import plots

DASHES = {0.0: "-", 1.0: "--"}  # by temperature, as in the paper
MARKERS = (*plots.MARKERS, "h", "*", "d")  # of models: at least twelve of them
COLORS = plots.sequence(5)  # by target length, 1 to 5


def style(length: int) -> dict:
    """Return the colour and the marker of a target length, for matplotlib."""
    return {"color": COLORS[length - 1], "marker": plots.MARKERS[length - 1]}


def by_length(ax: Axes, table: pl.DataFrame, hollow: bool = False) -> Axes:
    """Draw scores against size, a curve for each target length and temperature.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Columns ``n_params``, ``score``, ``target_length``, ``temperature`` (0: solid, 1: dashed);
        ``low`` and ``high``, where there are any, give the curves of temperature 0 a band.
    hollow : bool
        Draw hollow markers: the paper's points.

    Returns
    -------
    Axes
    """
    curves = table.sort("target_length", "temperature", "n_params")
    groups = curves.group_by("target_length", "temperature", maintain_order=True)
    for (length, temperature), curve in groups:
        of = style(length) | {"linestyle": DASHES[temperature]}
        ax.plot(curve["n_params"], curve["score"], mfc="none" if hollow else None, **of)
        if temperature == 0 and "low" in curve.columns and curve["low"].is_finite().all():
            ends = curve["n_params"], curve["low"], curve["high"]
            ax.fill_between(*ends, color=of["color"], alpha=0.15, lw=0)
    return ax


def longest(ax: Axes, table: pl.DataFrame, color: str, hollow: bool = False) -> Axes:
    """Draw scores against size, the longest target thick and the shorter ones thin and paler.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Columns ``n_params``, ``score``, ``target_length``; ``low`` and ``high``, where there are
        any, are the interval of the longest target's curve.
    color : str
        Of the metric.
    hollow : bool
        Draw hollow markers: the paper's points.

    Returns
    -------
    Axes
    """
    last = table["target_length"].max()
    for (length,), curve in table.sort("target_length", "n_params").group_by(
        "target_length", maintain_order=True
    ):
        top = length == last
        look = {
            "color": color,
            "marker": plots.MARKERS[length - 1],
            "alpha": 1 if top else plots.FAINT,
        }
        look |= {
            "lw": 2.4 if top else 0.8,
            "ms": 6 if top else 4,
            "mfc": "none" if hollow else color,
        }
        ax.plot(curve["n_params"], curve["score"], label=f"L = {length}", **look)
        if top and "low" in curve.columns and curve["low"].is_finite().all():
            ax.fill_between(*curve["n_params", "low", "high"], color=color, alpha=0.2, lw=0)
    return ax


def over_length(
    axes: Sequence[Axes], table: pl.DataFrame, fits: pl.DataFrame, end: int = 0
) -> Sequence[Axes]:
    """Draw accuracy and token edit distance of one task against target length, with their lines.

    Parameters
    ----------
    axes : (Axes, Axes)
        For accuracy, on a logarithmic axis, and for token edit distance; drawn on, and returned.
    table : polars.DataFrame
        Columns ``model``, ``n_params``, ``metric`` ("exact match", "token edit distance"),
        ``target_length`` and ``score``, a score each; hollow where ``family`` is the paper's.
    fits : polars.DataFrame
        The same models' rows of `mirage.pages.prediction_3.fit`.
    end : int
        As given to it.

    Returns
    -------
    (Axes, Axes)
    """
    models = fits.sort("n_params").to_dicts()
    for row, color, marker in zip(models, plots.sequence(len(models)), MARKERS, strict=False):
        of = {"color": color, "marker": marker, "linestyle": "none"}
        of["mfc"] = "none" if "paper" in row["family"] else color
        curves = table.filter(model=row["model"]).sort("target_length")
        for ax, metric in zip(axes, ("exact match", "token edit distance"), strict=True):
            curve = curves.filter(metric=metric)
            ax.plot(curve["target_length"], curve["score"], label=row["model"], **of)
        length = curve["target_length"].to_numpy()
        axes[0].plot(length, row["amplitude"] * row["decay"] ** (length + end), ":", color=color)
        axes[1].plot(length, row["intercept"] + row["slope"] * length, ":", color=color)
    axes[0].set_yscale("log")
    for ax in axes:
        ax.xaxis.set_major_locator(plt.MultipleLocator(1))
    return axes


def legend(figure: Figure, lengths: Iterable[int], temperatures: Iterable[float] = ()) -> Figure:
    """Write above a figure what colour, marker and dash mean.

    Parameters
    ----------
    figure : Figure
        Written on, and returned.
    lengths : iterable of int
        Target lengths.
    temperatures : iterable of float
        0 and 1, where both are drawn.

    Returns
    -------
    Figure
    """
    keys = [plt.Line2D([], [], label=f"L = {length}", **style(length)) for length in lengths]
    keys += [
        plt.Line2D([], [], color="black", linestyle=DASHES[t], label=f"temperature {t:g}")
        for t in temperatures
    ]
    figure.legend(handles=keys, loc="outside upper center", ncols=len(keys))
    return figure
