"""Rules that turn a number and its interval into a verdict.

The rules are symmetric. A claim is *reproduced* if the whole 95 % interval satisfies its rule, *not
reproduced* if no part of it does, and *undecided* in between: then the data do not decide.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

Ends = tuple[float, float]


class Verdict(StrEnum):
    """Outcome of comparing our number with a claim, by the claim's rule."""

    REPRODUCED = "reproduced"
    DEVIATION = "reproduced with deviation"
    NOT_REPRODUCED = "not reproduced"
    UNDECIDED = "undecided"
    NOT_ATTEMPTED = "not attempted"


class Equals(msgspec.Struct, frozen=True, tag=True):
    """The paper gives a number; ours should lie within ``tolerance`` of it.

    *Reproduced* if the whole interval does; *reproduced with deviation* if the whole interval lies
    within the wider tolerance ``loose``; *not reproduced* if no part of it does.

    Parameters
    ----------
    tolerance : float
        Largest difference that counts as agreement, in the unit of the claim, at least 0.
    loose : float, optional
        Largest difference that counts as the same phenomenon; by default `tolerance`.

    Examples
    --------
    >>> Equals(0.01).verdict(published=0.958, ours=0.951, interval=None)
    <Verdict.REPRODUCED: 'reproduced'>
    >>> Equals(0.01).verdict(published=0.958, ours=0.951, interval=(0.94, 0.962))
    <Verdict.UNDECIDED: 'undecided'>
    >>> Equals(0.01, loose=0.02).verdict(published=0.958, ours=0.951, interval=(0.94, 0.962))
    <Verdict.DEVIATION: 'reproduced with deviation'>
    >>> str(Equals(0.01, loose=0.02)), str(Equals(0))
    ('within 0.01 of the paper (with deviation: within 0.02)', "equal to the paper's")
    """

    tolerance: float
    loose: float | None = None

    def verdict(self, published: float | None, ours: float, interval: Ends | None) -> Verdict:
        """Judge ``ours`` (same unit as ``published``)."""
        if published is None:
            raise ValueError("Equals needs the paper's number: found published=None")
        low, high = interval or (ours, ours)
        furthest = max(high - published, published - low)
        nearest = (
            0.0 if low <= published <= high else min(abs(low - published), abs(high - published))
        )
        outer = self.tolerance if self.loose is None else self.loose
        if furthest <= self.tolerance:
            return Verdict.REPRODUCED
        if furthest <= outer:
            return Verdict.DEVIATION
        return Verdict.NOT_REPRODUCED if nearest > outer else Verdict.UNDECIDED

    def __str__(self) -> str:
        wider = f" (with deviation: within {self.loose:g})" if self.loose is not None else ""
        if self.tolerance == 0:
            return f"equal to the paper's{wider}"
        return f"within {self.tolerance:g} of the paper{wider}"


class Exceeds(msgspec.Struct, frozen=True, tag=True):
    """Something is larger than ``threshold``.

    *Reproduced* if the whole interval is, *not reproduced* if no part of it is, else *undecided*.

    Examples
    --------
    >>> Exceeds(0.0).verdict(published=None, ours=0.3, interval=(-0.1, 0.7))
    <Verdict.UNDECIDED: 'undecided'>
    """

    threshold: float

    def verdict(self, published: float | None, ours: float, interval: Ends | None) -> Verdict:
        """Judge ``ours``; the paper's own number plays no part."""
        low, high = interval or (ours, ours)
        if low > self.threshold:
            return Verdict.REPRODUCED
        return Verdict.NOT_REPRODUCED if high <= self.threshold else Verdict.UNDECIDED

    def __str__(self) -> str:
        return f"above {self.threshold:g}"


class Below(msgspec.Struct, frozen=True, tag=True):
    """Something is smaller than ``threshold``; mirrors :class:`Exceeds`.

    Examples
    --------
    >>> Below(1.0).verdict(published=None, ours=0.3, interval=(0.1, 0.7))
    <Verdict.REPRODUCED: 'reproduced'>
    """

    threshold: float

    def verdict(self, published: float | None, ours: float, interval: Ends | None) -> Verdict:
        """Judge ``ours``; the paper's own number plays no part."""
        low, high = interval or (ours, ours)
        if high < self.threshold:
            return Verdict.REPRODUCED
        return Verdict.NOT_REPRODUCED if low >= self.threshold else Verdict.UNDECIDED

    def __str__(self) -> str:
        return f"below {self.threshold:g}"
