"""What a reader of one format gives: rows, outcomes and notes, before models have sizes.

Each reader has ``matches(source)``, which looks at the content alone, and ``read_file(source)``,
which gives a `Found` or raises `mirage.readers.files.BadFile`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mirage.readers import unpack
from mirage.readers.files import BadFile

if TYPE_CHECKING:
    import polars as pl

_HEAD = 1 << 16
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\d)")


# Other compressions than gzip begin with these bytes; the command unpacks the file.
_OTHER_PACKERS = {
    b"\xfd7zXZ\x00": ("xz", "xz -d"),
    b"BZh": ("bzip2", "bzip2 -d"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "zstd -d"),
}
_UTF_16 = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


class Items(NamedTuple):
    """Items of one model and task.

    Attributes
    ----------
    common : dict
        ``model, task``, and what else holds for all items; as the rows of `Found.scores`.
    table : polars.DataFrame
        ``item``, and any of ``seed, target_length`` and columns of metrics.
    """

    common: dict[str, Any]
    table: pl.DataFrame


@dataclass
class Found:
    """What one file holds.

    Attributes
    ----------
    scores : list of dict
        Rows with ``model, task, metric, score`` (None: no number), and any of ``family, n_params,
        n_items, stderr, higher_is_better, chance, is_group, seed, date, compute`` and the columns
        of `mirage.tables.PROTOCOL`.
    outcomes : list of Items
        Items, where the file has them.
    faults : list of str
        What is there and cannot be used: cells, rows, lines.
    notes : list of str
        What had to be decided or was left out on purpose.
    """

    scores: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[Items] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Source:
    """A file, its first bytes, and its content once somebody asks for it."""

    def __init__(self, path: Path, columns: Mapping[str, str] | None = None):
        self.path = path
        self.columns = columns or {}  # names of a table's columns that the caller states
        self.present: set[str] = set()  # those of them that the file has
        self._whole = None  # of a pipe, which can be read once; of text that is no UTF-8
        if not path.is_file():
            self._whole = path.read_bytes()
        with self._open_bytes() as file:
            start = file.read(8)
        for magic, (name, command) in _OTHER_PACKERS.items():
            if start.startswith(magic):
                raise BadFile(f"the file is compressed by {name}; unpack it first: {command}")
        if self._whole is not None and start.startswith((b"PK", b"PAR1")):
            raise BadFile("found an archive or parquet in a pipe, expected it in a file")
        self._is_packed = start.startswith(b"\x1f\x8b")
        encoding = next((_UTF_16[mark] for mark in _UTF_16 if start.startswith(mark)), None)
        if encoding:
            with self._open_bytes() as file:
                self._whole = _as_utf8(file.read(), encoding)
        with self._open() as file:
            self.head = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf")

    def _open_bytes(self):
        return self.path.open("rb") if self._whole is None else io.BytesIO(self._whole)

    def _open(self):
        if self._is_packed:
            return unpack.open_gzip(self.path if self._whole is None else self._whole)
        return self._open_bytes()

    @cached_property
    def content(self) -> bytes:
        """All bytes, without a byte order mark."""
        with self._open() as file:
            content = unpack.whole(file) if self._is_packed else file.read()
        return content.removeprefix(b"\xef\xbb\xbf")

    @cached_property
    def text(self) -> str:
        """All text."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadFile(f"expected UTF-8 text; {error}") from error

    def lines(self):
        """Non-blank lines, one after the other, as bytes."""
        with self._open() as file:
            lines = unpack.lines(file) if self._is_packed else file
            for number, line in enumerate(lines, 1):
                line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if line.strip():
                    yield number, line

    @cached_property
    def has_lines(self) -> bool:
        """Whether the first line is a JSON object of its own: then the file is not read whole."""
        import msgspec

        line, newline, rest = self.head.lstrip().partition(b"\n")
        if line[:1] != b"{" or not newline or (rest.strip() and rest.lstrip()[:1] != b"{"):
            return False
        try:
            msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return bool(rest.strip())

    @cached_property
    def keys(self) -> frozenset[str] | None:
        """Keys of a JSON object, empty for a JSON list, None for anything else."""
        import msgspec

        from mirage.readers.files import decode

        start = self.head.lstrip()[:1]
        if start not in (b"{", b"[") or self.has_lines or not self.content.strip():
            return None
        if start == b"[":
            return frozenset()
        try:
            return frozenset(decode(msgspec.json.Decoder(dict[str, msgspec.Raw]), self.content))
        except BadFile:
            return None

    @property
    def date(self) -> float | None:
        """Seconds since 1970 of the time stamp in the file's name, or None."""
        found = _STAMP.search(self.path.name)
        if not found:
            return None
        day, _, clock = found[1].partition("T")
        try:
            stamp = datetime.fromisoformat(f"{day}T{clock.replace('-', ':')}")
        except ValueError:
            return None
        return stamp.replace(tzinfo=UTC).timestamp()


def _as_utf8(content: bytes, encoding: str) -> bytes:
    """Text of Excel's "Unicode text", and of PowerShell's ``>``."""
    try:
        return content.decode(encoding).encode()
    except UnicodeError as error:
        raise BadFile(
            f"expected {encoding.upper()} text, as its first bytes say; {error}"
        ) from error


def number(value: object) -> float | None:
    """A finite number, or None: of text too, as lm-evaluation-harness writes log-probabilities."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) < float("inf") else None


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one: a damaged setting is none."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The mappings in a list; none of anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str | None:
    """A setting as text for a protocol column; None where nothing is stated."""
    import msgspec

    if value is None or value in ({}, []):
        return None
    if isinstance(value, str):
        return value or None
    return msgspec.json.encode(value, order="sorted").decode()


def digest(*parts: object) -> str | None:
    """Eight hexadecimal digits for long settings (a prompt template); None without any."""
    import hashlib

    text = "\x00".join(part for part in map(text_of, parts) if part)
    return hashlib.sha256(text.encode()).hexdigest()[:8] if text else None


def item_number(name: int | str) -> int:
    """A whole number that stands for an item in every log: itself, or a digest of its name."""
    import hashlib

    if isinstance(name, int) or name.isdecimal():
        if abs(int(name)) < 2**63:
            return int(name)
        name = str(name)
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
