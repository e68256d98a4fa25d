"""Figure 11's page: medians over seeds, dormant shares, findings and verdicts by hand."""

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from mirage.book.claims import Kind, judged
from mirage.book.rules import Verdict
from mirage.emergence.dormancy import dormancy
from mirage.pages import figure_11, figure_11_draw, published
from mirage.vision import lenet

WIDTHS = (1, 2, 3, 4, 16, 64)


def table(accuracies, live=lambda width, seed: width) -> pl.DataFrame:
    """A score table of accuracies[width][seed], with subset accuracy p^K."""
    rows = []
    for width, values in zip(WIDTHS, accuracies, strict=True):
        for seed, p in enumerate(values):
            common = {"width": width, "n_params": 6283 * width + 264, "seed": seed}
            common["live_units"] = live(width, seed)
            rows.append(common | {"metric": "accuracy", "score": p})
            rows += [
                common | {"metric": f"subset accuracy, K = {k}", "score": p**k}
                for k in lenet.SUBSETS
            ]
    return pl.DataFrame(rows)


@pytest.fixture
def scores() -> pl.DataFrame:
    """Seven seeds a width about medians that rise from the first width on."""
    medians = (0.2, 0.35, 0.52, 0.75, 0.93, 0.96)
    return table([[m + d for d in (-0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03)] for m in medians])


def test_dormant_shares_are_those_of_the_medians(scores):
    found = figure_11.onset(scores)
    sizes = [6283 * w + 264 for w in WIDTHS]
    medians = np.array([0.2, 0.35, 0.52, 0.75, 0.93, 0.96])
    assert found.smooth.share == pytest.approx(dormancy(medians, sizes, 0.1).share)
    assert found.sharp.share == pytest.approx(dormancy(medians**10, sizes, 1e-10).share)
    low, high = found.difference_interval
    assert 0 < low <= found.sharp.share - found.smooth.share <= high < 1


def test_an_outlier_among_the_seeds_moves_no_median(scores):
    lucky = scores.with_columns(
        score=pl.when(pl.col("seed") == 6, pl.col("width") <= 3).then(1.0).otherwise("score")
    )
    # The median of 7 seeds, 6 of them as they were, is the seed that it was.
    before, after = (figure_11.onset(t).sharp.share for t in (scores, lucky))
    assert before == after


def test_findings_by_hand(scores):
    found = figure_11.findings(scores)
    assert found["figure-11-parameters"].ours == 0
    assert found["figure-11-smallest"].ours == pytest.approx(0.2)
    # The extremes of 7 seeds hold the median with probability 1 − 2/2⁷ = 98 %.
    assert found["figure-11-smallest"].interval == pytest.approx((0.17, 0.23))
    assert found["figure-11-largest"].ours == pytest.approx(0.96)
    assert found["figure-11-subset"].ours == pytest.approx(0.96**10)
    # (.35¹⁰ − .2¹⁰)/(.96¹⁰ − .2¹⁰) = 2.75e-5/.665
    assert found["figure-11-foot"].ours == pytest.approx(4.15e-5, rel=0.01)
    # Quartiles of seven equally spaced seeds lie 3 steps of .01 apart.
    assert found["figure-11-seeds"].ours == pytest.approx(0.03)
    verdicts = {claim.id: claim.verdict for claim in judged(figure_11.CLAIMS, found)}
    assert verdicts["figure-11-sharper"] == Verdict.REPRODUCED
    assert verdicts["figure-11-seeds"] == Verdict.NOT_REPRODUCED


def test_live_units_explain_all_or_nothing():
    values = [[0.1, 0.1, 0.5, 0.5]] * len(WIDTHS)
    all_of_it = table(values, live=lambda width, seed: seed // 2)
    nothing = table(values, live=lambda width, seed: seed % 2)
    assert figure_11.explained_by_live_units(all_of_it) == pytest.approx(1)
    assert figure_11.explained_by_live_units(nothing) == pytest.approx(0)


def test_published_numbers_of_the_claims_are_the_digitised_ones():
    paper = published.lenet_scores()
    claims = {claim.id: claim.published for claim in figure_11.CLAIMS}
    for name, width, metric in (
        ("smallest", 1, "accuracy"),
        ("third", 3, "accuracy"),
        ("largest", 64, "accuracy"),
        ("subset", 64, "subset accuracy, K = 10"),
    ):
        expected = paper.filter(model=f"w = {width}", metric=metric)["score"].item()
        assert claims[f"figure-11-{name}"] == expected
    accuracy = paper.filter(metric="accuracy").sort("n_params")
    p, sizes = accuracy["score"].to_numpy(), accuracy["n_params"]
    difference = dormancy(p**10, sizes, 1e-10).share - dormancy(p, sizes, 0.1).share
    assert claims["figure-11-sharper"] == pytest.approx(difference, abs=0.005)


def test_every_claim_has_a_place_and_conclusions_follow_from_verdicts(scores):
    assert all(claim.place for claim in figure_11.CLAIMS)
    assert {claim.kind for claim in figure_11.CLAIMS} == set(Kind)
    found = figure_11.findings(scores)
    text = figure_11.conclusions(judged(figure_11.CLAIMS, found))["f11-sharper"]
    assert text == "stays near zero for longer than accuracy does"
    turned = found | {
        "figure-11-sharper": found["figure-11-sharper"]._replace(interval=(-0.1, 0.2))
    }
    text = figure_11.conclusions(judged(figure_11.CLAIMS, turned))["f11-sharper"]
    assert "cannot be told" in text


def test_panels_are_drawn_and_lettered(scores):
    axes = Figure().subplots(3, 3)
    figure_11_draw.draw_figure(axes[0], scores, figure_11.onset(scores))
    figure_11_draw.draw_subsets(axes[1], scores, figure_11.onsets(scores))
    figure_11_draw.draw_seeds(axes[2][:2], scores)
    titles = [ax.get_title(loc="left") for ax in axes.flat[:8]]
    assert [title[5] for title in titles] == list("ABCDEFGH")
