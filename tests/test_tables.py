"""The tables' door: what is refused, and which rows the message names."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage import tables

SCORE = {
    "family": "f",
    "model": "m",
    "n_params": 10,
    "task": "t",
    "metric": "accuracy",
    "score": 0.5,
    "source": "s",
}
OUTCOME = {"family": "f", "model": "m", "n_params": 10, "task": "t", "item": 0}
REQUIRED = sorted(set(tables.SCORES) - tables.OPTIONAL_SCORES)


def seeds(*changes: dict) -> list[dict]:
    """One right row per seed, each with a change."""
    return [SCORE | {"seed": seed} | change for seed, change in enumerate(changes)]


def test_scores_have_their_columns_and_types():
    table = tables.scores([SCORE | {"extra": "kept", "score": 1, "n_params": np.int64(10)}])
    assert table.columns == [*tables.SCORES, "extra"]
    assert dict(table.schema) == tables.SCORES | {"extra": pl.String}
    assert table.row(0, named=True) == {
        **dict.fromkeys(tables.OPTIONAL_SCORES),
        **SCORE,
        "score": 1.0,
        "extra": "kept",
    }


def test_scores_of_scores_are_the_same():
    once = tables.scores(seeds({}, {"score": 0.25}))
    assert once.equals(tables.scores(once))


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_column_is_named(name):
    row = {key: value for key, value in SCORE.items() if key != name}
    with pytest.raises(ValueError, match=rf"missing columns \['{name}'\]; found"):
        tables.scores([row])


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_value_names_its_row(name):
    with pytest.raises(ValueError, match=rf"{name} is missing in 1 of 3 rows.*'row': 1"):
        tables.scores(seeds({}, {name: None}, {}))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"n_params": 0}, "n_params must be positive"),
        ({"n_params": 10.5}, "n_params is not a whole number"),
        ({"n_params": "ten"}, "n_params is not a whole number"),
        ({"n_items": 0}, "n_items must be positive"),
        ({"n_items": 99.9}, "n_items is not a whole number"),
        ({"score": math.nan}, "score is NaN"),
        ({"score": "good"}, "score is not a number"),
        ({"loss": "low"}, "loss is not a number"),
        ({"seed": 0.5}, "seed is not a whole number"),
    ],
    ids=str,
)
def test_bad_value_names_its_row(change, why):
    with pytest.raises(ValueError, match=rf"{why} in 1 of 3 rows, first: \{{'row': 2"):
        tables.scores(seeds({}, {}, change))


def test_nested_value_is_refused():
    with pytest.raises(ValueError, match="score is not a number in 1 of 1 rows"):
        tables.scores([SCORE | {"score": [0.5, 0.6]}])


def test_same_measurement_twice_names_both_rows():
    with pytest.raises(ValueError, match=r"the same measurement twice in 2 of 3 rows.*0.*2"):
        tables.scores([SCORE, SCORE | {"task": "other"}, SCORE | {"score": 0.75}])
    rows = [SCORE, SCORE | {"seed": 1}, SCORE | {"metric": "m2"}, SCORE | {"source": "s2"}]
    assert tables.scores(rows).height == 4
    rows = [SCORE | {"length": length} for length in (1, 2)]
    assert tables.scores(rows).height == 2, "a further column tells measurements apart"


def test_at_most_three_rows_are_shown():
    with pytest.raises(ValueError, match="in 5 of 5 rows") as caught:
        tables.scores(seeds(*[{"n_params": -1}] * 5))
    assert str(caught.value).count("'row'") == 3


@pytest.mark.parametrize("empty", [[], pl.DataFrame(), iter(())], ids=["list", "table", "iterator"])
@pytest.mark.parametrize("check", [tables.scores, tables.outcomes])
def test_empty_table_is_refused(check, empty):
    with pytest.raises(ValueError, match="found 0 rows, expected at least one"):
        check(empty)


def test_infinite_score_is_legal():
    assert tables.scores([SCORE | {"score": -math.inf}])["score"].item() == -math.inf


def test_all_rows_decide_on_a_type():
    """A hundred whole scores first must not turn the next one into a whole number."""
    rows = seeds(*[{"score": 0}] * 150, {"score": 0.5, "late": "kept"})
    table = tables.scores(rows)
    assert table["score"].sum() == 0.5
    assert table["late"].to_list()[-1] == "kept"


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_no_score_is_changed(values):
    assert tables.scores(seeds(*[{"score": y} for y in values]))["score"].to_list() == values


def test_outcomes():
    table = tables.outcomes([OUTCOME | {"correct": True}, OUTCOME | {"item": 1, "correct": None}])
    assert table.columns == [*tables.OUTCOMES, "correct"]
    with pytest.raises(ValueError, match="the same item twice in 2 of 2 rows"):
        tables.outcomes([OUTCOME, OUTCOME | {"correct": False}])
    with pytest.raises(ValueError, match=r"n_params must be positive in 1 of 2 rows.*'row': 1"):
        tables.outcomes([OUTCOME, OUTCOME | {"item": 1, "n_params": -3}])
    with pytest.raises(ValueError, match="item is missing"):
        tables.outcomes([OUTCOME | {"item": None}])


def test_over_seeds_by_hand():
    # Mean of 0.1, 0.2, 0.6 is 0.3. Deviations −0.2, −0.1, 0.3; their squares sum to 0.14, so the
    # standard error is √(0.14 / 2 / 3) = 0.152753. Student's t at 97.5 % with 2 degrees of freedom
    # is 4.302653: half-width 0.657241, interval [−0.357241, 0.957241], cut off at 0.
    rows = seeds({"score": 0.1, "loss": 2.0}, {"score": 0.2, "loss": 1.0}, {"score": 0.6})
    row = tables.over_seeds(tables.scores(rows)).row(0, named=True)
    assert row["score"] == pytest.approx(0.3)
    assert row["loss"] == pytest.approx(1.5)
    assert row["low"] == 0.0
    assert row["high"] == pytest.approx(0.957241, abs=1e-6)
    assert row["n_seeds"] == 3
    wide = tables.over_seeds(tables.scores(rows), bounds=(-1.0, 1.0))
    assert wide["low"].item() == pytest.approx(-0.357241, abs=1e-6)


def test_over_seeds_sorts_by_size_and_keeps_what_differs():
    rows = seeds({"n_params": 30, "model": "b"}, {}, {"score": 0.7}, {"metric": "other"})
    table = tables.over_seeds(tables.scores(rows))
    assert table["n_params"].to_list() == [10, 10, 30]
    assert table["n_seeds"].to_list() == [2, 1, 1]
    assert table["low"].is_nan().to_list() == [False, True, True], "one seed has no interval"


def test_mean_over_keeps_the_order_of_the_groups():
    table = pl.DataFrame({"k": [2, 1, 2, 1], "score": [0.0, 1.0, 0.5, 1.0]})
    means = tables.mean_over(table, by=["k"])
    assert means.select("k", "score", "n_seeds").rows() == [(2, 0.25, 2), (1, 1.0, 2)]
    low, high = means.select("low", "high").row(1)
    assert math.isnan(low), "two equal values say nothing of their spread"
    assert math.isnan(high)
