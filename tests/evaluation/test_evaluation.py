"""The questions, the journal of answers, and the tables made of them."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from mirage import tables
from mirage.arithmetic import family, tasks
from mirage.arithmetic.problems import load
from mirage.evaluation import cli, journal, results
from mirage.evaluation.messages import Answer, first_line
from mirage.evaluation.protocol import Questions, evaluate, items
from mirage.files import DataError, MirageError
from mirage.statistics import wilson_interval

MULTIPLICATION = "two-digit-multiplication"


class Parrot:
    """A model that answers 12 to everything, and says how often it was asked."""

    def __init__(self, name="parrot", fail_after=None):
        self.name, self.family, self.n_params, self.identity = name, "birds", 7, name
        self.fail_after, self.asked = fail_after, []

    def answer(self, requests, record):
        for request in requests:
            if len(self.asked) == self.fail_after:
                raise MirageError("the parrot has flown")
            self.asked.append(request.key)
            if request.temperature is None:
                record(Answer(request.key, log_likelihood=-2.0))
            else:
                record(Answer(request.key, completion=" 12"))


def test_questions_are_the_papers():
    found = items(Questions(MULTIPLICATION, n_items=500))
    assert len({item.prompt.rpartition("Q:")[2] for item in found}) == 500  # none twice
    for item in found:
        *solved, asked = item.prompt.split("\n\nQ: What is ")[1:]
        assert len(solved) == 2
        a, _, b = asked.removesuffix("?\n\nA:").split()
        assert item.target == f" {item.answer}"
        assert int(item.answer) == int(a) * int(b)
        assert not any(text.startswith(f"{a} times {b}?") for text in solved)  # not given away
        for text in solved:
            question, _, answer = text.partition("?\n\nA: ")
            x, _, y = question.split()
            assert int(answer) == int(x) * int(y)


@given(
    st.sampled_from(sorted(tasks.TASKS)), st.integers(1, 30), st.integers(1, 30), st.integers(0, 9)
)
def test_more_items_begin_with_the_same_ones(task, n, more, seed):
    few, many = (items(Questions(task, n_items=k, seed=seed)) for k in (n, n + more))
    assert many[:n] == few


def test_all_problems_can_be_asked():
    found = items(Questions(MULTIPLICATION, n_items=10_000, shots=0))
    assert len({item.prompt for item in found}) == 10_000


def test_held_out_problems():
    task, held_out = tasks.get(MULTIPLICATION), load(MULTIPLICATION).held_out
    found = items(Questions(MULTIPLICATION, n_items=len(held_out), shots=0, held_out=True))
    assert [item.prompt for item in found] == [task.question(a, b) for a, b in held_out]
    with pytest.raises(ValueError, match=f"n_items: found 9999, expected 1 to {len(held_out)}"):
        Questions(MULTIPLICATION, n_items=9999, held_out=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"task": "x"}, "expected one of two-digit-multiplication"),
        ({"n_items": 0}, "n_items: found 0"),
        ({"n_items": 10_001}, "expected 1 to 10000"),
        ({"shots": -1}, "shots: found -1"),
        ({"max_tokens": 0}, "max_tokens: found 0"),
        ({"temperatures": (0.0, -1.0)}, "temperature: found -1"),
        ({"temperatures": (float("nan"),)}, "temperature: found nan"),
    ],
)
def test_questions_that_cannot_be_asked(wrong, message):
    with pytest.raises(ValueError, match=message):
        Questions(**{"task": MULTIPLICATION} | wrong)


@given(st.text())
def test_first_line_keeps_the_answer(text):
    cut = first_line(text)
    assert text.startswith(cut)
    assert tasks.parse(cut) == tasks.parse(text)
    assert "\n" not in cut.lstrip()


@given(st.lists(st.builds(Answer, st.text(), st.none() | st.text(), error=st.none() | st.text())))
def test_journal_returns_the_last_answer_to_each_question(tmp_path_factory, answers):
    path = tmp_path_factory.mktemp("journal") / "a.jsonl"
    with journal.opened(path) as opened:
        for answer in answers:
            opened.record(answer)
    with journal.opened(path) as opened:
        assert opened.answers == {answer.key: answer for answer in answers}
        assert [opened.finished(a.key) for a in opened.answers.values()] == [
            a.error is None for a in opened.answers.values()
        ]


def test_journal_survives_any_cut(tmp_path):
    whole = tmp_path / "whole.jsonl"
    with journal.opened(whole) as opened:
        opened.record(*(Answer(f"é{i}", completion=f" {i}\u2028") for i in range(3)))
    content = whole.read_bytes()
    for n in range(len(content) + 1):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(content[:n])
        n_whole = content[:n].count(b"\n")
        with journal.opened(path) as opened:
            assert len(opened.answers) == n_whole
            opened.record(Answer("new"))
        with journal.opened(path) as opened:  # nothing is glued to half a line
            assert len(opened.answers) == n_whole + 1


def test_journal_names_a_damaged_line(tmp_path, caplog):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"key":"a"}\n{"kex":"b"}\n\xff\n{"key":"c"}\n')
    with journal.opened(path) as opened:
        assert list(opened.answers) == ["a", "c"]
    assert "line 2" in caplog.text
    assert "line 3" in caplog.text


def test_two_runs_at_once(tmp_path):
    out = tmp_path / "a.parquet"
    with (
        journal.opened(tmp_path / "a.jsonl"),
        pytest.raises(MirageError, match=r"another run is writing .*--out"),
    ):
        evaluate([Parrot()], [Questions(MULTIPLICATION, n_items=2)], out)


def test_an_interrupted_run_goes_on(tmp_path):
    questions, out = Questions(MULTIPLICATION, n_items=10), tmp_path / "a.parquet"
    with pytest.raises(MirageError, match="flown"):
        evaluate([Parrot(fail_after=13)], [questions], out)
    assert not out.exists()
    again = Parrot()
    table = evaluate([again], [questions], out)
    assert len(again.asked) == 30 - 13
    assert_frame_equal(table, evaluate([Parrot()], [questions], tmp_path / "b.parquet"))


def test_many_models_and_tasks_share_one_table(tmp_path):
    out = tmp_path / "a.parquet"
    both = [Questions(name, n_items=4) for name in (MULTIPLICATION, "four-digit-addition")]
    evaluate([Parrot("a")], both[:1], out)
    table = evaluate([Parrot("b"), Parrot("c")], both, out)
    assert table.group_by("model", "task").len().height == 1 + 2 * 2
    # The same questions again take the place of the old ones.
    b = Parrot("b")
    b.identity = "another checkpoint of this name"
    assert_frame_equal(evaluate([b], both, out), table)
    assert len(b.asked) == 2 * 4 * 3
    assert_frame_equal(pl.read_parquet(out), table)


def test_the_journal_tells_questions_apart(tmp_path):
    out, parrot = tmp_path / "a.parquet", Parrot()
    base = {"task": MULTIPLICATION, "n_items": 5}
    evaluate([parrot], [Questions(**base)], out)
    for change, n_new in [
        ({}, 0),
        ({"temperatures": (0.0,)}, 0),
        ({"temperatures": (0.0, 0.7)}, 5),
        ({"max_tokens": 5}, 10),  # the log-likelihood does not depend on it
        ({"shots": 1}, 15),
        ({"seed": 1}, 15),
    ]:
        before = len(parrot.asked)
        evaluate([parrot], [Questions(**base | change)], out)
        assert len(parrot.asked) - before == n_new, change


def outcome(item, prediction, target="4275", **other):
    row = {
        **{"family": "f", "model": "m", "n_params": 5, "task": MULTIPLICATION, "seed": 0},
        **{"split": "all", "shots": 2, "temperature": 0.0, "prompt": "…", "log_likelihood": -1.0},
        **{"item": item, "target": target, "target_length": len(target), "reason": None},
        **{"completion": prediction, "error": None if prediction else "500"},
    }
    return row | other


def test_scores_by_hand():
    table = results.outcomes(
        [
            outcome(0, " 4275", log_likelihood=-0.5),
            outcome(1, " 4271", log_likelihood=-2.5),  # one substitution, 3 of 4 right
            outcome(2, " 42751", log_likelihood=-3.0),  # one surplus, 4 of 5 right
            outcome(3, None),  # failed: left out, though its log-likelihood is known
            outcome(4, " 7", target="7"),
        ]
    )
    assert tables.outcomes(table).equals(table)
    scores = results.scores(table)
    assert_frame_equal(tables.scores(scores), scores)
    found = {
        (row["metric"], row["target_length"]): (
            row["score"],
            row["n_items"],
            row["low"],
            row["high"],
        )
        for row in scores.iter_rows(named=True)
    }
    low, high = wilson_interval(2, 4)
    assert found["exact match", None] == (0.5, 4, low, high)
    assert found["exact match", 1] == (1.0, 1, *wilson_interval(1, 1))
    assert found["token accuracy", 4][0] == pytest.approx((1 + 0.75 + 0.8) / 3)
    # Distances 0, 1, 1: mean 2/3, s = √(1/3), t₂(.975) = 4.3027: 2/3 ± 1.4342, cut off at 0.
    distance = found["token edit distance", 4]
    assert distance == pytest.approx((2 / 3, 3, 0.0, 2 / 3 + 4.302653 / 3), rel=1e-6)
    assert found["token edit distance", 1] == (0.0, 1, None, None)  # one item has no spread
    assert found["target log-likelihood", None][:2] == pytest.approx((-8.0 / 5, 5))


def test_a_metric_without_values_has_no_row():
    blank = {"log_likelihood": None, "reason": "no log-probabilities"}
    with pytest.raises(DataError, match="all 1 questions failed, the first with: 500"):
        results.scores(results.outcomes([outcome(0, None, **blank)]))
    table = results.outcomes([outcome(0, "1", **blank)])
    assert "target log-likelihood" not in results.scores(table)["metric"].to_list()


def test_a_foreign_file_is_not_overwritten(tmp_path):
    for name, content in (("a.parquet", b"letters"), ("b.parquet", None)):
        path = tmp_path / name
        path.write_bytes(content) if content else pl.DataFrame({"x": [1]}).write_parquet(path)
        before = path.read_bytes()
        with pytest.raises(DataError, match="is no table of an earlier run"):
            evaluate([Parrot()], [Questions(MULTIPLICATION, n_items=2)], path)
        assert path.read_bytes() == before


def test_a_server_that_does_not_sample_is_named():
    greedy = [outcome(i, " 12") for i in range(20)]
    same = [outcome(i, " 12", temperature=1.0) for i in range(20)]
    other = [*same[:-1], outcome(19, " 13", temperature=1.0)]
    assert results.unsampled(results.outcomes(greedy + same)) == ["m"]
    assert results.unsampled(results.outcomes(greedy + other)) == []
    right = [outcome(i, " 4275", temperature=t) for i in range(20) for t in (0.0, 1.0)]
    assert results.unsampled(results.outcomes(right)) == []  # a perfect model may do the same


def test_export_command(tmp_path, monkeypatch):
    small = family.Profile(widths=(3, 4), n_seeds=1, n_steps=2)
    monkeypatch.setitem(family.PROFILES, "quick", small)
    monkeypatch.setenv("MIRAGE_JOBS", "1")
    ran = CliRunner().invoke(cli.app, ["export", str(tmp_path / "here")])
    assert ran.exit_code == 0, ran.output
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert names == [f"{MULTIPLICATION}-w{width}-seed0" for width in (3, 4)]
    assert (tmp_path / "here" / names[0] / "model.safetensors").exists()
    assert CliRunner().invoke(cli.app, ["export", "x", "--task", "y"]).exit_code == 2


def test_help_teaches_and_is_quick():
    code = """
import sys
from mirage.evaluation.cli import app
heavy = {"torch", "polars", "scipy", "transformers", "openai", "numpy"} & set(sys.modules)
assert not heavy, heavy
app()
"""
    ran = subprocess.run([sys.executable, "-c", code, "evaluate", "--help"], capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
    assert b"Example: mirage arithmetic evaluate" in ran.stdout
    assert b"--server" in ran.stdout


def test_sampling_seeds_differ_between_items(tmp_path):
    seeds = []

    class Spy(Parrot):
        def answer(self, requests, record):
            requests = list(requests)
            seeds.extend(request.seed for request in requests if request.temperature == 1.0)
            super().answer(requests, record)

    evaluate([Spy()], [Questions(MULTIPLICATION, n_items=50)], tmp_path / "a.parquet")
    assert len(set(seeds)) == 50
    assert min(seeds) >= 0
    assert max(seeds) < np.iinfo(np.int32).max
