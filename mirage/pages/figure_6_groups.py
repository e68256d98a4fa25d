"""All curves of Figure 6 under two metrics, data set by data set, and their counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from mirage.datasets.tables import ScoreTable
from mirage.emergence import metric_change
from mirage.formatting import counted
from mirage.pages import figure_6_models
from mirage.pages.figure_6_models import BIGG, BRIER, CHAIN, OLMO, PAIRS, UKP, Pair
from mirage.statistics.intervals import Interval


class Group(NamedTuple):
    """Curves of one data set under two metrics.

    Attributes
    ----------
    name : str
        Key of the findings.
    label : str
        What the figures call it.
    table : polars.DataFrame
        Of `mirage.pages.figure_6_models.judged`, or of ``runs``.
    """

    name: str
    label: str
    table: pl.DataFrame


def groups(data: Mapping[str, ScoreTable], rng: np.random.Generator, n_draws: int) -> list[Group]:
    """Judge every curve of the data sets that are here.

    Parameters
    ----------
    data : mapping of str to ScoreTable
        By name; sets that are absent are left out.
    rng : numpy.random.Generator
        Source of the draws.
    n_draws : int
        Draws of each test, and resamples of each interval.

    Returns
    -------
    list of Group
    """
    found = []
    models = figure_6_models.open_models(data)
    if models:
        judged = [
            figure_6_models.judged(table, pair.bounds, rng, n_draws)
            for pair, table in models.items()
        ]
        found.append(Group("open", "open models, three tasks", pl.concat(judged)))
    if "bigg" in data:
        choices = data["bigg"].scores.filter(pl.col("chance").is_not_null())
        table = metric_change.paired(choices, *BIGG)
        judged = figure_6_models.judged(table, BRIER, rng, n_draws)
        found.append(Group("bigg", "BIG-G: accuracy to top-label Brier", judged))
    if "olmo_ladder" in data:
        table = metric_change.paired(figure_6_models.olmo(data), *OLMO)
        judged = figure_6_models.judged(table, None, rng, n_draws)
        found.append(Group("olmo-probability", "OLMo: accuracy to bits per byte", judged))
    for new in UKP if "ukp_on_emergence" in data else ():
        judged = figure_6_models.judged(figure_6_models.ukp(data, new), None, rng, n_draws)
        name = new.lower().replace(" ", "-")
        found.append(Group(name, f"free answers: exact match to {new}", judged))
    if "inverse_scaling" in data:
        runs = figure_6_models.runs(data["inverse_scaling"], n_draws, rng)
        found.append(Group("loss", "GPT-2, GPT-3: accuracy to loss", runs))
    return found


def counts(found: list[Group]) -> pl.DataFrame:
    """How often each outcome occurs, and how often the first metric is dormant longer.

    Parameters
    ----------
    found : list of Group
        One per data set and pair of metrics.

    Returns
    -------
    polars.DataFrame
        One row per group: ``data``, ``curves``; a column for each outcome; ``dormant_longer``,
        the curves with a positive difference of the ``both_rise`` on which both metrics rise.
    """
    rows = []
    for _, label, table in found:
        differences = table["difference"].drop_nulls()
        row = {"data": label, "curves": table.height} | metric_change.counts(table)
        row |= {"dormant_longer": int((differences > 0).sum()), "both_rise": len(differences)}
        rows.append(row)
    names = ["curves", *metric_change.OUTCOMES, "dormant_longer", "both_rise"]
    return pl.DataFrame(rows, schema={"data": pl.String} | dict.fromkeys(names, pl.Int64))


def rows_of(found: list[Group]) -> dict[Pair, dict]:
    """The judged row of each pair of the open models, in the order of `PAIRS`."""
    table = pl.concat([group.table for group in found if group.name == "open"])
    rows = {row["task"]: row for row in table.iter_rows(named=True)}
    return {pair: rows[pair.task] for pair in PAIRS if pair.task in rows}


def differences(
    models: Mapping[Pair, pl.DataFrame], n_resamples: int, rng: np.random.Generator
) -> dict[str, tuple[float, Interval, int]]:
    """Difference of dormant shares of each pair, its interval over families, and their number."""
    return {
        pair.label: (
            figure_6_models.shares(table)["difference"].item(),
            figure_6_models.family_interval(table, n_resamples, rng),
            table["family"].n_unique(),
        )
        for pair, table in models.items()
    }


def olmo_panels(ladder: pl.DataFrame) -> list[tuple[str, str, pl.DataFrame, str, str]]:
    """Letter, message, table, side and scale of each panel of the OLMo ladder."""
    if ladder.is_empty():
        return []
    compute = metric_change.paired(ladder, *OLMO)
    loss = metric_change.paired(ladder, *OLMO, x="loss")
    flop, exp_loss = "training compute (FLOP)", "exp(−loss on C4)"
    return [
        ("W", "Accuracy against compute", compute, "old", flop),
        ("X", "−bits per byte against compute", compute, "new", flop),
        ("Y", "Accuracy against loss", loss, "old", exp_loss),
    ]


def numbers(
    found: list[Group],
    differences: Mapping[str, tuple[float, Interval, int]],
    correlations: pl.DataFrame,
) -> dict[str, str]:
    """Numbers of the page's text, by the name under which they are glued.

    Parameters
    ----------
    found : list of Group
        As for `counts`.
    differences : mapping of str to (float, Interval, int)
        Of `differences`.
    correlations : polars.DataFrame
        Of `mirage.pages.figure_6_models.correlations`.

    Returns
    -------
    dict of str to str
        *unknown* where the data are not here.
    """
    table = counts(found)
    fates = [
        counted(table[name].sum(), "jump", *verbs)
        for name, verbs in (
            ("disappears", ("disappears", "disappear")),
            ("persists", ("persists", "persist")),
        )
    ]
    decided = table.select(metric_change.OUTCOMES[:3]).sum_horizontal().sum()
    texts = {"fates": " and ".join(fates), "n decided": counted(decided, "jump", "is", "are")}
    rows = dict(zip([group.name for group in found], table.iter_rows(named=True), strict=True))
    for name in ("olmo-probability", "edit-distance", "bertscore"):
        texts[f"longer {name}"] = "unknown"
        if name in rows:
            row = rows[name]
            texts[f"longer {name}"] = f"{row['dormant_longer']} of {row['both_rise']}"
    for pair in PAIRS:
        texts[f"difference {pair.label}"] = "unknown"
        if pair.label in differences:
            value, ends, _ = differences[pair.label]
            texts[f"difference {pair.label}"] = f"{value:.2f} {ends:.2f}".replace("-", "−")
    for metric in CHAIN:
        middle = correlations.filter(metric=metric)["correlation"].median()
        texts[f"correlation {metric}"] = "unknown" if middle is None else f"{middle:.3f}"
    return {f"f6-{name.replace(' ', '-').replace(',', '')}": text for name, text in texts.items()}


def free_answers(table: pl.DataFrame, letters: str) -> str:
    """Say on which tasks the new metric takes its largest step where the old one does.

    Parameters
    ----------
    table : polars.DataFrame
        Of `mirage.pages.figure_6_models.rising_most`.
    letters : str
        Panel of the new metric, by task.

    Returns
    -------
    str

    Examples
    --------
    >>> sizes, exact = [1, 2, 3], [0, 0, 1]
    >>> late = pl.DataFrame({"task": "a", "x": sizes, "old": exact, "new": [-9, -9, 0]})
    >>> early = pl.DataFrame({"task": "b", "x": sizes, "old": exact, "new": [-9, -1, 0]})
    >>> free_answers(pl.concat([late, early]), "TU")
    'takes its largest step at the same model on 1 of 2 tasks (T), and at a smaller one on 1 (U)'
    """
    if table.is_empty():
        return "is not among the data"
    places: dict[int, list[str]] = {-1: [], 0: [], 1: []}
    curves = table.partition_by("task", maintain_order=True)
    for curve, letter in zip(curves, letters, strict=True):
        old, new = (curve.sort("x")[side].diff().arg_max() for side in ("old", "new"))
        places[(new > old) - (new < old)].append(letter)
    words = {-1: "a smaller one", 1: "a larger one"}
    text = f"takes its largest step at the same model on {len(places[0])} of {len(curves)} tasks"
    text += f" ({', '.join(places[0])})" * bool(places[0])
    for side, word in words.items():
        if places[side]:
            text += f", and at {word} on {len(places[side])} ({', '.join(places[side])})"
    return text
