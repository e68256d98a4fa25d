"""Page on the emergence score: simulations on cases worked by hand, and what the claims rest on."""

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from mirage.book.claims import Verdict, judged
from mirage.pages import limits_of_the_score as limits
from mirage.pages import limits_of_the_score_draw as draw
from mirage.pages import limits_of_the_score_simulation as simulation


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_scores_of_the_paper_s_sizes():
    # PAPER.md: 9.62 against 2.81 on four sizes, 9.92 against 10.82 on twelve.
    table = simulation.by_grid([12])
    assert table["score"].round(2).to_list() == [9.62, 2.81, 9.92, 10.82]
    assert table["dormant_share"].round(2).to_list() == [0.32, 0.04, 0.38, 0.05]


def test_blocks_give_an_interval_around_the_value(rng):
    found = simulation.in_blocks(np.mean, rng.normal(size=10_000))
    assert found.interval[0] < found.value < found.interval[1]
    assert found.value == pytest.approx(0, abs=0.05)  # standard error 0.01
    assert np.diff(found.interval).item() == pytest.approx(
        4.2 * 0.01, rel=0.5
    )  # t of 19, 20 values


QUANTILE = 0.99


def upper(values):
    return np.quantile(values, QUANTILE, method="lower")


@pytest.mark.parametrize("n", [400, 4000, 40_000])
@pytest.mark.parametrize("number", [np.mean, np.median, upper], ids=["mean", "median", "quantile"])
def test_a_number_lies_in_its_interval(rng, number, n):
    # Scores are skewed: the quantile of a block of them is biased, and so is the blocks' mean.
    for _ in range(20):
        found = simulation.in_blocks(number, rng.lognormal(size=n))
        assert found.interval[0] < found.value < found.interval[1]
        assert found.value - found.interval[0] == pytest.approx(found.interval[1] - found.value)


@pytest.mark.parametrize(
    ("number", "truth"),
    [(np.mean, np.exp(0.5)), (np.median, 1), (upper, np.exp(2.3263))],
    ids=["mean", "median", "quantile"],
)
def test_the_interval_by_blocks_covers(rng, number, truth):
    held = 0
    for _ in range(300):
        low, high = simulation.in_blocks(number, rng.lognormal(size=4000)).interval
        held += low <= truth <= high
    assert 0.91 <= held / 300 <= 0.99  # 95 %, error of 300 draws 1.3


def test_smooth_curves_rise_as_far_as_the_jump():
    curves = simulation.smooth_curves()
    assert curves.shape == (5, simulation.N_MODELS)
    np.testing.assert_allclose(curves[:, [0, -1]], np.tile(simulation.JUMP[[0, -1]], (5, 1)))
    assert (np.diff(curves) > 0).all()
    assert simulation.emergence_score(simulation.TREND) < limits.TWICE


def test_more_items_tell_jumps_from_smooth_curves(rng):
    few, many = (simulation.separation(n, 2000, rng) for n in (100, 1000))
    assert 0.5 < few.interval[0] < few.interval[1] < 0.9 < many.interval[0]


def test_area_of_equal_and_of_separate_scores():
    same = np.arange(10.0)
    assert simulation.area(same, same) == 0.5
    assert simulation.area(np.array([np.inf, 5.0]), np.array([1.0, 2.0])) == 1
    assert simulation.area(np.array([1.0]), np.array([np.inf])) == 0


def test_a_task_whose_median_step_is_zero(rng):
    rows = [
        {"task": task, "n_params": n, "score": y, "n_items": 10}
        for task, scores in (("rises", [0.1, 0.2, 0.4, 0.6]), ("flat", [0.0, 0.0, 0.0, 1.0]))
        for n, y in enumerate(scores, 1)
    ]
    table = simulation.of_tasks(pl.DataFrame(rows), 100, rng)
    by_task = {row["task"]: row for row in table.iter_rows(named=True)}
    assert np.isinf(by_task["flat"]["score"])
    assert np.isfinite(by_task["flat"]["floored"])
    assert by_task["rises"]["score"] == pytest.approx(0.5 / 0.2)  # steps .1, .2, .2: median .2


def test_more_items_raise_the_score_and_not_the_height(rng):
    table = simulation.of_jump([100, 10_000], 2000, 5, rng)
    score = table.filter(quantity="score")["score"]
    height = table.filter(quantity="height")["score"]
    assert score[1] > 3 * score[0]
    assert height.to_list() == pytest.approx([0.35, 0.35], abs=0.06)


def test_findings_answer_every_claim():
    grids = simulation.by_grid([4, 12])
    estimate = simulation.Estimate(1.0, (0.9, 1.1), 100)
    tasks = pl.DataFrame({"score": [1.0, np.inf, 3.0, 4.0]})
    found = limits.findings(grids, estimate, tasks, estimate, estimate)
    claims = {claim.id: claim for claim in judged(limits.CLAIMS, found)}
    assert claims["limits-grids"].ours == pytest.approx(9.92 / 10.82, abs=1e-3)
    assert claims["limits-finite"].ours == 0.25
    missing = limits.findings(grids, estimate, "no data", estimate, estimate)
    last = {claim.id: claim.verdict for claim in judged(limits.CLAIMS, missing)}
    assert last["limits-finite"] == Verdict.NOT_ATTEMPTED


def test_four_sizes_leave_every_comparison_open(rng):
    table = limits.verdict_shares((4,), 3, rng)
    assert table["truth"].to_list() == ["smooth", "jump"]
    assert table["share"].to_list() == [0, 0]
    assert table["open"].to_list() == [1, 1], "no verdict, which is not a wrong one"


def test_without_one_model_no_score_exceeds_two():
    table = limits.left_out()
    assert table.height == 18  # 4 products and 5 sums, two metrics
    assert table["high"].max() <= 2 + 1e-9  # two steps: the range over the smaller half of them
    assert (table["low"] <= table["high"]).all()


def test_every_figure_is_drawn(rng):
    axes = Figure().subplots(2, 4).ravel()
    draw.draw_sizes(axes[:2], simulation.by_grid([4, 12]))
    draw.draw_jump(axes[2:4], simulation.of_jump([100, 1000], 50, 2, rng))
    draw.draw_infinite(axes[4], simulation.infinite_shares((2, 5), (10, 100), 50, rng))
    draw.draw_tails(axes[5], simulation.tails(50, 100, rng))
    draw.draw_verdicts(axes[6], pl.DataFrame({
        "truth": ["jump", "smooth"], "n_sizes": [4, 4], "share": [0.0, 1.0],
    }))  # fmt: skip
    draw.draw_left_out(axes[7], limits.left_out())
    letters = [ax.get_title(loc="left")[5] for ax in axes]
    assert letters == list("ABCDEFIJ")
