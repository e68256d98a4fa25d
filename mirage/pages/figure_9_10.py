"""Texts with several references under the toy model: what Figures 9 and 10 show.

Each token of an answer agrees with each of R references with the token probability p(N),
independently. The published curves are then those of an exact match with any reference,
1 − (1 − p^L)^R, which is what ROUGE-L-Sum and BLEU become on texts without spaces. On the same
texts with spaces ROUGE-L-Sum is about p and BLEU about p^2.5, whatever the length.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Equals, Exceeds
from mirage.emergence.scores import normalized_emergence_score

NUMBERS = {"ROUGE-L-Sum": "9", "BLEU": "10"}  # figures by metric


def _claims(metric: str) -> tuple[Claim, ...]:
    """State the four claims on one figure; the rules are the same for both."""
    number = NUMBERS[metric]
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
            rule=Equals(0.02),
        ),
        Claim(
            id=f"figure-{number}-one-piece",
            kind=Kind.OURS,
            place=f"Figure {number} might come from texts without spaces",
            statement=f"{metric} of the same texts without spaces gives the published curves: mean"
            " over all sizes and curves.",
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


def emergence(scores: pl.DataFrame) -> pl.DataFrame:
    """Emergence score of each curve of each seed, over that of a straight line.

    Parameters
    ----------
    scores : polars.DataFrame
        Of :func:`evaluate` or :func:`points`.

    Returns
    -------
    polars.DataFrame
        One row per metric, text, length, number of references and seed. ``score`` is the
        emergence score over n − 1 for n sizes, where the root of the median is not taken below
        the resolution 1/``n_items``.

    Examples
    --------
    The published points of BLEU, one reference of 20 tokens: a jump after zeros.

    >>> one = points().filter(metric="BLEU", length=20, n_references=1)
    >>> emergence(one)["score"].round(2).item()
    11.22
    """
    key = ["metric", "text", "length", "n_references", "seed"]
    curves = (
        scores.sort(*key, "n_params")
        .group_by(key, maintain_order=True)
        .agg("score", pl.first("n_items"))
    )
    y, resolution = np.array(curves["score"].to_list()), 1 / curves["n_items"].to_numpy()
    return curves.with_columns(score=normalized_emergence_score(y, zero_median=resolution))
