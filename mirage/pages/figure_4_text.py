"""What Figure 4 says in words and tables, and the curvature of its curves."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mirage.arithmetic.family import Family
from mirage.book.claims import Found
from mirage.fits.linearised import curvature
from mirage.formatting import number
from mirage.pages.figure_4 import CHANCE, LONGEST, NAMES, READING, Study, falls, smooth, unseen
from mirage.pages.figure_4_sampling import N_ITEMS, Profile
from mirage.statistics.item_counts import least_items


def curves(
    trained: Mapping[str, Family], paper: pl.DataFrame
) -> dict[tuple[str, str], pl.DataFrame]:
    """Choose the accuracies whose logarithm of −log is drawn.

    Parameters
    ----------
    trained : mapping of str to Family
        By task.
    paper : polars.DataFrame
        The paper's accuracies.

    Returns
    -------
    dict of (str, str) to polars.DataFrame
        By "ours" or "paper" and task, of the longest targets: expected exact match of all seeds,
        and the paper's points at temperature 0 that lie between 0 and 1.
    """
    found = {}
    for task, one in trained.items():
        rows = one.scores.filter(split="held-out", target_length=LONGEST[task])
        found["ours", task] = rows.filter(metric="expected exact match")
        inner = pl.col("score").is_between(0, 1, closed="none")
        of_paper = paper.filter(target_length=LONGEST[task], task=task, temperature=0.0)
        found["paper", task] = of_paper.filter(inner)
    return found


def bends(found: Mapping[tuple[str, str], pl.DataFrame]) -> dict[str, float]:
    """Return the p-value of the curvature of our accuracy on each task."""
    ours = {task: rows for (whose, task), rows in found.items() if whose == "ours"}
    return {
        task: float(curvature(rows["n_params"], rows["score"]).p) for task, rows in ours.items()
    }


def labels(found: Mapping[tuple[str, str], pl.DataFrame]) -> dict[tuple[str, str], str]:
    """Write the curvature of each curve of :func:`curves` and its p-value."""
    written = {}
    for (whose, task), rows in found.items():
        bend = curvature(rows["n_params"], rows["score"])
        text = f"{NAMES[task]}: κ = {number(bend.curvature, 2)}, p = {number(bend.p, 2)}"
        written[whose, task] = text
    return written


HEADERS = {  # of the table of doubtful accuracies
    "target_length": "L",
    "temperature": "T",
    "score": "accuracy",
    "fewest": "fewest items possible",
    "needed": "items needed",
    "verdict": "above chance?",
}


def doubtful(cells: pl.DataFrame) -> pl.DataFrame:
    """Choose the accuracies of `against_chance` that are not above chance, for a table."""
    rows = cells.filter(pl.col("verdict") != "above").sort("verdict", "task", "target_length")
    columns = (
        "task",
        "target_length",
        "model",
        "temperature",
        "score",
        "chance",
        "fewest",
        "needed",
    )
    needed = pl.when(pl.col("needed").is_finite()).then("needed")
    names = {task: name.partition(",")[0] for task, name in NAMES.items()}
    return rows.with_columns(
        needed=needed.ceil().cast(pl.Int64), task=pl.col("task").replace(names)
    ).select(*columns, "verdict")


def numbers(cells: pl.DataFrame, found: Study, depth: Profile) -> dict[str, str]:
    """Write what the text of the page quotes.

    Parameters
    ----------
    cells : polars.DataFrame
        From `against_chance`.
    found : Study
    depth : Profile

    Returns
    -------
    dict of str to str
    """
    never, depends = (cells.filter(verdict=kind).height for kind in ("never above", "depends"))
    needed = cells.filter(verdict="depends")["needed"].max()
    shorter = cells.filter(task="four-digit-addition", target_length=1)["score"]
    hidden = int((unseen(found.passed["expected"], N_ITEMS[0]) > 0.5).sum())
    inside = found.passed["expected"].is_between(found.passed["low"], found.passed["high"])
    pairs = 10**8 / sum(range(11))  # of two numbers below 10⁴, over those with a one-digit sum
    curves = falls(cells)
    products, sums = (f"{1 / chance:,.0f}" for chance in CHANCE.values())
    return {
        "never": str(never),
        "cells": str(cells.height),
        "depends": str(depends),
        "needed": "no" if needed is None else f"{needed:,.0f}",
        "least": str(least_items(shorter)),
        "rare": f"{pairs:,.0f}",
        "products": products,
        "sums": sums,
        "few": f"{N_ITEMS[0]:,}",
        "many": f"{N_ITEMS[-1]:,}",
        "hidden": str(hidden),
        "models": str(found.passed.height),
        "inside": str(inside.sum()),
        "rarest": f"{found.passed['expected'].min():.0e}",
        "r": str(depth.r),
        "data": found.description,
        "rising": str(curves.height - curves["falls"].sum()),
        "curves": str(curves.height),
        "smooth": _smooth(smooth(cells)),
        "reading": f"{100 * READING:.2g} %",
    }


def _smooth(found: Found | str) -> str:
    """Say on how many curves a smooth fit is preferred, or why none could be."""
    if isinstance(found, str):
        return found
    return f"{found.ours * found.n:.0f} of {found.n} curves are called smooth"
