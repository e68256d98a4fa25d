"""The same models under two metrics: pairing, verdicts, outcomes."""

import numpy as np
import polars as pl
import pytest

from mirage.emergence import metric_change

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


@pytest.mark.parametrize(
    ("old", "new", "fate"),
    [
        ("jump", "smooth", "disappears"),
        ("jump", "jump", "persists"),
        ("jump", "falls", "reversed"),
        ("jump", "not identifiable", "undecided"),
        ("smooth", "jump", "appears only under the new metric"),
        ("falls", "smooth", "no jump"),
        ("smooth", "not identifiable", "no jump"),
        ("not identifiable", "smooth", "undecided"),
    ],
)
def test_outcomes(old, new, fate):
    assert metric_change.outcome(old, new) == fate
    assert fate in metric_change.OUTCOMES


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


STEP = np.where(SIZES > 3e9, 0.7, 0.2)
LAW = np.exp(-((SIZES / 2e9) ** -0.5)) - 1  # a scaling law, in [-1, 0]


def verdicts(table, bounds, **options):
    found = metric_change.paired(table, "accuracy", "loss")
    return metric_change.verdicts(found, bounds, np.random.default_rng(0), **options)


def test_a_step_that_the_second_metric_smooths_disappears():
    rng = np.random.default_rng(0)
    table = scores(rng.binomial(1000, STEP) / 1000, LAW + rng.normal(0, 0.01, 12))
    row = verdicts(table, (-1.1, 0.1)).row(0, named=True)
    assert (row["old"], row["new"], row["outcome"]) == ("jump", "smooth", "disappears")
    assert row["old_p"] < 0.05 < row["new_p"]
    assert row["old_gap"] == pytest.approx(SIZES[SIZES < 3e9].max() * 1e10, rel=1e-6)
    assert row["old_height_low"] < row["old_height"] < row["old_height_high"]
    assert row["new_detectable"] <= metric_change.DETECTABLE
    assert (row["n_families"], row["n_models"]) == (3, 12)


def test_a_step_under_both_metrics_persists_and_a_fall_is_reversed():
    step = STEP + np.tile([0.01, -0.01], 6)
    assert verdicts(scores(step, step * 2), (0, 2))["outcome"].to_list() == ["persists"]
    falls = verdicts(scores(step, -np.log10(SIZES)), (-12, 0))
    assert falls["outcome"].to_list() == ["reversed"]


def test_few_models_or_items_leave_the_outcome_undecided():
    four = scores(STEP, LAW).filter(pl.col("model").is_in(["m0", "m4", "m8", "m11"]))
    assert verdicts(four, (-1, 0))["outcome"].to_list() == ["undecided"]
    noise = np.tile([0.4, 0.5, 0.6], 4)
    few = verdicts(scores(noise, LAW, n_items=10), (-1, 0)).row(0, named=True)
    assert (few["old"], few["outcome"]) == ("not identifiable", "undecided")
    assert few["old_detectable"] > metric_change.DETECTABLE


def test_against_a_loss_curves_run_from_high_to_low():
    table = scores(STEP, STEP * 2).with_columns(loss=4 - pl.col("n_params").log10() / 10)
    found = metric_change.paired(table, "accuracy", "loss", x="loss")
    assert found["x"].log().to_list() == pytest.approx((np.log10(SIZES) / 10 - 4).tolist())
    assert found["old"].to_list() == STEP.tolist()


def test_a_curve_that_falls_is_no_jump():
    falls = 0.9 - 0.5 * np.linspace(0, 1, 12)
    assert verdicts(scores(falls, LAW), (-1, 0))["old"].to_list() == ["falls"]


def test_models_of_one_size_are_no_error():
    compute = pl.when(pl.col("n_params") > 5e9).then(1e20).otherwise(1e19)
    assert verdicts(scores(STEP, LAW).with_columns(compute=compute), (-1, 0)).height == 1


def test_outcomes_are_counted_in_order():
    found = metric_change.counts(pl.DataFrame({"outcome": ["persists", "no jump", "no jump"]}))
    assert list(found) == list(metric_change.OUTCOMES)
    assert (found["persists"], found["no jump"], found["reversed"]) == (1, 2, 0)
