"""Reports of audits as files of the book: a page shows the file in a frame and links its cards.

A notebook holds its report inside the frame (`mirage.audit.frame.Frame`), so that it can be read
without the book. The build takes a named report out into a file of its own, which browsers load
when it comes into sight, and whose address a reader can pass on.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mirage.files import MirageError

FOLDER = "_static/reports"  # in the built book, and under book/ in its sources
LARGEST = 3_000_000  # bytes of a report
_HTML = "text/html"
_FRAME = re.compile(r'<iframe name="(?P<name>[a-z0-9-]+)" srcdoc="(?P<report>[^"]*)"')
_CARD = re.compile(r'\bdata-report="(?P<name>[a-z0-9-]+)" data-card="(?P<card>[a-z0-9-]+)"')


def card_link(report: str, card: str) -> str:
    """Attributes of an ``<a>`` that the book makes a link to a card of a report.

    Parameters
    ----------
    report : str
        Name of the frame that holds it.
    card : str
        Of `mirage.audit.cards.anchor`.

    Returns
    -------
    str
        In a notebook, where the report is no file, the element is text.

    Examples
    --------
    >>> card_link("catalogue", "sums-1a2b3c4d")
    'data-report="catalogue" data-card="sums-1a2b3c4d"'
    """
    return f'data-report="{report}" data-card="{card}"'


def of_page(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a cell's outputs with frames and links that lead to the files of `contents`.

    Parameters
    ----------
    outputs : list of dict
        As in the notebook's JSON.

    Examples
    --------
    >>> frame = '<iframe name="mine" srcdoc="&lt;p&gt;" title="t">'
    >>> link = f'<a {card_link("mine", "sums-1a2b3c4d")}>'
    >>> [output["data"][_HTML] for output in of_page([{"data": {_HTML: [frame, link]}}])]
    ['<iframe name="mine" src="../_static/reports/mine.html" title="t">\
<a href="../_static/reports/mine.html#sums-1a2b3c4d">']
    """
    return [_linked(output) if _HTML in output.get("data", {}) else output for output in outputs]


def _linked(output: dict[str, Any]) -> dict[str, Any]:
    file = rf"../{FOLDER}/\g<name>.html"
    text = _FRAME.sub(rf'<iframe name="\g<name>" src="{file}"', "".join(output["data"][_HTML]))
    return output | {"data": output["data"] | {_HTML: _CARD.sub(rf'href="{file}#\g<card>"', text)}}


def contents(executed: Sequence[Path]) -> dict[str, bytes]:
    """Return the named reports of executed notebooks by their place in the stage.

    Raises
    ------
    MirageError
        Two reports have the same name, or one is larger than `LARGEST`.
    """
    files: dict[str, bytes] = {}
    for path in executed:
        for name, report in _reports(path):
            place = f"book/{FOLDER}/{name}.html"
            if place in files:
                raise MirageError(
                    f"{path.stem}: found a second report named {name!r}, expected names that differ"
                )
            if len(report) > LARGEST:
                raise MirageError(
                    f"{path.stem}: the report {name!r} has {len(report):,} bytes, expected at most"
                    f" {LARGEST:,}; show fewer abilities"
                )
            files[place] = report
    return files


def _reports(notebook: Path) -> Iterator[tuple[str, bytes]]:
    for cell in msgspec.json.decode(notebook.read_bytes())["cells"]:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get(_HTML, ""))
            for found in _FRAME.finditer(text):
                yield found["name"], html.unescape(found["report"]).encode()
