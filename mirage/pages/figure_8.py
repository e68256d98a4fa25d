"""Figure 8: claims, findings and panels of the page on transformers and Omniglot.

Two families answer two questions. The *depth* family repeats what the paper seems to have done: one
width, more blocks, a short training. The *width* family is trained well. Both are judged by the
same metrics: the accuracy per image, and the share of sequences whose first L labels are all right.
"""

from __future__ import annotations

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Equals, Exceeds

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
        statement=(
            "Share of sequences with all of 3 labels right, of networks with the published accuracy"
            " per image: largest difference from the published share"
        ),
        rule=Equals(0.05),
        published=0,
    ),
    Claim(
        id="figure-8-sharper",
        kind=Kind.PAPER,
        place="Figure 8B and C: accuracy rises smoothly, all of L = 3 right seems to emerge",
        statement=(
            "Networks with 1 to 16 blocks: share of the range of sizes before “all of 3 labels"
            " right” begins to rise, less the same share for accuracy per image"
        ),
        rule=Exceeds(0),
        published=0.22,
    ),
    Claim(
        id="figure-8-sharper-width",
        kind=Kind.IMPLIED,
        place="Section 5: the metric makes the ability emerge, not the network or its training",
        statement=("The same difference for networks that grow in width and are trained well"),
        rule=Exceeds(0),
        published=0.22,
    ),
    Claim(
        id="figure-8-smooth",
        kind=Kind.IMPLIED,
        place="Figure 8B: accuracy rises from the smallest size on",
        statement=(
            "Networks with 1 to 16 blocks: share of the range of sizes before accuracy per image"
            " begins to rise"
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
