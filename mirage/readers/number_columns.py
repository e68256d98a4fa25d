"""Columns of numbers in a table: what cannot be read is a fault, what is read otherwise a note."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mirage.formatting import printable
from mirage.readers import cells
from mirage.readers.found import number
from mirage.readers.model_names import number_of

FRACTIONS = ("score", "stderr", "chance", "compute", "tokens", "loss")


def unread(rows: list[dict[str, Any]], least: float) -> list[str]:
    """Faults for cells that hold no number where one should be."""
    faults = []
    sizes = set(_texts(rows, "n_params"))
    odd = {printable(cell) for cell in sizes if size(cell, least) is None}
    if odd:
        faults.append(
            f"sizes that are no numbers of parameters: {', '.join(sorted(odd)[:5])}; "
            "write 1.4B or 1400000000"
        )
    for name in (*FRACTIONS, "n_items"):
        bad = {text for text in _texts(rows, name) if _readers_of(name)(text) is None}
        if bad:
            faults.append(f"{name}: {unreadable(bad)}")
    return faults


def unreadable(texts: Iterable[str]) -> str:
    """Say which cells hold no number: the first five, and how many more.

    Examples
    --------
    >>> unreadable({"26.0 ± 1.2", "high"})
    "'26.0 ± 1.2', 'high' cannot be read as a number: left out"
    """
    texts = sorted(texts)
    more = f" and {len(texts) - 5} more" if texts[5:] else ""
    return f"{', '.join(map(repr, texts[:5]))}{more} cannot be read as a number: left out"


def meant(rows: list[dict[str, Any]]) -> list[str]:
    """Notes on numbers that are read as people mean them, and on directions that are none."""
    notes = []
    for name in ("score", "stderr", "chance", "n_items"):
        read = _readers_of(name)
        texts = _texts(rows, name)
        odd = next((t for t in texts if number(t) is None and read(t) is not None), None)
        if odd:
            notes.append(f"{name}: {odd!r} is read as {read(odd):g}")
    name = "higher_is_better"
    bad = sorted({text for text in _texts(rows, name) if cells.flag(text) is None})
    if bad:
        notes.append(f"{name}: {', '.join(map(repr, bad[:5]))} cannot be read and is left out")
    return notes


def _readers_of(name: str) -> Callable[[object], float | None]:
    return cells.count if name == "n_items" else cells.fraction


def _texts(rows: list[dict[str, Any]], name: str) -> list[str]:
    return [str(row[name]) for row in rows if not cells.is_blank(row.get(name))]


def size(cell: object, least: float) -> int | None:
    """A number of parameters; None for what is none, and for less than is believed."""
    found = number_of(cell)
    return None if found is not None and found < least else found


def least_size(rows: list[dict[str, Any]], exact: bool) -> float:
    """The smallest number of parameters that is believed.

    A fraction, or less than a thousand, is a count of millions or billions of them, whatever the
    unit is; and then other small numbers of the table are, too. Small whole numbers are believed
    under the `exact` name "n_params", and beside others of a million or more.
    """
    read = (cells.fraction(row.get("n_params")) for row in rows)
    numbers = [n for n in read if n is not None]
    whole = all(n == int(n) for n in numbers)
    if not numbers or (whole and (exact or max(numbers) >= 1e6)):
        return 1
    return 1e6 if not whole or min(numbers) < 1000 else 1
