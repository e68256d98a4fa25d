"""Result files of lm-evaluation-harness, every format from 0.3 on, as ``--output_path`` writes.

Know before use:

- ``n_params`` is what the file states, else the model's nominal size, read off its name;
- metrics are the harness's: ``acc``, ``acc_norm``, ``ppl``, …; ``higher_is_better`` is what the
  file states, else what `mirage.metrics.catalogue` knows, else null;
- the old format does not state the number of items. It follows from a share a and its standard
  error s, n = a(1 − a)/s² + 1, and is null where a is 0 or 1, or no share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mirage.readers.files import BadFile, ResultFiles, decode
from mirage.readers.found import Found, Source, digest, number, text_of

NAME = "lm-evaluation-harness"
EXPECTED = "a JSON object with 'results': {task: {metric: number}}"
# Each run has them all; one that differs between runs of a model makes trials of them.
SEEDS = ("fewshot_seed", "random_seed", "numpy_seed")
_COUNTERS = {"alias", "name", "sample_len", "sample_count", "task", "version", ""}


class _File(msgspec.Struct):
    results: dict[str, dict[str, Any]]
    config: dict[str, Any] = {}
    configs: dict[str, Any] = {}
    versions: dict[str, Any] = {}
    model_name: str | None = None
    n_shot: dict[str, Any] = msgspec.field(default_factory=dict, name="n-shot")
    n_samples: dict[str, Any] = msgspec.field(default_factory=dict, name="n-samples")
    group_subtasks: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    higher_is_better: dict[str, Any] = {}
    date: Any = None
    chat_template: Any = None
    chat_template_sha: Any = None
    system_instruction: Any = None
    system_instruction_sha: Any = None


_DECODER = msgspec.json.Decoder(_File)


def matches(source: Source) -> bool:
    """Whether this is a result file of the harness (lighteval's has ``config_general``)."""
    keys = source.keys or ()
    return "results" in keys and not {"config_general", "eval", "evaluation_results"} & set(keys)


def read_file(source: Source) -> Found:
    """Read one result file."""
    file = decode(_DECODER, source.content)
    model, run = _run(file, source)
    found = Found()
    for task, values in file.results.items():
        common = {"model": model, "task": task} | run | _of_task(file, task)
        for key, value in values.items():
            if _is_metric(key, value, values):
                metric, _, filter_ = key.partition(",")
                suffix = f",{filter_}" if filter_ else ""
                # A standard error that is missing is [], "N/A" or None.
                stderr = number(values.get(f"{metric}_stderr{suffix}") or None)
                if values.get(f"{metric}_stderr{suffix}") == 0:
                    stderr = 0.0
                found.scores.append(
                    common
                    | {
                        "metric": metric + (f" ({filter_})" if filter_ not in ("", "none") else ""),
                        "score": number(value),
                        "stderr": stderr,
                        "higher_is_better": _direction(file, task, metric),
                    }
                )
    if not found.scores:
        raise BadFile("found no metric of any task")
    return found


def _is_metric(key: str, value: object, values: Mapping[str, Any]) -> bool:
    """Whether an entry of a task is a metric: numbers, and what stands where a number should.

    Since 0.4 a metric's key is "metric,filter"; a counter has none beside keys that do.
    """
    metric, comma, _ = key.partition(",")
    if metric.strip() in _COUNTERS or metric.endswith("_stderr") or isinstance(value, bool | dict):
        return False
    if not comma and any("," in other for other in values):
        return False
    return not isinstance(value, list)


def _run(file: _File, source: Source) -> tuple[str, dict[str, Any]]:
    """The model's name, and what holds for the whole file."""
    config = file.config
    arguments = config.get("model_args") or ""
    if isinstance(arguments, dict):
        arguments = ",".join(f"{key}={value}" for key, value in arguments.items())
    args = dict(re.findall(r"(\w+)=([^,]*)", str(arguments)))
    model = file.model_name or args.get("pretrained") or args.get("model") or args.get("engine")
    run = {"date": number(file.date) or source.date}
    seeds = map(config.get, SEEDS)
    run["_seeds"] = tuple(n if isinstance(n, int) and abs(n) < 2**63 else None for n in seeds)
    size = config.get("model_num_parameters")
    if isinstance(size, int) and size > 0:
        run["n_params"] = size
    revision = args.get("revision") or config.get("model_revision")
    run["revision"] = text_of(revision)
    bits = [b for b in ("4bit", "8bit") if args.get(f"load_in_{b}", "").lower() == "true"]
    if bits or args.get("quantized") or args.get("gptq"):
        run["quantisation"] = bits[0] if bits else "gptq"
    if "limit" in config:
        run["limit"] = "none" if config["limit"] is None else str(config["limit"])
    run["chat_template"] = digest(file.chat_template_sha or file.chat_template)
    run["system_prompt"] = digest(file.system_instruction_sha or file.system_instruction)
    if not run["system_prompt"] and config.get("system_instruction"):
        run["system_prompt"] = digest(config["system_instruction"])
    return model or source.path.stem, run


def _of_task(file: _File, task: str) -> dict[str, Any]:
    """The protocol of a task, its number of items and its chance level."""
    settings = file.configs.get(task)
    settings = settings if isinstance(settings, dict) else {}
    shots = file.n_shot.get(task, file.config.get("num_fewshot"))
    n = file.n_samples.get(task)
    n = n.get("effective") if isinstance(n, dict) else n
    parts = file.group_subtasks.get(task)
    is_group = (bool(parts) and parts != [task]) or task in file.groups
    generation = text_of(file.config.get("gen_kwargs")) or text_of(
        settings.get("generation_kwargs")
    )
    template = [settings.get(key) for key in ("description", "doc_to_text", "target_delimiter")]
    choices = settings.get("doc_to_choice")
    several = isinstance(choices, list) and settings.get("output_type") == "multiple_choice"
    return {
        "shots": shots if isinstance(shots, int) and not isinstance(shots, bool) else None,
        "n_items": n if isinstance(n, int) and n > 0 and not is_group else None,
        "is_group": is_group,
        "task_version": text_of(file.versions.get(task)),
        "generation": generation,
        "prompt_template": digest(*template) if settings.get("doc_to_text") else None,
        "chance": 1 / len(choices) if several and len(choices) > 1 else None,
    }


def _direction(file: _File, task: str, metric: str) -> bool | None:
    stated = file.higher_is_better.get(task)
    found = stated.get(metric) if isinstance(stated, dict) else None
    return found if isinstance(found, bool) else None


def read(
    paths: Iterable[str | Path],
    n_params: Mapping[str, int] | None = None,
    strict: bool = False,
) -> ResultFiles:
    """Read result files of lm-evaluation-harness into one score table.

    Parameters
    ----------
    paths : iterable of path
        Files, or folders, in which every ``*.json`` counts.
    n_params : mapping of str to int, optional
        Parameters by model name, for models whose name and file do not tell.
    strict : bool
        Make a bad file an error.

    Returns
    -------
    ResultFiles
        ``scores`` as of `mirage.readers.logs.read`, without rows that have no number.

    Raises
    ------
    DataError
        Where no file can be read, or with ``strict`` where one cannot.

    Examples
    --------
    >>> import json, tempfile
    >>> old = {"results": {"piqa": {"acc": 0.6, "acc_stderr": 0.0492}},
    ...        "config": {"model_args": "pretrained=EleutherAI/pythia-70m", "num_fewshot": 0}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n = Path(folder, "pythia.json").write_text(json.dumps(old))
    ...     table = read([folder]).scores
    >>> table.select("family", "n_params", "score", "n_items").row(0)
    ('Pythia', 70000000, 0.6, 100)
    """
    from mirage.readers import logs

    found = logs.read(paths, n_params=n_params, strict=strict, formats=("lm_eval",))
    blank = found.scores["score"].null_count()
    scores = found.scores.drop_nulls("score")
    return ResultFiles(scores, found.faults, found.n_files, blank)
