"""What a sceptic would ask: the works after the paper, each as one statistic of data at hand."""

from __future__ import annotations

import html
from collections.abc import Iterable

import polars as pl

from mirage.book.claims import Claim, Found, badge, rows, share
from mirage.book.rules import Below, Exceeds
from mirage.fits.comparison import MARGIN
from mirage.pages.sceptic_tables import Halves

DORMANT = 0.1  # share of the range
CURVATURES = (-2, 4)  # drawn; those of tasks at chance can lie anywhere

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="sceptic-forecast",
        place="Wei (2023): a smooth metric chosen afterwards is no prediction",
        statement="OLMo ladder, 3B runs held out: accuracy forecast by way of bits per byte has a"
        " smaller error than accuracy forecast from compute alone: ratio of mean errors.",
        rule=Below(1),
    ),
    Claim(
        id="sceptic-threshold",
        place="Du et al. (2024): some tasks wait for a threshold of the loss, on any metric",
        statement="OLMo ladder against pre-training loss: share of tasks on which the probability"
        " of the right choice, a continuous metric, is dormant over more than 0.1 of the range.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="sceptic-straight",
        place="Hu et al. (2024): log(−log score) is linear in log size, and some tasks bend",
        statement="Official BIG-bench curves of BIG-G: share on which log(−log score) is not linear"
        " in log size (p ≤ 0.05; a straight world has 0.05).",
        rule=Exceeds(0.05),
    ),
    Claim(
        id="sceptic-hard",
        place="Wu and Lo (2024): hard items first get worse with scale, and hide the easy ones",
        statement="BIG-G on the half of each task's items that other sizes get wrong more often:"
        " change of accuracy from the smallest sizes to the middle ones, below 0.",
        rule=Below(0),
    ),
    Claim(
        id="sceptic-breaks",
        place="Caballero et al. (2023): scaling curves have breaks, on smooth metrics too",
        statement="OLMo ladder against compute: share of tasks whose bits per byte a broken power"
        " law explains better than every smooth curve, by an AICc difference of 4.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="sceptic-chain",
        place="Schaeffer et al. (2024): each step from likelihood to accuracy loses correlation",
        statement="OLMo ladder: rank correlation with compute falls at both steps, from minus bits"
        " per byte to the probability of the right answer and from there to accuracy: the smaller"
        " of the two mean losses over tasks.",
        rule=Exceeds(0),
    ),
    Claim(
        id="sceptic-seeds",
        place="Zhao et al. (2025): near an onset seeds have two humps, runs that learn and do not",
        statement="LeNets on MNIST at widths 1 to 4: fewer training seeds lie in the middle third"
        " of their width's range of accuracy than in the emptier outer third: middle over both.",
        rule=Below(0.5),
    ),
)

# What the number of each answer is, where it stands alone above its figure.
QUANTITIES = {
    "sceptic-forecast": "Error by way of bits per byte over error from compute",
    "sceptic-threshold": "Share of tasks on which the probability of the right answer is dormant"
    " over more than a tenth of the range",
    "sceptic-straight": "Share of tasks that bend (p ≤ 0.05)",
    "sceptic-hard": "Change of accuracy on hard items from the smallest sizes to the middle ones",
    "sceptic-breaks": "Share of tasks whose bits per byte a broken curve explains better than every"
    " smooth one",
    "sceptic-chain": "Smaller of the mean losses of rank correlation at the two steps",
    "sceptic-seeds": "Seeds in the middle third, as a share of those in it and in the emptier"
    " outer third",
}


def findings(
    error: Found | None,
    against_loss: pl.DataFrame,
    bends: pl.DataFrame,
    hard: Found | None,
    broken: pl.DataFrame,
    lost: Found | None,
    humps: Found | str,
) -> dict[str, Found | str]:
    """What the claims of this page need.

    Parameters
    ----------
    error, hard, lost : Found or None
        Of `mirage.pages.sceptic_tables`: ``relative_error``, ``first_change``, ``least_loss``.
    against_loss, bends, broken : polars.DataFrame
        Of ``thresholds``, ``curvatures`` and ``breaks`` there; empty where the data are not here.
    humps : Found or str
        Of `mirage.pages.sceptic_seeds.two_humps`.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    late = against_loss.filter(pl.col("probability") > DORMANT).height
    bent = bends.filter(pl.col("p_value") <= 0.05).height
    sharp = broken.filter(pl.col("delta") >= MARGIN).height
    absent = "the data are not here"
    return {
        "sceptic-forecast": error or absent,
        "sceptic-threshold": share(late, against_loss.height, "tasks"),
        "sceptic-straight": share(bent, bends.height, "tasks"),
        "sceptic-hard": hard or absent,
        "sceptic-breaks": share(sharp, broken.height, "tasks"),
        "sceptic-chain": lost or absent,
        "sceptic-seeds": humps,
    }


class Answer:
    """A claim's verdict, what was measured, our number and the rule; shown above its figure.

    Parameters
    ----------
    claim : Claim
        Judged.
    quantity : str
        What its number is.

    Examples
    --------
    >>> claim = Claim(id="x", statement="It rises.", rule=Exceeds(0), ours=0.3, interval=(0.1, 0.5))
    >>> Answer(claim, "Slope")
    holds: Slope: 0.3 [0.1, 0.5]. Rule: above 0.
    """

    def __init__(self, claim: Claim, quantity: str):
        (_, _, self.ours, self.rule, self.answer), *_ = rows([claim])
        self.claim, self.quantity = claim, quantity

    def __repr__(self) -> str:
        return f"{self.answer}: {self._text()}"

    def _text(self) -> str:
        if self.claim.ours is None:
            return f"{self.quantity}: {self.claim.reason}"
        return f"{self.quantity}: {self.ours}. Rule: {self.rule}."

    def _repr_html_(self) -> str:
        return f"{badge(self.claim)} {html.escape(self._text())}"


def answers(claims: Iterable[Claim]) -> dict[str, Answer]:
    """Answers of judged claims, by the name under which they are glued, e.g. ``answer-seeds``."""
    return {
        claim.id.replace("sceptic", "answer", 1): Answer(claim, QUANTITIES[claim.id])
        for claim in claims
    }


def numbers(
    errors: pl.DataFrame, correlations: pl.DataFrame, found: Halves | None, bends: pl.DataFrame
) -> dict[str, str]:
    """Numbers of the page's text, by the name under which they are glued.

    Parameters
    ----------
    errors : polars.DataFrame
        Of `mirage.pages.sceptic_tables.forecast_errors`; may be empty.
    correlations : polars.DataFrame
        Of `mirage.pages.sceptic_tables.chain`; may be empty.
    found : Halves or None
        Of `mirage.pages.sceptic_tables.halves`.
    bends : polars.DataFrame
        Of `mirage.pages.sceptic_tables.curvatures`; may be empty.

    Returns
    -------
    dict of str to str
        *unknown* where the data are not here.
    """
    texts = {}
    for name in ("direct", "chained", "last"):
        texts[f"error-{name}"] = f"{errors[name].mean():.3f}" if errors.height else "unknown"
    for name in ("bits", "probability", "accuracy"):
        mean = f"{correlations[name].mean():.3f}" if correlations.height else "unknown"
        texts[f"correlation-{name}"] = mean
    texts |= dict.fromkeys(("hard-first", "hard-least", "hard-last"), "unknown")
    if found:
        mean = found.hard.mean(axis=0)
        ends = {"first": mean[0], "least": mean.min(), "last": mean[-1]}
        texts |= {f"hard-{name}": f"{value:.2f}" for name, value in ends.items()}
    beyond = bends.height - bends.filter(pl.col("curvature").is_between(*CURVATURES)).height
    tasks = f"{beyond} task lies" if beyond == 1 else f"{beyond} tasks lie"
    texts["beyond"] = tasks if bends.height else "unknown"
    return {f"sceptic-{name}": text for name, text in texts.items()}
