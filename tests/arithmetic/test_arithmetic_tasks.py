"""Arithmetic tasks: GPT-3's wording, the problems, prompts, and answers read from completions."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mirage.arithmetic import tasks
from mirage.arithmetic.tasks import TASKS

names = st.sampled_from(sorted(TASKS))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("name", "a", "b", "question", "completion"),
    [  # lines of GPT-3's own files
        ("two-digit-multiplication", 54, 4, "\n\nQ: What is 54 times 4?\n\nA:", " 216"),
        ("two-digit-multiplication", 25, 0, "\n\nQ: What is 25 times 0?\n\nA:", " 0"),
        ("four-digit-addition", 9923, 617, "\n\nQ: What is 9923 plus 617?\n\nA:", " 10540"),
    ],
)
def test_the_wording_is_that_of_gpt_3(name, a, b, question, completion):
    assert TASKS[name].question(a, b) == question
    assert TASKS[name].completion(a, b) == completion


@pytest.mark.skipif("MIRAGE_DATA" not in os.environ, reason="needs GPT-3's task files")
@pytest.mark.parametrize("name", TASKS)
def test_every_line_of_gpt_3s_files_is_said_alike(name):
    file = Path(os.environ["MIRAGE_DATA"], "llm/gpt3_tasks", name.replace("-", "_") + ".jsonl")
    if not file.exists():
        pytest.skip(f"{file.name} is not in $MIRAGE_DATA")
    for line in file.read_text().splitlines():
        item = json.loads(line)
        a, b = map(int, re.findall(r"\d+", item["context"]))
        assert max(a, b) < TASKS[name].n_operands
        assert TASKS[name].question(a, b) == item["context"]
        assert TASKS[name].completion(a, b) == item["completion"]


def test_target_lengths_are_those_of_the_paper():
    # 99 · 99 = 9801 has four digits, 9999 + 9999 = 19998 has five.
    assert list(TASKS["two-digit-multiplication"].target_lengths) == [1, 2, 3, 4]
    assert list(TASKS["four-digit-addition"].target_lengths) == [1, 2, 3, 4, 5]


@given(names, st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_drawn_problems_differ_and_lie_in_the_task(name, n, seed):
    drawn = tasks.sample(TASKS[name], n, rng(seed))
    assert drawn.shape == (n, 2)
    assert len(np.unique(drawn, axis=0)) == n
    assert ((drawn >= 0) & (drawn < TASKS[name].n_operands)).all()


def test_all_problems_can_be_drawn():
    drawn = tasks.sample(TASKS["two-digit-multiplication"], 10_000, rng())
    assert len(np.unique(drawn, axis=0)) == 10_000


@given(names, st.integers(0, 4), st.integers(0, 2**32 - 1), st.data())
def test_a_prompt_is_solved_questions_and_then_the_question(name, shots, seed, data):
    task = TASKS[name]
    a, b = (data.draw(st.integers(0, task.n_operands - 1)) for _ in "ab")
    prompt = task.prompt(a, b, shots, rng(seed))
    assert prompt.endswith(task.question(a, b))
    shown = prompt.removesuffix(task.question(a, b))
    pattern = r"\n\nQ: What is (\d+) (?:plus|times) (\d+)\?\n\nA: (\d+)"
    solved = [tuple(map(int, found)) for found in re.findall(pattern, shown)]
    assert len(solved) == len(set(solved)) == shots
    assert all(task.answer(x, y) == z and (x, y) != (a, b) for x, y, z in solved)


def test_the_problem_itself_is_never_among_the_solved_ones():
    task = tasks.Task("one-digit-addition", "+", 1)  # 100 problems: 99 shots must be the others
    assert "What is 3 plus 4?\n\nA: 7" not in task.prompt(3, 4, 99, rng())
    assert task.prompt(3, 4, 99, rng()).count("Q:") == 100


@given(
    names, st.data(), st.sampled_from(["", ".", "\n", "\n\nQ: What is 1 plus 1?\n\nA: 2", " \n"])
)
def test_what_a_model_adds_after_the_line_is_left_out(name, data, rest):
    a, b = (data.draw(st.integers(0, TASKS[name].n_operands - 1)) for _ in "ab")
    assert tasks.parse(TASKS[name].completion(a, b) + rest) == str(TASKS[name].answer(a, b))


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("\n\n 216", "216"),  # the line breaks before it are none of the answer
        (" 1,234,567", "1234567"),
        (" 1,23", "1,23"),  # no group of three digits
        (" 216 because", "216 because"),
        ("", ""),
    ],
)
def test_an_answer_is_read_from_a_completion(completion, answer):
    assert tasks.parse(completion) == answer


@given(st.text())
def test_parsing_twice_changes_nothing_more_than_a_full_stop(text):
    once = tasks.parse(text)
    assume(not once.endswith("."))
    assert tasks.parse(once) == once


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="found 'x', expected one of two-digit-multiplication"):
        tasks.get("x")
    with pytest.raises(ValueError, match="n: found 10001"):
        tasks.sample(TASKS["two-digit-addition"], 10_001, rng())
    with pytest.raises(ValueError, match="shots: found -1"):
        TASKS["two-digit-addition"].prompt(1, 2, -1, rng())
