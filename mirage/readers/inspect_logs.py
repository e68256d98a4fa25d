"""Logs of Inspect: ``.eval`` (a zip archive of JSON) and ``.json``.

Read with zipfile and msgspec instead of Inspect's own reader: that brings 60 packages, and checks
every message of every sample, of which nothing is needed here. What is read has had these names
since the first release of the format. Its archives
are compressed with Zstandard, which Python reads from 3.14 on, and before with the extra [logs].

A sample's score is a number, true or false, or a letter: C is 1, P is ½, I and N are 0.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from mirage.metrics import catalogue
from mirage.readers import item_metrics, unpack
from mirage.readers.files import BadFile, decode
from mirage.readers.found import (
    Found,
    Items,
    Source,
    digest,
    item_number,
    mapping,
    mappings,
    number,
    text_of,
)

NAME = "Inspect"
EXPECTED = "an .eval archive with header.json, or a JSON object with 'eval' and 'results'"
OPTIONS = ("outcomes",)
_SPREADS = ("stderr", "std", "var", "bootstrap_stderr")
# How requests are sent, which changes no answer.
_NO_SETTINGS = {"max_connections", "max_retries", "timeout", "attempt_timeout", "batch", "cache"}
_LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}


class _Eval(msgspec.Struct):
    task: str
    model: str
    created: str | None = None
    task_version: Any = None
    task_args: dict[str, Any] = {}
    model_args: dict[str, Any] = {}
    model_generate_config: dict[str, Any] = {}
    config: dict[str, Any] = {}
    dataset: dict[str, Any] = {}


class _Sample(msgspec.Struct):
    id: int | str
    epoch: int = 1
    target: Any = None
    choices: list[str] | None = None
    output: dict[str, Any] = {}
    scores: dict[str, Any] | None = None
    score: dict[str, Any] | None = None
    error: Any = None


class _Log(msgspec.Struct):
    eval: _Eval
    status: str = "success"
    plan: dict[str, Any] = {}
    results: dict[str, Any] | None = None
    samples: list[_Sample] | None = None


_DECODER = msgspec.json.Decoder(_Log)
_SAMPLE = msgspec.json.Decoder(_Sample)


def matches(source: Source) -> bool:
    """Whether this is a log of Inspect."""
    if source.head[:4] == b"PK\x03\x04":
        return "header.json" in unpack.names_of(source.path)
    keys = source.keys or frozenset()
    return {"eval", "status"} <= keys or {"eval", "results"} <= keys


def read_file(source: Source, outcomes: bool) -> Found:
    """Read one log."""
    log = _archive(source, outcomes) if source.head[:2] == b"PK" else _decode(source.content)
    if log.status != "success":
        raise BadFile(f"the evaluation ended with the status {log.status!r}, expected 'success'")
    common = _common(log) | {"chance": _chance(log.samples)}
    found = Found()
    found.scores += _scores(log, common)
    if outcomes and log.samples:
        found.outcomes.append(_outcomes(log, common))
        _add_recomputed(found)
    if not found.scores:
        raise BadFile("found no score in 'results'")
    return found


def _add_recomputed(found: Found) -> None:
    """Add metrics of the answers' texts that the log does not have; note where it differs."""
    logged = list(found.scores)
    for row in item_metrics.recomputed(found.outcomes):
        twin = next(
            (r for r in logged if item_metrics.same_metric(r["metric"], row["metric"])), None
        )
        if twin is None:
            found.scores.append(row)
        elif abs((twin["score"] or 0) - row["score"]) > 1e-9:
            found.notes.append(
                f"{row['metric']}: {row['score']:.6g} computed from the saved answers, the log has "
                f"{twin['score']}"
            )


def _decode(content: bytes) -> _Log:
    return decode(_DECODER, content)


def _archive(source: Source, outcomes: bool) -> _Log:
    with unpack.archive_of(source.path) as archive:
        log = _decode(archive.read("header.json"))
        if outcomes:
            names = [name for name in archive.names if name.startswith("samples/")]
            log.samples = [decode(_SAMPLE, archive.read(name)) for name in names]
        return log


def _common(log: _Log) -> dict[str, Any]:
    """What holds for the whole log: the model and its protocol."""
    about = log.eval
    steps = mappings(log.plan.get("steps"))
    prompts = [
        mapping(step.get("params")).get("template")
        for step in steps
        if "system" in str(step.get("solver"))
    ]
    generation = mapping(log.plan.get("config")) | about.model_generate_config
    generation |= {k: about.model_args[k] for k in ("do_sample",) if k in about.model_args}
    generation = {key: value for key, value in generation.items() if key not in _NO_SETTINGS}
    system = generation.pop("system_message", None)
    limit = about.config.get("limit")
    shots = next(
        (
            about.task_args[k]
            for k in ("fewshot", "num_fewshot", "n_shots", "shots")
            if isinstance(about.task_args.get(k), int)
        ),
        None,
    )
    solvers = [step.get("solver") for step in steps]
    return {
        "model": about.model,
        "task": about.task.rsplit("/", 1)[-1],
        "date": _seconds(about.created),
        "task_version": text_of(about.task_version),
        "generation": text_of(generation),
        "system_prompt": digest(system, prompts) if system or any(prompts) else "none",
        "prompt_template": text_of([name for name in solvers if name]),
        "limit": "none" if limit is None else text_of(limit),
        "shots": shots if not isinstance(shots, bool) else None,
        "revision": text_of(about.model_args.get("revision")),
    }


def _chance(samples: list[_Sample] | None) -> float | None:
    """The mean score of a uniform guess, where every sample has choices."""
    if not samples or not all(sample.choices for sample in samples):
        return None
    return sum(1 / len(sample.choices) for sample in samples) / len(samples)


def _seconds(created: str | None) -> float | None:
    try:
        return datetime.fromisoformat(created).timestamp() if created else None
    except ValueError:
        return None


def _scores(log: _Log, common: dict[str, Any]) -> list[dict[str, Any]]:
    results = log.results or {}
    scores = mappings(results.get("scores"))
    epochs = log.eval.config.get("epochs") or 1
    rows = []
    for score in scores:
        metrics = mapping(score.get("metrics"))
        names = [name for name in metrics if name not in _SPREADS]
        n = score.get("scored_samples")
        n = n if isinstance(n, int) else results.get("completed_samples")
        # Epochs repeat the same items: their mean is no share of n items.
        n = n if isinstance(n, int) and n > 0 and epochs == 1 else None
        error = mapping(metrics.get("stderr") or metrics.get("bootstrap_stderr"))
        scorer = score.get("name") or score.get("scorer")
        for name in names:
            metric = name.rsplit("/", 1)[-1]
            if metric == "mean" and scorer:  # of what the scorer measures
                known = catalogue.find(scorer)
                metric = known.name if known else scorer
            elif len(scores) > 1:
                metric += f" ({scorer})"
            value = metrics[name]
            row = {"metric": metric, "n_items": n}
            row["score"] = number(value.get("value") if isinstance(value, dict) else value)
            row["stderr"] = number(error.get("value")) if len(names) == 1 else None
            rows.append(common | row)
    return rows


def _outcomes(log: _Log, common: dict[str, Any]) -> Items:
    """A row per sample and epoch: a column per scorer, and metrics of the answer's text."""
    rows, answers, targets = [], [], []
    for sample in log.samples or []:
        scores = sample.scores or ({"score": sample.score} if sample.score else {})
        values = {name: _value(score) for name, score in scores.items()}
        row = {"item": item_number(sample.id), "seed": item_number(sample.epoch)}
        rows.append(row | {name: y for name, y in values.items() if y is not None})
        given = [s.get("answer") for s in scores.values() if isinstance(s, dict)]
        answer = next((a for a in given if isinstance(a, str)), sample.output.get("completion"))
        answers.append(answer if isinstance(answer, str) and not sample.error else None)
        targets.append(sample.target if isinstance(sample.target, str) else None)
    table = pl.DataFrame(rows, infer_schema_length=None, strict=False)
    table = table.with_columns(
        target_length=pl.Series([len(t) if t else None for t in targets], dtype=pl.Int64)
    )
    letters = any(sample.choices for sample in log.samples or [])  # the text of a choice is none
    if not letters and all(targets) and all(a is not None for a in answers):
        computed = item_metrics.of_texts(answers, targets)
        names = [name for name in computed if name not in table.columns]
        table = table.with_columns(pl.Series(name, computed[name]) for name in names)
    return Items(common, table)


def _value(score: object) -> float | None:
    value = score.get("value") if isinstance(score, dict) else score
    if isinstance(value, bool):
        return float(value)
    return _LETTERS.get(value) if isinstance(value, str) and value in _LETTERS else number(value)
