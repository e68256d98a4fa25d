"""Exact match that the probabilities of the answers predict."""

import numpy as np
import pytest
from scipy.stats import kstest

from mirage.emergence.prediction import predict


def test_by_hand():
    # Items of .9 and .1: mean .5, variance (.09 + .09)/2² = .045; observed 1: (.5)²/.045 = 5.556,
    # beyond which χ² of one degree lies with probability .0184.
    found = predict([[0.9, 0.1]], [[1, 1]])
    assert found.expected.item() == 0.5
    assert found.low.item() == pytest.approx(0.5 - 1.95996 * 0.045**0.5, abs=1e-4)
    assert found.p_value == pytest.approx(0.0184, abs=1e-4)
    assert found.largest == 0.5


def test_sampled_answers_agree_in_all_but_one_of_twenty_cases():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, (6, 400))
    values = [predict(p, rng.random(p.shape) < p).p_value for _ in range(300)]
    assert kstest(values, "uniform").pvalue > 0.01


def test_certain_answers_and_wrong_shapes():
    assert predict([[0.0, 1.0]], [[0, 1]]).p_value == 1
    with pytest.raises(ValueError, match="one shape"):
        predict([[0.5, 0.5]], [[1.0]])
    with pytest.raises(ValueError, match="probabilities"):
        predict([[1.5]], [[1.0]])
