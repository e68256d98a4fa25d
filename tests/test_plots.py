"""Plot functions draw what the table holds, and compute nothing."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from matplotlib.colors import to_rgba

from mirage import plots


@pytest.fixture
def ax():
    with plt.rc_context():
        plots.use_style()
        figure, axes = plt.subplots()
        yield axes
        plt.close(figure)


TABLE = pl.DataFrame(
    {
        "n_params": [30, 10, 20],
        "score": [0.9, 0.1, 0.5],
        "low": [0.8, 0, 0.4],
        "high": [1.0, 0.2, 0.6],
    }
)


def test_curve_is_sorted_with_its_interval(ax):
    assert plots.curve(ax, TABLE, label="ours", marker="s") is ax
    (line,) = ax.lines
    assert line.get_xydata().tolist() == [[10, 0.1], [20, 0.5], [30, 0.9]]
    assert (line.get_label(), line.get_marker()) == ("ours", "s")
    (band,) = ax.collections
    vertices = {tuple(point) for point in band.get_paths()[0].vertices}
    assert vertices >= {(10, 0), (10, 0.2), (30, 0.8), (30, 1)}


@pytest.mark.parametrize(
    ("table", "options"),
    [
        (TABLE.drop("low", "high"), {}),
        (TABLE, {"band": False}),
        (TABLE.with_columns(low=float("nan"), high=float("nan")), {}),  # one seed
    ],
    ids=["no columns", "not wanted", "one seed"],
)
def test_curve_without_an_interval(ax, table, options):
    plots.curve(ax, table, label="ours", **options)
    assert len(ax.lines) == 1
    assert not ax.collections


def test_paper_is_hollow_and_unconnected(ax):
    plots.published(ax, [1, 2], [0.1, 0.2])
    (line,) = ax.lines
    assert line.get_xydata().tolist() == [[1, 0.1], [2, 0.2]]
    assert line.get_markerfacecolor() == "none"
    assert line.get_linestyle() == "None"
    assert line.get_label() == "paper, digitised"


@pytest.mark.parametrize("n", [1, 4, 10])
def test_sequence_differs_and_darkens(n):
    colours = plots.sequence(n)
    assert colours.shape == (n, 4)
    luminance = colours[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) < 0).all()


def test_style_is_opaque_white_readable_and_reproducible(ax):
    assert to_rgba(plt.rcParams["figure.facecolor"]) == (1, 1, 1, 1)
    assert to_rgba(plt.rcParams["savefig.facecolor"]) == (1, 1, 1, 1)
    assert plt.rcParams["font.size"] >= 9
    assert plt.rcParams["svg.hashsalt"]
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert len(set(colours)) == len(colours) >= 6
    assert len(set(plots.MARKERS)) == len(plots.MARKERS)


def test_letter_and_legend_return_the_axes(ax):
    plots.curve(ax, TABLE, label="ours")
    assert plots.letter(ax, "A") is ax
    assert ax.get_title(loc="left") == "A"
    assert plots.legend_beside(ax) is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ours"]
