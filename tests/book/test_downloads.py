"""The data behind a page's figures: links that hold the table itself."""

import re
from html import unescape
from io import StringIO
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mirage.book.downloads import LIMIT, csv, data_behind

ROOT = Path(__file__).resolve().parents[2]


def shown(tables) -> str:
    return data_behind("figure-7", tables)._repr_mimebundle_()["text/html"]


def test_link_holds_the_table():
    table = pl.DataFrame({"task": ['a "b", c', "<d>"], "score": [0.5, None], "n": [1, 20_000_000]})
    html = shown({"A–C": table})
    name, address = re.search(
        r'download="([^"]+)" href="data:text/csv;[^,]*,([^"]*)"', html
    ).groups()
    assert name == "figure-7-A-C.csv"
    assert_frame_equal(pl.read_csv(StringIO(unquote(unescape(address)))), table)
    assert "(2 rows)" in html


def test_tables_of_one_panel_are_put_under_each_other():
    parts = {"A": [pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [2.5], "y": ["b"]})]}
    assert "x%2Cy%0A1.0%2C%0A2.5%2Cb%0A" in shown(parts)


def test_what_is_too_large_is_named_and_not_thinned_out():
    long = pl.DataFrame({"x": range(LIMIT)})
    html = shown({"A": long, "B": pl.DataFrame({"x": [1]})})
    assert "A (200,000 rows: run the page for them)" in html
    assert html.count("<a ") == 1
    assert len(html) < LIMIT


def test_numbers_have_six_digits_and_lists_are_left_out():
    table = pl.DataFrame({"x": [1e-9 / 3, float("inf")], "parts": [[1], [2]]})
    assert csv(table) == "x\n3.33333e-10\ninf\n"


def test_no_table_is_an_error():
    with pytest.raises(ValueError, match="found none, expected at least one"):
        data_behind("figure-7", {})


def test_entry_to_cite_is_that_of_the_repository():
    entry = (ROOT / "book" / "references.md").read_text(encoding="utf-8")
    stated = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for field in ("\nversion: (.*)", 'title: "(mirage-book.*)"', '- name: "(.*)"'):
        assert re.search(field, stated)[1] in entry
