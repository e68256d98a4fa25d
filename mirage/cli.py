"""The command line: ``mirage audit``, ``data …``, ``arithmetic …``, ``run``, ``book``.

Commands import what they need when they run, so that ``mirage --help`` is quick.
"""

import errno
import io
import logging
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mirage.audit.cli import audit
from mirage.evaluation.cli import Profile
from mirage.evaluation.cli import app as arithmetic
from mirage.files import DataError, MirageError, NetworkError
from mirage.formatting import printable, remedy
from mirage.processes import Backend

# Help without rich: its import takes longer than all else that `mirage --help` does.
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
data = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data, name="data", help="List, download and verify the data sets.")
_NEEDS = "" if find_spec("openai") else f" Needs, {remedy('llm')}."
app.add_typer(
    arithmetic,
    name="arithmetic",
    short_help=f"Evaluate any model on the paper's arithmetic.{_NEEDS}",
    help=f"Evaluate any model on the paper's arithmetic tasks; export our models.{_NEEDS}",
)
app.command("audit", short_help="Judge every ability in evaluation logs.")(audit)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
# An installed package has no notebooks: there is nothing to run or to build then.
_IN_CLONE = (Path(__file__).parents[1] / "notebooks").is_dir()


def _print_version(wanted: bool) -> None:
    if wanted:
        from mirage import __version__

        typer.echo(f"mirage {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the traceback of an error ($MIRAGE_DEBUG=1 does too)."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print it and exit."
        ),
    ] = False,
) -> None:
    """Are emergent abilities a mirage? Rebuild the paper's figures; ask the same of your results.

    Example: mirage data list
    """
    if debug:
        os.environ["MIRAGE_DEBUG"] = "1"
    for variable in ("MIRAGE_DATA", "MIRAGE_CACHE"):
        if chosen := os.environ.get(variable):
            # Notebooks run in other folders: a relative path must mean the same there.
            os.environ[variable] = str(Path(chosen).expanduser().resolve())


def main() -> None:
    """Run the command line; a :class:`MirageError` is one line on stderr and exit code 1."""
    for stream in (sys.stdout, sys.stderr):  # a console that knows no é shows a question mark
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # Commands say in a line of their own what data were used; notebooks and scripts log it.
    logging.getLogger("mirage.datasets").setLevel(logging.ERROR)
    try:
        app()
    except MirageError as error:
        if os.environ.get("MIRAGE_DEBUG"):
            raise
        _complain(f"error: {error}")
        sys.exit(1)
    except OSError as error:
        if error.errno not in _NO_ROOM or error.filename or os.environ.get("MIRAGE_DEBUG"):
            raise
        _complain(f"error: cannot write the output: {error.strerror}")
        # What is left in the buffer would fail again as Python ends, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
        sys.exit(1)
    except ModuleNotFoundError as error:
        extra = extra_of(error.name or "")
        if os.environ.get("MIRAGE_DEBUG") or not extra:
            raise
        _complain(
            f"error: the package {error.name} is not installed, and this command needs it; "
            f"{remedy(extra)}"
        )
        sys.exit(1)


def extra_of(module: str) -> str | None:
    """Return the first extra of the package that brings a module; None if no extra does.

    Examples
    --------
    >>> extra_of("dask.distributed"), extra_of("no_such_module")
    ('cluster', None)
    """
    import re
    from importlib.metadata import requires

    name = module.partition(".")[0].lower()
    name = "pillow" if name == "pil" else name
    for line in requires("mirage-book") or ():
        match = re.match(r"([\w.-]+).*extra == ['\"](\w+)", line)
        if match and match[1].lower().replace("-", "_") == name:
            return match[2]
    return None


def _complain(message: str) -> None:
    """Print one line to stderr; names of files and models in it cannot move the cursor."""
    typer.echo(f"mirage: {printable(message)}", err=True)


@data.command("list", short_help="List the data sets and where they are.")
def list_() -> None:
    """List the data sets: size, source, licence, location, and state of the checksum.

    Example: mirage data list
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from mirage.datasets import data_directory, states

    title = escape(f"embedded, or in {data_directory()}")
    name = Column("name", no_wrap=True)
    table = Table(name, "size", "source", "licence", "checksum", title=title)
    found = states()
    for one in found:
        size = f"{one.file.n_bytes / 1e6:.1f} MB" if one.file else ""
        state = "verified" if one.file else "WRONG" if one.fault else "no file"
        table.add_row(one.spec.name, size, one.source, escape(one.spec.licence), state)
    Console().print(table)
    for one in found:
        typer.echo(f"{one.spec.name}: {one.spec.origin}")
    for one in found:
        if one.fault:
            _complain(one.fault)


@data.command(short_help="Download data sets.")
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Data sets; by default those not embedded.", metavar="NAME"),
    ] = None,
    clone: Annotated[
        Path | None,
        typer.Option(help="bigbench only: a clone of google/BIG-bench instead of a download."),
    ] = None,
) -> None:
    """Download data sets into $MIRAGE_DATA, or else into the cache; verified ones are left alone.

    Example: mirage data fetch cifar100

    Example: mirage data fetch bigbench   (thousands of files; a stopped fetch is resumed)
    """
    from mirage.datasets import REGISTRY, data_directory, download
    from mirage.datasets import fetch as fetch_all

    unknown = [name for name in names or () if name not in REGISTRY]
    if unknown:
        raise typer.BadParameter(
            f"no data set {', '.join(map(repr, unknown))}; there are {', '.join(REGISTRY)}"
        )
    if clone and names != ["bigbench"]:
        raise typer.BadParameter("--clone goes with one data set: bigbench")
    if clone:
        download.fetch_clone(clone, data_directory())
    done = fetch_all(*(names or ()), strict=False)
    for one in done:
        if one.file:
            how = "downloaded" if one.downloaded else "already there"
            how = "embedded" if one.file.source == "embedded" else how
            typer.echo(f"{one.name}: {how} and verified, {one.file.path}")
    if faults := [one.fault for one in done if one.fault]:
        raise NetworkError("; ".join(faults))


@data.command(short_help="Compare every file with its checksum.")
def verify() -> None:
    """Compare every file of the data directory with its checksum; exit with 1 on a difference.

    Example: MIRAGE_DATA=my/data mirage data verify
    """
    from mirage.datasets import data_directory
    from mirage.datasets.directory import verify_directory

    directory = data_directory()
    n_files, faulty = 0, []
    for name, fault in verify_directory(directory):
        typer.echo(printable(f"{name}: {fault or 'ok'}"))
        n_files += 1
        if fault:
            faulty.append(name)
    typer.echo(f"{n_files - len(faulty)} of {n_files} files are as recorded in {directory}")
    if faulty:
        named = ", ".join(faulty[:3]) + (f" and {len(faulty) - 3} more" if faulty[3:] else "")
        raise DataError(
            f"not as recorded in {directory / 'SHA256SUMS'}: {named}; "
            "'mirage data fetch NAME' replaces a data set"
        )


_PROFILE = Annotated[Profile, typer.Option(help="quick: minutes; paper: all sizes and seeds.")]


@app.command(hidden=not _IN_CLONE, short_help="Execute the notebooks that are out of date.")
def run(
    figures: Annotated[
        list[str] | None,
        typer.Argument(help="figure-11, …; all by default.", metavar="[FIGURE]..."),
    ] = None,
    profile: _PROFILE = Profile.quick,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", metavar="NAME=VALUE", help="Value of a notebook parameter."
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; default: the number of cores.")
    ] = None,
    backend: Annotated[Backend | None, typer.Option(help="Where the worker processes run.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Run notebooks that are up to date, too.")
    ] = False,
) -> None:
    """Execute notebooks; unchanged ones are left alone, a failing one does not hide the others.

    Example: mirage run figure-11 --profile paper

    Example: mirage run figure-2 -p length=20   (a page of its own, not in the book)
    """
    from mirage.book import run
    from mirage.book.run import data_of_run, notebooks, parse_parameters, runs_folder

    if jobs:
        os.environ["MIRAGE_JOBS"] = str(jobs)
    if backend:
        os.environ["MIRAGE_BACKEND"] = backend
    try:
        paths = notebooks(figures or ())
        parameters = parse_parameters(paths, parameter or ())
    except LookupError as error:
        raise typer.BadParameter(str(error.args[0])) from None
    _check_source()
    failed = [r for r in _show_run(run.run(paths, profile, parameters, force)) if r.error]
    if failed:
        raise MirageError(f"{len(failed)} of {len(paths)} notebooks failed, see above")
    where = "custom" if parameters else str(profile)
    _say_data(data_of_run(where, paths))
    if not parameters:
        typer.echo(f"results: {runs_folder(where)}; 'mirage book --profile {profile}' shows them")
        return
    from mirage.book import build

    for path in paths:
        page = build.page(runs_folder(where) / path.name)
        typer.echo(f"page: {page}")
        typer.echo(f"notebook: {runs_folder(where) / path.name}")


def _check_source() -> None:
    """Refuse a wrong $MIRAGE_SOURCE once, before every notebook does."""
    from mirage.datasets import SOURCES

    source = os.environ.get("MIRAGE_SOURCE") or "auto"
    if source not in SOURCES:
        raise DataError(
            f"no data source {source!r} ($MIRAGE_SOURCE); expected {', '.join(SOURCES)}"
        )


def _show_run(events) -> list:
    """Draw a bar per family of models and a line per notebook; return the results."""
    from rich.console import Console

    from mirage.book.run import Result
    from mirage.progress import bars

    console, results = Console(stderr=True, soft_wrap=True), []
    with bars(console) as show:
        for name, event in events:
            if event is None:
                console.print(f"[bold]{name}[/] …", highlight=False)
            elif isinstance(event, Result):
                results.append(event)
                how = "unchanged" if not event.seconds else f"ran in {event.seconds:.0f} s"
                how = f"FAILED, {event.error}" if event.error else how
                console.print(f"{name}: {printable(how)}", markup=False, highlight=False)
            else:
                show(event)
    return results


def _say_data(used: dict[str, str]) -> None:
    for name, description in used.items():
        typer.echo(printable(f"data, {name}: {description}"))
    if any(description.startswith("subset") for description in used.values()):
        _complain(
            "a subset of the data was used: claims about the paper's numbers on it may be left "
            "out; 'mirage data fetch' downloads the whole, or $MIRAGE_DATA names its folder"
        )


@app.command(hidden=not _IN_CLONE, short_help="Build the book from executed notebooks.")
def book(
    profile: _PROFILE = Profile.quick,
    readme: Annotated[
        bool, typer.Option("--readme", help="Also write results and picture of README.md.")
    ] = False,
) -> None:
    """Build the book from the executed notebooks of a profile.

    Example: mirage book --profile paper
    """
    from mirage.book import build as pages
    from mirage.book import landing
    from mirage.book.run import ROOT, data_of_run, notebooks, runs_folder, stale

    front, built = pages.build(profile)
    if old := stale(profile):
        _complain(
            f"WARNING: these pages show an earlier run, since something changed: {', '.join(old)}; "
            f"'mirage run --profile {profile}' brings them up to date"
        )
    used = data_of_run(profile)
    _say_data(used)
    if readme:
        from mirage.book import gallery

        executed = [runs_folder(profile) / path.name for path in notebooks()]
        landing.write_readme(ROOT / "README.md", executed, profile, ", ".join(used.values()))
        gallery.write_picture(ROOT / "book" / "_static", executed)
    typer.echo(f"{'built' if built else 'unchanged'}: {front}")
