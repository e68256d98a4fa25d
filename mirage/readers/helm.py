"""Run folders of HELM: ``run_spec.json``, ``stats.json`` and ``per_instance_stats.json``.

A run is one model on one scenario. Of the statistics those are read that
`mirage.metrics.catalogue` lists, of unperturbed items; the others count tokens, seconds and bytes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mirage.metrics import catalogue
from mirage.readers import item_metrics
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

NAME = "HELM"
EXPECTED = "stats.json beside run_spec.json"
OPTIONS = ("outcomes",)
_SPLITS = ("test", "valid")
# Of one run: read together with stats.json, or not needed.
_PARTS = ({"adapter_spec", "request_states"}, {"adapter_spec", "scenario_spec", "metric_specs"})


class _Name(msgspec.Struct):
    name: str
    split: str | None = None
    perturbation: Any = None
    sub_split: Any = None


class _Stat(msgspec.Struct):
    name: _Name
    count: int = 0
    mean: float | None = None


class _Instance(msgspec.Struct):
    instance_id: str
    stats: list[_Stat]
    train_trial_index: int = 0
    perturbation: Any = None


_STATS = msgspec.json.Decoder(list[_Stat])
_INSTANCES = msgspec.json.Decoder(list[_Instance])
_SPEC = msgspec.json.Decoder(dict[str, Any])


def matches(source: Source) -> bool:
    """Whether this is a file of a run folder of HELM."""
    keys = source.keys
    if keys is None:
        return False
    if keys:
        scenario = source.path.name == "scenario.json" and "definition_path" in keys
        return scenario or any(part <= keys for part in _PARTS)
    head = source.head.lstrip()
    is_stats = re.match(rb'\[\s*\{\s*"name":\s*\{\s*"name":', head)
    return bool(is_stats or re.match(rb'\[\s*\{\s*"instance_id":', head))


def read_file(source: Source, outcomes: bool) -> Found:
    """Read a run at its ``stats.json``; the other files of the folder have nothing of their own."""
    if source.keys or b'"instance_id"' in source.head[:200]:
        if not (source.path.parent / "stats.json").exists():
            raise BadFile("found a part of a HELM run, expected stats.json beside it")
        return Found()
    folder = source.path.parent
    spec = _json(folder / "run_spec.json", _SPEC)
    if spec is None:
        raise BadFile(
            "found statistics of HELM, expected run_spec.json beside it: no model is named"
        )
    common = _common(spec)
    found = Found()
    instances = _json(folder / "per_instance_stats.json", _INSTANCES)
    stats = decode(_STATS, source.content)
    split = _split(stats)
    found.scores += _scores([s for s in stats if _wanted(s, split)], common, instances or [])
    if outcomes and instances:
        found.outcomes += _outcomes(instances, common, folder, split)
        found.scores += item_metrics.recomputed(found.outcomes)
    if not found.scores:
        raise BadFile("found no statistic that is a known metric")
    return found


def _json(path: Path, decoder: msgspec.json.Decoder) -> Any:
    if not path.exists():
        return None
    try:
        return decode(decoder, path.read_bytes())
    except BadFile as error:
        raise BadFile(f"{path.name}: {error}") from error


def _common(spec: dict[str, Any]) -> dict[str, Any]:
    """The model, the scenario and the protocol of a run."""
    adapter = spec.get("adapter_spec") or {}
    label = str(spec.get("name") or "")
    scenario, _, arguments = label.partition(":") if ":" in label else label.partition(",")
    parts = [part for part in arguments.split(",") if part and not part.startswith("model=")]
    if "-model=" in label and not arguments:
        scenario = label.partition("-model=")[0]
    model = adapter.get("model")
    if not isinstance(model, str):
        raise BadFile("found no model in adapter_spec of run_spec.json")
    keys = ("temperature", "max_tokens", "stop_sequences", "num_outputs")
    template = ("method", "instructions", "input_prefix", "output_prefix", "reference_prefix")
    shots = adapter.get("max_train_instances")
    limit = adapter.get("max_eval_instances")
    return {
        "model": model,
        "task": ":".join([scenario, ",".join(parts)]) if parts else scenario,
        "shots": shots if isinstance(shots, int) else None,
        "limit": "none" if limit is None else str(limit),
        "generation": text_of({key: adapter[key] for key in keys if key in adapter}),
        "prompt_template": digest({key: adapter[key] for key in template if key in adapter}),
        "quantisation": None,
    }


def _split(stats: list[_Stat]) -> str | None:
    """The split that is reported: test where there is one, else valid."""
    return next((split for split in _SPLITS if any(_wanted(s, split) for s in stats)), None)


def _wanted(stat: _Stat, split: str | None) -> bool:
    name = stat.name
    return (
        name.split == split
        and not name.perturbation
        and not name.sub_split
        and catalogue.find(name.name) is not None
    )


def _scores(
    stats: list[_Stat], common: dict[str, Any], instances: list[_Instance]
) -> list[dict[str, Any]]:
    rows = []
    for stat in stats:
        # Trials with other examples in the prompt repeat the same items.
        items = {
            instance.instance_id
            for instance in instances
            if not instance.perturbation
            and any(
                one.name.name == stat.name.name and one.name.split == stat.name.split
                for one in instance.stats
            )
        }
        row = {"metric": stat.name.name, "score": number(stat.mean), "n_items": len(items) or None}
        if stat.count > 0:
            rows.append(common | row)
    return rows


def _outcomes(
    instances: list[_Instance], common: dict[str, Any], folder: Path, split: str | None
) -> list[Items]:
    """Items of a run, with metrics of the text where the model wrote one."""
    rows = [
        {"item": item_number(instance.instance_id), "seed": instance.train_trial_index}
        | {stat.name.name: number(stat.mean) for stat in instance.stats if _wanted(stat, split)}
        for instance in instances
        if not instance.perturbation and any(_wanted(stat, split) for stat in instance.stats)
    ]
    if not rows:
        return []
    table = pl.DataFrame(rows, infer_schema_length=None)
    answers = _answers(folder)
    if answers:
        keys = list(answers)
        computed = item_metrics.of_texts(*map(list, zip(*answers.values(), strict=True)))
        texts = pl.DataFrame(keys, schema=["item", "seed"], orient="row").with_columns(
            pl.Series(name, column) for name, column in computed.items() if name not in rows[0]
        )
        table = table.join(texts, on=["item", "seed"], how="left", maintain_order="left")
    return [Items(common, table)]


def _answers(folder: Path) -> dict[tuple[int, int], tuple[str, list[str]]]:
    """By item and trial: what the model wrote, and the right texts; of generation alone."""
    state = mapping(_json(folder / "scenario_state.json", _SPEC))
    if mapping(state.get("adapter_spec")).get("method") != "generation":
        return {}
    answers = {}
    for request in mappings(state.get("request_states")):
        instance = mapping(request.get("instance"))
        completions = mappings(mapping(request.get("result")).get("completions"))
        right = [
            mapping(reference.get("output")).get("text")
            for reference in mappings(instance.get("references"))
            if "correct" in (reference.get("tags") or ())
        ]
        right = [text for text in right if isinstance(text, str) and text.strip()]
        name, written = instance.get("id"), completions and completions[0].get("text")
        usable = (
            isinstance(name, str) and isinstance(written, str) and not instance.get("perturbation")
        )
        if right and usable:
            trial = request.get("train_trial_index")
            answers[item_number(name), trial if isinstance(trial, int) else 0] = (written, right)
    return answers
