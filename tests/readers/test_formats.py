"""Each format is recognised by its content and read as what it is; from answers, more metrics."""

import csv
import json
import zipfile

import numpy as np
import polars as pl
import pytest

from mirage.files import DataError
from mirage.readers import item_metrics, read

MODEL = "acme/quill-70m"


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def table(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


ROW = {"model": "quill-70m", "task": "riddles", "metric": "accuracy", "score": 0.25}


def test_lighteval(tmp_path):
    log = {
        "config_general": {"model_name": MODEL, "max_samples": None},
        "results": {
            "lighteval|exam:law|5": {"acc": 0.3, "acc_stderr": 0.04605661864718383},
            "lighteval|exam:art|5|0": {"acc": 0.45, "acc_stderr": 0.035},
            "lighteval|exam:_average|5": {"acc": 0.375, "acc_stderr": 0.04},
            "all": {"acc": 0.375, "acc_stderr": 0.04},
        },
    }
    found = read(put(tmp_path / "results.json", log)).scores
    assert found.select("model", "task", "shots", "score", "n_items").rows() == [
        ("quill-70m", "exam:law", 5, 0.3, 100),
        ("quill-70m", "exam:art", 5, 0.45, None),
    ]


def test_opencompass(tmp_path):
    lines = [
        "dataset,version,metric,mode,quill-70m,quill-7b",
        "riddles,ab12cd,accuracy,gen,38.71,-",
    ]
    lines += ["sums,-,-,-,-,-", "story,ab,rouge1,gen,12.5,N/A"]
    found = read(put(tmp_path / "summary.csv", "\n".join(lines))).scores
    assert found.select("model", "task", "metric", "score").rows() == [
        ("quill-70m", "riddles", "accuracy", 0.3871),
        ("quill-70m", "story", "rouge1", 12.5),
        ("quill-7b", "story", "rouge1", None),
    ]


def test_every_eval_ever(tmp_path):
    result = {
        "evaluation_name": "choice",
        "source_data": {"dataset_name": "riddles", "samples_number": 2376, "sample_ids": [1, 2, 3]},
        "metric_config": {"evaluation_description": "strangeness", "lower_is_better": True},
        "score_details": {"score": 0.5, "uncertainty": {"standard_error": {"value": 0.1}}},
    }
    record = {"model_info": {"name": MODEL, "id": MODEL}, "evaluation_results": [result]}
    row = read(put(tmp_path / "a.json", record)).scores.row(0, named=True)
    assert (row["task"], row["metric"], row["score"]) == ("riddles", "strangeness", 0.5)
    assert (row["n_items"], row["stderr"], row["higher_is_better"]) == (3, 0.1, False)


@pytest.mark.parametrize(("text", "higher"), [("false", True), ("true", False), ("maybe", None)])
def test_every_eval_ever_with_a_direction_in_words(tmp_path, text, higher):
    result = {
        "source_data": {"dataset_name": "riddles"},
        "metric_config": {"evaluation_description": "strangeness", "lower_is_better": text},
        "score_details": {"score": 0.5},
    }
    record = {"model_info": {"id": MODEL}, "evaluation_results": [result]}
    logs = read(put(tmp_path / "a.json", record))
    assert logs.scores["higher_is_better"].to_list() == [higher]


@pytest.mark.parametrize(
    ("metric", "low", "high", "stated", "expected"),
    [
        ("accuracy", 0, 100, 55.0, (0.55, 0.02)),
        ("accuracy", None, 100, 38.71, (0.3871, 0.02)),
        ("accuracy", 0, 1, 0.55, (0.55, 2.0)),
        ("mcc", -100, 100, -20.0, (-0.2, 0.02)),
        ("mcc", 0, 100, 60.0, (60.0, 2.0)),  # not the catalogue's -1 to 1 in another unit
        ("bleu", 0, 100, 12.5, (12.5, 2.0)),
        ("strangeness", 0, 100, 12.5, (12.5, 2.0)),
    ],
)
def test_every_eval_ever_states_its_scale(tmp_path, metric, low, high, stated, expected):
    result = {
        "source_data": {"dataset_name": "riddles"},
        "metric_config": {"metric_name": metric, "min_score": low, "max_score": high},
        "score_details": {"score": stated, "uncertainty": {"standard_error": {"value": 2.0}}},
    }
    record = {"model_info": {"id": MODEL}, "evaluation_results": [result]}
    scores = read(put(tmp_path / "a.json", record)).scores
    assert scores.select("score", "stderr").row(0) == expected


def inspect_log(values, targets=None, **more):
    samples = [
        {
            "id": f"s{i}",
            "epoch": 1,
            "target": (targets or ["A"] * len(values))[i],
            "output": {"completion": f" {value}"},
            "scores": {"match": {"value": value, "answer": value}},
        }
        for i, value in enumerate(values)
    ]
    score = {"name": "match", "metrics": {"accuracy": {"value": 0.5}, "stderr": {"value": 0.2}}}
    results = {"total_samples": 40, "completed_samples": 38, "scores": [score]}
    about = {"task": "suite/riddles", "model": MODEL, "config": {"limit": 40}}
    return {
        "version": 2,
        "status": "success",
        "eval": about,
        "results": results,
        "samples": samples,
    } | more


def test_inspect_json(tmp_path):
    logs = read(put(tmp_path / "log.json", inspect_log(["C", "I", "P", True, 0.25, "N"])))
    row = logs.scores.row(0, named=True)
    assert (row["task"], row["metric"], row["score"]) == ("riddles", "accuracy", 0.5)
    assert (row["n_items"], row["limit"]) == (38, "40")
    assert logs.outcomes["match"].to_list() == [1, 0, 0.5, 1, 0.25, 0]
    assert logs.outcomes["item"].n_unique() == 6


def test_inspect_archive_gives_what_its_json_gives(tmp_path):
    log = inspect_log(["C", "I"], ["C", "C"])
    whole = read(put(tmp_path / "a" / "log.json", log))
    path = tmp_path / "b" / "log.eval"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for i, sample in enumerate(log["samples"]):
            archive.writestr(f"samples/{i}_epoch_1.json", json.dumps(sample))
        archive.writestr(
            "header.json", json.dumps({k: v for k, v in log.items() if k != "samples"})
        )
    parts = read(path)
    assert parts.outcomes.equals(whole.outcomes)
    drop = ["file", "source"]
    assert parts.scores.drop(drop).equals(whole.scores.drop(drop))
    # The answers C and I against the target C: half of them match.
    exact = parts.scores.filter(metric="exact match").row(0, named=True)
    assert (exact["score"], exact["recomputed"]) == (0.5, True)


def test_an_inspect_run_that_failed_is_named(tmp_path):
    put(tmp_path / "log.json", inspect_log(["C"], status="error"))
    with pytest.raises(DataError, match="ended with the status 'error'"):
        read(tmp_path)


def helm_run(folder, model=MODEL):
    name = {"name": "exact_match", "split": "test"}
    other = name | {"perturbation": {"name": "typos"}}
    put(
        folder / "run_spec.json",
        {
            "name": f"mmlu:subject=law,model={model.replace('/', '_')}",
            "scenario_spec": {},
            "metric_specs": [],
            "adapter_spec": {"model": model, "max_train_instances": 5, "max_eval_instances": 10},
        },
    )
    put(
        folder / "stats.json",
        [
            {"name": name, "count": 1, "mean": 0.5},
            {"name": other, "count": 1, "mean": 0.1},
            {"name": {"name": "num_prompt_tokens", "split": "test"}, "count": 1, "mean": 512.0},
        ],
    )
    put(
        folder / "per_instance_stats.json",
        [
            {"instance_id": f"id{i}", "stats": [{"name": name, "count": 1, "mean": float(i % 2)}]}
            for i in range(4)
        ],
    )
    put(folder / "scenario_state.json", {"adapter_spec": {}, "request_states": []})
    put(folder / "scenario.json", {"name": "mmlu", "definition_path": "…"})
    return folder


def test_helm_run_folder(tmp_path):
    logs = read(helm_run(tmp_path / "run"))
    assert logs.faults == ()
    row = logs.scores.row(0, named=True)
    assert logs.scores.height == 1
    assert (row["model"], row["task"], row["metric"]) == (
        "quill-70m",
        "mmlu:subject=law",
        "exact_match",
    )
    assert (row["score"], row["n_items"], row["shots"], row["limit"]) == (0.5, 4, 5, "10")
    assert logs.outcomes["exact_match"].to_list() == [0, 1, 0, 1]


def test_helm_trials_repeat_the_same_items(tmp_path):
    folder = helm_run(tmp_path / "run")
    stat = {"name": {"name": "exact_match", "split": "test"}, "count": 1}
    instances = [
        {
            "instance_id": f"id{i}",
            "train_trial_index": trial,
            "stats": [stat | {"mean": float(i < 2)}],
        }
        for trial in range(3)
        for i in range(4)
    ]
    put(folder / "per_instance_stats.json", instances)
    logs = read(folder)
    assert logs.scores.select("score", "n_items").rows() == [(0.5, 4)]
    assert logs.outcomes.group_by("seed").len().sort("seed").rows() == [(0, 4), (1, 4), (2, 4)]


def test_helm_generation_is_scored_against_every_right_text(tmp_path):
    folder = helm_run(tmp_path / "run")
    requests = [
        {
            "instance": {
                "id": f"id{i}",
                "references": [
                    {"output": {"text": text}, "tags": tags}
                    for text, tags in (("4275", ["correct"]), ("4276", ["correct"]), ("1", []))
                ],
            },
            "train_trial_index": 0,
            "result": {"completions": [{"text": f" {4274 + i}"}]},
        }
        for i in range(4)
    ]
    state = {"adapter_spec": {"method": "generation"}, "request_states": requests}
    put(folder / "scenario_state.json", state)
    logs = read(folder)
    # 4274, 4275, 4276 and 4277: right are the second and the third, one digit off the others.
    assert logs.outcomes["exact match"].to_list() == [0, 1, 1, 0]
    assert logs.outcomes["token edit distance"].to_list() == [1, 0, 0, 1]
    score = dict(logs.scores.select("metric", "score").rows())
    assert score["token accuracy"] == pytest.approx((0.75 + 1 + 1 + 0.75) / 4)


def test_helm_statistics_without_their_run(tmp_path):
    (helm_run(tmp_path) / "run_spec.json").unlink()
    with pytest.raises(DataError, match=r"stats\.json: found statistics of HELM"):
        read(tmp_path)


def test_bigbench_files_beside_others(tmp_path):
    entry = {
        "score_dict": {"multiple_choice_grade": 25.0},
        "number_of_shots": 2,
        "low_score": 20,
        "high_score": 100,
        "preferred_score": "multiple_choice_grade",
    }
    model = {"model_family": "quill", "model_name": "70m", "total_params": 70_000_000}
    put(
        tmp_path / "scores_quill_70m.json",
        {"scores": [entry], "model": model, "task": {"task_name": "riddles"}},
    )
    table(tmp_path / "more.csv", [ROW])
    logs = read(tmp_path)
    assert sorted(logs.scores["format"]) == ["BIG-bench", "table"]
    row = logs.scores.filter(format="BIG-bench").row(0, named=True)
    assert (row["score"], row["chance"], row["n_params"]) == (0.25, 0.2, 70_000_000)


def test_a_table_with_other_names_and_sizes(tmp_path):
    rows = [
        {
            "Model": f"m{i}",
            "Params": size,
            "Benchmark": "riddles",
            "Measure": "accuracy",
            "Value": y,
        }
        for i, (size, y) in enumerate([("70M", 0.25), ("1.4B", 0.31), ("7e9", "N/A")])
    ]
    logs = read(table(tmp_path / "scores.csv", rows))
    assert logs.scores["n_params"].to_list() == [70_000_000, 1_400_000_000, 7_000_000_000]
    assert logs.scores["score"].to_list() == [0.25, 0.31, None]
    assert "Params is n_params, Benchmark is task" in logs.notes[0].replace("Model is model, ", "")


def test_columns_can_be_named(tmp_path):
    rows = [{"who": "quill-70m", "points": 0.25, "what": "riddles"}]
    path = table(tmp_path / "scores.csv", rows)
    with pytest.raises(DataError, match="expected one of"):
        read(path)
    columns = {"who": "model", "points": "score", "what": "task"}
    found = read(path, columns=columns).scores
    assert found.select("model", "task", "score").row(0) == ("quill-70m", "riddles", 0.25)


def test_one_of_a_kind_is_no_plural(tmp_path):
    lines = ["model,task,metric,score", "quill-70m,t,acc,0.25", "nameless,t,acc,0.5"]
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("\n".join(lines))
    (tmp_path / "notes.txt").write_text("hello")
    logs = read(tmp_path)
    (fault,) = logs.faults
    assert "Its 2 scores are left out" in fault
    assert "1 file of other kinds is left out (.txt)" in logs.notes
    (copied,) = [note for note in logs.notes if "copy" in note]
    assert f"b.csv: 1 score is a copy of that in {tmp_path / 'a.csv'}, and dropped" in copied
    assert "Its 1 score is left out" in read(tmp_path / "a.csv").faults[0]
    several = table(tmp_path / "c.csv", [{"model": "quill-70m", "acc": y} for y in (0.1, 0.2)])
    (note,) = [note for note in read(several).notes if "several" in note]
    assert "1 curve has several different scores of quill-70m" in note
    (tmp_path / "torn.json").write_text("{")
    files = [tmp_path / name for name in ("a.csv", "torn.json")]
    with pytest.raises(DataError, match="1 of 2 result files cannot be read"):
        read(files, strict=True, n_params={"nameless": "1B"})


def test_a_column_stated_to_be_the_score_keeps_its_metric(tmp_path):
    rows = [{"model": "quill-70m", "task": "riddles", "acc": 0.25, "points": 3}]
    path = table(tmp_path / "scores.csv", rows)
    scores = read(path, columns={"acc": "score"}).scores
    assert scores.select("metric", "score", "higher_is_better").rows() == [("acc", 0.25, True)]
    # What is no metric names none, and a column of names goes before the header.
    assert read(path, columns={"points": "score"}).scores["metric"].to_list() == ["score"]
    named = table(tmp_path / "named.csv", [rows[0] | {"metric": "exact match"}])
    assert read(named, columns={"acc": "score"}).scores["metric"].to_list() == ["exact match"]


def test_models_and_a_column_per_metric_are_enough(tmp_path):
    rows = [{"model": "quill-70m", "acc": 0.25}, {"model": "quill-1b", "acc": 0.5}]
    scores = read(table(tmp_path / "riddles.csv", rows)).scores
    assert scores.select("task", "n_params", "metric", "score").rows() == [
        ("riddles", 70_000_000, "acc", 0.25),
        ("riddles", 1_000_000_000, "acc", 0.5),
    ]


def test_whether_higher_is_better_is_read_from_text(tmp_path):
    rows = [{"model": "quill-70m", "task": "t", "score": 0.25, "higher_is_better": "true"}]
    rows += [{"model": "quill-70m", "task": "u", "score": 0.25, "higher_is_better": "false"}]
    scores = read(table(tmp_path / "scores.csv", rows)).scores
    assert scores["higher_is_better"].to_list() == [True, False]


def test_a_table_without_scores_says_how_to_name_the_column(tmp_path):
    path = table(tmp_path / "scores.csv", [{"model": "quill-70m", "task": "t", "points": 0.25}])
    with pytest.raises(DataError) as error:
        read(path)
    assert "found no results in 1 file: " in str(error.value)
    assert str(error.value).endswith(
        "say which: `--columns score=NAME` (in Python `columns={'NAME': 'score'}`)"
    )


def test_a_column_for_each_metric(tmp_path):
    rows = [
        {"model": "quill-70m", "task": "t", "acc": 0.25, "acc_stderr": 0.03, "brier": 0.6, "n": 200}
    ]
    found = read(table(tmp_path / "scores.csv", rows)).scores
    assert found.select("metric", "score", "stderr", "n_items").rows() == [
        ("acc", 0.25, 0.03, 200),
        ("brier", 0.6, None, 200),
    ]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "json", "tsv"])
def test_tables_in_other_files(tmp_path, suffix):
    frame = pl.DataFrame([ROW, ROW | {"model": "quill-410m", "score": 0.31}])
    path = tmp_path / f"scores.{suffix}"
    write = {
        "parquet": frame.write_parquet,
        "jsonl": frame.write_ndjson,
        "json": frame.write_json,
        "tsv": lambda file: frame.write_csv(file, separator="\t"),
    }
    write[suffix](path)
    assert read(path).scores["score"].to_list() == [0.25, 0.31]


def test_trials_in_a_table_are_no_copies(tmp_path):
    rows = [ROW | {"score": y} for y in (0.25, 0.25, 0.3)]
    logs = read(table(tmp_path / "scores.csv", rows))
    assert logs.scores["score"].to_list() == [0.25, 0.25, 0.3]
    assert "several different scores of quill-70m" in logs.notes[0]


def samples(path, lines):
    return put(path, "\n".join(json.dumps(line) for line in lines) + "\n")


def choice(i, log_probs, target, acc, texts=None):
    line = {"doc_id": i, "target": target, "filter": "none", "acc": acc}
    line["filtered_resps"] = [[str(x), "False"] for x in log_probs]
    if texts:
        line["arguments"] = {
            f"gen_args_{j}": {"arg_0": "Q", "arg_1": f" {t}"} for j, t in enumerate(texts)
        }
    return line


def test_an_item_that_a_resumed_run_wrote_again_counts_once(tmp_path, monkeypatch):
    from mirage.readers import lm_eval_samples

    monkeypatch.setattr(lm_eval_samples, "_BLOCK", 4)
    order = [0, 1, 1, 2, 3, 4, 2, 0, 5, 7, 6]
    lines = [
        {"doc_id": i, "target": "4", "filtered_resps": ["4"], "exact_match": float(i < 2)}
        for i in order
    ]
    logs = read(samples(tmp_path / "acme__quill-70m" / "samples_sums.jsonl", lines))
    logged = logs.scores.filter(pl.col("metric") == "exact_match")
    assert logged.select("score", "n_items").rows() == [(0.25, 8)]
    assert logs.outcomes["item"].to_list() == [0, 1, 2, 3, 4, 5, 7, 6]
    assert "3 lines have an item that was there before" in " ".join(logs.notes)


def test_one_item_under_two_names_costs_no_other_log():
    from mirage.readers import assemble

    notes = []
    common = {"model": "quill-70m", "family": "quill", "n_params": 7 * 10**7, "task": "sums"}
    table_ = pl.DataFrame({"item": [1, 2, 1], "accuracy": [1.0, 0.0, 1.0]})
    found = assemble.outcome_table([(common | {"file": "log.json"}, table_)], notes)
    assert found["item"].to_list() == [1, 2]
    assert notes == ["log.json: 2 items of quill-70m come again, and count once"]


def test_every_metric_that_choices_allow(tmp_path):
    log_probs = np.log([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3]]).tolist()
    lines = [choice(0, log_probs[0], "0", 1.0), choice(1, log_probs[1], "2", 0.0)]
    path = samples(
        tmp_path / "acme__quill-70m" / "samples_riddles_2026-03-01T10-00-00.1.jsonl", lines
    )
    logs = read(path)
    score = dict(logs.scores.select("metric", "score").rows())
    # .3² + .2² + .1² = .14 and .2² + .5² + .7² = .78; (.3)² and (.7)²; p = .7 and .3.
    assert score == pytest.approx(
        {
            "target probability": 0.5,
            "multiple choice Brier score": 0.46 / 3,
            "Brier score": 0.46,
            "target Brier score": 0.29,
            "negative log-likelihood": -np.log(0.21) / 2,
            "acc": 0.5,
        }
    )
    recomputed = dict(logs.scores.select("metric", "recomputed").rows())
    assert recomputed.pop("acc") is None
    assert set(recomputed.values()) == {True}
    assert logs.outcomes["multiple choice grade"].to_list() == [1, 0]
    assert logs.scores["task"].unique().to_list() == ["riddles"]


def test_a_target_is_an_index_or_a_text_as_the_logged_accuracy_has_it(tmp_path):
    # The choices are numbers: "1" is the second text in each item, and not always the index 1.
    lines = [choice(i, [-1.0, -3.0, -2.0], "1", 1.0, ["1", "0", "2"]) for i in range(3)]
    logs = read(samples(tmp_path / "quill-70m" / "samples_t.jsonl", lines))
    assert logs.outcomes["multiple choice grade"].to_list() == [1, 1, 1]


def test_every_metric_that_texts_allow(tmp_path):
    answers = [("4275", "4275"), ("4271", "4275"), ("", "4275")]
    lines = [
        {
            "doc_id": i,
            "target": target,
            "filter": f,
            "resps": [[f" {text}"]],
            "filtered_resps": [f" {text}"],
            "exact_match": float(text == target),
        }
        for f in ("strict", "loose")
        for i, (text, target) in enumerate(answers)
    ]
    logs = read(samples(tmp_path / "acme__quill-70m" / "samples_sums.jsonl", lines))
    score = dict(logs.scores.select("metric", "score").rows())
    assert score == pytest.approx(
        {
            f"{name} ({f})": value
            for f in ("strict", "loose")
            for name, value in (
                ("token accuracy", 1.75 / 3),
                ("token edit distance", 5 / 3),
                ("exact_match", 1 / 3),
            )
        }
    )
    assert logs.outcomes.group_by("filter").len()["len"].to_list() == [3, 3]


def test_results_win_and_a_disagreement_is_noted(tmp_path):
    folder = tmp_path / "acme__quill-410m"
    stamp = "2026-03-01T10-00-00.1"
    result = {
        "results": {"riddles": {"acc,none": 0.25}},
        "model_name": "acme/quill-410m",
        "config": {"limit": None, "model_revision": "step7"},
        "n-shot": {"riddles": 3},
    }
    put(folder / f"results_{stamp}.json", result)
    lines = [choice(i, [-1.0, -2.0], "0", 1.0) for i in range(2)]
    samples(folder / f"samples_riddles_{stamp}.jsonl", lines)
    logs = read(tmp_path)
    assert logs.scores.filter(metric="acc")["score"].to_list() == [0.25]
    assert [note.split(": ", 1)[1] for note in logs.notes] == [
        "acc: 1 over the items, 0.25 in the results"
    ]
    assert logs.scores["revision"].unique().to_list() == ["step7"]
    assert logs.outcomes["shots"].unique().to_list() == [3]


def test_a_recomputed_metric_that_differs_from_the_log_is_noted(tmp_path):
    lines = [choice(i, [-1.0, -2.0], "0", 0.0) for i in range(2)]
    logs = read(samples(tmp_path / "quill-70m" / "samples_t.jsonl", lines))
    assert (
        "multiple choice grade: 1 computed from the saved answers, acc is logged as 0"
        in logs.notes[0]
    )


def test_lines_that_cannot_be_read_are_counted(tmp_path):
    good = json.dumps(choice(0, [-1.0, -2.0], "0", 1.0))
    path = put(tmp_path / "quill-70m" / "samples_t.jsonl", f"{good}\n{good[:40]}\n[]\n")
    assert read(path).faults[0].endswith("2 lines cannot be read and are left out")


def test_rouge_and_bleu_where_targets_have_words():
    found = item_metrics.of_texts(["the cat sat"], ["the cat sits"])
    assert found["ROUGE-L-Sum"] == pytest.approx([2 / 3])
    assert set(found) == {
        "exact match",
        "token accuracy",
        "token edit distance",
        "ROUGE-L-Sum",
        "BLEU",
    }
    assert "BLEU" not in item_metrics.of_texts(["a b"], ["cat"])


def test_blocks_average_to_the_whole():
    values = np.random.default_rng(0).random(100)
    whole, blocks = item_metrics.Averages(), item_metrics.Averages()
    whole.add({"x": values})
    for part in np.split(values, 4):
        blocks.add({"x": part})
    (row,) = blocks.rows()
    assert row == pytest.approx(whole.rows()[0])
    assert row["stderr"] == pytest.approx(values.std(ddof=1) / 10)
