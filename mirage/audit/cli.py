"""``mirage audit``: from a folder of logs to verdicts and a report.

What the command needs is imported when it runs, so that ``mirage --help`` is quick.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mirage.files import MirageError
from mirage.processes import Backend

EXAMPLE = Path(__file__).parent / "example" / "pythia-arithmetic.csv"


def audit(
    logs: Annotated[
        list[Path] | None,
        typer.Argument(help="Result files, or folders of them, in any formats.", metavar="LOGS..."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, verdicts.csv and the tables.")
    ] = None,
    x: Annotated[str, typer.Option(help="Scale of the models: n_params or compute.")] = "n_params",
    chance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK=SCORE",
            help="Score of a guess on a task, or on all that match (mmlu_*=0.25); repeat for more.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COLUMN", help="Column of a table: score=acc; repeat for more."),
    ] = None,
    sizes: Annotated[
        Path | None,
        typer.Option(help="File of parameters by model (csv or json), where names do not tell."),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Audit a table that ships: Pythia on arithmetic.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Show every ability.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the verdicts as JSON, and nothing else.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if any file or value cannot be used.")
    ] = False,
    cache: Annotated[
        bool,
        typer.Option(
            "--cache/--no-cache",
            help="Keep results of tests: an audit that was stopped goes on, one of more logs tests "
            "only what is new. $MIRAGE_CACHE names the folder.",
        ),
    ] = True,
    backend: Annotated[
        Backend | None,
        typer.Option(help="Where curves are tested for jumps: here, or on a cluster's workers."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
) -> None:
    """Judge every ability in evaluation logs: is its jump the metric, the test set, or the model?

    Reads logs of lm-evaluation-harness, Inspect, HELM and others, and tables of scores.

    A table needs a column each for model and score, or a column per metric such as acc. Useful
    besides: task, metric, n_params (else read from the model's name), n_items, stderr, chance,
    higher_is_better. One row per model, task and metric.

    \b
    model,task,metric,score,n_items,chance
    pythia-70m,riddles,accuracy,0.26,500,0.25
    pythia-410m,riddles,accuracy,0.31,500,0.25
    pythia-1.4b,riddles,accuracy,0.38,500,0.25

    Jumps are named at p <= 0.05 and q <= 0.25: up to a quarter of those in one table may be false.
    q counts all abilities in the table, so a curve's verdict can change when others join it.

    Example: mirage audit runs/ --out report

    Example: mirage audit scores.csv --x compute --chance riddles=0.25

    Example: mirage audit --example --out report
    """
    from rich.console import Console

    from mirage.audit.run import audit as run
    from mirage.audit.terminal import bar, show
    from mirage.audit.write import refuse_foreign
    from mirage.formatting import CONTROL, counted, printable

    guesses = {name: _score(name, text) for name, text in _pairs("--chance", chance)}
    names = {column: name for name, column in _pairs("--columns", columns)}
    logs = [*(logs or ()), *([EXAMPLE] if example else ())]
    if not logs:
        raise typer.BadParameter("found no LOGS, expected files or folders of logs, or --example")
    if missing := [path for path in logs if not path.exists()]:
        raise typer.BadParameter(f"{missing[0]} does not exist; expected files or folders of logs")
    if out:
        refuse_foreign(out)  # before hours of work, not after
    console = Console(soft_wrap=False)
    options = {"x": x, "chance": guesses, "n_params": sizes, "columns": names, "seed": seed}
    options["backend"] = backend
    try:
        with bar(Console(stderr=True)) as progress:
            found = run(logs, progress=progress, cache=_cache() if cache else None, **options)
    except ValueError as error:
        raise MirageError(str(error)) from None
    # Not asked of the run, which would end at the first fault: here the report says all of them.
    found = replace(found, options=found.options | {"strict": strict})
    # Before anything is printed: a pager that is closed early ends the printing, and the command.
    path = found.report(out) if out else None
    if as_json:
        # Nor may a name in it move a terminal's cursor; as an escape it is the same JSON.
        typer.echo(CONTROL.sub(lambda m: f"\\u{ord(m[0]):04x}", found.verdicts.write_json()))
    else:
        show(found, console, every)
    if path:
        typer.echo(f"report: {path}", err=as_json)
    if found.notes:
        where = path.parent / "summary.md" if path else "with --out FOLDER, in summary.md"
        decisions = counted(len(found.notes), "decision")
        typer.echo(f"{decisions} about the data: {where}", err=as_json)
    for fault in found.faults[:10]:
        typer.echo(f"mirage: {printable(fault)}", err=True)
    if left := len(found.faults[10:]):
        typer.echo(f"mirage: and {left} more, listed in audit.json and the report", err=True)
    if strict and found.faults:
        raise typer.Exit(1)


def _cache() -> Path:
    """The folder in which results of tests are kept: beside those of trained models."""
    import platformdirs

    named = os.environ.get("MIRAGE_CACHE")
    return Path(named or platformdirs.user_cache_dir("mirage"), "audit")


def _pairs(option: str, texts: list[str] | None) -> list[tuple[str, str]]:
    """Split NAME=VALUE at the last equals sign."""
    pairs = []
    for text in texts or ():
        name, equals, value = text.rpartition("=")
        if not equals or not name or not value:
            raise typer.BadParameter(f"{option}: found {text!r}, expected NAME=VALUE")
        pairs.append((name, value))
    return pairs


def _score(name: str, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score < 1:
        raise typer.BadParameter(
            f"--chance {name}: found {text!r}, expected the score of a guess, from 0 to below 1"
        )
    return score
