"""Figure 11: claims, findings and panels of the page on LeNets and MNIST.

Networks of one width differ widely between training seeds at small widths, so that everything on
the page is a median over seeds with the quartiles, and the single seeds are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import quantile_test

from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Below, Equals, Exceeds, Verdict
from mirage.emergence.dormancy import Dormancy, dormancy
from mirage.pages import published
from mirage.pages.bases import FIRST, Shares, compared
from mirage.statistics.intervals import Interval, percentile_interval

K = 10  # images that must all be right: the largest K of the paper's Figure 11C
SHARP, SMOOTH = f"subset accuracy, K = {K}", "accuracy"
CHANCE = 0.1  # accuracy of a guess among ten digits
SMALL = (1, 2, 3, 4)  # widths at which single seeds either learn or do not
N_RESAMPLES = 2000

CLAIMS = (
    Claim(
        id="figure-11-parameters",
        kind=Kind.PAPER,
        place="Figure 11B: its horizontal axis gives the number of parameters of each width",
        statement="LeNets of width w have 6283 w + 264 parameters: largest difference over widths",
        rule=Equals(0),
        published=0,
    ),
    Claim(
        id="figure-11-smallest",
        kind=Kind.PAPER,
        place="Figure 11B: test accuracy at width 1",
        statement="Test accuracy on MNIST of a LeNet of width 1, median over training seeds",
        rule=Equals(0.05),
        published=0.1884,
    ),
    Claim(
        id="figure-11-third",
        kind=Kind.PAPER,
        place="Figure 11B: test accuracy at width 3",
        statement="Test accuracy on MNIST of a LeNet of width 3, median over training seeds",
        rule=Equals(0.05),
        published=0.5236,
    ),
    Claim(
        id="figure-11-largest",
        kind=Kind.PAPER,
        place="Figure 11B: test accuracy at width 64",
        statement="Test accuracy on MNIST of a LeNet of width 64, median over training seeds",
        rule=Equals(0.01),
        published=0.958,
    ),
    Claim(
        id="figure-11-sharper",
        kind=Kind.PAPER,
        place="Figure 11B and C: accuracy rises smoothly, all of K right seems to emerge",
        statement=(
            f"The probability that {K} of {K} test images are right stays at its base longer than"
            " accuracy does: difference of dormant shares (medians over seeds), from the level of a"
            " guess and from the first scores"
        ),
        rule=Exceeds(0),
        published=0.29,
    ),
    Claim(
        id="figure-11-subset",
        kind=Kind.PAPER,
        place="Figure 11C: subset accuracy at K = 10, width 64",
        statement=f"Probability that {K} of {K} test images are right, width 64, median over seeds",
        rule=Equals(0.03),
        published=0.657,
    ),
    Claim(
        id="figure-11-foot",
        kind=Kind.IMPLIED,
        place="Figure 11C: subset accuracy at K = 10 is near zero at the smallest widths",
        statement=(
            f"The probability that {K} of {K} test images are right is still at its base at width"
            " 2: share of its whole rise made there (medians over seeds)"
        ),
        rule=Below(0.05),
        published=0,
    ),
    Claim(
        id="figure-11-smooth",
        kind=Kind.IMPLIED,
        place="Figure 11B: accuracy rises from the smallest width on",
        statement="Accuracy rises from the smallest width on: dormant share (median over seeds)",
        rule=Below(0.1),
        published=0,
    ),
    Claim(
        id="figure-11-seeds",
        kind=Kind.OURS,
        place="The paper shows one curve without intervals: would another seed have shown it?",
        statement=(
            "Interquartile range of test accuracy over training seeds, largest of widths 1 to 4"
        ),
        rule=Exceeds(0.1),
    ),
    Claim(
        id="figure-11-live",
        kind=Kind.OURS,
        place="Zhao et al. (2025): breakthroughs can be a mixture of runs that learn and do not",
        statement=(
            "Share of the variance of accuracy between seeds of one width (1 to 4) that the number"
            " of hidden units still active after training explains"
        ),
        rule=Exceeds(0.5),
    ),
)


class Onset(NamedTuple):
    """Where subset accuracy begins to rise, against accuracy on the same networks.

    Attributes
    ----------
    sharp, smooth : Dormancy
        Of the medians over seeds of subset accuracy and of accuracy.
    sharp_interval, smooth_interval, difference_interval : Interval
        95 % bootstrap intervals over seeds of both dormant shares and of sharp less smooth.
    """

    sharp: Dormancy
    smooth: Dormancy
    sharp_interval: Interval
    smooth_interval: Interval
    difference_interval: Interval

    @property
    def shares(self) -> Shares:
        """Both dormant shares, with the interval of their difference."""
        return Shares(self.sharp.share, self.smooth.share, self.difference_interval)


def medians(scores: pl.DataFrame) -> pl.DataFrame:
    """Median and quartiles over training seeds.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with the column ``width``.

    Returns
    -------
    polars.DataFrame
        ``metric, width, n_params, score`` (the median), ``low, high`` (quartiles), ``n_seeds``; by
        ascending width.

    Examples
    --------
    >>> rows = [("accuracy", 1, 6547, y) for y in (0.1, 0.2, 0.9)]
    >>> table = pl.DataFrame(rows, ["metric", "width", "n_params", "score"], orient="row")
    >>> medians(table).select("score", "low", "high", "n_seeds").row(0)
    (0.2, 0.15000000000000002, 0.55, 3)
    """
    score = pl.col("score")
    return (
        scores.group_by("metric", "width", "n_params")
        .agg(
            score.median().alias("score"),
            score.quantile(0.25, "linear").alias("low"),
            score.quantile(0.75, "linear").alias("high"),
            pl.len().alias("n_seeds").cast(pl.Int64),
        )
        .sort("metric", "width")
    )


def onset(scores: pl.DataFrame, sharp: str = SHARP, *, guess: bool = True) -> Onset:
    """Dormant shares of the medians over seeds, with bootstrap intervals.

    Seeds are drawn with replacement within each width, the same for both metrics.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with the columns ``width`` and ``seed``; at least two widths.
    sharp : str
        Metric to compare with accuracy.
    guess : bool
        Whether the base is the score of a guess; else the first score of each metric.

    Returns
    -------
    Onset
    """
    rng = np.random.default_rng(0)  # so that a page repeats itself
    table = scores.filter(pl.col("metric").is_in([sharp, SMOOTH]))
    wide = table.pivot(on="metric", index=["width", "n_params", "seed"], values="score")
    parts = wide.sort("width").partition_by("width", maintain_order=True)
    sizes = [part["n_params"][0] for part in parts]
    values = [part.select(sharp, SMOOTH).to_numpy() for part in parts]  # each (seeds, 2)
    observed = np.stack([np.median(v, axis=0) for v in values], axis=-1)  # (2, widths)
    drawn = [v[rng.integers(0, len(v), (N_RESAMPLES, len(v)))] for v in values]
    resampled = np.stack([np.median(d, axis=1) for d in drawn], axis=-1)  # (resamples, 2, widths)
    chance = CHANCE ** np.array([images_of(sharp), 1]) if guess else None
    # Where nothing rises, the curve is dormant throughout.
    shares = np.nan_to_num(dormancy(resampled, sizes, chance).share, nan=1.0)
    ends = [percentile_interval(column) for column in (*shares.T, shares[:, 0] - shares[:, 1])]
    rises = zip(*dormancy(observed, sizes, chance), strict=True)
    return Onset(*(Dormancy(*one) for one in rises), *ends)


def images_of(metric: str) -> int:
    """Return K of subset accuracy.

    Examples
    --------
    >>> images_of("subset accuracy, K = 10")
    10
    """
    return int(metric.rpartition(" ")[2])


def onsets(scores: pl.DataFrame) -> pl.DataFrame:
    """Dormant share of subset accuracy for each number K of images that must all be right.

    Returns
    -------
    polars.DataFrame
        ``k, score`` (dormant share of the medians over seeds), ``low, high`` (its 95 % interval),
        ``published`` (of the paper's accuracies to the power K, which it does not draw).
    """
    paper = published.lenet_scores().filter(metric="accuracy").sort("n_params")
    p, rows = paper["score"].to_numpy(), []
    for k in range(1, K + 1):
        found = onset(scores, f"subset accuracy, K = {k}")
        rows.append(
            {
                "k": k,
                "score": found.sharp.share,
                "low": found.sharp_interval.low,
                "high": found.sharp_interval.high,
                "published": dormancy(p**k, paper["n_params"], CHANCE**k).share,
            }
        )
    return pl.DataFrame(rows)


def median_interval(values: Sequence[float]) -> Interval | None:
    """95 % interval of a median that assumes nothing of the distribution; None below 6 values.

    Examples
    --------
    The extremes of 6 values hold the median with probability 1 − 2/2⁶ = 97 %.

    >>> median_interval([1, 2, 3, 4, 5, 6]), median_interval([1, 2, 3])
    (Interval(low=1.0, high=6.0), None)
    """
    ends = quantile_test(values, p=0.5).confidence_interval(0.95)
    found = Interval(float(ends.low), float(ends.high))
    return found if np.isfinite(found).all() else None


def explained_by_live_units(scores: pl.DataFrame) -> float:
    """Share of the variance between seeds of one small width that the live units explain.

    Returns
    -------
    float
        In [0, 1]: 1 − (variance within groups of width and number of live units) / (variance
        within groups of width), of accuracy at widths 1 to 4. NaN if no two seeds differ.

    Examples
    --------
    One seed without a live unit at .1, two with one unit at .2 and .3: squares sum to .02 about
    the mean .2, and to .005 about the means of the groups.

    >>> rows = [("accuracy", 1, 0, 0.1), ("accuracy", 1, 1, 0.2), ("accuracy", 1, 1, 0.3)]
    >>> table = pl.DataFrame(rows, ["metric", "width", "live_units", "score"], orient="row")
    >>> round(explained_by_live_units(table), 2)
    0.75
    """
    small = scores.filter(pl.col("metric") == SMOOTH, pl.col("width").is_in(SMALL))
    score = pl.col("score")
    squares = small.select(
        total=((score - score.mean().over("width")) ** 2).sum(),
        within=((score - score.mean().over("width", "live_units")) ** 2).sum(),
    ).row(0, named=True)
    return 1 - squares["within"] / squares["total"] if squares["total"] else float("nan")


def findings(scores: pl.DataFrame) -> dict[str, Found | str]:
    """What the claims need, from the score table of a run.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of `mirage.vision.lenet.evaluate`.

    Returns
    -------
    dict
        A `Found`, or the reason why there is none, by the id of the claim.
    """
    counts = scores.unique("width").select(off=(6283 * pl.col("width") + 264 - pl.col("n_params")))
    n_widths, least = counts.height, scores["width"].min()
    off = abs(counts["off"]).max()
    found: dict[str, Found | str] = {"figure-11-parameters": Found(off, n=n_widths, n_of="widths")}
    for name, width, metric in (
        ("smallest", 1, SMOOTH),
        ("third", 3, SMOOTH),
        ("largest", 64, SMOOTH),
        ("subset", 64, SHARP),
    ):
        values = scores.filter(metric=metric, width=width)["score"].to_list()
        median = float(np.median(values))
        found[f"figure-11-{name}"] = Found(median, median_interval(values), len(values), "seeds")
    both, first = onset(scores), onset(scores, guess=False)
    n_least = scores.group_by("width").agg(pl.n_unique("seed"))["seed"].min()
    curve = medians(scores).filter(metric=SHARP)["score"].to_list()
    small = medians(scores).filter(pl.col("metric") == SMOOTH, pl.col("width").is_in(SMALL))
    n_small = scores.filter(width=least)["seed"].n_unique()
    found |= {
        "figure-11-sharper": compared(both.shares, first.shares, FIRST, n_least, "seeds"),
        "figure-11-smooth": Found(both.smooth.share, both.smooth_interval, n_least, "seeds"),
        "figure-11-foot": Found(
            (curve[1] - curve[0]) / (curve[-1] - curve[0]), n=n_small, n_of="seeds"
        ),
        "figure-11-seeds": Found((small["high"] - small["low"]).max(), n=n_small, n_of="seeds"),
        "figure-11-live": Found(explained_by_live_units(scores), n=n_small, n_of="seeds"),
    }
    return found


def conclusions(claims: Sequence[Claim]) -> dict[str, str]:
    """Sentences of the page that follow from its verdicts, by the name they are glued under."""
    verdict = {claim.id: claim.verdict for claim in claims}
    sharper = {
        Verdict.REPRODUCED: "stays near zero for longer than accuracy does",
        Verdict.NOT_REPRODUCED: "does not stay near zero for longer than accuracy does",
        Verdict.UNDECIDED: "cannot be told from accuracy by these seeds",
    }
    live = {
        Verdict.REPRODUCED: "mostly by how many of their hidden units are still active",
        Verdict.NOT_REPRODUCED: "by more than how many of their hidden units are still active",
    }
    unknown = "in ways that these data do not explain"
    return {
        "f11-sharper": sharper.get(verdict["figure-11-sharper"], "is not compared with accuracy"),
        "f11-live": live.get(verdict["figure-11-live"], unknown),
    }
