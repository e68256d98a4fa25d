"""Drawing: tables in, axes out; nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

if TYPE_CHECKING:
    import polars as pl

STYLE = Path(__file__).parent / "paper.mplstyle"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
PAPER = {"linestyle": "none", "mfc": "none", "mec": "black", "mew": 1.0, "ms": 8}


def use_style() -> None:
    """Apply the book's figure style; call it once at the top of a notebook."""
    plt.style.use(STYLE)


def sequence(n: int) -> np.ndarray:
    """Return ``n`` ordered colours, RGBA of shape (n, 4), light to dark and colour-blind safe."""
    return plt.colormaps["viridis_r"](np.linspace(0.12, 1, n))


def curve(
    ax: Axes,
    table: pl.DataFrame,
    *,
    x: str = "n_params",
    y: str = "score",
    label: str,
    color=None,
    marker: str = "o",
    band: bool = True,
) -> Axes:
    """Draw a curve over scale, with its interval where the table has one.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Columns ``x`` and ``y``; ``low`` and ``high`` give the interval's ends if present.
    x, y : str
        Names of the columns.
    label : str
        For the legend.
    color, marker
        Matplotlib's; a series should differ from its neighbours in both.
    band : bool
        Draw the interval.

    Returns
    -------
    Axes
    """
    table = table.sort(x)
    (line,) = ax.plot(table[x], table[y], marker=marker, color=color, label=label)
    if band and "low" in table.columns and table["low"].is_finite().all():
        color = line.get_color()
        ax.fill_between(table[x], table["low"], table["high"], color=color, alpha=0.2, lw=0)
    return ax


def published(
    ax: Axes,
    x: Sequence[float],
    y: Sequence[float],
    *,
    marker: str = "o",
    label: str = "paper, digitised",
) -> Axes:
    """Draw the paper's own points hollow.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    x, y : sequence of float
        As digitised, in the axes' units.
    marker : str
        The marker of the curve they belong to.
    label : str
        For the legend.

    Returns
    -------
    Axes
    """
    ax.plot(x, y, marker=marker, label=label, zorder=5, **PAPER)
    return ax


def letter(ax: Axes, text: str) -> Axes:
    """Write a panel's letter above its left corner, where no data are."""
    ax.set_title(text, loc="left", fontweight="bold")
    return ax


def legend_beside(ax: Axes, **options) -> Axes:
    """Place the legend right of the axes, where it covers no data; return the axes."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, **options)
    return ax
