"""From the score of any metric to exact match, by the paper's equations."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage import tables, theory
from mirage.arithmetic.curves import METRICS, as_exact_match, comparable
from mirage.book.claims import judged
from mirage.emergence.forecast import forecast_largest
from mirage.pages import forecast, forecast_draw, forecast_text, published

LENGTHS = {"sum": 4}


def family() -> pl.DataFrame:
    """The paper's model itself: independent characters of one probability, the end included."""
    sizes = np.geomspace(1e3, 1e6, 7).round()
    loss = (sizes / 5e4) ** -0.5
    p = np.exp(-loss)
    by_metric = {
        "exact match": p**5,
        "token accuracy": p ** (5 / 4),  # so that a⁴ is the exact match
        "token edit distance": 4 * (1 - p ** (5 / 4)),
        "target log-likelihood": -5 * loss,
    }
    common = {"family": "toy", "task": "sum", "source": "toy", "target_length": 4, "n_items": 10**6}
    rows = [
        common | {"model": f"{n}", "n_params": int(n), "metric": m, "score": float(y), "loss": lo}
        for m, ys in by_metric.items()
        for n, y, lo in zip(sizes, ys, loss.tolist(), strict=True)
    ]
    return tables.scores(rows)


def test_every_metric_leads_to_the_same_exact_match_under_the_papers_model():
    chosen = comparable(family(), LENGTHS)
    assert chosen["metric"].unique(maintain_order=True).to_list() == list(METRICS)
    found = forecast.in_exact_match(forecast_largest(chosen, [1, 3]))
    assert found["em_known"].to_list() == pytest.approx(found["em_observed"].to_list())
    assert found.filter(metric="token probability")["error"].abs().max() < 1e-4
    # Of four sizes, exact match in steps of 1e-6 is .02 off: the smallest have ten right answers.
    assert found["error"].abs().max() < 0.03


def test_ranges_and_items():
    chosen = comparable(family(), LENGTHS)
    ranges = {row["metric"]: row for row in chosen.unique("metric").iter_rows(named=True)}
    distance = ranges["−token edit distance"]
    assert (distance["floor"], distance["ceiling"], distance["n_items"]) == (-4, 0, None)
    exact = ranges["exact match"]
    assert (exact["floor"], exact["ceiling"], exact["n_items"]) == (0, 1, 10**6)
    assert chosen.filter(metric="−token edit distance")["score"].max() < 0


def test_other_lengths_and_tasks_are_left_out():
    three = pl.lit(3, dtype=pl.Int64)
    more = family().with_columns(target_length=three, score=pl.lit(0.5))
    other = family().with_columns(task=pl.lit("product"))
    chosen = comparable(pl.concat([family(), more, other]), LENGTHS)
    assert chosen.equals(comparable(family(), LENGTHS))


def test_without_a_loss_there_is_no_token_probability():
    table = published.arithmetic_scores().filter(temperature=0.0)
    chosen = comparable(table, {"four-digit-addition": 5})
    assert set(chosen["metric"]) == {"exact match", "−token edit distance"}


@given(st.floats(0, 1), st.integers(1, 20))
def test_conversions_agree_with_the_theory(p, length):
    expected = theory.accuracy(p, length)
    assert as_exact_match("token accuracy", p, length) == pytest.approx(expected)
    distance = -theory.token_edit_distance(p, length)
    assert as_exact_match("−token edit distance", distance, length) == pytest.approx(
        expected, abs=1e-9
    )
    assert as_exact_match("token probability", p, length) == pytest.approx(
        theory.accuracy(p, length + 1)
    )


@pytest.mark.parametrize(
    ("metric", "score", "message"),
    [
        ("BLEU", 0.5, "metric: found 'BLEU', expected one of exact match, "),
        ("exact match", 1.2, "score: .*exact match in"),
        ("−token edit distance", 1.0, "score: .*at most 0"),
    ],
)
def test_scores_out_of_range_are_refused(metric, score, message):
    with pytest.raises(ValueError, match=message):
        as_exact_match(metric, score, 4)


def both_tasks(n_seeds: int = 2) -> pl.DataFrame:
    """The paper's model under the names of both tasks, a little worse with each seed."""
    parts = []
    for task, length in forecast.LENGTHS.items():
        for seed in range(n_seeds):
            worse = pl.col("score") * (1 - 0.01 * seed)
            rows = family().with_columns(
                task=pl.lit(task), target_length=pl.lit(length, dtype=pl.Int64), score=worse
            )
            parts.append(rows.with_columns(seed=pl.lit(seed)))
    return comparable(pl.concat(parts), forecast.LENGTHS)


def test_errors_and_findings_of_our_family():
    curves = both_tasks()
    found = forecast.forecasts(curves)
    assert found["n_held_out"].max() == 7 - 3
    by_seed = forecast.errors(found)
    assert by_seed.height == 4  # tasks and seeds
    row = by_seed.row(0, named=True)
    assert row["score"] == pytest.approx(row["token probability"] - row["exact match"])
    gaps = forecast.gaps(forecast.of_paper())
    assert gaps.height == 9
    findings = forecast.findings(by_seed, gaps, "simulated data")
    assert findings["forecast-bigg"] == "simulated data"
    assert findings["forecast-gpt-3"].ours == pytest.approx(gaps["gap"].mean())
    assert findings["forecast-four-digit-addition"].n == 2
    assert len(judged(forecast.CLAIMS, findings)) == 4
    one = forecast.findings(by_seed.filter(seed=0), gaps, "simulated data")
    assert one["forecast-four-digit-addition"] == "one seed has no interval"


def bigg(n_tasks: int = 3) -> pl.DataFrame:
    rows = [
        {"family": "BIG-G", "model": f"{n}", "n_params": n, "task": f"t{task}", "metric": metric}
        | {"score": y + task / 100, "n_items": 50, "kind": "multiple choice", "source": "toy"}
        for task in range(n_tasks)
        for metric, ys in zip(forecast.BIGG, ((0.2, 0.3, 0.4, 0.5, 0.6, 0.8),) * 2, strict=True)
        for n, y in zip(10 ** np.arange(1, 7), ys, strict=True)
    ]
    return pl.DataFrame(rows)


def test_brier_scores_of_bigg_are_negated():
    curves = forecast.bigg_curves(bigg())
    brier = curves.filter(metric=forecast.BIGG[1])
    assert brier["score"].max() < 0
    assert brier["n_items"].is_null().all()
    assert set(brier["floor"]) == {-1.0}
    table = forecast.relative(curves, np.random.default_rng(0))
    assert table.height == 3 * 3 * 3  # curves, sizes held out, both metrics and their ratio
    gaps = forecast.gaps(forecast.of_paper())
    findings = forecast.findings(forecast.errors(forecast.forecasts(both_tasks())), gaps, table)
    assert findings["forecast-bigg"].n == 3


def test_text_and_panels():
    curves = both_tasks(1)
    found = forecast.forecasts(curves)
    table = forecast.relative(forecast.bigg_curves(bigg()), np.random.default_rng(0))
    gaps = forecast.gaps(forecast.of_paper())
    values = forecast_text.numbers(found, forecast.errors(found))
    values |= forecast_text.quoted(curves, found, gaps, table)
    assert values["hidden"] == "3"
    near = found.filter(pl.col("n_held_out") <= forecast.NEAR, metric="exact match")
    width = near["high"].clip(0, 1) - near["low"].clip(0, 1)
    assert values["wide-match"] == str((width > 0.9).sum())
    # One that reaches beyond both ends of the range covers all of it, and no more.
    every = found.with_columns(low=pl.lit(-1.0), high=pl.lit(2.0))
    filled = forecast_text.numbers(every, forecast.errors(found))
    assert filled["wide-match"] == filled["covered-match"].split(" of ")[1] == str(near.height)
    half = found.with_columns(low=pl.lit(-3.0), high=pl.lit(0.5))
    assert forecast_text.numbers(half, forecast.errors(found))["wide-match"] == "0"
    assert values["about"].startswith("7 sizes, 1 seed, ")
    assert values["early"].startswith("From models of at most")
    assert forecast_text.early_text(None).startswith("Here even the smallest")
    figure, axes = plt.subplots(2, 4)
    forecast_draw.draw_curves(axes, curves, 3, "CDEFGHIJ")
    averaged = found.with_columns(score="exact_match", low="em_low", high="em_high")
    forecast_draw.draw_origins(axes[0, :2], averaged, "AB")
    forecast_draw.draw_published(*axes[1, :2], forecast.of_paper(), table)
    assert axes[1, 1].get_title(loc="left")
    plt.close(figure)
