"""The checks that metrics and theory make of their input."""

from collections.abc import Collection
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike


def numbers(name: str, values: ArrayLike, ndims: Collection[int], shape: str) -> np.ndarray:
    """Return `values` as a float64 array that is not empty and holds no NaN.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it opens every error message.
    values : array_like
        Numbers in a rectangular array.
    ndims : collection of int
        The numbers of axes that are allowed.
    shape : str
        The allowed shape in words, for the error message.

    Returns
    -------
    ndarray
        The values as float64.

    Raises
    ------
    ValueError
        If the values are not numbers, ragged, empty, NaN or of another number of axes.

    Examples
    --------
    >>> numbers("errors", [1, 2], {1}, "(items,)")
    array([1., 2.])
    """
    array = floats(name, values, f"numbers of shape {shape}")
    if array.ndim not in ndims:
        raise ValueError(f"{name}: found shape {array.shape}, expected {shape}")
    if array.size == 0:
        raise ValueError(f"{name}: found no values (shape {array.shape}), expected at least one")
    if np.isnan(array).any():
        raise ValueError(f"{name}: found NaN at {first(np.isnan(array))}, expected numbers")
    return array


def floats(name: str, values: ArrayLike, expected: str) -> np.ndarray:
    """Return `values` as a float64 array, whatever its shape.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it opens the error message.
    values : float or array_like
        Numbers; NaN and infinite ones are allowed.
    expected : str
        The allowed values in words, for the error message.

    Returns
    -------
    ndarray
        The values as float64.

    Raises
    ------
    ValueError
        If a value is no number, too large for a float, or the array ragged.

    Examples
    --------
    >>> floats("x", [1, 2], "sizes")
    array([1., 2.])
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        found = f"{name}: found {_shorten(values)}, expected {expected}"
        raise ValueError(f"{found} ({error})") from error


def level(name: str, value: float) -> float:
    """Return a confidence level or a probability strictly between 0 and 1.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it opens the error message.
    value : float
        The level.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not between 0 and 1, or no number.

    Examples
    --------
    >>> level("level", 0.95)
    0.95
    """
    if not isinstance(value, Real) or not 0 < value < 1:
        found = _shorten(value)
        raise ValueError(f"{name}: found {found}, expected a probability between 0 and 1")
    return float(value)


def counts(n_success: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return counted successes and trials as float64 arrays of one shape.

    Parameters
    ----------
    n_success, n : int or array_like
        Successes, and trials; they broadcast against each other.

    Returns
    -------
    (ndarray, ndarray)
        Whole numbers with 0 ≤ n_success ≤ n and n ≥ 1.

    Raises
    ------
    ValueError
        If they are not, or the shapes do not broadcast.

    Examples
    --------
    >>> counts(3, [5, 10])
    (array([3., 3.]), array([ 5., 10.]))
    """
    k, n = floats("n_success", n_success, "counts"), floats("n", n, "counts")
    try:
        k, n = np.broadcast_arrays(k, n)
    except ValueError as error:
        found = f"found shapes {k.shape} and {n.shape}"
        raise ValueError(f"n_success, n: {found}, expected shapes that broadcast") from error
    valid = (k >= 0) & (k <= n) & (n >= 1) & (n <= 2**53) & (k == np.floor(k)) & (n == np.floor(n))
    if not valid.all():
        found = f"n_success, n: found {k[~valid][0]:g} of {n[~valid][0]:g}"
        raise ValueError(f"{found}, expected whole numbers with 0 <= n_success <= n and n >= 1")
    return k, n


def inside(
    name: str, values: ArrayLike, low: float, high: float, expected: str, closed: bool = True
) -> np.ndarray:
    """Return `values` as float64 if all lie between the two ends.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it opens the error message.
    values : float or array_like
        Numbers; NaN is always out of range.
    low, high : float
        The ends.
    expected : str
        The allowed values in words, for the error message.
    closed : bool
        Whether the ends themselves are allowed.

    Returns
    -------
    float64 or ndarray of float64
        The values, a number for a number.

    Raises
    ------
    ValueError
        If a value lies outside or is no number.

    Examples
    --------
    >>> inside("p", [0, 0.5], 0, 1, "a probability")
    array([0. , 0.5])
    """
    array = floats(name, values, expected)
    valid = (array >= low) & (array <= high) if closed else (array > low) & (array < high)
    if not valid.all():
        found = f"found {array[~valid][0]:g}" + (f" at {first(~valid)}" if array.ndim else "")
        raise ValueError(f"{name}: {found}, expected {expected}")
    return array[()]


def first(flags: np.ndarray) -> str:
    """Say where the first of `flags` is and how many there are, for an error message.

    Parameters
    ----------
    flags : ndarray of bool
        At least one is True.

    Returns
    -------
    str
        The index of the first True, and the count if there are more.

    Examples
    --------
    >>> first(np.array([False, True, True]))
    'index 1 (the first of 2)'
    """
    index = tuple(int(i) for i in np.argwhere(flags)[0])
    where = f"index {index[0] if len(index) == 1 else index}"
    count = int(np.count_nonzero(flags))
    return where if count == 1 else f"{where} (the first of {count})"


def _shorten(value: object, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def plain(values: np.ndarray) -> float | np.ndarray:
    """Return a number for one curve, an array for many."""
    return float(values) if np.ndim(values) == 0 else values
