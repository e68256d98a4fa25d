"""The page on grokking: what it asks of each network, and its claims."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

from mirage.book.claims import judged
from mirage.pages import grokking, grokking_draw
from mirage.training.modular import METRICS

STEPS = (1, 10, 100, 1000, 10_000)
PRIME = 10  # not one, but its guess is easy: 0.1, and −2.3026 nats


def table(*networks):
    """Score table of networks: (test accuracy, test log-probability) at each of `STEPS`."""
    rows = []
    for seed, (accuracy, log_likelihood) in enumerate(networks):
        train = (0.1, 0.95, 1, 1, 1)
        series = {
            ("test", "accuracy"): accuracy,
            ("test", "log likelihood"): log_likelihood,
            ("test", "probability of the right answer"): np.exp(log_likelihood),
            ("train", "accuracy"): train,
            ("train", "log likelihood"): np.log(train),
            ("train", "probability of the right answer"): train,
        }
        for (split, metric), values in series.items():
            rows += [
                {"seed": seed, "split": split, "metric": metric, "step": step, "score": float(y)}
                for step, y in zip(STEPS, values, strict=True)
            ]
    return pl.DataFrame(rows)


# The first network's log-probability rises at once; the second's gets worse before it rises.
EARLY = ((0.1, 0.1, 0.1, 1, 1), (-2.302585, -1, -0.5, -0.1, 0))
LATE = ((0.1, 0.1, 0.1, 1, 1), (-2.302585, -4, -2.302585, -0.1, 0))
FLAT = ((0.1, 0.1, 0.1, 1, 1), (-2.302585, -2.302585, -2.302585, -0.1, 0))  # and rises with it


def test_what_is_asked_of_each_network():
    found = grokking.by_seed(table(EARLY, LATE), PRIME)
    # Accuracy rises by .9 between 100 and 1000; 5 % of it at u = .5 + .05/4.
    assert found["accuracy"].to_list() == pytest.approx([0.5125, 0.5125], abs=1e-3)
    # 5 % of 2.3026 is .1151, of a step of 1.3026 in a quarter of the range.
    share = 0.25 * 0.05 * np.log(10) / (np.log(10) - 1)
    assert found["log likelihood"][0] == pytest.approx(share, abs=1e-3)
    assert found["log likelihood"][1] > 0.5
    assert found["train"].to_list() == [10, 10]
    assert found["test"].to_list() == [1000, 1000]
    assert found["turn"].to_list() == [1, 10]
    assert found["onset"].to_list() == pytest.approx([10_000**0.5125] * 2, rel=0.01)
    assert found["worst"].to_list() == pytest.approx([0, 4 - np.log(10)], abs=1e-5)


def claims(*networks):
    found = grokking.findings(grokking.by_seed(table(*networks), PRIME))
    return {claim.id: claim for claim in judged(grokking.CLAIMS, found)}


def test_a_metric_that_rises_at_once_and_one_that_does_not():
    early, late = claims(EARLY), claims(LATE)
    assert early["grokking-late"].ours == pytest.approx(100)
    assert early["grokking-sharper"].answer == early["grokking-smooth"].answer == "holds"
    assert early["grokking-worse"].answer == "does not hold"
    assert late["grokking-smooth"].answer == "does not hold"
    assert late["grokking-worse"].answer == late["grokking-turn"].answer == "holds"
    assert late["grokking-turn"].ours == pytest.approx(11.2, abs=0.1)  # step 112 over step 10


def test_a_metric_that_rises_first_from_below_a_guess_only_decides_nothing():
    late, same = claims(LATE)["grokking-sharper"], claims(FLAT)["grokking-sharper"]
    # From −3.15, the mean of its first two: 5 % of 3.15 of the step to −2.3 in a quarter.
    assert late.interval == pytest.approx((0, 0.5125 - 0.25 * (1 + 0.05 * 3.15 / 0.85)), abs=2e-3)
    assert late.answer == "undecided"
    assert same.answer == "does not hold"


def test_networks_that_disagree_decide_nothing():
    assert str(claims(EARLY, LATE)["grokking-smooth"].answer) == "undecided"


def test_a_network_that_never_learns_is_dormant_throughout():
    never = ((0.1,) * 5, (-2.302585, -3, -3, -3, -3))
    found = claims(EARLY, never)
    row = grokking.by_seed(table(never), PRIME).row(0, named=True)
    assert row["accuracy"] == row["log likelihood"] == 1
    assert row["test"] is None
    assert str(found["grokking-late"].answer) == "not attempted"
    assert grokking.numbers(grokking.by_seed(table(EARLY, never), PRIME))["grokking-test"] == (
        "no number of"
    )


def test_texts_follow_from_verdicts():
    for networks in ((EARLY,), (LATE,), (EARLY, LATE)):
        texts = grokking.conclusions(list(claims(*networks).values()))
        assert all(texts.values())
    assert grokking.numbers(grokking.by_seed(table(LATE), PRIME)) == {
        "grokking-train": "10",
        "grokking-test": "1,000",
        "grokking-turn": "10",
        "grokking-onset": "112",
        "grokking-worst": "1.7",
        "grokking-dormant-accuracy": "51 %",
        "grokking-dormant-loglik": "51 %",
        "grokking-dormant-p": "51 %",
        "grokking-difference": "−0.00057",
        "grokking-difference-first": "0.22",
    }


def test_every_drawing_returns_its_axes():
    axes = plt.figure().subplots(1, 4)
    scores = table(EARLY, LATE)
    found = grokking.by_seed(scores, PRIME)
    assert list(grokking_draw.draw_training(axes[:3], scores, found, PRIME)) == list(axes[:3])
    assert grokking_draw.draw_shares(axes[3], found) is axes[3]
    titles = [ax.get_title(loc="left") for ax in axes[:3]]
    assert all("% dormant" in title for title in titles)
    assert len(titles) == len(METRICS)
    plt.close("all")
