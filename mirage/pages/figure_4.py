"""Figure 4: what a number of test items can show of a rare success.

The accuracy of our models under sampling is known exactly: the mean of exp(Σ log p). Here it is
also *measured*, with few items and with many, and by sampling until a fixed number of passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import betaincinv

from mirage.arithmetic import family
from mirage.arithmetic.family import Family
from mirage.arithmetic.problems import stratify
from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Below, Equals, Exceeds
from mirage.fits.comparison import compare_curves
from mirage.fits.data import checked
from mirage.pages import published
from mirage.pages.figure_4_sampling import N_ITEMS, Profile, measure, pass_until
from mirage.statistics.bootstrap import item_bootstrap
from mirage.statistics.intervals import percentile_interval, wilson_interval
from mirage.statistics.item_counts import items_to_exceed
from mirage.theory import tokens

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="figure-4-chance",
        kind=Kind.PAPER,
        place="Section 3, Figure 4: with more test items even the smallest models are above chance",
        statement="Of the paper's 72 accuracies, the number that lie below chance. The interval"
        " counts those that do so whatever the number of items and the reading error, and those"
        " that may.",
        rule=Equals(0),
        published=0,
    ),
    Claim(
        id="figure-4-smooth",
        kind=Kind.PAPER,
        place="Section 3, Figure 4: accuracy rises smoothly and predictably with scale",
        statement="Of the paper's 18 curves of accuracy (task, target length, temperature), the"
        " share on which a comparison of fits prefers a smooth curve to a break or a step.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="figure-4-rises",
        kind=Kind.IMPLIED,
        place="Section 3, Figure 4: accuracy rises with scale (any step function does so, too)",
        statement="Of the paper's 18 curves of accuracy (task, target length, temperature), the"
        " number on which a larger model has a lower accuracy than the one before. The interval"
        " counts falls beyond what the items allow, and all.",
        rule=Equals(0),
        published=0,
    ),
    Claim(
        id="figure-4-foot",
        kind=Kind.IMPLIED,
        place="Section 3: small test sets make small models look unable",
        statement="Models of our family that would probably score 0 on a test of 100 items, though"
        " none has an accuracy of 0: their number.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-4-seen",
        kind=Kind.IMPLIED,
        place="Section 3: with enough test items every model has some right answers",
        statement="Largest probability, over our models, of no right answer among 100,000 items.",
        rule=Below(0.05),
    ),
    Claim(
        id="figure-4-smallest-times",
        kind=Kind.IMPLIED,
        place="Section 3, Figure 4: even the smallest models are above chance",
        statement="Our smallest transformer, products of four digits: expected exact match at"
        " temperature 1 divided by chance.",
        rule=Exceeds(1),
    ),
    Claim(
        id="figure-4-smallest-plus",
        kind=Kind.IMPLIED,
        place="Section 3, Figure 4: even the smallest models are above chance",
        statement="Our smallest transformer, sums of five digits: expected exact match at"
        " temperature 1 divided by chance.",
        rule=Exceeds(1),
    ),
    Claim(
        id="figure-4-linear-times",
        kind=Kind.OURS,
        place="Is the paper's scaling law the shape of the curve? (Hu et al. 2024)",
        statement="Our products of four digits: p-value of a curvature of log(−log accuracy)"
        " against log size, which the paper's model makes a straight line.",
        rule=Exceeds(0.05),
    ),
    Claim(
        id="figure-4-linear-plus",
        kind=Kind.OURS,
        place="Is the paper's scaling law the shape of the curve? (Hu et al. 2024)",
        statement="Our sums of five digits: p-value of a curvature of log(−log accuracy) against"
        " log size, which the paper's model makes a straight line.",
        rule=Exceeds(0.05),
    ),
    Claim(
        id="figure-4-pass-until",
        kind=Kind.OURS,
        place="Can an accuracy near 0 be measured without its closed form? (Hu et al. 2024)",
        statement="Share of the 95 % PassUntil intervals of our models that contain the exact"
        " accuracy.",
        rule=Exceeds(0.75),
    ),
)

LONGEST = {"two-digit-multiplication": 4, "four-digit-addition": 5}  # target length, digits
CHANCE = dict(zip(LONGEST, published.load("fig4_chance").values(), strict=True))  # of a guess
NAMES = {"two-digit-multiplication": "products, L = 4", "four-digit-addition": "sums, L = 5"}
CURVE = ("task", "target_length", "temperature")  # columns that name a curve of the paper
READING = 6e-4  # relative error of a published accuracy: 1e-4 of an axis of six decades


def against_chance(scores: pl.DataFrame, chance: dict[str, float]) -> pl.DataFrame:
    """Compare accuracies of unknown item counts with chance.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table of accuracies with the columns ``task`` and ``target_length``.
    chance : dict
        Accuracy of a guess, by task.

    Returns
    -------
    polars.DataFrame
        The table and the columns

        - ``chance``;
        - ``fewest``: the fewest items there can have been, if all cells of a target length had
          the same: the lowest accuracy above 0 is then at least one right answer;
        - ``low``, ``high``: the 95 % interval at ``fewest`` items, the widest possible;
        - ``needed``: see `items_to_exceed`;
        - ``verdict``: "never above" chance, whatever the items; "depends" on how many there were;
          or "above", already with the fewest.

    Examples
    --------
    >>> table = pl.DataFrame({"task": ["sum"] * 3, "target_length": [1] * 3,
    ...                       "score": [5e-5, 2e-4, 0.5]})
    >>> against_chance(table, {"sum": 1e-4})["verdict"].to_list()
    ['never above', 'depends', 'above']
    """
    positive = pl.col("score").filter(pl.col("score") > 0).min()
    table = scores.with_columns(
        chance=pl.col("task").replace_strict(chance, return_dtype=pl.Float64),
        fewest=(1 / positive).floor().over("task", "target_length").cast(pl.Int64),
    )
    a, n = table["score"].to_numpy(), table["fewest"].to_numpy()
    right, wrong = n * a, n * (1 - a)
    pairs = zip(table["chance"].to_list(), table["score"].to_list(), strict=True)
    none, all_ = right <= 0, wrong <= 0  # where an end is known
    table = table.with_columns(
        low=np.where(none, 0, betaincinv(np.where(none, 1, right), wrong + 1, 0.025)),
        high=np.where(all_, 1, betaincinv(right + 1, np.where(all_, 1, wrong), 0.975)),
        needed=pl.Series([items_to_exceed(c, y) for c, y in pairs], dtype=pl.Float64),
    )
    verdict = (
        pl.when(pl.col("needed").is_infinite())
        .then(pl.lit("never above"))
        .when(pl.col("needed") > pl.col("fewest"))
        .then(pl.lit("depends"))
        .otherwise(pl.lit("above"))
    )
    return table.with_columns(verdict=verdict)


def falls(cells: pl.DataFrame) -> pl.DataFrame:
    """Find curves of accuracy on which a larger model is worse than the one before.

    Parameters
    ----------
    cells : polars.DataFrame
        From `against_chance`.

    Returns
    -------
    polars.DataFrame
        A row per curve: ``falls``, and ``certain``, whether a fall is larger than the intervals of
        the fewest possible items allow.

    Examples
    --------
    >>> curve = pl.DataFrame({"task": ["sum"] * 3, "target_length": 1, "temperature": 0.0})
    >>> curve = curve.with_columns(n_params=pl.Series([1, 2, 3]), score=pl.Series([0.2, 0.1, 0.5]))
    >>> curve = curve.with_columns(low=pl.col("score") - 0.1, high=pl.col("score") + 0.1)
    >>> falls(curve).select("falls", "certain").row(0)
    (True, False)
    """
    step, apart = pl.col("score").diff(), pl.col("high") - pl.col("low").shift(1)
    curves = cells.sort(*CURVE, "n_params").group_by(CURVE, maintain_order=True)
    return curves.agg(falls=(step < 0).any(), certain=(apart < 0).any())


def smooth(cells: pl.DataFrame) -> Found | str:
    """Share of curves that a comparison of fits calls smooth.

    Parameters
    ----------
    cells : polars.DataFrame
        From `against_chance`.

    Returns
    -------
    Found or str
        Why there is none, where no curve has enough sizes for a comparison.

    Examples
    --------
    >>> curve = pl.DataFrame({"task": ["sum"] * 3, "target_length": 1, "temperature": 0.0})
    >>> smooth(curve.with_columns(n_params=pl.Series([1, 2, 3]), score=pl.Series([0.0, 0.1, 0.5])))
    'no verdict on any of 1 curves: 3 points, and a comparison needs 7'
    """
    curves = [
        checked(curve["n_params"], curve["score"], None, None, "size", None)
        for _, curve in cells.sort("n_params").group_by(CURVE, maintain_order=True)
    ]
    compared = [comparison for comparison, _ in compare_curves(curves)]
    verdicts = [comparison.verdict for comparison in compared]
    if set(verdicts) == {"not identifiable"}:
        why = compared[0].reason.replace(": ", ", and ")
        return f"no verdict on any of {len(curves)} curves: {why}"
    n = verdicts.count("smooth")
    ends = wilson_interval(n, len(curves))
    return Found(n / len(curves), tuple(map(float, ends)), len(curves), "curves")


class Study(NamedTuple):
    """Our models on their longest targets.

    Attributes
    ----------
    measured : dict of str to polars.DataFrame
        By task, from `measure`.
    passed : polars.DataFrame
        From `pass_until`, both tasks.
    smallest : dict of str to Found
        By task, expected exact match of the smallest model over chance.
    description : str
        Number of problems, for a caption.
    """

    measured: dict[str, pl.DataFrame]
    passed: pl.DataFrame
    smallest: dict[str, Found]
    description: str


def study(trained: Mapping[str, Family], depth: Profile, rng: np.random.Generator) -> Study:
    """Measure the models of the first seed on held-out problems of the longest targets.

    Parameters
    ----------
    trained : mapping of str to Family
        By task.
    depth : Profile
    rng : numpy.random.Generator
        Of the draws of items and answers.

    Returns
    -------
    Study
    """
    measured, passed, smallest, counts = {}, [], {}, []
    for task, one in trained.items():
        asked = stratify(one.data, depth.n_problems, [LONGEST[task]])
        first = [model for model in one.models if model.seed == 0]
        rows = family.outcomes(one._replace(data=asked, models=first), n_items=depth.n_problems)
        measured[task] = measure(rows, N_ITEMS, rng)
        passed.append(pass_until(first, asked.task, asked.held_out, depth, rng))
        least = rows.filter(pl.col("n_params") == pl.col("n_params").min())
        smallest[task] = _over_chance(least, CHANCE[task], rng)
        what, _, length = NAMES[task].partition(", ")
        counts.append(f"{len(asked.held_out):,} held-out {what} ({length})")
    described = f"{' and '.join(counts)} of the first seed of each size"
    return Study(measured, pl.concat(passed), smallest, described)


def _over_chance(rows: pl.DataFrame, chance: float, rng: np.random.Generator) -> Found:
    """Mean probability of a right answer over chance; swapped operands are resampled together."""
    p = np.exp(rows["log_likelihood"].to_numpy())
    pair = np.sort(rows.select("a", "b").to_numpy(), axis=1)
    _, cluster = np.unique(pair, axis=0, return_inverse=True)
    sums = np.stack([np.bincount(cluster.ravel(), p), np.bincount(cluster.ravel())])
    drawn = item_bootstrap(sums, 2000, rng)
    ends = percentile_interval(drawn[:, 0] / drawn[:, 1] / chance)
    return Found(float(p.mean() / chance), tuple(ends), len(p), "items")


def findings(
    cells: pl.DataFrame, found: Study, bends: Mapping[str, float], n_seeds: int
) -> dict[str, Found | str]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    cells : polars.DataFrame
        From `against_chance`, the paper's accuracies.
    found : Study
    bends : mapping of str to float
        By task, the p-value of the curvature of our accuracy.
    n_seeds : int
        Training seeds behind each size; the curvature is judged by their scatter.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    chance = pl.col("chance")
    sure, point, may = (
        cells.filter(pl.col(column) * error < chance).height
        for column, error in (("high", 1 + READING), ("score", 1), ("low", 1 - READING))
    )
    curves = falls(cells)
    n_falls = curves["falls"].sum()
    few, most = (unseen(found.passed["expected"], n) for n in N_ITEMS[::3])
    inside = found.passed["expected"].is_between(found.passed["low"], found.passed["high"])
    n = found.passed.height
    share = tuple(wilson_interval(inside.sum(), n))
    of_ours: dict[str, Found | str] = {
        "figure-4-chance": Found(point, (sure, may), cells.height, "accuracies"),
        "figure-4-smooth": smooth(cells),
        "figure-4-rises": Found(
            n_falls, (curves["certain"].sum(), n_falls), curves.height, "curves"
        ),
        "figure-4-foot": Found(int((few > 0.5).sum()), n=n, n_of="models"),
        "figure-4-seen": Found(most.max(), n=n, n_of="models"),
        "figure-4-pass-until": Found(inside.mean(), share, n, "models"),
    }
    for task, word in zip(LONGEST, ("times", "plus"), strict=True):
        of_ours[f"figure-4-smallest-{word}"] = found.smallest[task]
        of_ours[f"figure-4-linear-{word}"] = (
            Found(bends[task], n=n_seeds, n_of="seeds")
            if n_seeds >= 3
            else "one seed: another would move the curve as much"
        )
    return of_ours


def unseen(accuracy: pl.Series, n: int) -> np.ndarray:
    """Return the probability that models of these accuracies have no right answer among n items."""
    return np.asarray(tokens.probability_unseen(accuracy, n))
