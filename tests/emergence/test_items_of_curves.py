"""Items and curves of abilities: on one scale, under one filter, whatever the names."""

import json
import re

import numpy as np
import polars as pl
import pytest

from mirage.emergence import abilities
from mirage.emergence.ability_curves import abilities as group
from mirage.emergence.dormancy import dormancy
from mirage.emergence.evidence import gather
from mirage.readers import read

SIZES = np.geomspace(1e8, 1e11, 8)
P = np.exp(-((SIZES / 2e9) ** -0.5))  # of a token
N = 300


def answers(p=P, length=6, seed=0):
    """Right tokens of each item: (models, items, tokens)."""
    rng = np.random.default_rng(seed)
    return rng.random((len(SIZES), N, length)) < np.asarray(p)[:, None, None]


def scores(**metrics):
    return pl.DataFrame(
        [
            {"family": "toy", "model": f"m{i}", "n_params": int(size), "task": "sums"}
            | {"metric": metric, "score": values[i].mean(), "n_items": N, "source": "test"}
            for metric, values in metrics.items()
            for i, size in enumerate(SIZES)
        ]
    )


def outcomes(filter_=None, **metrics):
    table = pl.DataFrame(
        {
            "family": "toy",
            "model": np.repeat([f"m{i}" for i in range(len(SIZES))], N),
            "n_params": np.repeat(SIZES.astype(int), N),
            "task": "sums",
            "item": np.tile(np.arange(N), len(SIZES)),
        }
        | {name: values.astype(float).ravel() for name, values in metrics.items()}
    )
    if filter_ is None:
        return table
    return table.with_columns(filter=pl.lit(filter_).cast(pl.Categorical))


def curves(table, items, chance=None):
    (one,) = group(table, items, "n_params", chance)
    return {curve.name: curve for curve in one.metrics}


RIGHT = answers(seed=1)  # of seed 0 the log-likelihood jumps by accident (p = .02)
METRICS = {
    "exact_match": RIGHT.all(axis=2),
    "error rate": ~RIGHT.all(axis=2),
    "token_edit_distance": (~RIGHT).sum(axis=2),
    "target log-likelihood": np.log(np.clip(RIGHT.mean(axis=2), 0.05, 1)),
    "mean squared error": 20.0 * (~RIGHT).sum(axis=2),
    "token_accuracy": RIGHT.mean(axis=2),
}


@pytest.mark.parametrize("metric", METRICS)
def test_items_average_to_the_curve_on_its_own_scale(metric):
    data = {metric: METRICS[metric]}
    curve = curves(scores(**data), outcomes(**data), 0.25)[metric]
    np.testing.assert_allclose(curve.of_means(curve.items.mean(axis=1)), curve.y)


def test_a_direction_that_the_file_states_turns_the_items_too():
    data = {"exact_match": METRICS["exact_match"]}
    table = scores(**data).with_columns(higher_is_better=False)
    (curve,) = curves(table, outcomes(**data)).values()
    np.testing.assert_allclose(curve.items.mean(axis=1), curve.y)
    assert (np.diff(curve.y) <= 0).all()


@pytest.mark.parametrize("smooth", ["token_edit_distance", "target log-likelihood"])
def test_the_numbers_of_a_sentence_are_of_one_scale(smooth):
    data = {name: METRICS[name] for name in ("exact_match", smooth)}
    (found,) = abilities.judge(scores(**data), outcomes(**data)).iter_rows(named=True)
    assert found["verdict"] == "metric"
    share = re.search(r"base over ([\d.]+) of the sizes", found["sentence"])[1]
    rise = re.search(r"rises from ([\d.]+) on", found["sentence"])[1]
    difference = re.search(r"\(difference ([\d.]+) \[", found["sentence"])[1]
    assert float(share) - float(rise) == pytest.approx(float(difference), abs=2e-3)
    (evidence,) = gather(group(scores(**data), outcomes(**data), "n_params", None),
                         np.random.default_rng(0))  # fmt: skip
    # The rise that the sentence names is that of the curve of trend, jump test and report.
    curve = evidence.findings[1].curve
    assert evidence.difference.b.share == pytest.approx(dormancy(curve.y, curve.x).share)
    assert evidence.difference.low <= evidence.difference.difference <= evidence.difference.high


def test_an_error_rate_with_a_chance_level_has_a_difference():
    right = answers(0.25 + 0.75 * P**2, 2)
    data = {"exact_match": right.all(axis=2), "error rate": ~right[:, :, 0]}
    (one,) = gather(group(scores(**data), outcomes(**data), "n_params", 0.25),
                    np.random.default_rng(0))  # fmt: skip
    # Both tokens right against the first: from its chance level on the first rises before both do.
    assert 0 < one.difference.low < one.difference.difference < one.difference.high


def test_items_are_drawn_in_pairs():
    first = answers()[:, :, 0]
    exact = first & answers(np.full(8, 0.99), 1, seed=1)[:, :, 0]  # hardly another metric
    data = {"exact_match": exact, "error rate": ~first}
    (one,) = gather(group(scores(**data), outcomes(**data), "n_params", None),
                    np.random.default_rng(0))  # fmt: skip
    assert one.difference.high - one.difference.low < 0.05


def test_the_name_of_a_filter_changes_nothing():
    names = ("exact_match", "token_accuracy")
    found = []
    for filter_ in ("none", "strict-match"):
        suffix = "" if filter_ == "none" else f" ({filter_})"
        table = scores(**{name + suffix: METRICS[name] for name in names})
        items = outcomes(filter_, **{name: METRICS[name] for name in names})
        one = group(table, items, "n_params", None)
        assert all(curve.items is not None for curve in one[0].metrics)
        found.append(gather(one, np.random.default_rng(0))[0].difference)
    assert found[0] == found[1]


def test_each_filter_has_its_own_items():
    late = answers(P**2).all(axis=2)
    names = ("exact_match", "exact_match (flexible-extract)", "exact_match (strict-match)")
    values = (METRICS["exact_match"], late, METRICS["token_accuracy"] > 0.5)
    items = [
        outcomes(filter_, exact_match=right)
        for filter_, right in zip(("none", "flexible-extract", "strict-match"), values, strict=True)
    ]
    items[0] = items[0].drop("filter")  # as of logs that know no filters
    table = scores(**dict(zip(names, values, strict=True)))
    found = curves(table, pl.concat(items, how="diagonal_relaxed"))
    for name, right in zip(names, values, strict=True):
        np.testing.assert_array_equal(found[name].items, right)


def test_a_curve_without_a_filter_has_no_items_of_a_filter():
    data = {"exact_match": METRICS["exact_match"]}
    assert curves(scores(**data), outcomes("strict-match", **data))["exact_match"].items is None


def test_a_column_is_known_by_its_own_name_first():
    names = ("exact match (one)", "exact match (two)")
    data = dict(zip(names, (METRICS["exact_match"], answers(P**2).all(axis=2)), strict=True))
    found = curves(scores(**data), outcomes(**data))
    for name in names:
        np.testing.assert_array_equal(found[name].items, data[name])


def test_probabilities_are_those_of_the_same_filter():
    names = ("exact_match", "negative log-likelihood")
    p = np.repeat(P[:, None] ** 6, N, axis=1)
    data = dict(zip(names, (METRICS["exact_match"], -np.log(p)), strict=True))
    table = scores(**{f"{name} (strict)": values for name, values in data.items()})
    other = outcomes("none", **data).with_columns(pl.lit(9.0).alias(names[1]))
    items = pl.concat([other, outcomes("strict", **data)])
    (one,) = group(table, items, "n_params", None)
    np.testing.assert_allclose(one.probabilities, p)


def test_items_of_filtered_logs_of_the_harness_are_used(tmp_path):
    for i, size in enumerate(SIZES):
        lines = [
            {"doc_id": j, "target": "123456", "filter": filter_, "resps": [[text]]}
            | {"filtered_resps": [text], "exact_match": float(text == "123456")}
            for filter_ in ("strict-match", "flexible-extract")
            for j in range(20)
            for text in ["".join("123456"[k] if RIGHT[i, j, k] else "0" for k in range(6))]
        ]
        folder = tmp_path / f"acme__toy-{size / 1e6:.0f}m"
        folder.mkdir()
        text = "\n".join(map(json.dumps, lines))
        (folder / "samples_gsm8k.jsonl").write_text(text + "\n")
    logs = read(tmp_path)
    (one,) = group(logs.scores, logs.outcomes, "n_params", None)
    assert len(one.metrics) == 6
    for curve in one.metrics:
        np.testing.assert_allclose(curve.of_means(curve.items.mean(axis=1)), curve.y, rtol=1e-6)
