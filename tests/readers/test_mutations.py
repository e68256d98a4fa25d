"""Damaged logs: whatever stands where, a file is read or named, and the others are read.

MIRAGE_FUZZ is the number of damaged logs; CI tries few of them.
"""

import copy
import json
import os
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from mirage.readers import read

GOOD = {"model": "quill-410m", "task": "sums", "metric": "accuracy", "score": 0.5}
LOGS = [
    {
        "results": {"t": {"acc,none": 0.25, "acc_stderr,none": 0.03, "alias": "t"}},
        "config": {"model_args": "pretrained=acme/quill-70m", "limit": None, "gen_kwargs": {}},
        "configs": {"t": {"doc_to_choice": ["A", "B"], "output_type": "multiple_choice"}},
        "versions": {"t": 1.0},
        "n-shot": {"t": 0},
        "n-samples": {"t": {"original": 200, "effective": 200}},
        "higher_is_better": {"t": {"acc": True}},
        "group_subtasks": {"t": []},
        "model_name": "acme/quill-70m",
        "date": 1.0,
    },
    {
        "results": {"t": {"acc": 0.6, "acc_stderr": 0.05}},
        "config": {"num_fewshot": 0},
        "model_name": "quill-70m",
    },
    {
        "config_general": {"model_name": "quill-70m", "model_config": {"revision": "a"}},
        "results": {"lighteval|t|5": {"acc": 0.3, "acc_stderr": 0.04}},
        "config_tasks": {"lighteval|t": {"effective_num_docs": 9}},
        "versions": {"lighteval|t|5": 0},
    },
    {
        "status": "success",
        "eval": {
            "task": "t",
            "model": "quill-70m",
            "config": {"limit": 4},
            "task_args": {"shots": 1},
        },
        "plan": {"steps": [{"solver": "system_message", "params": {"template": "Be good."}}]},
        "results": {
            "completed_samples": 2,
            "scores": [
                {"name": "match", "metrics": {"accuracy": {"value": 0.5}, "stderr": {"value": 0.1}}}
            ],
        },
        "samples": [
            {
                "id": 1,
                "epoch": 1,
                "target": "A",
                "output": {"completion": "A"},
                "scores": {"match": {"value": "C", "answer": "A"}},
            }
        ],
    },
    {
        "model_info": {"name": "quill-70m"},
        "evaluation_results": [
            {
                "evaluation_name": "t",
                "source_data": {"dataset_name": "t", "sample_ids": [1]},
                "metric_config": {"evaluation_description": "accuracy", "lower_is_better": False},
                "score_details": {"score": 0.5, "uncertainty": {"standard_error": {"value": 0.1}}},
            }
        ],
    },
    {
        "scores": [
            {
                "score_dict": {"bleu": 3.0},
                "number_of_shots": 0,
                "preferred_score": "bleu",
                "low_score": 0,
                "high_score": 100,
                "subtask_description": "t:a",
            }
        ],
        "model": {"model_family": "quill", "model_name": "70m", "total_params": 7e7},
        "task": {"task_name": "t"},
    },
    {
        "doc_id": 0,
        "target": "0",
        "filter": "none",
        "acc": 1.0,
        "filtered_resps": [["-1.0", "False"], ["-2.0", "False"]],
        "resps": [[["-1.0", "False"]]],
        "arguments": {"gen_args_0": {"arg_0": "Q", "arg_1": " A"}},
    },
    [GOOD | {"model": "quill-70m", "n_items": 10, "stderr": 0.1, "shots": 0, "seed": 1}],
    [
        {"model": "quill-70m", "task": "t", "item": i, "acc": 1.0, "brier": 0.5, "shots": 0}
        | {"seed": 0, "target_length": 2}
        for i in range(2)
    ],
]
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3),
    st.just([]), st.just({}), st.just([[]]), st.just({"a": None}), st.just(10**30), st.just("N/A"),
)  # fmt: skip


def places(node, path=()):
    """Where something stands in a log."""
    yield path
    children = enumerate(node) if isinstance(node, list) else ()
    for key, value in node.items() if isinstance(node, dict) else children:
        yield from places(value, (*path, key))


@st.composite
def damaged(draw):
    log = copy.deepcopy(draw(st.sampled_from(LOGS)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(log))[1:] or [()]))
        if not path:
            return copy.deepcopy(draw(JUNK))
        parent = log
        for key in path[:-1]:
            parent = parent[key]
        if draw(st.booleans()):
            parent[path[-1]] = copy.deepcopy(draw(JUNK))
        else:
            del parent[path[-1]]
    return log


@settings(max_examples=int(os.environ.get("MIRAGE_FUZZ", "150")))
@given(damaged(), st.integers(0, 400))
def test_a_damaged_file_stops_nothing(log, cut):
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(log)
        suffix = "jsonl" if "doc_id" in text else "json"
        for name, content in (("whole", text), ("cut", text[: len(text) - cut])):
            Path(folder, f"{name}.{suffix}").write_text(content + "\n")
        pl.DataFrame([GOOD]).write_csv(Path(folder, "good.csv"))
        logs = read(folder)
        good = logs.scores.filter(model="quill-410m", file=str(Path(folder, "good.csv")))
        assert good.select("task", "metric", "score").rows() == [("sums", "accuracy", 0.5)]
        # What was read is whole: numbers or none, sizes known, a share between 0 and 1.
        assert logs.scores["score"].is_finite().all(ignore_nulls=True)
        assert (logs.scores["n_params"] > 0).all()
        assert logs.scores["n_items"].drop_nulls().gt(0).all()
        assert all("\n" not in fault for fault in logs.faults)
