"""Which rows of the published tables make the curves of the meta-analysis."""

from types import SimpleNamespace

import polars as pl
import pytest

from mirage import datasets, emergence, tables
from mirage.pages.figure_5 import BY, by_metric, curves, metrics_of_tasks, name_of, survivors


def of(*rows, **columns):
    """A data set of the given scores."""
    base = {"family": "f", "task": "t", "metric": "accuracy", "source": "test"}
    table = pl.DataFrame(
        [base | {"model": f"m{n}", "n_params": n, "score": y} | more for n, y, more in rows],
        infer_schema_length=None,
    )
    return SimpleNamespace(scores=tables.scores(table.with_columns(**columns)))


def test_names_of_the_book():
    assert name_of("bleu") == "BLEU"
    assert name_of("rougeLsum") == "ROUGE-L-Sum"


def test_groups_averages_and_early_checkpoints_are_left_out():
    found = curves(
        {
            "parts": of((1, 0.1, {"group": None}), (1, 0.2, {"group": 3, "task": "t, group 3"})),
            "averages": of((1, 0.3, {"is_group": False}), (2, 0.4, {"is_group": True})),
            "steps": of((1, 0.5, {"step": 10}), (1, 0.6, {"step": 20, "task": "u"})),
        }
    )
    kept = found.select("data", "score").rows()
    assert kept == [("parts", 0.1), ("averages", 0.3), ("steps", 0.6)]


def test_only_the_preferred_metrics_of_the_official_files():
    whole = {"is_preferred": True, "is_aggregate": True, "metric": "normalized_aggregate_score"}
    part = {"is_preferred": True, "is_aggregate": False, "metric": "exact_str_match"}
    other = {"is_preferred": False, "is_aggregate": False, "metric": "bleu"}
    found = curves(
        {"bigbench": of((1, 9.0, whole), (1, 0.2, part | {"task": "t:a"}), (1, 3.0, other))}
    )
    assert found["metric"].to_list() == ["normalised aggregate score", "exact match"]


def test_kind_of_task_names_the_accuracy():
    rows = [(1, 0.1, {"kind": "multiple choice"}), (2, 0.2, {"kind": "exact match"})]
    assert curves({"d": of(*rows)})["metric"].to_list() == ["multiple choice grade", "exact match"]
    with pytest.raises(pl.exceptions.InvalidOperationError):
        curves({"d": of((1, 0.1, {"kind": "essay"}))})


SETS = (
    "bigbench",
    "bigg",
    "obsscaling",
    "expemergence",
    "inverse_scaling",
    "lm_eval",
    "pythia_arithmetic",
)


def test_absent_columns_are_null_and_the_rest_is_kept():
    found = curves({"a": of((1, 0.1, {})), "b": of((1, 0.2, {"shots": 3, "chance": 0.25}))})
    assert found.select("data", "shots", "chance").rows() == [("a", None, None), ("b", 3, 0.25)]
    assert tables.scores(found).height == 2


def test_no_table_is_refused():
    with pytest.raises(ValueError, match="no score table"):
        curves({})


def test_real_tables_have_thousands_of_curves():
    real = {name: datasets.load(name) for name in SETS if datasets.available(name)}
    judged = emergence.table(curves(real), by=BY, n_draws=0)
    sound = judged.filter(pl.col("emergence_score").is_not_null())
    assert sound.height > 1800
    assert not judged["note"].fill_null("").str.contains("mixed|several").any()


INF = float("inf")


def test_metrics_are_summed_up_highest_first():
    rows = [("a", 50.0), ("a", -3.0), ("b", INF), ("b", None), ("c", 99.0), ("a", 48.0)]
    judged = pl.DataFrame(rows, schema=["metric", "emergence_score"], orient="row")
    found = by_metric(judged, 48)
    assert found["metric"].to_list() == ["c", "a", "b"]
    assert found.drop("finite", "metric").rows() == [(0, 0, 1, 1), (0, 1, 1, 3), (1, 0, 1, 1)]
    assert found["finite"].to_list() == [[99.0], [50.0, -3.0, 48.0], []]


def test_survivors_by_hand():
    rows = [
        (60.0, 50.0, 0.01, "step"),  # meets each demand
        (INF, 20.0, 0.05, "smooth"),  # large, not finite, falls under the floor; q suffices
        (60.0, 50.0, None, None),  # large, finite, floored; not tested
        (5.0, 5.0, 0.04, "broken"),  # small, but sharper than its null
        (48.0, 48.0, 0.5, "step"),  # not above the threshold, yet not smooth
    ]
    columns = ["emergence_score", "floored_emergence_score", "q_value", "fit"]
    found = survivors(pl.DataFrame(rows, schema=columns, orient="row"), 48)
    assert found["curves"].to_list() == [5, 3, 2, 2, 2, 1, 3, 3]
    assert found["demand"][4] == "… and q ≤ 0.05"


def test_metrics_of_tasks_by_hand():
    table = pl.DataFrame(
        {
            "task": ["a", "a", "b", "b", "c", "d"],
            "metric": ["x", "normalized_aggregate_score", "x", "z", "z", "y"],
        }
    )
    found = metrics_of_tasks(table, ("x", "y"))
    assert found.rows() == [
        ("a", True, True),  # the aggregate does not count
        ("b", True, False),  # may prefer z
        ("c", False, False),
        ("d", True, True),
    ]
