"""The book: papermill over the notebooks, then Jupyter Book over what they wrote.

Papermill is the only executor. ``run`` writes executed notebooks to ``_build/runs/PROFILE``;
``build`` stages them beside the prose and runs Jupyter Book with execution off, so a page cannot
show a number that its notebook did not compute.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mirage.book import landing, run, vega
from mirage.files import MirageError


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
    executed = [run.runs_folder(profile) / path.name for path in run.notebooks()]
    missing = [path.stem for path in executed if not path.exists()]
    if missing:
        raise MirageError(
            f"not run yet: {', '.join(missing)}; first: mirage run --profile {profile}"
        )
    stage = run.ROOT / "_build" / "stage"
    _stage(stage, executed, profile)
    front, stamp = (
        run.ROOT / "_build" / "html" / "index.html",
        run.ROOT / "_build" / "html" / ".key",
    )
    files = sorted(p for p in stage.rglob("*") if p.is_file())
    key = run.digest(
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
        str(run.ROOT),
    ]
    done = subprocess.run(
        [*command, "-n", "-W", "--keep-going", "--all"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONUTF8": "1"},
    )
    log = run.ROOT / "_build" / "book.log"
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

    wanted = {path: run.ROOT / path for path in ("_toc.yml",)}
    for folder in ("book", "mirage"):
        found = (p for p in (run.ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc")
        wanted |= {str(p.relative_to(run.ROOT)): p for p in found}
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
    bundle = vega.write_bundle(stage / "book" / "_static")
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
    text = (run.ROOT / "_config.yml").read_text()
    here = os.environ.get("GITHUB_REPOSITORY")
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    return re.sub(r"(?m)^(\s*url: ).*$", rf"\g<1>{server}/{here}", text) if here else text
