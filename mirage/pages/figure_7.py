"""Figure 7: claims and findings of the page on autoencoders and CIFAR-100.

An image counts as reconstructed if its error is below a threshold c, the paper's 0.003. On a subset
of CIFAR-100 large networks overfit, and no image may come so near: there the page uses the
threshold that plays the same part (`mirage.vision.autoencoder.matched_threshold`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Below, Equals, Exceeds, Verdict
from mirage.emergence.dormancy import dormancy
from mirage.emergence.dormancy_bootstrap import (
    DormancyDifference,
    dormancy_difference,
    dormancy_interval,
)
from mirage.pages import published
from mirage.statistics.intervals import wilson_interval
from mirage.vision import autoencoder

ERROR = "mean squared error"
PAPER_C = 0.003
ENOUGH = (
    20_000  # training images: with fewer, 1024 components overfit and errors are not the paper's
)

FULL = autoencoder.PROFILES["paper"].n_steps  # after fewer, the largest networks are far from done

# All claims are about networks trained from random weights. Principal components need no training;
# they are a bound, and named so.
CLAIMS = (
    Claim(
        id="figure-7-parameters",
        kind=Kind.PAPER,
        place="Figure 7B: its horizontal axis gives the number of parameters of each bottleneck",
        statement=(
            "Autoencoders with k code units have 6145 k + 3072 parameters: largest difference"
        ),
        rule=Equals(0),
        published=0,
    ),
    Claim(
        id="figure-7-error",
        kind=Kind.PAPER,
        place="Figure 7B: test mean squared error at 19 bottlenecks",
        statement=(
            "Test error of autoencoders on CIFAR-100, from random weights, over the published"
            " error, at the bottleneck where they differ most"
        ),
        # The training is not stated. 0.4: principal components, which no network with a linear
        # output beats on its training images, lie up to 38 % below the published errors.
        rule=Equals(0.05, loose=0.4),
        published=1,
    ),
    Claim(
        id="figure-7-sharper",
        kind=Kind.PAPER,
        place="Figure 7B and C: the error falls smoothly, reconstruction to within c emerges",
        statement=(
            "The share of images reconstructed to within c stays at its base longer than the"
            " negative error of the same networks does: difference of dormant shares"
        ),
        rule=Exceeds(0),
        published=0.85,
    ),
    Claim(
        id="figure-7-foot",
        kind=Kind.PAPER,
        place="Figure 7C: no image is reconstructed to within c = 0.003 by small networks",
        statement="Share of test images reconstructed to within c = 0.003 by 32 code units",
        rule=Below(0.001),
        published=0,
    ),
    Claim(
        id="figure-7-top",
        kind=Kind.PAPER,
        place="Figure 7C: reconstruction at c = 0.003 by the largest network",
        statement="Share of test images reconstructed to within c = 0.003 by 1024 code units",
        # 0.15: with the error of principal components the share would be .46.
        rule=Equals(0.05, loose=0.15),
        published=0.3176,
    ),
    Claim(
        id="figure-7-smooth",
        kind=Kind.IMPLIED,
        place="Figure 7B: the error falls from the smallest network on",
        statement="The test error falls from the smallest network on: dormant share",
        rule=Below(0.1),
        published=0.03,
    ),
    Claim(
        id="figure-7-place",
        kind=Kind.IMPLIED,
        place="Section 5: the researcher's metric makes the ability emerge",
        statement=(
            "Size at which half of the images are reconstructed to within c = 0.01, over that size"
            " for c = 0.5"
        ),
        rule=Exceeds(10),
    ),
    Claim(
        id="figure-7-bound",
        kind=Kind.OURS,
        place="Training and activation are not stated: how much error is due to them?",
        statement=(
            "Test error of autoencoders from random weights above that of principal components,"
            " in percent, worst bottleneck"
        ),
        rule=Below(5),
    ),
    Claim(
        id="figure-7-components-1",
        kind=Kind.OURS,
        place="Figure 7B: the scale of the images is not stated; do CIFAR-10's deviations give it?",
        statement="Test error of 1 principal component equals the published one of 1 code unit",
        rule=Equals(0.001),
        published=0.7489,
    ),
    Claim(
        id="figure-7-components-2",
        kind=Kind.OURS,
        place="Figure 7B: the scale of the images is not stated; do CIFAR-10's deviations give it?",
        statement="Test error of 2 principal components equals the published one of 2 code units",
        rule=Equals(0.001),
        published=0.6454,
    ),
)


def standard(scores: pl.DataFrame) -> pl.DataFrame:
    """Scores of the family itself: nearly linear tanh, all test images, every threshold."""
    chosen = scores.filter(family="autoencoder", activation="tanh", gain=0.05)
    return chosen.filter(pl.col("block").is_null()).drop("block")


def threshold(scores: pl.DataFrame) -> float:
    """Threshold c of the page: the paper's 0.003, or what plays its part on a subset."""
    return scores.filter(pl.col("block").is_not_null())["c"].drop_nulls()[0]


def by_block(scores: pl.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores of each block of test images, so weighted that their mean is the score.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of `mirage.vision.autoencoder.evaluate`.
    metric : str
        Metric to choose.

    Returns
    -------
    (ndarray, ndarray)
        Scores, shape (seeds, models, blocks), and parameters of the models, ascending.
    """
    chosen = scores.filter(family="autoencoder", activation="tanh", gain=0.05, metric=metric)
    chosen = chosen.filter(pl.col("block").is_not_null()).sort("seed", "n_params", "block")
    sizes = chosen["n_params"].unique().sort().to_numpy()
    shape = (chosen["seed"].n_unique(), len(sizes), -1)
    values, n = (chosen[name].to_numpy().reshape(shape) for name in ("score", "n_items"))
    return values * n / n.mean(-1, keepdims=True), sizes


def onset(scores: pl.DataFrame) -> DormancyDifference:
    """Dormant share of reconstruction less that of the negative error; images are resampled."""
    sharp, sizes = by_block(scores, f"reconstruction, c = {threshold(scores):g}")
    error, _ = by_block(scores, ERROR)
    return dormancy_difference(sharp, -error, sizes, np.random.default_rng(0), per_item=True)


def onsets(scores: pl.DataFrame) -> pl.DataFrame:
    """Dormant share of reconstruction at each threshold, from the mean over seeds.

    Returns
    -------
    polars.DataFrame
        ``c, share, rise_width``; a threshold that no network meets on any image is left out.
    """
    means = (
        standard(scores)
        .filter(pl.col("c").is_not_null())
        .group_by("c", "n_params")
        .agg(pl.mean("score"))
        .sort("c", "n_params")
    )
    rows = []
    for (c,), curve in means.group_by("c", maintain_order=True):
        found = dormancy(curve["score"], curve["n_params"])
        rows.append({"c": c, "share": found.share, "rise_width": found.rise_width})
    return pl.DataFrame(rows).filter(pl.col("share").is_not_nan())


def excess(scores: pl.DataFrame) -> pl.DataFrame:
    """Test error above that of principal components, in percent.

    Returns
    -------
    polars.DataFrame
        ``activation, gain, bottleneck, n_params, score``, the mean over seeds; ``n_seeds``.

    Examples
    --------
    >>> common = dict(metric=ERROR, bottleneck=8, n_params=52_232, block=None)
    >>> ours = dict(family="autoencoder", activation="tanh", gain=0.05, score=0.42)
    >>> bound = dict(family="principal components", activation=None, gain=None, score=0.4)
    >>> excess(pl.DataFrame([common | ours, common | bound]))["score"].round(6).item()
    5.0
    """
    errors = scores.filter(pl.col("block").is_null(), metric=ERROR)
    components = errors.filter(family="principal components").select("bottleneck", bound="score")
    key = ["activation", "gain", "bottleneck", "n_params"]
    means = (
        errors.filter(family="autoencoder").group_by(key).agg(pl.mean("score"), n_seeds=pl.len())
    )
    relative = 100 * (pl.col("score") / pl.col("bound") - 1)
    return (
        means.join(components, on="bottleneck").with_columns(score=relative).sort(key).drop("bound")
    )


def bound(scores: pl.DataFrame) -> pl.DataFrame:
    """Test error of principal components, by ascending rank."""
    chosen = scores.filter(pl.col("block").is_null(), family="principal components", metric=ERROR)
    return chosen.sort("bottleneck")


def paper_excess(scores: pl.DataFrame) -> pl.DataFrame:
    """Published test error above that of our principal components, in percent.

    Returns
    -------
    polars.DataFrame
        ``bottleneck, score``.
    """
    paper = pl.Series(published.load("fig7B_mse")["test_mse"])
    return bound(scores).select("bottleneck", score=100 * (paper / pl.col("score") - 1))


def findings(
    scores: pl.DataFrame, n_train: int = 50_000, n_steps: int = FULL
) -> dict[str, Found | str]:
    """What the claims need, from the score table of a run.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of `mirage.vision.autoencoder.evaluate`.
    n_train : int
        Number of training images; the paper's numbers are not asked of a small subset.
    n_steps : int
        Training steps of each network; the paper's errors are not asked of a short training.

    Returns
    -------
    dict
        A `Found`, or the reason why there is none, by the id of the claim.
    """
    family = standard(scores)
    counts = family.unique("bottleneck").select(
        off=(6145 * pl.col("bottleneck") + 3072 - pl.col("n_params")).abs()
    )
    found: dict[str, Found | str] = {
        "figure-7-parameters": Found(counts["off"].max(), n=counts.height, n_of="networks")
    }
    both, (error, sizes) = onset(scores), by_block(scores, ERROR)
    share = dormancy_interval(-error, sizes, np.random.default_rng(0), per_item=True).share
    blocks = {"n": error.shape[-1], "n_of": "blocks of test images"}
    curve = family.filter(pl.col("c").is_not_null())
    gap = excess(scores).filter(activation="tanh", gain=0.05).sort("score").row(-1, named=True)
    found |= {
        "figure-7-sharper": Found(
            both.difference, (both.low, both.high), **blocks, reason=f"c = {threshold(scores):g}"
        ),
        "figure-7-smooth": Found(both.b.share, share, **blocks),
        "figure-7-place": Found(half_size(curve, 0.01) / half_size(curve, 0.501)),
        "figure-7-bound": Found(
            gap["score"],
            n=gap["n_seeds"],
            n_of="seeds",
            reason=f"worst at k = {gap['bottleneck']}, after {n_steps} training steps",
        ),
    }
    found |= _published(scores, "a small subset of CIFAR-100" if n_train < ENOUGH else "")
    if n_steps < FULL and n_train >= ENOUGH:
        short = f"this profile trains {n_steps} of {FULL} steps"
        found |= {f"figure-7-{name}": short for name in ("error", "top")}
    return found


def _published(scores: pl.DataFrame, reason: str) -> dict[str, Found | str]:
    """What is compared with the paper's own numbers, unless there is a reason not to."""
    names = ("error", "foot", "top", "components-1", "components-2")
    if reason:
        return {f"figure-7-{name}": reason for name in names}
    paper = published.load("fig7B_mse")
    paper = pl.DataFrame({"bottleneck": paper["bottleneck"], "published": paper["test_mse"]})
    ours = standard(scores).filter(metric=ERROR).join(paper, on="bottleneck")
    ratio = ours.group_by("bottleneck").agg(
        pl.mean("score") / pl.first("published"), n=pl.len(), far=pl.first("published")
    )
    worst = ratio.sort((pl.col("score").log()).abs()).row(-1, named=True)
    found: dict[str, Found | str] = {
        "figure-7-error": Found(
            worst["score"], n=worst["n"], n_of="seeds", reason=f"at k = {worst['bottleneck']}"
        )
    }
    for name, k in (("foot", 32), ("top", 1024)):
        rows = standard(scores).filter(bottleneck=k, metric=f"reconstruction, c = {PAPER_C:g}")
        n, share = rows["n_items"][0], rows["score"].mean()
        ends = wilson_interval(round(share * n), n)  # of one network; seeds share the images
        found[f"figure-7-{name}"] = Found(share, ends, n, "test images")
    for k in (1, 2):
        error = bound(scores).filter(bottleneck=k)["score"].item()
        found[f"figure-7-components-{k}"] = Found(error)
    return found


def conclusions(claims: Sequence[Claim]) -> dict[str, str]:
    """Sentences of the page that follow from its verdicts, by the name they are glued under."""
    verdict = {claim.id: claim.verdict for claim in claims}
    sharper = {
        Verdict.REPRODUCED: "stays at zero for longer than the error stays where it is",
        Verdict.NOT_REPRODUCED: "does not stay at zero for longer than the error stays where it is",
        Verdict.UNDECIDED: "cannot be told from the error on these images",
    }
    error, gap = (
        next(claim for claim in claims if claim.id == f"figure-7-{name}")
        for name in ("error", "bound")
    )
    return {
        "f7-sharper": sharper[verdict["figure-7-sharper"]],
        "f7-errors": _errors(error),
        "f7-gap": "an unknown part" if gap.ours is None else f"{gap.ours:.1f} %",
    }


def _errors(claim: Claim) -> str:
    """Say how far our test errors are from the published ones, where they differ most."""
    if claim.ours is None:
        return f"are not compared with the published ones ({claim.reason})"
    side = "lower" if claim.ours < 1 else "higher"
    by = f"{100 * abs(claim.ours - 1):.0f} % {side}"
    return f"differ most from the published ones {claim.reason}, where they are {by}"


def numbers(scores: pl.DataFrame, n_steps: int = FULL) -> dict[str, str]:
    """Numbers of the page's text and captions, by the name they are glued under.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of `mirage.vision.autoencoder.evaluate`.
    n_steps : int
        Training steps of each network.
    """
    family = standard(scores)
    n_sizes, n_seeds = family["bottleneck"].n_unique(), family["seed"].n_unique()
    n_items, enough = (f"{n:,}".replace(",", " ") for n in (family["n_items"].max(), ENOUGH))
    seeds = f"mean of {n_seeds} seeds" if n_seeds > 1 else "one seed"
    return {
        "f7-networks": f"{n_sizes} autoencoders on CIFAR-100, {n_items} test images, {seeds}",
        "f7-enough": enough,
        "f7-steps": str(n_steps),
        "f7-full": str(FULL),
    }


def half_size(curve: pl.DataFrame, c: float) -> float:
    """Number of parameters at which half of the images are reconstructed to within c.

    Parameters
    ----------
    curve : polars.DataFrame
        Columns ``c``, ``n_params``, ``score``; the score does not fall with the parameters.
    c : float
        One of its thresholds.

    Returns
    -------
    float
        Interpolated in log parameters between two models, and no less or more than the outer ones.

    Examples
    --------
    >>> curve = pl.DataFrame({"c": [0.1, 0.1], "n_params": [100, 10_000], "score": [0.0, 1.0]})
    >>> round(half_size(curve, 0.1))
    1000
    """
    at = curve.filter(pl.col("c") == c).sort("n_params")
    return float(10 ** np.interp(0.5, at["score"], np.log10(at["n_params"])))
