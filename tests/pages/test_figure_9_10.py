"""Several references under the toy model: expected scores, simulated texts, published points."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mirage.book.claims import judged
from mirage.metrics import exact_match
from mirage.metrics.text import bleu, rouge_l_sum
from mirage.pages import figure_9_10, published
from mirage.theory import references as any_reference
from mirage.theory.texts import (
    LENGTHS,
    N_PARAMS,
    PROFILES,
    SIMULATION,
    Config,
    configs,
    evaluate,
    join,
    texts,
)
from mirage.theory.tokens import token_probability
from mirage.training import sweep

probabilities = st.floats(0, 1)


def enumerated(length, n_references, p, score):
    """Mean of a score over all patterns of right and wrong tokens, each with its probability."""
    total = 0.0
    for pattern in itertools.product([0, 1], repeat=length * n_references):
        right = np.array(pattern).reshape(n_references, length)
        total += p ** right.sum() * (1 - p) ** (right == 0).sum() * score(right)
    return total


@pytest.mark.parametrize(("length", "n_references"), [(1, 1), (3, 1), (2, 3), (3, 3)])
def test_expectations_agree_with_enumeration(length, n_references):
    p = 0.7
    found = any_reference.exact_match(p, length, n_references)
    expected = enumerated(length, n_references, p, lambda right: right.all(axis=1).any())
    assert found == pytest.approx(expected)
    found = any_reference.rouge(p, length, n_references)
    expected = enumerated(length, n_references, p, lambda right: right.mean(axis=1).max())
    assert found == pytest.approx(expected)


def test_bleu_by_hand():
    # p = 1/2, two references: n-gram precisions 1 − (1 − p^n)²: 3/4, 7/16, 15/64, 31/256.
    product = 3 / 4 * 7 / 16 * 15 / 64 * 31 / 256
    assert any_reference.bleu(0.5, 2) == pytest.approx(product**0.25)


@given(probabilities, st.integers(1, 40), st.integers(1, 9))
def test_expectations_are_ordered(p, length, n_references):
    match = any_reference.exact_match(p, length, n_references)
    rouge = any_reference.rouge(p, length, n_references)
    assert 0 <= match <= rouge + 1e-12 <= 1 + 2e-12
    assert p <= rouge + 1e-12  # one of several references is at least as near as the first
    assert any_reference.exact_match(p, length, 1) == pytest.approx(p**length, abs=1e-15)
    assert any_reference.exact_match(p, length, n_references + 1) >= match


def test_edges():
    for curve in (any_reference.exact_match, any_reference.rouge):
        assert curve(np.array([0.0, 1.0]), 5, 3).tolist() == [0, 1]
    assert any_reference.bleu(np.array([0.0, 1.0]), 3).tolist() == [0, 1]
    # Small probabilities are not lost beside 1: 7 · 1e-36 to first order.
    assert any_reference.exact_match(0.1, 36, 7) == pytest.approx(7e-36)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: any_reference.exact_match(1.5, 2, 1), "p: found 1.5"),
        (lambda: any_reference.rouge(0.5, 0, 1), "length: found 0"),
        (lambda: any_reference.bleu(-0.1, 1), "p: found -0.1"),
        (lambda: any_reference.exact_match(0.5, 2, 0), "n_references: found 0"),
        (lambda: any_reference.bleu(0.5, 0), "n_references: found 0"),
        (lambda: any_reference.rouge(0.5, 2, 0), "n_references: found 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_texts_have_the_expected_scores():
    rng, p, n_items = np.random.default_rng(0), 0.8, 3000
    answers, several = texts(p, 6, 3, n_items, rng)
    sides = [join(words, " ") for words in (answers, several)]
    joined = [join(words, "") for words in (answers, several)]
    tolerance = 5 * np.sqrt(0.25 / n_items)  # five standard errors of a proportion at most
    assert (several == answers[:, None]).mean() == pytest.approx(p, abs=tolerance)
    found = rouge_l_sum(*sides).mean()
    assert found == pytest.approx(any_reference.rouge(p, 6, 3), abs=tolerance)
    firsts = [several[0] for several in joined[1]]
    for metric in (rouge_l_sum, bleu):
        assert metric(joined[0], firsts).tolist() == exact_match(joined[0], firsts).tolist()
        assert metric(*joined).mean() == pytest.approx(
            any_reference.exact_match(p, 6, 3), abs=tolerance
        )
    # A long text is nearly an endless one.
    answers, several = texts(p, 400, 2, 50, rng)
    found = bleu(join(answers, " "), join(several, " ")).mean()
    assert found == pytest.approx(any_reference.bleu(p, 2), abs=0.01)


def test_published_points_agree_with_the_formula():
    # PAPER: chi2 per point .88 and 1.30; chance of a larger one .7 and .07.
    rng, table = np.random.default_rng(0), published.texts()
    rouge, bleu = (any_reference.agreement(table.filter(metric=metric), rng) for metric in LENGTHS)
    assert rouge.chi2 == pytest.approx(0.875, abs=5e-4)
    assert bleu.chi2 == pytest.approx(1.296, abs=5e-4)
    assert (rouge.n_points, bleu.n_points) == (41, 58)
    assert 0.6 < rouge.p_value < 0.8
    assert 0.04 < bleu.p_value < 0.1
    everything = any_reference.agreement(table, rng, least=0, n_draws=1000)
    assert everything.n_points == table.height == 210
    assert everything.p_value > 0.01


def test_a_wrong_formula_is_refuted():
    # With R + 1 references the points are far off: the test has power.
    table = published.texts()
    p = np.exp(-((table["n_params"].to_numpy() / 2e9) ** -0.5))
    n_references = table["n_references"].to_numpy() + 1
    wrong = any_reference.exact_match(p, table["length"].to_numpy(), n_references)
    rng = np.random.default_rng(0)
    assert any_reference.agreement(table.with_columns(expected=wrong), rng).p_value < 1e-3


def test_p_values_are_uniform_under_the_formula():
    rng = np.random.default_rng(0)
    table = published.texts().filter(metric="BLEU")
    drawn = (
        table.with_columns(score=rng.binomial(500, table["expected"]) / 500) for _ in range(100)
    )
    found = np.array([any_reference.agreement(t, rng, n_draws=200).p_value for t in drawn])
    # Mean 1/2 with deviation .29/10, and a tenth below .1: five deviations off would be a fault.
    assert 0.35 < found.mean() < 0.65
    assert (found < 0.1).mean() < 0.25


def test_agreement_needs_a_point():
    table = pl.DataFrame({"score": [0.0], "expected": [1e-9], "n_items": [100]})
    with pytest.raises(ValueError, match="no point of 1 expects more than 1 successes"):
        any_reference.agreement(table, np.random.default_rng(0))


def test_points_are_shares_of_500():
    # Digitised to 1e-4, and 1/500 is .002: any other sample size would show.
    for key in published.FIGURES.values():
        successes = 500 * np.array([curve["y"] for curve in published.load(key)])
        assert abs(successes - successes.round()).max() < 1e-6


def test_a_simulation_is_a_score_table(tmp_path):
    configs = [Config(metric, 5, 1, 20) for metric in LENGTHS]
    data, family = SIMULATION, "a test"
    found = sweep.run(evaluate, configs, data, family, jobs=1, cache=tmp_path)
    assert found.height == 2 * 10 * 2 * 3  # metrics, sizes, texts, references
    one = found.filter(text="one piece").pivot(
        on="metric", index=["n_params", "task"], values="score"
    )
    assert one["BLEU"].to_list() == one["ROUGE-L-Sum"].to_list()  # the same texts: exact match
    in_words, in_one = (found.filter(text=text)["score"] for text in ("words", "one piece"))
    assert (in_words >= in_one).all()
    more = found.sort("n_references").group_by("metric", "text", "n_params").agg("score")
    rises = more.filter(pl.col("metric") == "ROUGE-L-Sum")["score"].to_list()
    assert all(scores == sorted(scores) for scores in rises)


def test_configs_cover_the_figures():
    every = configs("paper")
    assert {(c.metric, c.length) for c in every} == {
        (metric, length) for metric, lengths in LENGTHS.items() for length in lengths
    }
    assert {c.n_items for c in every} == {500}
    assert len(set(every)) == 7 * PROFILES["paper"].n_seeds


def curves(score, text="words", metric="BLEU"):
    """One simulated curve, seed 0, over the paper's ten sizes."""
    row = {"metric": metric, "text": text, "length": 8, "n_references": 1, "seed": 0}
    return pl.DataFrame(
        [row | {"n_params": n, "score": y} for n, y in zip(N_PARAMS.tolist(), score, strict=True)]
    )


def test_the_token_probability_exceeds_itself_by_nothing():
    row = figure_9_10.onsets(curves(token_probability(N_PARAMS)))
    assert row["difference"].item() == pytest.approx(0)


def test_onset_of_a_late_rise_by_hand():
    # Ten sizes, zero up to the ninth: 5 % of the rise lies a twentieth into the last ninth. The
    # sizes are rounded to whole parameters, hence the tolerance.
    found = figure_9_10.onsets(curves([0.0] * 9 + [1.0]))
    assert found["share"].item() == pytest.approx((8 + 0.05) / 9, abs=1e-6)


def test_summary_and_findings_by_hand():
    scores = pl.concat(
        [
            curves([y] * 9 + [1.0], text, metric)
            for metric in LENGTHS
            for text, y in (("words", 0.5), ("one piece", 0.0))
        ]
    )
    averages = figure_9_10.summary(figure_9_10.onsets(scores), scores)
    agreement = any_reference.Agreement(1.0, 0.5, 7)
    found = figure_9_10.findings(averages, dict.fromkeys(LENGTHS, agreement))
    assert {claim.id for claim in figure_9_10.CLAIMS} == set(found)
    assert found["figure-10-words"].ours == pytest.approx((9 * 0.5 + 1) / 10)
    assert found["figure-10-formula"].n == 7
    means = {claim.id: claim.published for claim in judged(figure_9_10.CLAIMS, found)}
    assert means["figure-9-words"] == pytest.approx(published.texts()["score"][:90].mean())


def test_draws_both_metrics():
    paper = published.texts()
    ours = paper.with_columns(text=pl.lit("words"), low=pl.col("score"), high=pl.col("score"))
    ours = pl.concat([ours, ours.with_columns(text=pl.lit("one piece"))])
    onset = pl.concat([figure_9_10.onsets(paper), figure_9_10.onsets(ours)])
    averages = figure_9_10.summary(onset, pl.concat([paper, ours], how="diagonal"))
    axes = Figure().subplots(1, 2)
    figure_9_10.draw_pair(axes, ours, paper, "BLEU", 4, averages, "AB")
    assert "in words" in axes[1].get_title(loc="left")
    assert len(figure_9_10.draw_onsets(Figure().subplots(1, 2), onset)[0].lines) > 9
