"""Metrics of multiple choice: grade, Brier score, probability of the correct choice.

The multiple choice grade is discontinuous in the probabilities (the paper's Figs 2D and 6);
the Brier score is its smooth companion (Figs 2F and 6).
Log-probabilities are soft-maxed over the choices of an item, so that adding a constant to
an item changes nothing and unnormalised scores are legal.
Items may have unequal numbers of choices: as lists of unequal length, or as an array padded with
−inf. A choice of −inf is none, wherever it stands; only an item without two others keeps it.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import first, numbers


def multiple_choice_grade(log_probs: ArrayLike, target: ArrayLike) -> np.ndarray:
    """Whether the correct choice has the highest probability; ties share the credit.

    Parameters
    ----------
    log_probs : array_like, shape (items, choices), or sequence of sequences
        Log-probability of each choice, nats. Items may have unequal numbers of choices, as lists
        or padded with −inf; a row of nothing else is refused.
    target : array_like of int, shape (items,)
        Index of the correct choice.

    Returns
    -------
    ndarray of float64, shape (items,)
        In [0, 1], higher is better: 1 if the correct choice is highest alone, 1/m if it
        ties with m − 1 others, else 0. A uniform guess scores 1/K on every item.

    Raises
    ------
    ValueError
        If shapes disagree, there are no items, a target is out of range, or a
        log-probability is NaN or +inf.

    Notes
    -----
    ``1[target ∈ A] / |A|`` with A = argmax_k log_probs_k. Sharing gives the expectation of
    breaking ties at random; it makes the score independent of the order of the choices,
    which the index of the first maximum is not.

    Examples
    --------
    >>> multiple_choice_grade(np.log([[0.6, 0.4], [0.3, 0.7], [0.5, 0.5]]), [0, 0, 0])
    array([1. , 0. , 0.5])
    """
    log_probs, target, _ = _checked(log_probs, target)
    highest = log_probs == log_probs.max(axis=1, keepdims=True)  # (items, choices)
    return highest[np.arange(len(target)), target] / highest.sum(axis=1)


def target_probability(log_probs: ArrayLike, target: ArrayLike) -> np.ndarray:
    """Probability of the correct choice among the choices.

    Parameters
    ----------
    log_probs : array_like, shape (items, choices), or sequence of sequences
        Log-probability of each choice, nats. Items may have unequal numbers of choices, as lists
        or padded with −inf; a row of nothing else is refused.
    target : array_like of int, shape (items,)
        Index of the correct choice.

    Returns
    -------
    ndarray of float64, shape (items,)
        In [0, 1], higher is better. A uniform guess has 1/K.

    Raises
    ------
    ValueError
        As `multiple_choice_grade`.

    Notes
    -----
    exp(log_probs_target) / Σ_k exp(log_probs_k). The mass on the whole vocabulary is
    exp(log_probs_target) itself and needs no function.

    Examples
    --------
    >>> target_probability(np.log([[0.2, 0.3], [0.1, 0.1]]), [0, 1]).round(3)
    array([0.4, 0.5])
    """
    log_probs, target, _ = _checked(log_probs, target)
    return _softmax(log_probs)[np.arange(len(target)), target]


def brier_score(
    log_probs: ArrayLike,
    target: ArrayLike,
    reduction: Literal["mean", "sum", "target"] = "mean",
) -> np.ndarray:
    """Squared distance between the probabilities of the choices and the truth.

    Parameters
    ----------
    log_probs : array_like, shape (items, choices), or sequence of sequences
        Log-probability of each choice, nats. Items may have unequal numbers of choices, as lists
        or padded with −inf; a row of nothing else is refused.
    target : array_like of int, shape (items,)
        Index of the correct choice.
    reduction : {"mean", "sum", "target"}
        Over the K choices of an item, its own number. "mean" is BIG-bench's convention, "sum"
        that of lm-evaluation-harness, "target" that of the paper's toy model (Fig 2F).

    Returns
    -------
    ndarray of float64, shape (items,)
        Lower is better, 0 is perfect. The figures draw its negative.

        ==========  =============  ======================================
        reduction   range          a uniform guess, and for K = 2, 4, 5
        ==========  =============  ======================================
        "mean"      [0, 2/K]       (K − 1)/K²: .25, .1875, .16
        "sum"       [0, 2]         (K − 1)/K: .5, .75, .8
        "target"    [0, 1]         (1 − 1/K)²: .25, .5625, .64
        ==========  =============  ======================================

    Raises
    ------
    ValueError
        As `multiple_choice_grade`, and for an unknown reduction.

    Notes
    -----
    With p the soft-maxed probabilities and t the one-hot truth,
    sum = Σ_k (p_k − t_k)², mean = sum / K, target = (1 − p_target)².
    For K = 2, mean and target are equal.

    Examples
    --------
    p = (.7, .2, .1), the first is right: .3² + .2² + .1² = .14.

    >>> log_probs = np.log([[0.7, 0.2, 0.1]])
    >>> brier_score(log_probs, [0], "sum").round(4)
    array([0.14])
    >>> brier_score(log_probs, [0]).round(4), brier_score(log_probs, [0], "target").round(4)
    (array([0.0467]), array([0.09]))
    """
    if reduction not in ("mean", "sum", "target"):
        raise ValueError(f'reduction: found {reduction!r}, expected "mean", "sum" or "target"')
    log_probs, target, n_choices = _checked(log_probs, target)
    residual = _softmax(log_probs)  # (items, choices)
    residual[np.arange(len(target)), target] -= 1
    if reduction == "target":
        return residual[np.arange(len(target)), target] ** 2
    total = (residual**2).sum(axis=1)
    return total if reduction == "sum" else total / n_choices


def _softmax(log_probs: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # a difference beyond float64 is −inf: a weight of 0
        weights = np.exp(log_probs - log_probs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _checked(log_probs: ArrayLike, target: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-probabilities (items, most choices), targets, and each item's number of choices."""
    log_probs, n_choices = _rectangular(log_probs)
    if (log_probs == np.inf).any():
        where = first(log_probs == np.inf)
        raise ValueError(f"log_probs: found +inf at {where}, expected finite numbers or -inf")
    impossible = (log_probs == -np.inf).all(axis=1)
    if impossible.any():
        found = f"found only -inf in the item at {first(impossible)}"
        raise ValueError(f"log_probs: {found}, expected at least one possible choice")
    if (n_choices < 2).any():
        where = "per item" if (n_choices < 2).all() else f"in the item at {first(n_choices < 2)}"
        raise ValueError(f"log_probs: found {n_choices.min()} choice {where}, expected at least 2")
    target = numbers("target", target, {1}, "(items,)")
    if len(target) != len(log_probs):
        found = f"found {len(log_probs)} items in log_probs and {len(target)} targets"
        raise ValueError(f"{found}, expected one target for each item")
    widest = log_probs.shape[1]
    invalid = (target != np.floor(target)) | (target < 0) | (target >= widest)
    if invalid.any():
        found = f"found {target[invalid][0]:g} at {first(invalid)}"
        raise ValueError(f"target: {found}, expected whole numbers from 0 to {widest - 1}")
    absent = log_probs[np.arange(len(target)), target.astype(np.intp)] == -np.inf
    absent &= np.isfinite(log_probs).sum(axis=1) >= 2
    if absent.any():
        found = f"found {target[absent][0]:g} at {first(absent)}, whose log-probability is -inf"
        raise ValueError(
            f"target: {found}, expected one of the item's {n_choices[absent][0]} choices"
        )
    return log_probs, target.astype(np.intp), n_choices


def _rectangular(log_probs: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Pad lists of unequal length with −inf; count the choices of each item, at least 2."""
    widths = None
    if isinstance(log_probs, list | tuple) and all(hasattr(row, "__len__") for row in log_probs):
        widths = np.array([len(row) for row in log_probs])
    if widths is not None and len(np.unique(widths)) > 1:
        flat = [log_prob for row in log_probs for log_prob in row]
        array = np.full((len(widths), widths.max()), -np.inf)
        array[np.arange(widths.max()) < widths[:, None]] = numbers(
            "log_probs", flat, {1}, "(items, choices)"
        )
    else:
        array = numbers("log_probs", log_probs, {2}, "(items, choices)")
        widths = np.full(len(array), array.shape[1])
    present = (array != -np.inf).sum(axis=1)
    return array, np.where(present >= 2, present, widths)
