"""The book: papermill over the notebooks, then Jupyter Book over what they wrote.

Papermill is the only executor. ``run`` writes executed notebooks to ``_build/runs/PROFILE``;
``build`` stages them beside the prose and runs Jupyter Book with execution off, so a page cannot
show a number that its notebook did not compute.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path

from mirage.book import card, folding, front, gallery, landing, meta, reports, run, stamp, vega
from mirage.files import MirageError, atomic_write, disk_faults, locked
from mirage.processes import run_python

SPHINX = "import mirage.book; from jupyter_book.cli.main import main; main()"  # starts faster
# How the names of packages begin that turn the stage into pages.
PRESS = ("docutils", "jupyter-book", "myst", "pydata-sphinx", "pygments", "sphinx")


def build(profile: str) -> tuple[Path, bool]:
    """Stage prose and executed notebooks, and build the HTML if they or a package of it changed.

    Parameters
    ----------
    profile : {"quick", "paper"}
        Whose executed notebooks to show.

    Returns
    -------
    (Path, bool)
        The book's front page, and whether it had to be built. An earlier book stays in its place
        until the new one is whole.

    Raises
    ------
    MirageError
        A notebook has not run yet, or is damaged, or Jupyter Book found a fault (each warning is
        one).
    """
    executed = [run.runs_folder(profile) / path.name for path in run.notebooks()]
    missing = [path.stem for path in executed if stamp.read(path) is None]
    if missing:
        raise MirageError(
            f"not run yet, or damaged: {', '.join(missing)}; first: mirage run --profile {profile}"
        )
    folder = run.ROOT / "_build"
    with locked(folder / ".book.lock"), disk_faults(folder):
        return _build(folder, executed, profile)


def _build(folder: Path, executed: Sequence[Path], profile: str) -> tuple[Path, bool]:
    stage, front = folder / "stage", folder / "html" / "index.html"
    _stage(stage, _contents(executed, profile))
    files = sorted(p for p in stage.rglob("*") if p.is_file())
    parts = [part for p in files for part in (str(p.relative_to(stage)).encode(), p.read_bytes())]
    key = run.digest([*parts, *_press()])
    if front.exists() and _text(front.with_name(".key")) == key:
        return front, False
    _sphinx(stage, folder, front.parent, strict=True)
    with atomic_write(front.with_name(".key")) as file:
        file.write(key.encode())
    return front, True


def _press() -> list[bytes]:
    """Versions of the packages that draw the pages: another one may draw them otherwise."""
    found = {(one.name.lower().replace("_", "-"), one.version) for one in distributions()}
    return sorted(f"{name} {at}".encode() for name, at in found if name.startswith(PRESS))


def page(executed: Path) -> Path:
    """Build one executed notebook as a page that a browser shows, beside the notebook.

    Parameters
    ----------
    executed : Path
        The executed notebook; links to other pages are plain text.

    Returns
    -------
    Path
        The page, in a folder named like the notebook.

    Raises
    ------
    MirageError
        Jupyter Book could not build it.
    """
    folder = executed.with_suffix("")
    sources = {f"notebooks/{executed.name}": folding.fold(executed.read_bytes(), injected=True)}
    sources |= reports.contents([executed])
    book = run.ROOT / "book"
    for path in [*(book / "_static").iterdir(), *book.glob("references.*")]:
        sources[str(path.relative_to(run.ROOT))] = path.read_bytes()
    toc = f"root: notebooks/{executed.stem}\nchapters:\n- file: book/references\n"
    sources["_toc.yml"] = f"format: jb-book\n{toc}".encode()
    sources["_config.yml"] = _config().encode()
    with locked(folder.with_name(f".{folder.name}.page.lock")), disk_faults(folder):
        work = folder.with_name(f".{folder.name}.page")
        _stage(work / "stage", sources)
        _sphinx(work / "stage", work, folder, strict=False)
        shutil.rmtree(work)
    return folder / "notebooks" / f"{executed.stem}.html"


def _sphinx(stage: Path, folder: Path, html: Path, strict: bool) -> None:
    """Run Jupyter Book into a fresh folder, which then takes the place of ``html``."""
    fresh = folder / ".book-new"
    shutil.rmtree(fresh, ignore_errors=True)  # of a build that was killed
    options = ["-n", "-W", "--keep-going"] if strict else ["-q"]
    done = run_python(
        SPHINX,
        ["build", str(stage), "--path-output", str(fresh), "--all", *options],
        {"PYTHONWARNINGS": "ignore", "PYTHONUTF8": "1", "NO_COLOR": "1"},
    )
    log = folder / "book.log"
    with atomic_write(log) as file:
        file.write(done.stdout.encode())
    if done.returncode:
        lines = done.stdout.splitlines() or ["it said nothing"]
        faults = [line for line in lines if re.search(r"WARNING|ERROR", line)]
        raise MirageError(
            f"Jupyter Book found {len(faults)} faults, all in {log}; the first: "
            f"{(faults or lines[-1:])[0]}"
        )
    _swap(fresh / "_build" / "html", html)
    shutil.rmtree(fresh)


def _swap(new: Path, place: Path) -> None:
    """Put a whole folder in the place of another one."""
    old = place.with_name(f".{place.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    with suppress(FileNotFoundError):
        os.rename(place, old)
    os.rename(new, place)
    shutil.rmtree(old, ignore_errors=True)


def _contents(executed: Sequence[Path], profile: str) -> dict[str, bytes]:
    """Return the book's sources by their place in the stage."""
    wanted = {path: run.ROOT / path for path in ("_toc.yml",)}
    for folder, pattern in (("book", "*"), ("mirage", "*.py")):
        found = (p for p in (run.ROOT / folder).rglob(pattern) if p.is_file())
        wanted |= {str(p.relative_to(run.ROOT)): p for p in found}
    texts = {
        "_config.yml": _config(),
        "book/_generated/verdicts.md": landing.verdicts_table(executed),
        "book/_generated/failures.md": landing.failures(executed),
        "book/_generated/claims.md": landing.claims_table(executed),
        "book/_generated/sentence.md": front.in_one_sentence(executed),
        "book/_generated/answer.md": front.answer(executed),
        "book/_generated/banner.md": front.banner(executed, profile),
        "book/_generated/runs.md": landing.runs_table(executed, profile),
    }
    contents = {name: path.read_bytes() for name, path in wanted.items()}
    contents |= {f"notebooks/{p.name}": folding.fold(p.read_bytes()) for p in executed}
    contents |= gallery.contents(executed) | reports.contents(executed)
    contents[f"book/_static/{meta.PICTURE}"] = card.picture()
    return contents | {name: text.encode() for name, text in texts.items()}


def _stage(stage: Path, contents: dict[str, bytes]) -> None:
    """Make ``stage`` hold exactly these files and Vega; unchanged ones keep their time stamp."""
    (stage / "book" / "_static").mkdir(parents=True, exist_ok=True)
    bundle = vega.write_bundle(stage / "book" / "_static")
    for path in [p for p in stage.rglob("*") if p.is_file() and p != bundle]:
        if str(path.relative_to(stage)) not in contents:
            path.unlink()
    for name, content in contents.items():
        path = stage / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as file:
                file.write(content)


def _text(path: Path) -> str | None:
    """Read a small file of ours; None where it is absent or damaged."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, ValueError):
        return None


def _config() -> str:
    """Return ``_config.yml``; on GitHub its links point at the repository that builds it."""
    text = (run.ROOT / "_config.yml").read_text(encoding="utf-8")
    here = os.environ.get("GITHUB_REPOSITORY")
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    return re.sub(r"(?m)^(\s*url: ).*$", rf"\g<1>{server}/{here}", text) if here else text
