"""``mirage arithmetic …``: the paper's arithmetic on any model, and our family as checkpoints.

Commands import what they need when they run, so that ``mirage --help`` is quick.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirage.files import MirageError
from mirage.formatting import printable

if TYPE_CHECKING:
    import polars as pl

    from mirage.evaluation.protocol import Model, Questions

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_SCALE = {"": 1, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@app.command(short_help="Evaluate models on the tasks.")
def evaluate(
    task: Annotated[
        list[str], typer.Option(help="Task, e.g. two-digit-multiplication; repeat for more tasks.")
    ],
    model: Annotated[
        list[str],
        typer.Option(
            help="Model: hf:FOLDER, hf:NAME or hf:NAME@REVISION (transformers), or the name of a "
            "model on --server; repeat for more models.",
        ),
    ],
    family: Annotated[
        str | None,
        typer.Option(help="Name of the model family; default: the architecture, or the server."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Table of outcomes; earlier rows are kept.", dir_okay=False)
    ] = Path("arithmetic.parquet"),
    batch: Annotated[int, typer.Option(min=1, help="Batch size of hf: models.")] = 32,
    items: Annotated[int, typer.Option(min=1, help="Number of problems per task.")] = 1000,
    shots: Annotated[
        int, typer.Option(min=0, help="Number of solved problems before each question.")
    ] = 2,
    temperature: Annotated[
        list[float] | None,
        typer.Option(min=0, help="Sampling temperature; repeat for more; default: 0 and 1."),
    ] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Held-out problems of this book's family only.")
    ] = False,
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Maximum number of generated tokens.")
    ] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for problems and sampling.")] = 0,
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of an OpenAI-compatible server, e.g. http://localhost:8000/v1.",
            metavar="URL",
        ),
    ] = None,
    params: Annotated[
        list[str] | None,
        typer.Option(help="Number of parameters of a model on the server.", metavar="NAME=N"),
    ] = None,
    chat: Annotated[
        bool, typer.Option("--chat", help="Use /chat/completions instead of /completions.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Number of simultaneous requests.")] = 8,
    rate: Annotated[
        float | None, typer.Option(min=1e-3, help="Maximum number of requests per second.")
    ] = None,
    retries: Annotated[int, typer.Option(min=0, help="Number of retries of a failed request.")] = 8,
    timeout: Annotated[
        float, typer.Option(min=1e-3, help="Time limit of a request, in seconds.")
    ] = 60.0,
    key_variable: Annotated[
        str, typer.Option(help="Environment variable that holds the API key.", metavar="NAME")
    ] = "OPENAI_API_KEY",
) -> None:
    """Evaluate language models on the paper's arithmetic; print scores with 95 % intervals.

    Each answer is written at once to a journal (.jsonl), all outcomes to OUT,
    and the scores to a file beside it (-scores.parquet).
    You can stop at any time: the same command continues, and asks no question twice.

    Example: mirage arithmetic evaluate --task two-digit-multiplication
    --model hf:EleutherAI/pythia-70m --model hf:EleutherAI/pythia-160m

    Example: mirage arithmetic evaluate --task four-digit-addition
    --server http://localhost:8000/v1 --model NAME --params NAME=8B
    """
    from mirage.evaluation.messages import UnknownModelError
    from mirage.evaluation.protocol import Questions

    options = {
        "n_items": items,
        "shots": shots,
        "temperatures": tuple(dict.fromkeys(temperature or (0.0, 1.0))),
        "held_out": held_out,
        "max_tokens": max_tokens,
        "seed": seed,
    }
    server_options = {
        "chat": chat,
        "api_key": _key(key_variable, server),
        "concurrency": concurrency,
        "rate": rate,
        "retries": retries,
        "timeout": timeout,
    }
    try:
        asked = [Questions(name, **options) for name in dict.fromkeys(task)]
        sizes = dict(_parse_size(text) for text in params or ())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        models = _models(model, family, batch, server, sizes, server_options)
        _run(models, asked, out)
    except UnknownModelError as error:  # which lists names of a server's models
        raise typer.BadParameter(printable(error)) from None


def _key(variable: str, server: str | None) -> str:
    """Read the API key; one that is not valid in an HTTP header is refused, and never printed."""
    key = os.environ.get(variable, "").strip()
    if not all("!" <= character <= "~" for character in key):
        raise typer.BadParameter(
            f"${variable} contains a blank, a line break or a character that is not ASCII; no API "
            "key does, so set it again"
        )
    if key and server:
        from mirage.evaluation.urls import leaks, public_url

        if leaks(server):
            typer.echo(
                f"mirage: {public_url(server)} is plain HTTP, so others on the network can read "
                f"the key in ${variable}; use https",
                err=True,
            )
    return key


class Profile(StrEnum):
    """How much is trained: minutes of it, or all that the paper's figures need."""

    quick = "quick"
    paper = "paper"


@app.command(short_help="Export our models as Hugging Face checkpoints.")
def export(
    folder: Annotated[Path, typer.Argument(help="Output folder; created if it does not exist.")],
    task: Annotated[str, typer.Option(help="Training task of the family.")] = (
        "two-digit-multiplication"
    ),
    profile: Annotated[
        Profile, typer.Option(help="quick: a few sizes; paper: all sizes and seeds.")
    ] = Profile.quick,
) -> None:
    """Export this book's family as Hugging Face checkpoints with their tokenizer.

    Models that are not in the cache are trained first.

    Example: mirage arithmetic export checkpoints --task four-digit-addition
    """
    from mirage.arithmetic import family, tasks
    from mirage.arithmetic.export import export_family

    try:
        tasks.get(task)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    trained = family.train(task, family.PROFILES[profile])
    for path, model in zip(export_family(trained, folder), trained.models, strict=True):
        typer.echo(f"{path}: {model.n_params:,} parameters")


def _parse_size(text: str) -> tuple[str, int]:
    """Read NAME=8B as a name and a number of parameters."""
    name, _, number = text.rpartition("=")
    number = number.strip().upper()
    scale = _SCALE.get(number[-1:], 1)
    try:
        size = round(float(number[:-1] if scale > 1 else number) * scale)
    except (ValueError, OverflowError):
        size = 0
    if not name or size < 1:
        raise ValueError(f"--params: found {text!r}, expected NAME=N, e.g. my-model=8B")
    return name, size


def _models(
    names: list[str],
    family: str | None,
    batch: int,
    server: str | None,
    sizes: dict[str, int],
    options: dict[str, Any],
) -> list[Model]:
    """Create the backend of each model; faults in names are reported before any request."""
    remote = [name for name in names if not name.startswith("hf:")]
    if remote and not server:
        raise typer.BadParameter(
            f"model: found {remote[0]!r}, expected hf:{remote[0]}, or --server URL with it"
        )
    if strange := [name for name in sizes if name not in remote]:
        raise typer.BadParameter(f"--params names {strange[0]!r}, which no --model option requests")
    if unsized := [name for name in remote if name not in sizes]:
        raise typer.BadParameter(
            f"the server does not report the size of {unsized[0]!r}: add --params {unsized[0]}=N"
        )
    models: list[Model] = []
    for name in dict.fromkeys(names):
        if name.startswith("hf:"):
            from mirage.evaluation.huggingface import Checkpoint

            models.append(Checkpoint(name.removeprefix("hf:"), family, batch))
        else:
            from mirage.evaluation.server import Server

            models.append(Server(server, name, sizes[name], family, **options))
    return models


def _run(models: list[Model], asked: list[Questions], out: Path) -> None:
    """Evaluate the models, write both tables, and print the scores of these models."""
    import polars as pl

    from mirage.evaluation import results
    from mirage.evaluation.protocol import evaluate as ask

    path = out.with_name(f"{out.stem}-scores.parquet")
    results.check_replaceable(path)
    table = ask(models, asked, out)
    scores = results.scores(table)
    results.write(scores, path)
    mine = pl.col("model").is_in([m.name for m in models])
    mine &= pl.col("task").is_in([q.task for q in asked])
    _show(table.filter(mine), scores.filter(mine))
    for name in results.unsampled(table.filter(mine)):
        typer.echo(
            f"{printable(name)}: the same answers at every temperature; check that the server "
            "samples"
        )
    for name, n in results.wordy(table.filter(mine)).items():
        typer.echo(
            f"{printable(name)}: {n} answers contain the right number among other words, which is "
            "not an exact match"
        )
    typer.echo(f"outcomes: {out}, scores: {path}")
    failures = table.filter(mine & pl.col("error").is_not_null())
    counts = failures.group_by("model", "error").len(name="n").sort("n", descending=True)
    for model, error, n in counts.head(5).iter_rows():
        typer.echo(f"{printable(model)}: {n} × {printable(error)}", err=True)
    if failed := failures.height:
        raise MirageError(
            f"{failed} questions failed and are left out of the scores (the column 'error' has the "
            "reasons); the same command repeats them"
        )


_METRICS = {
    "exact match": "exact match",
    "edit distance": "token edit distance",
    "target log p": "target log-likelihood",
}


def _show(outcomes: pl.DataFrame, scores: pl.DataFrame) -> None:
    """Print a table for each task, and the reasons for missing values."""
    import polars as pl
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from mirage.formatting import number

    def cell(metric: str) -> str:
        for row in rows.filter(metric=metric).iter_rows(named=True):
            ends = f"[{number(row['low'])}, {number(row['high'])}]" if row["n_items"] > 1 else ""
            return f"{number(row['score'])} {ends}"
        return "–"

    console = Console()
    overall = scores.filter(pl.col("target_length").is_null())
    for (task, split, shots, seed), part in overall.group_by(
        "task", "split", "shots", "seed", maintain_order=True
    ):
        title = f"{task}, {shots}-shot, {split} problems, seed {seed}"
        name = Column("model", overflow="fold")
        size = Column("n_params", no_wrap=True)
        table = Table(name, size, "T", "items", *_METRICS, title=Text(title))
        for (model, n_params, temperature), rows in part.group_by(
            "model", "n_params", "temperature", maintain_order=True
        ):
            n_items = rows.filter(metric="exact match")["n_items"].sum()
            cells = [f"{n_params:,}", f"{temperature:g}", f"{n_items:,}"]
            # Text, not markup: a name may hold brackets.
            table.add_row(Text(printable(model)), *cells, *map(cell, _METRICS.values()))
        console.print(table)
    reasons = outcomes.select("model", "reason").drop_nulls().unique().sort("model", "reason")
    for model, reason in reasons.iter_rows():
        typer.echo(f"{printable(model)}: no log-likelihood: {printable(reason)}")
