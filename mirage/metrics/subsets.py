"""Subset accuracy: all of K items right, exactly and without resampling.

The metric with which the paper makes an ability of a LeNet on MNIST emerge (Fig 11C), and
one of a transformer on Omniglot (Fig 8C).
"""

from operator import index

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import first, numbers


def subset_accuracy(correct: ArrayLike, k: int) -> float | np.ndarray:
    """Probability that k items drawn without replacement are all correct.

    Parameters
    ----------
    correct : array_like of bool or 0/1, shape (items,) or (models, items)
        Whether each item is right.
    k : int
        Size of the subset, from 1 to the number of items.

    Returns
    -------
    float or ndarray of float64, shape (models,)
        In [0, 1], higher is better; k = 1 is the accuracy.

    Raises
    ------
    ValueError
        If there are no items, a value is not 0 or 1, or k is out of range.

    Notes
    -----
    With m of n items correct it is C(m, k) / C(n, k) = Π_{i<k} (m − i)/(n − i).
    The product is used because each factor is in [0, 1]: nothing overflows, and the relative
    error is about k rounding errors, where a difference of log-factorials loses digits.
    For independent items it is the unbiased estimate of p^k; (m/n)^k is biased upwards.

    Examples
    --------
    Three of four items right: of the six pairs three are all right.

    >>> subset_accuracy([1, 1, 1, 0], k=2)
    0.5
    """
    correct = numbers("correct", correct, {1, 2}, "(items,) or (models, items)")
    invalid = (correct != 0) & (correct != 1)
    if invalid.any():
        found = f"found {correct[invalid][0]:g} at {first(invalid)}"
        raise ValueError(f"correct: {found}, expected 0 or 1 (False or True)")
    n_items = correct.shape[-1]
    try:
        k = index(k)
    except TypeError as error:
        raise ValueError(f"k: found {k!r}, expected a whole number") from error
    if not 1 <= k <= n_items:
        raise ValueError(f"k: found {k}, expected 1 to {n_items}, the number of items")
    n_correct = correct.sum(axis=-1, keepdims=True)  # (models, 1) or (1,)
    drawn = np.arange(k)
    # Below k correct items one factor is 0; the negative ones after it are cut off.
    factors = np.maximum(n_correct - drawn, 0) / (n_items - drawn)
    result = factors.prod(axis=-1)
    return float(result) if correct.ndim == 1 else result
