"""Run notebooks: those that are out of date, side by side where that saves time.

Executed notebooks go to ``_build/runs/PROFILE``. What makes one out of date is said in
:mod:`mirage.book.stamp`.
"""

from __future__ import annotations

import hashlib
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirage import progress
from mirage.book import stamp
from mirage.book.execute import Files, execute
from mirage.files import MirageError, locked

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    """How one notebook's run ended.

    Parameters
    ----------
    name : str
        E.g. ``figure-11-mnist``.
    seconds : float
        Wall time; 0 when nothing had changed since the last run.
    error : str
        Last line of the error, empty on success.
    """

    name: str
    seconds: float
    error: str = ""


def notebooks(figures: Sequence[str] = ()) -> list[Path]:
    """Find the notebooks of the book.

    Parameters
    ----------
    figures : sequence of str
        Names or their beginnings up to a hyphen: ``figure-11`` means ``figure-11-mnist``.
        Empty means all.

    Returns
    -------
    list of Path
        In the order of the file names.

    Raises
    ------
    LookupError
        A name fits no notebook; the message lists what there is.
    """
    there = sorted((ROOT / "notebooks").glob("*.ipynb"), key=_natural)
    if not there:
        raise MirageError(f"no notebooks in {ROOT / 'notebooks'}; run from a clone of the book")
    chosen = []
    for figure in figures:
        fits = [p for p in there if p.stem == figure or p.stem.startswith(f"{figure}-")]
        if not fits:
            raise LookupError(
                f"no notebook {figure!r}; there are {', '.join(p.stem for p in there)}"
            )
        chosen += fits
    return [p for p in there if p in chosen] if figures else there


def parse_parameters(
    paths: Sequence[Path], assignments: Sequence[str]
) -> dict[str, int | float | str]:
    """Give parameters from the command line the types that the notebooks declare.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks; each must have each parameter.
    assignments : sequence of str
        Each ``name=value``.

    Returns
    -------
    dict
        Values as int, float, str or bool.

    Raises
    ------
    LookupError
        No such parameter, or a value that is not of its type.
    """
    if not assignments:
        return {}
    import papermill

    truth = {"True": True, "False": False}
    types, values = {"int": int, "float": float, "str": str, "bool": truth.__getitem__}, {}
    if strange := [text for text in assignments if "=" not in text]:
        raise LookupError(f"parameter: found {strange[0]!r}, expected NAME=VALUE")
    for path in paths:
        there = papermill.inspect_notebook(path)
        for name, _, text in (assignment.partition("=") for assignment in assignments):
            if name not in there or name == "profile":
                names = ", ".join(n for n in there if n != "profile")
                raise LookupError(f"{path.stem} has no parameter {name!r}; it has {names}")
            kind = there[name]["inferred_type_name"]
            try:
                values[name] = types[kind](text)
            except (KeyError, ValueError):
                raise LookupError(f"{name}: found {text!r}, expected {kind}") from None
    return values


def runs_folder(profile: str) -> Path:
    """Return where the executed notebooks of a profile lie; ``custom``: of other parameters."""
    return ROOT / "_build" / "runs" / profile


def run(
    paths: Sequence[Path],
    profile: str,
    parameters: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Iterator[tuple[str, progress.Step | Result | None]]:
    """Execute notebooks, two at a time, keeping on past a failing one.

    Of those that train, which take all cores, only one runs at a time. With ``$MIRAGE_JOBS`` at 1
    only one of any kind does.

    Parameters
    ----------
    paths : sequence of Path
        From :func:`notebooks`.
    profile : {"quick", "paper"}
        Passed to every notebook.
    parameters : mapping, optional
        Further parameters. Such runs go to ``_build/runs/custom``, never into the book.
    force : bool
        Run although nothing has changed.

    Yields
    ------
    (name, progress.Step or Result or None)
        None as a notebook starts, steps while it works, a :class:`Result` at its end.
    """
    folder = runs_folder("custom" if parameters else profile)
    values = {"profile": profile, **(parameters or {})}
    waiting = {path: _trains(path) for path in paths}
    events: queue.SimpleQueue[tuple[Path, Result | Exception | None]] = queue.SimpleQueue()
    n_lanes = 1 if os.environ.get("MIRAGE_JOBS") == "1" else 2
    active: dict[Path, bool] = {}
    shown: dict[Path, int] = {}

    def work(path: Path) -> None:
        try:
            files = Files(folder / path.name)
            with locked(folder / f".{path.stem}.lock"):  # a second run waits, and finds it done
                events.put((path, _run_one(path, files, values, force, events.put)))
        except Exception as error:  # passed on to the caller's thread
            events.put((path, error))

    while waiting or active:
        while len(active) < n_lanes and (path := _next(waiting, active)):
            active[path] = waiting.pop(path)
            threading.Thread(target=work, args=(path,), daemon=True).start()
        try:
            path, event = events.get(timeout=0.3)
        except queue.Empty:
            path = event = None
        for running in shown if path is None else {path} & shown.keys():
            steps = progress.read(Files(folder / running.name).log)
            yield from ((running.stem, step) for step in steps[shown[running] :])
            shown[running] = len(steps)
        if isinstance(event, Exception):
            raise event
        if path and event is None:
            shown[path] = 0
            yield path.stem, None
        elif path:
            del active[path]
            shown.pop(path, None)
            yield path.stem, event


def _trains(path: Path) -> bool:
    """Whether a notebook trains models: its code imports the sweep."""
    try:
        return "mirage.training.sweep" in stamp.code_of(path, ROOT / "mirage").files
    except ValueError:  # said when it runs
        return False


def _next(waiting: Mapping[Path, bool], active: Mapping[Path, bool]) -> Path | None:
    """Choose the notebook that starts next: one that trains, unless another one does."""
    able = [path for path, trains in waiting.items() if not (trains and any(active.values()))]
    return max(able, key=waiting.__getitem__, default=None)


def _run_one(
    path: Path,
    files: Files,
    values: Mapping[str, Any],
    force: bool,
    tell: Callable[[tuple[Path, None]], None],
) -> Result:
    """Run one notebook unless it is up to date; its failure is part of the result."""
    package, start = ROOT / "mirage", time.monotonic()
    try:
        if not force and stamp.is_current(files.target, path, package, values):
            return Result(path.stem, 0.0)
        tell((path, None))
        before = stamp.key(path, package, values)
        seconds = execute(path, files, values, ROOT)
        data = stamp.read_log(files.data)
        # Edited while it ran: nobody knows which of the two it saw, so it is out of date.
        same = stamp.key(path, package, values) == before
        stamp.write(files.target, stamp.key(path, package, values, data) if same else "", data)
        files.data.unlink(missing_ok=True)
    except (MirageError, ValueError) as error:
        return Result(path.stem, time.monotonic() - start, str(error))
    return Result(path.stem, seconds)


def data_of_run(profile: str, paths: Sequence[Path] | None = None) -> dict[str, str]:
    """Say what data executed notebooks were made from.

    Parameters
    ----------
    profile : {"quick", "paper", "custom"}
        Whose runs.
    paths : sequence of Path, optional
        From :func:`notebooks`; by default all.

    Returns
    -------
    dict of str to str
        Name of each data set that was loaded, and its description as it stands in the captions.
    """
    used = {}
    for path in notebooks() if paths is None else paths:
        made_of = stamp.read(runs_folder(profile) / path.name)
        for data in made_of.loaded if made_of else ():
            used[data.name] = data.description
    return dict(sorted(used.items()))


def stale(profile: str) -> list[str]:
    """Name the executed notebooks of a profile that are out of date."""
    values, package = {"profile": profile}, ROOT / "mirage"
    found = []
    for path in notebooks():
        try:
            current = stamp.is_current(runs_folder(profile) / path.name, path, package, values)
        except ValueError:
            current = False
        if not current:
            found.append(path.stem)
    return found


def digest(parts: Iterable[bytes]) -> str:
    """Return the SHA-256 of byte strings, each of which counts on its own."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _natural(path: Path) -> list[tuple[bool, int | str]]:
    parts = re.split(r"(\d+)", path.stem)
    return [(part.isdigit(), int(part) if part.isdigit() else part) for part in parts]
