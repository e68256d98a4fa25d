"""Whether a jump of the loss is real: exponents, half-way sizes, seeds, schedules."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirage.arithmetic import family, problems
from mirage.arithmetic.family import Profile
from mirage.book.claims import judged
from mirage.pages import (
    not_a_mirage,
    not_a_mirage_draw,
    not_a_mirage_measures,
    not_a_mirage_runs,
)


def curve(sizes, **columns) -> pl.DataFrame:
    return pl.DataFrame({"task": ["sum"] * len(sizes), "n_params": sizes, **columns})


@settings(deadline=None)
@given(st.floats(-2, 2), st.floats(0.1, 10))
def test_a_power_law_has_one_exponent(exponent, c):
    sizes = np.array([100, 250, 10_000, 70_000])
    found = not_a_mirage_measures.local_exponents(curve(sizes, loss=c * (sizes / 1e3) ** -exponent))
    assert found["exponent"].to_list() == pytest.approx([exponent] * 3, abs=1e-9)


def test_exponents_by_hand_whatever_the_order():
    # From 10 to 100 the loss falls to a tenth: 1. From 100 to 1000 it stays: 0.
    found = not_a_mirage_measures.local_exponents(curve([1000, 10, 100], loss=[0.1, 1.0, 0.1]))
    assert found["exponent"].to_list() == pytest.approx([1, 0])
    assert found["n_params"].to_list() == pytest.approx([10**1.5, 10**2.5])


def test_seeds_and_schedules_are_curves_of_their_own():
    one = curve([10, 100], loss=[1.0, 0.1])
    parts = [one.with_columns(seed=s, schedule=pl.lit(n)) for s in (0, 1) for n in ("a", "b")]
    found = not_a_mirage_measures.local_exponents(pl.concat(parts))
    assert found["exponent"].to_list() == pytest.approx([1] * 4)


@pytest.mark.parametrize("loss", [[1.0, 0.0], [1.0, None], [1.0, -1.0]])
def test_a_loss_without_logarithm_is_refused(loss):
    with pytest.raises(ValueError, match="not positive"):
        not_a_mirage_measures.local_exponents(curve([10, 100], loss=loss))


def test_a_size_twice_is_refused():
    with pytest.raises(ValueError, match="a size twice"):
        not_a_mirage_measures.local_exponents(curve([10, 10], loss=[1.0, 2.0]))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.0, 0.25, 0.75], 10**2.5),  # half-way between 100 and 1000
        ([0.0, 0.5, 0.4], 100),
        ([0.0, 0.1, 0.2], None),
        ([0.6, 0.7, 0.8], None),
    ],
)
def test_half_size_by_hand(scores, expected):
    found = not_a_mirage_measures.half_size(curve([10, 100, 1000], score=scores))[
        "half_size"
    ].item()
    assert found == (expected if expected is None else pytest.approx(expected))


def test_between_seeds_by_hand():
    scores = [0.0, 0.0, 1.0, 1.0] + [0.4, 0.6, 0.4, 0.6] + [1.0] * 4
    found = not_a_mirage_measures.between_seeds(curve([10] * 4 + [20] * 4 + [30] * 4, score=scores))
    # n − 1 below: s² = 4 · .25/3 = .333 over .25, cut off at 1; 4 · .01/3 = .0133 over .25.
    assert found["share"].to_list() == pytest.approx([1, 0.04 / 3 / 0.25, None])
    assert found["success"].to_list() == [0.5, 0.5, 1.0]
    assert found["n_seeds"].to_list() == [4, 4, 4]
    # Wilson, 2 of 4 and 4 of 4 with z² = 3.8415: (2 + 1.9207 ± 1.96 √(1 + .9604)) / 7.8415
    assert found.select("low", "high").row(0) == pytest.approx((0.15004, 0.84996), abs=1e-4)
    assert found["high"].to_list()[2] == 1


def test_one_seed_has_no_share():
    assert not_a_mirage_measures.between_seeds(curve([10], score=[0.5]))["share"].to_list() == [
        None
    ]


def test_schedules_scale_the_familys_own():
    data = problems.load("two-digit-multiplication")
    own = family.configs(Profile((4,), 1, 100), data)[0]
    for rate, steps in not_a_mirage_runs.SCHEDULES.values():
        changed = not_a_mirage_runs._scaled(own, rate, steps).schedule
        assert changed.learning_rate == rate * own.schedule.learning_rate
        assert changed.n_steps(len(data.train)) == steps * own.schedule.n_steps(len(data.train))
    same = not_a_mirage_runs._scaled(own, *not_a_mirage_runs.SCHEDULES["the family's"])
    assert same == own, "would be trained twice"


def test_other_schedules_and_seeds_come_as_one_table(tmp_path):
    task, profile = "two-digit-multiplication", Profile((3, 4), n_seeds=1, n_steps=2)
    checks = not_a_mirage_runs.Checks(("half the steps", "the family's"), (3,), 1, (4,), 2)
    found = not_a_mirage_runs.schedules(task, profile, checks, cache=tmp_path, jobs=1)
    assert set(found["schedule"]) == set(checks.schedules)
    assert "weights" not in found.columns
    compute = found.group_by("schedule").agg(pl.first("compute")).sort("compute")["compute"]
    assert compute[1] == 2 * compute[0]
    more = not_a_mirage_runs.seeds(task, profile, checks, cache=tmp_path, jobs=1)
    assert more.select("width", "seed").unique().sort("width", "seed").rows() == [
        (3, 0),
        (4, 0),
        (4, 1),
    ]
    assert more.filter(width=3)["loss"].to_list() == (
        found.filter(schedule="the family's")["loss"].to_list()
    )
    none = replace(checks, seed_widths=())
    assert not_a_mirage_runs.seeds(task, profile, none, cache=tmp_path, jobs=1)[
        "seed"
    ].unique().to_list() == [0]


def study(seeds=(0, 1, 2), schedules=("the family's", "twice the steps")) -> not_a_mirage.Study:
    """Loss of sums: 1, .9, .09, .08; of products: 1, .5, .25, .125; exact match 0, 0, 1, 1."""
    sizes, exact = [10, 20, 40, 80], [0.0, 0.0, 1.0, 1.0]
    losses = {not_a_mirage.SUMS: [1, 0.9, 0.09, 0.08], not_a_mirage.PRODUCTS: [1, 0.5, 0.25, 0.125]}
    rows = [
        {"task": task, "seed": seed, "n_params": n, "loss": loss * (1 + seed / 100), "score": y}
        | {"metric": metric, "floor": 0.0, "ceiling": 1.0, "n_items": 100}
        for task, of_task in losses.items()
        for seed in seeds
        for metric in ("exact match", "token accuracy", "−token edit distance", "token probability")
        for n, loss, y in zip(sizes, of_task, exact, strict=True)
    ]
    curves = pl.DataFrame(rows)
    runs = curves.filter(metric="exact match")
    sums = runs.filter(task=not_a_mirage.SUMS)
    tried = pl.concat(sums.with_columns(schedule=pl.lit(name)) for name in schedules)
    return not_a_mirage.Study(curves, runs, sums, tried)


def test_findings_by_hand():
    found = study()
    shapes = not_a_mirage.shapes(found.runs)
    findings = not_a_mirage.findings(found, shapes)
    # From 20 to 40 parameters the loss falls to a tenth: log 10 / log 2 = 3.32; products: 1.
    assert findings["not-a-mirage-steep"].ours == pytest.approx(np.log2(10))
    assert findings["not-a-mirage-exponent"].ours == pytest.approx(np.log2(10))
    assert findings["not-a-mirage-exponent"].n == 3
    assert findings["not-a-mirage-schedule"].ours == pytest.approx(np.log2(10))
    assert findings["not-a-mirage-schedule"].n == 6  # three seeds under each of two schedules
    assert findings["not-a-mirage-seeds"] == ("every size has all seeds right, or all wrong")
    assert len(judged(not_a_mirage.CLAIMS, findings)) == len(not_a_mirage.CLAIMS)


def test_one_seed_and_schedule_attempt_less():
    found = study(seeds=(0,), schedules=("the family's",))
    findings = not_a_mirage.findings(found, not_a_mirage.shapes(found.runs))
    assert findings["not-a-mirage-schedule"] == "the quick profile has one schedule"
    assert findings["not-a-mirage-seeds"] == "one seed has no variance"
    assert findings["not-a-mirage-exponent"] == "one seed has no interval"
    assert findings["not-a-mirage-steep"] == "one seed has no interval"


def test_the_steepest_fall_of_each_run_by_hand():
    # Seed 0 loses half from 10 to 20, exponent 1; seed 1 three quarters from 20 to 40, exponent 2.
    losses = ([1.0, 0.5, 0.5], [1.0, 1.0, 0.25])
    runs = [curve([10, 20, 40], loss=loss, seed=[seed] * 3) for seed, loss in enumerate(losses)]
    found = not_a_mirage.steepest(pl.concat(runs))
    assert found["seed"].to_list() == [0, 1]
    assert found["exponent"].to_list() == pytest.approx([1, 2])
    assert found["n_params"].to_list() == pytest.approx([200**0.5, 800**0.5])


def test_the_text_says_in_how_many_runs_and_where():
    several = not_a_mirage.numbers(found := study(), not_a_mirage.shapes(found.runs))["places"]
    assert several.startswith("With 3 of 3 seeds the loss of sums has an exponent above 2")
    gentle = found.runs.with_columns(pl.col("loss").sqrt())  # half the exponent, 1.66
    text = not_a_mirage.numbers(found._replace(runs=gentle), not_a_mirage.shapes(gentle))["places"]
    assert text.startswith("With 0 of 3 seeds")
    assert text.endswith("between two neighbouring sizes.")
    one = study(seeds=(0,))
    text = not_a_mirage.numbers(one, not_a_mirage.shapes(one.runs))["places"]
    assert "exponent 3.3" in text
    assert "one seed cannot say" in text


def test_text_and_panels():
    found = study()
    values = not_a_mirage.numbers(found, not_a_mirage.shapes(found.runs))
    assert (values["steepest-sums"], values["steepest-products"]) == ("3.3", "1.0")
    assert values["schedules"].startswith("Of 2 schedules 2 answer half")
    figure, axes = plt.subplots(2, 2)
    not_a_mirage_draw.draw_jump(axes, found, "ABCD")
    assert axes[0, 1].get_title(loc="left").endswith("Sums of 5 digits: exponents up to 3.3")
    not_a_mirage_draw.draw_loss(axes[0], found, "EF")
    plt.close(figure)
    figure, axes = plt.subplots(1, 3)
    not_a_mirage_draw.draw_checks(axes, found, "GHI")
    assert "seeds per size" in axes[1].texts[0].get_text()
    plt.close(figure)
