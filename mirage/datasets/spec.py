"""The one protocol of all data sets: what is known before reading, and the object one receives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mirage.files import DataError

GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Dataset:
    """A data set in memory; its arrays belong to the caller, each load makes fresh ones.

    Attributes
    ----------
    name : str
        Key of the registry, such as ``"mnist"``.
    source : str
        ``"directory"``, ``"download"`` or ``"embedded"``.
    description : str
        One phrase for a figure's caption; it names a subset as such.
    digest : str
        SHA-256 of the verified file or files; a key for caches.
    is_subset : bool
        True where a part of the data set is missing.
    """

    name: str
    source: str
    description: str
    digest: str
    is_subset: bool = field(default=False, kw_only=True)

    @property
    def is_whole(self) -> bool:
        """True unless a part is missing; claims on the paper's numbers need it."""
        return not self.is_subset

    @property
    def is_real(self) -> bool:
        """True: no data set here is simulated."""
        return True

    @staticmethod
    def counts(content: Mapping[str, Any]) -> dict[str, int]:
        """Return the numbers that a caption may show, by their name in it."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """An entry of the registry: everything known of a data set before it is read.

    Attributes
    ----------
    name, title : str
        Key, and name in prose.
    licence, citation : str
        Terms of use, and whom to cite.
    origin : str
        Where the files come from, and how they were made.
    files : tuple of str
        Their places in a data directory; together they are the data set.
    n_bytes : int
        Approximate size of all files.
    caption : str
        Description of the real data; the numbers of ``container.counts`` are filled in.
    container : type of Dataset
        What :func:`mirage.datasets.load` returns.
    read_files : callable
        ``read_files(paths)`` returns the container's own fields; `paths` are in the order of
        `files`.
    download : callable or None
        ``download(folder)`` puts `files` under `folder`; None where no download makes them.
    urls : tuple of str
        Probed before a download; one answer suffices.
    by_name_only : bool
        True for a download that takes minutes: it is not part of "all data sets", and a stopped
        one is resumed.
    whole : mapping of str to int
        Numbers of ``container.counts`` in the whole data set; with less, it is a subset.
    subset : Spec or None
        Files that hold a part of the data set, where the whole cannot be embedded.
    """

    name: str
    title: str
    licence: str
    citation: str
    origin: str
    files: tuple[str, ...]
    n_bytes: int
    caption: str
    container: type[Dataset]
    read_files: Callable[[Sequence[Path]], dict[str, Any]]
    download: Callable[[Path], None] | None = None
    urls: tuple[str, ...] = ()
    by_name_only: bool = False
    whole: Mapping[str, int] = field(default_factory=dict)
    subset: Spec | None = None

    def read(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Read the files.

        Raises
        ------
        DataError
            Where they do not hold this data set; names them and the reason.
        """
        import msgspec
        import polars as pl

        wrong = (OSError, EOFError, ValueError, msgspec.MsgspecError, pl.exceptions.PolarsError)
        try:
            return self.read_files(paths)
        except wrong as error:
            where = paths[0] if len(paths) == 1 else paths[0].parent
            reason = " ".join(str(error).split())
            raise DataError(f"{where} does not hold {self.title}: {reason}") from error

    def describe(self, content: Mapping[str, Any]) -> str:
        """Return the caption of real data: their sizes, and how many files are unreadable."""
        counts = self.container.counts(content)
        # Digits grouped by a space, the SI's way: 60 000.
        text = self.caption.format(**{k: f"{n:,}".replace(",", " ") for k, n in counts.items()})
        text = f"subset of {text}" if self.is_subset(content) else text
        n_bad = len(content.get("faults", ()))
        return text + (f"; files that cannot be read: {n_bad}" if n_bad else "")

    def is_subset(self, content: Mapping[str, Any]) -> bool:
        """Return whether `content` is less than the whole data set."""
        counts = self.container.counts(content)
        return any(counts[name] < n for name, n in self.whole.items())

    def build(self, source: str, digest: str, content: Mapping[str, Any]) -> Dataset:
        """Put `content` into the container; what is not a field of it is left out."""
        own = {f.name for f in fields(self.container)} & content.keys()
        chosen = {name: content[name] for name in own}
        return self.container(
            self.name,
            source,
            self.describe(content),
            digest,
            is_subset=self.is_subset(content),
            **chosen,
        )

    @property
    def how_to_get(self) -> str:
        """How to get the files, as the end of an error message."""
        if self.download is None:
            return (
                f"it has no download ({self.origin}): put {', '.join(self.files)} and their lines "
                "of SHA256SUMS into a folder that $MIRAGE_DATA names"
            )
        return f"'mirage data fetch {self.name}' downloads it"
