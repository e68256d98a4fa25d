"""What the paper claims, what we find, and a verdict by a stated rule.

A page declares its claims before it computes anything: each :class:`Claim` says where the paper
makes it, whose claim it is and by which rule (`mirage.book.rules`) it is judged. :func:`judged`
adds the numbers of a run, and the verdict follows from rule and numbers; it is never typed.
:func:`record` shows the claims of a notebook as a table and stores them in the notebook itself (in
the metadata of the cell's output), where :func:`read` finds them.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from mirage.book.rules import Below, Ends, Equals, Exceeds, Verdict
from mirage.formatting import number
from mirage.statistics.intervals import clopper_pearson_interval

FEWEST = 6  # of a share that is held against one half, see `share`


class Kind(StrEnum):
    """Whose claim it is. Only the paper's own claims count in "reproduced n of m"."""

    PAPER = "the paper's claim"
    IMPLIED = "implied by the paper"
    OURS = "our question"

    def title_of(self, n: int) -> str:
        """Return the heading of a table of `n` such claims."""
        plurals = {
            Kind.PAPER: "The paper's claims",
            Kind.IMPLIED: "Implied by the paper",
            Kind.OURS: "Our questions",
        }
        return f"{plurals[self]} ({n})"


# What a verdict is called where there is nothing of the paper's to reproduce.
ANSWERS = {
    Verdict.REPRODUCED: "holds",
    Verdict.DEVIATION: "holds with deviation",
    Verdict.NOT_REPRODUCED: "does not hold",
}


class Found(NamedTuple):
    """What a run found for a claim.

    Attributes
    ----------
    ours : float
        Our number, in the unit that the claim's statement names.
    interval : (float, float), optional
        Its 95 % interval.
    n : int, optional
        Number of what the interval is over: seeds, items, curves.
    n_of : str
        What n counts, as a plural.
    reason : str
        What to know about the comparison.
    """

    ours: float
    interval: Ends | None = None
    n: int | None = None
    n_of: str = ""
    reason: str = ""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with its rule and, after a run, our number.

    Parameters
    ----------
    id : str
        Short and unique, e.g. ``figure-11-accuracy``.
    kind : Kind
        Whose claim it is.
    place : str
        Where the paper makes it, e.g. ``Appendix B.1, Figure 11B``; for our own questions, why we
        ask.
    statement : str
        The claim in one sentence that a reader who has not seen the page understands: what was
        measured, on what, against what.
    rule : Equals, Exceeds or Below
        How the verdict follows from the numbers.
    published, ours : float, optional
        The paper's number and ours, in the unit the statement names.
        ``ours=None`` means that it was not attempted.
    interval : Interval or (low, high), optional
        95 % interval of ``ours``; NaN at both ends (one seed has none) is stored as None.
    n : int, optional
        Number of what the interval is over; ``n_of`` says of what (seeds, items, sizes).
    reason : str
        Why not attempted, or what to know about the comparison.

    Examples
    --------
    >>> claim = Claim(id="x", kind=Kind.PAPER, place="Figure 11B", statement="Accuracy is 0.95.",
    ...               rule=Equals(0.01), published=0.95)
    >>> str(claim.verdict), str(claim.found(Found(0.952, n=10, n_of="seeds")).verdict)
    ('not attempted', 'reproduced')
    """

    id: str
    statement: str
    rule: Equals | Exceeds | Below
    kind: Kind = Kind.OURS
    place: str = ""
    published: float | None = None
    ours: float | None = None
    interval: Ends | None = None
    n: int | None = None
    n_of: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        """Make NumPy's numbers plain ones; refuse a number that no rule can judge."""
        msgspec.structs.force_setattr(self, "kind", Kind(self.kind))
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

    @property
    def answer(self) -> str:
        """The verdict in words; for what the paper does not claim: "holds", "does not hold"."""
        return self.verdict if self.kind is Kind.PAPER else ANSWERS.get(self.verdict, self.verdict)

    def found(self, found: Found) -> Claim:
        """Return this claim with the numbers of a run."""
        return msgspec.structs.replace(self, **found._asdict())

    def not_attempted(self, reason: str) -> Claim:
        """Return this claim without our number, because of ``reason``."""
        return msgspec.structs.replace(self, ours=None, interval=None, n=None, reason=reason)


def share(k: int, n: int, n_of: str, none: str = "the data are not here") -> Found | str:
    """Share k of n for a claim that asks for more, or less, than a half.

    Parameters
    ----------
    k, n : int
        With 0 ≤ k ≤ n.
    n_of : str
        What n counts, as a plural.
    none : str
        Why the claim is not attempted where n is 0.

    Returns
    -------
    Found or str
        The share with its exact interval, or why it is not attempted: of fewer than `FEWEST`, each
        possible interval holds one half, so that no data could decide.

    Examples
    --------
    >>> share(7, 9, "tasks").ours, share(3, 3, "metrics")
    (0.7777777777777778, 'n = 3 metrics: a share against one half needs at least 6')
    """
    if not n:
        return none
    if n < FEWEST:
        return f"n = {n} {n_of}: a share against one half needs at least {FEWEST}"
    return Found(k / n, clopper_pearson_interval(k, n), n, n_of)


def judged(claims: Iterable[Claim], found: Mapping[str, Found | str]) -> list[Claim]:
    """Add the numbers of a run to declared claims.

    Parameters
    ----------
    claims : iterable of Claim
        As the page declares them, without our numbers.
    found : mapping of str to Found or str
        By the id of the claim: our number, or the reason why there is none.

    Returns
    -------
    list of Claim
        In the order of `claims`.

    Raises
    ------
    ValueError
        A claim without a finding, or a finding without a claim.

    Examples
    --------
    >>> claim = Claim(id="x", kind=Kind.PAPER, place="Figure 2", statement="It rises.",
    ...               rule=Exceeds(0))
    >>> [str(c.verdict) for c in judged([claim], {"x": Found(1.0)})]
    ['reproduced']
    >>> [str(c.verdict) for c in judged([claim], {"x": "no data"})]
    ['not attempted']
    """
    claims = list(claims)
    declared = {claim.id for claim in claims}
    if declared != found.keys():
        missing, extra = sorted(declared - found.keys()), sorted(found.keys() - declared)
        raise ValueError(
            f"findings: found none for {missing} and unknown ids {extra}; "
            "expected one for each declared claim"
        )
    return [
        claim.not_attempted(one) if isinstance(one := found[claim.id], str) else claim.found(one)
        for claim in claims
    ]


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
        return "\n".join(f"{claim.id}: {claim.answer}" for claim in self.claims)


def record(figure: str, claims: Iterable[Claim]) -> ClaimsTable:
    """Build the claims table that ends a notebook: shown, and stored with the notebook.

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


def by_kind(claims: Iterable[Claim]) -> dict[Kind, list[Claim]]:
    """Sort claims by whose they are; kinds without a claim are left out.

    Examples
    --------
    >>> one = Claim(id="x", kind=Kind.OURS, statement="It rises.", rule=Exceeds(0))
    >>> list(by_kind([one]))
    [<Kind.OURS: 'our question'>]
    """
    claims = list(claims)
    groups = {kind: [claim for claim in claims if claim.kind is kind] for kind in Kind}
    return {kind: group for kind, group in groups.items() if group}


def rows(claims: Sequence[Claim]) -> list[tuple[str, str, str, str, str]]:
    """Return (statement, paper, ours with interval and n, rule, answer) as text for a table."""
    return [
        (
            claim.statement + (f" ({claim.reason})" if claim.reason else ""),
            number(claim.published),
            _ours(claim),
            str(claim.rule),
            claim.answer,
        )
        for claim in claims
    ]


def to_html(claims: Sequence[Claim]) -> str:
    """Return the claims as an HTML table, the paper's first, each with its place in the paper.

    Verdicts are badges styled by the book's CSS. Everything else is escaped.
    """
    names = ("claim", "paper", "ours", "rule", "verdict")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    lines = [f'<table class="claims"><thead><tr>{head}</tr></thead>']
    for kind, group in by_kind(claims).items():
        title = (
            f'<tr><th colspan="{len(names)}" scope="rowgroup">{kind.title_of(len(group))}</th></tr>'
        )
        lines.append(f"<tbody>{title}")
        for claim, (*cells, _) in zip(group, rows(group), strict=True):
            statement, *others = (html.escape(cell) for cell in cells)
            place = (
                f'<br><span class="place">{html.escape(claim.place)}</span>' if claim.place else ""
            )
            body = f"<td>{statement}{place}</td>" + "".join(f"<td>{cell}</td>" for cell in others)
            lines.append(f"<tr>{body}<td>{badge(claim)}</td></tr>")
        lines.append("</tbody>")
    return "\n".join([*lines, "</table>"])


def badge(claim: Claim) -> str:
    """Return a claim's verdict as a small HTML label.

    ``custom.css`` gives the colour, the text the meaning.

    Examples
    --------
    >>> badge(Claim(id="x", kind=Kind.PAPER, statement="It rises.", rule=Exceeds(0), ours=1))
    '<span class="verdict verdict-reproduced">reproduced</span>'
    >>> badge(Claim(id="x", kind=Kind.OURS, statement="It rises.", rule=Exceeds(0), ours=1))
    '<span class="verdict verdict-reproduced">holds</span>'
    """
    return label_of(claim.verdict, claim.answer)


def label_of(verdict: Verdict, text: str = "") -> str:
    """Return a verdict, or `text` in its colour, as a small HTML label."""
    style = {Verdict.DEVIATION: "deviation"}.get(verdict, verdict.replace(" ", "-"))
    return f'<span class="verdict verdict-{style}">{text or verdict}</span>'
