"""What an audit could not use, and what it decided: on the terminal, in the report, in the code."""

import json

import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner

from mirage.audit import audit
from mirage.cli import app


def run(*arguments: object):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)], env={"COLUMNS": "160"})


ROW = "quill-{},riddles,accuracy,{},500"


def written(folder, *more, cell=str):
    """A table of models, with lines and cells of the caller's."""
    scores = {"70M": 0.26, "160M": 0.28, "410M": 0.31, "1B": 0.34, "1.4B": 0.38}
    lines = [ROW.format(size, cell(score)) for size, score in scores.items()]
    text = "\n".join(["model,task,metric,score,n_items", *lines, *more])
    (folder / "scores.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (ROW.format("6.9B", "26.0 ± 1.2"), "'26.0 ± 1.2' cannot be read as a number: left out"),
        (ROW.format("6.9B", 0.4) + " or so", "n_items: '500 or so' cannot be read as a number"),
        (",riddles,accuracy,0.4,500", "1 row names no model: left out"),
    ],
)
def test_a_value_that_cannot_be_used_fails_under_strict(tmp_path, more, said):
    assert run(written(tmp_path), "--strict").exit_code == 0
    ran = run(written(tmp_path, more), "--strict")
    assert ran.exit_code == 1
    assert said in ran.stderr


def test_a_spreadsheet_beside_a_table_fails_under_strict(tmp_path):
    (tmp_path / "scores.xlsx").write_bytes(b"")
    ran = run(written(tmp_path), "--strict")
    assert ran.exit_code == 1
    assert "scores.xlsx: the file is empty" in ran.stderr


def test_decisions_are_counted_on_the_terminal_and_folded_in_the_report(tmp_path):
    name = f"percent <b> {tmp_path.name}"
    folder = tmp_path / name
    folder.mkdir()
    logs = written(folder, cell=lambda score: f"{100 * score:g} %")
    ran = run(logs, "--out", tmp_path / "out")
    assert f"1 decision about the data: {tmp_path / 'out' / 'summary.md'}\n" in ran.stdout
    assert "1 decision about the data: with --out FOLDER, in summary.md\n" in run(logs).stdout
    assert "about the data" in run(logs, "--json").stderr
    json.loads(run(logs, "--json").stdout)
    (logs / "notes.<b>").write_text("of another kind")
    page = BeautifulSoup(audit(logs).html(), "html.parser").select_one("details.notes")
    assert page.summary.get_text() == "2 decisions about the data"
    assert [note.get_text() for note in page.find_all("li")] == [
        "scores.csv: score: '26 %' is read as 0.26",  # and not where this machine keeps it
        "1 file of other kinds is left out (.<b>)",
    ]
    assert not page.find_all("b")


def test_where_nothing_was_decided_nothing_is_said(tmp_path):
    ran = run(written(tmp_path))
    assert "about the data" not in ran.output
    assert not BeautifulSoup(audit(tmp_path).html(), "html.parser").select("details")
