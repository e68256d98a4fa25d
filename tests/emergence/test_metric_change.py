"""The same models under two metrics: pairing, verdicts, sharpness on items, Figure 6 as read."""

import numpy as np
import polars as pl
import pytest

from mirage.emergence import metric_change
from mirage.emergence.same_items import sharpness
from mirage.pages import figure_6
from mirage.pages.figure_6 import fitted

SIZES = np.geomspace(1e8, 1e11, 12)


def scores(old, new, families=3, n_items=1000, compute=True):
    """A score table of one task: 12 models of some families under two metrics."""
    rows = []
    for i, size in enumerate(SIZES):
        row = {"family": f"f{i % families}", "model": f"m{i}", "n_params": int(size), "task": "t"}
        row |= {"compute": size * 1e10 if compute else None, "n_items": n_items}
        rows.append(row | {"metric": "accuracy", "score": old[i], "higher_is_better": True})
        rows.append(row | {"metric": "loss", "score": -new[i], "higher_is_better": False})
    return pl.DataFrame(rows, schema_overrides={"compute": pl.Float64})


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


@pytest.mark.parametrize(
    ("old", "new", "fate"),
    [
        ("broken", "smooth", "gone"),
        ("step", "step", "survives"),
        ("jump", "falls", "reversed"),
        ("broken", "not identifiable", "open"),
        ("smooth", "broken", "new metric makes one"),
        ("falls", "smooth", "no jump"),
        ("not identifiable", "smooth", "not identifiable"),
    ],
)
def test_outcomes(old, new, fate):
    assert metric_change.outcome(old, new) == fate


def test_pairs_are_oriented_matched_and_on_compute():
    table = scores(SIZES / 1e12, -SIZES / 1e12)
    table = table.filter(~((pl.col("model") == "m3") & (pl.col("metric") == "loss")))
    found = metric_change.paired(table, "accuracy", "loss")
    assert found.height == 11  # m3 has no loss
    assert found["x"].to_list() == [size * 1e10 for i, size in enumerate(SIZES) if i != 3]
    assert (found["new"] == -found["old"]).all()  # a loss, turned round
    sizes = metric_change.paired(scores(SIZES, SIZES, compute=False), "accuracy", "loss")["x"]
    assert sizes.to_list() == [float(int(size)) for size in SIZES]


def test_unknown_items_are_those_of_the_task():
    table = scores(SIZES / 1e12, SIZES / 1e12).with_columns(
        n_items=pl.when(pl.col("model") == "m3").then(None).otherwise("n_items")
    )
    assert metric_change.paired(table, "accuracy", "loss")["n_items"].unique().to_list() == [1000]


def test_models_without_both_metrics_are_an_error():
    with pytest.raises(ValueError, match="found no model with both 'accuracy' and 'BLEU'"):
        metric_change.paired(scores(SIZES, SIZES), "accuracy", "BLEU")


def test_a_step_that_the_second_metric_smooths_is_gone():
    rng = np.random.default_rng(0)
    step = rng.binomial(1000, np.where(SIZES > 3e9, 0.7, 0.2)) / 1000
    line = np.exp(-((SIZES / 2e9) ** -0.5)) - 1 + rng.normal(0, 0.01, 12)  # a scaling law
    table = metric_change.paired(scores(step, line), "accuracy", "loss")
    row = metric_change.verdicts(table, (-1, 0)).row(0, named=True)
    assert (row["old"], row["new"], row["outcome"]) == ("step", "smooth", "gone")
    assert row["old_delta"] > 4
    assert row["new_delta"] < -4
    assert row["old_low"] < row["old_delta"] < row["old_high"]
    assert (row["n_families"], row["n_models"]) == (3, 12)
    assert 0 <= row["n_same"] <= 3
    curves = fitted(table, "old", ["step"], (-1, 0))
    assert curves.columns == ["x", "step"]
    assert curves["step"].max() == pytest.approx(step[SIZES > 3e9].mean(), abs=0.01)


def test_a_step_under_both_metrics_survives_and_a_fall_is_reversed():
    step = np.where(SIZES > 3e9, 0.7, 0.2) + np.tile([0.01, -0.01], 6)
    survives = metric_change.paired(scores(step, step * 2), "accuracy", "loss")
    assert metric_change.verdicts(survives, (0, 2))["outcome"].to_list() == ["survives"]
    falls = metric_change.paired(scores(step, -np.log10(SIZES)), "accuracy", "loss")
    assert metric_change.verdicts(falls, (-20, 0))["outcome"].to_list() == ["reversed"]


def test_one_family_has_no_jackknife():
    table = metric_change.paired(scores(SIZES / 1e12, SIZES, families=1), "accuracy", "loss")
    row = metric_change.verdicts(table, (0, 1e12)).row(0, named=True)
    assert row["n_same"] is None
    assert np.isnan([row["old_low"], row["new_high"]]).all()


def test_jackknife_by_hand():
    # Left-out values 1, 2, 6: mean 3, squares 4 + 1 + 9 = 14, so √(2/3 · 14) = 3.055; t₂ 4.303.
    low, high = metric_change._jackknife(3.0, np.array([1.0, 2.0, 6.0]))
    assert high - 3 == pytest.approx(4.30265 * np.sqrt(2 / 3 * 14), rel=1e-5)
    assert 3 - low == pytest.approx(high - 3)


def test_sharpness_by_hand():
    # Steps of one decade each: .1, .1, .7 score .9/.1 = 9, a straight line 3: 3. The loss is one.
    table = outcomes([0.1, 0.2, 0.3, 1.0], [4, 3, 2, 1])
    row = sharpness(table, 200, np.random.default_rng(0)).row(0, named=True)
    assert row["accuracy"] == pytest.approx(3)
    assert row["loss"] == pytest.approx(1)
    assert row["ratio"] == pytest.approx(3)
    assert row["loss_low"] <= row["loss"] <= row["loss_high"]
    assert (row["n_models"], row["n_items"]) == (4, 400)


@pytest.mark.parametrize(
    ("loss", "fate"),
    [([4, 3, 2, 1], "gone"), ([4, 3.9, 3.8, 1], "survives"), ([1, 2, 3, 4], "reversed")],
)
def test_fates_of_a_jump_in_accuracy(loss, fate):
    table = outcomes([0.1, 0.15, 0.2, 1.0], loss)
    assert sharpness(table, 200, np.random.default_rng(0))["outcome"].to_list() == [fate]


def test_runs_need_both_metrics_of_four_models_on_the_same_items():
    table = outcomes([0.1, 0.2, 0.3, 1.0], [4, 3, 2, 1])
    three = table.filter(pl.col("model") != "c")
    assert sharpness(three, 10, np.random.default_rng(0)).is_empty()
    blank = table.with_columns(
        loss=pl.when((pl.col("model") == "c") & (pl.col("item") < 50)).then(None).otherwise("loss")
    )
    row = sharpness(blank, 10, np.random.default_rng(0)).row(0, named=True)
    assert row["n_items"] == 350  # the same items for all models


def test_figure_6_as_read():
    table = figure_6.lamda()
    assert table.height == 4 * 2 * 2 * 6
    guess = table.filter(metric="negative Brier score").group_by("task").agg(pl.first("chance"))
    # −(K − 1)/K²: K = 2, 2, 5, 4.
    assert dict(guess.iter_rows()) == {
        "irony_identification": -0.25,
        "sports_understanding": -0.25,
        "logical_args": -0.16,
        "swahili_english_proverbs": -0.1875,
    }


def test_readings_by_hand():
    table = figure_6.reading(2000, np.random.default_rng(0))
    brier = table.filter(metric="negative Brier score")
    row = brier.filter(task="logical_args").row(0, named=True)
    # Means of both shots: −.2045 at 1 B, −.184 at 27 B, −.1185 at 128 B; the last step is .0655 of
    # .086, on log(128/27)/log(128) = .3207 of the axis: 2.375.
    assert row["steepness"] == pytest.approx(2.375, abs=1e-3)
    assert row["last"] == pytest.approx(0.0655)
    assert row["first"] == pytest.approx(-0.2045 + 0.16)
    assert row["last_low"] < row["last"] < row["last_high"]
    assert row["last_high"] - row["last_low"] < 4 * figure_6.READING_ERROR
    swahili = brier.filter(task="swahili_english_proverbs").row(0, named=True)
    assert np.isnan(swahili["steepness"])  # the score falls over all sizes
    assert swahili["last_high"] < 0
