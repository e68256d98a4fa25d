"""Figure 11: claims, findings and panels of the page on LeNets and MNIST.

Networks of one width differ widely between training seeds at small widths, so that everything on
the page is a median over seeds with the quartiles, and the single seeds are drawn.
"""

from __future__ import annotations

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Equals, Exceeds

K = 10  # images that must all be right: the largest K of the paper's Figure 11C
SHARP, SMOOTH = f"subset accuracy, K = {K}", "accuracy"
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
            f"Share of the range of sizes before “{K} of {K} test images right” begins to rise,"
            " less the same share for accuracy (medians over seeds)"
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
            f"Share of its whole rise that “{K} of {K} test images right” has made at the"
            " second-smallest width (medians over seeds)"
        ),
        rule=Below(0.05),
        published=0,
    ),
    Claim(
        id="figure-11-smooth",
        kind=Kind.IMPLIED,
        place="Figure 11B: accuracy rises from the smallest width on",
        statement="Share of the range of sizes before accuracy begins to rise (median over seeds)",
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
