"""Panels that a page keeps for the gallery of the first page: the lines that it has drawn.

A notebook calls :func:`keep` on axes of its main figure; :func:`read` finds them in the executed
notebook, and `mirage.book.gallery` draws them small. So the gallery shows what the page shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

MIME = "application/vnd.mirage.panel+json"
MOST = 60  # points of a line: more cannot be seen in a small picture


class Series(msgspec.Struct, frozen=True):
    """One line or set of points.

    Parameters
    ----------
    x, y : list of float
        In the units of the panel's axes.
    color : str
        Hexadecimal.
    marker, line : str
        Matplotlib's; "None" means without.
    hollow : bool
        Hollow markers are the paper's points.
    alpha : float
        Opacity; pale lines are not what the panel is about.
    """

    x: list[float]
    y: list[float]
    color: str
    marker: str
    line: str
    hollow: bool
    alpha: float = 1.0


class Panel(msgspec.Struct, frozen=True):
    """What a panel shows.

    Parameters
    ----------
    message : str
        Its title, without the panel's letter.
    xscale, yscale : str
        "linear" or "log".
    series : list of Series
        In the order in which they were drawn.
    rows : dict of str to float
        Names on the y axis and where they are; empty where it has numbers.
    xlabel, ylabel : str
        What its axes are; empty where a neighbour's label stands for both.
    key : str
        What marks and lines mean, besides hollow for the paper's; of this panel and the next ones.
    """

    message: str
    xscale: str
    yscale: str
    series: list[Series]
    rows: dict[str, float] = {}
    xlabel: str = ""
    ylabel: str = ""
    key: str = ""


def keep(*panels: Axes | Sequence[Axes], key: str = "") -> None:
    """Keep panels of a figure for the gallery.

    Parameters
    ----------
    *panels : Axes or sequence of Axes
        Each a panel; of several axes the lines are drawn in one panel, titled as the last one.
    key : str
        A sentence on what their marks and lines mean, besides hollow for the paper's points.
    """
    from IPython.display import display

    for i, axes in enumerate(panels):
        kept = panel([axes] if isinstance(axes, Axes) else axes)
        content = msgspec.to_builtins(msgspec.structs.replace(kept, key=key if i == 0 else ""))
        display({MIME: content}, raw=True)


def panel(axes: Sequence[Axes]) -> Panel:
    """Read a panel off axes; intervals, bands and lines across the whole panel are left out.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> _ = ax.plot([1, 10], [0, 0.5], "o", mfc="none"), ax.axhline(0.25)
    >>> ax.set_title(r"$\\bf{C}$  Accuracy jumps", loc="left") and ax.set_xscale("log")
    >>> found = panel([ax])
    >>> found.message, found.xscale, [(one.x, one.hollow) for one in found.series]
    ('Accuracy jumps', 'log', [([1.0, 10.0], True)])
    """
    last = axes[-1]
    message = re.sub(r"^\$\\bf\{\w+\}\$\s*", "", last.get_title(loc="left"))
    message = re.sub("^(ours|paper): ", "", message)  # both are in one panel
    drawn = [_series(line) for ax in axes for line in ax.lines if _of_data(line, ax)]
    series = [one for one in drawn if one.x]
    return Panel(
        message=message,
        xscale=last.get_xscale(),
        yscale=last.get_yscale(),
        series=series,
        rows=_rows(last),
        xlabel=last.get_xlabel(),
        ylabel=last.get_ylabel(),
    )


def _rows(ax: Axes) -> dict[str, float]:
    if not isinstance(ax.yaxis.get_major_formatter(), FuncFormatter):  # numbers
        return {}
    names = [label.get_text() for label in ax.get_yticklabels()]
    return {name: float(y) for name, y in zip(names, ax.get_yticks(), strict=True)}


def _of_data(line: Line2D, ax: Axes) -> bool:
    """Whether a line shows data: not one across the panel, nor the cap of an interval."""
    return line.get_transform() == ax.transData and line.get_marker() not in ("_", "|")


def _series(line: Line2D) -> Series:
    x, y = (np.asarray(values, dtype=np.float64) for values in line.get_data())
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST)).round().astype(int))
    hollow = str(line.get_markerfacecolor()) == "none"
    return Series(
        [float(f"{value:.4g}") for value in x[chosen]],
        [float(f"{value:.4g}") for value in y[chosen]],
        to_hex(line.get_markeredgecolor() if hollow else line.get_color()),
        str(line.get_marker()),
        str(line.get_linestyle()),
        hollow,
        float(line.get_alpha() or 1),
    )


def read(notebook: Path) -> list[Panel]:
    """Read the panels that an executed notebook kept, in their order; empty where it kept none."""
    cells = msgspec.json.decode(Path(notebook).read_bytes())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    kept = [output["data"][MIME] for output in outputs if MIME in output.get("data", {})]
    return msgspec.convert(kept, list[Panel])
