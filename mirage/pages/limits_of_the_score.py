"""What the emergence score cannot do: its faults computed, each beside a remedy.

The score is the paper's (Section 4) and BIG-bench's *breakthroughness*. All questions are ours.
"""

from __future__ import annotations

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Exceeds

N_MODELS = 12  # models of a simulated curve: the number of BIG-G's sizes

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="limits-grids",
        kind=Kind.OURS,
        place="Section 4 ranks abilities by the score, whichever sizes were trained",
        statement="The emergence score of accuracy (5 tokens, the paper's model) exceeds that of"
        " −token edit distance on every grid of 4 to 40 log-spaced sizes: smallest ratio.",
        rule=Exceeds(1),
    ),
    Claim(
        id="limits-items",
        kind=Kind.OURS,
        place="Section 4 compares tasks with different numbers of items",
        statement="The score of one and the same jump depends little on the number of items:"
        " median score with 10 000 items over that with 100.",
        rule=Below(2),
    ),
    Claim(
        id="limits-finite",
        kind=Kind.OURS,
        place="Section 4 gives a score to every task",
        statement="The score is rarely infinite: share of the BIG-bench tasks of BIG-G whose"
        " median step is zero.",
        rule=Below(0.05),
    ),
    Claim(
        id="limits-chance",
        kind=Kind.OURS,
        place="Section 4 takes a large score for emergence",
        statement="Of 100 smooth curves with 12 models and 50 items, 99 score no more than twice a"
        " straight line: 99 % quantile of the score, over the straight line's.",
        rule=Below(2),
    ),
    Claim(
        id="limits-separates",
        kind=Kind.OURS,
        place="Section 4 takes a large score for emergence",
        statement="Some threshold on the score separates jumps from smooth curves (12 models, 100"
        " items): area under the ROC curve.",
        rule=Exceeds(0.9),
    ),
)
