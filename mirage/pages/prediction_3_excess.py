"""Whether errors of one answer occur together: accuracy over p^(L + 1) and its two factors."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from mirage.arithmetic import family
from mirage.arithmetic.family import Family
from mirage.arithmetic.problems import stratify
from mirage.statistics.bootstrap import item_bootstrap
from mirage.statistics.intervals import percentile_interval


def longest(
    trained: Iterable[Family], n_items: int, least: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Return `excess` of the longest targets of each task, models of the first seed.

    Parameters
    ----------
    trained : iterable of Family
    n_items : int
        Largest number of held-out problems of each target length.
    least : int
        Number below which a target length is left out.
    rng : numpy.random.Generator
        Of the bootstrap over items.

    Returns
    -------
    polars.DataFrame
    """
    found = []
    for one in trained:
        few = stratify(one.data, n_items)
        first = [model for model in one.models if model.seed == 0]
        rows = family.outcomes(one._replace(data=few, models=first), n_items=len(few.held_out))
        found.append(excess(rows.filter(pl.len().over("model", "target_length") >= least), rng))
    factors = pl.concat(found)
    return factors.filter(pl.col("target_length") == pl.col("target_length").max().over("task"))


def excess(
    outcomes: pl.DataFrame, rng: np.random.Generator, n_resamples: int = 1000
) -> pl.DataFrame:
    """How much likelier a right answer is than independent, equal tokens would make it.

    Parameters
    ----------
    outcomes : polars.DataFrame
        From `mirage.arithmetic.family.outcomes`.
    rng : numpy.random.Generator
        Of the bootstrap over items.
    n_resamples : int
        Test sets drawn.

    Returns
    -------
    polars.DataFrame
        A row per model, seed, target length L and ``factor``, its value in ``score``, the 95 %
        bootstrap interval in ``low``, ``high``, and ``n_items``:

        - "total": expected exact match over p^(L + 1), p the mean probability of the right
          character over the L digits and the end, at temperature 1;
        - "together": the same over the product of the mean probabilities at each place; above 1
          if an item that is easy at one place is easy at another;
        - "unequal": that product over p^(L + 1); at most 1, less if some places are harder.

        The first is the product of the other two.

    Notes
    -----
    a∘b and b∘a are resampled together: they are not independent.

    Examples
    --------
    Two items: all characters sure, or each with probability ½. Together (1 + ¼)/2 over ¾².

    >>> row = {"family": "a", "model": "b", "n_params": 1, "task": "c", "seed": 0, "a": 1}
    >>> row |= {"target_length": 1}
    >>> table = pl.DataFrame([
    ...     row | {"b": 0, "log_probs": [0.0, 0.0]},
    ...     row | {"b": 3, "log_probs": [float(np.log(0.5))] * 2},
    ... ])
    >>> found = excess(table, np.random.default_rng(0), 10)
    >>> found.select("factor", pl.col("score").round(4)).rows()
    [('total', 1.1111), ('together', 1.1111), ('unequal', 1.0)]
    """
    key = ["family", "model", "n_params", "task", "seed", "target_length"]
    rows = []
    for values, part in outcomes.sort(key).group_by(key, maintain_order=True):
        p = np.exp(np.array(part["log_probs"].to_list(), dtype=np.float64))  # (items, L + 1)
        of_item = np.column_stack([p.prod(axis=1), p])
        pair = np.sort(part.select("a", "b").to_numpy(), axis=1)
        _, cluster = np.unique(pair, axis=0, return_inverse=True)
        found = _factors(of_item.mean(axis=0))
        drawn = _factors(item_bootstrap(of_item.T, n_resamples, rng, clusters=cluster.ravel()))
        for name, score in found.items():
            low, high = percentile_interval(drawn[name])
            row = dict(zip(key, values, strict=True)) | {"n_items": part.height, "factor": name}
            rows.append(row | {"score": float(score), "low": low, "high": high})
    return pl.DataFrame(rows)


def _factors(means: np.ndarray) -> dict[str, np.ndarray]:
    """Factors from means over items, shape (..., 1 + characters): the answer, then its places."""
    answer, *characters = np.moveaxis(means, -1, 0)
    places = np.prod(characters, axis=0)
    equal = np.mean(characters, axis=0) ** len(characters)
    return {"total": answer / equal, "together": answer / places, "unequal": places / equal}
