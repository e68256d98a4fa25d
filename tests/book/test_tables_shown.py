"""A table on a page: no quotes, no types, nothing from the data that a browser would run."""

import math

import polars as pl
import pytest
from bs4 import BeautifulSoup

from mirage.book.tables import cell, show

TABLE = pl.DataFrame(
    {
        "task": ["sums", "<script>alert(1)</script>"],
        "n_params": [1_200_000, None],
        "score": [0.98765, math.nan],
        "interval": [[0.5, 0.75], None],
        "is_real": [True, False],
    }
)


def parsed(**options) -> BeautifulSoup:
    bundle = show(TABLE, **options)._repr_mimebundle_()
    return BeautifulSoup(bundle["text/html"], "html.parser")


def test_cells_read_like_print():
    rows = [[c.text for c in row.select("th, td")] for row in parsed().select("tr")]
    assert rows == [
        ["task", "n params", "score", "interval", "is real"],
        ["sums", "1,200,000", "0.988", "[0.5, 0.75]", "yes"],
        ["<script>alert(1)</script>", "–", "–", "–", "no"],
    ]


def test_nothing_from_the_data_is_markup():
    page = parsed(caption="<b>x</b>", names={"score": "<i>y</i>"})
    assert not page.select("script, b, i")


def test_headers_have_a_scope_and_numbers_a_class():
    page = parsed()
    assert [th["scope"] for th in page.select("thead th")] == ["col"] * 5
    assert [th["scope"] for th in page.select("tbody th")] == ["row"] * 2
    numeric = [th.text for th in page.select("thead th.number")]
    assert numeric == ["n params", "score"]


def test_names_digits_and_caption():
    page = parsed(caption="Scores", names={"n_params": "parameters"}, digits={"score": 2})
    assert page.caption.text == "Scores"
    assert [th.text for th in page.select("thead th")][1] == "parameters"
    assert page.select("tbody td")[1].text == "0.99"


def test_long_table_is_folded_under_its_caption():
    page = parsed(caption="Scores", fold=1)
    assert page.details.summary.text == "Scores (2 rows)"
    assert page.details.get("open") is None
    assert not page.select("caption"), "said once"
    assert not parsed(fold=2).details


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1234, "−1,234"),
        (0, "0"),
        (math.inf, "∞"),
        (-0.00012345, "−0.000123"),
        (12345.6, "12346"),
        ("a_b", "a_b"),
        ({"low": 0.1, "high": None}, "low: 0.1, high: –"),
        (pl.Series([1, 2]), "[1, 2]"),
    ],
)
def test_one_value(value, text):
    assert cell(value) == text


def test_text_lines_up():
    assert show(TABLE[:1])._repr_mimebundle_()["text/plain"].splitlines() == [
        "task  n params   score  interval     is real",
        "sums  1,200,000  0.988  [0.5, 0.75]  yes",
    ]


def test_empty_table_keeps_its_header():
    page = BeautifulSoup(show(TABLE[:0])._repr_mimebundle_()["text/html"], "html.parser")
    assert len(page.select("thead th")) == 5
    assert not page.select("tbody tr")


def test_unknown_column_is_named():
    with pytest.raises(ValueError, match=r"no column 'scroe'; it has \['task'"):
        show(TABLE, names={"scroe": "score"})
    with pytest.raises(ValueError, match="found no column"):
        show(pl.DataFrame())
