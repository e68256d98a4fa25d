"""The sharp curve that the probabilities of the answers predict, beside the one observed.

An answer of probability p is right with probability p if it is sampled, so that exact match of n
items has the mean Σp/n and the variance Σp(1 − p)/n². A sharp curve that agrees needs nothing but
the probabilities to explain it; answers that are chosen greedily need not agree.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtri

from mirage._check import inside

LEAST = 1e-12  # of a variance: answers of probability 0 or 1 leave rounding alone


class Prediction(NamedTuple):
    """Expected exact match of each model, and how far the observed one is from it.

    Attributes
    ----------
    expected, low, high : ndarray, shape (models,)
        Mean probability of the right answers, and the interval within which 95 % of the observed
        values lie if answers are sampled.
    p_value : float
        Of the observed values of all models together, by χ²; small where they disagree.
    largest : float
        Observed value less the expected one, where they differ most.
    """

    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: float
    largest: float


def predict(probabilities: ArrayLike, right: ArrayLike) -> Prediction:
    """Compare exact match with what the probability of each answer predicts.

    Parameters
    ----------
    probabilities : array_like, shape (models, items)
        Probability that the model gives the right answer, in [0, 1].
    right : array_like, shape (models, items)
        Whether it did, 0 or 1, or the share of several trials.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        If the shapes disagree, or a value is outside [0, 1].

    Notes
    -----
    With k models, Σ (observed − expected)²/variance is compared with χ² of k degrees of freedom.

    Examples
    --------
    Four items of probability ½ have the mean .5 and the standard deviation √(4/4)/4 = .25.

    >>> found = predict([[0.5, 0.5, 0.5, 0.5]], [[1, 1, 1, 1]])
    >>> found.expected.item(), round(found.low.item(), 2), found.largest, round(found.p_value, 3)
    (0.5, 0.01, 0.5, 0.046)
    """
    p = inside("probabilities", probabilities, 0, 1, "probabilities in [0, 1]")
    right = inside("right", right, 0, 1, "shares in [0, 1]")
    if p.ndim != 2 or p.shape != right.shape:
        expected = "expected one shape (models, items)"
        raise ValueError(f"right: found shapes {right.shape} and {p.shape}, {expected}")
    n = p.shape[1]
    mean, variance = p.mean(1), np.maximum((p * (1 - p)).sum(1) / n**2, LEAST)
    difference = right.mean(1) - mean
    half = ndtri(0.975) * np.sqrt(variance)
    p_value = float(chdtrc(len(p), (difference**2 / variance).sum()))
    largest = float(difference[abs(difference).argmax()])
    return Prediction(
        mean, np.maximum(mean - half, 0), np.minimum(mean + half, 1), p_value, largest
    )
