"""The files of an audit: report, tables, summary, and what they were made from."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from mirage.audit.words import JUMPS, VERDICTS, chance_unknown
from mirage.files import DiskError, atomic_write, sha256
from mirage.formatting import printable
from mirage.readers import own

COLUMNS = (
    "family",
    "task",
    "protocol",
    "metric",
    "n_models",
    "verdict",
    "sentence",
    "p_jump",
    "q_jump",
    "jump_height",
    "smallest_detectable_jump",
    "dormant_share",
    "rise_width",
    "note",
    "plan",
)


def write(audit: Any, folder: Path) -> Path:
    """Write an audit into a folder; each file appears whole or not at all, the report last.

    Parameters
    ----------
    audit : Audit
        What was found.
    folder : Path
        Made where it is absent; files of an earlier audit in it are replaced, others stay, and
        one of another hand under a name of ours is refused.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    DiskError
        As :func:`mirage.files.atomic_write`; or a file of another hand would be overwritten.
    """
    refuse_foreign(folder)
    items = folder / "outcomes.parquet"
    # First, since it marks the folder as ours: a report that was stopped can be written again.
    contents = {
        "audit.json": _json(provenance(audit)),
        "verdicts.csv": _csv(audit.verdicts.select(COLUMNS)),
        "scores.parquet": _parquet(audit.scores),
        "summary.md": summary(audit).encode(),
    }
    if audit.outcomes is not None:
        contents[items.name] = _parquet(audit.outcomes)
    elif items.exists():  # of an earlier audit, whose scores are replaced here
        items.unlink()
    contents["report.html"] = audit.html().encode()
    for name, content in contents.items():
        with atomic_write(folder / name) as file:
            file.write(content)
    return folder / "report.html"


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder with files of the names that we write, but by another hand.

    Raises
    ------
    DiskError
        There is such a file, or `folder` is none.
    """
    if folder.exists() and not folder.is_dir():
        raise DiskError(f"cannot write into {folder}: it is no folder; choose another")
    if path := own.foreign(folder):
        raise DiskError(
            f"cannot write {path}: it is there, and not of an audit; move it or choose another "
            "folder"
        )


def summary(audit: Any) -> str:
    """Return the audit as Markdown, for a paper or an issue."""
    lines = [f"**{audit.summary}**", ""]
    for verdict, name in VERDICTS.items():
        judged = zip(audit.verdicts.to_dicts(), audit.shades, strict=True)
        rows = [row for row, kind in judged if kind == verdict]
        if not rows:
            continue
        lines += [f"## {name[0].upper()}{name[1:]} ({len(rows)})", ""]
        for row in rows:
            where = ", ".join(filter(None, (row["family"], row["task"], row["protocol"])))
            why = " ".join(filter(None, (row["sentence"] or row["note"], row["plan"])))
            lines.append(f"- {_plain(where)}: {_plain(why)}")
        lines.append("")
    if "jump" in audit.kinds:
        lines += [JUMPS, ""]
    if unknown := chance_unknown(audit.without_chance):
        lines += [_plain(unknown), ""]
    for title, texts in (("Could not be used", audit.faults), ("Decisions", audit.notes)):
        if texts:
            lines += [
                f"## {title} ({len(texts)})",
                "",
                *(f"- {_plain(text)}" for text in texts),
                "",
            ]
    return "\n".join(lines)


def provenance(audit: Any) -> dict[str, Any]:
    """Say what an audit was made from: versions, options, files with their SHA-256, faults.

    The file that ``options["n_params"]`` names is among the files.
    """
    import platform

    import numpy as np
    import polars as pl
    import scipy

    from mirage import __version__

    sizes = audit.options.get("n_params")
    names = {*audit.files, *([sizes] if isinstance(sizes, str) else ())}
    files = [{"file": name, "sha256": _digest(Path(name))} for name in sorted(names)]
    return {
        "versions": {
            "mirage": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "polars": pl.__version__,
        },
        "options": audit.options,
        "summary": audit.summary,
        "files": files,
        "faults": list(audit.faults),
        "notes": list(audit.notes),
    }


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None  # a pipe, whose bytes are gone
    try:
        return sha256(path)
    except OSError:
        return None  # gone since it was read


def _csv(table: Any) -> bytes:
    """The table as csv that no spreadsheet calculates with, and no terminal obeys.

    A text that begins as a formula does gets an apostrophe, which spreadsheets do not show.
    """
    import polars as pl

    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    plain = [
        pl.Series(name, [None if text is None else printable(text) for text in table[name]])
        for name in texts
    ]
    formula = pl.col(texts).str.contains(r"^[=+\-@]")
    marked = pl.when(formula).then("'" + pl.col(texts)).otherwise(pl.col(texts))
    return table.with_columns(plain).with_columns(marked.name.keep()).write_csv().encode()


def _json(content: dict[str, Any]) -> bytes:
    """Numbers of other packages, such as NumPy's, are written as text."""
    return json.dumps(content, indent=1, ensure_ascii=False, default=str).encode()


def _parquet(table: Any) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def _plain(text: str) -> str:
    """Keep text from being Markdown or HTML."""
    escapes = {character: f"\\{character}" for character in "\\`*_[]<>|#"}
    return printable(text).translate(str.maketrans(escapes))
