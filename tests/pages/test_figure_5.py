"""Figure 5: which curves there are, what their scores say, which metrics tasks prefer."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

from mirage import datasets, emergence, tables
from mirage.book.claims import judged as judged_claims
from mirage.pages import figure_5, figure_5_draw, figure_5_scores
from mirage.pages.figure_5_scores import (
    BY,
    OTHERS,
    THRESHOLD,
    UPPER,
    by_metric,
    curves,
    maxima,
    message,
    paper_maxima,
    survivors,
)
from mirage.pages.figure_5_tasks import (
    Ranks,
    base_rates,
    name_of,
    numbers,
    preferences,
    ranks,
    shares,
)
from mirage.statistics.intervals import Interval


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


def test_absent_columns_are_null_and_the_rest_is_kept():
    found = curves({"a": of((1, 0.1, {})), "b": of((1, 0.2, {"shots": 3, "chance": 0.25}))})
    assert found.select("data", "shots", "chance").rows() == [("a", None, None), ("b", 3, 0.25)]
    assert tables.scores(found).height == 2


def test_no_table_makes_no_curve():
    assert curves({}).is_empty()


def test_real_tables_have_thousands_of_curves():
    data = {name: datasets.load(name) for name in OTHERS if datasets.available(name)}
    judged = emergence.table(curves(data), by=BY, n_draws=0)
    assert judged.drop_nulls("emergence_score").height > 1500
    assert not judged["note"].fill_null("").str.contains("mixed|several").any()


INF = float("inf")


def test_metrics_are_summed_up_highest_first():
    rows = [("a", 50.0), ("a", -3.0), ("b", INF), ("b", None), ("c", 99.0), ("a", 48.0)]
    judged = pl.DataFrame(rows, schema=["metric", "emergence_score"], orient="row")
    found = by_metric(judged)
    assert found["metric"].to_list() == ["c", "a", "b"]
    assert found.drop("finite", "metric").rows() == [(0, 0, 1, 1), (0, 1, 1, 3), (1, 0, 0, 1)]
    assert found["finite"].to_list() == [[99.0], [50.0, -3.0, 48.0], []]
    assert message(found) == "2 of 5 official scores are above 48 and finite; 1 is infinite."
    assert message(found.head(1)) == "One of 1 official scores is above 48 and finite."
    assert message(found.head(0)) == "Not one of 0 official scores is above 48 and finite."


def test_survivors_by_hand():
    rows = [
        (60.0, 50.0, 0.01, 0.01, "step"),  # meets each demand
        (INF, 20.0, 0.05, 0.9, "smooth"),  # large, not finite, falls under the floor; q suffices
        (60.0, 50.0, None, None, None),  # large, finite, floored; not tested
        (5.0, 5.0, 0.04, 0.05, "broken"),  # small, but sharper than its null
        (48.0, 48.0, 0.5, 0.06, "step"),  # not above the threshold, yet not smooth
    ]
    columns = ["emergence_score", "floored_emergence_score", "q_value", "jump_q", "fit"]
    found = survivors(pl.DataFrame(rows, schema=columns, orient="row"))
    assert found["curves"].to_list() == [5, 3, 2, 2, 2, 3, 2, 3]
    assert found["demand"][4] == "… and q ≤ 0.05"


def test_the_jump_test_joins_the_judged_curves():
    sizes = np.geomspace(1e7, 1e11, 8)
    step, line = np.where(sizes > 3e9, 0.7, 0.2), np.linspace(0.2, 0.7, 8).round(3)
    row = {"family": "f", "metric": "exact match", "data": "d", "shots": 3, "n_items": 1000}
    row |= {"chance": 0.0, "higher_is_better": True, "source": "test", "model": ""}
    rows = [
        row | {"task": task, "model": f"{n:.0f}", "n_params": int(n), "score": float(y)}
        for task, scores in (("step", step), ("line", line))
        for n, y in zip(sizes, scores, strict=True)
    ]
    table = tables.scores(rows)
    scored = emergence.table(table, by=BY, n_draws=0)
    found = figure_5_scores.against_null(table, scored, np.random.default_rng(0), 200)
    q = dict(found.select("task", "jump_q").iter_rows())
    assert q["step"] <= 0.05 < q["line"]
    nothing = figure_5_scores.against_null(table, scored.head(0), np.random.default_rng(0), 200)
    assert survivors(nothing)["curves"].sum() == 0
    large = figure_5_scores.large(scored)
    assert large["task"].to_list() == ["step"]  # infinite: the median step is 0


def pooled_scores():
    """A task at two temperatures of BIG-G: 6 each, and infinite where the two are pooled."""
    row = {"task": "t", "metric": "multiple choice grade", "data": "d", "source": "test"}
    rows = [
        row | {"family": f"BIG-G T={t}", "model": f"{t}-{n}", "n_params": n, "score": y}
        for t in (0, 1)
        for n, y in enumerate([0.1, 0.2, 0.3, 0.7], start=1)
    ]
    return pl.DataFrame(rows)


def test_maxima_of_one_family_and_of_two_temperatures():
    row = maxima(pooled_scores()).row(0, named=True)
    assert row["paper"] == 199
    assert row["family"] == pytest.approx(6)
    assert row["pooled"] is None
    assert (row["curves"], row["tasks"]) == (2, 1)
    assert (row["pooled_curves"], row["pooled_infinite"]) == (1, 1)


def test_the_paper_s_maxima_are_named_as_in_the_book():
    best = paper_maxima()
    assert list(best)[:2] == ["BLEU", "multiple choice grade"]
    assert (THRESHOLD, UPPER) == (48, 151)
    assert sum(value > THRESHOLD for value in best.values()) == 5


ENTRIES = pl.DataFrame(
    [
        ("a", None, "multiple_choice_grade", "json", None),
        ("b", None, None, "json", None),  # made of subtasks
        ("b", "x", "exact_str_match", "json", None),
        ("b", "y", "exact_str_match", "json", None),
        ("b", "z", "bleu", "json", None),
        ("c", None, "f1", "code", 1),  # several in the code: the most used
        ("c", None, "exact_str_match", "code", 2),
        ("d", None, "bleu", "json", None),
    ],
    schema=["task", "subtask", "metric", "kind", "n_uses"],
    orient="row",
)


def test_preferences_by_hand():
    assert preferences(ENTRIES).rows() == [
        ("a", "multiple choice grade", "multiple choice grade"),
        ("b", "normalised aggregate score", "exact match"),
        ("c", "exact match", "exact match"),
        ("d", "BLEU", "BLEU"),
    ]


def test_base_rates_by_hand():
    found = base_rates(ENTRIES, ["a", "b"], np.random.default_rng(0), 200)
    counts = found.select("n", "two", "called", "called_two").rows()
    # By its aggregate b has neither of the two metrics. Files: a, b's three, d; c has none.
    assert counts == [(4, 2, 2, 1), (4, 3, 2, 2), (5, 3, 4, 3), (5, 3, 4, 3)]
    assert found["odds_ratio"][0] == pytest.approx(1)  # 1 of 2 against 1 of 2
    # Files: (3.5 / 1.5) / (0.5 / 1.5).
    assert found["odds_ratio"][2] == pytest.approx(7)
    assert (found["low"] <= found["high"]).all()
    by_task = shares(ENTRIES).filter(unit="task (composite: its subtasks)")
    assert dict(by_task.select("metric", "share").iter_rows())["exact match"] == 0.5
    assert numbers(ENTRIES) == {"giants": "0 %", "tasks-all": "4", "composite": "1"}


def test_ranks_by_hand():
    judged = pl.DataFrame({"task": list("abcd"), "emergence_score": [3.0, INF, 3.0, 1.0]})
    found = ranks(judged, ["a", "b"], np.random.default_rng(0))
    assert found.probability == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert found.n_called == 2
    assert found.interval.low <= found.probability <= found.interval.high
    assert ranks(judged, [], np.random.default_rng(0)) is None
    assert ranks(judged, list("abcd"), np.random.default_rng(0)) is None


LEFT = pl.DataFrame({"curves": [20, 4, 3, 2, 1, 5, 2, 6]})


def page_findings(official=True):
    judged = pl.DataFrame(
        {"metric": ["multiple choice grade", "ROUGE-L-Sum"], "emergence_score": [60.0, 2.0]}
    )
    rows = by_metric(judged if official else judged.head(0))
    tops = maxima(pooled_scores() if official else pooled_scores().head(0))
    left = LEFT if official else LEFT.with_columns(curves=pl.lit(0))
    ranked = Ranks(0.7, Interval(0.6, 0.8), 5) if official else None
    rates = base_rates(ENTRIES, ["a", "b"], np.random.default_rng(0), 200)
    found = figure_5.findings(rows, tops, left, ranked, left)
    return found | figure_5.annotation_findings(ENTRIES, ["a", "b"], rates)


def test_findings_by_hand(few_count):
    found = page_findings()
    claims = {claim.id: claim for claim in judged_claims(figure_5.CLAIMS, found)}
    assert found["figure-5-metrics"][:1] == (0.5,)  # one of two metrics
    assert found["figure-5-maximum"].ours == pytest.approx(6 / 199)
    assert found["figure-5-pooled"] == "no finite score of pooled families"
    assert found["figure-5-beyond-smooth"].ours == 5 / 20
    assert found["figure-5-other-survive"].ours == 1 / 4
    assert found["figure-5-two"].ours == 1  # a, and b by its subtasks
    assert found["figure-5-annotated-metrics"].ours == 2 / 5  # of f1, BLEU, two, the aggregate
    assert str(claims["figure-5-ranks"].verdict) == "reproduced"


def test_findings_without_data_are_reasons():
    found = page_findings(official=False)
    reasons = {name for name, value in found.items() if isinstance(value, str)}
    assert reasons >= {"figure-5-metrics", "figure-5-maximum", "figure-5-ranks"}
    judged_claims(figure_5.CLAIMS, found)


@pytest.mark.parametrize("empty", [False, True])
def test_every_drawing_returns_its_axes(empty):
    judged = pl.DataFrame({"metric": ["BLEU"], "emergence_score": [60.0]}).head(1 - empty)
    tops = maxima(pooled_scores().head(0 if empty else 8))
    rates = base_rates(ENTRIES, ["a", "b"], np.random.default_rng(0), 20)
    ranked = None if empty else Ranks(0.7, Interval(0.6, 0.8), 1)
    scored = pl.DataFrame({"task": ["a", "b"], "emergence_score": [1.0, 2.0]})
    axes = plt.figure().subplots(2, 3).flat
    drawn = [
        figure_5_draw.draw_metrics(axes[0], by_metric(judged), "A", "x", True),
        figure_5_draw.draw_maxima(axes[1], tops),
        figure_5_draw.draw_survivors(axes[2], survivors_of_none(), "C", "x"),
        figure_5_draw.draw_annotated(axes[3], shares(ENTRIES), "E"),
        figure_5_draw.draw_rates(axes[4], rates.head(0 if empty else 4), "F"),
        figure_5_draw.draw_ranks(axes[5], scored, ["a"], ranked, "H"),
    ]
    assert drawn == list(axes)
    plt.close("all")


def survivors_of_none():
    return LEFT.with_columns(demand=pl.Series([f"d{i}" for i in range(8)]))
