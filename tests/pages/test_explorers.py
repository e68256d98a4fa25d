"""Interactive figures against the package: Vega computes what Python computes, to 3 digits."""

import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from vega_reader import evaluate, sentence

from mirage import theory
from mirage.emergence.scores import emergence_score
from mirage.metrics.subsets import subset_accuracy
from mirage.pages import (
    figure_4_explorer,
    figure_5_explorer,
    figure_7_explorer,
    figure_11_explorer,
    limits_of_the_score_explorer,
)
from mirage.pages.figure_2_explorer import theory_explorer
from mirage.pages.figure_5_scores import paper_maxima

EXACT = [1e-6, 2e-4, 0.004, 0.11, 0.6]
RIGHT = [[110, 250], [600, 640], [930, 955]]  # of 1 000 images, two seeds of three sizes
SIZES = [6547, 19_113, 402_376]


def items_figure():
    sizes = [3000, 10_000, 40_000, 120_000, 227_000]
    tasks = ("two-digit-multiplication", "four-digit-addition")
    tables = {
        task: pl.DataFrame({"n_params": sizes, "expected": np.array(EXACT) * factor})
        for task, factor in zip(tasks, (1, 1.45), strict=True)
    }
    return figure_4_explorer.items_explorer(tables)


def score_figure():
    scores = {"metric": ["exact match"] * 4, "emergence_score": [3.0, 60.0, 200.0, float("inf")]}
    rates = pl.DataFrame(
        {
            "unit": ["task", "task file"],
            "n": [100, 300],
            "two": [60, 200],
            "called": [20, 30],
            "called_two": [15, 28],
            "odds_ratio": [2.3, 4.1],
            "low": [0.8, 1.2],
            "high": [7.9, 40.0],
        }
    )
    return figure_5_explorer.threshold_explorer(pl.DataFrame(scores), rates)


def threshold_figure():
    sizes, errors = [9217, 101_392, 6_295_552], [0.75, 0.3, 0.016]
    shares = {0.003: [0.0, 0.0, 0.1], 0.1: [0.0, 0.2, 0.9]}
    rows = [("mean squared error", n, e) for n, e in zip(sizes, errors, strict=True)]
    for c, share in shares.items():
        rows += [(f"reconstruction, c = {c:g}", n, y) for n, y in zip(sizes, share, strict=True)]
    curves = pl.DataFrame(rows, schema=["metric", "n_params", "score"], orient="row")
    starts = pl.DataFrame({"c": list(shares), "share": [0.71, 0.2]})
    return figure_7_explorer.threshold_explorer(curves, starts, 0.003)


def subset_figure():
    rows = [("accuracy", n, 1000, m / 1000) for n, ms in zip(SIZES, RIGHT, strict=True) for m in ms]
    columns = ["metric", "n_params", "n_items", "score"]
    return figure_11_explorer.subset_explorer(pl.DataFrame(rows, schema=columns, orient="row"))


FIGURES = {
    "2": theory_explorer,
    "4": items_figure,
    "5": score_figure,
    "7": threshold_figure,
    "11": subset_figure,
    "limits": limits_of_the_score_explorer.spacing_explorer,
}
each = pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)


@each
def test_sliders_start_on_their_grid_and_have_names(make):
    params = make().spec()["params"]
    assert len({param["bind"]["name"] for param in params}) == len(params)
    for param in params:
        bind, value = param["bind"], param["value"]
        if bind["input"] == "select":
            assert value in bind["options"]
            continue
        steps = (value - bind["min"]) / bind["step"]
        # Off its grid, a browser would move the slider at the first touch.
        assert steps == pytest.approx(round(steps), abs=1e-9), param["name"]
        assert bind["min"] <= value <= bind["max"]


@each
def test_is_described_and_small(make):
    figure = make()
    assert len(figure.alt_text) > 100
    assert figure.alt_text in unescape(figure.html())
    assert len(figure.html()) < 200_000


@pytest.mark.parametrize("log10_n_items", [2, 1, 4.5, 6])
def test_items_seen_and_unseen_are_those_of_the_theory(log10_n_items):
    spec, moved = items_figure().spec(), {"log10_n_items": log10_n_items}
    chart = evaluate(spec, moved, ["accuracy", "observed_accuracy", "probability_unseen"])
    n = round(10**log10_n_items)
    exact = np.array([*EXACT, *(1.45 * np.array(EXACT))])
    np.testing.assert_allclose(chart["accuracy"], exact, rtol=1e-9)
    np.testing.assert_allclose(chart["observed_accuracy"], theory.observed_accuracy(exact, n))
    unseen = theory.tokens.probability_unseen(exact, n)
    np.testing.assert_allclose(chart["probability_unseen"], unseen, rtol=1e-9, atol=1e-300)
    expected = f"With {n:,} items {(unseen > 0.5).sum()} of 10 models"
    assert sentence(spec, moved).startswith(expected)


def test_items_by_hand():
    # 100 items: (1 − .004)^100 = .67 and (1 − .0058)^100 = .56, so both third models are hidden.
    assert sentence(items_figure().spec(), {}).startswith("With 100 items 6 of 10 models")


@pytest.mark.parametrize(("log10_threshold", "above"), [(1.7, 2), (0, 3), (2.5, 0)])
def test_scores_above_the_threshold_are_counted(log10_threshold, above):
    text = sentence(score_figure().spec(), {"log10_threshold": log10_threshold})
    assert f": {above} of 3 finite official scores" in text
    paper = sum(value > 10**log10_threshold for value in paper_maxima().values())
    assert f" {paper} of the paper’s 39 metrics" in text


def test_unit_of_counting_sets_the_odds_ratio():
    spec = score_figure().spec()
    assert "Odds ratio: 2.3 [0.8, 7.9]." in sentence(spec, {"unit": "task"})
    assert "Odds ratio: 4.1 [1.2, 40.0]." in sentence(spec, {"unit": "task file"})


def test_threshold_of_reconstruction():
    spec = threshold_figure().spec()
    assert sentence(spec, {}) == (
        "c = 0.003: dormant over 71% of the sizes; no network reconstructs half of the images."
    )
    assert sentence(spec, {"threshold": 1}) == (
        "c = 0.1: dormant over 20% of the sizes; half of the images are reconstructed from"
        " 6,295,552 parameters on."
    )


@pytest.mark.parametrize("k", [1, 2, 10, 20])
def test_all_of_k_right_is_subset_accuracy(k):
    chart = evaluate(subset_figure().spec(), {"k": k}, ["n_params", "all_right"])
    expected = [subset_accuracy(np.arange(1000) < m, k) for ms in RIGHT for m in ms]
    np.testing.assert_allclose(chart["all_right"], expected, rtol=1e-9)


@pytest.mark.parametrize(("k", "size"), [(1, 19_113), (2, 402_376), (10, 402_376), (20, None)])
def test_size_from_which_k_of_k_are_right(k, size):
    # Median of .93 and .955 to the power 10: about .56; to the power 20: .32.
    end = f"from {size:,} on." if size else "at no size."
    assert sentence(subset_figure().spec(), {"k": k}) == (
        "The median network passes one half: with one image from 19,113 parameters on, with"
        f" K = {k} {end}"
    )


@pytest.mark.parametrize(
    "moved",
    [
        {},
        {"n_sizes": 12},
        {"n_sizes": 40, "crowding": 1.5, "target_length": 8},
        {"n_sizes": 3, "crowding": -2, "target_length": 1},
    ],
)
def test_scores_of_the_same_smooth_curve(moved):
    at = SimpleNamespace(**({"n_sizes": 4, "crowding": 0, "target_length": 5} | moved))
    place = np.linspace(0, 1, at.n_sizes) ** 2.0**at.crowding
    p = theory.token_probability(3.5e8 * (2e11 / 3.5e8) ** place)
    curves = p**at.target_length, -at.target_length * (1 - p)
    text = sentence(limits_of_the_score_explorer.spacing_explorer().spec(), moved)
    numbers = [float(number) for number in re.findall(r" ([\d.]+)[,;]", text)]
    expected = [float(emergence_score(y)) for y in curves]
    np.testing.assert_allclose(numbers, expected, rtol=5e-3)
    assert text.endswith(f"{at.n_sizes} sizes: {at.n_sizes - 1}.")
