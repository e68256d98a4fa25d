"""The report: one HTML page that needs no network and runs on a phone, on paper and in the dark.

Every text from a log is data: the template escapes it, the script writes it as text alone, and the
page's content-security policy allows no script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

from mirage.audit.words import DRAWS, GLOSSARY, JUMPS, LIMITS, VERDICTS


class Report(NamedTuple):
    """What a report shows.

    Attributes
    ----------
    title, summary : str
        Heading, and the one sentence below it.
    abilities : sequence of mappings
        One card each, as `mirage.audit.cards.card` makes them; a link to
        ``report.html#ID``, with a card's ``id``, opens it.
    faults : sequence of str
        Files and values that could not be used.
    x : str
        Name of the scale.
    n_models, n_files : int
    version, date : str
    notes : sequence of str
        What was decided about the data.
    """

    title: str
    summary: str
    abilities: Sequence[Mapping[str, Any]]
    faults: Sequence[str]
    x: str
    n_models: int
    n_files: int
    version: str
    date: str
    notes: Sequence[str] = ()


def render(report: Report) -> str:
    """Return the report as one HTML page.

    Examples
    --------
    >>> page = render(Report("<b>", "None.", [], [], "parameters", 0, 0, "1", "today"))
    >>> "<b>" in page, "&lt;b&gt;" in page
    (False, True)
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style, script = _part("report.css"), _part("report.js")
    counts = {verdict: 0 for verdict in VERDICTS}
    for ability in report.abilities:
        counts[ability["verdict"]] += 1
    names = {verdict or "not-judged": name for verdict, name in VERDICTS.items()}
    payload = {
        "abilities": report.abilities,
        "names": names,
        "order": list(VERDICTS),
        "x": report.x,
    }
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        _part("report.html.j2")
    )
    return template.render(
        title=report.title,
        summary=report.summary,
        faults=report.faults,
        notes=report.notes,
        abilities=report.abilities,
        n_abilities=len(report.abilities),
        n_families=len({ability["family"] for ability in report.abilities}),
        n_models=report.n_models,
        n_files=report.n_files,
        version=report.version,
        date=report.date,
        verdicts=[(v, VERDICTS[v], n) for v, n in counts.items() if n],
        glossary=[(verdict or "not-judged", text) for verdict, text in GLOSSARY.items()],
        names=names,
        rules=(JUMPS, DRAWS),
        limits=LIMITS,
        style=Markup(style),
        script=Markup(script),
        style_hash=_digest(style),
        script_hash=_digest(script),
        payload=Markup(to_json(payload)),
    )


def to_json(value: Any) -> str:
    """Write JSON that may stand inside a script element: numbers of 5 digits, NaN as null.

    Examples
    --------
    >>> to_json({"name": "</script>", "score": 1 / 3, "bad": float("nan")})
    '{"name":"\\\\u003c/script\\\\u003e","score":0.33333,"bad":null}'
    """
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028"}
    return text.translate(str.maketrans(escapes | {"\u2029": "\\u2029"}))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _part(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
