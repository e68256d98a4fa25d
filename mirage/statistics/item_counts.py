"""Item counts that published accuracies imply, and item counts that a comparison needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc


def right_items(score: ArrayLike, n_items: ArrayLike) -> np.ndarray:
    r"""Count the right items that a printed score stands for.

    Parameters
    ----------
    score : array_like, shape (...)
        Shares of right items, as printed: rounded to any number of digits.
    n_items : array_like, shape (...)
        How many items there were; NaN where that is not known.

    Returns
    -------
    ndarray of float64, shape (...)
        Whole numbers k in [0, n]; NaN where no k/n is printed as this score, or n is unknown.

    Notes
    -----
    A score with d digits after the point stands for k if \|score − k/n\| ≤ ½ 10⁻ᵈ. Trailing zeros
    are not seen, which makes d too small for one score in ten. A score with all its digits may be
    off by a hundredth of an item, the rounding error of 32 bits.

    Examples
    --------
    58 of 1 319 items, as a leaderboard prints it; half an item is no count.

    >>> right_items([0.044, 0.1125], [1319, 40])
    array([58., nan])
    """
    score, n = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (score, n_items)))
    half = np.zeros(score.shape)
    for digits in range(16, -1, -1):  # the fewest digits that give the score remain
        power = 10.0**digits
        half = np.where(np.rint(score * power) / power == score, 0.5 / power, half)
    with np.errstate(invalid="ignore", divide="ignore"):
        right = np.rint(score * n)
        near = abs(score - right / n) <= np.maximum(half * (1 + 1e-9), 0.01 / n)
        return np.where(
            near & (right >= 0) & (right <= n) & (score >= 0) & (score <= 1), right, np.nan
        )


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
        The smallest n such that all accuracies are multiples of 1/n within the tolerance; None if
        there is none.

    Notes
    -----
    The GRIM test of Brown and Heathers. It says little by itself: beyond n of about
    1/(2 · tolerance · accuracy) any number fits.

    References
    ----------
    N. J. L. Brown and J. A. J. Heathers (2017), The GRIM test, Soc. Psychol. Personal. Sci. 8.
    https://doi.org/10.1177/1948550616673876

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
    """Number of items needed for an observed accuracy to be significantly above chance.

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
