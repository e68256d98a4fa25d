"""The social card: the picture that is shown where the book's address is shared."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np

from mirage import plots
from mirage.theory import tokens

LENGTH = 5  # tokens, as in the paper's Figure 2
SIZE, DPI = (8, 4.2), 150  # 1200 by 630 pixels, as those who show cards ask for


def picture() -> bytes:
    """Draw the paper's model under accuracy and under token edit distance, as a PNG."""
    sizes = np.geomspace(1e8, 1e12, 200)
    p = tokens.token_probability(sizes)
    curves = (
        ("Accuracy jumps", tokens.accuracy(p, LENGTH), plots.SHARP),
        ("Edit distance does not", -tokens.token_edit_distance(p, LENGTH), plots.SMOOTH),
    )
    with plt.style.context([plots.STYLE, {"font.size": 14}]):
        figure, axes = plt.subplots(1, 2, figsize=SIZE)
        figure.suptitle("Are emergent abilities a mirage?", fontsize=24, weight="bold")
        for ax, (message, curve, color) in zip(axes, curves, strict=True):
            ax.plot(sizes, curve, color=color, lw=4)
            ax.set_title(message, fontsize=18, color=color)
            ax.set(xscale="log", xlabel="parameters", xticks=[], yticks=[])
            ax.set_xticks([], minor=True)
        figure.text(0.5, 0.03, "The same outputs of the same models under two metrics", ha="center")
        figure.get_layout_engine().set(rect=(0.03, 0.1, 0.94, 0.87))
        file = io.BytesIO()
        figure.savefig(file, dpi=DPI)
        plt.close(figure)
    return file.getvalue()
