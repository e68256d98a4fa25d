"""Exact match, token accuracy and token edit distance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage import theory
from mirage.metrics import exact_match, token_accuracy, token_edit_distance

METRICS = [exact_match, token_accuracy, token_edit_distance]
# A small alphabet, so that matches, shifts and repeats are common.
words = st.text(alphabet="012", max_size=7)
pairs = st.lists(st.tuples(words, words), min_size=1, max_size=20)


def table_distance(a, b):
    """Levenshtein distance by the textbook recursion over a full table."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            substituted = table[i - 1, j - 1] + (a[i - 1] != b[j - 1])
            table[i, j] = min(substituted, table[i - 1, j] + 1, table[i, j - 1] + 1)
    return table[-1, -1]


def test_by_hand():
    target = "1234"
    predictions = ["1234", "1239", "2341", "12345678", "12", "", "21"]
    targets = [target] * len(predictions)
    assert exact_match(predictions, targets).tolist() == [1, 0, 0, 0, 0, 0, 0]
    # Right positions over the longer length: 4/4, 3/4, 0/4, 4/8, 2/4, 0/4, 0/4.
    assert token_accuracy(predictions, targets).tolist() == [1, 0.75, 0, 0.5, 0.5, 0, 0]
    # Nothing; 1 substitution; delete the last 1 and insert it in front: 2; 4 surplus;
    # 2 missing; 4 missing; "21" → "1" → "1234": 1 deletion and 3 insertions, or better
    # insert 1, keep 2, 1 → 3, insert 4: 3.
    assert token_edit_distance(predictions, targets).tolist() == [0, 1, 2, 4, 2, 4, 3]


def test_paper_erratum_hamming_is_no_lower_bound():
    # App. A.2 has distance >= Hamming: 1234 and 2341 differ at 4 places, at distance 2.
    assert token_edit_distance(["2341"], ["1234"]).tolist() == [2]
    assert token_accuracy(["2341"], ["1234"]).tolist() == [0]


def test_surplus_tokens_are_not_free():
    # 2.93 edits on one-digit targets (Fig 3) need answers of more than one digit.
    assert token_edit_distance(["7310"], ["7"]).tolist() == [3]
    assert token_accuracy(["7310"], ["7"]).tolist() == [0.25]


def test_both_empty_agree():
    assert exact_match([""], [""]).tolist() == [1]
    assert token_accuracy([""], [""]).tolist() == [1]
    assert token_edit_distance([""], [""]).tolist() == [0]


@given(pairs)
def test_distance_agrees_with_a_table(items):
    predictions, targets = zip(*items, strict=True)
    expected = [table_distance(a, b) for a, b in items]
    assert token_edit_distance(predictions, targets).tolist() == expected


@given(pairs)
def test_bounds_and_relations(items):
    predictions, targets = zip(*items, strict=True)
    match, accuracy, distance = (metric(predictions, targets) for metric in METRICS)
    longer = np.array([max(len(a), len(b)) for a, b in items])
    gap = np.array([abs(len(a) - len(b)) for a, b in items])
    assert ((accuracy == 1) == (match == 1)).all()
    assert ((distance == 0) == (match == 1)).all()
    assert ((accuracy >= 0) & (accuracy <= 1)).all()
    assert (gap <= distance).all()
    assert (distance <= longer * (1 - accuracy) + 1e-9).all()  # the padded Hamming distance


@given(pairs)
def test_symmetric_and_the_same_for_token_lists(items):
    predictions, targets = zip(*items, strict=True)
    for metric in METRICS:
        expected = metric(predictions, targets).tolist()
        assert metric(targets, predictions).tolist() == expected
        lists = [[list(text) for text in side] for side in (predictions, targets)]
        assert metric(*lists).tolist() == expected
        numbers = [[[int(token) for token in text] for text in side] for side in lists]
        assert metric(*numbers).tolist() == expected


@given(words, words, words)
def test_triangle_inequality(a, b, c):
    ab, bc, ac = token_edit_distance([a, b, a], [b, c, c])
    assert ac <= ab + bc


@pytest.mark.parametrize("metric", METRICS)
def test_arrays_are_token_sequences(metric):
    predictions, targets = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 2, 3], [4, 5, 7]])
    expected = metric(["123", "456"], ["123", "457"]).tolist()
    assert metric(predictions, targets).tolist() == expected
    assert metric(list(predictions), targets).tolist() == expected
    assert metric(np.array(["123", "456"]), ["123", "457"]).tolist() == expected


def test_tokens_of_several_characters_are_one_token():
    assert token_edit_distance([["12", "34"]], [["12", "43"]]).tolist() == [1]


def test_tokens_that_share_a_hash_differ():
    # hash(2**61 - 1) is 0 in CPython, and rapidfuzz reads the character "1" as its code 49.
    assert exact_match([[2**61 - 1]], [[0]]).tolist() == [0]
    assert token_edit_distance([[2**61 - 1], [49]], [[0], ["1"]]).tolist() == [1, 1]


def test_long_sequences_do_not_wrap_around():
    assert token_edit_distance(["a" * 300], ["b" * 300]).tolist() == [300]


def test_expectations_are_the_theory():
    # Independent errors at rate 1 - p, right length: the paper's Fig 2C and 2E.
    rng, p, length, n_items = np.random.default_rng(0), 0.8, 5, 20_000
    targets = rng.integers(0, 10, (n_items, length))
    wrong = rng.random((n_items, length)) > p
    predictions = (targets + wrong * rng.integers(1, 10, wrong.shape)) % 10
    match = exact_match(predictions, targets)
    tolerance = 5 * np.sqrt(0.25 / n_items)  # five standard errors of a proportion at most
    assert match.mean() == pytest.approx(theory.accuracy(p, length), abs=tolerance)
    assert token_accuracy(predictions, targets).mean() == pytest.approx(p, abs=tolerance)
    distance = token_edit_distance(predictions, targets)
    errors = wrong.sum(axis=1)
    assert (distance <= errors).all()
    # A shift mends several errors of one item, rarely: the mean is a little lower.
    assert 0.97 * theory.token_edit_distance(p, length) < distance.mean() < errors.mean()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("predictions", "targets", "message"),
    [
        (["1"], ["1", "2"], "found 1 predictions and 2 targets"),
        ([], [], "at least one item"),
        ("12", ["1", "2"], "predictions: found one str"),
        (b"12", ["1", "2"], "predictions: found one bytes"),
        (["1", "2"], 3, "targets: found one int"),
        (["1", float("nan")], ["1", "2"], r"predictions: found nan \(float\) at index 1"),
        (["1", "2"], [None, "2"], r"targets: found None \(NoneType\) at index 0"),
        ([1, 2], [1, 2], r"predictions: found 1 \(int\) at index 0"),
        ([{1, 2}], [[1, 2]], r"predictions: found {1, 2} \(set\) at index 0"),
        ([["1"], ["2"]], ["1", "2"], "expected a string like the first target"),
        (["1", "2"], [["1"], ["2"]], "expected a sequence of tokens like the first target"),
        ([[1, float("nan")]], [[1, 2]], "found the token NaN"),
        ([np.array([1.0, np.nan])], [[1, 2]], "found the token NaN"),
        ([[[1]]], [[1]], "predictions: found a token that is neither"),
    ],
)
def test_bad_input_is_named(metric, predictions, targets, message):
    with pytest.raises(ValueError, match=message):
        metric(predictions, targets)
