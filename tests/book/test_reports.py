"""Reports as files of the book: taken out of their frames, and linked card by card."""

import json
import re

import pytest

from mirage.audit.frame import Frame
from mirage.book import folding, reports
from mirage.files import MirageError

REPORT = '<!doctype html><p title="a">1 < 2 &amp; 3</p>'
LINK = f"<a {reports.card_link('mine', 'sums-toy-1a2b3c4d')}>sums</a>"


def notebook(path, *htmls):
    """An executed notebook that shows these; nbformat keeps lines as a list."""
    outputs = [{"data": {"text/html": text.splitlines(True)}} for text in htmls]
    cell = {"cell_type": "code", "source": "x", "metadata": {}, "outputs": outputs}
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return path


def shown(path) -> list[str]:
    (cell,) = json.loads(folding.fold(path.read_bytes()))["cells"]
    return ["".join(output["data"]["text/html"]) for output in cell["outputs"]]


def test_a_named_report_is_a_file_and_its_cards_are_links(tmp_path):
    path = notebook(tmp_path / "page.ipynb", Frame(REPORT, "t", 100, "mine")._repr_html_(), LINK)
    assert reports.contents([path]) == {"book/_static/reports/mine.html": REPORT.encode()}
    frame, link = shown(path)
    assert "srcdoc" not in frame
    assert '<iframe name="mine" src="../_static/reports/mine.html" title="t"' in frame
    assert link == '<a href="../_static/reports/mine.html#sums-toy-1a2b3c4d">sums</a>'


def test_a_report_without_a_name_stays_in_its_page(tmp_path):
    html = Frame(REPORT, "t", 100)._repr_html_()
    path = notebook(tmp_path / "page.ipynb", html)
    assert reports.contents([path]) == {}
    assert shown(path) == [html]


def test_text_of_a_report_is_no_link_or_frame_of_the_page(tmp_path):
    """A log may hold the markup of a frame: inside a report it is escaped once more."""
    inner = Frame("inner", "t", 1, "inner")._repr_html_() + LINK
    path = notebook(tmp_path / "page.ipynb", Frame(inner, "t", 1, "outer")._repr_html_())
    assert set(reports.contents([path])) == {"book/_static/reports/outer.html"}
    assert reports.contents([path])["book/_static/reports/outer.html"] == inner.encode()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([("a", 10), ("a", 10)], "a second report named 'a'"),
        ([("a", reports.LARGEST + 1)], "3,000,001 bytes, expected at most 3,000,000"),
    ],
)
def test_what_cannot_be_a_file_is_said(tmp_path, frames, message):
    htmls = [Frame("x" * n, "t", 1, name)._repr_html_() for name, n in frames]
    with pytest.raises(MirageError, match=re.escape(message)):
        reports.contents([notebook(tmp_path / "page.ipynb", *htmls)])
