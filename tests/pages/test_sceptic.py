"""The works after the paper, each as one statistic."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

from mirage.book.claims import Found, judged
from mirage.pages import sceptic, sceptic_draw, sceptic_seeds
from mirage.pages import sceptic_tables as tables

SIZES = {"190M": 1.9e8, "370M": 3.7e8, "760M": 7.6e8, "1B": 1.3e9, "3B": 3.2e9}


def scores():
    """Two tasks of a ladder of five sizes and three budgets, exactly on two scaling laws."""
    rows = []
    for model, size in SIZES.items():
        for budget in (0.5, 1.0, 2.0):
            compute = 120 * size**2 * budget
            row = {"model": f"{model}-{budget:g}", "n_params": int(size), "compute": compute}
            row |= {"loss": 1.7 + (compute / 1e20) ** -0.1, "rerun": False, "shots": 5}
            bits = 0.5 + (compute / 1e19) ** -0.15
            accuracy = 0.25 + 0.75 / (1 + np.exp(6 * (bits - 1)))
            for task, split in (("a", "val"), ("a", "test"), ("b", "val")):
                metrics = {"bits per byte": bits, "target probability": accuracy / 2}
                metrics["accuracy" if task == "b" else "accuracy, normalised"] = accuracy
                if split == "val" and task == "a":
                    metrics = dict.fromkeys(metrics, 9.0)  # to be left out
                rows += [
                    row | {"task": task, "split": split, "metric": name, "score": value}
                    for name, value in metrics.items()
                ]
    return pl.DataFrame(rows)


RUNS = tables.ladder(scores())


def test_a_run_is_a_row_and_the_test_set_counts():
    assert RUNS.height == 2 * 15
    assert RUNS.null_count().sum_horizontal().item() == 0
    assert RUNS[tables.BITS].max() < 9


def test_exact_scaling_laws_are_forecast_through_bits_per_byte():
    table = tables.forecasts(RUNS)
    assert table.height == 2 * 3  # the runs of 3B
    # The fitted link is a sigmoid in log bits, the truth one in bits: hence the tolerance.
    assert table["chained"].to_list() == pytest.approx(table["observed"].to_list(), abs=0.02)
    errors = tables.forecast_errors(table)
    assert errors.columns == ["task", "direct", "chained", "last"]
    found = tables.relative_error(errors, np.random.default_rng(0), 100)
    assert (found.n, found.n_of) == (2, "tasks")


def test_relative_error_by_hand():
    errors = pl.DataFrame({"task": ["a", "b"], "chained": [0.1, 0], "direct": [0.2, 0.2]})
    found = tables.relative_error(errors, np.random.default_rng(0), 200)
    assert found.ours == pytest.approx(0.1 / 0.4)
    assert found.interval.low == pytest.approx(0)
    assert found.interval.high == pytest.approx(0.5)


def test_thresholds_of_the_loss():
    late = RUNS.with_columns(
        pl.when(pl.col("n_params") < 1e9).then(0.1).otherwise(0.9).alias(tables.PROBABILITY)
    )
    found = tables.thresholds(late)
    assert (found["probability"] > sceptic.DORMANT).all()
    assert (found["accuracy"] < found["probability"]).all()
    flat = tables.thresholds(RUNS.with_columns(pl.lit(0.5).alias(tables.PROBABILITY)))
    assert flat["probability"].null_count() == 2


def test_only_curves_that_count_their_items_are_tested_for_bends():
    x = np.geomspace(1e7, 1e11, 8)
    share = np.exp(-((x / 1e9) ** -0.3))
    right = np.rint(1000 * (0.25 + 0.75 * share))
    row = {"family": "BIG-G T=0", "n_items": 1000, "chance": 0.25}
    rows = [
        row | {"task": task, "n_params": int(n), "score": k / 1000 + shift}
        for task, shift in (("a", 0.0), ("b", 0.0004))
        for n, k in zip(x, right, strict=True)
    ]
    found = tables.curvatures(pl.DataFrame(rows))
    assert found["task"].to_list() == ["a"]
    assert found["low"].item() < 0 < found["high"].item()
    assert found["p_value"].item() > 0.05


def outcomes(right):
    """Right answers (models, items) of one task."""
    rows = [
        {"task": "t", "n_params": 10 ** (i + 6), "item": j, "correct": bool(value)}
        for i, values in enumerate(right)
        for j, value in enumerate(values)
    ]
    return pl.DataFrame(rows).with_columns(shared_items=True)


def test_an_item_is_hard_for_a_model_if_the_others_get_it_wrong():
    # Items 0 to 3 are right for all, 4 to 7 for the first model alone.
    right = np.zeros((3, 8))
    right[:, :4] = 1
    right[0, 4:] = 1
    found = tables.halves(outcomes(right))
    assert found.easy.tolist() == [[1, 1, 1]]
    assert found.hard.tolist() == [[1, 0, 0]]
    change = tables.first_change(found, np.random.default_rng(0), 50)
    assert (change.ours, change.n) == (-1, 1)


def test_few_items_make_no_halves():
    both = pl.concat(
        [outcomes(np.eye(3, 8)), outcomes(np.eye(3, 4)).with_columns(task=pl.lit("u"))]
    )
    assert tables.halves(both).easy.shape == (1, 3)


def test_a_power_law_has_no_break():
    assert (tables.breaks(RUNS)["delta"] < 0).all()


def test_correlations_with_compute():
    found = tables.chain(RUNS)
    assert found["task"].to_list() == ["a", "b"]
    for name in ("bits", "probability", "accuracy"):
        assert found[name].to_list() == pytest.approx([1, 1])


def test_the_smaller_loss_of_the_two_steps():
    # Lost from bits to probability: .1 and .3, mean .2; from there to accuracy: 0 and .2, mean .1.
    table = pl.DataFrame(
        {"bits": [0.9, 0.9], "probability": [0.8, 0.6], "accuracy": [0.8, 0.4]},
    )
    found = tables.least_loss(table, np.random.default_rng(0), 500)
    assert found.ours == pytest.approx(0.1)
    assert found.interval == pytest.approx((0, 0.2))
    assert (found.n, found.n_of) == (2, "tasks")


def seeds(*widths):
    rows = [(i + 1, score) for i, values in enumerate(widths) for score in values]
    return pl.DataFrame(rows, ["width", "score"], orient="row")


def test_seeds_in_the_thirds_of_the_range_of_their_width():
    # Width 1: the range is 0 to .9, its thirds end at .3 and .6. Width 2: all seeds agree.
    table = sceptic_seeds.thirds(seeds([0.9, 0, 0.1, 0.4, 0.7, 0.8], [0.5, 0.5, 0.5]))
    assert table.rows() == [(1, 6, 0.0, 0.9, 1, 1, 2), (2, 3, 0.5, 0.5, 0, 0, 0)]


def test_two_humps_are_found_and_one_is_not():
    rng = np.random.default_rng(0)
    low, high = 0.2 + 0.03 * rng.normal(size=(4, 15)), 0.9 + 0.03 * rng.normal(size=(4, 15))
    two = sceptic_seeds.two_humps(sceptic_seeds.thirds(seeds(*np.hstack([low, high]))))
    one = sceptic_seeds.two_humps(sceptic_seeds.thirds(seeds(*rng.normal(0.5, 0.1, (4, 30)))))
    skewed = sceptic_seeds.two_humps(sceptic_seeds.thirds(seeds(*rng.exponential(1, (4, 30)))))
    assert two.ours == 0
    assert two.interval.high < 0.5 < one.interval.low
    assert skewed.ours > 0.5


def test_seeds_that_agree_decide_nothing():
    found = sceptic_seeds.two_humps(sceptic_seeds.thirds(seeds([0.5, 0.5, 0.5])))
    assert found == "no seed lies in the middle third or in the emptier outer third"


def test_findings_by_hand(few_count):
    error, hard = Found(0.5, (0.4, 0.6), 13, "tasks"), Found(-0.1, (-0.2, -0.05), 77, "tasks")
    loss = pl.DataFrame({"probability": [0.05, 0.2, 0.3, None]})
    bends = pl.DataFrame({"p_value": [0.01, 0.5, 0.9, 0.05]})
    broken = pl.DataFrame({"delta": [4.0, 3.9, -5.0]})
    lost, humps = Found(0.02, (0.01, 0.03), 13, "tasks"), Found(0.2, (0.1, 0.4), 40, "seeds")
    found = sceptic.findings(error, loss, bends, hard, broken, lost, humps)
    claims = {claim.id: claim for claim in judged(sceptic.CLAIMS, found)}
    assert found["sceptic-threshold"].ours == 2 / 4
    assert found["sceptic-straight"].ours == 2 / 4
    assert found["sceptic-breaks"].ours == 1 / 3
    assert str(claims["sceptic-forecast"].answer) == "holds"
    for name in ("hard", "chain", "seeds"):
        assert str(claims[f"sceptic-{name}"].answer) == "holds"
    empty = (table.head(0) for table in (loss, bends, broken))
    loss, bends, broken = empty
    nothing = sceptic.findings(None, loss, bends, None, broken, None, "no network")
    assert all(isinstance(value, str) for value in nothing.values())


def test_numbers_of_the_text():
    halves = tables.Halves(np.array([1.0, 2.0, 3.0]), np.ones((2, 3)), np.array([[0.2, 0.1, 0.3]]))
    errors = tables.forecast_errors(tables.forecasts(RUNS))
    bends = pl.DataFrame({"curvature": [-2.5, 0.0, 4.0, 9.0]})
    found = sceptic.numbers(errors, tables.chain(RUNS), halves, bends)
    assert found["sceptic-beyond"] == "2 tasks lie"
    one = sceptic.numbers(errors, tables.chain(RUNS), halves, bends[:3])
    assert one["sceptic-beyond"] == "1 task lies"
    assert found["sceptic-hard-least"] == "0.10"
    assert found["sceptic-correlation-bits"] == "1.000"
    assert "unknown" not in found.values()
    nothing = sceptic.numbers(errors.head(0), pl.DataFrame(), None, bends.head(0))
    assert set(nothing.values()) == {"unknown"}
    assert found.keys() == nothing.keys()


def test_an_answer_is_a_badge_and_a_line():
    claims = dict(zip(("holds", "absent"), sceptic.CLAIMS, strict=False))
    claims["holds"] = claims["holds"].found(Found(0.5, (0.4, 0.6), 13, "tasks"))
    claims["absent"] = claims["absent"].not_attempted("a < b")
    answers = sceptic.answers(claims.values())
    assert list(answers) == ["answer-forecast", "answer-threshold"]
    badge = '<span class="verdict verdict-reproduced">holds</span>'
    line = f"{badge} {sceptic.QUANTITIES['sceptic-forecast']}: 0.5 [0.4, 0.6], n = 13 tasks."
    line += " Rule: below 1."
    assert answers["answer-forecast"]._repr_html_() == line
    assert answers["answer-threshold"]._repr_html_().endswith(": a &lt; b")
    quantity = sceptic.QUANTITIES["sceptic-threshold"]
    assert repr(answers["answer-threshold"]) == f"not attempted: {quantity}: a < b"


def test_every_answer_says_what_was_measured():
    answers = sceptic.answers(claim.not_attempted("no data") for claim in sceptic.CLAIMS)
    assert len({answer.quantity for answer in answers.values()}) == len(sceptic.CLAIMS) == 7


def test_an_interval_without_an_end_has_an_arrow_there():
    axes = plt.figure().subplots(1, 2)
    bends = pl.DataFrame(
        {
            "p_value": [0.9, 0.5, 0.01],
            "curvature": [-3.0, 0.0, 1.0],
            "low": [-np.inf, -9.0, 0.5],
            "high": [np.inf, 0.5, np.inf],
        }
    )
    ax = sceptic_draw.draw_curvatures(axes, bends)[0]
    low, high = ax.get_xlim()
    assert (low, high) == sceptic.CURVATURES
    bars = {float(path.vertices[0, 1]): path.vertices[:, 0].tolist()
            for lines in ax.collections for path in lines.get_paths()}  # fmt: skip
    assert bars == {0: [low, high], 1: [low, 0.5], 2: [0.5, high]}
    arrows = {
        (float(x), float(y))
        for line in ax.lines
        if line.get_marker() in "<>"
        for x, y in line.get_xydata()
    }
    assert arrows == {(low, 0), (high, 0), (high, 2)}
    plt.close("all")


def test_every_drawing_returns_its_axes():
    axes = plt.figure().subplots(3, 3).flatten()
    halves = tables.halves(outcomes(np.eye(3, 8)))
    halves = halves._replace(easy=np.vstack([halves.easy] * 2), hard=np.vstack([halves.hard] * 2))
    bends = pl.DataFrame({"p_value": [0.01, 0.9], "curvature": [-1.0, 0.5]})
    bends = bends.with_columns(low=pl.col("curvature") - 0.5, high=pl.col("curvature") + 1)
    scores = seeds([0.1, 0.2, 0.9], [0.5, 0.5, 0.5]).with_columns(seed=pl.Series([0, 1, 2] * 2))
    drawn = [
        sceptic_draw.draw_forecasts(axes[0], tables.forecast_errors(tables.forecasts(RUNS))),
        *sceptic_draw.draw_thresholds(axes[1:3], RUNS, tables.thresholds(RUNS)),
        *sceptic_draw.draw_curvatures(axes[3:5], bends),
        sceptic_draw.draw_halves(axes[5], halves),
        sceptic_draw.draw_breaks(axes[6], tables.breaks(RUNS)),
        sceptic_draw.draw_chain(axes[7], tables.chain(RUNS)),
        sceptic_draw.draw_seeds(axes[8], scores, sceptic_seeds.thirds(scores)),
    ]
    assert drawn == list(axes)
    plt.close("all")
