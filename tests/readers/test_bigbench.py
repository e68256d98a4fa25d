"""BIG-bench score files: what is read, how it is scaled, and what happens to a bad one."""

import json
import math
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage.datasets import bigbench_download
from mirage.files import DataError
from mirage.readers import bigbench
from mirage.readers.files import decode


def entry(scores, preferred="multiple_choice_grade", shots=0, low=0.25, high=1.0, subtask="sports"):
    return {
        "score_dict": scores,
        "preferred_score": preferred,
        "number_of_shots": shots,
        "low_score": low,
        "high_score": high,
        "subtask_description": subtask,
    }


def content(entries, name="128b", family="BIG-G T=0", task="sports", size=137_000_000_000):
    model = {
        "model_family": family,
        "model_name": name,
        "total_params": size + 1000,
        "non_embedding_params": size + 500,
        "flop_matched_non_embedding_params": size,
        "training_batch_size": 256,  # the files have more than is read
        "decoding_params": {},
    }
    return {"scores": entries, "model": model, "task": {"task_name": task}, "queries": None}


@pytest.fixture
def clone(tmp_path):
    """An empty clone; ``put(task, file name, content)`` adds a score file."""

    def put(file, task="sports", name="scores_BIG-G_128b_T=0.json"):
        folder = tmp_path / "bigbench" / "benchmark_tasks" / task / "results"
        folder.mkdir(parents=True, exist_ok=True)
        text = file if isinstance(file, str) else json.dumps(file)
        (folder / name).write_text(text)
        return folder / name

    put.root = tmp_path
    return put


def one(clone, *entries, **of_file):
    clone(content(list(entries), **of_file))
    return bigbench.read(clone.root).scores


def test_a_file_by_hand(clone):
    scores = {"multiple_choice_grade": 0.75, "calibration_multiple_choice_brier_score": 0.2}
    table = one(clone, entry(scores, shots=2)).sort("metric")
    assert table["metric"].to_list() == sorted(scores)
    brier, grade = table.rows(named=True)
    assert (grade["score"], grade["shots"], grade["task"]) == (0.75, 2, "sports")
    assert (grade["family"], grade["model"]) == ("BIG-G T=0", "128b")
    # x is the FLOP-matched size, not the two others; they stay as columns.
    assert (grade["n_params"], grade["n_params_from"]) == (137_000_000_000, "flop-matched")
    assert grade["non_embedding_params"] == 137_000_000_500
    assert grade["total_params"] == 137_000_001_000
    assert (grade["is_preferred"], brier["is_preferred"]) == (True, False)
    assert (grade["low_score"], brier["low_score"]) == (0.25, None)
    assert (grade["higher_is_better"], brier["higher_is_better"]) == (True, False)
    assert grade["source"] == "google/BIG-bench, sports/results/scores_BIG-G_128b_T=0.json"


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"flop_matched_non_embedding_params": 0}, (7, "non-embedding")),  # as secret sizes are
        ({"flop_matched_non_embedding_params": None}, (7, "non-embedding")),
        ({"flop_matched_non_embedding_params": 0, "non_embedding_params": 0}, (9, "total")),
    ],
)
def test_size_falls_back_and_says_so(clone, sizes, expected):
    file = content([entry({"f1": 0.5}, "f1")])
    file["model"] |= {"non_embedding_params": 7, "total_params": 9} | sizes
    clone(file)
    assert bigbench.read(clone.root).scores.select("n_params", "n_params_from").row(0) == expected


def test_percent_and_fraction_agree(clone):
    fraction = one(clone, entry({"exact_str_match": 0.125}, "exact_str_match", low=0))
    percent = one(clone, entry({"exact_str_match": 12.5}, "exact_str_match", low=0, high=100))
    for column in ("score", "low_score", "high_score"):
        assert fraction[column].to_list() == percent[column].to_list()


def test_a_small_percentage_is_not_taken_for_a_fraction(clone):
    # 0.5 of at most 100 is half a percent, not a half.
    table = one(clone, entry({"exact_str_match": 0.5}, "exact_str_match", low=0, high=100))
    assert table["score"].item() == 0.005
    # Without a highest score the other entries of the file tell: 40 cannot be a fraction.
    no_end = [
        entry({"macro_f1": v}, "macro_f1", shots=k, low=None, high=None)
        for k, v in enumerate((40.0, 0.5))
    ]
    table = one(clone, *no_end)
    assert table["score"].to_list() == [0.4, 0.005]


def test_other_scales_stay(clone):
    scores = {"bleu": 31.0, "rougeLsum": 44.0, "log_likelihood": -3.5, "bleurt": 1.02}
    table = one(clone, entry(scores, "bleu", low=0, high=100))
    assert dict(table.select("metric", "score").rows()) == scores


def test_percent_beside_a_fraction_is_refused(clone):
    clone(content([entry({"multiple_choice_grade": 62.0}, high=1.0)]))
    with pytest.raises(
        DataError, match=r"some values are in percent, but the highest score is .*1"
    ):
        bigbench.read(clone.root)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
    st.sampled_from(["exact_str_match", "macro_f1", "bleurt", "expected_calibration_error"]),
)
def test_scale_does_not_matter(values, metric):
    def parsed(factor):
        entries = [
            entry({metric: factor * v}, metric, shots=k, low=0, high=factor)
            for k, v in enumerate(values)
        ]
        parsed = bigbench._parse("scores_x.json", json.dumps(content(entries)).encode())
        assert parsed.n_blank == 0
        return [scores[metric] for scores in parsed.scores]

    assert parsed(1.0) == values
    assert parsed(100.0) == pytest.approx(values, abs=1e-12)


def test_composite_tasks_are_not_pooled_with_their_parts(clone):
    parts = [
        entry({"multiple_choice_grade": g}, subtask=f"deduction:{name}")
        for name, g in (("three", 0.5), ("five", 0.3))
    ]
    whole = [
        entry({bigbench.AGGREGATE: 20.0}, bigbench.AGGREGATE, low=0, high=100, subtask="deduction"),
        # An average under the metric's own name, as some composite tasks have it.
        entry({"multiple_choice_grade": 0.4}, subtask="deduction", shots=1),
    ]
    table = one(clone, *parts, *whole, task="deduction")
    assert table.filter("is_aggregate")["task"].unique().to_list() == ["deduction"]
    alone = table.filter(~pl.col("is_aggregate"))
    assert alone["task"].to_list() == ["deduction:three", "deduction:five"]
    assert alone["parent_task"].unique().to_list() == ["deduction"]
    assert table.filter(metric=bigbench.AGGREGATE)["score"].item() == 20.0  # its own scale


def test_a_simple_task_is_no_aggregate(clone):
    table = one(clone, *(entry({"bleu": 1.0}, "bleu", shots=k) for k in range(4)))
    assert not table["is_aggregate"].any()
    assert table["shots"].to_list() == [0, 1, 2, 3]


def test_free_descriptions_and_repeated_ones(clone):
    table = one(
        clone,
        entry({"f1": 0.1}, "f1", subtask="with hints"),
        entry({"f1": 0.2}, "f1", subtask="with hints"),
        entry({"f1": 0.3}, "f1", subtask=None),
    )
    tasks = ["sports:with hints", "sports:with hints #2", "sports"]
    assert table["task"].to_list() == tasks


def test_values_that_are_no_numbers_are_counted(clone):
    file = content([entry({"f1": 0.5, "a": None, "b": "0.5", "c": [1], "d": True}, "f1")])
    # Python writes NaN and Infinity, which JSON does not have; a text may hold the word.
    text = json.dumps(file).replace('"a": null', '"a": NaN, "e": -Infinity, "NaN": "NaN"')
    clone(text)
    found = bigbench.read(clone.root)
    assert found.scores["metric"].to_list() == ["f1"]
    assert (found.n_blank, found.faults) == (6, ())


def test_python_numbers_become_null_only_outside_text():
    decoder = bigbench.msgspec.json.Decoder(dict[str, bigbench.Any])
    text = rb'{"a": NaN, "b": [-Infinity, Infinity, 1], "say \"NaN\"": "x NaN", "NaNa": 2}'
    expected = {"a": None, "b": [None, None, 1], 'say "NaN"': "x NaN", "NaNa": 2}
    assert decode(decoder, text) == expected


BAD = {
    "truncated": lambda good: good[: len(good) // 2],
    "empty": lambda _: "",
    "no object": lambda _: "[]",
    "no model": lambda good: good.replace('"model":', '"modell":'),
    "score as text": lambda good: good.replace('"score_dict": {', '"score_dict": "{}", "x": {'),
    "shots as text": lambda good: good.replace('"number_of_shots": 0', '"number_of_shots": "two"'),
    "not UTF-8": lambda good: good.replace("sports", "sp\udcffrts"),
    "git-lfs pointer": lambda _: "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
}


@pytest.mark.parametrize("damage", BAD.values(), ids=BAD)
def test_a_bad_file_is_named_and_the_rest_stands(clone, damage):
    good = json.dumps(content([entry({"multiple_choice_grade": 0.5})]))
    clone(good)
    bad = clone("", name="scores_PaLM_8b.json")
    bad.write_bytes(damage(good).encode("utf-8", "surrogateescape"))
    found = bigbench.read(clone.root)
    assert (found.scores.height, found.n_files) == (1, 1)
    (fault,) = found.faults
    assert fault.startswith("sports/results/scores_PaLM_8b.json: ")
    assert "\n" not in fault
    with pytest.raises(DataError, match=r"1 of 2 result files cannot be read: .*PaLM_8b\.json"):
        bigbench.read(clone.root, strict=True)


def test_one_truncated_among_a_thousand(clone):
    for i in range(1000):
        file = content([entry({"multiple_choice_grade": i / 1000})], name=f"m{i}", size=1000 + i)
        text = json.dumps(file)
        clone(text[:100] if i == 617 else text, name=f"scores_toy_m{i}.json")
    found = bigbench.read(clone.root)
    assert (found.scores.height, found.n_files, len(found.faults)) == (999, 999, 1)
    assert "scores_toy_m617.json" in found.faults[0]


def test_strict_names_three_and_counts_the_rest(clone):
    for i in range(5):
        clone("{", name=f"scores_toy_{i}.json")
    with pytest.raises(DataError, match=r"5 of 5 .*toy_0.*toy_1.*toy_2.*; and 2 more"):
        bigbench.read(clone.root, strict=True)


def test_nothing_to_read(clone, tmp_path):
    with pytest.raises(DataError, match="expected files <task>/results/scores_"):
        bigbench.read(clone.root)
    clone("{")
    with pytest.raises(DataError, match=r"no BIG-bench scores in .*: sports/results/scores_BIG-G"):
        bigbench.read(clone.root)
    with pytest.raises(DataError, match=r"gone\.zip is no readable zip archive"):
        bigbench.read(tmp_path / "gone.zip")
    (tmp_path / "bad.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"bad\.zip is no readable zip archive"):
        bigbench.read(tmp_path / "bad.zip")


def test_sizeless_and_taskless_files_are_bad(clone):
    file = content([entry({"f1": 1.0}, "f1")])
    sizes = ("total_params", "non_embedding_params", "flop_matched_non_embedding_params")
    clone(file | {"model": file["model"] | dict.fromkeys(sizes)})
    with pytest.raises(DataError, match=r"no size of BIG-G T=0 128b is stated"):
        bigbench.read(clone.root)
    alone = clone.root / "scores_alone.json"
    alone.write_text(json.dumps({key: file[key] for key in ("scores", "model")}))
    with pytest.raises(DataError, match="no task: neither 'task' in the file nor a folder"):
        bigbench.read(alone)
    clone({key: file[key] for key in ("scores", "model")}, task="rhyming")  # the folder tells
    inside = clone.root / "bigbench" / "benchmark_tasks" / "rhyming" / "results"
    for place in (inside, inside.parent, inside / "scores_BIG-G_128b_T=0.json", clone.root):
        assert bigbench.read(place).scores["parent_task"].to_list() == ["rhyming"]


def test_clone_and_archive_agree(clone, tmp_path):
    for task in ("sports", "rhyming"):
        clone(content([entry({"multiple_choice_grade": 0.5})], task=task), task=task)
    out = tmp_path / "out"
    bigbench_download.pack_clone(clone.root, out)
    archive = out / bigbench_download.ARCHIVE
    from_clone, from_archive = bigbench.read(clone.root), bigbench.read(archive)
    assert from_clone.scores.equals(from_archive.scores)
    first = archive.read_bytes()
    bigbench_download.pack_clone(clone.root, out)
    assert archive.read_bytes() == first  # the same bytes at any time of day
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == sorted(packed.namelist())


def test_a_damaged_member_of_an_archive_is_a_bad_file(clone, tmp_path):
    for task in ("sports", "rhyming"):
        clone(content([entry({"multiple_choice_grade": 0.5})], task=task), task=task)
    bigbench_download.pack_clone(clone.root, tmp_path)
    archive = tmp_path / bigbench_download.ARCHIVE
    with zipfile.ZipFile(archive) as packed:
        start = packed.getinfo("sports/results/scores_BIG-G_128b_T=0.json").header_offset
    damaged = bytearray(archive.read_bytes())
    damaged[start + 100 : start + 140] = bytes(40)
    archive.write_bytes(damaged)
    found = bigbench.read(archive)
    assert found.scores["parent_task"].to_list() == ["rhyming"]
    assert len(found.faults) == 1


def test_scores_feed_a_curve(clone):
    for name, size, grade in (("2m", 2e6, 0.25), ("1b", 1e9, 0.3), ("128b", 1e11, 0.9)):
        file = content([entry({"multiple_choice_grade": grade})], name=name, size=int(size))
        clone(file, name=f"scores_BIG-G_{name}_T=0.json")
    table = bigbench.read(clone.root).scores.sort("n_params")
    assert table["score"].to_list() == [0.25, 0.3, 0.9]
    assert math.isclose(table["n_params"][0], 2e6)


def test_reader_takes_paths_as_text(clone):
    path = clone(content([entry({"bleu": 1.0}, "bleu")]))
    assert bigbench.read(str(path)).scores.height == 1
    assert Path(path).exists()
