"""Figures 9 and 10: ROUGE-L-Sum and BLEU under the paper's model, as published and as defined.

Each token of an answer agrees with each of R references with the token probability p(N),
independently. The published curves are then those of an exact match with any reference,
1 − (1 − p^L)^R, which is what ROUGE-L-Sum and BLEU become on texts without spaces. On the same
texts with spaces ROUGE-L-Sum is about p and BLEU about p^2.5, whatever the length.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots, tables
from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Equals, Exceeds
from mirage.emergence.dormancy import dormancy
from mirage.pages import published
from mirage.theory import references, tokens
from mirage.theory.texts import LENGTHS, N_PARAMS, N_REFERENCES

NUMBERS = {"ROUGE-L-Sum": "9", "BLEU": "10"}  # figures by metric


def _claims(metric: str) -> tuple[Claim, ...]:
    """State the four claims on one figure; the rules are the same for both."""
    number = NUMBERS[metric]
    mean = float(np.mean([curve["y"] for curve in published.load(published.FIGURES[metric])]))
    figure = f"Appendix, Figure {number}"
    return (
        Claim(
            id=f"figure-{number}-sharp",
            kind=Kind.PAPER,
            place=f"{figure}: abilities of the smooth model emerge under {metric}",
            statement=f"On simulated texts in words, {metric} stays at its base longer than the"
            " token probability: difference of dormant shares, median of the curves.",
            rule=Exceeds(0),
        ),
        Claim(
            id=f"figure-{number}-words",
            kind=Kind.IMPLIED,
            place=f"{figure}: the curves are those of {metric}",
            statement=f"{metric} of simulated texts in words gives the published curves: mean over"
            " all sizes and curves.",
            published=mean,
            rule=Equals(0.02),
        ),
        Claim(
            id=f"figure-{number}-one-piece",
            kind=Kind.OURS,
            place=f"Figure {number} might come from texts without spaces",
            statement=f"{metric} of the same texts without spaces gives the published curves: mean"
            " over all sizes and curves.",
            published=mean,
            rule=Equals(0.02),
        ),
        Claim(
            id=f"figure-{number}-formula",
            kind=Kind.OURS,
            place=f"Figure {number} might show exact match",
            statement=f"The points published as {metric} agree with exact match against any of R"
            " references, 1 − (1 − p^L)^R: p-value of χ².",
            rule=Exceeds(0.01),
        ),
    )


CLAIMS: tuple[Claim, ...] = tuple(claim for metric in NUMBERS for claim in _claims(metric))
KINDS = {"published": "as published", "one piece": "without spaces", "words": "in words"}


def onsets(scores: pl.DataFrame) -> pl.DataFrame:
    """Dormant share of each curve of each simulation, and how far it exceeds that of p.

    Parameters
    ----------
    scores : polars.DataFrame
        Columns ``metric, text, length, n_references, seed, n_params, score``, as
        :func:`mirage.theory.texts.evaluate` and :func:`mirage.pages.published.texts` make them.

    Returns
    -------
    polars.DataFrame
        One row per metric, text, length, number of references and seed: ``share``, the dormant
        share in [0, 1], and ``difference``, it minus that of the token probability.

    Examples
    --------
    The published points of BLEU, one reference of 20 tokens: nothing on most sizes.

    >>> one = published.texts().filter(metric="BLEU", length=20, n_references=1)
    >>> onsets(one).select("share", "difference").row(0)  # doctest: +ELLIPSIS
    (0.75..., 0.64...)
    """
    key = ["metric", "text", "length", "n_references", "seed"]
    found = scores.sort(*key, "n_params").group_by(key, maintain_order=True).agg("score")
    share = dormancy(np.array(found["score"].to_list()), N_PARAMS).share
    smooth = dormancy(tokens.token_probability(N_PARAMS), N_PARAMS).share
    return found.select(*key, share=np.atleast_1d(share)).with_columns(
        difference=pl.col("share") - smooth
    )


def summary(onset: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Average over simulations: the median onset of the curves, and the mean of all scores.

    Parameters
    ----------
    onset : polars.DataFrame
        :func:`onsets` of `scores`.
    scores : polars.DataFrame
        Score table with ``text``, ``metric`` and ``seed``.

    Returns
    -------
    polars.DataFrame
        Columns ``metric, text, quantity, score, low, high, n_seeds``; ``quantity`` is ``share``,
        ``difference`` or ``mean``; low and high are the 95 % interval over simulations.
    """
    key = ["metric", "text"]
    parts = {
        "share": onset.group_by(*key, "seed").agg(score=pl.median("share")),
        "difference": onset.group_by(*key, "seed").agg(score=pl.median("difference")),
        "mean": scores.group_by(*key, "seed").agg(score=pl.mean("score")),
    }
    every = [
        tables.mean_over(part.sort(key), by=key).with_columns(quantity=pl.lit(name))
        for name, part in parts.items()
    ]
    return pl.concat(every)


def findings(
    averages: pl.DataFrame, agreements: dict[str, references.Agreement]
) -> dict[str, Found | str]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    averages : polars.DataFrame
        :func:`summary` of published and simulated curves.
    agreements : dict of str to Agreement
        Test of the published points against exact match, by metric.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    parts = {
        "sharp": ("words", "difference"),
        "words": ("words", "mean"),
        "one-piece": ("one piece", "mean"),
    }
    found: dict[str, Found | str] = {}
    for metric, number in NUMBERS.items():
        for name, (text, quantity) in parts.items():
            row = averages.filter(metric=metric, text=text, quantity=quantity).row(0, named=True)
            ends = row["low"], row["high"]
            found[f"figure-{number}-{name}"] = Found(
                row["score"], ends, row["n_seeds"], "simulations"
            )
        agreement = agreements[metric]
        found[f"figure-{number}-formula"] = Found(
            agreement.p_value, n=agreement.n_points, n_of="points"
        )
    return found


def draw_panel(
    ax: Axes,
    curves: pl.DataFrame,
    paper: pl.DataFrame,
    metric: str,
    text: str,
    n_references: int,
) -> Axes:
    """Draw the curves of all lengths for one metric, kind of text and number of references.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    curves, paper : polars.DataFrame
        Simulated scores averaged over simulations, and the published ones.
    metric, text : str
        Metric, and ``"words"`` or ``"one piece"``. On texts in one piece the published points
        are drawn, too: they are the same curves.
    n_references : int
        Number of references R.

    Returns
    -------
    Axes
    """
    lengths, sizes = LENGTHS[metric], np.geomspace(1e8, 3e11, 200)
    p = tokens.token_probability(sizes)
    chosen = {"metric": metric, "n_references": n_references}
    styles = zip(lengths, plots.sequence(len(lengths)), plots.MARKERS, strict=False)
    for length, color, mark in styles:
        of_length = chosen | {"length": length}
        ours, label = curves.filter(text=text, **of_length), f"L = {length}"
        plots.intervals(ax, ours, color=color, fmt=mark, ms=5, capsize=0, label=label)
        if text == "one piece":
            expected = references.exact_match(p, length, n_references)
            points = paper.filter(**of_length)
            plots.published(ax, points["n_params"], points["score"], marker=mark, label="_")
        elif metric == "BLEU":
            expected = references.bleu(p, n_references)
        else:
            expected = references.rouge(p, length, n_references)
        ax.plot(sizes, expected, color=color, lw=1)
    ax.set(xscale="log", xlabel="parameters", ylabel=metric, ylim=(-0.03, 1.05))
    return ax


def draw_pair(
    axes: tuple[Axes, Axes],
    curves: pl.DataFrame,
    paper: pl.DataFrame,
    metric: str,
    n_references: int,
    averages: pl.DataFrame,
    letters: str,
) -> tuple[Axes, Axes]:
    """Draw one metric on texts without spaces and in words, titled by the median dormant share.

    Parameters
    ----------
    axes : two Axes
        Without spaces left, in words right.
    curves, paper : polars.DataFrame
        As for :func:`draw_panel`.
    metric : str
        ROUGE-L-Sum or BLEU.
    n_references : int
        Number of references R.
    averages : polars.DataFrame
        :func:`summary`.
    letters : str
        Two letters, one for each panel.

    Returns
    -------
    two Axes
    """
    for ax, text, letter in zip(axes, ("one piece", "words"), letters, strict=True):
        draw_panel(ax, curves, paper, metric, text, n_references)
        row = averages.filter(metric=metric, text=text, quantity="share").row(0, named=True)
        kind = "in words" if text == "words" else "no spaces"
        message = f"{metric}, {kind}: dormant {100 * row['score']:.0f} %"
        plots.letter(ax, letter, message)
    plots.legend_beside(axes[-1])
    return axes


def draw_onsets(axes: list[Axes], onset: pl.DataFrame) -> list[Axes]:
    """Draw the dormant share of every curve against length: published, without spaces, in words.

    Parameters
    ----------
    axes : two Axes
        One for each metric.
    onset : polars.DataFrame
        :func:`onsets` of published and simulated curves.

    Returns
    -------
    two Axes
    """
    colors = {"one piece": plots.SHARP, "words": plots.SMOOTH}
    smooth = dormancy(tokens.token_probability(N_PARAMS), N_PARAMS).share
    for ax, (metric, lengths), letter in zip(axes, LENGTHS.items(), "QR", strict=True):
        for text, name in KINDS.items():
            for n, shift, mark in zip(N_REFERENCES, (-0.2, 0, 0.2), "os^", strict=True):
                rows = onset.filter(metric=metric, text=text, n_references=n)
                x = [lengths.index(length) + shift for length in rows["length"]]
                label = f"{name}, R = {n}"
                if text == "published":
                    plots.published(ax, x, rows["share"], marker=mark, label=label)
                else:
                    ax.plot(x, rows["share"], mark, color=colors[text], ms=4, label=label)
        ax.axhline(smooth, ls=":", color="#444444", label="token probability p")
        ax.set(xticks=range(len(lengths)), xticklabels=lengths, xlabel="length L (tokens)")
        ax.set(ylabel="dormant share", ylim=(-0.03, 1))
        plots.letter(ax, letter, metric)
    plots.legend_beside(axes[-1])
    return axes
