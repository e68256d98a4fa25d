"""Figure 2: six metrics of one smooth model, and when each of them begins to rise.

The paper's model is p(N) = exp(−(N/c)^α) (Section 2); its panels are functions of p alone.
"""

from __future__ import annotations

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Exceeds

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="figure-2-points",
        kind=Kind.PAPER,
        place="Section 2, Figure 2: six curves that follow from one scaling law",
        statement="The 24 points of Figure 2 follow from the paper's formulas with c = 2e9,"
        " α = −0.5, L = 5 and K = 2: largest distance, as a share of its panel's range.",
        rule=Below(1e-3),
    ),
    Claim(
        id="figure-2-accuracy",
        kind=Kind.PAPER,
        place="Section 2, Figures 2C and 2E: accuracy jumps, token edit distance does not",
        statement="On the paper's four sizes, accuracy on 5 tokens stays at its base longer than"
        " −token edit distance of the same outputs: difference of dormant shares.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-2-grade",
        kind=Kind.PAPER,
        place="Section 2, Figures 2D and 2F: multiple choice grade jumps, Brier score does not",
        statement="On the paper's four sizes, multiple choice grade stays at its base longer than"
        " −Brier score of the same probabilities: difference of dormant shares.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-2-grids",
        kind=Kind.IMPLIED,
        place="Section 2: the metric makes the ability emerge, whichever sizes are trained",
        statement="Accuracy on 5 tokens also stays at its base longer than −token edit distance on"
        " 12 sizes of the same range, and on 12 and 50 sizes from 1e8 to 1e11 parameters:"
        " smallest difference of dormant shares.",
        rule=Exceeds(0),
    ),
)
