"""Tables as people write them: what a cell means, and what it never becomes."""

import json

import polars as pl
import pytest

from mirage.files import DataError
from mirage.readers import read

SIZES = ("70m", "410m", "1.4b", "6.9b")
SCORES = (0.01, 0.05, 0.3, 0.55)


def scores(tmp_path, header, rows, name="scores.csv"):
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return read(path)


def lines(form, **more):
    return [form.format(size=s, score=y, **more) for s, y in zip(SIZES, SCORES, strict=True)]


def test_sizes_in_billions_are_never_single_parameters(tmp_path):
    sizes = ("0.07", "0.41", "1", "6.9")
    rows = [f"quill-{s},acc,{y},{n}" for s, y, n in zip(SIZES, SCORES, sizes, strict=True)]
    logs = scores(tmp_path, "model,metric,score,params", rows)
    assert logs.scores["n_params"].to_list() == [70_000_000, 410_000_000, 1.4e9, 6.9e9]
    assert any("no numbers of parameters: 0.07, 0.41, 1, 6.9" in fault for fault in logs.faults)


@pytest.mark.parametrize(
    ("text", "stated"),
    [("1.0", True), ("t", True), ("Yes", True), ("0.0", False), ("no", False)],
)
def test_direction_as_it_is_written(tmp_path, text, stated):
    rows = lines("quill-{size},zest,{score},{text}", text=text)
    logs = scores(tmp_path, "model,metric,score,higher_is_better", rows)
    assert logs.scores["higher_is_better"].to_list() == [stated] * 4


@pytest.mark.parametrize("text", ["N/A", "unknown", "nan"])
def test_a_direction_that_is_none_is_not_falling(tmp_path, text):
    rows = lines("quill-{size},accuracy,{score},{text}", text=text)
    logs = scores(tmp_path, "model,metric,score,higher_is_better", rows)
    assert logs.scores["higher_is_better"].to_list() == [True] * 4  # as the catalogue knows


def test_numbers_as_people_write_them(tmp_path):
    rows = [
        "quill-70m;zest;0,25;1.319",
        "quill-410m;zest;31 %;1 319",
        "quill-1.4b;zest;−1,5;1,319",
        "quill-6.9b;zest;about half;many",
    ]
    logs = scores(tmp_path, "model;metric;score;n_items", rows)
    assert logs.scores["score"].to_list() == [0.25, 0.31, -1.5, None]
    assert logs.scores["n_items"].to_list() == [1319, 1319, 1319, None]
    assert "score: 'about half' cannot be read as a number: left out" in " ".join(logs.faults)
    assert "n_items: 'many' cannot be read as a number: left out" in " ".join(logs.faults)
    assert "score: '0,25' is read as 0.25" in " ".join(logs.notes)


def test_blanks_around_names_make_no_second_task(tmp_path):
    rows = ["quill-70m ,sums , acc,0.25", " quill-410m,sums,acc ,0.3"]
    logs = scores(tmp_path, "model,task,metric,score", rows)
    assert logs.scores.select("model", "task", "metric").rows() == [
        ("quill-70m", "sums", "acc"),
        ("quill-410m", "sums", "acc"),
    ]


def test_a_row_without_a_model_or_task_is_left_out(tmp_path):
    rows = ["quill-70m,sums,acc,0.25,7e7", ",sums,acc,0.3,4e8", "quill-1b,,acc,0.3,1e9"]
    logs = scores(tmp_path, "model,task,metric,score,params", rows)
    assert logs.scores["model"].to_list() == ["quill-70m"]
    assert "1 row names no model: left out" in " ".join(logs.faults)
    assert "1 row names no task: left out" in " ".join(logs.faults)


def test_a_name_with_a_comma_is_said(tmp_path):
    rows = lines("quill-{size},sums, hard,acc,{score}")
    logs = scores(tmp_path, "model,task,metric,score", rows)
    assert "some lines have more cells than the first" in " ".join(logs.notes)
    assert "score: 'acc' cannot be read" in " ".join(logs.faults)


def test_seeds_and_shots_in_words(tmp_path):
    rows = ["quill-70m,acc,0.25,seed1,0-shot", "quill-70m,acc,0.3,run-2,5-shot"]
    logs = scores(tmp_path, "model,metric,score,seed,shots", rows)
    assert logs.scores.select("seed", "shots").rows() == [(1, 0), (2, 5)]


@pytest.mark.parametrize("before", ["\n\r\n", "sep=;\n", '"sep=;"\r\n'])
def test_what_excel_puts_before_the_header(tmp_path, before):
    logs = scores(tmp_path, before + "model;metric;score", lines("quill-{size};acc;{score}"))
    assert logs.scores["score"].to_list() == list(SCORES)


def test_lines_of_an_old_macintosh(tmp_path):
    path = tmp_path / "scores.csv"
    text = "\r".join(["model,metric,score", *lines("quill-{size},acc,{score}")])
    path.write_bytes(text.encode())
    assert read(path).scores["score"].to_list() == list(SCORES)


ROWS = [
    {"model": f"quill-{s}", "task": "sums", "metric": "acc", "score": y}
    for s, y in zip(SIZES, SCORES, strict=True)
]


@pytest.mark.parametrize("form", ["lists", "rows by number"])
def test_json_of_columns(tmp_path, form):
    lists = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    numbered = {name: {str(i): y for i, y in enumerate(ys)} for name, ys in lists.items()}
    (tmp_path / "scores.json").write_text(json.dumps(lists if form == "lists" else numbered))
    logs = read(tmp_path)
    assert logs.scores.select("model", "score").rows() == [(r["model"], r["score"]) for r in ROWS]


def test_one_bad_line_costs_itself_alone(tmp_path):
    text = "\n".join(map(json.dumps, [*ROWS[:2], ROWS[2] | {"score": float("nan")}, ROWS[3]]))
    path = tmp_path / "scores.jsonl"
    path.write_text(text)
    assert read(path).scores["score"].to_list() == [0.01, 0.05, None, 0.55]
    path.write_text(text[:-9])  # a run that was stopped
    logs = read(path)
    assert logs.scores["score"].to_list() == [0.01, 0.05, None]
    assert "1 line cannot be read, left out: 4" in logs.faults[0]


@pytest.mark.parametrize(("right", "wrong"), [("True", "False"), ("yes", "no"), ("1.0", "0")])
def test_items_marked_in_words(tmp_path, right, wrong):
    rows = [f"quill-70m,sums,{i},{right if i < 3 else wrong}" for i in range(10)]
    logs = scores(tmp_path, "model,task,item,correct", rows)
    assert logs.scores.select("score", "n_items").row(0) == (0.3, 10)


def test_items_that_come_again(tmp_path):
    rows = [f"quill-70m,sums,{i},{int(i < 3)},{i}" for i in range(10)]
    header = "model,task,item,correct,answer"
    logs = scores(tmp_path, header, rows + rows)
    assert logs.scores.select("score", "n_items").rows() == [(0.3, 10)]
    assert "10 rows are copies of others, and dropped" in logs.notes[0]
    again = [f"quill-70m,sums,{i},{int(i < 5)},{i + 1}" for i in range(10)]
    logs = scores(tmp_path, header, rows + again)
    assert logs.scores.sort("seed").select("score", "n_items").rows() == [(0.3, 10), (0.5, 10)]
    assert "10 rows have an item that was there before" in " ".join(logs.notes)
    assert logs.outcomes.select(pl.col("correct").sum()).item() == 8


def test_a_leaderboard_is_told_what_a_table_is(tmp_path):
    with pytest.raises(
        DataError, match="model, mmlu, gsm8k, expected one for score, and one row per"
    ):
        scores(tmp_path, "model,mmlu,gsm8k", lines("quill-{size},{score},0.1"))


def test_what_cannot_be_used_in_a_table_of_items_is_a_fault(tmp_path):
    rows = [f"quill-70m,sums,{i},{mark}" for i, mark in enumerate(("1", "0", "", "1?", "yes"))]
    logs = scores(tmp_path, "model,task,item,correct", [*rows, ",sums,5,1", "quill-70m,sums,,1"])
    assert logs.scores.select("score", "n_items").row(0) == (2 / 3, 3)
    assert [fault.split(": ", 1)[1] for fault in logs.faults] == [
        "2 rows name no model, or no item: left out",
        "correct: '1?' cannot be read as a number: left out",
    ]


@pytest.mark.parametrize("name", ["stderr", "chance", "compute"])
def test_a_cell_that_is_no_number_is_a_fault_and_a_blank_one_is_none(tmp_path, name):
    rows = lines("quill-{size},sums,acc,{score},{cell}", cell="-")
    header = f"model,task,metric,score,{name}"
    assert scores(tmp_path, header, rows).faults == ()
    (fault,) = scores(tmp_path, header, [*rows[:3], rows[3][:-1] + "0.1 ± 0.2"]).faults
    assert fault.endswith(f"{name}: '0.1 ± 0.2' cannot be read as a number: left out")
