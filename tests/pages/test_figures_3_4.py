"""What Figures 3 and 4 and the third prediction are computed with, against hand-made cases."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mirage import tables
from mirage.arithmetic import problems
from mirage.arithmetic.curves import upward
from mirage.arithmetic.family import Trained
from mirage.arithmetic.model import Transformer
from mirage.arithmetic.problems import stratify
from mirage.arithmetic.tasks import TASKS
from mirage.pages import by_length, figure_3, figure_4, prediction_3, published
from mirage.statistics import clopper_pearson_interval
from mirage.statistics.item_counts import items_to_exceed, least_items

MULTIPLICATION = TASKS["two-digit-multiplication"]
MODEL = {"family": "toy", "task": MULTIPLICATION.name}


def score_table(values, metric="exact match", **columns):
    row = MODEL | {"metric": metric, "source": "toy", "temperature": 0.0, "target_length": 1}
    row |= columns
    return tables.scores(
        row | {"model": f"D = {size}", "n_params": 10**size, "score": float(score)}
        for size, score in enumerate(values, 1)
    )


def toy_outcomes(log_probs, n_params=(1,), **columns):
    """A row per model and item; all models have these log-probabilities, (items, characters)."""
    log_probs = np.asarray(log_probs, dtype=float)
    common = MODEL | {"seed": 0, "target_length": log_probs.shape[1] - 1} | columns
    return pl.DataFrame(
        common
        | {"model": f"{n}", "n_params": n, "item": item, "a": 0, "b": item}
        | {"log_likelihood": float(p.sum()), "log_probs": p.tolist()}
        for n in n_params
        for item, p in enumerate(log_probs)
    )


def transformer() -> Transformer:
    torch.manual_seed(0)
    return Transformer(4, problems.n_positions(MULTIPLICATION))


# --- curves


def test_emergence_score_by_hand_and_per_seed():
    # Steps .1, .1, .8 and .1, .3, .6: medians .1 and .3, ranges 1 and 1.
    table = pl.concat(
        [score_table([0, 0.1, 0.2, 1], seed=0), score_table([0, 0.1, 0.4, 1], seed=1)]
    )
    found = figure_3.emergence(table)
    assert found["score"].to_list() == pytest.approx([10, 1 / 0.3])
    assert found["n_models"].to_list() == [4, 4]


def test_equal_scores_are_floored_by_the_items_where_they_are_known():
    # Steps 0, 0, 1: the median is 0, which 100 items cannot tell from .01.
    assert figure_3.emergence(score_table([0, 0, 0, 1], n_items=100))["score"].item() == 100
    assert figure_3.emergence(score_table([0, 0, 0, 1]))["score"].item() == np.inf


def test_sharpening_is_a_ratio_within_each_seed():
    parts = []
    for seed, jump in enumerate((0.8, 0.6)):
        parts.append(score_table([0, 0.1, 0.2, 0.2 + jump], seed=seed))
        distances = score_table([3, 2, 1, 0], "token edit distance", seed=seed)
        parts.append(upward(distances))
    # Accuracy scores 10 and 8, the distance 3 and 3: ratios 10/3 and 8/3, mean 3.
    found = figure_3.sharpening(pl.concat(parts)).row(0, named=True)
    assert (found["sharp"], found["smooth"]) == pytest.approx((9, 3))
    assert (found["score"], found["n_seeds"]) == (pytest.approx(3), 2)
    assert found["low"] < 8 / 3 < 10 / 3 < found["high"]


def test_emergence_of_the_paper_has_the_values_of_its_points():
    # Another computation on the same points gave these.
    found = figure_3.sharpening(upward(published.arithmetic_scores())).filter(temperature=0.0)
    by_curve = {(row["task"], row["target_length"]): row for row in found.iter_rows(named=True)}
    times, plus = (
        by_curve[task, length]
        for task, length in (("two-digit-multiplication", 4), ("four-digit-addition", 5))
    )
    assert (times["sharp"], times["smooth"]) == pytest.approx((103, 9.5), rel=5e-3)
    assert (plus["sharp"], plus["smooth"]) == pytest.approx((6154, 3.7), rel=1e-3)


def test_means_stay_in_the_range_of_their_metric():
    # Student's interval of 0 and .2 is .1 ± 12.706 · .1 = −1.17 to 1.37.
    log = "target log-likelihood"
    tables_ = [
        score_table([sign * y], metric, seed=seed)
        for metric, sign in (("exact match", 1), ("token edit distance", 1), (log, -1))
        for seed, y in enumerate((0.0, 0.2))
    ]
    found = figure_3.means(upward(pl.concat(tables_)))
    ends = {row["metric"]: (row["low"], row["high"]) for row in found.iter_rows(named=True)}
    assert ends["exact match"] == (0, 1)
    for metric in ("−token edit distance", log):
        assert ends[metric] == (pytest.approx(-0.1 - 1.2706, abs=1e-3), 0)


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


# --- resolution


def test_measured_accuracy_is_binomial_about_the_mean_probability():
    table = toy_outcomes(np.log([[0.2], [0.6]]), n_params=(1, 2))
    found = figure_4.measure(table, [100, 100_000], np.random.default_rng(0))
    assert found["expected"].to_list() == pytest.approx([0.4] * 4)
    large = found.filter(n_items=100_000)
    # A deviation of √(.4 · .6 / 100 000) = .0015.
    assert large["score"].to_numpy() == pytest.approx(0.4, abs=0.008)
    assert (large["low"] < 0.4).all()
    assert (large["high"] > 0.4).all()
    assert ((found["score"] * found["n_items"]).round() == found["n_correct"]).all()


def test_a_model_that_knows_nothing_or_everything_is_measured_so():
    sure = figure_4.measure(toy_outcomes([[0.0, 0.0]]), [10], np.random.default_rng(0))
    never = figure_4.measure(toy_outcomes([[-800.0, 0.0]]), [10], np.random.default_rng(0))
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
        monkeypatch.setattr(figure_4.scoring, "completions", answering(right))
        rng = np.random.default_rng(0)
        found = figure_4.sample_until(None, MULTIPLICATION, asked, 7, 300, rng)
        assert found == expected


def test_sampling_counts_on_over_batches(monkeypatch):
    # 1 in 50 problems is right; the first batch has 250, so that 40 passes need several.
    monkeypatch.setattr(figure_4.scoring, "completions", answering(lambda a, b: b == 7))
    asked = np.stack([np.zeros(50, int), np.arange(50)], axis=1)
    counts = [
        figure_4.sample_until(None, MULTIPLICATION, asked, 40, 10**6, np.random.default_rng(s))
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
    depth = figure_4.Profile(n_problems=3, r=20, max_samples=20_000)
    row = figure_4.pass_until(trained, MULTIPLICATION, asked, depth, rng).row(0, named=True)
    assert row["n_passes"] == 20
    assert row["low"] < row["expected"] < row["high"]


def test_giving_up_leaves_the_share_and_its_interval(monkeypatch):
    monkeypatch.setattr(figure_4.scoring, "completions", answering(lambda a, b: False))
    trained = [Trained("D = 4", 1, 0, transformer())]
    asked, rng = np.array([[2, 3]]), np.random.default_rng(0)
    depth = figure_4.Profile(n_problems=1, r=5, max_samples=100)
    row = figure_4.pass_until(trained, MULTIPLICATION, asked, depth, rng).row(0, named=True)
    assert (row["n_samples"], row["n_passes"], row["score"], row["low"]) == (100, 0, 0, 0)
    assert row["high"] == pytest.approx(1 - 0.025 ** (1 / 100))


# --- lengths


def test_stratify_keeps_rare_lengths_and_the_order():
    data = problems.load(MULTIPLICATION.name)
    few = stratify(data, 10, [1, 4])
    digits = [len(str(a * b)) for a, b in few.held_out.tolist()]
    assert sorted(digits) == [1] * 10 + [4] * 10
    rows = [data.held_out.tolist().index(pair) for pair in few.held_out.tolist()]
    assert rows == sorted(rows)
    assert few.digest != data.digest


@pytest.mark.parametrize(
    ("n_items", "kept", "message"),
    [(0, None, "n_items: found 0"), (5, [7], r"lengths: found \[7\], expected one of \[1, 2, 3")],
)
def test_stratify_refuses(n_items, kept, message):
    with pytest.raises(ValueError, match=message):
        stratify(problems.load(MULTIPLICATION.name), n_items, kept)


def over_lengths(accuracy, distance, n=4, **columns):
    row = MODEL | {"model": "S", "n_params": 9, "temperature": 0.0, "seed": 0} | columns
    return pl.DataFrame(
        row | {"target_length": L, "metric": metric, "score": float(value(L))}
        for L in range(1, n + 1)
        for metric, value in (("exact match", accuracy), ("token edit distance", distance))
    )


def test_fit_of_an_amplitude_and_of_surplus_tokens():
    # log(.5 · .6^L) = log .5 + L log .6; the distance 2 + .4 L.
    found = prediction_3.fit(over_lengths(lambda n: 0.5 * 0.6**n, lambda n: 2 + 0.4 * n))
    row = found.row(0, named=True)
    assert (row["amplitude"], row["decay"]) == pytest.approx((0.5, 0.6))
    assert (row["intercept"], row["slope"]) == pytest.approx((2, 0.4))
    assert row["geometric_r_squared"] == pytest.approx(1)
    assert row["exponent"] < 1, "the first digit costs most: accuracy falls slower than p^L"


def test_fit_counts_the_end_as_a_token():
    row = prediction_3.fit(over_lengths(lambda n: 0.8 ** (n + 1), lambda n: n), end=1).row(
        0, named=True
    )
    assert (row["amplitude"], row["p"], row["exponent"]) == pytest.approx((1, 0.8, 1))


def test_curves_of_two_lengths_are_left_out():
    assert prediction_3.fit(over_lengths(lambda n: 0.5**n, lambda n: n, n=2)).is_empty()


def test_independent_equal_tokens_have_no_excess():
    found = prediction_3.excess(
        toy_outcomes(np.log(np.full((9, 3), 0.7))), np.random.default_rng(0)
    )
    assert found["score"].to_list() == pytest.approx([1, 1, 1])
    assert found["low"].to_list() == pytest.approx([1, 1, 1])


def test_excess_by_hand():
    # Items (1, ½) and (½, ¼): answers ½ and ⅛, mean 5/16; places ¾ and ⅜, product 9/32, mean 9/16.
    # Together (5/16)/(9/32) = 10/9, unequal (9/32)/(81/256) = 8/9, total 80/81.
    table = toy_outcomes(np.log([[1, 0.5], [0.5, 0.25]]))
    found = prediction_3.excess(table, np.random.default_rng(0))
    values = dict(zip(found["factor"], found["score"], strict=True))
    assert values == pytest.approx({"total": 80 / 81, "together": 10 / 9, "unequal": 8 / 9})


def test_swapped_operands_are_resampled_together():
    # One pair in two orders is one cluster: every resample is the sample itself.
    table = toy_outcomes(np.log([[1, 0.5], [0.5, 0.25]])).with_columns(
        a=pl.Series([3, 8]), b=pl.Series([8, 3])
    )
    found = prediction_3.excess(table, np.random.default_rng(0))
    assert (found["low"] == found["high"]).all()


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), min_size=2, max_size=8))
def test_excess_factors_multiply_and_inequality_only_lowers(p):
    found = prediction_3.excess(toy_outcomes(np.log(p)), np.random.default_rng(0), n_resamples=2)
    total, together, unequal = found["score"]
    assert total == pytest.approx(together * unequal)
    assert unequal <= 1 + 1e-9, "the geometric mean is at most the arithmetic"


# --- drawing


def test_by_length_draws_a_line_for_each_length_and_temperature():
    table = pl.concat(
        score_table([0.1, 0.5], target_length=length, temperature=t)
        for length in (1, 2)
        for t in (0.0, 1.0)
    )
    figure, ax = plt.subplots()
    assert by_length.by_length(ax, table, hollow=True) is ax
    assert len(ax.lines) == 4
    assert {line.get_linestyle() for line in ax.lines} == {"-", "--"}
    assert {line.get_markerfacecolor() for line in ax.lines} == {"none"}
    by_length.legend(figure, (1, 2), (0.0, 1.0))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["L = 1", "L = 2", "temperature 0", "temperature 1"]
    plt.close(figure)


def test_over_length_draws_points_and_lines_of_every_model():
    table = pl.concat(
        over_lengths(lambda n: 0.5**n, lambda n: n, model=name, n_params=size)
        for size, name in enumerate("SML", 1)
    )
    figure, axes = plt.subplots(2)
    by_length.over_length(axes, table, prediction_3.fit(table))
    assert [len(ax.lines) for ax in axes] == [6, 6]
    assert axes[0].get_yscale() == "log"
    np.testing.assert_allclose(axes[0].lines[1].get_ydata(), 0.5 ** np.arange(1, 5))
    plt.close(figure)


def test_summary_writes_intervals():
    fits = prediction_3.fit(over_lengths(lambda n: 0.5**n, lambda n: 0.5 * n))
    row = prediction_3.summary(fits).row(0, named=True)
    assert row["p"] == "0.5 [0.5, 0.5]"
    assert row["R², distance"] == "1"
