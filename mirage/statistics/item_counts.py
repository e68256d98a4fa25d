"""Item counts that published accuracies imply, and item counts that a comparison needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc


def least_items(accuracy: ArrayLike, tolerance: float = 4e-4, largest: int = 10_000) -> int | None:
    """Find the fewest items that could have given all of these accuracies.

    Parameters
    ----------
    accuracy : array_like
        Accuracies on one set of items, in [0, 1], as read off a figure.
    tolerance : float
        Relative error of the reading.
    largest : int
        Where to stop.

    Returns
    -------
    int or None
        The smallest n of which all are multiples of 1/n within the tolerance; None if none is.

    Notes
    -----
    The test of Brown and Heathers (2017). It says little by itself: beyond
    n of about 1/(2 · tolerance · accuracy) any number fits.

    Examples
    --------
    22 and 53 of 126, to four digits.

    >>> least_items([0.1746, 0.4206])
    126
    """
    y = np.asarray(accuracy, dtype=np.float64).ravel()
    n = np.arange(1, largest + 1)[:, None]
    off = np.abs(np.round(n * y) / n - y)
    fits = np.flatnonzero((off <= tolerance * y).all(axis=1))
    return int(fits[0]) + 1 if len(fits) else None


def items_to_exceed(chance: float, accuracy: float, level: float = 0.95) -> float:
    """Count the items after which an accuracy, if it stays, is told from chance.

    Parameters
    ----------
    chance : float
        Accuracy of a guess, in (0, 1).
    accuracy : float
        As observed, in [0, 1].
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    float
        The smallest n for which the Clopper–Pearson interval of n · accuracy right answers lies
        above chance; ∞ for an accuracy that does not exceed chance.

    Notes
    -----
    n · accuracy is not rounded: the lower end B((1 − level)/2; na, n(1 − a) + 1) is defined for
    any positive na. It is above c exactly if the regularised beta function I_c(na, n(1 − a) + 1)
    is below (1 − level)/2.

    Examples
    --------
    Three times chance: some 5 right answers.

    >>> round(items_to_exceed(1e-4, 3e-4), -3)
    17000.0
    """
    if accuracy <= chance:
        return np.inf
    low, high = 0, 1  # never enough, enough
    while not _exceeds(chance, accuracy, high, level):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = _exceeds(chance, accuracy, middle, level)
        low, high = (low, middle) if enough else (middle, high)
    return float(high)


def _exceeds(chance: float, accuracy: float, n: int, level: float) -> bool:
    return betainc(n * accuracy, n * (1 - accuracy) + 1, chance) < (1 - level) / 2
