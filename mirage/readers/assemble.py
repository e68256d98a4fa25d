"""From the rows of many files to one score table: sizes, families, repeated runs, item counts.

Every decision is said in a note, and nothing is dropped in silence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mirage import tables
from mirage.formatting import counted
from mirage.metrics import catalogue
from mirage.readers import families, model_names
from mirage.statistics.resolution import agreement

if TYPE_CHECKING:
    import polars as pl

_ITEMS = ("family", "model", "n_params", "task", "filter", *tables.PROTOCOL)
_REPEATED = ("filter", *tables.PROTOCOL)  # one text for all items of a model
_TABLES = ("table", "table of items")  # sizes that people write
_UNIT = 500  # times too small or large: a size in another unit
_MEASURED = ("n_params", "score", "n_items", "stderr")


def identify(
    rows: list[dict[str, Any]], sizes: Mapping[str, int]
) -> tuple[list[dict], list[str], list[str]]:
    """Give each row the family, the size and the protocol that its model's name tells.

    Returns the rows of models whose size is known, a fault for each other model, and notes. Rows
    are changed in place: of a hundred thousand files a copy of each would be a gigabyte.
    """
    places: dict[str, model_names.Place] = {}
    named: dict[str, model_names.ModelName] = {}
    kept, unknown, contradicted = [], Counter(), Counter()
    for row in rows:
        full = str(row["model"])
        if full not in places:
            places[full] = model_names.place(full)
        model, owner, stored = places[full]
        name = named.setdefault(model, model_names.parse(model))
        stated = model_names.number_of(row.get("n_params"))
        size = sizes.get(full) or sizes.get(model) or stated or name.n_params
        if not size:
            unknown[model] += 1
            continue
        if size == stated and row.get("format") in _TABLES and _contradict(stated, name.n_params):
            contradicted[model, stated, name.n_params] += 1
            continue
        for key in (*families.NAMED, "revision"):
            if row.get(key) is None:
                row[key] = getattr(name, key)
        if row["revision"] == "main" and name.revision:  # of the repository, not of the training
            row["revision"] = name.revision
        told = bool(row.get("family"))
        stem = None if told or name.n_params else families.numberless(model)
        folder = owner[-1] if owner and name.family == "*" else None  # of "runs/70M", "runs/1B"
        row["family"] = row.get("family") or folder or name.family
        row |= {"_stem": stem, "_owner": owner, "_stored": stored, "_told": told}
        n = row.get("n_items")
        row["n_items"] = n if isinstance(n, int) and 0 < n < 2**53 else None
        row |= {"model": model, "n_params": int(size)}
        kept.append(row)
    faults = [
        f"how many parameters has {model!r}? Its {counted(n, 'score', 'is', 'are')} left out; "
        f"name its size with n_params={{{model!r}: …}} or in a file of sizes (--sizes)"
        for model, n in unknown.items()
    ]
    faults += [
        f"n_params of {model!r} is {stated:,}, and its name says {said:,}: its "
        f"{counted(n, 'score', 'is', 'are')} left out; write 1.4B or 1400000000, "
        "or name it in a file of sizes (--sizes)"
        for (model, stated, said), n in contradicted.items()
    ]
    return kept, faults, _several_sizes(named, kept) + families.arrange(kept)


def _contradict(stated: int, named: int | None) -> bool:
    """Whether a size was written in another unit than the name's: thousands, millions, billions."""
    return bool(named) and not 1 / _UNIT < stated / named < _UNIT


def _several_sizes(named: Mapping[str, model_names.ModelName], rows: list[dict]) -> list[str]:
    """A note on names that hold several sizes, where one of them was taken."""
    taken = {row["model"]: row["n_params"] for row in rows}
    doubtful = [
        f"{model} (a model of {name.n_params:,} parameters"
        + (f", {name.token_budget} tokens)" if name.token_budget else ")")
        for model, name in named.items()
        if taken.get(model) == name.n_params and model_names.has_several_sizes(model)
    ]
    more = f" and {len(doubtful) - 3} more" if len(doubtful) > 3 else ""
    shown = "; ".join(doubtful[:3]) + more
    return [f"names of several sizes: {shown}; if not, state n_params"] if doubtful else []


def tell_trials(rows: list[dict[str, Any]]) -> None:
    """Give runs of one model and task, whose seeds differ, the first seed that does as ``seed``.

    Changed in place: ``_seeds``, the seeds of a run in the order of their weight, is removed. No
    examples are drawn for 0 shots: runs of one result are copies there, whatever their seeds.
    """
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for row in rows:
        if any(seed is not None for seed in row.get("_seeds", ())):
            key = [row["family"], row["model"], row["n_params"], row["task"]]
            groups[*key, *(str(row.get(name)) for name in tables.PROTOCOL)].append(row)
    for group in groups.values():
        results = defaultdict(set)
        for row in group if group[0].get("shots") == 0 else ():
            if "metric" in row:
                results[row["_seeds"]].add((row["metric"], row["score"]))
        if len(results) > 1 and len(set(map(frozenset, results.values()))) == 1:
            continue
        for seeds in zip(*(row["_seeds"] for row in group), strict=True):
            if len(set(seeds) - {None}) > 1:
                for row, seed in zip(group, seeds, strict=True):
                    row["seed"] = seed
                break
    for row in rows:
        row.pop("_seeds", None)


def once(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Keep one row of a measurement that was made or copied more than once: the newest."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        key = (row["family"], row["model"], row["task"], row["metric"])
        told = map(row.get, (*tables.PROTOCOL, "seed"))
        # Most are None, of which str() would make a text of its own each time: a kilobyte a row.
        key += tuple("None" if value is None else str(value) for value in told)
        groups.setdefault(key, []).append(row)
    kept, copies, newer, several = [], Counter(), Counter(), Counter()
    for group in groups.values():
        different: dict[tuple, list[dict]] = {}
        for row in group:
            # Rows of one file are trials; the same numbers in another file are a copy.
            measured = tuple(row.get(name) for name in _MEASURED)
            first = next((r for r in different.get(measured, ()) if r["file"] != row["file"]), None)
            if first is None:
                different.setdefault(measured, []).append(row)
            else:
                copies[row["file"], first["file"]] += 1
        left = [row for rows_ in different.values() for row in rows_]
        one_size = len({row["n_params"] for row in left}) == 1
        if len(left) > 1 and one_size and all(row.get("date") is not None for row in left):
            left.sort(key=lambda row: row["date"])
            newest = [row for row in left if row["date"] == left[-1]["date"]]
            for row in left[: -len(newest)]:
                newer[row["model"], row["file"], newest[0]["file"]] += 1
            left = newest
        if len(left) > 1:
            for i, row in enumerate(left):
                row["repetition"] = i
            several[left[0]["model"], left[0]["file"]] += 1
        kept += left
    notes = [
        f"{a}: {counted(n, 'score', 'is a copy of that', 'are copies of those')} in {b}, and "
        "dropped"
        for (a, b), n in copies.items()
    ]
    notes += [
        f"{m}: in {a} {counted(n, 'score', 'is', 'are')} replaced by the newer run in {b}"
        for (m, a, b), n in newer.items()
    ]
    for (model, file), n in several.items():
        notes.append(
            f"{file}: {counted(n, 'curve', 'has', 'have')} several different scores "
            f"of {model}, which no column "
            "distinguishes (seed, shots, revision, …)"
        )
    return kept, notes


def implied_items(score: float | None, stderr: float | None) -> int | None:
    """Number of items that a share and its standard error imply: n = a(1 − a)/s² + 1.

    None where the share is 0 or 1, where s is nothing but rounding or more than any share has, or
    where no whole number of items with a whole number of right ones fits.
    """
    if not (score and stderr and 0 < score < 1 and 1e-9 < stderr <= 0.5):
        return None
    n = score * (1 - score) / stderr**2 + 1
    whole = round(n)
    # A share of n items is a multiple of 1/n; the error's rounding leaves less than .01 items.
    fits = abs(n - whole) < 0.5 and abs(score * whole - round(score * whole)) < 0.01
    return whole if fits and whole > 1 else None


def count_items(rows: list[dict[str, Any]]) -> list[str]:
    """Fill in the number of items of shares, and mend one that contradicts the standard error.

    An average over subtasks has a pooled error, which implies nothing.
    """
    notes, of_task = [], defaultdict(set)
    for row in rows:
        metric = catalogue.find(row["metric"])
        row["_share"] = bool(metric) and metric.kind == catalogue.SHARE and not row.get("is_group")
        if not row["_share"]:
            continue
        score, stated = row["score"], row.get("n_items")
        implied = implied_items(score, row.get("stderr"))
        if implied and not stated:
            row["n_items"] = implied
        elif implied and not agreement(score, stated, row["stderr"]):
            row["n_items"] = implied
            notes.append(
                f"{row['file']}: {row['task']}, {row['metric']} of {row['model']}: the standard "
                f"error says {implied} items, the file {stated}: {implied} taken"
            )
        if row.get("n_items"):
            of_task[row["task"], row["metric"]].add(row["n_items"])
    for row in rows:
        # No error at 0 and 1: the task's other models know its items.
        known = of_task.get((row["task"], row["metric"]), ())
        wanted = row.pop("_share") and not row.get("n_items") and row["score"] in (0, 1)
        if wanted and len(known) == 1:
            row["n_items"] = next(iter(known))
    return notes


def fill_chance(rows: list[dict[str, Any]], parts: list[tuple[dict[str, Any], Any]]) -> None:
    """Give shares the chance level that the choices of their items tell, where none is stated."""
    known = defaultdict(set)
    for common, _ in parts:
        if common.get("chance"):
            known[common["model"], common["task"]].add(common["chance"])
    for row in rows:
        metric = catalogue.find(row["metric"])
        told = known.get((row["model"], row["task"]), ())
        if row.get("chance") is None and len(told) == 1 and metric:
            row["chance"] = next(iter(told)) if metric.kind == catalogue.SHARE else None


def outcome_table(
    parts: list[tuple[dict[str, Any], pl.DataFrame]], notes: list[str]
) -> pl.DataFrame | None:
    """Join the items of all files: of each model, task and protocol the newest.

    Files of one date are parts of a run if no item is in two of them, else the first counts. An
    item that comes again within one file is taken once. `notes` says what was left out.
    """
    import polars as pl

    runs: dict[tuple, dict[str, list]] = {}
    for common, table in parts:
        key = tuple(str(common.get(name)) for name in (*_ITEMS, "seed"))
        if common.get("seed") is not None:
            table = table.with_columns(seed=pl.lit(common["seed"], pl.Int64))
        runs.setdefault(key, {}).setdefault(common["file"], []).append((common, table))
    left_out: Counter[tuple[str, str, str]] = Counter()
    frames = []
    for files in runs.values():
        kept = _one_run(files, left_out)
        common = kept[0][0]
        named = {name: common[name] for name in _ITEMS if common.get(name) is not None}
        whole = pl.concat([table for _, table in kept], how="diagonal_relaxed", rechunk=False)
        key = [name for name in ("item", "seed") if name in whole.columns]
        again = int((~whole.select(key).is_unique()).sum())
        if again:
            whole = whole.unique(key, keep="first", maintain_order=True)
            notes.append(
                f"{common['file']}: {again} items of {common['model']} come again, and count once"
            )
        # Checked model by model, since the check of five million rows at once takes two gigabytes.
        frame = tables.outcomes(whole.with_columns(pl.lit(v).alias(k) for k, v in named.items()))
        repeated = [name for name in named if name in _REPEATED and frame[name].dtype == pl.String]
        frames.append(frame.with_columns(pl.col(repeated).cast(pl.Categorical)))
    notes += [
        f"{counted(n, 'item')} of {model} in {file} {'is' if n == 1 else 'are'} left out: {why}"
        for (model, file, why), n in left_out.items()
    ]
    return pl.concat(frames, how="diagonal_relaxed", rechunk=False) if frames else None


def _one_run(files: dict[str, list], left_out: Counter) -> list[tuple[dict[str, Any], Any]]:
    """The newest of the parts by file, and those of the same date that share no item with it."""
    dates = {file: max(common.get("date") or 0.0 for common, _ in files[file]) for file in files}
    newest = [file for file in files if dates[file] == max(dates.values())]
    kept, first = list(files[newest[0]]), newest[0]
    for file, parts in files.items():
        if file == first:
            continue
        if file not in newest:
            why = f"{first} is newer"
        elif any(_shared(old, new) for _, old in kept for _, new in parts):
            why = f"{first} has some of them, too"
        else:
            kept += parts
            continue
        left_out[parts[0][0]["model"], file, why] += sum(table.height for _, table in parts)
    return kept


def _shared(a: pl.DataFrame, b: pl.DataFrame) -> bool:
    """Whether an item (of one trial, where both tell) is in both tables."""
    key = [name for name in ("item", "seed") if name in a.columns and name in b.columns]
    types = dict.fromkeys(key, int)
    a, b = (table.select(key).cast(types) for table in (a, b))
    return not a.join(b, on=key, how="semi", nulls_equal=True).is_empty()


def score_table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Build the score table: its columns first, protocol and others after, none that is empty."""
    import polars as pl

    numbers = ("score", "stderr", "chance", "date", "compute", "tokens")
    texts = tuple(name for name in tables.PROTOCOL if name != "shots")
    types = {name: pl.Float64 for name in numbers} | {name: pl.String for name in texts}
    types |= {"shots": pl.Int64, "higher_is_better": pl.Boolean, "is_group": pl.Boolean}
    types |= {"n_items": pl.Int64, "seed": pl.Int64}
    columns = list(dict.fromkeys([*(name for row in rows for name in row), "is_group"]))
    frame = pl.DataFrame(  # a column at a time: all as lists would be as large again
        {
            name: pl.Series([row.get(name) for row in rows], dtype=types.get(name), strict=False)
            for name in columns
        }
    )
    optional = [n for n in frame.columns if n in (*texts, "chance", "date", "compute", "tokens")]
    frame = frame.drop(n for n in optional if frame[n].null_count() == frame.height)
    frame = frame.with_columns(pl.col("is_group").fill_null(False))
    return tables.with_direction(tables.scores(frame, blank_scores=True))
