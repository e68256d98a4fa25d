"""Tables of published results: what a caller receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mirage.datasets.spec import Dataset

if TYPE_CHECKING:
    import polars as pl


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

    @staticmethod
    def counts(content: Mapping[str, Any]) -> dict[str, int]:
        """Return the numbers of rows, models and tasks."""
        return _counts(content["scores"])


@dataclass(frozen=True)
class ItemTable(Dataset):
    """A published table that holds no scores of models: annotations, human raters, test items.

    Attributes
    ----------
    table : polars.DataFrame
        Its columns are in the docstring of the data set's module.
    """

    table: pl.DataFrame

    @staticmethod
    def counts(content: Mapping[str, Any]) -> dict[str, int]:
        """Return the numbers of rows, models and tasks."""
        return _counts(content["table"])


def _counts(table: pl.DataFrame) -> dict[str, int]:
    counts = {"rows": table.height}
    for name, column in (("models", "model"), ("tasks", "task")):
        counts[name] = table[column].n_unique() if column in table.columns else 0
    return counts
