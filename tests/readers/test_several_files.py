"""What several files say together: parts of a run, files that change, columns that none has."""

import json

import polars as pl
import pytest

from mirage.files import DataError
from mirage.readers import read

GOOD = {"model": "quill-410m", "task": "sums", "metric": "accuracy", "score": 0.5}


def put(path, lines):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return path


def items(numbers, **more):
    return [{"model": "quill-70m", "task": "t", "item": i, "acc": i % 2} | more for i in numbers]


@pytest.mark.parametrize("value", [[1, 0], {"a": 1}, [], [[1]]])
@pytest.mark.parametrize("name", ["items.jsonl", "items.json"])
def test_a_metric_of_lists_costs_its_own_file_alone(tmp_path, name, value):
    pl.DataFrame([GOOD]).write_csv(tmp_path / "good.csv")
    rows = [row | {"acc": value} for row in items(range(3))]
    (tmp_path / name).write_text(
        json.dumps(rows) if name.endswith(".json") else "\n".join(map(json.dumps, rows))
    )
    logs = read(tmp_path)
    assert logs.scores["model"].to_list() == ["quill-410m"]
    assert logs.faults == (f"{tmp_path / name}: found no number in the columns of metrics",)
    rows = [row | {"brier": 0.5} for row in rows]
    put(tmp_path / "other.jsonl", rows)
    logs = read(tmp_path / "other.jsonl")
    assert logs.scores["metric"].to_list() == ["brier"]
    assert f"{tmp_path / 'other.jsonl'}: acc: no number for an item, and left out" in logs.notes


def test_what_no_reader_foresaw_is_a_fault_of_its_file(tmp_path, monkeypatch):
    from mirage.readers import tabular

    def unforeseen(*_):
        raise pl.exceptions.SchemaError("of another kind")

    pl.DataFrame([GOOD]).write_csv(tmp_path / "good.csv")
    (tmp_path / "bad.csv").write_text("model,score\nquill-70m,1\n")
    table = tabular.read_table
    monkeypatch.setattr(
        tabular, "read_table", lambda s, n: (unforeseen if s.path.stem == "bad" else table)(s, n)
    )
    (fault,) = read(tmp_path).faults
    assert fault.endswith("found another form of table than known (SchemaError: of another kind)")


def test_parts_of_one_run_are_joined(tmp_path):
    put(tmp_path / "a.jsonl", items(range(100)))
    put(tmp_path / "b.jsonl", items(range(100, 200)))
    logs = read(tmp_path)
    assert logs.outcomes["item"].sort().to_list() == list(range(200))
    assert not any("left out" in note for note in logs.notes)


def test_further_trials_in_another_file_are_joined(tmp_path):
    for seed in (0, 1):
        put(tmp_path / f"{seed}.jsonl", items(range(10), seed=seed))
    assert read(tmp_path).outcomes.height == 20


def test_items_that_another_file_has_too_are_left_out_and_noted(tmp_path):
    put(tmp_path / "a.jsonl", items(range(100)))
    put(tmp_path / "b.jsonl", items(range(99, 200)))
    put(tmp_path / "c.jsonl", items(range(100, 103)))  # no item of a: a part of its run
    logs = read(tmp_path)
    assert logs.outcomes["item"].sort().to_list() == list(range(103))
    (note,) = [note for note in logs.notes if "left out" in note]
    a, b = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert note == f"101 items of quill-70m in {b} are left out: {a} has some of them, too"


def samples(folder, stamp, numbers):
    lines = [
        {"doc_id": i, "target": "4", "filtered_resps": ["4"], "exact_match": 1.0} for i in numbers
    ]
    return put(folder / "acme__quill-70m" / f"samples_sums_{stamp}.jsonl", lines)


def test_an_older_run_is_left_out_and_noted(tmp_path):
    old = samples(tmp_path, "2026-03-01T10-00-00.1", range(4))
    new = samples(tmp_path, "2026-03-02T10-00-00.1", range(2))
    logs = read(tmp_path)
    assert logs.outcomes["item"].to_list() == [0, 1]
    assert f"4 items of quill-70m in {old} are left out: {new} is newer" in logs.notes


def test_a_result_file_that_was_written_again_is_read_again(tmp_path):
    path = samples(tmp_path, "2026-03-01T10-00-00.1", range(4))
    result = path.parent / "results_2026-03-01T10-00-00.1.json"
    for model in ("quill-70m", "quill-90m"):
        content = {"results": {"sums": {"exact_match,none": 1.0}}, "model_name": f"acme/{model}"}
        result.write_text(json.dumps(content))
        assert read(tmp_path).outcomes["model"].unique().to_list() == [model]


def test_a_stated_column_that_no_file_has_is_a_fault(tmp_path):
    rows = [{"model": "quill-70m", "points": 0.25, "what": "riddles"}]
    pl.DataFrame(rows).write_csv(tmp_path / "a.csv")
    columns = {"points": "score", "nope": "task"}
    fault = "columns: no file has a column 'nope', stated to be task"
    assert read(tmp_path, columns=columns).faults == (fault,)
    with pytest.raises(DataError, match="no file has a column 'nope'"):
        read(tmp_path, columns=columns, strict=True)
    # Another file may have it; and a header in quotation marks is the same.
    (tmp_path / "b.csv").write_text('"model","nope","points"\n"quill-410m","riddles",0.5\n')
    logs = read(tmp_path, columns=columns)
    assert logs.faults == ()
    assert sorted(logs.scores["task"]) == ["a", "riddles"]


def test_a_stated_column_of_logs_that_have_none_is_a_fault(tmp_path):
    path = samples(tmp_path, "2026-03-01T10-00-00.1", range(4))
    (fault,) = read(path, columns={"points": "score"}).faults
    assert fault == "columns: no file has a column 'points', stated to be score"


def test_a_stated_column_of_a_table_that_cannot_be_read_is_not_missed(tmp_path):
    samples(tmp_path, "2026-03-01T10-00-00.1", range(4))
    put(tmp_path / "bad.json", [{"points": 1, "who": 2}])
    (fault,) = read(tmp_path, columns={"points": "score"}).faults
    assert "bad.json: found a JSON object with the keys points, who" in fault
