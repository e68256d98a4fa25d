"""What people stumble over in logs of lm-evaluation-harness: the right answer to each kind."""

import json

import polars as pl
import pytest

from mirage.emergence import table
from mirage.files import DataError
from mirage.readers import model_names, read

SIZES = ("70m", "410m", "1.4b", "6.9b")
RISE = (0.25, 0.31, 0.44, 0.59)


def log(model, results, **more):
    """A result file as version 0.4 writes it; a number is an accuracy of 200 items."""
    filled = {
        task: values
        if isinstance(values, dict)
        else {"acc,none": values, "acc_stderr,none": error(values)}
        for task, values in results.items()
    }
    base = {"config": {"model_args": f"pretrained=acme/{model}", "num_fewshot": 0, "limit": None}}
    base |= {"model_name": f"acme/{model}", "n-shot": dict.fromkeys(filled, 0)}
    base |= {"n-samples": {task: {"original": 200, "effective": 200} for task in filled}}
    return base | {"results": filled} | more


def error(share, n=200):
    return (share * (1 - share) / (n - 1)) ** 0.5


def put(folder, *files):
    for i, file in enumerate(files):
        text = file if isinstance(file, str) else json.dumps(file)
        (folder / f"results_{i}.json").write_text(text)
    return folder


def family(**changes):
    """Four models on one task; ``changes`` maps a key of the file to four values."""
    files = [log(f"quill-{size}", {"riddles": y}) for size, y in zip(SIZES, RISE, strict=True)]
    for key, values in changes.items():
        for file, value in zip(files, values, strict=True):
            if isinstance(value, dict) and isinstance(file.get(key), dict):
                file[key] |= value
            else:
                file[key] = value
    return files


def judged(folder, **options):
    logs = read(folder, **options)
    return table(logs.scores.filter(~pl.col("is_group")), n_draws=0), logs


def note_of(folder):
    found, _ = judged(folder)
    assert found.height == 1
    return found["note"].item()


def test_counters_beside_metrics_are_no_metrics(tmp_path):
    values = {"name": "riddles", "alias": "riddles", "sample_len": 200, "ok": True}
    put(
        tmp_path,
        log("quill-70m", {"riddles": values | {"acc,none": 0.25, "acc_stderr,none": 0.03}}),
    )
    assert read(tmp_path).scores["metric"].to_list() == ["acc"]


@pytest.mark.parametrize("metric", ["wer", "edit_distance", "nll", "zest"])
def test_the_direction_that_a_file_states_wins(tmp_path, metric):
    y = (0.92, 0.61, 0.4, 0.22)
    put(
        tmp_path,
        *(
            log(f"quill-{s}", {"t": {f"{metric},none": v}}, higher_is_better={"t": {metric: False}})
            for s, v in zip(SIZES, y, strict=True)
        ),
    )
    assert judged(tmp_path)[0]["emergence_score"].item() == pytest.approx(0.7 / 0.21)


def test_no_standard_error_at_zero_and_one(tmp_path):
    # Old format: n is known of the models between 0 and 1 alone, 100.
    y = {"70m": 0.0, "160m": 0.0, "410m": 0.0, "1.4b": 0.04, "6.9b": 0.71}
    files = [
        {
            "results": {"sums": {"acc": v, "acc_stderr": error(v, 100)}},
            "config": {"model_args": f"pretrained=acme/quill-{size}", "num_fewshot": 0},
        }
        for size, v in y.items()
    ]
    logs = read(put(tmp_path, *files))
    assert logs.scores["n_items"].to_list() == [100] * 5
    row = table(logs.scores, n_draws=2000).row(0, named=True)
    assert row["low"] == pytest.approx(11.7, abs=0.7)
    assert row["high"] == pytest.approx(93.3, abs=0.1)
    assert row["p_value"] == pytest.approx(0.55, abs=0.05)
    assert row["smallest_detectable"] == pytest.approx(0.0295, abs=1e-4)


def test_the_newest_of_two_runs(tmp_path):
    files = family(date=[1.0, 1.0, 1.0, 1.0])
    again = log("quill-410m", {"riddles": 0.34}, date=2.0)
    found, logs = judged(put(tmp_path, again, *files))
    assert found["emergence_score"].item() == pytest.approx(3.4)
    assert ["replaced by the newer run" in note for note in logs.notes] == [True]


def test_a_time_stamp_in_the_name_of_a_file_will_do(tmp_path):
    for day, y in (("01", 0.31), ("09", 0.34)):
        name = f"results_2026-03-{day}T10-00-00.111111.json"
        (tmp_path / name).write_text(json.dumps(log("quill-410m", {"riddles": y})))
    assert read(tmp_path).scores["score"].to_list() == [0.34]


def test_two_runs_without_a_date_are_both_kept_and_noted(tmp_path):
    put(tmp_path, *family(), log("quill-410m", {"riddles": 0.34}))
    assert note_of(tmp_path) == "quill-410m has several scores"


def test_a_copy_in_another_folder(tmp_path):
    files = family()
    (tmp_path / "backup").mkdir()
    put(tmp_path, *files)
    put(tmp_path / "backup", files[0])
    found, logs = judged(tmp_path)
    assert found["note"].item() is None
    assert ["1 score is a copy of that in" in note for note in logs.notes] == [True]


@pytest.mark.parametrize(
    ("key", "values", "note"),
    [
        (
            "config",
            [{"model_revision": f"step{n}"} for n in (1000, 1000, 1000, 143000)],
            "revision mixed: step1000, step143000",
        ),
        ("versions", [{"riddles": v} for v in (1, 1, 1, 2)], "task version mixed: 1, 2"),
        ("config", [{"limit": n} for n in (None, None, None, 100)], "limit mixed: 100, none"),
        (
            "config",
            [{"gen_kwargs": f"temperature={t}"} for t in (0, 0, 0, 1)],
            "generation mixed: temperature=0, temperature=1",
        ),
        ("n-shot", [{"riddles": n} for n in (5, 5, 5, 0)], "shots mixed: 0, 5"),
        ("n-shot", [{"riddles": n} for n in (None, 5, 5, 5)], "shots unknown for quill-70m"),
    ],
)
def test_models_of_one_curve_share_a_protocol(tmp_path, key, values, note):
    assert note_of(put(tmp_path, *family(**{key: values}))) == note


@pytest.mark.parametrize("key", ["chat_template", "system_instruction"])
def test_a_long_setting_is_compared_by_its_digest(tmp_path, key):
    found = note_of(put(tmp_path, *family(**{key: ["a", "a", "a", "b"]})))
    assert " mixed: " in found


def test_quantisation_in_the_arguments(tmp_path):
    files = family()
    files[3]["config"]["model_args"] += ",load_in_4bit=True"
    # Three sizes are not quantised: a family of their own.
    logs = read(put(tmp_path, *files))
    assert sorted(logs.scores["family"].unique()) == ["quill", "quill (4bit)"]


def test_variants_of_a_model_are_not_one_curve(tmp_path):
    names = ("quill-70m", "quill-410m-deduped", "quill-1.4b-chat", "quill-6.9b-instruct")
    put(tmp_path, *(log(name, {"riddles": y}) for name, y in zip(names, RISE, strict=True)))
    assert note_of(tmp_path) == "variant mixed: base, chat, deduped, instruct"


def test_variants_with_three_sizes_are_families(tmp_path):
    names = [f"quill-{size}{suffix}" for suffix in ("", "-chat") for size in SIZES]
    put(tmp_path, *(log(name, {"riddles": y}) for name, y in zip(names, 2 * RISE, strict=True)))
    found, _ = judged(tmp_path)
    assert sorted(found["family"]) == ["quill", "quill (chat)"]
    assert found["note"].null_count() == 2


def test_a_curve_for_each_token_budget(tmp_path):
    names = [f"Ladder-{size}-{budget}" for budget in ("1xC", "5xC") for size in SIZES]
    put(tmp_path, *(log(name, {"riddles": y}) for name, y in zip(names, 2 * RISE, strict=True)))
    found, _ = judged(tmp_path)
    assert sorted(found["family"]) == ["Ladder (1xC)", "Ladder (5xC)"]


@pytest.mark.parametrize(
    "where", [{"group_subtasks": {"exam": ["law", "art"], "law": []}}, {"groups": {"exam": {}}}]
)
def test_an_average_over_tasks_is_marked_and_has_no_items(tmp_path, where):
    file = log("quill-70m", {"exam": 0.4, "law": 0.3, "art": 0.45}, **where)
    rows = read(put(tmp_path, file)).scores.select("task", "is_group", "n_items").rows()
    assert rows == [("exam", True, None), ("law", False, 200), ("art", False, 200)]


def test_an_empty_group_has_no_row(tmp_path):
    file = log("quill-70m", {"exam": {" ": " ", "alias": "exam"}, "law": 0.3})
    assert read(put(tmp_path, file)).scores["task"].to_list() == ["law"]


@pytest.mark.parametrize(("stated", "kept"), [([], None), ("N/A", None), (None, None), (0.0, 0.0)])
def test_standard_errors_that_are_missing(tmp_path, stated, kept):
    file = log("quill-70m", {"t": {"acc,none": 0.86, "acc_stderr,none": stated}})
    row = read(put(tmp_path, file)).scores.row(0, named=True)
    assert (row["stderr"], row["n_items"]) == (kept, 200)


def test_a_number_of_items_that_contradicts_the_standard_error(tmp_path):
    # .75 × .25 / .0693375² + 1 = 40: 30 of 40, where the file says 60.
    file = log("quill-70m", {"t": {"acc,none": 0.75, "acc_stderr,none": 0.06933752452815364}})
    file["n-samples"] = {"t": {"original": 60, "effective": 60}}
    logs = read(put(tmp_path, file))
    assert logs.scores["n_items"].item() == 40
    assert "the standard error says 40 items, the file 60" in logs.notes[0]


def test_a_standard_error_of_rounding_says_nothing(tmp_path):
    old = {"results": {"t": {"acc": 0.3, "acc_stderr": 1.1e-18}}, "model_name": "quill-1b"}
    other = {
        "results": {"t": {"acc": 0.5, "acc_stderr": error(0.5, 100)}},
        "model_name": "quill-2b",
    }
    rows = read(put(tmp_path, old, other)).scores.select("model", "n_items").rows()
    assert rows == [("quill-1b", None), ("quill-2b", 100)]


def test_shots_that_were_run_and_not_those_asked_for(tmp_path):
    run = log("quill-70m", {"t": 0.2}) | {"n-shot": {"t": 0}}
    run["config"]["num_fewshot"] = 10
    several = {"results": {"t": {"acc": 0.5}}, "model_name": "quill-1b"}
    several["config"] = {"num_fewshot": [2, 3]}
    assert read(put(tmp_path, run, several)).scores["shots"].to_list() == [0, None]


@pytest.mark.parametrize("bad", ["NaN", "null", '"N/A"', "Infinity"])
def test_a_curve_without_one_of_its_numbers_says_so(tmp_path, bad):
    files = [json.dumps(file) for file in family()]
    files[3] = files[3].replace('"acc,none": 0.59', f'"acc,none": {bad}')
    assert note_of(put(tmp_path, *files)) == "the score of quill-6.9b is not finite"


def test_a_size_is_that_of_the_name_else_asked_for(tmp_path):
    files = [log(f"mystery-{size}", {"t": 0.3}) for size in ("410m", "large")]
    for file in files:
        file["config"]["model_num_parameters"] = -1
    logs = read(put(tmp_path, *files))
    assert logs.scores.select("model", "n_params").rows() == [("mystery-410m", 410_000_000)]
    assert logs.faults[0].startswith("how many parameters has 'mystery-large'?")
    for sizes in ({"mystery-large": "1.4B"}, tmp_path / "sizes.csv"):
        (tmp_path / "sizes.csv").write_text("model,n_params\nmystery-large,1.4e9\n")
        logs = read(sorted(tmp_path.glob("*.json")), n_params=sizes)
        assert logs.scores["n_params"].to_list() == [410_000_000, 1_400_000_000]
        assert logs.scores["family"].unique().to_list() == ["mystery"]


def test_filters_and_normalised_accuracies_are_curves_of_their_own(tmp_path):
    values = {"exact_match,strict-match": 0.05, "exact_match,flexible-extract": 0.2}
    values |= {"acc,none": 0.3, "acc_norm,none": 0.4}
    found = read(put(tmp_path, log("quill-70m", {"t": values}))).scores
    assert found["metric"].n_unique() == 4


def test_bad_files_are_named_and_the_rest_is_read(tmp_path):
    good = json.dumps(log("quill-1b", {"t": 0.5}))
    bad = {
        "empty.json": b"",
        "latin.json": '{"results": {"café": {"acc": 0.5}}}'.encode("latin-1"),
        "null.json": b'{"results": {"qa": null}}',
        "samples.json": b'[{"doc_id": 0}]',
        "cut.json": good[:60].encode(),
        "other.json": b'{"vocab_size": 3}',
    }
    for name, content in (bad | {"bom.json": b"\xef\xbb\xbf" + good.encode()}).items():
        (tmp_path / name).write_bytes(content)
    logs = read(tmp_path)
    assert logs.scores["model"].to_list() == ["quill-1b"]
    assert sorted(fault.split(": ")[0].rsplit("/", 1)[-1] for fault in logs.faults) == sorted(bad)
    assert any("the keys vocab_size, expected one of" in fault for fault in logs.faults)
    assert logs.files["fault"].null_count() == logs.n_files == 1
    with pytest.raises(DataError, match="6 of 7 result files cannot be read"):
        read(tmp_path, strict=True)


def test_nothing_to_read_says_what_would_be_read(tmp_path):
    with pytest.raises(DataError, match="found no results in 0 files, expected one of: lm-eval"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "variant", "quantisation"),
    [
        ("pythia-1b-v0", "base", "none"),
        ("Llama-2-13b-chat-hf", "chat", "none"),
        ("Meta-Llama-3.1-405B-Instruct-FP8", "instruct", "fp8"),
        ("quill-7b-q4_k_m", "base", "q4_k_m"),
        ("Qwen1.5-7B-Chat-GPTQ-Int4", "chat", "int4"),
    ],
)
def test_what_follows_the_size_in_a_name(name, variant, quantisation):
    found = model_names.parse(name)
    assert (found.variant, found.quantisation) == (variant, quantisation)
