"""The paper's arithmetic protocol for any language model: from questions to two tables.

Few-shot questions go to each model at each temperature (Figs 3 and 4: two shots, temperatures 0 and
1), and a further request asks for the log-likelihood of the right answer. Every answer is written
at once to a journal (:mod:`mirage.evaluation.journal`), so that no question is asked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl

from mirage.arithmetic import problems, tasks
from mirage.evaluation import journal, messages, results
from mirage.evaluation.messages import Answer, Request
from mirage.formatting import printable
from mirage.progress import track


class Model(Protocol):
    """A model that answers requests: a checkpoint, or a model on a server."""

    name: str
    family: str
    n_params: int
    identity: str

    def answer(self, requests: Iterable[Request], record: Callable[..., None]) -> None:
        """Pass the answer to each request to ``record`` as soon as it arrives."""


@dataclass(frozen=True)
class Questions:
    """The questions that every model gets on one task.

    Parameters
    ----------
    task : str
        A key of ``mirage.arithmetic.tasks.TASKS``.
    n_items : int
        Problems, none twice; the first of them are the same for every ``n_items``.
    shots : int
        Solved problems before each, drawn anew for each; the paper has 2.
    temperatures : tuple of float
        The paper's are 0 and 1.
    held_out : bool
        Only problems that the family of this book was not trained on.
    max_tokens : int
        What a model may write: six digits and a comma, one token each, and room for more, since
        going on after the answer is an error that the token edit distance counts.
    seed : int
        Draws the problems, the solved ones and the sampling noise.

    Raises
    ------
    ValueError
        There is no such task, or not so many problems.
    """

    task: str
    n_items: int = 1000
    shots: int = 2
    temperatures: tuple[float, ...] = (0.0, 1.0)
    held_out: bool = False
    max_tokens: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the options."""
        limit = tasks.get(self.task).n_problems
        if self.held_out:
            limit = len(problems.load(self.task).held_out)
        for name, value, low, high in (
            ("n_items", self.n_items, 1, limit),
            ("shots", self.shots, 0, 100),
            ("max_tokens", self.max_tokens, 1, 10_000),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name}: found {value}, expected {low} to {high}")
        if wrong := [t for t in self.temperatures if not 0 <= t < float("inf")]:
            raise ValueError(f"temperature: found {wrong[0]}, expected 0 or more")


class Item(NamedTuple):
    """A problem with its prompt.

    Attributes
    ----------
    prompt : str
        With its solved problems.
    target : str
        The right continuation.
    answer : str
        The digits in it.
    """

    prompt: str
    target: str
    answer: str


def items(questions: Questions) -> list[Item]:
    """Draw the problems and write their prompts.

    Parameters
    ----------
    questions : Questions

    Returns
    -------
    list of Item
        ``n_items``; item i depends on the seed and i alone.

    Examples
    --------
    >>> items(Questions("two-digit-multiplication", n_items=2, shots=0))[1]
    Item(prompt='\\n\\nQ: What is 63 times 69?\\n\\nA:', target=' 4347', answer='4347')
    """
    task, n = tasks.get(questions.task), questions.n_items
    if questions.held_out:
        pairs = problems.load(questions.task).held_out[:n].tolist()
    else:
        rng, drawn = np.random.default_rng(questions.seed), {}
        while len(drawn) < n:
            drawn[divmod(int(rng.integers(task.n_problems)), task.n_operands)] = None
        pairs = list(drawn)
    found = []
    for i, (a, b) in enumerate(pairs):
        prompt = task.prompt(a, b, questions.shots, np.random.default_rng([questions.seed, i]))
        found.append(Item(prompt, task.completion(a, b), str(task.answer(a, b))))
    return found


def evaluate(models: Sequence[Model], asked: Sequence[Questions], out: Path) -> pl.DataFrame:
    """Send every model the questions without an answer so far, and write the outcomes.

    Parameters
    ----------
    models : sequence of Model
        Asked one after the other.
    asked : sequence of Questions
        One per task.
    out : Path
        The outcomes, as parquet. Rows of other models and questions in it stay.
        The journal lies beside it, with the ending ``.jsonl``.

    Returns
    -------
    polars.DataFrame
        The content of ``out``: one row per model, task, temperature and item, with the columns of
        :func:`mirage.evaluation.results.outcomes`.

    Raises
    ------
    MirageError
        Another run writes to the same file, or a server is gone; what was answered is kept.
    DataError
        A file of another kind lies where the outcomes or the journal go; nothing has been asked.

    Notes
    -----
    A question that failed is a row with its ``error``; the next run asks it again.
    """
    results.check_replaceable(out)
    drawn = [(questions, items(questions)) for questions in asked]
    with journal.opened(out.with_suffix(".jsonl")) as answers:
        for model in models:
            wanted = {r.key: r for q, rows in drawn for r in _requests(model, q, rows)}
            todo = [request for key, request in wanted.items() if not answers.finished(key)]
            with track(model.name, len(todo)) as advance:

                def record(*new: Answer, advance: Callable[[str], None] = advance) -> None:
                    answers.record(*new)
                    for answer in new:
                        advance(printable(answer.error or answer.completion or ""))

                if todo:
                    model.answer(todo, record)
        rows = [row for m in models for q, rows in drawn for row in _rows(m, q, rows, answers)]
        table = results.replaced(out, results.outcomes(rows))
        results.write(table, out)
    return table


def _requests(model: Model, questions: Questions, rows: Sequence[Item]) -> Iterator[Request]:
    """Yield, item by item, a request per temperature and one for the log-likelihood."""
    for i, item in enumerate(rows):
        seed = int(np.random.SeedSequence([questions.seed, i]).generate_state(1)[0] >> 1)
        for temperature in (*questions.temperatures, None):
            # The key holds all that the answer depends on, and no more.
            if temperature is None:
                what, parts = "log-likelihood", (item.target,)
            else:
                what, parts = (
                    f"at {temperature:g}",
                    (questions.max_tokens, seed * (temperature > 0)),
                )
            key = messages.key(
                f"{model.name}, {questions.task} {i}, {what}",
                *(model.identity, item.prompt, temperature, *parts),
            )
            yield Request(key, item.prompt, item.target, temperature, seed, questions.max_tokens)


def _rows(
    model: Model, questions: Questions, rows: Sequence[Item], answers: journal.Journal
) -> Iterator[dict]:
    """Yield a row of the outcomes per item and temperature, with no metric yet."""
    requests = list(_requests(model, questions, rows))
    per_item = len(questions.temperatures) + 1
    for i, item in enumerate(rows):
        *written, scored = (
            answers.answers[r.key] for r in requests[i * per_item : (i + 1) * per_item]
        )
        for temperature, answer in zip(questions.temperatures, written, strict=True):
            yield {
                "family": model.family,
                "model": model.name,
                "n_params": model.n_params,
                "task": questions.task,
                "item": i,
                "target_length": len(item.answer),
                "seed": questions.seed,
                "split": "held-out" if questions.held_out else "all",
                "shots": questions.shots,
                "temperature": temperature,
                "prompt": item.prompt,
                "target": item.answer,
                "completion": answer.completion,
                "log_likelihood": scored.log_likelihood,
                "reason": scored.reason or scored.error,
                "error": answer.error,
            }
