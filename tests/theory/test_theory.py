"""The paper's model against its Fig 2, and the coherent model of choices."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from mirage import metrics, theory

N_PARAMS = [3.5e8, 1.3e9, 6.7e9, 2.0e11]  # Fig 2; 200 B where GPT-3 has 175 B
probabilities = st.floats(0, 1)
spreads = st.floats(0, 5)  # up to 20 is legal, but slow in a hundred examples


def test_figure_2_to_the_printed_digits():
    p = theory.token_probability(N_PARAMS)
    assert [f"{v:.3f}" for v in theory.cross_entropy(N_PARAMS)] == [
        "2.390",
        "1.240",
        "0.546",
        "0.100",
    ]
    assert [f"{v:.4f}" for v in p] == ["0.0916", "0.2893", "0.5791", "0.9048"]
    accuracy = theory.accuracy(p, 5)
    # Printed as 6.45e-6, read off the vector graphics; the formula has 6.444e-6.
    assert accuracy[0] == pytest.approx(6.45e-6, rel=1e-3)
    assert [f"{v:.3g}" for v in accuracy[1:3]] == ["0.00203", "0.0651"]
    assert f"{accuracy[3]:.4f}" == "0.6065"
    assert theory.multiple_choice_grade(p, 2).tolist() == [0.5, 0.5, 1, 1]
    distance = theory.token_edit_distance(p, 5)
    assert [f"{v:.3f}" for v in distance] == ["4.542", "3.554", "2.105", "0.476"]
    brier = theory.brier_score(p)
    assert [f"{v:.3f}" for v in brier[:3]] == ["0.825", "0.505", "0.177"]
    assert f"{brier[3]:.4f}" == "0.0091"


def test_by_hand():
    # (8e9/2e9)^−.5 = 1/2; (1e9/4e9)^−1 = 4.
    assert theory.cross_entropy(8e9) == pytest.approx(0.5)
    assert theory.cross_entropy(1e9, c=4e9, alpha=-1) == pytest.approx(4)
    assert theory.token_probability(2e9) == pytest.approx(np.exp(-1))
    assert theory.accuracy(0.5, [1, 2, 3]).tolist() == [0.5, 0.25, 0.125]
    assert theory.token_edit_distance(0.75, 8) == 2
    assert theory.multiple_choice_grade([0.5, 0.51], 5).tolist() == [0.2, 1]
    assert theory.brier_score([0, 0.5, 1]).tolist() == [1, 0.25, 0]


def test_brier_score_is_the_reduction_named_target():
    p = np.array([0.1, 0.5, 0.9])
    log_probs = np.log(np.stack([p, 1 - p], axis=1))
    measured = metrics.brier_score(log_probs, [0, 0, 0], "target")
    assert theory.brier_score(p) == pytest.approx(measured)


@given(st.floats(1e6, 1e13), st.floats(1e6, 1e13), st.floats(-2, -0.01), st.integers(1, 20))
def test_larger_models_are_better_under_each_metric(one, other, alpha, length):
    p = theory.token_probability(sorted([one, other]), alpha=alpha)
    curves = [
        theory.accuracy(p, length),
        -theory.token_edit_distance(p, length),
        theory.multiple_choice_grade(p, 4),
        -theory.brier_score(p),
    ]
    for small, large in [p, *curves]:
        assert small <= large


def margin_integral(function, logit, spread):
    """E[function(logit + spread z)], z normal, by adaptive quadrature."""
    centre = float(np.clip(-logit / spread, -11, 11))
    integrand = lambda z: norm.pdf(z) * function(logit + spread * z)  # noqa: E731
    return quad(integrand, -12, 12, points=[centre], epsabs=1e-13, limit=500)[0]


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.9, 0.9999])
@pytest.mark.parametrize("spread", [0.1, 1, 3, 20])
def test_two_coherent_choices_agree_with_adaptive_quadrature(p, spread):
    scores = theory.coherent_choices(p, 2, spread)
    logit = np.log(p / (1 - p))
    assert scores.grade == pytest.approx(norm.cdf(logit / spread), abs=1e-12)
    expected = margin_integral(lambda m: 1 / (1 + np.exp(m)) ** 2, logit, spread)
    assert scores.brier == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("n_choices", [2, 3, 5, 10])
@pytest.mark.parametrize(("p", "spread"), [(0.05, 1.0), (0.4, 0.5), (0.7, 3.0)])
def test_coherent_choices_agree_with_the_metrics_on_drawn_items(n_choices, p, spread):
    rng, n_items = np.random.default_rng(0), 40_000
    logits = rng.normal(0, spread / np.sqrt(2), (n_items, n_choices))
    logits[:, 0] += np.log(p / (1 - p) * (n_choices - 1))
    target = np.zeros(n_items, int)
    grade = metrics.multiple_choice_grade(logits, target)
    brier = metrics.brier_score(logits, target, "mean")
    scores = theory.coherent_choices(p, n_choices, spread)
    for measured, expected in [(grade, scores.grade), (brier, scores.brier)]:
        error = measured.std() / np.sqrt(n_items)
        assert measured.mean() == pytest.approx(expected, abs=5 * error + 1e-12)


@given(st.integers(2, 20), spreads)
def test_knowing_nothing_is_chance(n_choices, spread):
    scores = theory.coherent_choices(1 / n_choices, n_choices, spread)
    uniform = (n_choices - 1) / n_choices**2
    assert scores.grade == pytest.approx(1 / n_choices, abs=1e-12)
    assert scores.brier >= uniform - 1e-12  # groundless confidence costs
    assert theory.coherent_choices(1 / n_choices, n_choices, 0).brier == pytest.approx(uniform)


@given(probabilities, probabilities, st.integers(2, 8), st.floats(0.1, 10))
def test_coherent_scores_improve_with_p(one, other, n_choices, spread):
    scores = theory.coherent_choices(sorted([one, other]), n_choices, spread)
    assert scores.grade[0] <= scores.grade[1] + 1e-12
    assert ((scores.grade >= 0) & (scores.grade <= 1)).all()
    assert ((scores.brier >= 0) & (scores.brier <= 2 / n_choices + 1e-12)).all()
    if n_choices == 2:  # for more, a wrong choice that is spread out costs less
        assert scores.brier[0] >= scores.brier[1] - 1e-12


@pytest.mark.parametrize("n_choices", [2, 3, 5])
def test_only_a_homogeneous_pool_has_a_step(n_choices):
    p = np.linspace(0.001, 0.999, 250)
    steps = [np.diff(theory.coherent_choices(p, n_choices, s).grade).max() for s in (0, 0.5, 2)]
    assert steps[0] >= 1 - 1 / n_choices  # from 0 to 1, or from 1/K if the grid holds p = 1/K
    assert steps[1] < 0.02
    assert steps[2] < 0.02
    step = theory.coherent_choices([1 / n_choices - 1e-6, 1 / n_choices + 1e-6], n_choices, 0)
    assert step.grade.tolist() == [0, 1]
    # Its Brier score is smooth: target (1 − p)², each of the others ((1 − p)/(K − 1))².
    expected = ((1 - p) ** 2 + (1 - p) ** 2 / (n_choices - 1)) / n_choices
    assert theory.coherent_choices(p, n_choices, 0).brier == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("spread", [0, 1, 20])
@pytest.mark.parametrize("n_choices", [2, 4])
def test_coherent_choices_at_the_ends(n_choices, spread):
    scores = theory.coherent_choices([0.0, 1.0], n_choices, spread)
    assert scores.grade == pytest.approx([0, 1])
    assert scores.brier[1] == pytest.approx(0, abs=1e-12)
    # Certainly wrong: the target's 1, and the others' squares between 1/(K − 1) and 1.
    lowest = (1 + 1 / (n_choices - 1)) / n_choices
    assert lowest - 1e-12 <= scores.brier[0] <= 2 / n_choices + 1e-12


def test_paper_panels_d_and_f_are_no_model_of_choices():
    # At 350 M, p = .0916: D is at chance, F worse than the uniform guess. One model is at
    # chance under both (p = 1/2) or below it under both (p = .0916).
    p = theory.token_probability(3.5e8)
    assert theory.multiple_choice_grade(p, 2) == 0.5
    assert theory.brier_score(p) > 0.25
    scores = theory.coherent_choices(p, 2, spread=1.0)
    assert scores.grade < 0.02
    assert scores.brier > 0.7


@given(probabilities, st.integers(1, 10_000))
def test_observed_accuracy_is_the_nearest_multiple(accuracy, n_items):
    seen = theory.observed_accuracy(accuracy, n_items)
    assert abs(seen - accuracy) <= 0.5 / n_items + 1e-12
    assert seen * n_items == pytest.approx(round(float(seen * n_items)))


def test_probability_unseen_by_hand():
    assert theory.probability_unseen([0, 0.5, 1], 3).tolist() == [1, 0.125, 0]
    # The binomial probability of no success, C(n, 0) a^0 (1 − a)^n.
    assert theory.probability_unseen(0.02, 50) == pytest.approx(comb(50, 0) * 0.98**50)
    # Fig 2C: 350 M parameters, accuracy 6.45e-6, 1000 items: almost surely nothing is seen.
    accuracy = theory.accuracy(theory.token_probability(3.5e8), 5)
    assert theory.probability_unseen(accuracy, 1000) == pytest.approx(0.9936, abs=1e-4)
    assert theory.observed_accuracy(accuracy, 1000) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.cross_entropy([1e9, 0]), "n_params: found 0 at index 1, expected positive"),
        (lambda: theory.cross_entropy(np.nan), "n_params: found nan, expected positive"),
        (lambda: theory.cross_entropy("big"), "n_params: found 'big', expected positive"),
        (lambda: theory.token_probability(1e9, c=-1), "c: found -1, expected positive"),
        (lambda: theory.token_probability(1e9, alpha=0.5), "alpha: found 0.5, expected negative"),
        (lambda: theory.accuracy(1.5, 2), r"p: found 1.5, expected a probability in \[0, 1\]"),
        (lambda: theory.accuracy(0.5, 0), "length: found 0, expected at least 1 token"),
        (lambda: theory.token_edit_distance(-0.1, 2), "p: found -0.1"),
        (lambda: theory.multiple_choice_grade(0.5, 1), "n_choices: found 1, expected at least 2"),
        (lambda: theory.brier_score(np.nan), "p: found nan"),
        (lambda: theory.coherent_choices(2), "p: found 2"),
        (lambda: theory.coherent_choices(0.5, 1), "n_choices: found 1"),
        (lambda: theory.coherent_choices(0.5, 2, -1), r"spread: found -1, expected in \[0, 20\]"),
        (lambda: theory.observed_accuracy(0.5, 0), "n_items: found 0, expected at least 1"),
        (lambda: theory.probability_unseen(1.1, 5), r"accuracy: found 1.1, expected in \[0, 1\]"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
