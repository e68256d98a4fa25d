"""Dormant shares of two metrics on the same items."""

import numpy as np
import polars as pl
import pytest

from mirage.emergence.same_items import OUTCOMES, differences

RNG = np.random.default_rng


def outcomes(accuracy, loss, n_items=400, family="GPT-3"):
    """Items of four models with the given accuracies and mean losses, one item like another."""
    sizes = {"a": 10**8, "b": 10**9, "c": 10**10, "d": 10**11}
    noise = np.random.default_rng(0).normal(0, 0.05, n_items)
    frames = [
        pl.DataFrame(
            {
                "item": np.arange(n_items),
                "correct": np.arange(n_items) < p * n_items,
                "loss": q + noise,
            }
        ).with_columns(
            family=pl.lit(family),
            model=pl.lit(name),
            n_params=pl.lit(size, pl.Int64),
            task=pl.lit("t"),
        )
        for (name, size), p, q in zip(sizes.items(), accuracy, loss, strict=True)
    ]
    return pl.concat(frames)


def test_dormant_shares_by_hand():
    # One decade a step. Accuracy .1 .1 .2 1.0: 5 % of the rise, .045, is reached at .45 of the
    # second step: (1 + .45)/3 = .4833. The loss falls by 1 each step: .15 of the first one, /3.
    row = differences(outcomes([0.1, 0.1, 0.2, 1.0], [4, 3, 2, 1]), 200, RNG(0)).row(0, named=True)
    assert row["accuracy"] == pytest.approx(1.45 / 3)
    assert row["loss"] == pytest.approx(0.05)
    assert row["difference"] == pytest.approx(1.45 / 3 - 0.05)
    assert 0 < row["low"] <= row["difference"] <= row["high"]
    assert row["disjoint"]
    assert (row["n_models"], row["n_items"]) == (4, 400)


@pytest.mark.parametrize(
    ("accuracy", "loss", "fate"),
    [
        ([0.1, 0.1, 0.2, 1.0], [4, 3, 2, 1], "longer"),
        ([0.1, 0.4, 0.7, 1.0], [4, 3.99, 3.98, 1], "shorter"),
        ([0.1, 0.1, 0.1, 1.0], [1, 2, 3, 4], "reversed"),
        ([0.5, 0.5, 0.5, 0.5], [4, 3, 2, 1], "no rise"),
    ],
)
def test_outcomes(accuracy, loss, fate):
    found = differences(outcomes(accuracy, loss), 200, RNG(0))
    assert found["outcome"].to_list() == [fate]
    assert fate in OUTCOMES


def test_the_same_metric_twice_is_undecided():
    table = outcomes([0.1, 0.2, 0.3, 1.0], [4, 3, 2, 1])
    table = table.with_columns(loss=-pl.col("correct").cast(pl.Float64))
    row = differences(table, 200, RNG(0)).row(0, named=True)
    assert (row["difference"], row["outcome"], row["disjoint"]) == (0, "undecided", False)


def test_runs_need_both_metrics_of_four_models_on_the_same_items():
    table = outcomes([0.1, 0.2, 0.3, 1.0], [4, 3, 2, 1])
    three = table.filter(pl.col("model") != "c")
    assert differences(three, 10, RNG(0)).is_empty()
    blank = table.with_columns(
        loss=pl.when((pl.col("model") == "c") & (pl.col("item") < 50)).then(None).otherwise("loss")
    )
    row = differences(blank, 10, RNG(0)).row(0, named=True)
    assert row["n_items"] == 350  # the same items for all models
