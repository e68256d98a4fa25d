"""The emergence score: its definition, its policies, and what it cannot do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirage import theory
from mirage.emergence import emergence_score, linearity

N_PARAMS = [3.5e8, 1.3e9, 6.7e9, 2.0e11]  # Fig 2
relaxed = settings(deadline=None)  # the machine is shared: time says nothing here
curves = st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=15)


def by_definition(y, mean=np.median):
    y = np.array(y)
    sign = np.sign(int(np.argmax(y)) - int(np.argmin(y)))
    return sign * (y.max() - y.min()) / np.sqrt(mean((y[1:] - y[:-1]) ** 2))


def test_by_hand():
    # Steps 1, 2, 6, squares 1, 4, 36: median 4, mean 41/3; range 9.
    assert emergence_score([0, 1, 3, 9]) == pytest.approx(9 / 2)
    assert linearity([0, 1, 3, 9]) == pytest.approx(9 / np.sqrt(41 / 3))
    # Two steps 1, 7, squares 1, 49: the median of two is their mean, 25; range 8.
    assert emergence_score([0, 1, 8]) == pytest.approx(8 / 5)
    # The highest score belongs to a smaller model than the lowest.
    assert emergence_score([9, 3, 1, 0]) == pytest.approx(-9 / 2)
    # Of equal extremes the first counts: the highest is at 1, the lowest at 0.
    assert emergence_score([0, 4, 0, 4]) == pytest.approx(1)


def scores_of(n_params):
    p = theory.token_probability(n_params)
    accuracy, distance = theory.accuracy(p, 5), theory.token_edit_distance(p, 5)
    return emergence_score(accuracy), emergence_score(-distance)


@pytest.mark.parametrize(
    ("n_params", "accuracy", "distance"),
    [
        (N_PARAMS, "9.62", "2.81"),
        (np.geomspace(3.5e8, 2e11, 12), "9.92", "10.82"),  # the order is reversed
        (np.geomspace(1e8, 1e11, 12), "20.65", "10.33"),
    ],
)
def test_depends_on_the_sizes_as_on_the_curve(n_params, accuracy, distance):
    # One curve, L = 5, at three sets of sizes.
    assert tuple(f"{score:.2f}" for score in scores_of(n_params)) == (accuracy, distance)


def test_figure_2d_is_infinite():
    grade = theory.multiple_choice_grade(theory.token_probability(N_PARAMS), 2)
    assert emergence_score(grade) == np.inf
    assert emergence_score(-grade) == -np.inf


@pytest.mark.parametrize(
    ("published", "score"),
    [  # Fig 3 at temperature 0, as digitised: 350M, 1.3B, 6.7B, 175B
        ([4.435e-05, 0.0006887, 0.009053, 0.8615], 103),  # × accuracy, L = 4
        ([-3.833, -3.453, -3.114, -0.2088], 9.5),  # × token edit distance, L = 4
        ([4.396e-05, 0.0001315, 0.0002872, 0.9582], 6154),  # + accuracy, L = 5
        ([-5.068, -3.74, -3.519, -0.1552], 3.7),  # + token edit distance, L = 5
        ([0.008477, 0.718, 0.8939, 1.0], 5.6),  # × accuracy, L = 1
        ([-2.932, -0.5208, -0.2122, 2.298e-05], 9.5),  # × token edit distance, L = 1
    ],
)
def test_published_curves(published, score):
    digits = 0 if score > 100 else 1
    assert round(emergence_score(published), digits) == score


@pytest.mark.parametrize("n", [2, 3, 4, 12, 100])
def test_a_straight_line_scores_n_minus_1(n):
    line = np.linspace(0.2, 0.9, n)
    assert emergence_score(line) == pytest.approx(n - 1)
    assert linearity(line) == pytest.approx(n - 1)
    assert emergence_score(-line) == pytest.approx(-(n - 1))


def test_policies_for_a_zero_median():
    jump = [0, 0, 0, 0.4]  # two of three steps are 0
    assert emergence_score(jump) == np.inf
    assert np.isnan(emergence_score(jump, zero_median="nan"))
    assert emergence_score(jump, zero_median=0.1) == pytest.approx(4)
    assert emergence_score(jump[::-1], zero_median=0.1) == pytest.approx(-4)
    # A floor is one: a root of .2 stays, one of .02 is lifted to .1.
    assert emergence_score([0, 0.2, 0.4, 1], zero_median=0.1) == pytest.approx(1 / 0.2)
    assert emergence_score([0, 0.02, 0.04, 1], zero_median=0.1) == pytest.approx(1 / 0.1)
    assert linearity(jump) == pytest.approx(np.sqrt(3))  # .4 / √(.16/3)


@pytest.mark.parametrize("policy", ["inf", "nan", 0.01])
def test_a_constant_curve_scores_0(policy):
    assert emergence_score([0.3, 0.3, 0.3], zero_median=policy) == 0
    assert linearity([0.3, 0.3, 0.3]) == 0


def test_tiny_scores_do_not_underflow():
    # Steps of 1e-200 have squares below the smallest float64.
    tiny = np.array([0, 1, 3, 9]) * 1e-200
    assert emergence_score(tiny) == pytest.approx(9 / 2)


@relaxed
@given(curves)
def test_agrees_with_the_definition(y):
    if np.median(np.diff(y) ** 2) > 0:
        assert emergence_score(y) == pytest.approx(by_definition(y))
    if np.ptp(y) > 0:
        assert linearity(y) == pytest.approx(by_definition(y, np.mean))


@relaxed
@given(curves, st.sampled_from([0.25, 2, 1024]), st.integers(-100, 100))
def test_no_unit_and_no_origin(y, factor, origin):
    moved = np.array(y) * factor + origin
    assert emergence_score(moved) == pytest.approx(emergence_score(y))
    assert linearity(moved) == pytest.approx(linearity(y))


@relaxed
@given(curves, st.floats(0.01, 100))
def test_bounds(y, floor):
    assert abs(linearity(y)) <= len(y) - 1 + 1e-9
    floored = emergence_score(y, zero_median=floor)
    assert np.isfinite(floored)
    assert abs(floored) <= abs(emergence_score(y)) + 1e-9


@pytest.mark.parametrize("score", [emergence_score, linearity])
@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], r"y: found shape \(0,\), expected \(models,\) with at least 2 models"),
        ([1.0], r"y: found shape \(1,\)"),
        ([[1.0, 2.0]], r"y: found shape \(1, 2\)"),
        ([1.0, np.nan, 2.0], "y: found nan at index 1, expected finite scores"),
        ([1.0, 2.0, -np.inf], "y: found -inf at index 2"),
    ],
)
def test_bad_curves_are_named(score, y, message):
    with pytest.raises(ValueError, match=message):
        score(y)


@pytest.mark.parametrize("policy", ["zero", 0, -1, np.nan, np.inf, None])
def test_bad_policies_are_named(policy):
    with pytest.raises(ValueError, match=f"zero_median: found {policy!r}, expected"):
        emergence_score([0, 1], zero_median=policy)
