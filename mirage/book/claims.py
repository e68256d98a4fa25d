"""What the paper claims, what we find, and a verdict by a stated rule.

A :class:`Claim` holds the paper's words and number, our number with its interval and n, and a
rule. The verdict is computed from these and never typed. :func:`record` shows the claims of a
notebook as a table and stores them in the notebook itself (in the metadata of the cell's output),
where :func:`read` finds them: the landing page's "paper vs ours" is made of them.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from mirage.formatting import number

Ends = tuple[float, float]


class Verdict(StrEnum):
    """How our number stands to the paper's, by the claim's rule."""

    REPRODUCED = "reproduced"
    DEVIATION = "reproduced with deviation"
    NOT_REPRODUCED = "not reproduced"
    NOT_ATTEMPTED = "not attempted"


class Equals(msgspec.Struct, frozen=True, tag=True):
    """The paper gives a number; ours should lie within ``tolerance`` of it.

    *Reproduced* if it does. *With deviation* if it does not, but our interval reaches the band.

    Examples
    --------
    >>> Equals(0.01).verdict(published=0.958, ours=0.951, interval=None)
    <Verdict.REPRODUCED: 'reproduced'>
    """

    tolerance: float

    def verdict(
        self, published: float | None, ours: float, interval: tuple[float, float] | None
    ) -> Verdict:
        """Judge ``ours`` (same unit as ``published``)."""
        if published is None:
            raise ValueError("Equals needs the paper's number: found published=None")
        if abs(ours - published) <= self.tolerance:
            return Verdict.REPRODUCED
        low, high = interval or (ours, ours)
        near = low <= published + self.tolerance and high >= published - self.tolerance
        return Verdict.DEVIATION if near else Verdict.NOT_REPRODUCED

    def __str__(self) -> str:
        return f"within {self.tolerance:g} of the paper"


class Exceeds(msgspec.Struct, frozen=True, tag=True):
    """The paper claims that something is larger than ``threshold``.

    *Reproduced* if our whole interval is. *With deviation* if only our estimate is.

    Examples
    --------
    >>> Exceeds(0.0).verdict(published=None, ours=0.3, interval=(-0.1, 0.7))
    <Verdict.DEVIATION: 'reproduced with deviation'>
    """

    threshold: float

    def verdict(
        self, published: float | None, ours: float, interval: tuple[float, float] | None
    ) -> Verdict:
        """Judge ``ours``; the paper's own number plays no part."""
        low = ours if interval is None else interval[0]
        if low > self.threshold:
            return Verdict.REPRODUCED
        return Verdict.DEVIATION if ours > self.threshold else Verdict.NOT_REPRODUCED

    def __str__(self) -> str:
        return f"above {self.threshold:g}"


class Below(msgspec.Struct, frozen=True, tag=True):
    """The paper claims that something is smaller than ``threshold``; mirrors :class:`Exceeds`.

    Examples
    --------
    >>> Below(1.0).verdict(published=None, ours=0.3, interval=(0.1, 0.7))
    <Verdict.REPRODUCED: 'reproduced'>
    """

    threshold: float

    def verdict(
        self, published: float | None, ours: float, interval: tuple[float, float] | None
    ) -> Verdict:
        """Judge ``ours``; the paper's own number plays no part."""
        high = ours if interval is None else interval[1]
        if high < self.threshold:
            return Verdict.REPRODUCED
        return Verdict.DEVIATION if ours < self.threshold else Verdict.NOT_REPRODUCED

    def __str__(self) -> str:
        return f"below {self.threshold:g}"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One claim of the paper beside our finding.

    Parameters
    ----------
    id : str
        Short and unique, e.g. ``figure-11-accuracy``.
    statement : str
        The paper's claim in one sentence.
    rule : Equals, Exceeds or Below
        How the verdict follows from the numbers.
    published, ours : float, optional
        The paper's number and ours, in the unit the statement names.
        ``ours=None`` means that it was not attempted.
    interval : Interval or (low, high), optional
        95 % interval of ``ours``; NaN at both ends (one seed has none) is stored as None.
    n : int, optional
        What the interval rests on; ``n_of`` says of what (seeds, items, sizes).
    reason : str
        Why not attempted, or what to know about the comparison.

    Examples
    --------
    >>> claim = Claim(id="x", statement="Accuracy is 0.95.", rule=Equals(0.01),
    ...               published=0.95, ours=0.952, n=10, n_of="seeds")
    >>> str(claim.verdict)
    'reproduced'
    """

    id: str
    statement: str
    rule: Equals | Exceeds | Below
    published: float | None = None
    ours: float | None = None
    interval: Ends | None = None
    n: int | None = None
    n_of: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        """Make NumPy's numbers plain ones; refuse a number that no rule can judge."""
        for name, plain in (("published", float), ("ours", float), ("n", int)):
            value = getattr(self, name)
            if value is not None:
                msgspec.structs.force_setattr(self, name, plain(value))
            if value is not None and not math.isfinite(value):
                raise ValueError(
                    f"claim {self.id}: {name} is {value}, expected a finite number, or None for"
                    " 'not attempted'"
                )
        if self.interval is None:
            return
        low, high = (float(end) for end in self.interval)
        if math.isnan(low) and math.isnan(high):
            msgspec.structs.force_setattr(self, "interval", None)
        elif math.isfinite(low) and math.isfinite(high) and low <= high:
            msgspec.structs.force_setattr(self, "interval", (low, high))
        else:
            raise ValueError(
                f"claim {self.id}: interval is [{low}, {high}], expected two finite numbers,"
                " the lower first"
            )

    @property
    def verdict(self) -> Verdict:
        """The verdict, computed by the rule."""
        if self.ours is None:
            return Verdict.NOT_ATTEMPTED
        return self.rule.verdict(self.published, self.ours, self.interval)

    def not_attempted(self, reason: str) -> Claim:
        """Return this claim without our number, because of ``reason``."""
        return msgspec.structs.replace(self, ours=None, interval=None, n=None, reason=reason)


@dataclass(frozen=True)
class ClaimsTable:
    """The claims of one notebook, shown as a table wherever it is displayed."""

    figure: str
    claims: tuple[Claim, ...]

    def _repr_mimebundle_(self, include=None, exclude=None):
        """Show HTML and text; keep the records themselves in the output's metadata."""
        records = {"figure": self.figure, "claims": msgspec.to_builtins(self.claims)}
        data = {"text/html": to_html(self.claims), "text/plain": self._text()}
        return data, {"mirage": records}

    def _text(self) -> str:
        return "\n".join(f"{claim.id}: {claim.verdict}" for claim in self.claims)


def record(figure: str, claims: Iterable[Claim]) -> ClaimsTable:
    """Make the last value of a notebook's claims cell: shown, and stored with the notebook.

    Parameters
    ----------
    figure : str
        The notebook's label, e.g. ``figure-11``.
    claims : iterable of Claim
        Ids must be unique.

    Returns
    -------
    ClaimsTable

    Raises
    ------
    ValueError
        No claim, or two with one id.
    """
    claims = tuple(claims)
    ids = [claim.id for claim in claims]
    if not ids or len(set(ids)) != len(ids):
        raise ValueError(f"claims of {figure}: expected unique ids and at least one, found {ids}")
    return ClaimsTable(figure, claims)


def read(notebook: Path) -> list[Claim]:
    """Read the claims that an executed notebook recorded.

    Parameters
    ----------
    notebook : Path
        An ``.ipynb`` file whose claims cell has run.

    Returns
    -------
    list of Claim
        Empty when nothing was recorded.
    """
    cells = msgspec.json.decode(Path(notebook).read_bytes())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    records = [output.get("metadata", {}).get("mirage") for output in outputs]
    found = [claim for entry in records if entry for claim in entry["claims"]]
    return msgspec.convert(found, list[Claim])


def _ours(claim: Claim) -> str:
    if claim.ours is None:
        return "–"
    text = number(claim.ours)
    if claim.interval is not None:
        text += f" [{number(claim.interval[0])}, {number(claim.interval[1])}]"
    if claim.n is not None:
        one = re.sub("s$", "", re.sub("ies$", "y", claim.n_of))  # families, seeds
        of = one if claim.n == 1 else claim.n_of
        text += f", n = {claim.n} {of}".rstrip()
    return text


def rows(claims: Sequence[Claim]) -> list[tuple[str, str, str, str, str]]:
    """Return (statement, paper, ours with interval and n, rule, verdict) as text for a table."""
    return [
        (
            claim.statement + (f" ({claim.reason})" if claim.reason else ""),
            number(claim.published),
            _ours(claim),
            str(claim.rule),
            str(claim.verdict),
        )
        for claim in claims
    ]


def to_html(claims: Sequence[Claim]) -> str:
    """Return the claims as an HTML table; verdicts are badges styled by the book's CSS."""
    head = "".join(f"<th>{name}</th>" for name in ("claim", "paper", "ours", "rule", "verdict"))
    lines = [f'<table class="claims"><thead><tr>{head}</tr></thead><tbody>']
    for *cells, verdict in rows(claims):
        body = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        lines.append(f"<tr>{body}<td>{badge(verdict)}</td></tr>")
    return "\n".join([*lines, "</tbody></table>"])


def badge(verdict: str) -> str:
    """Return a verdict as a small HTML label (``custom.css`` gives colour, the text the meaning).

    Examples
    --------
    >>> badge(Verdict.REPRODUCED)
    '<span class="verdict verdict-reproduced">reproduced</span>'
    """
    kind = {Verdict.DEVIATION: "deviation"}.get(verdict, verdict.replace(" ", "-"))
    return f'<span class="verdict verdict-{kind}">{verdict}</span>'
