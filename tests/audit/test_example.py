"""The bundled example: real scores, computed again from the data set, and audited."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from mirage import datasets
from mirage.audit import audit, words
from mirage.audit.cli import EXAMPLE
from mirage.cli import app
from mirage.pages.audit import arithmetic


def run(*arguments: object):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)], env={"COLUMNS": "120"})


def test_the_example_is_what_the_data_set_gives():
    assert pl.read_csv(EXAMPLE).equals(arithmetic(datasets.load("pythia_arithmetic").scores))


def test_its_sentences_are_ones_that_a_newcomer_understands():
    ran = run("--example", "--json")
    rows = json.loads(ran.stdout)
    said = " ".join(f"{row['sentence']} {row['plan']}" for row in rows)
    assert "no jump is found, and none of any height would be found with 80 % power." in said
    assert "Scoring the same answers with partial credit costs nothing: save the samples." in said
    shown = " ".join(run("--example").stdout.split())
    assert "3 jump with only one metric at hand" in shown
    assert words.JUMPS in shown


def test_verdicts_do_not_hang_on_the_seed():
    # 16 shots: p is .05, to within what 40 000 draws tell, and few draws gave either verdict.
    verdicts = {}
    for seed in range(4):
        for row in audit(EXAMPLE, seed=seed).verdicts.iter_rows(named=True):
            verdicts.setdefault((row["task"], row["protocol"]), set()).add(row["verdict"])
    assert all(len(one) == 1 for one in verdicts.values()), verdicts
    assert verdicts["addition", "shots 16"] == {"undecided"}


def test_a_zero_above_a_model_with_15_right_of_5000_is_no_lack_of_items():
    (row,) = [
        row
        for row in json.loads(run("--example", "--json").stdout)
        if (row["task"], row["protocol"]) == ("addition", "shots 0")
    ]
    assert row["verdict"] == "undecided"


def test_the_example_is_audited_without_a_path(tmp_path):
    ran = run("--example", "--json", "--out", tmp_path / "report")
    assert ran.exit_code == 0, ran.output
    rows = json.loads(ran.stdout)
    assert {row["task"] for row in rows} == {"addition", "multiplication"}
    assert {row["protocol"] for row in rows} == {f"shots {n}" for n in (0, 2, 4, 8, 16)}
    assert {row["n_models"] for row in rows} == {7}
    report = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert '"files":["pythia-arithmetic.csv"]' in report  # and not where this machine keeps it


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_without_logs_or_example_the_command_says_what_it_expects(arguments):
    ran = run(*arguments)
    assert ran.exit_code == 2
    assert "expected files or folders of logs" in " ".join(ran.output.replace("│", " ").split())
