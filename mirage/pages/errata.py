"""Slips of the paper, each computed, and the paper's argument with all of them mended.

Equations and figures are those of the NeurIPS version. In its appendix ε is the probability that
a token is wrong, p = 1 − ε.
"""

from __future__ import annotations

import numpy as np

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Equals, Exceeds
from mirage.pages import published

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="errata-01-distance",
        kind=Kind.PAPER,
        place="Appendix A.2, equations 8 and 9",
        statement="The expected token edit distance is L(1 − ε), with ε the probability of a wrong"
        " token; here L = 5 and ε = 0.1.",
        published=5 * 0.9,
        rule=Equals(0.05),
    ),
    Claim(
        id="errata-02-hamming",
        kind=Kind.PAPER,
        place="Appendix A.2, equations 3 to 5",
        statement="The edit distance is at least the Hamming distance: smallest difference over all"
        " pairs of equally long strings of up to 4 tokens.",
        rule=Exceeds(-0.5),
    ),
    Claim(
        id="errata-03-log",
        kind=Kind.PAPER,
        place="Appendix A.3",
        statement="The expected log accuracy is L log(1 − ε); here its exponential, for L = 5 and"
        " ε = 0.1.",
        published=0.9**5,
        rule=Equals(0.02),
    ),
    Claim(
        id="errata-03-mean",
        kind=Kind.PAPER,
        place="Appendix A.3",
        statement="The expected accuracy is (1 − ε)^L, for L = 5 and ε = 0.1.",
        published=0.9**5,
        rule=Equals(0.02),
    ),
    Claim(
        id="errata-04-resolution",
        kind=Kind.PAPER,
        place="Appendix A.3, equation 18",
        statement="The smallest step of accuracy on N items of L tokens is 1/(NL); here N = 4 and"
        " L = 3.",
        published=1 / 12,
        rule=Equals(1e-9),
    ),
    Claim(
        id="errata-05-triplets",
        kind=Kind.PAPER,
        place="Discussion",
        statement="BIG-bench's 220 tasks, 40 metrics and 10 model families make about a million"
        " triplets: power of ten.",
        published=6,
        rule=Equals(0.5),
    ),
    Claim(
        id="errata-06-size",
        kind=Kind.PAPER,
        place="Figure 2",
        statement="The largest model of GPT-3 has 200 billion parameters; here the billions at"
        " which Figure 3 draws it.",
        published=200,
        rule=Equals(1),
    ),
    Claim(
        id="errata-07-axis",
        kind=Kind.PAPER,
        place="Figure 11A",
        statement="The horizontal axis is the number of parameters: power of ten of its largest"
        " value, beside that of GPT-3's parameters.",
        published=float(np.log10(published.load("fig11A_grounded_mappings")["x_flops"][-1])),
        rule=Equals(0.5),
    ),
    Claim(
        id="errata-08-subset",
        kind=Kind.PAPER,
        place="Section 5, text to Figure 11C",
        statement="Subsets have 1 to 5 images; here the largest that the figure draws.",
        published=5,
        rule=Equals(0),
    ),
    Claim(
        id="errata-09-rouge",
        kind=Kind.PAPER,
        place="Appendix, Figure 9",
        statement="ROUGE-L-Sum at the largest size, 4 words and one reference; here the expected"
        " value of the metric.",
        published=published.load("fig9_rougeLsum")[0]["y"][-1],
        rule=Equals(0.05),
    ),
    Claim(
        id="errata-09-bleu",
        kind=Kind.PAPER,
        place="Appendix, Figure 10",
        statement="BLEU at the largest size, 8 words and one reference; here the expected value of"
        " the metric.",
        published=published.load("fig10_bleu")[0]["y"][-1],
        rule=Equals(0.05),
    ),
    Claim(
        id="errata-10-panels",
        kind=Kind.PAPER,
        place="Figures 2D and 2F",
        statement="Panels D and F show one model: smallest multiple choice grade of a model with"
        " two choices that has panel F's Brier score.",
        published=0.5,
        rule=Equals(0.05),
    ),
    Claim(
        id="errata-11-independence",
        kind=Kind.IMPLIED,
        place="Section 2: tokens are independent and equally hard",
        statement="At a mean token probability of 0.7, accuracy on 5 tokens is 0.7⁵, also if half"
        " of the items have 0.9 and half 0.5.",
        published=0.7**5,
        rule=Equals(0.01),
    ),
    Claim(
        id="errata-12-surplus",
        kind=Kind.IMPLIED,
        place="Section 2: token edit distance is about L(1 − p), at most L",
        statement="The published token edit distances of Figure 3 stay below the target length:"
        " largest distance over L.",
        rule=Below(1),
    ),
    Claim(
        id="errata-argument",
        kind=Kind.OURS,
        place="Is the argument of Section 2 the same once the slips are mended?",
        statement="With all slips mended, accuracy on 5 tokens still stays at its base longer than"
        " −token edit distance on Figure 2's sizes: smallest difference of dormant shares.",
        rule=Exceeds(0),
    ),
    Claim(
        id="errata-argument-choices",
        kind=Kind.OURS,
        place="Is Figure 2D sharper than Figure 2F where both come from one model?",
        statement="With one model for panels D and F, multiple choice grade still stays at its base"
        " longer than −Brier score on Figure 2's sizes, whether items are equally hard or not:"
        " smallest difference of dormant shares.",
        rule=Exceeds(0),
    ),
)
