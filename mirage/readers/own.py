"""The folder that an audit writes: its files are no logs, and no other folder's are overwritten."""

from __future__ import annotations

from pathlib import Path

NAMES = (
    "audit.json",
    "outcomes.parquet",
    "verdicts.csv",
    "scores.parquet",
    "summary.md",
    "report.html",
)
_KEYS = {"versions", "options", "summary", "files"}


def is_report(folder: Path) -> bool:
    """Whether an audit wrote into this folder: ``audit.json`` names the version of mirage.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    bool

    Examples
    --------
    >>> is_report(Path("no", "such", "folder"))
    False
    """
    import msgspec

    try:
        found = msgspec.json.decode((folder / NAMES[0]).read_bytes(), type=dict)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    versions = found.get("versions")
    return found.keys() >= _KEYS and isinstance(versions, dict) and "mirage" in versions


def foreign(folder: Path) -> Path | None:
    """Return the first file that an audit would overwrite in a folder, and did not make."""
    if is_report(folder):
        return None
    return next((path for name in NAMES if (path := folder / name).exists()), None)
