"""Numbers read off the paper's own figures (``figures.json``).

The paper has no tables and no code. Its figures are vector graphics, so their points can be
read off to about 1e-4 of the axis range; Figure 6 was read by eye, to about 0.01.
"""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import polars as pl
import polars as pl

from mirage import tables
from mirage.theory import references, tokens
from mirage.theory.texts import N_PARAMS, row_of

FIGURES = {"ROUGE-L-Sum": "fig9_rougeLsum", "BLEU": "fig10_bleu"}
PATH = Path(__file__).parent / "figures.json"
GPT3_SIZES = {
    "350M": 350_000_000,
    "1.3B": 1_300_000_000,
    "6.7B": 6_700_000_000,
    "175B": 175_000_000_000,
}
ARITHMETIC_TASKS = {  # as named in the file: as named here
    "multiplication": "two-digit-multiplication",
    "addition": "four-digit-addition",
}


@functools.cache
def _all() -> dict[str, Any]:
    return msgspec.json.decode(PATH.read_bytes())


def keys() -> list[str]:
    """Name every published curve, e.g. ``fig11B_lenet``."""
    return [key for key in _all() if not key.startswith("_")]


def load(key: str) -> Any:
    """Return one published figure as it stands in the file.

    Parameters
    ----------
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict or list
        Lists of numbers by name; the units are the paper's axes. A copy: changing it is safe.

    Raises
    ------
    KeyError
        No such figure; the message lists what there is.

    Examples
    --------
    >>> load("fig11B_lenet")["test_acc"][-1]
    0.958
    """
    if key not in keys():
        raise KeyError(f"no published figure {key!r}; there are: {', '.join(keys())}")
    return copy.deepcopy(_all()[key])


def lenet_scores() -> pl.DataFrame:
    """Figures 11B and 11C as a score table (see :mod:`mirage.tables`).

    Returns
    -------
    polars.DataFrame
        Test accuracy of all 14 widths, and subset accuracy at K = 6, 8, 10 where it is drawn.
        ``n_items`` is null: the paper does not state its test set.

    Examples
    --------
    >>> lenet_scores().filter(metric="subset accuracy, K = 10")["score"].to_list()[-1]
    0.657
    """
    from mirage import tables

    figure, subsets = load("fig11B_lenet"), load("fig11C_lenet_subset")
    n_params = dict(zip(figure["width"], figure["params"], strict=True))
    rows = [("accuracy", w, y) for w, y in zip(figure["width"], figure["test_acc"], strict=True)]
    for k, curve in subsets.items():
        metric = f"subset accuracy, K = {k}"
        rows += [(metric, w, y) for w, y in zip(curve["width"], curve["acc"], strict=True)]
    return tables.scores(
        {
            "family": "LeNet (paper)",
            "model": f"w = {width}",
            "n_params": n_params[width],
            "task": "MNIST",
            "metric": metric,
            "score": max(score, 0.0),
            "source": "Schaeffer et al. 2023, Figure 11, digitised",
        }
        for metric, width, score in rows
    )


def arithmetic_scores() -> pl.DataFrame:
    """Figures 3 and 4 as a score table: GPT-3 and InstructGPT on arithmetic.

    Returns
    -------
    polars.DataFrame
        *Exact match* (the paper's accuracy) and *token edit distance* (tokens, lower is better)
        of four models, with the columns ``target_length`` and ``temperature``. ``n_items`` is
        null: the paper does not state its test set.

    Examples
    --------
    >>> cell = {"task": "four-digit-addition", "model": "350M", "temperature": 0.0}
    >>> arithmetic_scores().filter(metric="exact match", target_length=5, **cell)["score"].item()
    4.396e-05
    """
    from mirage import tables

    return tables.scores(
        {
            "family": "GPT-3 (paper)",
            "model": model,
            "n_params": n_params,
            "task": task,
            "metric": metric,
            # A zero distance was read as 2e-5.
            "score": max(sign * score, 0.0),
            "source": "Schaeffer et al. 2023, Figures 3 and 4, digitised",
            "target_length": curve["target_len"],
            "temperature": curve["temperature"],
        }
        for operation, task in ARITHMETIC_TASKS.items()
        for metric, name, sign in (
            ("exact match", "accuracy", 1),
            ("token edit distance", "neg_token_edit_distance", -1),
        )
        for curve in load("fig3")[f"{operation}_{name}"]
        for (model, n_params), score in zip(GPT3_SIZES.items(), curve["y"], strict=True)
    )


def texts() -> pl.DataFrame:
    """Figures 9 and 10 as published, beside the exact match with any reference.

    Returns
    -------
    polars.DataFrame
        A score table, by metric, length, number of references and size. ``text`` is "published",
        ``expected`` is 1 − (1 − p^L)^R at the sizes of ``N_PARAMS``.

    Examples
    --------
    >>> table = texts()
    >>> table.height, round(abs(table["score"] - table["expected"]).max(), 2)
    (210, 0.05)
    """
    rows = []
    for metric, key in FIGURES.items():
        for curve in load(key):
            length, n_references = curve["target_len"], curve["num_refs"]
            p = tokens.token_probability(N_PARAMS)
            expected = references.exact_match(p, length, n_references)
            for n, y, e in zip(N_PARAMS.tolist(), curve["y"], expected.tolist(), strict=True):
                found = {"text": "published", "score": y, "expected": e, "n_items": 500}
                found |= {"family": "toy model", "source": "Schaeffer et al. 2023, digitised"}
                rows.append(row_of(metric, n, length, n_references) | found)
    return tables.scores(rows)
