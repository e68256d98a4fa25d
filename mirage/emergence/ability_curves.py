"""From score and outcome tables to abilities: all metrics of a family, task and protocol."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from mirage import tables
from mirage.emergence.ability import Ability, MetricCurve
from mirage.emergence.judge import checked_scores, curves
from mirage.emergence.measures import Options
from mirage.formatting import counted
from mirage.metrics import catalogue

_FEW = "fewer than 3 models"  # of the table of curves; two models still show what items can say
_AVERAGE = "an average over tasks, which is not judged beside them"
_UNFILTERED = "none"  # the harness's name for answers as they came
_LARGEST_LOSS = 15.0  # nats: beyond, exp(−loss) has no digits left


def abilities(
    scores: pl.DataFrame,
    outcomes: pl.DataFrame | None,
    x: str,
    chance: float | Mapping[str, float] | None,
) -> list[Ability]:
    """Group the curves of a score table into abilities, with their items where there are any.

    Parameters
    ----------
    scores, outcomes, x, chance
        As for `mirage.emergence.abilities.judge`.

    Returns
    -------
    list of Ability
        In the order of the first rows; those that cannot be judged with the reason.
    """
    table = _with_chance(checked_scores(scores), chance)
    averages = _averages(table)
    found = {}
    for split, part in _by_protocol(table):
        options = Options(split, x, 0, 0.95)
        guesses = _guesses(part, split)
        for row in curves(part, options).iter_rows(named=True):
            key = (row["family"], row["task"], *(row[name] for name in split))
            guess = guesses[(*key, row["metric"])]
            row["is_average"] = key[:2] in averages
            found.setdefault((split, key), []).append((row, guess))
    order = {key: i for i, key in enumerate(table.select("family", "task").unique(
        maintain_order=True).iter_rows())}  # fmt: skip
    items = _Items(outcomes)
    keys = sorted(found, key=lambda entry: order[entry[1][:2]])
    return [_ability(split, key, found[split, key], items) for split, key in keys]


def _with_chance(table: pl.DataFrame, chance) -> pl.DataFrame:
    """Fill the column ``chance`` from the argument, where the table states none."""
    if "chance" not in table.columns:
        table = table.with_columns(chance=pl.lit(None, pl.Float64))
    if isinstance(chance, Mapping):
        guesses = _of_tasks(chance, set(table["task"]))
        given = pl.col("task").replace_strict(guesses, default=None, return_dtype=pl.Float64)
    else:
        given = pl.lit(chance, pl.Float64)
    return table.with_columns(chance=pl.coalesce(pl.col("chance").cast(pl.Float64), given))


def _of_tasks(chance: Mapping[str, float], tasks: set[str]) -> dict[str, float]:
    """Chance level of each task; a name that is no task is a pattern (``mmlu_*``)."""
    found, unknown = {}, []
    for pattern, guess in chance.items():
        named = {pattern} & tasks or set(fnmatch.filter(tasks, pattern))
        unknown += [] if named else [pattern]
        found = dict.fromkeys(named, guess) | found  # the first pattern that fits
    found |= {task: guess for task, guess in chance.items() if task in tasks}
    if unknown:
        raise ValueError(
            f"chance: found the tasks {sorted(unknown)}, expected tasks of the score table"
        )
    return found


def _averages(table: pl.DataFrame) -> set[tuple[str, str]]:
    """Family and task of averages over tasks, in families that have other tasks, too."""
    if "is_group" not in table.columns:
        return set()
    is_group = pl.col("is_group").cast(pl.Boolean).fill_null(False)
    marked = table.select("family", "task", is_group=is_group)
    parts = marked.filter(~pl.col("is_group"))["family"].unique()
    averages = marked.filter("is_group", pl.col("family").is_in(parts.implode()))
    return set(averages.select("family", "task").unique().rows())


def _by_protocol(table: pl.DataFrame):
    """Parts of the table with the protocol columns that split their curves.

    A column of which one model has several values, under one metric, splits the curves of its
    task; one that only differs between models is left to spoil the curve, and its note says so.
    """
    columns = [name for name in tables.PROTOCOL if name in table.columns]
    if not columns:
        yield (), table
        return
    several = (
        table.group_by("family", "task", "metric", "model", maintain_order=True)
        .agg(pl.col(columns).n_unique() > 1)
        .group_by("family", "task", maintain_order=True)
        .agg(pl.col(columns).any())
    )
    marked = table.join(several, on=["family", "task"], suffix="_splits", maintain_order="left")
    flags = [f"{name}_splits" for name in columns]
    for values, part in marked.group_by(flags, maintain_order=True):
        split = tuple(name for name, splits in zip(columns, values, strict=True) if splits)
        yield split, part.drop(flags)


def _guesses(table: pl.DataFrame, split) -> dict[tuple, float | None]:
    key = ["family", "task", *split, "metric"]
    return {tuple(row[:-1]): row[-1] for row in table.group_by(key).agg(pl.max("chance")).rows()}


def _ability(split, key, rows, items: _Items) -> Ability:
    family, task = key[:2]
    protocol = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in zip(split, key[2:], strict=True)
    )
    if rows[0][0]["is_average"]:
        curve = _blank(rows[0][0]["metric"])
        return Ability(family, task, protocol, (curve,), _AVERAGE, judged=False)
    sound = [(row, guess) for row, guess in rows if row["note"] in (None, _FEW)]
    sound = [(row, guess) for row, guess in sound if row["n_models"] > 1]
    notes = [
        f"{row['metric']}: {row['note']}" for row, _ in rows if row["note"] not in (None, _FEW)
    ]
    if not sound:
        first = rows[0][0]
        curve = _blank(first["metric"])
        reason = first["note"] or "fewer than 2 models"
        return Ability(family, task, protocol, (curve,), reason, judged=False)
    metrics = [_curve(row, guess) for row, guess in sound]
    per_item = items.of(family, task, dict(zip(split, key[2:], strict=True)))
    metrics = [_with_items(curve, per_item) for curve in metrics]
    # The headline is the metric that counts whole answers, on the most models.
    metrics.sort(key=lambda curve: (not curve.sharp, curve.n_items is None, -len(curve.x)))
    if metrics[0].n_items is not None and metrics[0].chance is None:
        notes.append("chance level unknown")
    notes += filter(None, (_uncounted(row) for row, _ in sound))
    probabilities = _probabilities(metrics[0], per_item)
    note = "; ".join(notes) or None
    return Ability(family, task, protocol, tuple(metrics), note, probabilities=probabilities)


def _uncounted(row: dict) -> str | None:
    """What it means that some models of a curve have no item count; None where it does not."""
    n = sum(count is None for count in row["n"])
    if not (row["is_share"] and 0 < n < len(row["n"])):
        return None
    models = counted(n, "model")
    return f"{row['metric']}: no item count for {models}: errors come from the scatter alone"


def _blank(name: str) -> MetricCurve:
    none = np.empty(0)
    return MetricCurve(name, none, none, None, None, None, None, False)


def _curve(row: dict, guess: float | None) -> MetricCurve:
    """One metric, higher is better, within the bounds of its kind."""
    order = np.argsort(row["x"])
    x, y, n, error = (np.array(row[name], dtype=float)[order] for name in ("x", "y", "n", "stderr"))
    metric = catalogue.find(row["metric"])
    sharp = bool(metric and metric.all_or_nothing)
    if row["counted"]:
        y, rescaled = (1 - y, "1 − value") if row["falls"] else (y, "")
        return MetricCurve(
            row["metric"], x, y, n, None, (0.0, 1.0), guess, sharp, rescaled=rescaled
        )
    error = None if np.isnan(error).any() else error
    y, error, bounds, rescaled = _bounded(y, error, row["falls"], (row["low"], row["high"]))
    share = row["is_share"] and not row["falls"]
    guess = guess if share else None
    return MetricCurve(row["metric"], x, y, None, error, bounds, guess, sharp, rescaled=rescaled)


def _bounded(y, error, falls: bool, bounds):
    """Scores as higher is better, their errors, finite bounds or None, and how they were made."""
    low, high = bounds
    sign, value = (-1, "−value") if falls else (1, "value")
    y, low, high = sign * y, *sorted((sign * low, sign * high))
    if high == 0 and low == -np.inf and (y > -_LARGEST_LOSS).all():
        share = np.exp(y)  # a loss in nats becomes a probability
        return share, None if error is None else share * error, (0.0, 1.0), f"exp({value})"
    if (low, high) == (0, 100) and y.max() <= 1:  # in percent by name, as a share in this file
        high = 1.0
    finite = np.isfinite([low, high]).all()
    return y, error, (float(low), float(high)) if finite else None, value if falls else ""


class _PerItem(NamedTuple):
    """Items of one task, by the filter that its answers went through, and by column."""

    found: dict[tuple[str, str], tuple]  # sizes, names of items, values (models, items)
    columns: dict[str, str]  # by their own names and by the catalogue's

    def get(self, metric: str, filter_: str = _UNFILTERED) -> tuple | None:
        """Sizes, names and values of the items under a metric; None where there are none."""
        known = catalogue.find(metric)
        for name in (metric, known.name if known else metric):
            if found := self.found.get((filter_, self.columns.get(name))):
                return found
        return None

    def of_curve(self, name: str) -> tuple | None:
        """Items of a curve, whose name may say the filter: "exact_match (strict-match)"."""
        return self.get(name) or self.get(*_without_filter(name))


def _without_filter(name: str) -> tuple[str, str]:
    """The metric and the filter that the name of a curve says."""
    found = re.fullmatch(r"(.+) \((.+)\)", name)
    return (found[1], found[2]) if found else (name, _UNFILTERED)


class _Items:
    """Outcome tables by family and task, as arrays (models, items) for each metric."""

    def __init__(self, outcomes: pl.DataFrame | None):
        self.parts, self.columns = {}, {}
        if outcomes is None:
            return
        of_catalogue = {}
        for name, kind in outcomes.schema.items():
            found = catalogue.find(name)
            if found and name not in tables.OUTCOMES and (kind.is_numeric() or kind == pl.Boolean):
                self.columns[name] = name
                of_catalogue.setdefault(found.name, name)
        self.columns = of_catalogue | self.columns
        self.parts = outcomes.partition_by("family", "task", as_dict=True)

    def of(self, family: str, task: str, protocol: dict) -> _PerItem:
        """Sizes and items (models, items) of each metric, on items that all models answered."""
        part = self.parts.get((family, task))
        if part is None:
            return _PerItem({}, {})
        for name, value in protocol.items():
            if name in part.columns:
                part = part.filter(pl.col(name).eq_missing(value))
        filters = pl.col("filter") if "filter" in part.columns else pl.lit(None)
        part = part.with_columns(_filter=filters.cast(pl.String).fill_null(_UNFILTERED))
        found = {}
        for (filter_,), answers in part.group_by("_filter", maintain_order=True):
            for column in dict.fromkeys(self.columns.values()):
                if entry := _wide(answers, column):
                    found[filter_, column] = entry
        return _PerItem(_same_items(found), self.columns)


def _wide(answers: pl.DataFrame, column: str) -> tuple | None:
    """Sizes, names and values (models, items) of one metric; None without any."""
    values = answers.select("n_params", "item", pl.col(column).cast(pl.Float64)).drop_nulls()
    if values.is_empty():
        return None
    wide = values.pivot(
        on="n_params", index="item", values=column, aggregate_function="mean"
    ).drop_nulls()
    sizes = sorted(set(values["n_params"]))
    array = wide.sort("item").select(map(str, sizes)).to_numpy().T
    return np.array(sizes, float), wide.sort("item")["item"], array


def _same_items(found: dict[tuple[str, str], tuple]) -> dict[tuple[str, str], tuple]:
    """Keep the items that have a number under every metric, so that metrics are paired.

    Where there are fewer than two, only the metric with the most items keeps its own.
    """
    common = set.intersection(*(set(items) for _, items, _ in found.values())) if found else set()
    if len(common) < 2:
        most = max(found, key=lambda metric: len(found[metric][1]), default=None)
        return {metric: found[metric] for metric in found if metric == most}
    kept = pl.Series(sorted(common))
    return {
        metric: (sizes, kept, array[:, items.is_in(kept.implode()).to_numpy()])
        for metric, (sizes, items, array) in found.items()
    }


def _with_items(curve: MetricCurve, per_item: _PerItem) -> MetricCurve:
    sizes, _, values = per_item.of_curve(curve.name) or (None, None, None)
    if sizes is None or not np.array_equal(sizes, curve.x) or values.shape[1] < 2:
        return curve
    return curve._replace(items=_turned(values, curve.rescaled))


def _turned(values: np.ndarray, rescaled: str) -> np.ndarray:
    """Items turned as their curve was; of a curve exp(±value) they are the exponents."""
    if rescaled == "1 − value":
        return 1 - values
    return -values if "−value" in rescaled else values


def _probabilities(head: MetricCurve, per_item: _PerItem) -> np.ndarray | None:
    """Probability of the right answer to each item of the headline metric, if it is known.

    Of multiple choice the likeliest choice is the answer, whatever its probability: none.
    """
    _, filter_ = _without_filter(head.name)
    of_choices = per_item.get("multiple choice grade", filter_) is not None
    if head.items is None or not head.sharp or of_choices:
        return None
    own = per_item.of_curve(head.name)
    for name in ("expected exact match", "target probability", "negative log-likelihood"):
        found = per_item.get(name, filter_)
        if found is None or found is own or not np.array_equal(found[0], head.x):
            continue
        _, items, values = found
        if items.equals(own[1]):
            values = np.exp(-values) if name == "negative log-likelihood" else values
            sound = ((values >= 0) & (values <= 1 + 1e-6)).all()  # of single precision
            return np.minimum(values, 1) if sound else None
    return None
