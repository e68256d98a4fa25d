"""Claims that one metric begins to rise later than another, asked from both bases.

The base of a rise is the first score of a curve, or the score of a guess. Where both metrics have a
guess, a claim is asked from both bases, and holds or fails only where both say so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mirage.book.claims import Found
from mirage.book.rules import Ends
from mirage.formatting import number

FIRST, GUESS = "the first scores", "the level of a guess"
LEFT = "our smallest model has left the base under both metrics: the comparison needs a smaller one"


class Shares(NamedTuple):
    """Dormant shares of two metrics from one base.

    Attributes
    ----------
    sharp, smooth : float
        In [0, 1]; NaN where a metric does not rise above the base.
    interval : (float, float), optional
        95 % interval of their difference.
    """

    sharp: float
    smooth: float
    interval: Ends | None = None


def compared(ours: Shares, other: Shares, base: str, n: int, n_of: str) -> Found | str:
    """Difference of dormant shares, with an interval that holds it from either base.

    Parameters
    ----------
    ours, other : Shares
        From the base that the page shows, and from the other.
    base : str
        The other base: `FIRST` or `GUESS`.
    n : int
        Number of what the interval is over.
    n_of : str
        What `n` counts, as a plural.

    Returns
    -------
    Found or str
        The reason why there is none where a metric does not rise, or where both have risen above
        one of the bases at the first size already: such a difference is 0 whatever the metrics do.

    Examples
    --------
    >>> compared(Shares(0.2, 0.1), Shares(0.2, 0.3), GUESS, 4, "sizes")[:2]
    (0.1, (-0.09999999999999998, 0.1))
    >>> compared(Shares(0.2, 0.1), Shares(0, 0), GUESS, 4, "sizes") == LEFT
    True
    """
    if any(one.sharp == one.smooth == 0 for one in (ours, other)):
        return LEFT
    one, two = (Found(s.sharp - s.smooth, s.interval, n, n_of) for s in (ours, other))
    if np.isnan([one.ours, two.ours]).any():
        return "a metric does not rise on these sizes"
    return spanning(one, two, base)


def spanning(ours: Found, other: Found, base: str) -> Found:
    """Widen the interval of a finding so that it holds the finding from the other base, too.

    Bases that disagree in the verdict then leave a claim undecided, by any rule on a threshold.

    Parameters
    ----------
    ours, other : Found
        From the base that the page shows, and from the other.
    base : str
        The other base: `FIRST` or `GUESS`.

    Returns
    -------
    Found
        `ours` with the wider interval, and a reason that names the other number.

    Examples
    --------
    >>> spanning(Found(0.2, (0.1, 0.3)), Found(-0.1, (-0.2, 0.0)), GUESS)[:2]
    (0.2, (-0.2, 0.3))
    """
    ends = [*_ends(ours), *_ends(other)]
    told = f"from {base} {number(other.ours)}; the interval holds both bases"
    reason = f"{ours.reason}; {told}" if ours.reason else told
    return ours._replace(interval=(min(ends), max(ends)), reason=reason)


def _ends(found: Found) -> Ends:
    """Ends of the interval; twice the number where there is none."""
    low, high = map(float, found.interval or (found.ours, found.ours))
    return (found.ours, found.ours) if np.isnan(low) else (low, high)
