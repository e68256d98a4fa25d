"""Numbers as text, for tables, captions and reports."""

from __future__ import annotations

import math
import re


def number(value: float | None, digits: int = 3) -> str:
    """Write a number for a table: ``digits`` significant, an en dash for none.

    Examples
    --------
    >>> number(0.95812), number(999.7), number(6154.2), number(None), number(float("inf"))
    ('0.958', '1000', '6154', '–', '∞')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    whole = round(value)  # before the choice: 999.7 would else become 1e+03
    text = f"{whole}" if abs(whole) >= 10**digits else f"{value + 0.0:.{digits}g}"  # no −0
    return text.replace("-", "−")


def counted(n: int, noun: str, *verb: str) -> str:
    """Write a number with its noun, and with a verb that is given for one and for more.

    Examples
    --------
    >>> counted(1, "ability"), counted(2, "ability"), counted(0, "file")
    ('1 ability', '2 abilities', '0 files')
    >>> counted(1, "line", "is", "are"), counted(2, "line", "is", "are")
    ('1 line is', '2 lines are')
    """
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    text = f"{n} {noun if n == 1 else plural}"
    return f"{text} {verb[n != 1]}" if verb else text


def listed(words: list[str]) -> str:
    """Join words as in a sentence.

    Examples
    --------
    >>> listed(["62 %", "76 %", "89 %"])
    '62 %, 76 % and 89 %'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


# What a terminal obeys, or what turns the direction of writing.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: object) -> str:
    """Make text from outside safe for a terminal: one line, no control characters.

    Parameters
    ----------
    text : object
        Written with ``str``: a completion, an error, a name from a log.

    Returns
    -------
    str
        Line breaks and runs of blanks become one blank; escape sequences lose their escape, and
        characters that turn the direction of writing go.

    Examples
    --------
    >>> printable("name\\x1b]0;title\\x07 of\\na model")
    'name]0;title of a model'
    """
    return " ".join(CONTROL.sub("", " ".join(str(text).split())).split())


def remedy(extra: str) -> str:
    """Say how to install an extra.

    Parameters
    ----------
    extra : str
        Name of the extra in ``pyproject.toml``.

    Returns
    -------
    str
        A phrase without a full stop.

    Examples
    --------
    >>> remedy("llm")
    "in a clone of the book: pip install '.[llm]'"
    """
    return f"in a clone of the book: pip install '.[{extra}]'"
