"""The catalogue of claimed emergent abilities: Wei's list under `mirage audit`."""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage.book.claims import Claim, Found, share
from mirage.book.rules import Below, Exceeds
from mirage.emergence.verdicts import JUMP
from mirage.formatting import counted, number
from mirage.pages.catalogue_tables import TESTED
from mirage.statistics.intervals import clopper_pearson_interval, percentile_interval
from mirage.statistics.odds_ratio import odds_ratio

EMERGENT = ("jump", "metric", "resolution")
# Without power no jump is found: only curves that show one, or would, can speak against jumps.
COULD = pl.col("is_jump") | (pl.col("smallest_detectable_jump") <= JUMP).fill_null(False)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="catalogue-public",
        place="Wei's list of emergent abilities names a task and the model that first shows it",
        statement="Wei's list: share of its pairs of a task and a model family for which scores of"
        " at least five models of that family are public (BIG-G for LaMDA).",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="catalogue-jump",
        place="Wei's list says emergent, the paper says mirage: what does a test of jumps say?",
        statement="Abilities of Wei's list with a public curve of at least five models that shows a"
        f" jump, or would show one of {JUMP:g} in log odds: share that jump, under every metric at"
        " hand, in at least one family of models.",
        rule=Below(0.5),
    ),
    Claim(
        id="catalogue-mirage",
        place="The paper's thesis, asked of every claimed ability with public scores",
        statement="Curves of Wei's abilities that look emergent (verdicts jump, metric and"
        f" resolution) and show a jump, or would show one of {JUMP:g} in log odds: share that the"
        " metric or the resolution explains.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="catalogue-undecided",
        place="Claims of emergence rest on few models, few items and one metric",
        statement="Curves of Wei's abilities with at least five models: share on which the public"
        " scores decide nothing.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="catalogue-listed",
        place="Were the abilities on the list chosen for jumps?",
        statement="Official scores of BIG-G at temperature 0: odds of a jump on tasks of Wei's list"
        " over the odds on other tasks.",
        rule=Exceeds(1),
    ),
)


def findings(
    table: pl.DataFrame, listed: pl.DataFrame, rng: np.random.Generator
) -> dict[str, Found | str]:
    """What the claims of this page need.

    Parameters
    ----------
    table : polars.DataFrame
        Of `mirage.pages.catalogue_tables.curves`.
    listed : polars.DataFrame
        Of `mirage.pages.catalogue_tables.claimed`.
    rng : numpy.random.Generator
        Source of the bootstrap over abilities.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    tested = table.filter("is_listed", pl.col("n_models") >= TESTED)
    pairs = tested.filter("is_claimed").select("task", "family").unique().height
    jumps = tested.filter(COULD).group_by("task").agg(pl.any("is_jump"))
    looks = tested.filter(pl.col("kind").is_in(EMERGENT)).with_columns(hit=~pl.col("is_jump"))
    powerless = f"none of {counted(looks.height, 'curve')} that look emergent would show a jump"
    open_ = tested.with_columns(hit=pl.col("kind") == "undecided")
    return {
        "catalogue-public": Found(pairs / listed.height, None, listed.height, "pairs"),
        "catalogue-jump": _share(jumps["is_jump"].sum(), jumps.height, tested.height),
        "catalogue-mirage": over_abilities(looks.filter(COULD), rng)
        if looks.is_empty() or looks.select(COULD.any()).item()
        else f"{powerless} of {JUMP:g} in log odds",
        "catalogue-undecided": over_abilities(open_, rng),
        "catalogue-listed": _odds(table),
    }


def _share(k: int, n: int, n_curves: int) -> Found | str:
    if not n_curves:
        return "the data are not here"
    none = f"none of {counted(n_curves, 'curve')} would show a jump of {JUMP:g} in log odds"
    return share(k, n, "abilities", none)


def over_abilities(table: pl.DataFrame, rng: np.random.Generator, n: int = 2000) -> Found | str:
    """Share of curves with ``hit``; abilities are drawn anew, since their curves go together.

    Where all curves agree, no draw differs: the interval is then Clopper and Pearson's over
    abilities.
    """
    by_task = table.group_by("task").agg(pl.sum("hit"), n=pl.len()).sort("task")
    if not by_task.height:
        return "no curve looks emergent" if "hit" in table.columns else "the data are not here"
    hits, counts = by_task["hit"].to_numpy(), by_task["n"].to_numpy()
    share = hits.sum() / counts.sum()
    reason = f"{by_task.height} abilities"
    if share in (0, 1):
        whole = clopper_pearson_interval(int(share * len(hits)), len(hits))
        return Found(share, whole, int(counts.sum()), "curves", reason)
    drawn = rng.integers(len(hits), size=(n, len(hits)))
    interval = percentile_interval(hits[drawn].sum(1) / counts[drawn].sum(1))
    return Found(share, interval, int(counts.sum()), "curves", reason)


def _odds(table: pl.DataFrame) -> Found | str:
    official = (
        table.filter(family="BIG-G, T=0").group_by("is_listed").agg(pl.sum("is_jump"), pl.len())
    )
    counts = {row[0]: row[1:] for row in official.rows()}
    if set(counts) != {True, False}:
        return "the data are not here"
    found = odds_ratio(*counts[True], *counts[False])
    if not np.isfinite([found.estimate, *found.interval]).all():
        jumps = sum(jump for jump, _ in counts.values())
        return f"{jumps} jumps on {sum(n for _, n in counts.values())} tasks: no ratio of odds"
    return Found(found.estimate, found.interval, sum(n for _, n in counts.values()), "tasks")


def numbers(table: pl.DataFrame, listed: pl.DataFrame) -> dict[str, str]:
    """Numbers of the page's text, by the name under which they are glued.

    Parameters
    ----------
    table, listed : polars.DataFrame
        As for `findings`.

    Returns
    -------
    dict of str to str
    """
    shown = table.filter("is_listed")
    tested = shown.filter(pl.col("n_models") >= TESTED)
    kinds = dict(shown.group_by("kind").len().iter_rows())
    detectable = tested.filter(COULD)
    without = listed.filter(~pl.col("task").is_in(shown["task"].implode()))
    seen = listed.join(
        shown.filter("is_claimed").select("task", "family").unique(), on=["task", "family"]
    )
    enough = tested.filter("is_claimed").select("task", "family").unique()
    plans = shown.filter(pl.col("plan") != "")["plan"]
    texts = {
        "pairs": f"{listed.height}",
        "abilities": f"{listed['task'].n_unique()}",
        "with": f"{listed['task'].n_unique() - without['task'].n_unique()}",
        "without": f"{without['task'].n_unique()}",
        "claimed-seen": f"{seen.height}",
        "claimed-enough": f"{enough.height}",
        "claimed-unseen": f"{listed.height - seen.height}",
        "curves": f"{shown.height}",
        "tested": f"{tested.height}",
        "families": f"{shown['family'].n_unique()}",
        "detectable": f"{detectable.height}",
        "height": number(JUMP),
        "few": f"{shown.height - tested.height}",
        "hopeless": f"{plans.str.contains('Neither').sum()}",
        "planned": f"{len(plans)}",
        "missing": ", ".join(without["task"].str.replace_all("_", " ").sort()),
    }
    for kind in (*EMERGENT, "undecided", "gradual", "declines", "never-above-chance", "flat"):
        texts[f"n-{kind}"] = f"{kinds.get(kind, 0)}"
    return {f"catalogue-{name}": text for name, text in texts.items()}


def conclusion(table: pl.DataFrame) -> str:
    """Say what the verdicts on Wei's abilities come to, in one or two sentences."""
    tested = table.filter("is_listed", pl.col("n_models") >= TESTED)
    n, kinds = tested.height, dict(tested.group_by("kind").len().iter_rows())
    jumps, explained = kinds.get("jump", 0), kinds.get("metric", 0) + kinds.get("resolution", 0)
    most = max(kinds, key=kinds.get, default="undecided")
    first = f"Of {n} curves of at least {TESTED} models, {jumps or 'none'} "
    first += f"{'jump' if jumps > 1 else 'jumps'} under every metric at hand; only"
    could = tested.filter(COULD).height
    first += f" {could} {'shows' if could == 1 else 'show'} a jump, or would show one of {JUMP:g}"
    first += " in log odds"
    second = f"{explained} look emergent for reasons of the metric or of too few items"
    third = "; the public scores decide nothing on most of the others."
    if most != "undecided":
        third = "; the public scores decide most of the others."
    return f"{first}. {second}{third}"
