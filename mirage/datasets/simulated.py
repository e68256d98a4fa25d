"""Stand-ins for published score tables: the paper's model, with binomial noise.

A model of N parameters is right on a target of L tokens with probability p(N)^L
(:mod:`mirage.theory`, Figure 2); a test of n items then shows a binomial count.
Nothing here is about a real model, and every caption says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mirage.metrics import catalogue

if TYPE_CHECKING:
    import polars as pl

SIZES = {
    "2m": 2_098_048,
    "16m": 16_780_288,
    "53m": 56_629_632,
    "125m": 134_228_992,
    "244m": 262_161_280,
    "422m": 453_009_408,
    "1b": 1_073_784_832,
    "2b": 2_097_218_560,
    "4b": 3_623_973_888,
    "8b": 8_590_102_528,
    "27b": 28_991_404_032,
    "128b": 137_440_272_384,
}  # BIG-G's own sizes: twelve, nearly even in log scale


def answers(
    sizes: Mapping[str, int], tasks: Mapping[str, int], n_items: int, seed: int = 0
) -> list[dict[str, Any]]:
    """Simulate the items that models of several sizes answer.

    Parameters
    ----------
    sizes : mapping of str to int
        Parameters of each model.
    tasks : mapping of str to int
        Target length of each task, in tokens.
    n_items : int
        Items of each task, the same for every model.
    seed : int
        Of the random numbers.

    Returns
    -------
    list of dict
        One per model and task: ``model, n_params, task, p`` (per token) and ``correct``, an array
        of `n_items` flags.

    Examples
    --------
    >>> cells = answers({"small": 10**8, "large": 10**11}, {"copy": 3}, n_items=50)
    >>> [int(cell["correct"].sum()) for cell in cells][0]
    0
    """
    from mirage.theory import tokens

    rng = np.random.default_rng(seed)
    cells = []
    for task, length in tasks.items():
        for model, n_params in sizes.items():
            p = float(tokens.token_probability(n_params))
            correct = rng.random(n_items) < float(tokens.accuracy(p, length))
            cells.append(
                {"model": model, "n_params": n_params, "task": task, "p": p, "correct": correct}
            )
    return cells


def score_rows(
    cells: Sequence[Mapping[str, Any]], metrics: Sequence[str], **constant: Any
) -> pl.DataFrame:
    """Score simulated answers under several metrics.

    Parameters
    ----------
    cells : sequence of mapping
        From :func:`answers`.
    metrics : sequence of str
        Names in `mirage.metrics.catalogue`. Where higher is better, the share of correct items;
        where lower is, (1 − p)² plus noise of its standard error.
    **constant
        Further columns, the same in every row.

    Returns
    -------
    polars.DataFrame
        A score table.

    Examples
    --------
    >>> cells = answers({"small": 10**8, "large": 10**11}, {"copy": 3}, n_items=50)
    >>> table = score_rows(cells, ["accuracy"], family="simulated", shots=3)
    >>> table["n_items"].to_list()
    [50, 50]
    """
    from mirage import tables

    rng = np.random.default_rng(1)
    rows = []
    for cell in cells:
        n = len(cell["correct"])
        for metric in metrics:
            higher = catalogue.get(metric).higher_is_better
            # Per item (1 − p)² varies by about ¼ of its range: the standard error is .25/√n.
            smooth = (1 - cell["p"]) ** 2 + rng.normal(0, 0.25 / np.sqrt(n)) * cell["p"]
            rows.append(
                {name: cell[name] for name in ("model", "n_params", "task")}
                | {
                    "metric": metric,
                    "score": float(cell["correct"].mean())
                    if higher
                    else float(np.clip(smooth, 0, 1)),
                    "n_items": n,
                    "source": "simulated",
                    "higher_is_better": higher,
                }
                | constant
            )
    return tables.scores(rows)


def outcome_rows(cells: Sequence[Mapping[str, Any]], **constant: Any) -> pl.DataFrame:
    """Return simulated answers as an outcome table.

    Parameters
    ----------
    cells : sequence of mapping
        From :func:`answers`.
    **constant
        Further columns, the same in every row.

    Returns
    -------
    polars.DataFrame
        An outcome table with a column ``correct``.

    Examples
    --------
    >>> cells = answers({"small": 10**8}, {"copy": 3}, n_items=5)
    >>> outcome_rows(cells, family="simulated")["item"].to_list()
    [0, 1, 2, 3, 4]
    """
    import polars as pl

    from mirage import tables

    frames = [
        pl.DataFrame(
            {"item": np.arange(len(cell["correct"])), "correct": cell["correct"]}
            | {name: cell[name] for name in ("model", "n_params", "task")}
            | constant
        )
        for cell in cells
    ]
    return tables.outcomes(pl.concat(frames, how="vertical_relaxed"))
