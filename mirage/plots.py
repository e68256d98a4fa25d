"""Drawing shared by several pages: tables in, axes out; nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

if TYPE_CHECKING:
    import polars as pl

import polars as pl
from numpy.typing import ArrayLike

from mirage.statistics.intervals import Interval

STYLE = Path(__file__).parent / "paper.mplstyle"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
# The same through the whole book: metrics with a threshold or a product, and the others.
SHARP, SMOOTH = "#c24e00", "#0072b2"
# Opacity of what a median or a main curve is drawn over: both colours keep 3 to 1 against white.
FAINT = 0.75
EDGE = "#595959"  # around bars and cells that are paler than that themselves
PAPER = {"linestyle": "none", "mfc": "none", "mec": "black", "mew": 1.0, "ms": 8}


def use_style() -> None:
    """Apply the book's figure style; call it once at the top of a notebook."""
    plt.style.use(STYLE)


def sequence(n: int) -> np.ndarray:
    """Return ``n`` ordered colours, RGBA of shape (n, 4), light to dark and colour-blind safe.

    The lightest has a contrast of 3 to 1 against white, the least that a line needs to be seen.
    """
    return plt.colormaps["viridis_r"](np.linspace(0.41, 1, n))


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


def letter(ax: Axes, text: str, message: str = "") -> Axes:
    """Write a panel's letter above its left corner, and after it what the panel shows.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> letter(Figure().subplots(), "A", "Accuracy jumps").get_title(loc="left")
    '$\\\\bf{A}$  Accuracy jumps'
    """
    title = rf"$\bf{{{text}}}$  {message}" if message else text
    ax.set_title(title, loc="left", fontweight="normal" if message else "bold")
    return ax


def legend_beside(ax: Axes, **options) -> Axes:
    """Place the legend right of the axes, where it covers no data; return the axes."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, **options)
    return ax


# A quantile with fewer values beyond it says more of single values than of the distribution;
# those are drawn as points.
LEAST_BEYOND = 5


def letter_values(values: ArrayLike) -> list[Interval]:
    """Fourths, eighths, sixteenths, … of the values, from the inside outwards.

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite numbers.

    Returns
    -------
    list of Interval
        In the unit of the values: quantiles 2^−(j+1) and 1 − 2^−(j+1) for j = 1, 2, …, as long
        as at least 5 values are expected beyond each end. Empty for fewer than 20 values.

    Raises
    ------
    ValueError
        If a value is NaN or infinite.

    Examples
    --------
    Of 0 … 40, 41/4 values lie beyond a fourth, 41/8 beyond an eighth.

    >>> letter_values(range(41))
    [Interval(low=10.0, high=30.0), Interval(low=5.0, high=35.0)]
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        bad = np.count_nonzero(~np.isfinite(values))
        raise ValueError(f"values: found {bad} NaN or infinite, expected finite numbers")
    shares, share = [], 0.25
    while len(values) * share >= LEAST_BEYOND:
        shares.append(share)
        share /= 2
    return [Interval(*map(float, np.quantile(values, [share, 1 - share]))) for share in shares]


def draw(ax: Axes, position: float, values: ArrayLike, color: str = "C0") -> Axes:
    """Draw the letter values of one group as a horizontal stack of boxes.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    position : float
        Height of the middle line; the boxes reach 0.4 to either side.
    values : array_like, shape (n,)
        Finite numbers. Those outside the boxes are points; fewer than 20 are all points.
    color
        Matplotlib's; the outer boxes are paler, all have an edge in it.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a value is NaN or infinite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = draw(Figure().subplots(), 0, range(41))
    >>> len(ax.patches), len(ax.lines[0].get_xdata())
    (2, 10)
    """
    values = np.asarray(values, dtype=np.float64)
    boxes = letter_values(values)
    low, high = boxes[-1] if boxes else (np.inf, -np.inf)
    outside = values[(values < low) | (values > high)]
    ax.plot(outside, np.full(len(outside), position), ".", color=color, ms=6, alpha=FAINT, mew=0)
    for depth, box in reversed(list(enumerate(boxes))):
        height = 0.8 * (1 - depth / (len(boxes) + 1))
        pale = to_rgba(color, 1 - 0.8 * depth / len(boxes))
        style = {"fc": pale, "ec": color, "lw": 0.8, "zorder": 2}
        ax.barh(position, box.high - box.low, height, box.low, **style)
    if boxes:
        middle = np.median(values)
        ax.plot([middle, middle], [position - 0.4, position + 0.4], color="black", lw=1.2, zorder=3)
    return ax


def intervals(ax: Axes, table: pl.DataFrame, x: str = "n_params", **options) -> Axes:
    """Draw scores as points with their intervals as bars.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Columns ``score``, ``low``, ``high`` and x; an interval that is not finite is not drawn.
    x : str
        Column of the abscissa.
    **options
        As for `matplotlib.axes.Axes.errorbar`.

    Returns
    -------
    Axes
    """
    options = {"fmt": "o", "capsize": 3} | options
    ax.errorbar(table[x], table["score"], yerr=_ends(table), **options)
    return ax


def _ends(table: pl.DataFrame) -> np.ndarray:
    ends = table.select(pl.col("score") - pl.col("low"), pl.col("high") - pl.col("score"))
    return ends.to_numpy().T
