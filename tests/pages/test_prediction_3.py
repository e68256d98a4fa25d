"""Prediction 3: how accuracy and token edit distance change with target length."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_outcomes import MODEL, MULTIPLICATION, toy_outcomes

from mirage.arithmetic import problems
from mirage.arithmetic.problems import stratify
from mirage.book.claims import Found, Verdict, judged
from mirage.pages import (
    by_length,
    prediction_3,
    prediction_3_draw,
    prediction_3_excess,
    published,
)


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
    found = prediction_3_excess.excess(
        toy_outcomes(np.log(np.full((9, 3), 0.7))), np.random.default_rng(0)
    )
    assert found["score"].to_list() == pytest.approx([1, 1, 1])
    assert found["low"].is_nan().all()  # equal draws say nothing of the width


def test_excess_by_hand():
    # Items (1, ½) and (½, ¼): answers ½ and ⅛, mean 5/16; places ¾ and ⅜, product 9/32, mean 9/16.
    # Together (5/16)/(9/32) = 10/9, unequal (9/32)/(81/256) = 8/9, total 80/81.
    table = toy_outcomes(np.log([[1, 0.5], [0.5, 0.25]]))
    found = prediction_3_excess.excess(table, np.random.default_rng(0))
    values = dict(zip(found["factor"], found["score"], strict=True))
    assert values == pytest.approx({"total": 80 / 81, "together": 10 / 9, "unequal": 8 / 9})


def test_swapped_operands_are_resampled_together():
    # One pair in two orders is one cluster: every resample is the sample itself.
    table = toy_outcomes(np.log([[1, 0.5], [0.5, 0.25]])).with_columns(
        a=pl.Series([3, 8]), b=pl.Series([8, 3])
    )
    found = prediction_3_excess.excess(table, np.random.default_rng(0))
    assert (found["low"] == found["high"]).all()


@settings(deadline=None)  # a bootstrap
@given(st.lists(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), min_size=2, max_size=8))
def test_excess_factors_multiply_and_inequality_only_lowers(p):
    found = prediction_3_excess.excess(
        toy_outcomes(np.log(p)), np.random.default_rng(0), n_resamples=2
    )
    total, together, unequal = found["score"]
    assert total == pytest.approx(together * unequal)
    assert unequal <= 1 + 1e-9, "the geometric mean is at most the arithmetic"


def test_a_distance_of_zero_has_no_power():
    found = prediction_3.fit(over_lengths(lambda n: 0.8**n, lambda n: n - 1))
    assert np.isnan(found["power"].item())
    # log(.2 L²) = log .2 + 2 log L
    found = prediction_3.fit(over_lengths(lambda n: 0.8**n, lambda n: 0.2 * n**2))
    assert found["power"].item() == pytest.approx(2)


# --- findings and drawing


def test_median_needs_three_values():
    rng = np.random.default_rng(0)
    assert prediction_3.median(pl.Series([1.0, np.inf, None]), rng, "curves") == (
        "only 1 curves have a value"
    )
    found = prediction_3.median(pl.Series([1.0, 2.0, 3.0, np.nan]), rng, "curves")
    assert found == Found(2.0, (1.0, 3.0), 3, "curves")


def test_findings_follow_the_law_where_it_holds():
    curves = [
        over_lengths(lambda n, p=p: p**n, lambda n, p=p: (1 - p) * n, model=f"{p}", n_params=i)
        for i, p in enumerate((0.3, 0.6, 0.9), 1)
    ]
    fits = prediction_3.fit(pl.concat(curves))
    factors = pl.DataFrame(
        {"factor": ["total", "together", "unequal"] * 3, "score": [0.9, 1.1, 0.8] * 3}
    )
    found = prediction_3.findings(fits, fits, factors, np.random.default_rng(0))
    verdicts = {claim.id: claim.verdict for claim in judged(prediction_3.CLAIMS, found)}
    assert verdicts["prediction-3-geometric"] == Verdict.REPRODUCED
    assert verdicts["prediction-3-linear-ours"] == Verdict.REPRODUCED
    assert verdicts["prediction-3-together"] == Verdict.REPRODUCED
    assert verdicts["prediction-3-total"] == Verdict.NOT_REPRODUCED
    factors = factors.with_columns(task=pl.lit(MULTIPLICATION.name), n_items=pl.lit(7))
    values = prediction_3.numbers(found, fits, factors)
    assert values["geometric"].startswith("1.00")
    assert (values["unequal"], values["items"]) == ("0.80", "7")


def test_sums_have_claims_of_their_own():
    # Accuracy rises and the distance shrinks with length: both exponents are below 0.
    curves = [
        over_lengths(lambda n, p=p: p ** (1 / n), lambda n: 1 / n, task=task, model=f"{p}")
        for task in prediction_3.TASKS
        for p in (0.3, 0.6, 0.9)
    ]
    fits = prediction_3.fit(pl.concat(curves))
    factors = pl.DataFrame({"factor": ["total", "together"] * 3, "score": [0.9, 1.1] * 3})
    found = prediction_3.findings(fits, fits, factors, np.random.default_rng(0))
    assert found["prediction-3-geometric-sums"].ours == pytest.approx(-1)
    assert found["prediction-3-linear-sums"].ours == pytest.approx(-1)
    verdicts = {claim.id: claim.verdict for claim in judged(prediction_3.CLAIMS, found)}
    assert verdicts["prediction-3-geometric-sums"] == Verdict.NOT_REPRODUCED
    assert verdicts["prediction-3-linear-sums"] == Verdict.NOT_REPRODUCED


def test_directions_of_the_papers_curves():
    # Of products 350M rises from .0085 to .0111, and its distance falls from 2.93 to 2.69.
    found = prediction_3.directions(published.arithmetic_scores().filter(temperature=0.0))
    others = found.filter((pl.col("model") != "350M") | (pl.col("task") != MULTIPLICATION.name))
    assert (found.height, others.height) == (8, 7)
    assert others["accuracy_falls"].all()
    assert others["distance_grows"].all()
    odd = found.filter(model="350M", task=MULTIPLICATION.name).row(0, named=True)
    assert not any(odd[name] for name in ("accuracy_falls", "distance_grows"))


def test_the_text_says_how_rare_short_sums_are_in_training():
    plus = problems.load("four-digit-addition")
    few = problems.Problems(plus.task, np.array([[1, 99], [500, 700], [9000, 9]]), plus.held_out)
    curves = [
        over_lengths(lambda n: 0.1 * n, lambda n: 5 - n, task=task).with_columns(
            n_items=pl.lit(30), target_length=pl.col("target_length") + 2
        )
        for task in prediction_3.TASKS
    ]
    paper = published.arithmetic_scores().filter(temperature=0.0)
    values = prediction_3.lengths(paper, pl.concat(curves), few)
    assert (values["paper-falls"], values["products-falls"]) == ("7 of 8", "0 of 1")
    assert (values["sums-rises"], values["sums-shrinks"]) == ("1 of 1", "1 of 1")
    assert (values["shortest"], values["next"], values["tested"]) == ("3", "4", "30")
    assert values["sums-order"] == "it is the reverse"
    assert values["rare"] == "3"  # 100 has three digits; 1200 and 9009 have four


def test_the_papers_points_have_finite_medians():
    fits = prediction_3.fit(published.arithmetic_scores().filter(temperature=0.0))
    assert fits.height == 8
    found = prediction_3.median(fits["exponent"], np.random.default_rng(0), "curves")
    assert found.interval[0] <= found.ours <= found.interval[1]


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


def test_panels_of_both_tasks():
    parts = [
        over_lengths(lambda n: 0.5**n, lambda n: n, task=task, model=name, n_params=size)
        for task in prediction_3.TASKS
        for size, name in enumerate("SML", 1)
    ]
    table = pl.concat(parts)
    figure, axes = plt.subplots(2, 2)
    prediction_3_draw.draw_lengths(axes, table, prediction_3.fit(table), "ABCD")
    assert all(len(ax.lines) == 6 for ax in axes.flat)
    rows = [
        {"task": task, "factor": factor, "n_params": n, "score": 1.0, "target_length": 4}
        for task in prediction_3.TASKS
        for factor in prediction_3.FACTORS
        for n in (1, 2)
    ]
    prediction_3_draw.draw_excess(axes[0], pl.DataFrame(rows), "IJ")
    assert axes[0, 0].get_yscale() == "log"
    plt.close(figure)
