"""Letter values against NumPy's quantiles, and what is drawn of them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mirage.plots import LEAST_BEYOND, draw, letter_values


@given(st.integers(1, 2000), st.integers(0, 2**32 - 1))
def test_boxes_are_nested_and_hold_what_they_should(n, seed):
    values = np.random.default_rng(seed).standard_cauchy(n)
    boxes = letter_values(values)
    for depth, box in enumerate(boxes):
        share = 0.5 ** (depth + 2)
        assert tuple(box) == pytest.approx(np.quantile(values, [share, 1 - share]))
        assert n * share >= LEAST_BEYOND
    assert all(o.low <= i.low <= i.high <= o.high for i, o in pairwise(boxes))
    assert bool(boxes) == (n >= 20)


def test_each_value_is_in_a_box_or_a_point():
    values = np.random.default_rng(0).standard_cauchy(500)
    ax = draw(Figure().subplots(), 3.0, values)
    points = ax.lines[0].get_xdata()
    low, high = letter_values(values)[-1]
    assert len(points) == np.count_nonzero((values < low) | (values > high)) > 0
    assert {float(y) for y in ax.lines[0].get_ydata()} == {3.0}
    assert ax.lines[1].get_xdata()[0] == np.median(values)
    outer, *_, inner = ax.patches
    assert outer.get_width() > inner.get_width()
    assert outer.get_height() < inner.get_height() <= 0.8


def test_few_values_are_points():
    ax = draw(Figure().subplots(), 0, [1.0, 2.0])
    assert len(ax.patches) == 0
    assert list(ax.lines[0].get_xdata()) == [1.0, 2.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_infinite_values_are_the_callers_to_count(bad):
    with pytest.raises(ValueError, match="found 1 NaN or infinite"):
        letter_values([1.0, bad])
