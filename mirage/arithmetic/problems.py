"""Problems as rows of characters, and which of them a model is trained on.

A problem is written ``54+04=58`` and ended by a line break; each character is a token. Operands
are padded to all digits of their task, so that the position of a digit gives its value.

Sums are written as one reads them. Products are written from their last digit, ``54*04=612`` for
216, because each digit then depends only on what stands before it (Lee et al. 2023). Written as
one reads them, 9 031 products are memorised and not learned: at a width of 96, trials with 11
schedules reached an exact match of 1.00 on trained four-digit products and of at most .28 on
held-out ones. :func:`decode` returns every answer as one reads it, and no metric of whole answers
changes when both strings are reversed.

References
----------
N. Lee et al. (2023), Teaching Arithmetic to Small Transformers. https://arxiv.org/abs/2307.03381
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mirage.arithmetic import tasks
from mirage.arithmetic.tasks import Task

CHARACTERS = "0123456789+*=\n"  # a token is an index into these; a digit is its own token
END = CHARACTERS.index("\n")
_CODE = np.frombuffer(CHARACTERS.encode(), np.uint8)

# Addition has 10⁸ problems: 200 000 to train on, of which none is seen twice in 3 000 steps of 64,
# and 100 000 to test on. Of the 10 000 products one in twenty is held out, in both orders.
N_TRAIN, N_HELD_OUT = 200_000, 100_000


@dataclass(frozen=True)
class Problems:
    """The problems of a task, split; ``digest`` stands for their content in a sweep.

    Parameters
    ----------
    task : Task
    train, held_out : ndarray of int64, shape (problems, 2)
        Operands. No problem is in both, nor is a∘b in one and b∘a in the other.
    """

    task: Task
    train: np.ndarray
    held_out: np.ndarray

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the task's name and both splits."""
        parts = (self.task.name.encode(), self.train.tobytes(), self.held_out.tobytes())
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    @property
    def description(self) -> str:
        """What a caption says of them."""
        return (
            f"{self.task.name}, {len(self.train)} problems to train on, "
            f"{len(self.held_out)} held out"
        )

    def split(self, name: str) -> np.ndarray:
        """Return the problems of ``"train"`` or ``"held-out"``."""
        if name not in SPLITS:
            raise ValueError(f"split: found {name!r}, expected one of {', '.join(SPLITS)}")
        return self.train if name == "train" else self.held_out


SPLITS = ("train", "held-out")


def load(task_name: str, seed: int = 0) -> Problems:
    """Draw the problems of a task and split them by unordered pair of operands.

    Parameters
    ----------
    task_name : str
        A key of ``mirage.arithmetic.tasks.TASKS``.
    seed : int
        Of the draw and the split. All models of a family share one split.

    Returns
    -------
    Problems
        Every problem of a task that has no more than 300 000, else as many drawn at random.

    Notes
    -----
    95 × 45 and 45 × 95 are one pair: were one of them to be trained on and the other tested, the
    test would be of memory. Every pair is held out, or trained on, in both orders.

    Examples
    --------
    >>> data = load("two-digit-multiplication")
    >>> data.description
    'two-digit-multiplication, 9031 problems to train on, 969 held out'
    """
    task = tasks.get(task_name)
    rng = np.random.default_rng(seed)
    drawn = tasks.sample(task, min(task.n_problems, N_TRAIN + N_HELD_OUT), rng)
    n_pairs = N_HELD_OUT if len(drawn) < task.n_problems else len(drawn) // 20
    pair = drawn.min(axis=1) * task.n_operands + drawn.max(axis=1)
    held_out = np.isin(pair, pair[:n_pairs])
    return Problems(task, drawn[~held_out], drawn[held_out])


class Encoded(NamedTuple):
    """Problems as tokens.

    Attributes
    ----------
    tokens : ndarray of uint8, shape (problems, characters)
        ``54*04=612``, and line breaks up to the length of the longest problem and its end.
    answer : ndarray of bool, shape (problems, characters − 1)
        Whether the *next* character belongs to the answer or is the first end after it.
    """

    tokens: np.ndarray
    answer: np.ndarray


def n_positions(task: Task) -> int:
    """Return the tokens that a model of the task reads at most: all but the end.

    Examples
    --------
    >>> n_positions(tasks.get("four-digit-addition"))
    15
    """
    return n_read(task) + task.target_lengths[-1]


def n_read(task: Task) -> int:
    """Return the tokens of a question, up to the equals sign.

    Examples
    --------
    >>> n_read(tasks.get("four-digit-addition"))
    10
    """
    return 2 * task.n_digits + 2


def from_last_digit(task: Task) -> bool:
    """Return whether the answers of a task are written from their last digit: products are."""
    return task.symbol == "*"


def encode(task: Task, problems: np.ndarray) -> Encoded:
    """Write problems with their answers as tokens.

    Parameters
    ----------
    task : Task
    problems : ndarray of int, shape (problems, 2)

    Returns
    -------
    Encoded

    Examples
    --------
    >>> tokens, answer = encode(tasks.get("two-digit-multiplication"), np.array([[54, 4]]))
    >>> tokens[0].tolist()
    [5, 4, 11, 0, 4, 12, 6, 1, 2, 13, 13]
    >>> answer[0].astype(int).tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    """
    answers = task.answer(*problems.T)
    places = np.arange(task.target_lengths[-1] + 1)  # of the answer, its end included
    n_digits = (np.maximum(answers, 1)[:, None] >= 10 ** places[:-1]).sum(axis=1)[:, None]
    power = places if from_last_digit(task) else n_digits - 1 - places  # of ten, at each place
    digits = answers[:, None] // 10 ** np.maximum(power, 0) % 10
    digits = np.where(places < n_digits, digits, END)
    symbol, equals = (np.full((len(problems), 1), CHARACTERS.index(c)) for c in (task.symbol, "="))
    operands = (problems[:, :, None] // 10 ** np.arange(task.n_digits)[::-1]) % 10
    parts = (operands[:, 0], symbol, operands[:, 1], equals, digits)
    tokens = np.concatenate(parts, axis=1).astype(np.uint8)
    before = np.zeros((len(problems), n_read(task) - 1), bool)
    return Encoded(tokens, np.concatenate([before, places <= n_digits], axis=1))


def decode(task: Task, tokens: np.ndarray) -> list[str]:
    """Return answers as text, as one reads them.

    Parameters
    ----------
    task : Task
        Decides in which order the digits were written.
    tokens : ndarray of int, shape (rows, characters)
        What follows the equals sign; a row ends at its first line break.

    Returns
    -------
    list of str

    Examples
    --------
    >>> rows = np.array([[6, 1, 2, 13, 5], [13, 13, 13, 13, 13]])
    >>> decode(tasks.get("two-digit-multiplication"), rows)
    ['216', '']
    """
    codes = np.ascontiguousarray(_CODE[tokens])
    texts = [row.tobytes().partition(b"\n")[0].decode() for row in codes]
    return [text[::-1] for text in texts] if from_last_digit(task) else texts


def stratify(data: Problems, n_items: int, lengths: Sequence[int] | None = None) -> Problems:
    """Keep of each split no more than the first so many problems of each target length.

    Parameters
    ----------
    data : Problems
    n_items : int
        At least 1.
    lengths : sequence of int, optional
        Target lengths to keep at all; by default all.

    Returns
    -------
    Problems
        Problems in their order; short answers, rare among problems drawn at random, all stay.

    Raises
    ------
    ValueError
        ``n_items`` is below 1, or a split has no problem of these lengths.

    Examples
    --------
    >>> from mirage.arithmetic import problems
    >>> data = stratify(problems.load("two-digit-multiplication"), 100)
    >>> answers = data.task.answer(*data.train.T).astype(str)
    >>> np.unique(np.char.str_len(answers), return_counts=True)[1].tolist()
    [100, 100, 100, 100]
    """
    if n_items < 1:
        raise ValueError(f"n_items: found {n_items}, expected at least 1 of each target length")
    kept = data.task.target_lengths if lengths is None else lengths
    train, held_out = (_first(data, split, n_items, kept) for split in SPLITS)
    return replace(data, train=train, held_out=held_out)


def _first(data: Problems, split: str, n_items: int, lengths: Sequence[int]) -> np.ndarray:
    problems = data.split(split)
    found = np.char.str_len(data.task.answer(*problems.T).astype(str))
    kept = np.sort(np.concatenate([np.flatnonzero(found == n)[:n_items] for n in lengths]))
    if not len(kept):
        raise ValueError(
            f"lengths: found {list(lengths)}, expected one of {np.unique(found).tolist()}, "
            f"which {data.task.name} has ({split})"
        )
    return problems[kept]
