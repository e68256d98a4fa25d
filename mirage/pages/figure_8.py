"""Figure 8: claims, findings and panels of the page on transformers and Omniglot.

Two families answer two questions. The *depth* family repeats what the paper seems to have done: one
width, more blocks, a short training. The *width* family is trained well. Both are judged by the
same metrics: the accuracy per image, and the share of sequences whose first L labels are all right.
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
from mirage.pages.bases import FIRST, Shares, compared
from mirage.statistics.bootstrap import item_bootstrap
from mirage.vision import sequences

LENGTH = 3  # L of the paper's all-correct curve
SHARP, SMOOTH = f"all correct, L = {LENGTH}", "accuracy"
FAMILIES = ("depth", "width")
CHANCE = 1 / 1623  # accuracy of a guess among all characters of Omniglot
# Published all-correct from which a ratio to it is judged. Below, two networks of one size and one
# accuracy have .0105 and .0154, and the paper's number of items is unknown.
LEAST = 0.05
N_RESAMPLES = 2000  # of the bootstrap over cells

CLAIMS = (
    Claim(
        id="figure-8-accuracy",
        kind=Kind.PAPER,
        place="Figure 8B: test accuracy per image at six sizes, .153 to .817",
        statement=(
            "Test accuracy per image of transformers with 1 to 16 blocks on Omniglot: largest"
            " difference from the published curve"
        ),
        rule=Equals(0.05),
        published=0,
    ),
    Claim(
        id="figure-8-together",
        kind=Kind.PAPER,
        place="Figure 8C: share of sequences with all of L = 3 labels right at six sizes",
        # A first rule, within .05 of each published share, passed 0 at three of the five sizes and
        # less than half of the share at the others. A ratio fails there; its tolerances are those
        # of the third prediction. It was set when the shares were known.
        statement=(
            f"Published shares above {LEAST} of sequences with all of 3 labels right: share in our"
            " networks of the same accuracy per image over the published one, the ratio furthest"
            " from 1"
        ),
        rule=Equals(0.25, loose=0.5),
        published=1,
    ),
    Claim(
        id="figure-8-sharper",
        kind=Kind.PAPER,
        place="Figure 8B and C: accuracy rises smoothly, all of L = 3 right seems to emerge",
        # Set before any number was known. That the accuracies of this family span less than the
        # published ones is part of its result; the width family has a claim of its own.
        statement=(
            "Transformers with 1 to 16 blocks: “all of 3 labels right” stays at its base longer"
            " than accuracy per image does: difference of dormant shares, from the level of a guess"
            " and from the first scores"
        ),
        rule=Exceeds(0),
        published=0.22,
    ),
    Claim(
        id="figure-8-sharper-width",
        kind=Kind.IMPLIED,
        place="Section 5: the metric makes the ability emerge, not the network or its training",
        statement=(
            "Transformers that grow in width and are trained well: “all of 3 labels right” stays at"
            " its base longer than accuracy per image does: difference of dormant shares, from the"
            " level of a guess and from the first scores"
        ),
        rule=Exceeds(0),
        published=0.22,
    ),
    Claim(
        id="figure-8-smooth",
        kind=Kind.IMPLIED,
        place="Figure 8B: accuracy rises from the smallest size on",
        statement=(
            "Transformers that grow in width and are trained well: accuracy per image rises from"
            " the smallest size on: dormant share"
        ),
        rule=Below(0.1),
        published=0,
    ),
    Claim(
        id="figure-8-dependent",
        kind=Kind.OURS,
        place="Figure 8C lies above the cube of Figure 8B: are the images of a sequence dependent?",
        statement=(
            "Largest transformer: share of sequences with all of 3 labels right, less what"
            " independent images would give"
        ),
        rule=Exceeds(0),
    ),
)


def paper() -> pl.DataFrame:
    """Figures 8B and 8C as published.

    Returns
    -------
    polars.DataFrame
        ``n_params`` (inferred from the axis), ``n_blocks`` (inferred from the sizes, which are
        linear in it), ``accuracy`` per image and ``together``, the share of sequences with all of
        3 labels right; six models.
    """
    return pl.DataFrame(
        {
            "n_params": published.load("fig8_params_estimate"),
            "n_blocks": [1, 2, 2, 3, 4, 16],
            "accuracy": published.load("fig8B_K1"),
            "together": published.load("fig8C_K3"),
        }
    )


def by_cell(scores: pl.DataFrame, family: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores of each cell (alphabet, drawer), so weighted that their mean is the score.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of `mirage.vision.omniglot.evaluate`.
    family : {"depth", "width"}
        Family to choose.
    metric : str
        Metric to choose.

    Returns
    -------
    (ndarray, ndarray)
        Scores, shape (seeds, models, cells), and parameters of the models, ascending.
    """
    chosen = scores.filter(pl.col("cell").is_not_null(), family=family, metric=metric)
    chosen = chosen.sort("seed", "n_params", "cell")
    sizes = chosen["n_params"].unique().sort().to_numpy()
    shape = (chosen["seed"].n_unique(), len(sizes), -1)
    values, n = (chosen[name].to_numpy().reshape(shape) for name in ("score", "n_items"))
    return values * n / n.mean(-1, keepdims=True), sizes


def onset(
    scores: pl.DataFrame, family: str, length: int = LENGTH, *, guess: bool = True
) -> DormancyDifference:
    """Dormant share of all-correct less that of accuracy; cells and seeds are resampled.

    Parameters
    ----------
    scores : polars.DataFrame
        As for `by_cell`.
    family : {"depth", "width"}
        Family to choose.
    length : int
        Number L of labels that must all be right.
    guess : bool
        Whether the base is the score of a guess; else the first score of each metric.

    Returns
    -------
    mirage.emergence.dormancy_bootstrap.DormancyDifference
    """
    sharp, sizes = by_cell(scores, family, f"all correct, L = {length}")
    smooth, _ = by_cell(scores, family, SMOOTH)
    rng = np.random.default_rng(0)
    chance = (CHANCE**length, CHANCE) if guess else (None, None)
    return dormancy_difference(sharp, smooth, sizes, rng, per_item=True, chance=chance)


def onsets(scores: pl.DataFrame) -> pl.DataFrame:
    """Dormant share of all-correct for each family and length L.

    Returns
    -------
    polars.DataFrame
        ``family, length, score, low, high``; the interval is over cells and seeds.
    """
    rows = []
    for family in scores["family"].unique().sort().to_list():
        for length in range(1, sequences.LENGTH + 1):
            values, sizes = by_cell(scores, family, f"all correct, L = {length}")
            share = dormancy(values.mean((0, 2)), sizes, CHANCE**length).share
            rng, chance = np.random.default_rng(0), CHANCE**length
            low, high = dormancy_interval(values, sizes, rng, per_item=True, chance=chance).share
            row = {"family": family, "length": length, "score": share, "low": low, "high": high}
            rows.append(row)
    return pl.DataFrame(rows)


def at_published_accuracy(accuracy: np.ndarray, together: np.ndarray) -> pl.DataFrame:
    """All-correct of networks with the paper's accuracies, between two of ours.

    Parameters
    ----------
    accuracy, together : ndarray, shape (models,)
        Of our networks, all families together: accuracy per image, and share of sequences with
        all of 3 labels right.

    Returns
    -------
    polars.DataFrame
        Columns of `paper` and ``ours``, interpolated in accuracy; sizes whose accuracy lies outside
        ours are left out.

    Examples
    --------
    Half way between networks that get .3 and .35 of the images right.

    >>> table = at_published_accuracy(np.array([0.35, 0.3]), np.array([0.1, 0.06]))
    >>> table.select("accuracy", pl.col("ours").round(3)).rows()
    [(0.3247, 0.08)]
    """
    chosen = paper().filter(pl.col("accuracy").is_between(accuracy.min(), accuracy.max()))
    order = np.argsort(accuracy)
    ours = np.interp(chosen["accuracy"], accuracy[order], together[order])
    return chosen.with_columns(ours=pl.Series(ours, dtype=pl.Float64))


def ratios(scores: pl.DataFrame) -> pl.DataFrame:
    """All-correct over the published share, at published shares above `LEAST`.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of `mirage.vision.omniglot.evaluate`.

    Returns
    -------
    polars.DataFrame
        Columns of `at_published_accuracy` and ``ratio, low, high``; the 95 % interval is over the
        cells of our test set.
    """
    cells = [
        np.concatenate([by_cell(scores, family, metric)[0].mean(0) for family in FAMILIES])
        for metric in (SMOOTH, SHARP)
    ]
    found = at_published_accuracy(*(values.mean(-1) for values in cells))
    found = found.filter(pl.col("together") > LEAST)
    # One axis of models and metrics, so that all are resampled on the same cells.
    drawn = item_bootstrap(np.concatenate(cells), N_RESAMPLES, np.random.default_rng(0))
    accuracy, together = np.split(drawn, 2, axis=-1)
    order = np.argsort(accuracy, axis=-1)
    pairs = (np.take_along_axis(values, order, axis=-1) for values in (accuracy, together))
    ours = [np.interp(found["accuracy"], *pair) for pair in zip(*pairs, strict=True)]
    low, high = np.quantile(ours, [0.025, 0.975], axis=0)
    ends = pl.Series(low, dtype=pl.Float64), pl.Series(high, dtype=pl.Float64)
    share = pl.col("together")
    return found.with_columns(
        ratio=pl.col("ours") / share, low=ends[0] / share, high=ends[1] / share
    )


def findings(scores: pl.DataFrame) -> dict[str, Found | str]:
    """What the claims need, from the score table of a run.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of `mirage.vision.omniglot.evaluate`.

    Returns
    -------
    dict
        A `Found`, or the reason why there is none, by the id of the claim.
    """
    curves = sequences.curves(scores)
    values, sizes = by_cell(scores, "width", SMOOTH)
    rng = np.random.default_rng(0)
    share = dormancy_interval(values, sizes, rng, per_item=True, chance=CHANCE).share
    excess = curves.filter(metric=f"excess over product, L = {LENGTH}").row(-1, named=True)
    cells = {"n": values.shape[-1], "n_of": "alphabets and drawers"}
    return {
        "figure-8-accuracy": _accuracy(curves),
        "figure-8-together": _together(ratios(scores)),
        "figure-8-sharper-width": _sharper(scores, "width", **cells),
        "figure-8-smooth": Found(onset(scores, "width").b.share, share, **cells),
        "figure-8-sharper": _untrained(curves) or _sharper(scores, "depth", **cells),
        "figure-8-dependent": Found(excess["score"], (excess["low"], excess["high"]), **cells),
    }


def _sharper(scores: pl.DataFrame, family: str, n: int, n_of: str) -> Found | str:
    """Compare where both rises of a family begin, and say what its sizes resolve of it."""
    both = [onset(scores, family, guess=guess) for guess in (True, False)]
    shares = [Shares(one.a.share, one.b.share, (one.low, one.high)) for one in both]
    found = compared(*shares, FIRST, n, n_of)
    if isinstance(found, str):
        return found
    gaps = "different models" if all(one.disjoint for one in both) else "the same models"
    begin = "begin" if all(one.disjoint for one in both) else "may begin"
    return found._replace(reason=f"{found.reason}; the two rises {begin} between {gaps}")


def _together(beside: pl.DataFrame) -> Found | str:
    """Choose the ratio furthest from 1, too small or too large alike."""
    if beside.is_empty():
        return f"no published accuracy with a share above {LEAST} lies within ours"
    worst = beside.sort((pl.col("ratio") - 1).abs()).row(-1, named=True)
    return Found(
        worst["ratio"],
        (worst["low"], worst["high"]),
        beside.height,
        "published sizes",
        reason=f"worst at an accuracy of {worst['accuracy']:.3f}: {worst['ours']:.3f}, published"
        f" {worst['together']:.3f}",
    )


def _depth(curves: pl.DataFrame) -> pl.DataFrame:
    """Accuracy of the depth family, with the number of blocks."""
    return curves.filter(family="depth", metric=SMOOTH).with_columns(
        n_blocks=pl.col("model").str.strip_prefix("n = ").cast(pl.Int64)
    )


def _untrained(curves: pl.DataFrame) -> str:
    """Say which of the paper's sizes the depth family lacks; nothing if it has them all."""
    missing = sorted(set(paper()["n_blocks"]) - set(_depth(curves)["n_blocks"]))
    listed = ", ".join(map(str, missing))
    return f"this profile trains no model with {listed} blocks" if missing else ""


def _accuracy(curves: pl.DataFrame) -> Found | str:
    """Compare the depth family's accuracy with the published one, block for block."""
    if missing := _untrained(curves):
        return missing
    both = paper().join(_depth(curves), on="n_blocks")
    both = both.with_columns(off=pl.col("score") - pl.col("accuracy"))
    worst = both.sort(pl.col("off").abs()).row(-1, named=True)
    ends = (worst["low"] - worst["accuracy"], worst["high"] - worst["accuracy"])
    return Found(
        worst["off"],
        ends,
        worst["n_seeds"],
        "seeds",
        reason=f"worst at {worst['n_blocks']} blocks: {worst['score']:.3f}, published"
        f" {worst['accuracy']:.3f}",
    )


def conclusions(claims: Sequence[Claim], scores: pl.DataFrame) -> dict[str, str]:
    """Sentences of the page that follow from its verdicts, by the name they are glued under.

    Parameters
    ----------
    claims : sequence of Claim
        Judged.
    scores : polars.DataFrame
        Rows of `mirage.vision.omniglot.evaluate`.

    Returns
    -------
    dict of str to str
    """
    verdict = {claim.id: claim.verdict for claim in claims}
    reason = {claim.id: claim.reason for claim in claims}
    sharper = {
        Verdict.REPRODUCED: "stays near zero for longer than accuracy per image does",
        Verdict.NOT_REPRODUCED: "does not stay near zero for longer than accuracy per image does",
        Verdict.UNDECIDED: "may or may not stay near zero for longer than accuracy per image does",
    }
    curve = {
        Verdict.REPRODUCED: "matches the published one at every size",
        Verdict.NOT_REPRODUCED: "differs from the published one",
        Verdict.UNDECIDED: "may or may not match the published one",
        Verdict.NOT_ATTEMPTED: "is compared with the published one in the paper profile only",
    }
    twins = paper().filter(n_blocks=2)["together"]
    deep, wide = (
        sharper.get(verdict[name], f"is not compared with accuracy per image ({reason[name]})")
        for name in ("figure-8-sharper", "figure-8-sharper-width")
    )
    return {
        "f8-sharper-depth": deep,
        "f8-sharper": wide,
        "f8-curve": curve[verdict["figure-8-accuracy"]],
        "f8-together": together_text(ratios(scores), verdict["figure-8-together"]),
        "f8-least": f"{LEAST}",
        "f8-twins": f"{twins.max() / twins.min():.1f}",
    }


def together_text(beside: pl.DataFrame, verdict: Verdict) -> str:
    """Say how often ours get all of three right, beside the paper's networks of equal accuracy.

    Parameters
    ----------
    beside : polars.DataFrame
        From `ratios`.
    verdict : Verdict
        Of the claim ``figure-8-together``.

    Examples
    --------
    >>> table = pl.DataFrame({"accuracy": [0.28, 0.32], "ratio": [0.4, 0.46]})
    >>> together_text(table, Verdict.NOT_REPRODUCED)[:82]
    'at an accuracy of 0.28 ours get all three right 0.40 times as often as the paper’s'
    """
    if beside.is_empty():
        return "all-correct was not compared, since no such accuracy lies within ours"
    first, *others = beside.select("accuracy", "ratio").rows()
    listed = (
        f"at an accuracy of {first[0]:.2f} ours get all three right {first[1]:.2f} times as often"
        " as the paper’s"
    )
    listed += "".join(f", at {accuracy:.2f} {ratio:.2f} times" for accuracy, ratio in others)
    meaning = {
        Verdict.REPRODUCED: "accuracy decides it, here as in the paper",
        Verdict.DEVIATION: "accuracy decides most of it",
        Verdict.NOT_REPRODUCED: "accuracy alone does not decide it",
    }
    return f"{listed}; {meaning.get(verdict, 'whether accuracy alone decides it stays open')}"
