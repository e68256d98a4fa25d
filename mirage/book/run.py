"""Run notebooks: papermill is the only executor.

Executed notebooks go to ``_build/runs/PROFILE``; one is run again only if something changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirage import progress
from mirage.files import MirageError, atomic_write, locked

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ("quick", "paper")


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
    import papermill

    truth = {"True": True, "False": False}
    types, values = {"int": int, "float": float, "str": str, "bool": truth.__getitem__}, {}
    if strange := [text for text in assignments if "=" not in text]:
        raise LookupError(f"parameter: found {strange[0]!r}, expected NAME=VALUE")
    for path in paths if assignments else ():
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
    """Return where the executed notebooks of a profile lie."""
    return ROOT / "_build" / "runs" / profile


def run(
    paths: Sequence[Path],
    profile: str,
    parameters: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Iterator[tuple[str, progress.Step | Result | None]]:
    """Execute notebooks one after the other, keeping on past a failing one.

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
    for path in paths:
        yield path.stem, None
        target, stamp = folder / path.name, folder / f"{path.stem}.key"
        key = _run_key(path, profile, parameters)
        with locked(folder / f".{path.stem}.lock"):  # a second run waits, and finds it done
            fresh = target.exists() and stamp.exists() and stamp.read_text().startswith(key)
            if fresh and not force:
                yield path.stem, Result(path.stem, 0.0)
                continue
            stamp.unlink(missing_ok=True)
            yield from _execute(path, target, {"profile": profile, **(parameters or {})})
            if target.exists():
                with atomic_write(stamp) as file:
                    file.write(f"{key}\n{json.dumps(data_used([path]))}".encode())


def _execute(path: Path, target: Path, parameters: dict[str, Any]):
    """Run one notebook in a thread and pass on its progress; ``target`` appears on success."""
    import papermill
    from jupyter_core.utils import ensure_event_loop

    target.unlink(missing_ok=True)
    working = target.with_suffix(".running.ipynb")
    log = target.with_suffix(".log")
    log.unlink(missing_ok=True)
    faults: list[str] = []

    def work() -> None:
        try:
            papermill.execute_notebook(
                path,
                working,
                parameters,
                kernel_name="python3",
                progress_bar=False,
                cwd=ROOT,
                extra_arguments=["--IPKernelApp.log_level=50"],  # its start and end are no news
            )
        except papermill.PapermillExecutionError as error:
            faults.append(f"cell {error.cell_index}: {error.ename}: {error.evalue}")
        except Exception as error:  # a kernel that died or never started
            faults.append(f"{type(error).__name__}: {error}")
        finally:
            ensure_event_loop().close()  # this thread's, which nobody else closes

    start, shown = time.monotonic(), 0
    with _environment(MIRAGE_PROGRESS=str(log)):
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.3)
            steps = progress.read(log)
            for step in steps[shown:]:
                yield path.stem, step
            shown = len(steps)
    if faults:
        failed = target.with_suffix(".failed.ipynb")
        if working.exists():
            os.replace(working, failed)
        seen = f" (see {failed})" if failed.exists() else ""  # none if the kernel never started
        error = f"{faults[0].splitlines()[0]}{seen}"
        yield path.stem, Result(path.stem, time.monotonic() - start, error)
    else:
        target.with_suffix(".failed.ipynb").unlink(missing_ok=True)
        os.replace(working, target)
        yield path.stem, Result(path.stem, time.monotonic() - start)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def data_used(paths: Iterable[Path]) -> dict[str, str]:
    """Say what the notebooks' data sets are on this machine.

    Parameters
    ----------
    paths : iterable of Path
        Notebooks.

    Returns
    -------
    dict of str to str
        Name of each data set they load, and the description that stands in the captions.
    """
    from mirage import datasets

    loaded = {name: datasets.load(name) for name in sorted(_data_names(paths))}
    # Where a data set that is downloaded by name only is absent, it is left out, not replaced.
    optional = {n for n, spec in datasets.REGISTRY.items() if spec.by_name_only}
    return {n: one.description for n, one in loaded.items() if one.is_real or n not in optional}


def data_of_run(profile: str) -> dict[str, str]:
    """Say what data the executed notebooks of a profile were made from.

    Parameters
    ----------
    profile : {"quick", "paper"}
        Whose runs.

    Returns
    -------
    dict of str to str
        As :func:`data_used`, but of the time when they ran.
    """
    stamps = (runs_folder(profile) / f"{path.stem}.key" for path in notebooks())
    lines = [stamp.read_text().partition("\n")[2] for stamp in stamps if stamp.exists()]
    used = [json.loads(line) for line in lines if line]
    return {name: text for data in used for name, text in sorted(data.items())}


def _data_names(paths: Iterable[Path]) -> set[str]:
    """Find the names of data sets in the notebooks that load any."""
    from mirage import datasets

    texts = (text for path in paths if "datasets.load(" in (text := path.read_text()))
    quoted = {name for text in texts for name in re.findall(r'\\"(\w+)\\"', text)}
    return quoted & datasets.REGISTRY.keys()


def _run_key(path: Path, profile: str, parameters: Mapping[str, Any] | None) -> str:
    from mirage import datasets

    digests = [datasets.load(name).digest for name in sorted(_data_names([path]))]
    package = sorted((ROOT / "mirage").rglob("*.*"))
    sources = [p for p in package if p.suffix in {".py", ".json", ".mplstyle"}]
    content = [path.read_bytes(), *(p.read_bytes() for p in sources)]
    content.append(json.dumps([profile, dict(parameters or {}), digests]).encode())
    return digest(content)


def digest(parts: Iterable[bytes]) -> str:
    """Return the SHA-256 of byte strings, each of which counts on its own."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _natural(path: Path) -> list[tuple[bool, int | str]]:
    parts = re.split(r"(\d+)", path.stem)
    return [(part.isdigit(), int(part) if part.isdigit() else part) for part in parts]
