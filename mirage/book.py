"""The book: papermill over the notebooks, then Jupyter Book over what they wrote.

Papermill is the only executor. ``run`` writes executed notebooks to ``_build/runs/PROFILE``;
``build`` stages them beside the prose and runs Jupyter Book with execution off, so a page cannot
show a number that its notebook did not compute.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirage import progress
from mirage.files import MirageError, atomic_write, locked

ROOT = Path(__file__).resolve().parents[1]
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
    optional = {spec.name for spec in datasets.TABLES if spec.by_name_only}
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
    return _digest(content)


def _digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _natural(path: Path) -> list[tuple[bool, int | str]]:
    parts = re.split(r"(\d+)", path.stem)
    return [(part.isdigit(), int(part) if part.isdigit() else part) for part in parts]


def build(profile: str) -> tuple[Path, bool]:
    """Stage prose and executed notebooks, and build the HTML if anything changed.

    Parameters
    ----------
    profile : {"quick", "paper"}
        Whose executed notebooks to show.

    Returns
    -------
    (Path, bool)
        The book's front page, and whether it had to be built.

    Raises
    ------
    MirageError
        A notebook has not run yet, or Jupyter Book found a fault (each warning is one).
    """
    executed = [runs_folder(profile) / path.name for path in notebooks()]
    missing = [path.stem for path in executed if not path.exists()]
    if missing:
        raise MirageError(
            f"not run yet: {', '.join(missing)}; first: mirage run --profile {profile}"
        )
    stage = ROOT / "_build" / "stage"
    _stage(stage, executed, profile)
    front, stamp = ROOT / "_build" / "html" / "index.html", ROOT / "_build" / "html" / ".key"
    files = sorted(p for p in stage.rglob("*") if p.is_file())
    key = _digest(
        part for p in files for part in (str(p.relative_to(stage)).encode(), p.read_bytes())
    )
    if front.exists() and stamp.exists() and stamp.read_text() == key:
        return front, False
    stamp.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        str(stage),
        "--path-output",
        str(ROOT),
    ]
    done = subprocess.run(
        [*command, "-n", "-W", "--keep-going", "--all"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONUTF8": "1"},
    )
    log = ROOT / "_build" / "book.log"
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        warnings = [x for x in log.read_text().splitlines() if re.search(r"WARNING|ERROR", x)]
        raise MirageError(
            f"Jupyter Book found {len(warnings)} faults, all in {log}; the first: "
            f"{warnings[0] if warnings else done.stderr.strip().splitlines()[-1]}"
        )
    stamp.write_text(key)
    return front, True


def _stage(stage: Path, executed: Sequence[Path], profile: str) -> None:
    """Make ``stage`` hold exactly the book's sources; unchanged files keep their time stamp."""
    from mirage import interactive, landing

    wanted = {path: ROOT / path for path in ("_toc.yml",)}
    for folder in ("book", "mirage"):
        found = (p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc")
        wanted |= {str(p.relative_to(ROOT)): p for p in found}
    wanted |= {f"notebooks/{path.name}": path for path in executed}
    texts = {
        "_config.yml": _config(),
        "book/_generated/verdicts.md": landing.verdicts_table(executed),
        "book/_generated/claims.md": landing.claims_table(executed),
        "book/_generated/runs.md": landing.runs_table(executed, profile),
    }
    contents = {name: path.read_bytes() for name, path in wanted.items()}
    contents |= {name: text.encode() for name, text in texts.items()}
    (stage / "book" / "_static").mkdir(parents=True, exist_ok=True)
    bundle = interactive.write_bundle(stage / "book" / "_static")
    for path in [p for p in stage.rglob("*") if p.is_file() and p != bundle]:
        if str(path.relative_to(stage)) not in contents:
            path.unlink()
    for name, content in contents.items():
        path = stage / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _config() -> str:
    """Return ``_config.yml``; on GitHub its links point at the repository that builds it."""
    text = (ROOT / "_config.yml").read_text()
    here = os.environ.get("GITHUB_REPOSITORY")
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    return re.sub(r"(?m)^(\s*url: ).*$", rf"\g<1>{server}/{here}", text) if here else text
