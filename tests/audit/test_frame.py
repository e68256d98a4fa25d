"""A report in the output of a notebook cell."""

import html

import polars as pl
from bs4 import BeautifulSoup

from mirage.audit import audit

ROWS = [
    {"family": f, "model": f"{f}{i}", "n_params": 10 ** (7 + i), "task": "t", "metric": "acc"}
    | {"score": 0.1 * i, "n_items": 100, "source": "test"}
    for f in ("a", "b")
    for i in range(6)
]


def test_the_frame_holds_the_report_and_nothing_else_may_run_in_it():
    found = audit(pl.DataFrame(ROWS))
    frame = found.frame('of "ours"', 300)
    shown = BeautifulSoup(frame._repr_html_(), "html.parser").iframe
    assert shown["srcdoc"] == frame.html == found.html('of "ours"')
    assert 'sandbox="allow-scripts"' in frame._repr_html_()
    assert "<script" in html.unescape(shown["srcdoc"])
    assert repr(frame) == shown["title"] == 'of "ours"'


def test_where_keeps_evidence_beside_its_row():
    found = audit(pl.DataFrame(ROWS))
    some = found.where(pl.col("family") == "b")
    assert some.verdicts["family"].to_list() == ["b"]
    (evidence,) = some.evidence
    assert evidence.ability.family == "b"
    assert some.verdicts.equals(found.verdicts.filter(family="b"))
