"""Panels of Figure 4: tables in, axes out; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from mirage import plots
from mirage.pages import by_length
from mirage.pages.figure_4 import CHANCE, LONGEST, NAMES
from mirage.pages.figure_4_sampling import N_ITEMS, Profile

BELOW = "#D55E00"


def draw_published(axes: Sequence[Axes], cells: pl.DataFrame, letters: str) -> Sequence[Axes]:
    """Draw the paper's accuracies on a logarithmic axis, with chance.

    Parameters
    ----------
    axes : (Axes, Axes)
        For products and sums; drawn on, and returned.
    cells : polars.DataFrame
        From `mirage.pages.figure_4.against_chance`. Intervals are drawn for the longest targets
        at temperature 0, crosses where an accuracy lies below chance.
    letters : str
        Of the panels.

    Returns
    -------
    (Axes, Axes)
    """
    for ax, task, letter in zip(axes, LONGEST, letters, strict=True):
        rows = cells.filter(task=task)
        by_length.by_length(ax, rows.drop("low", "high"), hollow=True)
        cold = rows.filter(target_length=LONGEST[task], temperature=0.0)
        plots.intervals(ax, cold, fmt="none", color=by_length.style(LONGEST[task])["color"])
        below = rows.filter(verdict="never above")
        ax.plot(below["n_params"], below["score"], "x", color=BELOW, ms=11, mew=2)
        ax.axhline(CHANCE[task], ls=":", color="black")
        what = NAMES[task].partition(",")[0]
        plots.letter(ax, letter, f"Paper, {what}, logarithmic axis")
        ax.set(xscale="log", yscale="log", xlabel="parameters", ylim=(5e-7, 2))
    axes[0].set(ylabel="accuracy")
    return axes


def draw_resolution(
    axes: np.ndarray, measured: Mapping[str, pl.DataFrame], letters: str
) -> np.ndarray:
    """Draw accuracies measured with few items and with many beside the exact ones.

    Parameters
    ----------
    axes : ndarray of Axes, shape (2, 4)
        A row for each task, a column for each test set; drawn on, and returned.
    measured : mapping of str to polars.DataFrame
        By task, from `mirage.pages.figure_4_sampling.measure`.
    letters : str
        Of the eight panels.

    Returns
    -------
    ndarray of Axes
    """
    names = iter(letters)
    for row, (task, found) in zip(axes, measured.items(), strict=True):
        for ax, n in zip(row, N_ITEMS, strict=True):
            some = found.filter(n_items=n)
            ax.plot(some["n_params"], some["expected"], color="grey", label="exact")
            seen, none = some.filter(pl.col("score") > 0), some.filter(score=0)
            plots.intervals(ax, seen, color=plots.SHARP, ms=4, capsize=0, label="measured")
            ax.plot(none["n_params"], none["high"], "v", color=BELOW, ms=5, label="none right")
            ax.axhline(CHANCE[task], ls=":", color="black", label="chance")
            plots.letter(ax, next(names), f"{n:,} items")
            ax.set(xscale="log", yscale="log", ylim=(1e-5, 2))
        row[0].set(ylabel=f"accuracy, {NAMES[task]}")
    plt.setp(axes[1], xlabel="parameters")
    return axes


def draw_pass_until(
    axes: Sequence[Axes], passed: pl.DataFrame, depth: Profile, letters: str
) -> Sequence[Axes]:
    """Draw PassUntil estimates over the exact accuracy, and the samples they took.

    Parameters
    ----------
    axes : (Axes, Axes)
        Drawn on, and returned.
    passed : polars.DataFrame
        From `mirage.pages.figure_4_sampling.pass_until`.
    depth : Profile
        Passes waited for, and largest number of samples.
    letters : str
        Of the panels.

    Returns
    -------
    (Axes, Axes)
    """
    left, right = axes
    ratios = passed.with_columns(pl.col("score", "low", "high") / pl.col("expected"))
    for (task, name), marker, aside in zip(NAMES.items(), "os", (0.95, 1.05), strict=True):
        some = ratios.filter(pl.col("score") > 0, task=task)
        apart = some.with_columns(aside * pl.col("n_params"))
        plots.intervals(left, apart, fmt=marker, label=name)
        some = passed.filter(task=task)
        right.plot(some["expected"], some["n_samples"], marker, label=name)
    grid = np.geomspace(depth.r / depth.max_samples, 1, 50)
    right.plot(grid, depth.r / grid, ":", color="grey", label="r / accuracy")
    right.axhline(depth.max_samples, ls="--", color="grey", label="gave up")
    left.axhline(1, ls=":", color="grey")
    plots.letter(left, letters[0], "PassUntil beside the exact accuracy")
    plots.letter(right, letters[1], "Samples it takes")
    left.set(xscale="log", yscale="log", xlabel="parameters", ylabel="PassUntil / exact")
    left.yaxis.set_major_locator(FixedLocator([0.1, 0.2, 0.5, 1, 2, 5]))
    left.yaxis.set_major_formatter("{x:g}")
    left.yaxis.set_minor_formatter(NullFormatter())
    right.set(xscale="log", yscale="log", xlabel="accuracy, exact", ylabel="samples")
    for ax in axes:
        ax.legend()
    return axes


def draw_bends(
    axes: Sequence[Axes],
    curves: Mapping[tuple[str, str], pl.DataFrame],
    labels: Mapping[tuple[str, str], str],
    letters: str,
) -> Sequence[Axes]:
    """Draw log(−log accuracy) against size with a straight line and a parabola.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Our products, our sums, the paper's points; drawn on, and returned.
    curves : mapping of (str, str) to polars.DataFrame
        By "ours" or "paper" and task: ``n_params`` and ``score`` in (0, 1).
    labels : mapping of (str, str) to str
        Likewise, what to write of the fit.
    letters : str
        Of the panels.

    Returns
    -------
    sequence of Axes
    """
    places = {("ours", task): ax for task, ax in zip(LONGEST, axes, strict=False)}
    for (whose, task), rows in curves.items():
        ax = places.get((whose, task), axes[2])
        x, y = rows["n_params"].to_numpy(), np.log(-np.log(rows["score"].to_numpy()))
        color, mark = f"C{list(LONGEST).index(task)}", "os"[list(LONGEST).index(task)]
        ax.plot(x, y, mark, color=color, mfc="none" if whose == "paper" else None)
        grid = np.geomspace(x.min(), x.max(), 50)
        for degree, dash in ((1, ":"), (2, "-")):
            fit = np.polynomial.Polynomial.fit(np.log10(x), y, degree)
            label = labels[whose, task] if degree == 2 else None
            ax.plot(grid, fit(np.log10(grid)), dash, color=color, label=label)
    titles = ("Our products", "Our sums", "The paper's points")
    for ax, letter, title in zip(axes, letters, titles, strict=True):
        plots.letter(ax, letter, title).set(xscale="log", xlabel="parameters")
        ax.legend(loc="upper right")
    axes[0].set(ylabel="log(−log accuracy)")
    return axes
