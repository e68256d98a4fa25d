"""From the score of any metric to exact match, by the paper's equations."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage import tables, theory
from mirage.arithmetic.curves import METRICS, as_exact_match, comparable
from mirage.emergence.forecast import forecast_largest
from mirage.pages import forecast, published

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
