"""Figure 5: what the paper and we claim of emergence scores on BIG-bench, and what the data say."""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage.book.claims import Claim, Found, Kind, share
from mirage.book.rules import Below, Equals, Exceeds
from mirage.formatting import listed, number
from mirage.pages.figure_5_scores import THRESHOLD, message, paper_maxima
from mirage.pages.figure_5_tasks import Ranks, preferences
from mirage.statistics.intervals import Interval

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="figure-5-metrics",
        kind=Kind.PAPER,
        place="Section 4, Figure 5A: at most 5 of 39 metrics show a large emergence score",
        statement="On official BIG-bench scores, most preferred metrics have no finite emergence"
        " score above 48 on any task and model family: share of metrics that have one.",
        rule=Below(0.5),
        published=5 / 39,
    ),
    Claim(
        id="figure-5-annotated-metrics",
        kind=Kind.PAPER,
        place="Section 4, Figure 5B: 4 of 39 metrics have a pair called emergent by hand",
        statement="Of all metrics that some BIG-bench task prefers, the share under which a task"
        " on Wei's list of emergent abilities is scored.",
        rule=Equals(0.05),
        published=4 / 39,
    ),
    Claim(
        id="figure-5-two",
        kind=Kind.PAPER,
        place="Section 4, Figure 5C: 62 of 67 annotated pairs have one of two metrics",
        statement="Of the BIG-bench tasks on Wei's list of emergent abilities, the share scored by"
        " multiple choice grade or exact string match (composite tasks by their subtasks).",
        rule=Equals(0.1, loose=0.2),
        published=62 / 67,
    ),
    Claim(
        id="figure-5-enriched-tasks",
        kind=Kind.OURS,
        place="Figure 5C gives no base rate: the share of these two metrics among all pairs",
        statement="Tasks on Wei's list prefer multiple choice grade or exact string match more"
        " often than the other BIG-bench tasks, counted by top-level task: odds ratio.",
        rule=Exceeds(1),
    ),
    Claim(
        id="figure-5-enriched-subtasks",
        kind=Kind.OURS,
        place="Figure 5C gives no base rate: the share of these two metrics among all pairs",
        statement="The same, with composite tasks counted by the metric of their subtasks, as the"
        " paper's pairs are: odds ratio.",
        rule=Exceeds(1),
    ),
    Claim(
        id="figure-5-maximum",
        kind=Kind.OURS,
        place="Figure 5A: the largest score under multiple choice grade is 199",
        statement="On official scores, one curve per model family, the largest finite emergence"
        " score under multiple choice grade is at least half the paper's: its share of 199.",
        rule=Exceeds(0.5),
        published=1,
    ),
    Claim(
        id="figure-5-pooled",
        kind=Kind.OURS,
        place="Figure 5A: the largest score under multiple choice grade is 199",
        statement="The same where BIG-G at temperature 0 and at temperature 1 are pooled as one"
        " family, so that each size appears twice: its share of 199.",
        rule=Exceeds(0.5),
        published=1,
    ),
    Claim(
        id="figure-5-beyond-smooth",
        kind=Kind.OURS,
        place="Figure 5A gives scores and no null distribution",
        statement="Of the official curves of counted items, the share whose rise is sharper than a"
        " smooth curve and its items explain, at a false discovery rate of 5 %.",
        rule=Below(0.5),
    ),
    Claim(
        id="figure-5-ranks",
        kind=Kind.OURS,
        place="Section 4 takes a large emergence score for the mark of an emergent ability",
        statement="On official scores of BIG-G, a task called emergent for LaMDA has a larger"
        " emergence score than another task: probability (0.5 is chance).",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="figure-5-other-survive",
        kind=Kind.OURS,
        place="Figure 5A gives scores and no null distribution",
        statement="In other published tables, the share of emergence scores above 48 that no"
        " smooth curve and its items explain, at a false discovery rate of 5 %.",
        rule=Below(0.5),
    ),
)

METRICS = {
    "grade": "multiple choice grade",
    "exact": "exact match",
    "rouge": "ROUGE-L-Sum",
}
LARGEST = paper_maxima()["multiple choice grade"]


def findings(
    official: pl.DataFrame,
    tops: pl.DataFrame,
    tested: pl.DataFrame,
    ranked: Ranks | None,
    other: pl.DataFrame,
) -> dict[str, Found | str]:
    """What the claims on emergence scores need.

    Parameters
    ----------
    official : polars.DataFrame
        Of `mirage.pages.figure_5_scores.by_metric`, official scores.
    tops : polars.DataFrame
        Of `mirage.pages.figure_5_scores.maxima`.
    tested, other : polars.DataFrame
        Of `mirage.pages.figure_5_scores.survivors`: official scores, and those of the other tables.
    ranked : Ranks or None
        Of `mirage.pages.figure_5_tasks.ranks`.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    large = official.filter(pl.col("large") > 0).height
    found = {"metrics": share(large, official.height, "metrics", "no official score")}
    grade = tops.filter(metric=METRICS["grade"])
    columns = {"maximum": ("family", "curves"), "pooled": ("pooled", "pooled_curves")}
    for claim, (column, n) in columns.items():
        kind = "one family" if claim == "maximum" else "pooled families"
        found[claim] = f"no finite score of {kind}"
        for row in grade.drop_nulls(column).iter_rows(named=True):
            found[claim] = Found(row[column] / LARGEST, n=row[n], n_of="curves")
    official_counts, other_counts = tested["curves"].to_list(), other["curves"].to_list()
    found["beyond-smooth"] = share(
        official_counts[5], official_counts[0], "curves", "no official curve counts its items"
    )
    found["other-survive"] = share(
        other_counts[4], other_counts[1], "large scores", "no score above the threshold"
    )
    found["ranks"] = "no task of BIG-G was called emergent"
    if ranked:
        found["ranks"] = Found(*ranked, "tasks called emergent")
    return {f"figure-5-{name}": value for name, value in found.items()}


def annotation_findings(
    entries: pl.DataFrame, called: list[str], rates: pl.DataFrame
) -> dict[str, Found | str]:
    """What the claims on the tasks called emergent need.

    Parameters
    ----------
    entries : polars.DataFrame
        As for `mirage.pages.figure_5_tasks.preferences`.
    called : list of str
        Tasks that were called emergent.
    rates : polars.DataFrame
        Of `mirage.pages.figure_5_tasks.base_rates`.

    Returns
    -------
    dict of str to Found
        By the id of the claim.
    """
    tasks = preferences(entries)
    metrics = tasks.filter(pl.col("task").is_in(called))["by_subtasks"].n_unique()
    all_metrics = entries["metric"].drop_nulls().n_unique() + 1  # and the aggregate
    by_aggregate, by_subtasks = rates.head(2).to_dicts()
    found = {
        "annotated-metrics": Found(metrics / all_metrics, n=all_metrics, n_of="metrics"),
        "two": share(by_subtasks["called_two"], by_subtasks["called"], "tasks", "no task"),
    }
    for name, row in (("tasks", by_aggregate), ("subtasks", by_subtasks)):
        ends = (row["low"], row["high"])
        found[f"enriched-{name}"] = "all or none of the tasks have the two metrics"
        if np.isfinite([row["odds_ratio"], *ends]).all():
            found[f"enriched-{name}"] = Found(row["odds_ratio"], ends, row["n"], "tasks")
    return {f"figure-5-{name}": value for name, value in found.items()}


def numbers(
    official: pl.DataFrame,
    tops: pl.DataFrame,
    tested: pl.DataFrame,
    rates: pl.DataFrame,
    ranked: Ranks | None,
    other: pl.DataFrame,
    other_tested: pl.DataFrame,
) -> dict[str, str]:
    """Numbers of the page's text, by the name under which they are glued.

    Parameters
    ----------
    official, tops, tested, ranked, other_tested
        As for `findings`.
    rates : polars.DataFrame
        Of `mirage.pages.figure_5_tasks.base_rates`.
    other : polars.DataFrame
        Of `mirage.emergence.table`, the other tables.

    Returns
    -------
    dict of str to str
        *unknown* where the data are not here.
    """
    found = {f"{kind}-{name}": "unknown" for kind in ("family", "pooled") for name in METRICS}
    for row in tops.iter_rows(named=True):
        name = next(name for name, metric in METRICS.items() if metric == row["metric"])
        for kind in ("family", "pooled"):
            found[f"{kind}-{name}"] = number(row[kind])
        if name == "grade":
            found["pooled-curves"] = str(row["pooled_curves"])
            found["pooled-infinite"] = str(row["pooled_infinite"])
    score = pl.col("emergence_score")
    above, counts = other.filter(score > THRESHOLD), other_tested["curves"].to_list()
    shares = [f"{100 * two / n:.0f} %" for two, n in rates.select("two", "n").rows()]
    odds = [
        f"{ratio:.1f} {Interval(low, high):.1f}"
        for ratio, low, high in rates.select("odds_ratio", "low", "high").rows()
    ]
    texts = {
        "message": message(official),
        "curves": official["curves"].sum(),
        "negative": official["negative"].sum(),
        "tasks": tops["tasks"].sum(),
        "tested": tested["curves"][0],
        "beyond": tested["curves"][5],
        "jumps": tested["curves"][6],
        "rates": listed(shares),
        "odds": listed(odds),
        "units": rates.height,
        "units-above": rates.filter(pl.col("low") > 1).height,
        "ranks": f"{ranked.probability:.2f} {ranked.interval:.2f}" if ranked else "unknown",
        "threshold": THRESHOLD,
        "other-curves": other.drop_nulls("emergence_score").height,
        "other-large": above.height,
        "other-infinite": above.filter(score.is_infinite()).height,
        "other-tested": counts[0],
        "other-survive": counts[4],
    }
    return found | {name: str(value) for name, value in texts.items()}
