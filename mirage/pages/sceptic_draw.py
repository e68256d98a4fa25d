"""Drawing of the page on the works after the paper: tables in, axes out."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.fits.comparison import MARGIN
from mirage.pages.sceptic import DORMANT
from mirage.pages.sceptic_tables import Halves


def draw_forecasts(ax: Axes, table: pl.DataFrame) -> Axes:
    """Draw forecast against observed accuracy of the held-out runs (panel A).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_tables.forecasts`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "A", "Wei: does it forecast?")
    series = {
        "direct": ("o", plots.SHARP, "from compute"),
        "chained": ("s", plots.SMOOTH, "by way of bits per byte"),
    }
    for name, (mark, color, label) in series.items():
        error = table[name] - table["observed"]
        ax.plot(table["observed"], error, mark, color=color, label=label, ms=4, alpha=0.7, mew=0)
    ax.axhline(0, color="grey", ls="--")
    ax.set(xlabel="observed accuracy, 3B runs", ylabel="forecast less observed")
    ax.legend(fontsize=9, loc="lower left")
    return ax


def draw_thresholds(ax: Axes, table: pl.DataFrame) -> Axes:
    """Draw the dormant share against the loss of each task (panel B).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_tables.thresholds`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "B", "Du: a threshold of the loss?")
    names = [task.replace("_", " ") for task in table["task"]]
    ax.plot(table["accuracy"], names, "o", color=plots.SHARP, label="accuracy", ms=5)
    ax.plot(table["probability"], names, "s", color=plots.SMOOTH, label="probability", ms=5)
    ax.axvline(DORMANT, color="grey", ls="--")
    ax.set(xlabel="dormant share of the range of loss", xlim=(-0.02, 1))
    ax.tick_params(axis="y", labelsize=9)
    ax.legend(fontsize=9, loc="lower right")
    return ax


def draw_curvatures(ax: Axes, table: pl.DataFrame) -> Axes:
    """Draw the p-values of straightness, sorted, beside those of a straight world (panel C).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_tables.curvatures`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "C", "Hu: do tasks bend?")
    p = np.sort(table["p_value"].to_numpy())
    ax.plot(p, (np.arange(len(p)) + 1) / max(len(p), 1), ".-", color=plots.SHARP, label="tasks")
    ax.plot([0, 1], [0, 1], color="grey", ls="--", label="all straight")
    ax.axvline(0.05, color="grey", lw=0.8, ls=":")
    ax.set(xlabel="p-value of a straight log(−log score)", ylabel="share of tasks")
    ax.legend(fontsize=9, loc="upper left")
    return ax


def draw_halves(ax: Axes, found: Halves | None) -> Axes:
    """Draw accuracy on easy and hard items against size (panel D).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    found : Halves or None
        Of `mirage.pages.sceptic_tables.halves`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "D", "Wu and Lo: a U on hard items?")
    if found is None:
        return ax
    series = (
        ("easy half", found.easy, "s", plots.SMOOTH),
        ("hard half", found.hard, "o", plots.SHARP),
    )
    for label, values, mark, color in series:
        mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
        ends = {"yerr": 1.96 * error, "fmt": f"{mark}-", "color": color, "ms": 5, "capsize": 2}
        ax.errorbar(found.sizes, mean, label=label, **ends)
    ax.set(xscale="log", xlabel="parameters", ylabel="accuracy", ylim=(0, None))
    ax.legend(fontsize=9, loc="upper left")
    return ax


def draw_breaks(ax: Axes, table: pl.DataFrame) -> Axes:
    """Draw the AICc difference of smooth and broken power laws of each task (panel E).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.sceptic_tables.breaks`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "E", "Caballero: breaks in bits per byte?")
    names = [task.replace("_", " ") for task in table["task"]]
    ax.barh(names, table["delta"], color=plots.SMOOTH)
    for margin in (-MARGIN, MARGIN):
        ax.axvline(margin, color="grey", ls=":")
    ax.set(xlabel="AICc, smooth less broken (right: broken)", xlim=(-14, 14))
    ax.tick_params(axis="y", labelsize=9)
    return ax


def draw_chain(ax: Axes, correlations: dict[str, float]) -> Axes:
    """Draw the median rank correlation with compute from likelihood to accuracy (panel F).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    correlations : dict of str to float
        Of `mirage.pages.sceptic_tables.chain`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "F", "Schaeffer: what does each step lose?")
    names = {"bits": "− bits\nper byte", "probability": "p\n(right)", "accuracy": "accuracy"}
    colors = (plots.SMOOTH, plots.SMOOTH, plots.SHARP)
    for (name, label), color in zip(names.items(), colors, strict=True):
        if name in correlations:
            ax.plot(label, 1 - correlations[name], "o", color=color, ms=9)
    ax.set(ylabel="1 − rank correlation with compute", ylim=(0, None))
    return ax
