"""Records of Every Eval Ever (evaleval): one model per JSON file, any number of results.

``metric_config`` states the direction, which goes before the catalogue's. Its metric's name is the
first of ``metric_name``, ``metric_id`` and ``evaluation_description`` that is stated. Scores of a
metric that is at most 1 (`mirage.metrics.catalogue`) are divided by the ``max_score`` stated.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mirage.metrics import catalogue
from mirage.readers.cells import flag
from mirage.readers.files import BadFile, decode
from mirage.readers.found import Found, Source, mapping, number, text_of

NAME = "Every Eval Ever"
EXPECTED = "a JSON object with 'model_info' and 'evaluation_results'"


class _File(msgspec.Struct):
    model_info: dict[str, Any]
    evaluation_results: list[dict[str, Any]]
    evaluation_timestamp: Any = None
    retrieved_timestamp: Any = None


_DECODER = msgspec.json.Decoder(_File)


def matches(source: Source) -> bool:
    """Whether this is a record of Every Eval Ever."""
    return {"model_info", "evaluation_results"} <= (source.keys or frozenset())


def read_file(source: Source) -> Found:
    """Read one record."""
    file = decode(_DECODER, source.content)
    model = file.model_info.get("id") or file.model_info.get("name")
    if not isinstance(model, str):
        raise BadFile("found no name in model_info")
    date = number(file.evaluation_timestamp) or number(file.retrieved_timestamp)
    found = Found()
    for result in file.evaluation_results:
        config = mapping(result.get("metric_config"))
        details = mapping(result.get("score_details"))
        data = mapping(result.get("source_data"))
        generation = mapping(result.get("generation_config"))
        uncertainty = mapping(details.get("uncertainty"))
        name = str(result.get("evaluation_name") or "")
        metric = next(
            (
                config[key]
                for key in ("metric_name", "metric_id", "evaluation_description")
                if config.get(key)
            ),
            "score",
        )
        unit = _unit(str(metric), config)
        lower = flag(config.get("lower_is_better"))
        n = uncertainty.get("num_samples") or data.get("samples_number")
        ids = data.get("sample_ids")
        n = len(ids) if isinstance(ids, list) and ids else n
        found.scores.append(
            {
                "model": model,
                "date": date,
                "task": str(data.get("dataset_name") or name or "unnamed"),
                "metric": str(metric),
                "score": _share(details.get("score"), unit),
                "stderr": _share(mapping(uncertainty.get("standard_error")).get("value"), unit),
                "n_items": n if isinstance(n, int) and n > 0 else None,
                "higher_is_better": None if lower is None else not lower,
                "generation": text_of(generation.get("generation_args")),
            }
        )
    if not found.scores:
        raise BadFile("found no evaluation_results")
    return found


def _unit(metric: str, config: dict[str, Any]) -> float:
    """The score that stands for 1: 100 of percentages, if the record states this scale."""
    known = catalogue.find(metric)
    low, high = number(config.get("min_score")) or 0.0, number(config.get("max_score"))
    if known is None or known.bounds[1] != 1 or high is None or high <= 1:
        return 1.0
    return high if low / high == known.bounds[0] else 1.0


def _share(value: object, unit: float) -> float | None:
    found = number(value)
    # 38.71 / 100 is .3871000000000001
    return found if found is None or unit == 1 else round(found / unit, 12)
