"""The emergence scores: their definitions, their policies, and what the first cannot do."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage import theory
from mirage.emergence import (
    emergence_score,
    linearity,
    normalized_emergence_score,
    pad,
    spaced_emergence_score,
)

N_PARAMS = [3.5e8, 1.3e9, 6.7e9, 2.0e11]  # Fig 2
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


@given(curves)
def test_agrees_with_the_definition(y):
    if np.median(np.diff(y) ** 2) > 0:
        assert emergence_score(y) == pytest.approx(by_definition(y))
    if np.ptp(y) > 0:
        assert linearity(y) == pytest.approx(by_definition(y, np.mean))


@given(curves, st.sampled_from([0.25, 2, 1024]), st.integers(-100, 100))
def test_no_unit_and_no_origin(y, factor, origin):
    moved = np.array(y) * factor + origin
    assert emergence_score(moved) == pytest.approx(emergence_score(y))
    assert linearity(moved) == pytest.approx(linearity(y))


@given(curves, st.floats(0.01, 100))
def test_bounds(y, floor):
    assert abs(linearity(y)) <= len(y) - 1 + 1e-9
    floored = emergence_score(y, zero_median=floor)
    assert np.isfinite(floored)
    assert abs(floored) <= abs(emergence_score(y)) + 1e-9


@pytest.mark.parametrize("score", [emergence_score, normalized_emergence_score, linearity])
@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], r"y: found shape \(0,\), expected \(..., models\) with at least 2 models"),
        ([1.0], r"y: found shape \(1,\)"),
        (1.0, r"y: found shape \(\)"),
        ([[1.0], [2.0]], r"y: found shape \(2, 1\)"),
        ([[1.0, 2.0], [1.0, np.nan]], r"y: found nan at index \(1, 1\), expected finite scores"),
        ([[1.0, 2.0], [1.0]], r"curves of unequal length go through pad\(\)"),
        ([1.0, np.nan, 2.0], "y: found nan at index 1, expected finite scores"),
        ([1.0, 2.0, -np.inf], "y: found -inf at index 2"),
    ],
)
def test_bad_curves_are_named(score, y, message):
    with pytest.raises(ValueError, match=message):
        score(y)


@pytest.mark.parametrize("policy", ["zero", 0, -1, np.nan, np.inf, None, [0.1, 0.0]])
def test_bad_policies_are_named(policy):
    with pytest.raises(ValueError, match=f"zero_median: found {re.escape(repr(policy))}, expected"):
        emergence_score([0, 1], zero_median=policy)


def test_unknown_nan_policy_is_named():
    with pytest.raises(ValueError, match="nan_policy: found 'ignore', expected \"raise\" or"):
        emergence_score([0, 1, 2], nan_policy="ignore")


# Many curves at once


tables = st.integers(2, 9).flatmap(
    lambda n: st.lists(
        st.lists(st.sampled_from([np.nan, *range(6)]), min_size=n, max_size=n), min_size=1
    )
)


@given(tables)
def test_many_curves_are_scored_as_one_by_one(rows):
    y = np.array(rows)
    present = [row[~np.isnan(row)] for row in y]
    x = np.geomspace(1e6, 1e9, y.shape[1]) ** np.linspace(1, 1.5, y.shape[1])  # uneven
    sizes = [x[~np.isnan(row)] for row in y]
    alone = [
        (
            emergence_score(p),
            normalized_emergence_score(p),
            linearity(p),
            spaced_emergence_score(p, s),
        )
        if len(p) >= 2
        else (np.nan,) * 4
        for p, s in zip(present, sizes, strict=True)
    ]
    omit = {"nan_policy": "omit"}
    together = (
        emergence_score(y, **omit),
        normalized_emergence_score(y, **omit),
        linearity(y, **omit),
        spaced_emergence_score(y, x, **omit),
    )
    np.testing.assert_allclose(np.transpose(together), alone, rtol=1e-9)
    # Where the absent models stand does not matter: pad() puts them last.
    np.testing.assert_array_equal(emergence_score(pad(present), **omit), together[0])


def test_axes_types_and_floors_of_many():
    y = np.array([[[0, 1, 3, 9], [9, 3, 1, 0]], [[0, 0, 0, 4], [5, 5, 5, 5]]], float)
    assert emergence_score(y).tolist() == [[4.5, -4.5], [np.inf, 0]]
    assert type(emergence_score(y[0, 0])) is float
    # One floor a curve: 9/4 (the root 2 is lifted to 4), −9/3, 4/1, no range.
    assert emergence_score(y, [[4, 3], [1, 1]]).tolist() == [[9 / 4, -9 / 3], [4, 0]]
    assert emergence_score(np.empty((0, 4))).shape == (0,)


def test_pad_by_hand():
    nan = np.nan
    expected = [[1, 2, 3], [4, nan, nan], [nan, nan, nan]]
    np.testing.assert_array_equal(pad([[1, 2, 3], [4], []]), expected)
    assert np.isnan(emergence_score(pad([[1], []]), nan_policy="omit")).all()
    assert pad([]).shape == (0, 2)


# A straight line as the unit, and spacing


def test_normalized_by_hand():
    # As above: 9/2, and a line of four has 3.
    assert normalized_emergence_score([0, 1, 3, 9]) == pytest.approx(1.5)
    assert normalized_emergence_score([0, 0, 0, 4]) == np.inf
    assert np.isnan(normalized_emergence_score([0, 0, 0, 4], zero_median="nan"))
    # The floor keeps its unit: 4/1 over 3.
    assert normalized_emergence_score([0, 0, 0, 4], zero_median=1) == pytest.approx(4 / 3)


@given(st.lists(st.floats(0.01, 5), min_size=1, max_size=12), st.sampled_from([1, -1, 1e-6]))
def test_a_line_in_log_size_scores_1_whatever_the_spacing(gaps, slope):
    log_x = np.cumsum([6, *gaps])
    spaced = spaced_emergence_score(slope * log_x, 10**log_x)
    assert spaced == pytest.approx(np.sign(slope), rel=1e-6)


@given(curves)
def test_equal_spacing_is_the_normalized_score(y):
    if np.median(np.diff(y) ** 2) > 0:
        x = np.geomspace(1e6, 1e9, len(y))
        for policy in ("inf", 5.0):  # a floor means the same
            expected = normalized_emergence_score(y, policy)
            assert spaced_emergence_score(y, x, policy) == pytest.approx(expected)


def test_spaced_by_hand():
    # Slopes 1 over one decade, 4 over one, 1/2 over two: half of the four decades have ½, and
    # three have at most 1, so that the median square is (¼ + 1)/2. Range 6 over 4 decades.
    assert spaced_emergence_score([0, 1, 5, 6], [1, 10, 100, 1e4]) == pytest.approx(
        6 / (np.sqrt(0.625) * 4)
    )
    # Without the tie: ½ over three of five decades.
    assert spaced_emergence_score([0, 1, 5, 6.5], [1, 10, 100, 1e5]) == pytest.approx(6.5 / 2.5)
    assert spaced_emergence_score([0, 0, 0, 1], [1, 10, 100, 101]) == np.inf
    assert spaced_emergence_score([0, 1, 1], [1, 10, 1e5], zero_median=0.25) == pytest.approx(2)


@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=8),
    st.lists(st.integers(1, 3), min_size=7, max_size=7),
    st.integers(0, 5),
    st.floats(0.1, 0.9),
)
def test_a_model_on_the_line_between_two_changes_nothing(y, gaps, after, place):
    y, after = np.array(y, float), min(after, len(y) - 2)
    log_x = np.cumsum([0, *gaps])[: len(y)] * 1.0
    more_x = np.insert(log_x, after + 1, log_x[after] + place * (log_x[after + 1] - log_x[after]))
    more_y = np.insert(y, after + 1, np.interp(more_x[after + 1], log_x, y))
    before, now = (spaced_emergence_score(v, 10**u) for v, u in ((y, log_x), (more_y, more_x)))
    assert now == pytest.approx(before, rel=1e-6)


def test_spacing_mends_the_dependence_on_the_sizes():
    # One curve over one range, on 4, 12 and 40 sizes: the scores differ by a factor above 4
    # before, below 2 after.
    def scores(score):
        grids = [N_PARAMS, *(np.geomspace(3.5e8, 2e11, n) for n in (12, 40))]
        return [score(theory.accuracy(theory.token_probability(n), 5), n) for n in grids]

    plain, spaced = scores(lambda y, x: emergence_score(y)), scores(spaced_emergence_score)
    assert max(plain) / min(plain) > 3
    assert max(spaced) / min(spaced) < 2


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1, 2, 2], "x: found 2 before 2, expected strictly ascending sizes"),
        ([1, 3, 2], "x: found 3 before 2"),
        ([0, 1, 2], "x: found 0, expected positive finite sizes"),
        ([1, np.nan, 2], "x: found nan, expected positive"),
        ([1, 2, np.inf], "x: found inf, expected positive"),
        ([1, 2], r"x: found shape \(2,\), expected one that broadcasts to the \(3,\) of y"),
    ],
)
def test_bad_sizes_are_named(x, message):
    with pytest.raises(ValueError, match=message):
        spaced_emergence_score([0.1, 0.2, 0.4], x)
