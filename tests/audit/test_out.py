"""The folder of a report: nothing of another hand is lost, nothing of it is read as a log."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest

from mirage.audit import audit
from mirage.files import DiskError
from mirage.readers import own, read

SIZES = ("70m", "160m", "410m", "1b", "1.4b")


def logs(folder, task="sums", last=5):
    folder.mkdir(exist_ok=True)
    rows = [f"quill-{s},{task},exact match,{i / 10},100" for i, s in enumerate(SIZES[:last])]
    (folder / "scores.csv").write_text("\n".join(["model,task,metric,score,n_items", *rows]))
    return folder


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """An audit; its report goes where a test says."""
    return audit(logs(tmp_path_factory.mktemp("logs") / "runs"))


@pytest.mark.parametrize("inside", [".", "report"])
def test_a_report_among_the_logs_is_not_read_as_one(tmp_path, inside):
    folder = logs(tmp_path / "runs")
    audit(folder).report(folder / inside)
    logs(folder, last=4)  # one model's scores are taken back
    found = read(folder)
    assert found.scores["model"].to_list() == [f"quill-{s}" for s in SIZES[:4]]
    assert found.faults == ()
    assert found.notes == (f"{folder / inside}: an audit's own report, and left out",)


@pytest.mark.parametrize("name", own.NAMES)
def test_a_file_of_another_hand_stays(found, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text('{"options": 1}')
    with pytest.raises(DiskError, match=f"{name}: it is there, and not of an audit"):
        found.report(out)
    assert [path.name for path in out.iterdir()] == [name]
    assert (out / name).read_text() == '{"options": 1}'


def test_an_earlier_report_is_replaced_with_its_items(found, tmp_path):
    out = tmp_path / "out"
    found.report(out)
    (out / "outcomes.parquet").write_bytes(b"of an earlier audit")
    (out / "notes.txt").write_text("mine")
    found.report(out)
    kept = {path.name for path in out.iterdir()}
    assert kept == {*own.NAMES, "notes.txt"} - {"outcomes.parquet"}


def test_csv_holds_no_formula_and_no_control_character(tmp_path):
    folder = logs(tmp_path / "runs", task="=cmd|'/c calc'!A1\x1b[31m")
    audit(folder).report(tmp_path / "out")
    text = (tmp_path / "out" / "verdicts.csv").read_text()
    assert pl.read_csv(text.encode())["task"].to_list() == ["'=cmd|'/c calc'!A1[31m"]
    assert "\x1b" not in text + (tmp_path / "out" / "summary.md").read_text()


def command(*arguments, **options):
    run = "from mirage.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", run, "audit", *map(str, arguments), "--no-cache"],
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_foreign_file_is_named_before_the_work(tmp_path, mirage):
    (tmp_path / "summary.md").write_text("mine")
    folder = logs(tmp_path / "runs")
    code, out, err = mirage("audit", str(folder), "--no-cache", "--out", str(tmp_path))
    assert (code, out) == (1, "")
    assert "summary.md: it is there, and not of an audit" in err


def test_what_a_log_says_moves_no_cursor(tmp_path, mirage):
    (tmp_path / "log.json").write_text(r'{"\u001b]0;pwned\u0007\u009b31m": 1}', encoding="utf-8")
    code, _, err = mirage("audit", str(tmp_path))
    assert code == 1
    assert "with the keys ]0;pwned31m, expected one of" in err
    assert err.count("\n") == 1


def test_the_report_is_there_though_nobody_reads_the_terminal(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    process = command(logs(tmp_path / "runs"), "--out", tmp_path / "out", stdout=writer)
    os.close(writer)
    assert "Traceback" not in process.communicate()[1]
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["files"]
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_a_full_disk_below_the_output_is_one_line(tmp_path):
    with open("/dev/full", "w") as full:
        process = command(logs(tmp_path / "runs"), stdout=full)
        err = process.communicate()[1]
    assert process.returncode == 1
    assert err == "mirage: error: cannot write the output: No space left on device\n"
