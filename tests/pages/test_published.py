"""The digitised numbers: there, as PAPER.md's text has them, and safe from their readers."""

import numpy as np
import pytest

from mirage import theory
from mirage.pages import published
from mirage.vision import lenet


def test_every_key_loads_and_comments_are_no_keys():
    assert len(published.keys()) > 10
    for key in published.keys():  # noqa: SIM118 (a function of the module, not a dictionary)
        assert not key.startswith("_")
        assert published.load(key)


@pytest.mark.parametrize("key", ["fig99", "", "_meta"])
def test_unknown_key_lists_what_there_is(key):
    with pytest.raises(KeyError, match=r"no published figure.*fig11B_lenet"):
        published.load(key)


def test_changing_a_figure_changes_only_the_copy():
    figure = published.load("fig11B_lenet")
    figure["test_acc"][0] = 99.0
    figure.clear()
    assert published.load("fig11B_lenet")["test_acc"][0] == pytest.approx(0.1884)


def test_lenet_by_hand():
    figure = published.load("fig11B_lenet")
    assert tuple(figure["width"]) == lenet.WIDTHS
    # 6283 · 1 + 264 = 6547 and 6283 · 64 + 264 = 402 376
    assert figure["params"][0] == 6547
    assert figure["params"][-1] == 402_376
    small = [0.1884, 0.3462, 0.5236, 0.7776, 0.831, 0.8696, 0.9026]
    large = [0.917, 0.944, 0.9402, 0.950, 0.958, 0.9592, 0.958]
    assert figure["test_acc"] == pytest.approx([*small, *large])


def test_subset_accuracy_at_10_is_a_power():
    # 0.958^10 = 0.6511; the published 0.657 comes from sampling subsets.
    table = published.lenet_scores().filter(metric="subset accuracy, K = 10")
    assert table["model"].to_list() == ["w = 1", "w = 2", "w = 3", "w = 64"]
    assert table["score"].to_list()[-1] == pytest.approx(0.958**10, abs=0.01)


def test_lenet_scores_are_a_score_table():
    table = published.lenet_scores()
    assert table.filter(metric="accuracy").height == 14
    assert set(table["metric"]) == {
        "accuracy",
        *(f"subset accuracy, K = {k}" for k in (6, 8, 10)),
    }
    assert table["score"].is_between(0, 1).all()
    assert table["n_items"].null_count() == table.height, "the paper does not state its test set"


def test_figure_2_is_the_scaling_law():
    # Panel A is (N / 2e9)^−0.5: for N = 3.5e8 it is 0.175^−0.5 = 2.390.
    figure = published.load("fig2")
    assert figure["points"]["A"] == [2.390, 1.240, 0.546, 0.100]
    ours = theory.cross_entropy(np.array(figure["N"]), c=figure["c"], alpha=figure["alpha"])
    np.testing.assert_allclose(ours, figure["points"]["A"], atol=5e-4)


def test_arithmetic_scores_by_hand():
    table = published.arithmetic_scores()
    # 4 models × 2 temperatures × (4 lengths of products + 5 of sums) × 2 metrics
    assert table.height == 144
    cell = {"model": "350M", "temperature": 0.0, "metric": "token edit distance"}
    longest = table.filter(target_length=5, **cell)
    assert longest["score"].item() == pytest.approx(5.07, abs=0.005)
    one = table.filter(target_length=1, task="two-digit-multiplication", **cell)
    assert one["score"].item() == pytest.approx(2.93, abs=0.005), "more than its one digit"
    assert table["n_items"].null_count() == table.height, "the paper does not state them"


def test_arithmetic_scores_are_in_range():
    table = published.arithmetic_scores()
    assert table.filter(metric="exact match")["score"].is_between(0, 1).all()
    assert table.filter(metric="token edit distance")["score"].is_between(0, 8).all()
    # A distance of zero was read off as 2e-5 on the wrong side.
    perfect = table.filter(metric="token edit distance", model="175B", target_length=1)
    assert (perfect["score"] == 0).all()


def test_models_of_the_figure_are_where_the_axis_has_them():
    sizes = dict(published.arithmetic_scores().select("model", "n_params").unique().rows())
    read = published.load("fig3")["addition_accuracy"][0]["params"]
    np.testing.assert_allclose(list(published.GPT3_SIZES.values()), read, rtol=1e-4)
    assert sizes == published.GPT3_SIZES
