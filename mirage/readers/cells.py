"""What stands in the cells of tables: numbers, counts and marks, as people and programs write them.

A cell that cannot be read is None, and never another value.
"""

from __future__ import annotations

import re

from mirage.readers.found import number

_BLANK = {"", "-", "--", "–", "—", "?", "n/a", "na", "nan", "none", "null", "inf", "-inf", "+inf"}
_TRUE = {"true", "t", "yes", "y", "1", "1.0", "higher", "up", "max", "maximize"}
_FALSE = {"false", "f", "no", "n", "0", "0.0", "lower", "down", "min", "minimize"}
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}([,.' \u00a0\u2009\u202f_])\d{3}(?:\1\d{3})*")
_NUMBERED = re.compile(r"(?:[a-z]+[ _-]?)?(\d+)(?:[ _-]?shots?)?", re.IGNORECASE)


def text_in(cell: object) -> str | None:
    """The text of a cell without blanks around it; None for none, and for what is no text.

    Examples
    --------
    >>> text_in(" quill-70m\\u00a0"), text_in(b"sums"), text_in(5), text_in([1]), text_in(" ")
    ('quill-70m', 'sums', '5', None, None)
    """
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if cell is None or isinstance(cell, dict | list):
        return None
    return str(cell).strip() or None


def is_blank(cell: object) -> bool:
    """Whether a cell says that there is no value.

    Examples
    --------
    >>> is_blank("N/A"), is_blank(float("nan")), is_blank("about 3")
    (True, True, False)
    """
    return cell is None or str(cell).strip().lower() in _BLANK


def fraction(cell: object, comma: bool = False) -> float | None:
    """A number: with a decimal point or comma, marks of thousands, in percent, with a true minus.

    Parameters
    ----------
    cell : object
        A number or text.
    comma : bool
        Whether a lone comma before three digits is decimal; else "1,319" is 1319.

    Examples
    --------
    >>> [fraction(text) for text in ("0,55", "55 %", "−1.5", "1,319", "1.234,5", "high")]
    [0.55, 0.55, -1.5, 1319.0, 1234.5, None]
    >>> fraction("1,319", comma=True)
    1.319
    """
    if not isinstance(cell, str):
        return number(cell)
    text = cell.strip().replace("\u2212", "-")
    percent = text.endswith("%")
    found = number(_with_point(text.removesuffix("%").strip(), comma))
    return round(found / 100, 12) if percent and found is not None else found


def _with_point(text: str, comma: bool) -> str:
    if "," not in text:
        return text
    if "." in text:  # the last of the two is decimal
        point = max(",.", key=text.rfind)
        other = "." if point == "," else ","
        return text.replace(other, "").replace(point, ".")
    if _THOUSANDS.fullmatch(text) and not (comma and text.count(",") == 1):
        return text.replace(",", "")
    return text.replace(",", ".", 1)


def count(cell: object) -> int | None:
    """A whole number, with or without marks of thousands; a count has no decimals.

    Examples
    --------
    >>> [count(cell) for cell in ("1,319", "1.319", "1 319", "1e3", 100.0, "1.5", "many")]
    [1319, 1319, 1319, 1000, 100, None, None]
    """
    if isinstance(cell, str) and (found := _THOUSANDS.fullmatch(cell.strip())):
        return int(cell.replace(found[1], ""))
    value = number(cell)
    return int(value) if value is not None and value == int(value) else None


def numbered(cell: object) -> int | None:
    """The number of a seed, a trial or shots: "seed3", "run-2", "5-shot".

    Examples
    --------
    >>> [numbered(cell) for cell in (3, "seed3", "run-2", "5-shot", "zero-shot", "greedy")]
    [3, 3, 2, 5, 0, None]
    """
    value = count(cell)
    if value is None and isinstance(cell, str):
        if re.fullmatch(r"zero[ _-]?shot", cell.strip(), re.IGNORECASE):
            return 0
        found = _NUMBERED.fullmatch(cell.strip())
        value = int(found[1]) if found else None
    return value if value is not None and abs(value) < 2**63 else None


def flag(cell: object) -> bool | None:
    """Yes or no; None for anything else.

    Examples
    --------
    >>> [flag(cell) for cell in (True, "yes", 1.0, "0.0", "N/A", "unknown")]
    [True, True, True, False, None, None]
    """
    text = str(cell).strip().lower()
    return True if text in _TRUE else False if text in _FALSE else None
