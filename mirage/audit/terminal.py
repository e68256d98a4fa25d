"""An audit on a terminal: one sentence, then the abilities worth a look, as wide as the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mirage.audit.words import JUMPS, VERDICTS, chance_unknown, spark
from mirage.formatting import printable

if TYPE_CHECKING:
    from rich.console import Console


MOST = 20  # abilities shown without --all
NARROW = 100  # columns below which only the sentence is shown beside the name


@contextmanager
def bar(console: Console) -> Iterator[Callable[[str, int, int], None] | None]:
    """Draw a progress bar while an audit runs, which then disappears.

    Parameters
    ----------
    console : rich.console.Console
        Where to, usually stderr; where it is no terminal nothing is drawn.

    Yields
    ------
    callable or None
        ``progress(stage, n_done, n_parts)``, for `mirage.audit.audit`.
    """
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("files read", total=None)

        def progress(stage: str, n_done: int, n_parts: int) -> None:
            bars.update(task, description=stage, completed=n_done, total=n_parts)

        yield progress


def show(audit: Any, console: Console, every: bool = False) -> None:
    """Print an audit.

    Parameters
    ----------
    audit : Audit
        What was found.
    console : rich.console.Console
        Where to; its width decides what is shown.
    every : bool
        Show all abilities, not the first `MOST` alone.
    """
    from rich.table import Column, Table
    from rich.text import Text

    console.print(Text(audit.summary, style="bold"))
    abilities = zip(audit.verdicts.to_dicts(), audit.shades, audit.evidence, strict=True)
    rows = [row | {"kind": kind, "evidence": one} for row, kind, one in abilities]
    interesting = [row for row in rows if row["kind"] not in ("", "flat", "never-above-chance")]
    shown = rows if every else (interesting or rows)[:MOST]
    wide = console.width >= NARROW
    columns = [Column("ability", overflow="fold", ratio=2)]
    columns += [Column("curve", no_wrap=True)] * wide
    columns += [Column("verdict", no_wrap=wide, overflow="fold", max_width=None if wide else 13)]
    columns += [Column("what the data say", overflow="fold", ratio=5)]
    table = Table(*columns, expand=True, show_lines=not wide)
    for row in shown:
        name = ", ".join(filter(None, (row["family"], row["task"], row["protocol"])))
        scores = row["evidence"].findings[0].curve.y.tolist() if row["evidence"] else []
        curve = [Text(spark(scores))] * wide
        why = " ".join(filter(None, (row["sentence"] or row["note"], row["plan"])))
        cells = (printable(name), *curve, VERDICTS[row["kind"]], printable(why))
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))
    if shown:
        console.print(table)
    if len(shown) < len(rows):
        left = len(rows) - len(shown)
        console.print(Text(f"{left} more with --all, in verdicts.csv and in the report"))
    if "jump" in audit.kinds:
        console.print(Text(JUMPS))
    if unknown := chance_unknown(audit.without_chance):
        console.print(Text(printable(unknown)))
