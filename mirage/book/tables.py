"""Tables of a page: a polars table as HTML that reads like print and not like a data frame."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mirage.formatting import number

FOLD = 15  # rows: more than fit a screen beside their text


@dataclass(frozen=True)
class Shown:
    """A table as a notebook shows it; made by :func:`show`.

    Parameters
    ----------
    table : polars.DataFrame
        The rows.
    caption : str
        One line above the table; on a folded table the line to click.
    digits : int or mapping
        Significant digits of every real number, or of each column by its name.
    names : mapping
        Headers by column name; the others are column names with spaces for underscores.
    fold : int
        Tables with more rows start folded.
    """

    table: pl.DataFrame
    caption: str = ""
    digits: int | Mapping[str, int] = 3
    names: Mapping[str, str] = field(default_factory=dict)
    fold: int = FOLD

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": self._text()}

    def _cells(self) -> list[tuple[str, ...]]:
        """Return the header, then each row, as text."""
        columns = self.table.columns
        if isinstance(self.digits, int):
            digits = dict.fromkeys(columns, self.digits)
        else:
            digits = {name: self.digits.get(name, 3) for name in columns}
        header = tuple(self.names.get(name, name.replace("_", " ")) for name in columns)
        rows = (
            tuple(cell(value, digits[name]) for name, value in zip(columns, row, strict=True))
            for row in self.table.rows()
        )
        return [header, *rows]

    def _html(self) -> str:
        header, *rows = self._cells()
        kinds = [
            ' class="number"' if dtype.is_numeric() else "" for dtype in self.table.schema.values()
        ]
        head = "".join(
            f'<th scope="col"{kind}>{html.escape(name)}</th>'
            for name, kind in zip(header, kinds, strict=True)
        )
        lines = []
        for first, *rest in rows:
            others = zip(rest, kinds[1:], strict=True)
            tail = "".join(f"<td{kind}>{html.escape(text)}</td>" for text, kind in others)
            lines.append(f'<tr><th scope="row"{kinds[0]}>{html.escape(first)}</th>{tail}</tr>')
        caption, folded = html.escape(self.caption), len(rows) > self.fold
        title = f"<caption>{caption}</caption>" if caption and not folded else ""
        body = "\n".join(lines)
        table = (
            f'<table class="rows">{title}<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table>"
        )
        # The box scrolls, by keyboard too, so that a wide table never widens the page.
        label = f'role="region" aria-label="{caption or "Table"}"'
        box = f'<div class="rows-box" tabindex="0" {label}>{table}</div>'
        if not folded:
            return box
        summary = f"{caption or 'Table'} ({len(rows)} rows)"
        return f'<details class="rows"><summary>{summary}</summary>{box}</details>'

    def _text(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = (
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        )
        return "\n".join(filter(None, [self.caption, *lines]))


def show(
    table: pl.DataFrame,
    caption: str = "",
    *,
    digits: int | Mapping[str, int] = 3,
    names: Mapping[str, str] | None = None,
    fold: int = FOLD,
) -> Shown:
    """Show a table on a page: no quotes, no types, ``–`` for null, headers that can be read aloud.

    Parameters
    ----------
    table : polars.DataFrame
        At least one column; the first one names the rows.
    caption : str, optional
        One line of plain text above the table.
    digits : int or mapping of str to int
        Significant digits of real numbers: of all, or by column. Whole numbers keep theirs.
    names : mapping of str to str, optional
        Headers by column; by default the column's name with spaces for underscores.
    fold : int
        With more rows than this the table starts folded under its caption.

    Returns
    -------
    Shown
        The last value of a cell: displayed as HTML in a browser, as text elsewhere.

    Raises
    ------
    ValueError
        The table has no column, or ``names`` or ``digits`` names one that it does not have.

    Examples
    --------
    >>> table = pl.DataFrame({"task": ["sums", "products"], "score": [0.98765, None]})
    >>> print(show(table, names={"score": "accuracy"})._text())
    task      accuracy
    sums      0.988
    products  –
    """
    named = {*(names or {}), *(digits if isinstance(digits, Mapping) else ())}
    if unknown := sorted(named - set(table.columns)):
        raise ValueError(f"the table has no column {unknown[0]!r}; it has {table.columns}")
    if not table.width:
        raise ValueError("table: found no column, expected at least one")
    return Shown(table, caption, digits, names or {}, fold)


def cell(value: Any, digits: int = 3) -> str:
    """Write one value of a table as text.

    Parameters
    ----------
    value : object
        A number, a text, a truth value, None, or a sequence of two numbers: an interval.
    digits : int
        Significant digits of real numbers.

    Returns
    -------
    str
        Whole numbers have a comma at each thousand; None and NaN are an en dash.

    Examples
    --------
    >>> cell(1234567), cell(0.12345), cell(None), cell(True), cell([0.1, 0.25]), cell("a")
    ('1,234,567', '0.123', '–', 'yes', '[0.1, 0.25]', 'a')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if value is None or isinstance(value, float):
        return number(value, digits)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {cell(part, digits)}" for name, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(cell(part, digits) for part in value)}]"
    if isinstance(value, pl.Series):
        return cell(value.to_list(), digits)
    return str(value)
