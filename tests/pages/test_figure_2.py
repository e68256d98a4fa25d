"""Page of Figure 2: the curves, when they begin to rise, and what the claims rest on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mirage.book.claims import judged
from mirage.book.rules import Verdict
from mirage.pages import figure_2, published

PAPER = published.load("fig2")


def test_the_published_points_lie_on_the_curves():
    found = figure_2.distances(figure_2.curves(PAPER["N"]), PAPER["points"])
    assert set(found) == set("ABCDEF")
    assert max(found.values()) < 1e-3


def test_a_distance_is_a_share_of_the_range():
    table = figure_2.curves(PAPER["N"])
    points = {name: table[panel.metric].to_list() for name, panel in figure_2.PANELS.items()}
    points["D"][0] += 0.1  # grades .5, .5, 1, 1: the range is .5, so this is a fifth of it
    assert figure_2.distances(table, points)["D"] == pytest.approx(0.2)


def test_onset_by_hand():
    # Two sizes: accuracy and edit distance are straight lines, and both make 5 % at u = .05.
    table = figure_2.onsets({"two": figure_2.curves([1e9, 1e11])})
    assert table["accuracy"].item() == pytest.approx(0.05)
    assert table["difference"].item() == pytest.approx(0, abs=1e-9)


@given(st.lists(st.floats(8, 12), min_size=3, max_size=12, unique=True), st.integers(2, 20))
def test_a_power_never_rises_before_its_base(logs, length):
    """By convexity, on any sizes: what the page says."""
    sizes = np.sort(10.0 ** np.array(logs))
    if np.diff(np.log(sizes)).min() < 1e-3:
        return  # sizes that are equal after rounding
    table = figure_2.onsets({"any": figure_2.curves(sizes, length=length)})
    assert table["difference"].item() >= -1e-9


def test_findings_answer_every_claim():
    table = figure_2.curves(PAPER["N"])
    sizes = figure_2.grids(PAPER["N"])
    by_grid = figure_2.onsets({name: figure_2.curves(n) for name, n in sizes.items()})
    guess = figure_2.shares_from_a_guess(table)
    found = figure_2.findings(table, PAPER["points"], by_grid, guess)
    claims = {claim.id: claim for claim in judged(figure_2.CLAIMS, found)}
    assert claims["figure-2-accuracy"].ours == pytest.approx(0.28, abs=0.005)
    assert claims["figure-2-grids"].ours == pytest.approx(by_grid["difference"][1:].min())
    # Two sizes are worse than a guess under the Brier score: above −1/4 it rises after the grade.
    assert guess["D"] == pytest.approx(figure_2.shares(table)["D"])
    assert claims["figure-2-grade"].interval == pytest.approx((-0.03, 0.193), abs=0.001)
    assert claims["figure-2-grade"].verdict == Verdict.UNDECIDED


def test_titles_follow_the_curves():
    share = {"C": 0.3, "D": 0.2, "E": 0.0, "F": 0.0}
    assert figure_2.messages(share, {"D": 0.2, "F": 0.1})["D"] == "Choice grade jumps"
    assert figure_2.messages(share, {"D": 0.2, "F": 0.3})["D"] == "Choice grade: base decides"
    table = figure_2.curves(PAPER["N"], length=1)
    same = figure_2.messages(figure_2.shares(table), figure_2.shares_from_a_guess(table))
    assert same["C"] == "Accuracy does not jump"
    assert same["F"] == "Brier score: base decides"


def test_draws_every_panel_with_its_letter():
    table = figure_2.curves(PAPER["N"])
    axes = Figure().subplots(2, 3)
    bases = figure_2.shares(table), figure_2.shares_from_a_guess(table)
    figure_2.draw_panels(axes.flat, table, table, PAPER["points"], *bases)
    titles = [ax.get_title(loc="left") for ax in axes.flat]
    assert all(f"bf{{{letter}}}" in title for letter, title in zip("ACDBEF", titles, strict=True))
