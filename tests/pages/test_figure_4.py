"""Figure 4: chance, few items and many, sampling until a pass; against hand-made cases."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toy_outcomes import MULTIPLICATION, toy_outcomes

from mirage.arithmetic import problems
from mirage.arithmetic.family import Trained
from mirage.arithmetic.model import Transformer
from mirage.book.claims import Found, Verdict, judged
from mirage.pages import (
    figure_4,
    figure_4_draw,
    figure_4_sampling,
    figure_4_text,
    published,
)
from mirage.statistics import clopper_pearson_interval
from mirage.statistics.item_counts import items_to_exceed, least_items

PAPER = published.arithmetic_scores().filter(metric="exact match")
CELLS = figure_4.against_chance(PAPER, figure_4.CHANCE)


def transformer() -> Transformer:
    torch.manual_seed(0)
    return Transformer(4, problems.n_positions(MULTIPLICATION))


# --- chance


@given(n=st.integers(1, 400), right=st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_accuracies_of_n_items_never_need_more(n, right):
    accuracies = [min(k, n) / n for k in right]
    found = least_items(accuracies)
    assert found is not None
    assert found <= n


def test_the_paper_asked_a_multiple_of_126_one_digit_sums():
    table = published.arithmetic_scores().filter(
        metric="exact match", task="four-digit-addition", target_length=1
    )
    assert least_items(table["score"]) == 126
    assert least_items([0.1746, 0.123456], largest=100) is None


@pytest.mark.parametrize("accuracy", [2e-4, 1e-3, 0.1])
def test_items_to_exceed_is_where_the_interval_leaves_chance(accuracy):
    n = int(items_to_exceed(1e-4, accuracy))
    # With whole numbers of right answers just above and below n · accuracy.
    more = clopper_pearson_interval(np.ceil(n * accuracy) + 1, n)
    fewer = clopper_pearson_interval(np.floor(n * accuracy) - (n * accuracy > 1), n)
    assert more.low > 1e-4 > fewer.low


def test_no_number_of_items_lifts_an_accuracy_below_chance():
    assert items_to_exceed(1e-4, 1e-4) == np.inf
    assert items_to_exceed(1e-4, 0.0) == np.inf
    assert items_to_exceed(1e-4, 1.0) == 1


def test_cells_of_the_paper_that_are_not_above_chance():
    guesses = {"two-digit-multiplication": 1 / 9801, "four-digit-addition": 1 / 19999}
    table = published.arithmetic_scores().filter(metric="exact match")
    found = figure_4.against_chance(table, guesses)
    never = found.filter(verdict="never above")
    assert set(never["model"]) == {"350M"}
    assert set(zip(never["task"], never["target_length"], strict=True)) == {
        ("two-digit-multiplication", 4),
        ("four-digit-addition", 5),
    }
    assert (found["low"] <= found["score"]).all()
    assert (found["score"] <= found["high"]).all()
    # 1/4.435e-5 = 22 548
    assert found.filter(task=MULTIPLICATION.name, target_length=4)["fewest"][0] == 22547
    doubtful = found.filter(pl.col("verdict") != "above")
    assert (doubtful["low"] <= doubtful["chance"]).all()
    assert (found.filter(verdict="above")["low"] > found.filter(verdict="above")["chance"]).all()


def test_a_fall_is_certain_where_the_intervals_are_apart():
    rows = [(1, 0.5, 0.4, 0.6), (2, 0.1, 0.0, 0.3), (3, 0.2, 0.1, 0.3)]
    table = pl.DataFrame(
        [dict(zip(("n_params", "score", "low", "high"), row, strict=True)) for row in rows]
    ).with_columns(task=pl.lit("a"), target_length=1, temperature=0.0)
    assert figure_4.falls(table).select("falls", "certain").row(0) == (True, True)
    rising = table.with_columns(n_params=pl.Series([3, 1, 2]))
    assert figure_4.falls(rising).select("falls", "certain").row(0) == (False, False)


def test_four_sizes_cannot_tell_a_smooth_curve_from_a_step():
    why = figure_4.smooth(CELLS)
    assert why == "no verdict on any of 18 curves: 4 points, and a comparison needs 7"
    # Every step function passes as "rises", which is why the paper's word is not judged by it.
    steps = CELLS.with_columns(score=pl.when(pl.col("model") == "175B").then(1.0).otherwise(0.0))
    assert not figure_4.falls(steps)["falls"].any()


def test_enough_sizes_are_judged_smooth_or_not():
    n = np.geomspace(2e6, 1e11, 12)
    scores = {"a": np.exp(-((n / 1e9) ** -0.3)), "b": np.where(n > 1e9, 0.6, 0.25)}
    tables = [
        pl.DataFrame({"n_params": n, "score": y}).with_columns(
            task=pl.lit(task), target_length=1, temperature=0.0
        )
        for task, y in scores.items()
    ]
    found = figure_4.smooth(pl.concat(tables))
    assert (found.ours, found.n) == (0.5, 2)
    assert found.interval[0] < 0.5 < found.interval[1]


# --- resolution


def test_measured_accuracy_is_binomial_about_the_mean_probability():
    table = toy_outcomes(np.log([[0.2], [0.6]]), n_params=(1, 2))
    found = figure_4_sampling.measure(table, [100, 100_000], np.random.default_rng(0))
    assert found["expected"].to_list() == pytest.approx([0.4] * 4)
    large = found.filter(n_items=100_000)
    # A deviation of √(.4 · .6 / 100 000) = .0015.
    assert large["score"].to_numpy() == pytest.approx(0.4, abs=0.008)
    assert (large["low"] < 0.4).all()
    assert (large["high"] > 0.4).all()
    assert ((found["score"] * found["n_items"]).round() == found["n_correct"]).all()


def test_a_model_that_knows_nothing_or_everything_is_measured_so():
    sure = figure_4_sampling.measure(toy_outcomes([[0.0, 0.0]]), [10], np.random.default_rng(0))
    never = figure_4_sampling.measure(toy_outcomes([[-800.0, 0.0]]), [10], np.random.default_rng(0))
    assert sure["score"].item() == sure["high"].item() == 1
    assert never["score"].item() == never["low"].item() == 0


def answering(right):
    """Stand in for `completions`: right on the problems for which ``right(a, b)`` holds."""

    def completions(model, task, asked, temperature, seed):
        assert temperature == 1.0
        return [str(task.answer(a, b)) if right(a, b) else "?" for a, b in asked.tolist()]

    return completions


def test_sampling_stops_at_the_pass_it_waits_for(monkeypatch):
    asked = np.array([[2, 3], [4, 5]])
    for right, expected in ((lambda a, b: True, (7, 7)), (lambda a, b: False, (300, 0))):
        monkeypatch.setattr(figure_4_sampling.scoring, "completions", answering(right))
        rng = np.random.default_rng(0)
        found = figure_4_sampling.sample_until(None, MULTIPLICATION, asked, 7, 300, rng)
        assert found == expected


def test_sampling_counts_on_over_batches(monkeypatch):
    # 1 in 50 problems is right; the first batch has 250, so that 40 passes need several.
    monkeypatch.setattr(figure_4_sampling.scoring, "completions", answering(lambda a, b: b == 7))
    asked = np.stack([np.zeros(50, int), np.arange(50)], axis=1)
    counts = [
        figure_4_sampling.sample_until(
            None, MULTIPLICATION, asked, 40, 10**6, np.random.default_rng(s)
        )
        for s in range(50)
    ]
    assert {found.n_passes for found in counts} == {40}
    # Negative binomial: mean 40 · 50 = 2000, deviation √(40 · 49 · 50) = 313; of 50 such means 44.
    assert np.mean([found.n_samples for found in counts]) == pytest.approx(2000, abs=180)


def test_pass_until_agrees_with_the_closed_form_on_a_real_model():
    model = transformer()
    asked = np.array([[0, 1], [1, 0], [0, 0]])  # answer "0": two characters to get right
    trained = [Trained("D = 4", 1, 0, model)]
    rng = np.random.default_rng(0)
    depth = figure_4_sampling.Profile(n_problems=3, r=20, max_samples=20_000)
    row = figure_4_sampling.pass_until(trained, MULTIPLICATION, asked, depth, rng).row(
        0, named=True
    )
    assert row["n_passes"] == 20
    assert row["low"] < row["expected"] < row["high"]


def test_giving_up_leaves_the_share_and_its_interval(monkeypatch):
    monkeypatch.setattr(figure_4_sampling.scoring, "completions", answering(lambda a, b: False))
    trained = [Trained("D = 4", 1, 0, transformer())]
    asked, rng = np.array([[2, 3]]), np.random.default_rng(0)
    depth = figure_4_sampling.Profile(n_problems=1, r=5, max_samples=100)
    row = figure_4_sampling.pass_until(trained, MULTIPLICATION, asked, depth, rng).row(
        0, named=True
    )
    assert (row["n_samples"], row["n_passes"], row["score"], row["low"]) == (100, 0, 0, 0)
    assert row["high"] == pytest.approx(1 - 0.025 ** (1 / 100))


# --- findings and drawing


def some_study() -> figure_4.Study:
    # Exact accuracies 1e-3, inside its interval, and .5, below it.
    rows = [
        {"task": task, "n_params": n, "expected": exact, "score": p, "low": low, "high": 2 * p}
        | {"n_samples": round(10 / p)}
        for task in figure_4.LONGEST
        for n, exact, p, low in ((10, 1e-3, 1e-3, 5e-4), (100, 0.5, 0.6, 0.55))
    ]
    outcomes = toy_outcomes(np.log([[0.2], [0.6]]), n_params=(1, 2))
    rng = np.random.default_rng(0)
    measured = {
        task: figure_4_sampling.measure(outcomes, figure_4_sampling.N_ITEMS, rng)
        for task in figure_4.LONGEST
    }
    smallest = dict.fromkeys(figure_4.LONGEST, Found(10.0, (5.0, 15.0), 9, "items"))
    return figure_4.Study(measured, pl.DataFrame(rows), smallest, "9 problems")


def test_findings_by_hand():
    bends = dict.fromkeys(figure_4.LONGEST, 0.5)
    found = figure_4.findings(CELLS, some_study(), bends, 1)
    assert found["figure-4-chance"].ours == 4  # as another test above lists them
    assert found["figure-4-chance"].interval[0] == 0  # with few items none is certain
    assert found["figure-4-chance"].interval[1] >= 4
    assert found["figure-4-rises"].n == 18
    assert found["figure-4-smooth"].startswith("no verdict")
    # .999¹⁰⁰ = .905: both small models would probably show nothing.
    assert found["figure-4-foot"].ours == 2
    assert found["figure-4-seen"].ours < 1e-40
    assert found["figure-4-pass-until"].ours == 0.5
    assert found["figure-4-linear-plus"].startswith("one seed")
    verdicts = {claim.id: claim.verdict for claim in judged(figure_4.CLAIMS, found)}
    assert verdicts["figure-4-chance"] == Verdict.UNDECIDED
    assert verdicts["figure-4-smooth"] == Verdict.NOT_ATTEMPTED
    assert verdicts["figure-4-smallest-times"] == Verdict.REPRODUCED
    assert figure_4.findings(CELLS, some_study(), bends, 3)["figure-4-linear-plus"].ours == 0.5


def test_the_smallest_model_over_chance_by_hand():
    rows = pl.DataFrame({"a": [1, 2, 5], "b": [2, 1, 5], "log_likelihood": np.log([0.1, 0.3, 0.2])})
    found = figure_4._over_chance(rows, 0.1, np.random.default_rng(0))
    # Two clusters, sums .4 of 2 and .2 of 1: each resample has the mean .2, so that the draws say
    # nothing of the width.
    assert found.ours == pytest.approx(2)
    assert np.isnan(found.interval).all()


def test_text_and_tables():
    depth = figure_4_sampling.PROFILES["quick"]
    values = figure_4_text.numbers(CELLS, some_study(), depth)
    assert (values["never"], values["cells"], values["hidden"]) == ("4", "72", "2")
    assert values["inside"] == "2"
    assert values["least"] == "126"
    assert (values["rising"], values["curves"]) == ("18", "18")
    assert values["smooth"].startswith("no verdict on any of 18 curves")
    assert figure_4_text._smooth(Found(0.5, (0.1, 0.9), 2, "curves")).startswith("1 of 2 curves")
    table = figure_4_text.doubtful(CELLS)
    assert set(table["verdict"]) == {"never above", "depends"}
    assert table.filter(verdict="never above")["needed"].is_null().all()
    assert set(table["task"]) == {"products", "sums"}
    assert set(figure_4_text.HEADERS) <= set(table.columns)


def test_panels_are_drawn():
    figure, axes = plt.subplots(2, 4)
    figure_4_draw.draw_resolution(axes, some_study().measured, "ABCDEFGH")
    figure_4_draw.draw_published(axes[0, :2], CELLS, "IJ")
    depth = figure_4_sampling.PROFILES["quick"]
    figure_4_draw.draw_pass_until(axes[1, :2], some_study().passed, depth, "KL")
    curve = pl.DataFrame({"n_params": [10, 100, 1000, 10_000], "score": [0.01, 0.1, 0.5, 0.9]})
    curves = {(whose, task): curve for whose in ("ours", "paper") for task in figure_4.LONGEST}
    axes = figure_4_draw.draw_bends(axes[0, 1:], curves, figure_4_text.labels(curves), "MNO")
    assert all(ax.get_title(loc="left") for ax in axes)
    assert set(figure_4_text.bends(curves)) == set(figure_4.LONGEST)
    plt.close(figure)
