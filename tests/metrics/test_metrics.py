"""Multiple choice, images and subsets; the strings have test_metrics_strings.py."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import brier_score_loss
from sklearn.metrics import mean_squared_error as sklearn_mean_squared_error

from mirage.metrics import (
    brier_score,
    mean_squared_error,
    multiple_choice_grade,
    reconstruction,
    subset_accuracy,
    target_probability,
)

CHOICES = [multiple_choice_grade, target_probability, brier_score]
inf, nan = np.inf, np.nan


@st.composite
def questions(draw):
    shape = draw(st.integers(1, 8)), draw(st.integers(2, 6))
    # Whole numbers, so that ties occur; −inf for an impossible choice, never in column 0.
    log_probs = draw(arrays(float, shape, elements=st.integers(-5, 3).map(float) | st.just(-inf)))
    log_probs[:, 0] = draw(arrays(float, shape[0], elements=st.floats(-30, 30)))
    target = draw(arrays(np.int64, shape[0], elements=st.integers(0, shape[1] - 1)))
    absent = log_probs[np.arange(shape[0]), target] == -inf  # the right answer is a choice
    return log_probs, np.where(absent, 0, target)


def test_choices_by_hand():
    log_probs = np.log([[0.7, 0.2, 0.1], [0.2, 0.4, 0.4], [0.5, 0.3, 0.2]])
    target = [0, 1, 2]
    # Highest alone; tied with one other; not highest.
    assert multiple_choice_grade(log_probs, target).tolist() == [1, 0.5, 0]
    assert target_probability(log_probs, target) == pytest.approx([0.7, 0.4, 0.2])
    # .3² + .2² + .1² = .14; .2² + .6² + .4² = .56; .5² + .3² + .8² = .98.
    assert brier_score(log_probs, target, "sum") == pytest.approx([0.14, 0.56, 0.98])
    assert brier_score(log_probs, target) == pytest.approx([0.14 / 3, 0.56 / 3, 0.98 / 3])
    # (1 − .7)², (1 − .4)², (1 − .2)².
    assert brier_score(log_probs, target, "target") == pytest.approx([0.09, 0.36, 0.64])


@pytest.mark.parametrize(
    ("k", "mean", "total", "alone"),
    [(2, 0.25, 0.5, 0.25), (4, 0.1875, 0.75, 0.5625), (5, 0.16, 0.8, 0.64)],
)
def test_uniform_guess(k, mean, total, alone):
    log_probs, target = np.full((k, k), -3.0), np.arange(k)
    assert multiple_choice_grade(log_probs, target) == pytest.approx(1 / k)
    assert target_probability(log_probs, target) == pytest.approx(1 / k)
    assert brier_score(log_probs, target, "mean") == pytest.approx(mean)
    assert brier_score(log_probs, target, "sum") == pytest.approx(total)
    assert brier_score(log_probs, target, "target") == pytest.approx(alone)


def test_certainty_and_impossibility():
    log_probs = [[0, -inf], [0, -inf], [-1000, -2000], [1e308, -1e308]]
    target = [0, 1, 0, 0]
    assert multiple_choice_grade(log_probs, target).tolist() == [1, 0, 1, 1]
    assert target_probability(log_probs, target).tolist() == [1, 0, 1, 1]
    assert brier_score(log_probs, target, "sum").tolist() == [0, 2, 0, 0]


@given(questions(), st.floats(-50, 50).map(round))
def test_choices_properties(question, constant):
    log_probs, target = question
    grade, p = multiple_choice_grade(log_probs, target), target_probability(log_probs, target)
    total = brier_score(log_probs, target, "sum")
    n_choices = (log_probs > -inf).sum(axis=1)
    n_choices = np.where(n_choices < 2, log_probs.shape[1], n_choices)
    assert ((grade >= 0) & (grade <= 1)).all()
    assert ((p >= 0) & (p <= 1)).all()
    assert ((total >= 0) & (total <= 2 + 1e-12)).all()
    assert brier_score(log_probs, target) == pytest.approx(total / n_choices)
    # The target's share is (1 − p)² and the other choices add between that over K − 1, if
    # they are equal, and all of it again, if one has everything.
    alone = brier_score(log_probs, target, "target")
    assert alone == pytest.approx((1 - p) ** 2)
    assert (total >= alone * n_choices / (n_choices - 1) - 1e-12).all()
    assert (total <= 2 * alone + 1e-12).all()
    # A majority of the probability wins alone; a right answer has at least 1/K.
    assert (grade[p > 0.5 + 1e-9] == 1).all()
    assert (p >= (grade > 0) / n_choices - 1e-12).all()
    shifted = log_probs + constant
    assert target_probability(shifted, target) == pytest.approx(p, abs=1e-12)


@given(questions(), st.randoms(use_true_random=False))
def test_order_of_choices_is_irrelevant(question, random):
    log_probs, target = question
    order = list(range(log_probs.shape[1]))
    random.shuffle(order)
    moved = np.argsort(order)[target]
    for metric in CHOICES:
        expected = metric(log_probs, target)
        assert metric(log_probs[:, order], moved) == pytest.approx(expected, abs=1e-12)


def test_brier_score_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    p, target = rng.random(50), rng.integers(0, 2, 50)
    log_probs = np.log(np.stack([1 - p, p], axis=1))
    expected = brier_score_loss(target, p)  # (p − t)² of the second class
    assert brier_score(log_probs, target, "mean").mean() == pytest.approx(expected)
    assert brier_score(log_probs, target, "target").mean() == pytest.approx(expected)
    assert brier_score(log_probs, target, "sum").mean() == pytest.approx(2 * expected)


def test_padding_with_impossible_choices():
    log_probs, target = np.log([[0.7, 0.2, 0.1]]), [1]
    padded = np.concatenate([log_probs, [[-inf]]], axis=1)
    for metric in (multiple_choice_grade, target_probability):
        assert metric(padded, target) == pytest.approx(metric(log_probs, target))
    total = brier_score(log_probs, target, "sum")
    assert brier_score(padded, target, "sum") == pytest.approx(total)
    assert brier_score(padded, target, "mean") == pytest.approx(total / 3)


def test_items_with_unequal_numbers_of_choices():
    # .5² + .3² + .2² = .38 over 3 choices: .1267; over the 5 columns it would be .076.
    three, five = np.log([0.5, 0.3, 0.2]), np.log([0.2] * 5)
    padded = np.stack([[*three, -inf, -inf], five])
    for log_probs in (padded, padded.tolist(), [three.tolist(), five.tolist()], [three, five]):
        assert brier_score(log_probs, [0, 4]) == pytest.approx([0.38 / 3, 0.16])
        assert brier_score(log_probs, [0, 4], "sum") == pytest.approx([0.38, 0.8])
        assert target_probability(log_probs, [0, 4]) == pytest.approx([0.5, 0.2])
        assert multiple_choice_grade(log_probs, [0, 4]) == pytest.approx([1, 0.2])
        with pytest.raises(ValueError, match="found 3 at index 0, whose log-probability is -inf"):
            brier_score(log_probs, [3, 4])


@pytest.mark.parametrize("metric", CHOICES)
@pytest.mark.parametrize(
    ("log_probs", "target", "message"),
    [
        ([[0, 1], [0, 1]], [0], "found 2 items in log_probs and 1 targets"),
        (np.empty((0, 2)), [], r"log_probs: found no values \(shape \(0, 2\)\)"),
        ([0, 1], [0], r"log_probs: found shape \(2,\), expected \(items, choices\)"),
        ([[0, 1]], [[0]], r"target: found shape \(1, 1\), expected \(items,\)"),
        ([[0, 1], [0]], [0, 0], "log_probs: found 1 choice in the item at index 1"),
        ([[0, 1], [0, nan]], [0, 0], r"log_probs: found NaN at index \(1, 1\)"),
        ([[0, inf]], [0], r"log_probs: found \+inf at index \(0, 1\)"),
        ([[0, 1], [-inf, -inf]], [0, 0], "log_probs: found only -inf in the item at index 1"),
        ([[0], [0]], [0, 0], "found 1 choice per item, expected at least 2"),
        (
            [[0, 1], [0, 1]],
            [0, 2],
            "target: found 2 at index 1, expected whole numbers from 0 to 1",
        ),
        ([[0, 1], [0, 1]], [-1, 0], "target: found -1 at index 0"),
        ([[0, 1]], [0.5], "target: found 0.5 at index 0"),
        ([[0, 1]], [nan], "target: found NaN at index 0"),
    ],
)
def test_bad_choices_are_named(metric, log_probs, target, message):
    with pytest.raises(ValueError, match=message):
        metric(log_probs, target)


def test_unknown_reduction_is_named():
    with pytest.raises(ValueError, match='reduction: found \'total\', expected "mean", "sum"'):
        brier_score([[0, 1]], [0], "total")


def test_images_by_hand():
    images = np.zeros((2, 2, 2), np.uint8)
    made = np.array([[[1, 1], [1, 3]], [[0, 0], [0, 2]]], np.uint8)
    # (1 + 1 + 1 + 9)/4 = 3 and 4/4 = 1; in uint8, 0 − 3 would be 253.
    errors = mean_squared_error(images, made)
    assert errors.tolist() == [3, 1]
    # Strictly below: 1 is not < 1.
    assert reconstruction(errors, c=1.0).tolist() == [0, 0]
    assert reconstruction(errors, c=1.5).tolist() == [0, 1]
    assert reconstruction([errors, errors / 3], c=1.5).tolist() == [[0, 1], [1, 1]]
    assert reconstruction([inf], c=1.0).tolist() == [0]


def test_mean_squared_error_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 3, 4, 4)).astype(np.float32)
    expected = [sklearn_mean_squared_error(x.ravel(), y.ravel()) for x, y in zip(a, b, strict=True)]
    assert mean_squared_error(a, b) == pytest.approx(expected, rel=1e-6)  # float32 inside theirs


@given(arrays(float, st.integers(1, 30), elements=st.floats(0, 10)), st.floats(0.01, 10))
def test_reconstruction_rises_with_the_threshold(errors, c):
    low, high = reconstruction(errors, c), reconstruction(errors, 2 * c)
    assert set(low) <= {0.0, 1.0}
    assert (low <= high).all()


@pytest.mark.parametrize(
    ("images", "made", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 3)), r"images of shape \(2, 3\) and reconstructions"),
        (np.zeros((0, 3)), np.zeros((0, 3)), "not empty"),
        (np.zeros(3), np.zeros(3), r"images: found shape \(3,\)"),
        ([[0, 0], [0, nan]], [[0, 0], [0, 0]], "found NaN or inf in the item at index 1"),
        ([[0, inf]], [[0, inf]], "found NaN or inf in the item at index 0"),
    ],
)
def test_bad_images_are_named(images, made, message):
    with pytest.raises(ValueError, match=message):
        mean_squared_error(images, made)


@pytest.mark.parametrize(
    ("errors", "c", "message"),
    [
        ([], 1, "errors: found no values"),
        (1.0, 1, r"errors: found shape \(\)"),
        ([0, nan], 1, "errors: found NaN at index 1"),
        ([0, -1, -2], 1, r"errors: found -1 at index 1 \(the first of 2\)"),
        ([0.1], 0, "c: found 0, expected a positive"),
        ([0.1], nan, "c: found nan"),
    ],
)
def test_bad_errors_are_named(errors, c, message):
    with pytest.raises(ValueError, match=message):
        reconstruction(errors, c)


def test_subsets_by_hand():
    correct = [True, True, True, False]
    assert subset_accuracy(correct, 1) == 0.75
    assert subset_accuracy(correct, 2) == 0.5  # C(3, 2)/C(4, 2) = 3/6
    assert subset_accuracy(correct, 3) == pytest.approx(0.25)  # 1/4
    assert subset_accuracy(correct, 4) == 0
    assert subset_accuracy([correct, [1, 1, 1, 1]], 2).tolist() == [0.5, 1]
    assert isinstance(subset_accuracy(correct, 2), float)


@given(st.integers(1, 60), st.data())
def test_subsets_agree_with_binomials(n, data):
    m, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    correct = np.arange(n) < m
    expected = float(Fraction(comb(m, k), comb(n, k)))
    assert subset_accuracy(correct, k) == pytest.approx(expected, rel=1e-13, abs=0)
    if k > 1:
        assert subset_accuracy(correct, k) <= subset_accuracy(correct, k - 1)


@pytest.mark.parametrize(
    ("m", "k"), [(9580, 10), (9580, 100), (9999, 5000), (5000, 900), (10_000, 10_000), (9000, 9001)]
)
def test_subsets_are_stable_for_ten_thousand_items(m, k):
    # Binomials of up to 3000 digits, as exact integers.
    expected = float(Fraction(comb(m, k), comb(10_000, k)))
    result = subset_accuracy(np.arange(10_000) < m, k)
    assert result == pytest.approx(expected, rel=1e-11, abs=0)


@pytest.mark.parametrize(("k", "published"), [(6, 0.7764), (8, 0.7116), (10, 0.657)])
def test_published_subset_accuracy(k, published):
    # Fig 11C at width 64, whose accuracy is .958. The paper's values lie up to .006 above the
    # exact ones (.773, .709, .651): it does not say how it drew its subsets.
    assert subset_accuracy(np.arange(10_000) < 9580, k) == pytest.approx(published, abs=0.007)


@pytest.mark.parametrize(
    ("correct", "k", "message"),
    [
        ([], 1, "correct: found no values"),
        ([1, nan], 1, "correct: found NaN at index 1"),
        ([1, 0.5], 1, "correct: found 0.5 at index 1, expected 0 or 1"),
        ([[[1]]], 1, r"correct: found shape \(1, 1, 1\)"),
        ([1, 1], 3, "k: found 3, expected 1 to 2"),
        ([1, 1], 0, "k: found 0, expected 1 to 2"),
        ([1, 1], 1.5, "k: found 1.5, expected a whole number"),
    ],
)
def test_bad_subsets_are_named(correct, k, message):
    with pytest.raises(ValueError, match=message):
        subset_accuracy(correct, k)
