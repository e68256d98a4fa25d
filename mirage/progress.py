"""Progress of long work: a bar for a person, a log of JSON lines for ``mirage run``.

In a terminal a bar is drawn. Where ``$MIRAGE_PROGRESS`` names a file (``mirage run`` sets it,
because a notebook's kernel has no terminal), each step is appended to that file instead; it stays
beside the run as its log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mirage.formatting import printable

if TYPE_CHECKING:
    from rich.console import Console


class Step(msgspec.Struct, frozen=True):
    """One line of the progress log.

    Parameters
    ----------
    family : str
        What is being worked on, e.g. ``LeNet on MNIST``.
    done, total : int
        Models finished, and models in all.
    current : str
        The model that finished last, with its loss.
    seconds : float
        Since the family began.
    """

    family: str
    done: int
    total: int
    current: str
    seconds: float

    @property
    def remaining(self) -> float | None:
        """Seconds still to go at the pace so far; None before the first model."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


@contextmanager
def track(family: str, total: int) -> Iterator[Callable[[str], None]]:
    """Report progress on ``total`` pieces of work.

    Parameters
    ----------
    family : str
        Title of the bar.
    total : int
        Number of pieces; with 0 nothing is shown.

    Yields
    ------
    callable
        Call it with a description of each finished piece.

    Examples
    --------
    >>> with track("LeNet on MNIST", 2) as advance:
    ...     advance("w = 1, loss 2.1")
    """
    start, done = time.monotonic(), 0
    log = os.environ.get("MIRAGE_PROGRESS")

    def report(current: str) -> None:
        step = Step(family, done, total, current, time.monotonic() - start)
        if log:
            with Path(log).open("ab") as file:
                file.write(msgspec.json.encode(step) + b"\n")
        else:
            show(step)

    def advance(current: str) -> None:
        nonlocal done
        done += 1
        report(current)

    with nullcontext() if log or not total else bars() as show:
        if total:
            report("")
        yield advance


def read(log: Path) -> list[Step]:
    """Read a progress log; the line being written at this moment is left for the next time.

    A damaged line is left out: the next one says as much.

    Parameters
    ----------
    log : Path
        The file ``$MIRAGE_PROGRESS`` named; absent means no progress yet.

    Returns
    -------
    list of Step
        In the order they happened.
    """
    if not log.exists():
        return []
    steps = []
    for line in log.read_bytes().split(b"\n")[:-1]:
        with suppress(ValueError, RecursionError):  # msgspec's errors are ValueErrors
            steps.append(msgspec.json.decode(line, type=Step))
    return steps


@contextmanager
def bars(console: Console | None = None) -> Iterator[Callable[[Step], None]]:
    """Draw one bar per family on a terminal; without one, draw nothing.

    Parameters
    ----------
    console : rich.console.Console, optional
        Default standard error.

    Yields
    ------
    callable
        Shows a :class:`Step`: the bar, the last model with its loss, and the time still to go.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("  {task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[remaining]}  {task.fields[current]}", markup=False),
    )
    tasks = {}
    with Progress(*columns, console=console or Console(stderr=True), transient=True) as progress:

        def show(step: Step) -> None:
            left = step.remaining
            remaining = "" if left is None else f"{left // 60:.0f}:{left % 60:02.0f} left"
            if step.family not in tasks:
                title = printable(step.family)
                tasks[step.family] = progress.add_task(title, remaining="", current="")
            progress.update(
                tasks[step.family],
                total=step.total,
                completed=step.done,
                remaining=remaining,
                current=printable(step.current),
            )

        yield show
