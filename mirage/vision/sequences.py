"""Sequences of characters, and how often a model gets a whole one right (Figure 8).

The images of a sequence share an alphabet and a drawer, so whether they are right is dependent.
With independent images "all of L right" would be the product of the accuracies at the L places,
and p^L if these were equal. Intervals therefore resample cells (alphabet, drawer), not images.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mirage.datasets.omniglot import N_DRAWINGS

if TYPE_CHECKING:
    import polars as pl

LENGTH = 5  # images in a sequence; the first L of them are the sequence of length L
N_RESAMPLES = 1000  # of the bootstrap: its interval is then itself known to about 5 %


class Sequences(NamedTuple):
    """Sequences of images of one alphabet by one drawer.

    Attributes
    ----------
    items : ndarray of int64, shape (sequences, 5)
        Index of each image; character · 20 + drawer.
    cell : ndarray of int64, shape (sequences,)
        Number of the (alphabet, drawer) that a sequence is from.
    """

    items: np.ndarray
    cell: np.ndarray


def sequences(
    alphabet: np.ndarray, drawers: Collection[int], passes: int, rng: np.random.Generator
) -> Sequences:
    """Group drawings into sequences: different characters of one alphabet, by one drawer.

    Parameters
    ----------
    alphabet : ndarray, shape (characters,)
        Name of each character's alphabet.
    drawers : collection of int
        Drawers whose drawings to group, from 0 to 19.
    passes : int
        How often the drawings are grouped; each time anew.
    rng : numpy.random.Generator
        Source of the groups.

    Returns
    -------
    Sequences
        In a pass each drawing comes at most once; up to 4 of a cell are left over.

    Raises
    ------
    ValueError
        No alphabet has 5 characters.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> items, cell = sequences(np.array(["Greek"] * 24), drawers=[3, 4], passes=1, rng=rng)
    >>> items.shape, np.unique(items % 20), cell
    ((8, 5), array([3, 4]), array([0, 0, 0, 0, 1, 1, 1, 1]))
    """
    names, parts = np.unique(alphabet), []
    for _ in range(passes):
        for number, (name, drawer) in enumerate((n, d) for n in names for d in drawers):
            characters = rng.permutation(np.flatnonzero(alphabet == name))
            used = characters[: len(characters) // LENGTH * LENGTH].reshape(-1, LENGTH)
            parts.append((used * N_DRAWINGS + drawer, np.full(len(used), number)))
    items, cell = (np.concatenate(column) for column in zip(*parts, strict=True))
    if not len(items):
        raise ValueError(f"found no alphabet of at least {LENGTH} characters, expected one")
    return Sequences(items, cell)


def sequence_scores(correct: np.ndarray, cell: np.ndarray) -> list[dict]:
    """Score sequences for each length L, with 95 % bootstrap intervals over cells.

    Parameters
    ----------
    correct : ndarray of bool, shape (sequences, length)
        Whether each image got its label.
    cell : ndarray of int, shape (sequences,)
        Sequences of one cell are dependent.

    Returns
    -------
    list of dict
        ``metric, score, low, high``. In [0, 1], higher is better: ``accuracy`` (of all images) and
        for each L ``accuracy, L = …`` (of the first L), ``all correct, L = …``,
        ``accuracy^L, L = …`` and ``product, L = …`` (of the accuracies at the L places).
        In [−1, 1]: ``excess over accuracy^L`` and ``excess over product``.

    Examples
    --------
    Right and wrong together: half of the images, half of the pairs, where independence has ¼.

    >>> rows = sequence_scores(np.array([[True, True], [False, False]]), np.array([0, 1]))
    >>> {row["metric"]: row["score"] for row in rows}["excess over product, L = 2"]
    0.25
    """
    n_cells = int(cell.max()) + 1
    runs = np.cumprod(correct, axis=1)  # column L − 1: the first L are all right
    sums = np.zeros((n_cells, 1 + 2 * correct.shape[1]))
    np.add.at(sums, cell, np.column_stack([np.ones(len(cell)), correct, runs]))
    sums = sums[sums[:, 0] > 0]
    # Seeded here: the interval of given outcomes is one and the same wherever it is computed.
    rng, n = np.random.default_rng(0), len(sums)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES)
    estimate, resampled = _measure(sums.sum(0, keepdims=True)), _measure(weights @ sums)
    return [
        {"metric": metric, "score": float(estimate[metric][0]), "low": low, "high": high}
        for metric, values in resampled.items()
        for low, high in [np.quantile(values, [0.025, 0.975]).tolist()]
    ]


def cell_scores(correct: np.ndarray, cell: np.ndarray) -> list[dict]:
    """Score each cell by itself, for statistics that resample cells.

    Parameters
    ----------
    correct : ndarray of bool, shape (sequences, length)
        Whether each image got its label.
    cell : ndarray of int, shape (sequences,)
        The cell of each sequence.

    Returns
    -------
    list of dict
        ``metric, score, cell, n_items``: ``accuracy`` and for each L ``all correct, L = …`` of the
        ``n_items`` sequences of a cell; in [0, 1], higher is better.

    Examples
    --------
    >>> correct = np.array([[True, False], [True, True], [False, True]])
    >>> rows = cell_scores(correct, cell=np.array([0, 0, 1]))
    >>> [(row["cell"], row["score"]) for row in rows if row["metric"] == "all correct, L = 2"]
    [(0, 0.5), (1, 0.0)]
    """
    runs = np.cumprod(correct, axis=1)
    rows = []
    for number in np.unique(cell).tolist():
        inside = cell == number
        scores = {"accuracy": correct[inside].mean()}
        together = enumerate(runs[inside].mean(0), 1)
        scores |= {f"all correct, L = {n}": share for n, share in together}
        common = {"cell": number, "n_items": int(inside.sum())}
        rows += [common | {"metric": m, "score": float(score)} for m, score in scores.items()]
    return rows


def _measure(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Turn (resamples, 1 + 2 length) sums into a value of each metric per resample."""
    length = (sums.shape[1] - 1) // 2
    places, all_right = np.split(sums[:, 1:] / sums[:, :1], 2, axis=1)
    metrics = {"accuracy": places.mean(1)}
    for n in range(1, length + 1):
        accuracy, together = places[:, :n].mean(1), all_right[:, n - 1]
        power, product = accuracy**n, places[:, :n].prod(1)
        metrics |= {
            f"accuracy, L = {n}": accuracy,
            f"all correct, L = {n}": together,
            f"accuracy^L, L = {n}": power,
            f"product, L = {n}": product,
            f"excess over accuracy^L, L = {n}": together - power,
            f"excess over product, L = {n}": together - product,
        }
    return metrics


def curves(scores: pl.DataFrame) -> pl.DataFrame:
    """Average over seeds, with the interval over seeds where there are several, else over cells.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with ``low`` and ``high`` over cells; rows of single cells are left out.

    Returns
    -------
    polars.DataFrame
        As :func:`mirage.tables.over_seeds`, by ascending ``n_params``.
    """
    import polars as pl

    from mirage import tables

    scores = scores.filter(pl.col("cell").is_null()).drop("cell")
    means = tables.over_seeds(scores.drop("low", "high"), bounds=(-1.0, 1.0))
    key = ["family", "model", "metric"]
    over_cells = scores.group_by(key).agg(pl.mean("low", "high"))
    means = means.join(over_cells, on=key, suffix="_cells", maintain_order="left")
    ends = [
        pl.when(pl.col("n_seeds") > 1).then(end).otherwise(f"{end}_cells").alias(end)
        for end in ("low", "high")
    ]
    floor = pl.when(pl.col("metric").str.starts_with("excess")).then(-1.0).otherwise(0.0)
    kept = means.with_columns(ends).drop("low_cells", "high_cells")
    return kept.with_columns(low=pl.max_horizontal("low", floor))
