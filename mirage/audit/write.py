"""The files of an audit: report, tables, summary, and what they were made from."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from mirage.audit.words import VERDICTS, chance_unknown
from mirage.files import atomic_write

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
        Made where it is absent; files of an earlier audit in it are replaced, others stay.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    DiskError
        As :func:`mirage.files.atomic_write`.
    """
    contents = {
        "verdicts.csv": audit.verdicts.select(COLUMNS).write_csv().encode(),
        "scores.parquet": _parquet(audit.scores),
        "summary.md": summary(audit).encode(),
        "audit.json": json.dumps(provenance(audit), indent=1, ensure_ascii=False).encode(),
        "report.html": audit.html().encode(),
    }
    if audit.outcomes is not None:
        contents = {"outcomes.parquet": _parquet(audit.outcomes)} | contents
    for name, content in contents.items():
        with atomic_write(folder / name) as file:
            file.write(content)
    return folder / "report.html"


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
    """Say what an audit was made from: versions, options, files with their SHA-256, faults."""
    import platform

    import numpy as np
    import polars as pl
    import scipy

    from mirage import __version__

    files = [{"file": name, "sha256": _digest(Path(name))} for name in sorted(set(audit.files))]
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
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None  # gone since it was read


def _parquet(table: Any) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def _plain(text: str) -> str:
    """Keep text from being Markdown or HTML."""
    escapes = {character: f"\\{character}" for character in "\\`*_[]<>|#"}
    return " ".join(text.split()).translate(str.maketrans(escapes))
