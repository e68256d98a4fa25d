"""Panels of the page on real jumps: tables in, axes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.arithmetic.curves import ACCURACY, EXACT, METRICS, NEGATED, PROBABILITY, as_exact_match
from mirage.fits.data import STEEPEST
from mirage.pages.not_a_mirage import NAMES, SUMS, TASKS, Study
from mirage.pages.not_a_mirage_measures import between_seeds, local_exponents

# Four curves that may lie on one another: a later one is thinner, so that an earlier one shows.
STYLES = {
    EXACT: {"color": plots.SHARP, "marker": "o"},
    ACCURACY: {"color": "#009E73", "marker": "s", "ms": 9, "lw": 4},
    NEGATED: {"color": plots.SMOOTH, "marker": "^", "ms": 5, "ls": "--"},
    PROBABILITY: {"color": "#444444", "marker": "D", "ms": 5, "mfc": "none", "ls": ":"},
}


def draw_jump(axes: np.ndarray, found: Study, letters: str) -> np.ndarray:
    """Draw the loss (above) and four metrics (below), a column for each task.

    Parameters
    ----------
    axes : ndarray of Axes, shape (2, 2)
        Drawn on, and returned.
    found : Study
    letters : str
        Of the panels, row by row.

    Returns
    -------
    ndarray of Axes
    """
    share = (pl.col("score") - pl.col("floor")) / (pl.col("ceiling") - pl.col("floor"))
    for (task, name), (upper, lower), i in zip(NAMES.items(), axes.T, (0, 1), strict=True):
        part = found.runs.filter(task=task)
        steepest = local_exponents(part)["exponent"].max()
        mean = part.group_by("n_params").agg(score=pl.col("loss").log().mean().exp())
        plots.curve(upper, mean, label="mean of the log", color="#444444")
        upper.plot(part["n_params"], part["loss"], "_", color="#444444", ms=12, label="each seed")
        upper.set(xscale="log", yscale="log")
        plots.letter(upper, letters[i], f"{name.capitalize()}: exponents up to {steepest:.1f}")
        for metric in METRICS:
            curve = found.curves.filter(task=task, metric=metric).group_by("n_params")
            curve = curve.agg(share=share.mean()).sort("n_params")
            lower.plot(curve["n_params"], curve["share"], label=metric, **STYLES[metric])
        plots.letter(lower, letters[i + 2], "Four metrics").set(xlabel="parameters")
        lower.set(ylim=(-0.05, 1.05))
    axes[0, 0].set(ylabel="cross-entropy (nats per token)")
    axes[1, 0].set(ylabel="share of the range")
    for ax in axes[:, 0]:
        ax.legend()
    return axes


def draw_loss(axes: Sequence[Axes], found: Study, letters: str) -> Sequence[Axes]:
    """Draw exact match against loss, and the local exponents of the loss against size.

    Parameters
    ----------
    axes : (Axes, Axes)
        Drawn on, and returned.
    found : Study
    letters : str
        Of the panels.

    Returns
    -------
    (Axes, Axes)
    """
    left, right = axes
    exponents = local_exponents(found.runs)
    for i, (task, length) in enumerate(TASKS.items()):
        style, part = {"color": f"C{i}", "marker": "os"[i]}, found.runs.filter(task=task)
        left.plot(part["loss"], part["score"], ls="none", label=NAMES[task], **style)
        x = np.linspace(0, part["loss"].max(), 100)
        equation = as_exact_match(PROBABILITY, np.exp(-x), length)
        left.plot(x, equation, ":", color=f"C{i}", label=f"p$^{{L + 1}}$, L = {length}")
        mean = exponents.filter(task=task).group_by("n_params").agg(score=pl.mean("exponent"))
        plots.curve(right, mean, label=NAMES[task], **style)
    left.set(xlabel="cross-entropy (nats per token)", ylabel="exact match")
    left.invert_xaxis()
    right.axhline(STEEPEST["size"], ls="--", color="black", label="the rule's threshold")
    right.set(xscale="log", xlabel="parameters", ylabel="exponent between neighbours")
    right.set_ylim(top=1.5 * max(right.get_ylim()[1], STEEPEST["size"]))  # for the legend
    plots.letter(left, letters[0], "Exact match against the loss").legend(loc="upper left")
    plots.letter(right, letters[1], "Local exponents of the loss").legend(loc="upper left")
    return axes


def draw_checks(axes: Sequence[Axes], found: Study, letters: str) -> Sequence[Axes]:
    """Draw single runs on sums, the share of seeds that learn, and other schedules.

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned. A share of seeds is drawn where a size has at least 5.
    found : Study
    letters : str
        Of the panels.

    Returns
    -------
    sequence of Axes
    """
    runs, share, losses = axes
    more = found.more.filter(task=SUMS)
    runs.plot(
        more["n_params"], more["score"], "o", alpha=plots.FAINT, color=plots.SHARP, label="a run"
    )
    several = between_seeds(more).filter(pl.col("n_seeds") >= 5)
    ends = [np.abs(several["success"] - several[end]) for end in ("low", "high")]
    share.errorbar(several["n_params"], several["success"], ends, fmt="o", color=plots.SHARP)
    if several.is_empty():
        need = "Shares need five seeds per size:\nmirage run not-a-mirage\n--profile paper"
        share.text(0.5, 0.5, need, ha="center", va="center", transform=share.transAxes)
    for i, ((name,), part) in enumerate(found.tried.group_by("schedule", maintain_order=True)):
        mean = part.group_by("n_params").agg(score=pl.col("loss").log().mean().exp())
        plots.curve(losses, mean, label=name, marker=plots.MARKERS[i])
    losses.set(yscale="log", ylabel="cross-entropy (nats per token)")
    losses.legend()
    runs.set(ylabel="exact match", ylim=(-0.05, 1.05))
    share.set(ylabel="share of runs above ½", ylim=(-0.05, 1.05))
    titles = ("Each run", "Seeds that learn to add", "Training schedules")
    for ax, letter, title in zip(axes, letters, titles, strict=True):
        plots.letter(ax, letter, title).set(xscale="log", xlabel="parameters")
        ax.set_xlim(*runs.get_xlim())
    return axes
