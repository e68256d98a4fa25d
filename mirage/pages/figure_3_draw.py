"""Panels of Figure 3: tables in, axes out; nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.arithmetic.curves import EXACT, NEGATED
from mirage.pages import by_length
from mirage.pages.figure_3 import shares


def message(name: str, share: float | None) -> str:
    """Title of a panel: how much of the range of sizes passes before the metric rises.

    Examples
    --------
    >>> message("Exact match", 0.5), message("Exact match", None)
    ('Exact match rises after 50 %', 'Exact match does not rise')
    """
    if share is None or np.isnan(share):
        return f"{name} does not rise"
    return f"{name} rises after {100 * share:.0f} %"


def draw_change_of_metric(
    axes: np.ndarray, paper: pl.DataFrame, ours: pl.DataFrame, letters: str
) -> np.ndarray:
    """Draw exact match (left) and −token edit distance (right), the paper's above ours.

    Parameters
    ----------
    axes : ndarray of Axes, shape (2, 2)
        Drawn on, and returned.
    paper, ours : polars.DataFrame
        Curves of one task and temperature: ``metric``, ``n_params``, ``target_length``, ``score``
        and, where there are intervals, ``low`` and ``high``. The longest target is drawn in full
        colour, with its dormant share shaded, the others thin.
    letters : str
        Of the four panels.

    Returns
    -------
    ndarray of Axes
    """
    names = iter(letters)
    columns = ((EXACT, plots.SHARP, "Exact match"), (NEGATED, plots.SMOOTH, "Edit distance"))
    for row, whose, table in zip(axes, ("paper", "ours"), (paper, ours), strict=True):
        longest = table["target_length"].max()
        share = shares(table).filter(target_length=longest).row(0, named=True)
        for ax, (metric, color, name) in zip(row, columns, strict=True):
            curves = table.filter(metric=metric)
            by_length.longest(ax, curves, color, hollow=whose == "paper")
            of_metric = share["exact" if metric == EXACT else "distance"]
            _shade(ax, curves, of_metric, color)
            plots.letter(ax, next(names), f"{whose}: {message(name, of_metric)}")
            ax.set(xscale="log", xlabel="parameters")
        row[0].set(ylabel="exact match", ylim=(-0.05, 1.05))
        row[1].set(ylabel="−token edit distance (tokens)")
    return axes


def _shade(ax: Axes, curves: pl.DataFrame, share: float | None, color: str) -> None:
    low, high = np.log(curves["n_params"].min()), np.log(curves["n_params"].max())
    if share:
        ax.axvspan(*np.exp([low, low + share * (high - low)]), color=color, alpha=0.1, lw=0)


def draw_loss(
    axes: Sequence[Axes], predicted: pl.DataFrame, splits: pl.DataFrame, letters: str
) -> Sequence[Axes]:
    """Draw the loss, exact match beside p^(L + 1), and exact match on trained problems.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned.
    predicted : polars.DataFrame
        :func:`mirage.pages.figure_3.independent` of one task.
    splits : polars.DataFrame
        Exact match of the longest answers, means over seeds, with the column ``split``.
    letters : str
        Of the three panels.

    Returns
    -------
    sequence of Axes
    """
    left, middle, right = axes
    for (length,), curve in predicted.group_by("target_length", maintain_order=True):
        style = by_length.style(length)
        left.plot(curve["n_params"], curve["loss"], label=f"L = {length}", **style)
        middle.plot(curve["n_params"], curve["score"], **style)  # named in the left panel
        middle.plot(curve["n_params"], curve["predicted"], ":", color=style["color"])
    middle.plot([], [], ":", color="grey", label="p$^{L + 1}$")
    for (split,), curve in splits.group_by("split", maintain_order=True):
        shape = {"held-out": {"marker": "o"}, "train": {"marker": "s", "mfc": "none", "ls": "--"}}
        right.plot(*curve["n_params", "score"], color=plots.SHARP, label=split, **shape[split])
    titles = ("The loss per token", "Exact match and p$^{L + 1}$", "Trained and held-out problems")
    for ax, name, title in zip(axes, letters, titles, strict=True):
        plots.letter(ax, name, title).set(xscale="log", xlabel="parameters")
        ax.legend(loc="upper left" if ax is not left else "lower left")
    left.set(yscale="log", ylabel="cross-entropy (nats per token)")
    middle.set(ylabel="expected exact match", ylim=(-0.05, 1.05))
    right.set(ylabel="exact match", ylim=(-0.05, 1.05))
    return axes
