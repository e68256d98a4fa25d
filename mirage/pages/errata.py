"""Slips of the paper, each computed, and the paper's argument with all of them mended.

Equations and figures are those of the NeurIPS version. In its appendix ε is the probability that
a token is wrong, p = 1 − ε.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from mirage import plots
from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Below, Equals, Exceeds, Verdict
from mirage.pages import published
from mirage.pages.bases import GUESS, spanning
from mirage.pages.errata_check import GPT3_LARGEST, PAIRS, Answers, Pairs, SmallestSteps
from mirage.statistics.intervals import mean_interval, wilson_interval
from mirage.theory import references, tokens
from mirage.theory.choices import coherent_choices
from mirage.theory.texts import N_PARAMS

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
        kind=Kind.IMPLIED,
        place="Appendix A.3, by the paper's own word an approximation",
        statement="The exponential of the expected log accuracy, which the paper bounds by"
        " (1 − ε)^L, is taken as equal to it; here for L = 5 and ε = 0.1.",
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
        statement="The smallest step of accuracy on N items of L tokens is 1/(NL), where Section 2"
        " has 1/N; here N = 4 and L = 3.",
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
        place="Appendix B.1, text to Figure 11C",
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
        place="Section 2: tokens are independent and equally hard, which footnote 1 and Appendix A"
        " themselves call untrue",
        statement="At a mean token probability of 0.7, accuracy on 5 tokens is 0.7⁵, also if half"
        " of the items have 0.9 and half 0.5.",
        published=0.7**5,
        rule=Equals(0.01),
    ),
    Claim(
        id="errata-12-surplus",
        kind=Kind.IMPLIED,
        place="Section 2: token edit distance is about L(1 − p), which is at most L; Appendix A.2"
        " itself leaves out answers that are too long",
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
        " smallest difference of dormant shares, from the first scores and from the level of a"
        " guess.",
        rule=Exceeds(0),
    ),
)


def findings(
    answers: Answers, pairs: Pairs, steps: SmallestSteps, table: pl.DataFrame
) -> dict[str, Found]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    answers : Answers
        Of :func:`mirage.pages.errata_check.simulate` at p = 0.9.
    pairs : Pairs
        Of :func:`mirage.pages.errata_check.string_pairs`.
    steps : SmallestSteps
        Of :func:`mirage.pages.errata_check.smallest_steps`.
    table : polars.DataFrame
        Of :func:`mirage.pages.errata_check.argument`.

    Returns
    -------
    dict of str to Found
        By the id of the claim.
    """
    n = len(answers.match)
    right = int(answers.match.sum())
    figure_2 = published.load("fig2")["N"]
    largest = float(tokens.token_probability(max(N_PARAMS)))
    half = coherent_choices(tokens.token_probability(figure_2), 2, 0.0).grade.min()
    mended = table.filter(pl.col("variant") != "as published")
    least = {
        pair: rows.select(pl.min("difference", "from_guess")).row(0)
        for (pair,), rows in mended.group_by(["pair"])
    }
    first, above = (Found(value, n=2, n_of="variants") for value in least[PAIRS[1]])
    return {
        "errata-01-distance": Found(
            float(answers.distance.mean()),
            mean_interval(answers.distance),
            n,
            "answers",
            "it is Lε",
        ),
        "errata-02-hamming": Found(pairs.least, n=pairs.n_pairs, n_of="pairs"),
        "errata-03-log": Found(0.0 if right < n else 1.0, reason="the mean of log accuracy is −∞"),
        "errata-03-mean": Found(right / n, wilson_interval(right, n), n, "answers"),
        "errata-04-resolution": Found(steps.accuracy, reason="it is 1/N"),
        "errata-05-triplets": Found(float(np.log10(220 * 40 * 10))),
        "errata-06-size": Found(published.load("fig3")["addition_accuracy"][0]["params"][-1] / 1e9),
        "errata-07-axis": Found(float(np.log10(GPT3_LARGEST)), reason="the axis holds FLOPs"),
        "errata-08-subset": Found(max(map(int, published.load("fig11C_lenet_subset")))),
        "errata-09-rouge": Found(float(references.rouge(largest, 4, 1)), reason="published is p⁴"),
        "errata-09-bleu": Found(float(references.bleu(largest, 1)), reason="published is p⁸"),
        "errata-10-panels": Found(float(half)),
        "errata-11-independence": Found((0.9**5 + 0.5**5) / 2),
        "errata-12-surplus": Found(_largest_surplus()),
        "errata-argument": Found(least[PAIRS[0]][0], n=4, n_of="variants"),
        "errata-argument-choices": spanning(first, above, GUESS),
    }


def _largest_surplus() -> float:
    """Largest published token edit distance of Figure 3 over its target length."""
    curves = [
        curve
        for kind in ("multiplication", "addition")
        for curve in published.load("fig3")[f"{kind}_neg_token_edit_distance"]
    ]
    return max(-min(curve["y"]) / curve["target_len"] for curve in curves)


def slips(claims: Iterable[Claim]) -> int:
    """Count the numbered errata that hold a statement of the paper that fails its check.

    Examples
    --------
    >>> wrong = dict(kind=Kind.PAPER, statement="It rises.", rule=Exceeds(0), ours=-1)
    >>> slips([Claim(id="errata-01-a", **wrong), Claim(id="errata-01-b", **wrong)])
    1
    """
    wrong = {
        claim.id.split("-")[1]
        for claim in claims
        if claim.kind is Kind.PAPER and claim.verdict == Verdict.NOT_REPRODUCED
    }
    return len(wrong)


def conclusion(claims: Iterable[Claim]) -> str:
    """Say what the slips leave of the paper's argument, from the verdicts."""
    verdicts = {claim.id: claim.verdict for claim in claims}
    accuracy = verdicts["errata-argument"] == Verdict.REPRODUCED
    if not accuracy:
        return "some of them change the argument"
    on_choices = {
        Verdict.REPRODUCED: "",
        Verdict.NOT_REPRODUCED: " on accuracy, but that on multiple choice changes",
        Verdict.UNDECIDED: " on accuracy, and that on multiple choice is open",
    }
    return f"none of them changes the argument{on_choices[verdicts['errata-argument-choices']]}"


def draw_argument(ax: Axes, table: pl.DataFrame) -> Axes:
    """Draw dormant shares of the sharp and the smooth metric for each variant, joined by a line.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of :func:`mirage.pages.errata_check.argument`.

    Returns
    -------
    Axes
    """
    rows = table.with_row_index("place").with_columns(pl.col("place").cast(int))
    heights = -rows["place"]
    ax.hlines(heights, rows["smooth"], rows["sharp"], color=plots.EDGE, zorder=1)
    ax.plot(rows["sharp"], heights, "o", color=plots.SHARP, label="accuracy, or grade")
    ax.plot(rows["smooth"], heights, "s", color=plots.SMOOTH, label="edit distance, or Brier score")
    names = [f"{row['pair'].split(' ')[0]}: {row['variant']}" for row in rows.iter_rows(named=True)]
    ax.set_yticks(heights, names)
    ax.set(xlabel="dormant share on Figure 2's sizes", xlim=(-0.02, 0.5))
    ax.legend(loc="lower right")
    return plots.letter(ax, "A", "Dormant shares, as published and mended")


def draw_panels(axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw Figure 2's panels D and F, and the two curves of one model of two choices.

    Parameters
    ----------
    axes : two Axes
        For the multiple choice grade and the Brier score.

    Returns
    -------
    two Axes
    """
    sizes = np.geomspace(1e8, 1e12, 200)
    p = tokens.token_probability(sizes)
    papers = tokens.multiple_choice_grade(p, 2), -tokens.brier_score(p)
    for ax, y in zip(axes, papers, strict=True):
        ax.plot(sizes, y, color="black", lw=3, alpha=0.5, label="the paper's panel")
    styles = zip((0.0, 1.0, 3.0), ("-", "--", "-."), plots.sequence(3), strict=True)
    for spread, style, color in styles:
        scores = coherent_choices(p, 2, spread)
        for ax, y in zip(axes, (scores.grade, -scores.brier), strict=True):
            ax.plot(sizes, y, style, color=color, label=f"one model, spread {spread:g} nats")
    labels = ("multiple choice grade", "−Brier score")
    titles = ("Panel D: chance, where F is wrong", "Panel F: worse than a guess")
    for ax, letter, title, label, guess in zip(
        axes, "BC", titles, labels, (0.5, -0.25), strict=True
    ):
        ax.axhline(guess, color="k", ls=":", lw=1, label="uniform guess")
        ax.set(xscale="log", xlabel="parameters", ylabel=label)
        plots.letter(ax, letter, title)
    axes[0].legend()
    return axes
