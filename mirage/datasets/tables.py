"""Tables of published scores: what one is, and the object that a caller receives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage.datasets.images import Dataset
from mirage.files import DataError

if TYPE_CHECKING:
    import polars as pl

GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class ScoreTable(Dataset):
    """Published results in the schema of :func:`mirage.tables.scores`.

    Attributes
    ----------
    scores : polars.DataFrame
        A score table; ``shots``, ``higher_is_better`` and others are extra columns.
    outcomes : polars.DataFrame or None
        An outcome table (:func:`mirage.tables.outcomes`) where items were published.
    faults : tuple of str
        One line for each file that could not be read.
    """

    scores: pl.DataFrame
    outcomes: pl.DataFrame | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class ItemTable(Dataset):
    """A published table that holds no scores of models: annotations, human raters, test items.

    Attributes
    ----------
    table : polars.DataFrame
        Its columns are in the docstring of the data set's module.
    """

    table: pl.DataFrame


@dataclass(frozen=True)
class Remote:
    """A file at a pinned commit.

    Attributes
    ----------
    file : str
        Where it goes, relative to the data directory.
    url : str
        Where it is.
    sha256 : str
        The only content that is accepted.
    """

    file: str
    url: str
    sha256: str


@dataclass(frozen=True)
class TableSpec:
    """An entry of the registry: a table in one or several files.

    Attributes
    ----------
    name, title : str
        Key, and name in prose.
    licence, citation : str
        Terms of use, and whom to cite.
    origin : str
        Where the files come from, and how they were made.
    files : tuple of str
        Their places in a data directory; all of them make the data set.
    n_bytes : int
        Size of all files.
    caption : str
        Description of the real data; ``{models}``, ``{tasks}``, ``{rows}`` are filled in.
    stand_in_caption : str
        Description of the stand-in.
    container : type of Dataset
        What :func:`mirage.datasets.load` returns.
    read : callable
        ``read(paths)`` returns the container's own fields; `paths` are in the order of `files`.
    stand_in : callable
        ``stand_in()`` computes the same fields.
    download : callable or None
        ``download(folder)`` puts `files` under `folder`; None where no small download makes them.
    urls : tuple of str
        Probed before a download, one answer suffices.
    by_name_only : bool
        True for a download that takes minutes: not part of "all data sets".
    """

    name: str
    title: str
    licence: str
    citation: str
    origin: str
    files: tuple[str, ...]
    n_bytes: int
    caption: str
    stand_in_caption: str
    container: type[Dataset]
    read: Callable[[Sequence[Path]], dict[str, Any]]
    stand_in: Callable[[], dict[str, Any]]
    download: Callable[[Path], None] | None = None
    urls: tuple[str, ...] = ()
    by_name_only: bool = False

    def load(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Read the files; what is not this data set is a :class:`DataError` that names them."""
        import msgspec
        import polars as pl

        try:
            return self.read(paths)
        except (
            OSError,
            EOFError,
            ValueError,
            msgspec.MsgspecError,
            pl.exceptions.PolarsError,
        ) as e:
            where = paths[0] if len(paths) == 1 else paths[0].parent
            reason = " ".join(str(e).split())
            raise DataError(f"{where} does not hold {self.title}: {reason}") from e

    def describe(self, fields: Mapping[str, Any]) -> str:
        """Return the caption of the real data, with the sizes of its table and the bad files."""
        table = fields.get("scores", fields.get("table"))
        counts = {"rows": table.height}
        for name, column in (("models", "model"), ("tasks", "task")):
            counts[name] = table[column].n_unique() if column in table.columns else 0
        # Digits grouped by a space, the SI's way: 60 000.
        text = self.caption.format(**{k: f"{n:,}".replace(",", " ") for k, n in counts.items()})
        n_bad = len(fields.get("faults", ()))
        return text + (f"; files that cannot be read: {n_bad}" if n_bad else "")


def digest_tables(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 of tables: their names, columns, types and values.

    Parameters
    ----------
    fields : mapping
        The fields of a container; only its tables count.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> import polars as pl
    >>> one, other = (digest_tables({"scores": pl.DataFrame({"score": [x]})}) for x in (0.1, 0.2))
    >>> one == other
    False
    """
    import polars as pl

    digest = hashlib.sha256()
    for name in sorted(fields):
        if isinstance(table := fields[name], pl.DataFrame):
            digest.update(f"{name} {table.schema}\n{table.write_csv()}".encode())
    return digest.hexdigest()
