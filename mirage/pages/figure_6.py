"""Figure 6: what the page claims of LaMDA, as published, and of real models under two metrics."""

from collections.abc import Mapping

import polars as pl

from mirage.book.claims import Claim, Found, Kind, share
from mirage.book.rules import Exceeds
from mirage.pages.figure_6_groups import Group, counts
from mirage.pages.figure_6_lamda import STEEP, disappears, sides_of
from mirage.statistics.intervals import Interval

_PLACE = "Section 4, Figure 6: under the Brier score the emergent abilities of LaMDA disappear"
_IMPLIED = "Section 4: with a smooth metric of the same outputs the emergent ability disappears"


def _published(task: str, name: str) -> Claim:
    return Claim(
        id=f"figure-6-{name}",
        kind=Kind.PAPER,
        place=_PLACE,
        statement=f"LaMDA's {task} jumps at the largest model under multiple choice grade, and not"
        f" under −Brier score. A jump is a last step more than {STEEP} times as steep as a straight"
        f" line over the whole rise: the smaller of both distances from {STEEP}, with the rise from"
        " the first score and from the level of a guess.",
        rule=Exceeds(0),
    )


def _sharper(name: str, statement: str) -> Claim:
    return Claim(
        id=f"figure-6-{name}",
        kind=Kind.IMPLIED,
        place=_IMPLIED,
        statement=f"{statement}: difference of dormant shares.",
        rule=Exceeds(0),
    )


def _most(name: str, statement: str, place: str = _IMPLIED, kind: Kind = Kind.IMPLIED) -> Claim:
    return Claim(
        id=f"figure-6-{name}", kind=kind, place=place, statement=statement, rule=Exceeds(0.5)
    )


CLAIMS: tuple[Claim, ...] = (
    _published("irony identification", "irony"),
    _published("sports understanding", "sports"),
    _published("logical args", "logical"),
    _published("swahili english proverbs", "swahili"),
    _sharper(
        "arithmetic",
        "Accuracy of open models on BIG-bench arithmetic stays at its base longer than their"
        " −Brier score of the right answer",
    ),
    _sharper(
        "persian",
        "Accuracy of open models on Persian question answering stays at its base longer than"
        " their −Brier score of the right answer",
    ),
    _sharper(
        "ipa",
        "Exact match of open models on IPA transliteration stays at its base longer than BLEU of"
        " the same outputs",
    ),
    _most(
        "edit-distance",
        "Free answers of GPT-2, GPT-J and GPT-3, tuned on instructions, on tasks whose exact match"
        " rises by 0.1 or more: share of curves in which exact match stays at its base longer than"
        " −edit distance.",
    ),
    _most(
        "bertscore",
        "The same curves: share in which exact match stays at its base longer than BERTScore.",
    ),
    _most(
        "loss",
        "Tasks of the inverse-scaling pipeline on which accuracy of GPT-2 or GPT-3 rises: share in"
        " which accuracy stays at its base longer than the log-probability of the right answer.",
    ),
    _most(
        "olmo-probability",
        "OLMo ladder against compute: share of tasks on which accuracy stays at its base longer"
        " than minus bits per byte of the right answer.",
    ),
    _most(
        "olmo-correlation",
        "OLMo ladder: share of tasks on which accuracy has a lower rank correlation with compute"
        " than minus bits per byte of the right answer.",
        "Schaeffer et al. (2024): each step from likelihood to accuracy loses correlation",
        Kind.OURS,
    ),
    _most(
        "disappears",
        "Real models under two metrics, all data sets of this page: of the jumps under the first"
        " metric whose outcome is decided, the share that disappears under the second.",
    ),
)


LABELS = {"arithmetic": "arithmetic", "persian": "Persian QA", "ipa": "IPA transliteration"}
ABSENT = "the data are not here"


NAMES = {
    "irony_identification": "irony",
    "sports_understanding": "sports",
    "logical_args": "logical",
    "swahili_english_proverbs": "swahili",
}


def findings(
    read: pl.DataFrame,
    differences: Mapping[str, tuple[float, Interval, int]],
    groups: list[Group],
    correlations: pl.DataFrame,
) -> dict[str, Found | str]:
    """What the claims of this page need.

    Parameters
    ----------
    read : polars.DataFrame
        Of `mirage.pages.figure_6_lamda.reading`.
    differences : mapping of str to (float, Interval, int)
        Difference of dormant shares, its interval and the number of families, by the label of a
        pair of `mirage.pages.figure_6_models`.
    groups : list of Group
        Of `mirage.pages.figure_6_groups`.
    correlations : polars.DataFrame
        Of `mirage.pages.figure_6_models.correlations`.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    found = {NAMES[task]: disappears(*sides) for task, sides in sides_of(read).items()}
    for name, label in LABELS.items():
        found[name] = ABSENT
        if label in differences:
            difference, ends, n = differences[label]
            found[name] = Found(difference, ends, n, "families")
    tables = {group.name: group.table for group in groups}
    for name in ("edit-distance", "bertscore", "olmo-probability"):
        found[name] = ABSENT
        if name in tables:
            longer = tables[name]["difference"].fill_null(-1.0) > 0
            found[name] = share(longer.sum(), len(longer), "curves")
    found["loss"] = ABSENT
    if "loss" in tables:
        rising = tables["loss"].filter(pl.col("comparison") != "no rise")
        longer = rising["difference"].fill_null(-1.0) > 0
        found["loss"] = share(longer.sum(), rising.height, "runs")
    wide = correlations.pivot(on="metric", index="task", values="correlation")
    lower = 0
    if wide.height:
        lower = wide.filter(pl.col("accuracy, normalised") < pl.col("bits per byte")).height
    found["olmo-correlation"] = share(lower, wide.height, "tasks")
    total = counts(groups)
    gone = total["disappears"].sum()
    decided = total.select("disappears", "persists", "reversed").sum_horizontal().sum()
    found["disappears"] = share(gone, decided, "jumps", "no jump whose outcome is decided")
    return {f"figure-6-{name}": value for name, value in found.items()}
