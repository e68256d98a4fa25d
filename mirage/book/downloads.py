"""The tables behind a page's figures as files to download: each a link that holds its csv."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import polars as pl

LIMIT = 200_000  # characters of all links of a page; a larger table is named and not linked
NESTED = (pl.List, pl.Array, pl.Struct, pl.Object)


@dataclass(frozen=True)
class Downloads:
    """Links to csv files, as a notebook shows them; made by :func:`data_behind`.

    Parameters
    ----------
    page : str
        Beginning of the file names.
    tables : mapping of str to polars.DataFrame
        By the panels that they are drawn in.
    """

    page: str
    tables: Mapping[str, pl.DataFrame]

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": self._text()}

    def _html(self) -> str:
        left, items = LIMIT, []
        for panels, table in self.tables.items():
            rows = f"{table.height:,} row{'s' * (table.height != 1)}"
            address = "data:text/csv;charset=utf-8," + quote(csv(table))
            if len(address) > left:
                items.append(f"{html.escape(panels)} ({rows}: run the page for them)")
                continue
            left -= len(address)
            name = f"{self.page}-{re.sub(r'[^A-Za-z0-9]+', '-', panels).strip('-')}.csv"
            link = f'<a download="{name}" href="{address}">{html.escape(panels)}</a>'
            items.append(f"{link} ({rows})")
        return f'<p class="data-behind">Data behind the panels, csv: {", ".join(items)}.</p>'

    def _text(self) -> str:
        return ", ".join(f"{panels}: {table.height} rows" for panels, table in self.tables.items())


def data_behind(
    page: str, tables: Mapping[str, pl.DataFrame | Iterable[pl.DataFrame]]
) -> Downloads:
    """Offer the tables that a page draws as csv files, without a server.

    Parameters
    ----------
    page : str
        Beginning of the file names, such as ``figure-7``.
    tables : mapping of str to polars.DataFrame, or to several of them
        By the panels that they are drawn in ("A–C"). Several are put under each other. Columns
        that hold lists or structures are left out.

    Returns
    -------
    Downloads
        The last value of a cell. Links of more than 200,000 characters in all are too large for a
        page: what does not fit is named with its number of rows. No table is thinned out.

    Raises
    ------
    ValueError
        There is no table.

    Examples
    --------
    >>> shown = data_behind("figure-7", {"A–C": pl.DataFrame({"n": [1], "score": [0.5]})})
    >>> print(shown._html())
    <p class="data-behind">Data behind the panels, csv: <a download="figure-7-A-C.csv" \
href="data:text/csv;charset=utf-8,n%2Cscore%0A1%2C0.5%0A">A–C</a> (1 row).</p>
    """
    if not tables:
        raise ValueError("tables: found none, expected at least one")
    return Downloads(page, {panels: _whole(parts) for panels, parts in tables.items()})


def _whole(parts: pl.DataFrame | Iterable[pl.DataFrame]) -> pl.DataFrame:
    is_table = isinstance(parts, pl.DataFrame)
    return parts if is_table else pl.concat(parts, how="diagonal_relaxed")


def csv(table: pl.DataFrame) -> str:
    """Write a table as csv, six significant digits, without columns of lists or structures.

    Examples
    --------
    >>> csv(pl.DataFrame({"n": [1000], "score": [1 / 3], "parts": [[1, 2]]}))
    'n,score\\n1000,0.333333\\n'
    """
    flat = table.select(name for name, kind in table.schema.items() if not isinstance(kind, NESTED))
    return flat.with_columns(pl.selectors.float().round_sig_figs(6)).write_csv()
