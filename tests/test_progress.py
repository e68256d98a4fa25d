"""Progress is a log of whole lines, or a bar, or nothing."""

import io

import pytest
from rich.console import Console

from mirage import progress
from mirage.progress import Step, bars, read, track


@pytest.fixture
def log(tmp_path, monkeypatch):
    path = tmp_path / "run.log"
    monkeypatch.setenv("MIRAGE_PROGRESS", str(path))
    return path


def test_log_has_a_line_per_step(log):
    with track("toy", 2) as advance:
        advance("w = 1, loss 2.100")
        assert [step.done for step in read(log)] == [0, 1], "readable while it runs"
        advance("w = 2")
    steps = read(log)
    assert [(s.family, s.done, s.total, s.current) for s in steps] == [
        ("toy", 0, 2, ""),
        ("toy", 1, 2, "w = 1, loss 2.100"),
        ("toy", 2, 2, "w = 2"),
    ]
    assert steps[0].seconds <= steps[1].seconds <= steps[2].seconds


def test_nothing_to_do_is_no_step(log):
    with track("toy", 0):
        pass
    assert read(log) == []


def test_half_a_line_waits_for_the_next_time(log):
    with track("toy", 1):
        pass
    whole = log.read_bytes()
    log.write_bytes(whole + whole[:-5])
    assert len(read(log)) == 1
    log.write_bytes(whole + whole)
    assert len(read(log)) == 2


def test_remaining_time_by_hand():
    # 2 of 5 in 10 s: 5 s each, three to go.
    assert Step("toy", done=2, total=5, current="", seconds=10.0).remaining == 15.0
    assert Step("toy", done=0, total=5, current="", seconds=10.0).remaining is None
    assert Step("toy", done=5, total=5, current="", seconds=10.0).remaining == 0.0


def test_bar_shows_model_count_and_time_left():
    screen = Console(file=io.StringIO(), force_terminal=True, width=120)
    with bars(screen) as show:
        show(Step("LeNet", done=2, total=5, current="w = 2, loss 0.300", seconds=60.0))
    drawn = screen.file.getvalue()
    for part in ("LeNet", "2/5", "w = 2, loss 0.300", "1:30 left"):  # 30 s each, three to go
        assert part in drawn


def test_without_a_terminal_nothing_is_drawn(monkeypatch, capsys):
    monkeypatch.delenv("MIRAGE_PROGRESS", raising=False)
    with track("toy", 1) as advance:
        advance("w = 1")
    assert capsys.readouterr().err.strip() == ""


def test_failure_leaves_the_steps_that_were(log):
    def fail_after_one():
        with track("toy", 2) as advance:
            advance("one")
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        fail_after_one()
    assert [step.done for step in read(log)] == [0, 1]


def test_absent_log_is_no_progress(tmp_path):
    assert progress.read(tmp_path / "no.log") == []
