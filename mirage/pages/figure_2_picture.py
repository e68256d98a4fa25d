"""The picture of the README: accuracy and token edit distance of the same models, side by side.

``mirage book --readme`` writes it.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from mirage import plots
from mirage.files import atomic_write
from mirage.pages import figure_2, published

NAME = "two-metrics.svg"  # in book/_static


def write(path: Path) -> None:
    """Draw Figure 2's panels C and E into an SVG file, the same bytes on every run.

    Parameters
    ----------
    path : Path
        The file; it is replaced.
    """
    paper = published.load("fig2")
    dense = figure_2.curves(np.geomspace(1e8, 1e12, 200))
    table = figure_2.curves(paper["N"])
    titles = figure_2.messages(figure_2.shares(table))
    with plt.style.context(plots.STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3))
        for ax, name in zip(axes, "CE", strict=True):
            panel = figure_2.PANELS[name]
            ax.plot(dense["n_params"], dense[panel.metric], color=panel.color)
            plots.published(ax, table["n_params"], paper["points"][name])
            ax.set(xscale="log", xlabel="parameters", ylabel=panel.label, title=titles[name])
        with atomic_write(path) as file:
            figure.savefig(file, format="svg", metadata={"Date": None})
        plt.close(figure)
