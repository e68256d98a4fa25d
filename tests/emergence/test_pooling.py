"""Emergence scores of one curve per family, and of families pooled."""

import polars as pl
import pytest

from mirage.emergence.pooling import largest_scores


def table(**families):
    row = {"task": "t", "metric": "accuracy"}
    rows = [
        row | {"family": family, "n_params": n, "score": y}
        for family, scores in families.items()
        for n, y in enumerate(scores, start=1)
    ]
    return pl.DataFrame(rows)


def test_each_family_is_a_curve():
    # a: range .6, median step .1: 6. b: range .3 downwards, median step .1: -3.
    found = largest_scores(table(a=[0.1, 0.2, 0.3, 0.7], b=[0.4, 0.3, 0.2, 0.1]))
    row = found.row(0, named=True)
    assert row["largest"] == pytest.approx(6)
    assert (row["curves"], row["tasks"], row["infinite"], row["negative"]) == (2, 1, 0, 1)


def test_pooled_families_are_one_curve_in_which_each_size_appears_twice():
    # .1 .12 | .2 .22 | .3 .32 | .9 .92: steps .02 .08 .02 .08 .02 .58 .02, median .02; .82/.02.
    both = table(a=[0.1, 0.2, 0.3, 0.9], b=[0.12, 0.22, 0.32, 0.92], c=[0.1, 0.9, 0.1, 0.9])
    found = largest_scores(both, pooled=("b", "a"))
    assert found["largest"].item() == pytest.approx(0.82 / 0.02)
    assert found["curves"].item() == 1


def test_a_task_that_one_of_the_families_lacks_is_not_pooled():
    other = table(a=[0.1, 0.2, 0.3, 0.9]).with_columns(task=pl.lit("u"))
    both = table(a=[0.1, 0.2, 0.3, 0.9], b=[0.12, 0.22, 0.32, 0.92])
    assert largest_scores(pl.concat([both, other]), pooled=("a", "b"))["tasks"].item() == 1


def test_few_models_make_no_curve():
    assert largest_scores(table(a=[0.1, 0.2])).is_empty()
