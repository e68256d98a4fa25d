"""Panels of prediction 3: tables in, axes out; nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.pages import by_length
from mirage.pages.prediction_3 import FACTORS, TASKS


def draw_excess(axes: Sequence[Axes], longest: pl.DataFrame, letters: str) -> Sequence[Axes]:
    """Draw the factors of `excess` against size, a panel for each task.

    Parameters
    ----------
    axes : sequence of Axes
        One for each task; drawn on, and returned.
    longest : polars.DataFrame
        From `excess`, the longest targets.
    letters : str
        Of the panels.

    Returns
    -------
    sequence of Axes
    """
    for ax, (task, name), letter in zip(axes, TASKS.items(), letters, strict=True):
        rows = longest.filter(task=task)
        for (factor, label), marker in zip(FACTORS.items(), "os^", strict=True):
            plots.curve(ax, rows.filter(factor=factor), label=label, marker=marker)
        ax.axhline(1, ls=":", color="grey")
        plots.letter(ax, letter, f"Our {name}, L = {rows['target_length'][0]}")
        ax.set(xscale="log", yscale="log", xlabel="parameters")
    axes[0].set(ylabel="ratio")
    plots.legend_beside(axes[-1])
    return axes


def draw_lengths(
    axes: np.ndarray, table: pl.DataFrame, fits: pl.DataFrame, letters: str, end: int = 0
) -> np.ndarray:
    """Draw accuracy (above) and token edit distance (below) against length, a column for each task.

    Parameters
    ----------
    axes : ndarray of Axes, shape (2, 2)
        Drawn on, and returned.
    table : polars.DataFrame
        As in `mirage.pages.by_length.over_length`, with the column ``task``.
    fits : polars.DataFrame
        From `fit`, of the same models.
    letters : str
        Of the panels, row by row.
    end : int
        As given to `fit`.

    Returns
    -------
    ndarray of Axes
    """
    for column, (task, name), i in zip(axes.T, TASKS.items(), (0, 1), strict=True):
        by_length.over_length(column, table.filter(task=task), fits.filter(task=task), end=end)
        plots.letter(column[0], letters[i], f"{name.capitalize()}: accuracy")
        plots.letter(column[1], letters[i + 2], f"{name.capitalize()}: edit distance")
        column[1].set(xlabel="target length L (digits)")
    axes[0, 0].set(ylabel="accuracy")
    axes[1, 0].set(ylabel="token edit distance (tokens)")
    plots.legend_beside(axes[0, 1])
    return axes
