"""Forecasts of a held-out model, in a metric's own units."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage import fits, tables
from mirage.emergence.forecast import extrapolate, forecast_largest, relative_errors

SIZES = np.geomspace(1e3, 1e6, 8)


def toy_curve(
    alpha=-0.5, n_items=None, metric="token accuracy", task="sum", **more
) -> pl.DataFrame:
    """The paper's curve at L = 1."""
    common = {"family": "toy", "task": task, "metric": metric, "source": "toy", **more}
    scores = np.exp(-((SIZES / 2e4) ** alpha))
    if n_items:
        scores = np.round(scores * n_items) / n_items
    rows = [
        common | {"model": f"{x:.0f}", "n_params": round(x), "score": float(y), "n_items": n_items}
        for x, y in zip(SIZES, scores, strict=True)
    ]
    return tables.scores(rows).with_columns(floor=0.0, ceiling=1.0)


@pytest.mark.parametrize("n_items", [None, 1_000_000])
@pytest.mark.parametrize("n_held_out", [1, 3])
def test_a_power_law_is_forecast_exactly(n_items, n_held_out):
    found = forecast_largest(toy_curve(n_items=n_items), [n_held_out]).row(0, named=True)
    # exp(−(1e6/2e4)^−½) = exp(−.1414) = .868
    assert found["forecast"] == pytest.approx(0.868, abs=3e-3)
    assert found["observed"] == pytest.approx(np.exp(-(50**-0.5)), abs=1e-5)
    assert found["largest_fitted"] == round(SIZES[-1 - n_held_out])
    assert found["n_fitted"] == 8 - n_held_out


def test_the_held_out_scores_are_not_seen():
    curve = toy_curve()
    largest = pl.col("n_params") >= round(SIZES[-2])
    other = curve.with_columns(score=pl.when(largest).then(0.123).otherwise("score"))
    one, two = (forecast_largest(c, [2]).row(0, named=True) for c in (curve, other))
    assert (one["forecast"], one["low"], one["high"]) == (two["forecast"], two["low"], two["high"])
    assert two["observed"] == pytest.approx(0.123)


def test_agrees_with_fits_called_by_hand():
    curve = toy_curve(n_items=500)
    x, y = SIZES[:-1].round(), curve["score"].to_numpy()[:-1]
    by_hand = fits.forecast(x, y, SIZES[-1].round(), 500, model="logistic", bounds=(0, 1))
    found = forecast_largest(curve, [1], "logistic").row(0, named=True)
    assert found["forecast"] == by_hand.score[0]
    assert (found["low"], found["high"]) == tuple(end[0] for end in by_hand.prediction)


def test_each_curve_by_itself_and_seeds_apart():
    parts = [toy_curve(alpha, seed=seed) for seed, alpha in enumerate((-0.5, -0.9))]
    found = forecast_largest(pl.concat(parts), [1, 2])
    assert found.select("seed", "n_held_out").rows() == [(0, 1), (0, 2), (1, 1), (1, 2)]
    alone = forecast_largest(parts[1], [2])["forecast"].item()
    assert found.filter(seed=1, n_held_out=2)["forecast"].item() == alone


def test_seeds_of_one_size_are_pooled_where_no_column_tells_them_apart():
    pooled = pl.concat([toy_curve(), toy_curve(-0.6)]).drop("seed")
    found = forecast_largest(pooled, [1])
    assert found.height == 1
    assert found["observed"].item() == pytest.approx(
        (np.exp(-(50**-0.5)) + np.exp(-(50**-0.6))) / 2
    )


@pytest.mark.parametrize("n_held_out", [0, 6, 8])
def test_too_few_sizes_are_refused(n_held_out):
    with pytest.raises(ValueError, match=f"n_held_out: found {n_held_out} of the 8 sizes.*3 sizes"):
        forecast_largest(toy_curve(), [n_held_out])


def test_extrapolation_passes_through_the_forecast():
    curve = toy_curve()
    drawn = extrapolate(curve, 2, np.array([SIZES[-1].round()]))
    found = forecast_largest(curve, [2])
    for name, column in (("score", "forecast"), ("low", "low"), ("high", "high")):
        assert drawn[name].item() == found[column].item()


def table_of(errors: dict[str, list[tuple[float, float]]]) -> pl.DataFrame:
    """Forecasts with given (error, change) per metric and task."""
    return pl.DataFrame(
        {"task": f"task {i}", "metric": metric, "observed": 0.0, "forecast": e, "last": c}
        for metric, pairs in errors.items()
        for i, (e, c) in enumerate(pairs)
    )


def test_relative_errors_by_hand():
    found = relative_errors(
        table_of({"a": [(0.1, 0.3), (-0.1, 0.1)], "b": [(0.0, 1.0), (3.0, -1.0)]}),
        np.random.default_rng(0),
    )
    # a: (.1 + .1) / (.3 + .1) = .5; b: (0 + 3) / (1 + 1) = 1.5; 1.5 / .5 = 3
    assert found["metric"].to_list() == ["a", "b", "b / a"]
    assert found["score"].to_list() == pytest.approx([0.5, 1.5, 3.0])
    # With two tasks a resample has one of them twice or both: .1/.3 or .1/.1.
    assert found.row(0, named=True)["low"] == pytest.approx(1 / 3)
    assert found.row(0, named=True)["high"] == pytest.approx(1)
    assert found["n_tasks"].to_list() == [2, 2, 2]


@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0.01, 1)),
        min_size=1,
        max_size=5,
    ),
    st.floats(0.1, 10),
)
def test_relative_errors_have_no_unit(pairs, unit):
    scaled = [(error * unit, change * unit) for error, change in pairs]
    both = relative_errors(table_of({"a": pairs, "b": scaled}), np.random.default_rng(0), 50)
    a, b = both.head(2).select("score", "low", "high").rows()
    assert a == pytest.approx(b, abs=1e-9, nan_ok=True)  # of one task there is no interval


def test_relative_errors_refuse_what_has_none():
    table = table_of({"a": [(0.1, 0.2)], "b": [(0.1, 0.2)]})
    other = pl.concat([table_of({"a": [(0.1, 0.2), (0.1, 0.3)]}), table.filter(metric="b")])
    with pytest.raises(ValueError, match="some absent"):
        relative_errors(other, np.random.default_rng(0))
    with pytest.raises(ValueError, match="no change"):
        relative_errors(table.with_columns(last="observed"), np.random.default_rng(0))
