"""Result files of lighteval: ``results_*.json`` with ``config_general``.

A task is named ``suite|task|shots``, or ``suite|task|shots|0``. ``all`` and ``…:_average`` are
averages over the other tasks of the file and are left out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mirage.readers.files import BadFile, decode
from mirage.readers.found import Found, Source, digest, number, text_of

NAME = "lighteval"
EXPECTED = "a JSON object with 'config_general' and 'results'"


class _File(msgspec.Struct):
    config_general: dict[str, Any]
    results: dict[str, dict[str, Any]]
    versions: dict[str, Any] = {}
    config_tasks: dict[str, Any] = {}


_DECODER = msgspec.json.Decoder(_File)


def matches(source: Source) -> bool:
    """Whether this is a result file of lighteval."""
    return {"config_general", "results"} <= (source.keys or frozenset())


def read_file(source: Source) -> Found:
    """Read one result file."""
    file = decode(_DECODER, source.content)
    general = file.config_general
    config = general.get("model_config")
    config = config if isinstance(config, dict) else {}
    model = general.get("model_name") or config.get("model_name")
    if not isinstance(model, str):
        raise BadFile("found no model_name in config_general")
    limit = general.get("max_samples")
    run = {
        "model": model,
        "date": number(general.get("end_time_utc")) or source.date,
        "revision": text_of(config.get("revision")) or text_of(general.get("model_sha")),
        "limit": ("none" if limit is None else str(limit)) if "max_samples" in general else None,
        "generation": text_of(
            config.get("generation_parameters") or general.get("generation_parameters")
        ),
        "system_prompt": digest(config.get("system_prompt") or general.get("system_prompt")),
    }
    found = Found()
    for label, values in file.results.items():
        task, shots = _task(label)
        if task == "all" or task.endswith((":_average", "|_average")):
            continue
        about = {"task": task, "shots": shots, "task_version": text_of(file.versions.get(label))}
        settings = file.config_tasks.get(label) or file.config_tasks.get(label.rsplit("|", 1)[0])
        if isinstance(settings, dict):
            n = settings.get("effective_num_docs")
            about["n_items"] = n if isinstance(n, int) and n > 0 else None
        for metric, value in values.items():
            if not metric.endswith("_stderr") and not isinstance(value, bool | dict | list):
                row = {"metric": metric, "score": number(value)}
                row["stderr"] = number(values.get(f"{metric}_stderr"))
                found.scores.append(run | about | row)
    if not found.scores:
        raise BadFile("found no metric of any task")
    return found


def _task(label: str) -> tuple[str, int | None]:
    """Task and shots of "suite|task|shots" or "suite|task|shots|truncated"."""
    parts = label.split("|")
    if len(parts) >= 3 and parts[2].isdigit():
        return parts[1], int(parts[2])
    if len(parts) == 2 and parts[1].isdigit():
        return parts[0], int(parts[1])
    return label, None
