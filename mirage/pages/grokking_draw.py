"""Drawing of the page on grokking: tables in, axes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.pages.grokking import (
    ACCURACY,
    LOG_LIKELIHOOD,
    METRICS,
    PROBABILITY,
    curve,
    guess,
)

SERIES = {  # colour, marker, axis label
    ACCURACY: (plots.SHARP, "o", "accuracy"),
    LOG_LIKELIHOOD: (plots.SMOOTH, "s", "mean log-probability (nats)"),
    PROBABILITY: ("#009E73", "^", "mean probability of the answer"),
}
TITLES = {ACCURACY: "Accuracy", LOG_LIKELIHOOD: "Log-probability", PROBABILITY: "Probability"}


def draw_training(
    axes: Sequence[Axes], scores: pl.DataFrame, table: pl.DataFrame, prime: int
) -> Sequence[Axes]:
    """Draw each metric on training and test pairs against the step (panels A to C).

    Parameters
    ----------
    axes : sequence of 3 Axes
        Drawn on, and returned.
    scores : polars.DataFrame
        Score table of `mirage.training.modular.evaluate`.
    table : polars.DataFrame
        Of `mirage.pages.grokking.by_seed`, for the titles.
    prime : int
        Modulus p.
    """
    for ax, letter, metric in zip(axes, "ABC", METRICS, strict=True):
        color, marker, label = SERIES[metric]
        for split, style in (
            ("train", {"color": plots.EDGE, "ls": "--", "marker": ""}),
            ("test", {"color": color, "marker": marker, "ms": 3}),
        ):
            wide = curve(scores, metric, split)
            for n, name in enumerate(wide.columns[1:]):
                named = f"{split} pairs" if n == 0 else None
                ax.plot(wide["step"], wide[name], label=named, lw=1, **style)
        ax.axhline(guess(metric, prime), color="black", ls=":", lw=1, label="a guess")
        ax.set(xscale="log", xlabel="training step", ylabel=label)
        dormant = 100 * table[metric].median()
        plots.letter(ax, letter, f"{TITLES[metric]}: {dormant:.0f} % dormant")
    axes[0].legend(loc="center left")
    return axes


def draw_shares(ax: Axes, table: pl.DataFrame) -> Axes:
    """Draw the dormant share of each metric and seed (panel D).

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.grokking.by_seed`.

    Returns
    -------
    Axes
    """
    plots.letter(ax, "D", "When does each metric leave the level of a guess?")
    rows = np.arange(table.height)
    for metric, shift in zip(METRICS, (0.25, 0, -0.25), strict=True):  # shares may be equal
        color, marker, _ = SERIES[metric]
        style = {"color": color, "ms": 6, "ls": "none"}
        ax.plot(table[metric], rows + shift, marker, label=TITLES[metric].lower(), **style)
    ax.set_yticks(rows, table["seed"].cast(pl.String))
    ax.set(xlabel="dormant share of the steps, on a log axis", ylabel="seed", xlim=(0, 1))
    ax.margins(y=0.2)
    return plots.legend_beside(ax)
