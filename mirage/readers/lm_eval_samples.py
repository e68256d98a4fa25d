"""Items of lm-evaluation-harness: ``samples_TASK_DATE.jsonl``, as ``--log_samples`` writes.

A line is one item under one filter. The model and its protocol are those of the result file of the
same date in the folder, else the folder's name (``acme__quill-70m``) is the model's. Files are read
in blocks of lines, so that any number of items fits in memory.

Of multiple choice the log-likelihood of each choice is saved, of generated text the text: other
metrics than the logged ones are computed from them (`mirage.readers.item_metrics`), and the number
of choices gives the chance level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from mirage.formatting import counted
from mirage.readers import item_metrics, lm_eval
from mirage.readers.files import BadFile, decode
from mirage.readers.found import Found, Items, Source, item_number, number

NAME = "lm-evaluation-harness, samples"
EXPECTED = "JSON lines with 'doc_id' and 'filtered_resps' or 'resps'"
OPTIONS = ("outcomes",)
_BLOCK = 20_000  # lines
_LOWEST = -1e300  # nats: a probability of 0
_NAME = re.compile(r"samples_(.+?)(?:_(\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:][\d.]+))?$")
_GUESS = "a uniform guess"  # among the choices of an item
_NO_METRICS = {"doc_id", "sample_len", "idx", "target", "filtered_resps", "resps", "arguments"}


def matches(source: Source) -> bool:
    """Whether the first line is an item of the harness."""
    first = _first(source)
    return (
        first is not None and "doc_id" in first and bool({"filtered_resps", "resps"} & set(first))
    )


def _first(source: Source) -> dict[str, Any] | None:
    if source.head.lstrip()[:1] != b"{":
        return None
    try:
        line = source.head.split(b"\n", 1)[0] if b"\n" in source.head else source.content
        found = decode(msgspec.json.Decoder(), line)
    except BadFile:
        return None
    return found if isinstance(found, dict) else None


def read_file(source: Source, outcomes: bool) -> Found:
    """Read the items of one task and model."""
    first = _first(source)
    metrics = [
        key
        for key, value in first.items()
        if isinstance(value, int | float) and key not in _NO_METRICS and key != "filter"
    ]
    common, logged = _common(source)
    averages: dict[str, item_metrics.Averages] = {}
    guesses = item_metrics.Averages()
    found, bad, again = Found(), 0, 0
    seen: dict[str, _Seen] = {}
    for block in _blocks(source, metrics):
        bad += block.n_bad
        for name, several in block.by_filter().items():
            lines = seen.setdefault(name, _Seen()).first(several)
            again += len(several) - len(lines)
            if not lines:
                continue
            values = _values(lines, metrics)
            guesses.add({name: values.pop(_GUESS)})
            averages.setdefault(name, item_metrics.Averages()).add(values)
            if outcomes:
                found.outcomes.append(_items(lines, values, common, name))
    if bad:
        found.faults.append(
            f"{counted(bad, 'line')} cannot be read and {'is' if bad == 1 else 'are'} left out"
        )
    if again:
        found.notes.append(
            f"{counted(again, 'line', 'has', 'have')} an item that was there "
            f"before, and {'is' if again == 1 else 'are'} left out"
        )
    if not averages:
        raise BadFile("found no line that can be read")
    chance = {row["metric"]: row["score"] for row in guesses.rows()}
    found.outcomes = [
        items._replace(common=items.common | {"chance": chance.get(items.common["filter"])})
        for items in found.outcomes
    ]
    for name, average in averages.items():
        about = common | ({"chance": chance[name]} if chance.get(name) else {})
        found.scores += _scores(average.rows(), metrics, name, about, logged, found.notes)
    return found


class _Block:
    """Some lines, of any filter."""

    def __init__(self, lines: list[Any], n_bad: int):
        self.lines, self.n_bad = lines, n_bad

    def by_filter(self) -> dict[str, list[Any]]:
        """Lines by the name of their filter."""
        groups: dict[str, list[Any]] = {}
        for line in self.lines:
            groups.setdefault(line.filter or "none", []).append(line)
        return groups


class _Seen:
    """Items that were there before: a run that was resumed appends some of them again."""

    def __init__(self):
        self._items, self._highest = [], -(2**63)

    def first(self, lines: list[Any]) -> list[Any]:
        """The lines whose item comes for the first time."""
        items = np.array([item_number(line.doc_id) for line in lines], np.int64)
        _, place = np.unique(items, return_index=True)
        new = np.zeros(len(items), bool)
        new[place] = True
        if items.min() <= self._highest:  # else each is new, as in nearly every file
            new &= ~np.isin(items, np.concatenate(self._items))
        self._items.append(items[new])
        self._highest = max(self._highest, items.max())
        return lines if new.all() else [line for line, one in zip(lines, new, strict=True) if one]


def _blocks(source: Source, metrics: list[str]) -> Iterator[_Block]:
    fields = [("doc_id", int | str), ("target", Any, None), ("filtered_resps", Any, None)]
    fields += [("resps", Any, None), ("arguments", Any, None), ("filter", str | None, None)]
    fields += [(f"m{i}", Any, None) for i in range(len(metrics))]
    rename = {f"m{i}": metric for i, metric in enumerate(metrics)}
    line_type = msgspec.defstruct("Line", fields, rename=rename)
    decoder = msgspec.json.Decoder(line_type)
    lines = source.lines()
    while part := list(islice(lines, _BLOCK)):
        read, n_bad = [], 0
        for _, line in part:
            try:
                read.append(decode(decoder, line))
            except BadFile:
                n_bad += 1
        yield _Block(read, n_bad)


def _values(lines: list[Any], metrics: list[str]) -> dict[str, np.ndarray]:
    """Logged values by their names, and computed ones by the catalogue's."""
    values = {
        metric: np.array([_logged(getattr(line, f"m{i}")) for line in lines])
        for i, metric in enumerate(metrics)
    }
    answers = [_answers(line) for line in lines]
    log_probs = [_log_probs(answer) for answer in answers]
    several = [i for i, row in enumerate(log_probs) if row and len(row) > 1]
    single = [i for i, row in enumerate(log_probs) if row and len(row) == 1]
    texts = [
        i
        for i, (line, answer) in enumerate(zip(lines, answers, strict=True))
        if answer and isinstance(answer[0], str) and _text(line.target)
    ]
    computed: dict[str, np.ndarray] = {}
    if several:
        chosen = [lines[i] for i in several], [log_probs[i] for i in several]
        acc = values["acc"][several] if "acc" in values else None
        computed |= _scattered(_of_choices(*chosen, acc), several, len(lines))
    if single:  # the log-likelihood of the one right answer
        target = np.array([log_probs[i][0] for i in single])
        found = {"target probability": np.exp(target), "negative log-likelihood": -target}
        computed |= _scattered(found, single, len(lines))
    if texts:
        pairs = [answers[i][0] for i in texts], [_text(lines[i].target) for i in texts]
        computed |= _scattered(item_metrics.of_texts(*pairs), texts, len(lines))
    guess = np.full(len(lines), np.nan)
    guess[several] = [1 / len(log_probs[i]) for i in several]
    return computed | values | {_GUESS: guess}


def _scattered(values: dict[str, np.ndarray], where: list[int], n: int) -> dict[str, np.ndarray]:
    """Values of some items in the place of all; NaN for the others."""
    whole = {name: np.full(n, np.nan) for name in values}
    for name, column in values.items():
        whole[name][where] = column
    return whole


def _text(target: object) -> str | list[str] | None:
    """A target of one text or of several; None of anything else."""
    if isinstance(target, str) or (isinstance(target, int) and not isinstance(target, bool)):
        return str(target)
    several = isinstance(target, list) and target and all(isinstance(t, str) for t in target)
    return target if several else None


def _logged(value: object) -> float:
    if isinstance(value, bool):
        return float(value)
    found = number(value)
    return np.nan if found is None else found


def _answers(line: Any) -> list[Any]:
    """The answers of an item: what the filter left, or what came out of it first."""
    for answers in (line.filtered_resps, line.resps):
        if isinstance(answers, list) and answers:
            # resps are nested once more: one list for each request
            return [a[0] if isinstance(a, list) and len(a) == 1 else a for a in answers]
    return []


def _log_probs(answers: list[Any]) -> list[float] | None:
    """The log-likelihoods of the choices, each a pair with whether it is the greedy answer.

    A choice of probability 0 is one still: −inf would mean that there is none.
    """
    if not all(isinstance(answer, list) and len(answer) == 2 for answer in answers):
        return None  # generated text, such as "42", which float would take apart
    try:
        found = [float(value) for value, _ in answers if type(value) is not bool]
    except (TypeError, ValueError):
        return None
    usable = len(found) == len(answers) and all(x < np.inf for x in found)  # no NaN either
    return [max(x, _LOWEST) for x in found] if usable else None


def _of_choices(
    lines: list[Any], log_probs: list[list[float]], acc: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Grade the choices; the target is an index or a text, whichever agrees with the logged acc."""
    options = []
    for read in (_by_index, _by_text):
        target = np.array([read(line, row) for line, row in zip(lines, log_probs, strict=True)])
        where = np.flatnonzero(target >= 0).tolist()
        if where:
            found = item_metrics.of_choices([log_probs[i] for i in where], target[where])
            options.append(_scattered(found, where, len(lines)))
    if not options:
        return {}
    grades = [option["multiple choice grade"] for option in options]
    if acc is None:
        return options[int(np.argmin([np.isnan(grade).sum() for grade in grades]))]
    wrong = [np.where(np.isnan(grade), 1, abs(grade - acc)) for grade in grades]
    return options[int(np.argmin([np.nansum(one) for one in wrong]))]


def _by_index(line: Any, row: list[float]) -> int:
    """The index that the target states, or −1."""
    text = str(line.target)
    return int(text) if text.isdecimal() and int(text) < len(row) else -1


def _by_text(line: Any, row: list[float]) -> int:
    """The index of the choice whose text is the target, or −1."""
    texts = _choices(line.arguments)[: len(row)]
    wanted = str(line.target).strip()
    return texts.index(wanted) if wanted in texts else -1


def _choices(arguments: object) -> list[str]:
    """The text of each choice: the second argument of each request."""
    if isinstance(arguments, dict):
        requests = [list(one.values()) for one in arguments.values() if isinstance(one, dict)]
    else:
        requests = arguments if isinstance(arguments, list) else []
    return [str(one[1]).strip() for one in requests if isinstance(one, list) and len(one) > 1]


def _items(
    lines: list[Any], values: dict[str, np.ndarray], common: dict[str, Any], name: str
) -> Items:
    columns = {"item": np.array([item_number(line.doc_id) for line in lines], np.int64)}
    texts = [_text(line.target) for line in lines]
    columns["target_length"] = pl.Series(
        [len(t) if isinstance(t, str) else None for t in texts], dtype=pl.Int64
    )
    # Single precision: five million items with ten metrics stay within memory.
    columns |= {key: column.astype(np.float32) for key, column in values.items()}
    return Items(common | {"filter": name}, pl.DataFrame(columns).fill_nan(None))


def _results(path: Path) -> tuple[str, dict[str, Any], lm_eval._File] | None:
    try:
        source = Source(path)
        file = _decoded(source.content)
        return (*lm_eval._run(file, source), file)
    except (BadFile, OSError):
        return None


@lru_cache(maxsize=4)
def _decoded(content: bytes) -> lm_eval._File:
    """One result file serves the items of all its tasks; known by its content, as it may change."""
    return decode(lm_eval._DECODER, content)


def _common(source: Source) -> tuple[dict[str, Any], dict[str, float]]:
    """Model, task and protocol, and the scores that the result file has."""
    stem = source.path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json")
    named = _NAME.match(stem)
    task, stamp = named.groups() if named else (stem, None)
    beside = sorted(source.path.parent.glob(f"results_{stamp}.json" if stamp else "results*.json"))
    found = _results(beside[0]) if len(beside) == 1 else None
    if found is None:
        folder = source.path.parent.name.replace("__", "/")
        return {"model": folder, "task": task, "date": source.date}, {}
    model, run, file = found
    about = lm_eval._of_task(file, task)
    about.pop("n_items"), about.pop("is_group")
    values = file.results.get(task) or {}
    logged = {key: y for key, value in values.items() if (y := number(value)) is not None}
    return {"model": model, "task": task} | run | about, logged


def _scores(
    rows: list[dict[str, Any]],
    metrics: list[str],
    name: str,
    common: dict[str, Any],
    logged: dict[str, float],
    notes: list[str],
) -> list[dict[str, Any]]:
    """Rows that the result file does not have; a difference from those that it has is noted."""
    kept = []
    suffix = "" if name == "none" else f" ({name})"
    means = {row["metric"]: row["score"] for row in rows}
    for row in rows:
        metric, score = row["metric"], row["score"]
        if metric in metrics:
            stated = logged.get(f"{metric},{name}", logged.get(metric))
            if stated is None:
                kept.append(common | row | {"metric": metric + suffix})
            elif score is not None and abs(score - stated) > 1e-6 * max(1, abs(stated)):
                notes.append(
                    f"{metric}{suffix}: {score:.6g} over the items, {stated:.6g} in the results"
                )
            continue
        twin = next((m for m in metrics if item_metrics.same_metric(m, metric)), None)
        if twin is None:
            kept.append(common | row | {"metric": metric + suffix, "recomputed": True})
        elif abs((score or 0) - (means[twin] or 0)) > 1e-9:
            notes.append(
                f"{metric}{suffix}: {score:.6g} computed from the saved answers, {twin} is logged "
                f"as {means[twin]:.6g}"
            )
    return kept
