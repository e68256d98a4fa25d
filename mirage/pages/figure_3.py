"""Figure 3: exact match and token edit distance of the same answers, GPT-3's and our own.

Which of two metrics begins to rise later is judged by their dormant shares
(:mod:`mirage.emergence.dormancy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from mirage import tables
from mirage.arithmetic import scoring
from mirage.arithmetic.curves import EXACT, NEGATED
from mirage.arithmetic.family import Family
from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Below, Exceeds
from mirage.emergence.dormancy import dormancy
from mirage.emergence.dormancy_bootstrap import DormancyDifference, dormancy_difference
from mirage.metrics import strings
from mirage.statistics.intervals import wilson_interval

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="figure-3-paper",
        kind=Kind.PAPER,
        place="Section 3, Figure 3: accuracy jumps, token edit distance of the same outputs rises"
        " smoothly",
        statement="On the paper's points at temperature 0, accuracy stays at its base longer than"
        " −token edit distance on each of the 7 curves of at least two digits: smallest difference"
        " of dormant shares.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-3-times",
        kind=Kind.IMPLIED,
        place="Section 3: changing the metric removes the emergence of integer arithmetic",
        statement="Our transformers, held-out products of four digits: exact match stays at its"
        " base longer than −token edit distance of the same answers: difference of dormant shares."
        " Attempted if exact match rises above one half.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-3-plus",
        kind=Kind.IMPLIED,
        place="Section 3: changing the metric removes the emergence of integer arithmetic",
        statement="The same comparison on our transformers' held-out sums of five digits."
        " Attempted if exact match rises above one half.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-3-independent",
        kind=Kind.IMPLIED,
        place="Section 2: accuracy on L tokens is about p^L",
        statement="Our transformers, held-out products: expected exact match differs from p^(L + 1)"
        " with the p measured on the same items: largest difference over sizes and target lengths.",
        rule=Below(0.1),
    ),
    Claim(
        id="figure-3-largest",
        kind=Kind.OURS,
        place="Does our family reach what the paper's largest model does (.86)?",
        statement="Exact match of our largest transformer on held-out products of four digits,"
        " temperature 0.",
        rule=Exceeds(0.85),
    ),
    Claim(
        id="figure-3-smallest",
        kind=Kind.OURS,
        place="Does our family begin where the paper's smallest model does (near 0)?",
        statement="Exact match of our smallest transformer on held-out products of four digits,"
        " temperature 0.",
        rule=Below(0.01),
    ),
    Claim(
        id="figure-3-held-out",
        kind=Kind.OURS,
        place="Do the models know the products they were trained on, or how to multiply?",
        statement="Our largest transformer, products of four digits: exact match on trained less"
        " exact match on held-out problems.",
        rule=Below(0.1),
    ),
)

LONGEST = {"two-digit-multiplication": 4, "four-digit-addition": 5}  # target length, digits
NAMES = {"two-digit-multiplication": "times", "four-digit-addition": "plus"}
RISEN = 0.5  # exact match from which a curve is more than its beginning


class Answers(NamedTuple):
    """Scores of every model's answers of one target length, at temperature 0.

    Attributes
    ----------
    n_params : ndarray, shape (sizes,)
        Ascending.
    exact, distance : ndarray, shape (seeds, sizes, items)
        Exact match, and −token edit distance (tokens, at most 0): higher is better in both. An
        item is an unordered pair of operands: the mean over a∘b and b∘a, which are not
        independent.
    """

    n_params: np.ndarray
    exact: np.ndarray
    distance: np.ndarray


def means(scores: pl.DataFrame) -> pl.DataFrame:
    """Average over seeds, as `mirage.tables.over_seeds`, with the range of each metric.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table that `upward` has turned.

    Returns
    -------
    polars.DataFrame
        Intervals are cut off at the ends of each metric's range.

    Examples
    --------
    >>> row = {"family": "toy", "model": "S", "n_params": 9, "task": "sum", "source": "example"}
    >>> row |= {"metric": "exact match"}
    >>> two = tables.scores(row | {"seed": i, "score": y} for i, y in enumerate((0.0, 0.2)))
    >>> means(two).select("score", "low", "high").row(0)
    (0.1, 0.0, 1.0)
    """
    return tables.over_seeds(scores, bounds=None)


def answers(family: Family, length: int, split: str = "held-out", limit: int = 2000) -> Answers:
    """Let every model answer the problems of one target length at temperature 0, and score them.

    Parameters
    ----------
    family : Family
        Trained models, all seeds of all sizes.
    length : int
        Digits of the answer.
    split : {"held-out", "train"}
    limit : int
        Largest number of problems, the first ones of the split.

    Returns
    -------
    Answers

    Raises
    ------
    ValueError
        No problem of the split has such an answer.
    """
    task, chosen = family.data.task, family.data.split(split)
    digits = np.char.str_len(task.answer(*chosen.T).astype(str))
    chosen = chosen[digits == length][:limit]
    if not len(chosen):
        raise ValueError(f"length: found {length}, which no {split} problem of {task.name} has")
    targets = [str(answer) for answer in task.answer(*chosen.T).tolist()]
    _, pair = np.unique(np.sort(chosen, axis=1), axis=0, return_inverse=True)
    n_orders = np.bincount(pair.ravel())
    scores = []
    for one in family.models:
        given = scoring.completions(one.model, task, chosen, 0.0)
        of_model = strings.exact_match(given, targets), -strings.token_edit_distance(given, targets)
        scores.append([np.bincount(pair.ravel(), y) / n_orders for y in of_model])
    sizes = np.unique([one.n_params for one in family.models])
    by_size = np.reshape(scores, (len(sizes), -1, 2, len(n_orders)))  # sizes, then seeds
    exact, distance = by_size.transpose(2, 1, 0, 3)
    return Answers(sizes, exact, distance)


def difference(found: Answers, rng: np.random.Generator) -> DormancyDifference:
    """Dormant share of exact match less that of −token edit distance, items and seeds resampled."""
    return dormancy_difference(found.exact, found.distance, found.n_params, rng, per_item=True)


def shares(scores: pl.DataFrame) -> pl.DataFrame:
    """Dormant share of exact match and of −token edit distance on each curve.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with the column ``target_length``, one temperature, of one family, that
        `mirage.arithmetic.curves.upward` has turned; seeds are averaged.

    Returns
    -------
    polars.DataFrame
        A row per ``task`` and ``target_length``: ``exact``, ``distance`` and their
        ``difference``; null where a curve does not rise.

    Examples
    --------
    The paper's points at temperature 0, four-digit products.

    >>> from mirage.arithmetic.curves import upward
    >>> from mirage.pages import published
    >>> found = shares(upward(published.arithmetic_scores()).filter(temperature=0.0))
    >>> found = found.filter(task="two-digit-multiplication", target_length=4)
    >>> found.select(pl.col("exact", "distance").round(2)).row(0)
    (0.5, 0.1)
    """
    wanted = scores.filter(pl.col("metric").is_in([EXACT, NEGATED]))
    key = ["task", "target_length", "metric"]
    curves = wanted.group_by(*key, "n_params").agg(pl.mean("score")).sort(*key, "n_params")
    rows: dict[tuple, dict] = {}
    for (task, length, metric), curve in curves.group_by(key, maintain_order=True):
        share = float(dormancy(curve["score"], curve["n_params"]).share)
        name = "exact" if metric == EXACT else "distance"
        row = rows.setdefault((task, length), {"task": task, "target_length": length})
        row[name] = None if np.isnan(share) else share
    table = pl.DataFrame(list(rows.values()), infer_schema_length=None)
    return table.with_columns(difference=pl.col("exact") - pl.col("distance")).sort(
        "task", "target_length", descending=[True, False]
    )


def independent(scores: pl.DataFrame) -> pl.DataFrame:
    """Expected exact match beside p^(L + 1), with the p measured on the same items.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table of a trained family: the metric *expected exact match* and a loss.

    Returns
    -------
    polars.DataFrame
        Means over seeds, a row per task, target length L and size: ``loss`` (nats per token, the
        end of the answer included), ``score`` and ``predicted`` = exp(−loss (L + 1)).

    Examples
    --------
    >>> row = {"metric": "expected exact match", "task": "sum", "target_length": 1, "n_params": 9}
    >>> table = pl.DataFrame([row | {"loss": float(-np.log(0.5)), "score": 0.3}])
    >>> independent(table).select("score", "predicted").row(0)
    (0.3, 0.25)
    """
    rows = scores.filter(pl.col("target_length").is_not_null(), metric="expected exact match")
    rows = rows.with_columns(predicted=(-pl.col("loss") * (pl.col("target_length") + 1)).exp())
    key = ["task", "target_length", "n_params"]
    return rows.group_by(key).agg(pl.mean("loss", "score", "predicted")).sort(key)


def _of_model(found: Answers, place: int) -> Found:
    """Exact match of the model at a place by size; Wilson's interval over items.

    The interval is that of the nearest whole number of right items: an item whose two orders
    disagree counts one half.
    """
    score, n = float(found.exact[:, place].mean()), found.exact.shape[2]
    return Found(score, tuple(map(float, wilson_interval(round(score * n), n))), n, "items")


def findings(
    paper: pl.DataFrame,
    ours: Mapping[str, Answers],
    differences: Mapping[str, DormancyDifference],
    trained: Answers,
    predicted: pl.DataFrame,
) -> dict[str, Found | str]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    paper : polars.DataFrame
        :func:`shares` of the paper's points.
    ours : mapping of str to Answers
        By task, the longest held-out answers.
    differences : mapping of str to DormancyDifference
        By task, :func:`difference` of these.
    trained : Answers
        The longest products that the models were trained on.
    predicted : polars.DataFrame
        :func:`independent` of held-out products.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    longer = paper.filter(pl.col("target_length") >= 2)
    found: dict[str, Found | str] = {
        "figure-3-paper": Found(longer["difference"].min(), n=longer.height, n_of="curves")
    }
    for task, of_task in differences.items():
        top = ours[task].exact.mean(axis=(0, 2)).max()
        ends = (of_task.low, of_task.high)
        n = ours[task].exact.shape[2]
        found[f"figure-3-{NAMES[task]}"] = (
            Found(of_task.difference, ends, n, "items")
            if top >= RISEN and np.isfinite(of_task.difference)
            else f"exact match rises only to {top:.2f}"
        )
    apart = (predicted["score"] - predicted["predicted"]).abs().max()
    found["figure-3-independent"] = Found(apart, n=predicted.height, n_of="curves' points")
    products = ours["two-digit-multiplication"]
    found["figure-3-largest"], found["figure-3-smallest"] = (
        _of_model(products, i) for i in (-1, 0)
    )
    known, new = (_of_model(one, -1) for one in (trained, products))
    # The difference of two shares of different items: variances add (Newcombe 1998).
    gap, (low, high), (low_known, high_known) = known.ours - new.ours, new.interval, known.interval
    down = np.hypot(known.ours - low_known, high - new.ours)
    up = np.hypot(high_known - known.ours, new.ours - low)
    found["figure-3-held-out"] = Found(gap, (gap - down, gap + up), new.n, "items")
    return found


def numbers(
    ours: Mapping[str, Answers],
    differences: Mapping[str, DormancyDifference],
    trained: Answers,
) -> dict[str, str]:
    """Write what the text of the page quotes.

    Parameters
    ----------
    ours : mapping of str to Answers
        By task, the longest held-out answers.
    differences : mapping of str to DormancyDifference
        By task.
    trained : Answers
        The longest products that the models were trained on.

    Returns
    -------
    dict of str to str
        By name and task: dormant shares in percent, their difference with its interval, and in
        words which metric rises later; exact match of the smallest and the largest model; and,
        of both tasks, the size of the largest model.
    """
    largest = max(one.n_params[-1] for one in ours.values())
    values = {
        "trained": f"{trained.exact[:, -1].mean():.2f}",
        "size": f"{largest / 1000:.0f} thousand",
    }
    for task, of_task in differences.items():
        name, exact = NAMES[task], ours[task].exact.mean(axis=(0, 2))
        values[f"{name}-exact"] = f"{100 * of_task.a.share:.0f} %"
        values[f"{name}-distance"] = f"{100 * of_task.b.share:.0f} %"
        interval = f"[{of_task.low:.2f}, {of_task.high:.2f}]"
        values[f"{name}-difference"] = f"{of_task.difference:.2f} {interval}"
        later = "later than" if of_task.low > 0 else "not measurably later than"
        values[f"{name}-order"] = "earlier than" if of_task.high < 0 else later
        values[f"{name}-smallest"], values[f"{name}-largest"] = (
            f"{exact[0]:.3f}",
            f"{exact[-1]:.2f}",
        )
    return values


def table_of(paper: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    """Put the dormant shares of the paper's curves and of ours into one table for readers.

    Parameters
    ----------
    paper, ours : polars.DataFrame
        From :func:`shares`.

    Returns
    -------
    polars.DataFrame
        ``curve``, such as "paper, products, L = 4", and the columns of :func:`shares`.
    """
    what = pl.col("task").replace_strict(
        {"two-digit-multiplication": "products", "four-digit-addition": "sums"}
    )
    parts = [
        table.select(
            pl.format("{}, {}, L = {}", pl.lit(whose), what, "target_length").alias("curve"),
            "exact",
            "distance",
            "difference",
        )
        for whose, table in (("paper", paper), ("ours", ours))
    ]
    return pl.concat(parts)
