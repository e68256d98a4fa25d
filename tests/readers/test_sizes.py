"""Numbers of parameters as people write them, in names and in cells."""

import json

import pytest

from mirage.files import DataError
from mirage.readers import read
from mirage.readers.model_names import number_of, parse

SIZES = ("70m", "410m", "1.4b", "6.9b")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1,4B", 1_400_000_000),
        ("0,07 B", 70_000_000),
        ("125,8M", 125_800_000),
        ("7,000M", 7_000_000_000),
        ("6,900,000,000", 6_900_000_000),
        ("70.000.000", 70_000_000),
        ("70 000 000", 70_000_000),
        (1.4, None),
        ("1.4", None),
        ("1234,567", None),
    ],
)
def test_a_comma_in_a_size_is_decimal_but_between_thousands(text, size):
    assert number_of(text) == size


def test_a_decimal_comma_in_a_models_name():
    assert parse("quill-1,4b-chat")[:3] == ("quill", 1_400_000_000, "chat")


def test_a_size_that_no_model_has_costs_no_other_file(tmp_path):
    for size in SIZES:
        log = {"results": {"sums": {"acc,none": 0.5}}, "model_name": f"quill-{size}"}
        n = 10**30 if size == "70m" else -1
        (tmp_path / f"{size}.json").write_text(
            json.dumps(log | {"config": {"model_num_parameters": n}})
        )
    assert sorted(read(tmp_path).scores["n_params"]) == [7e7, 4.1e8, 1.4e9, 6.9e9]


def test_the_last_part_of_a_windows_path_is_the_model(tmp_path):
    log = {"results": {"sums": {"acc,none": 0.5}}, "model_name": r"C:\models\quill-70m"}
    (tmp_path / "log.json").write_text(json.dumps(log))
    assert read(tmp_path).scores.select("family", "model").row(0) == ("quill", "quill-70m")


def test_a_checkpoint_is_a_revision_of_its_model(tmp_path):
    assert parse("quill-125M-step-143000").revision == "step143000"
    for size, step in zip(SIZES, (1000, 1000, 1000, 143000), strict=True):
        name = f"/out/quill-{size}/checkpoint-{step}"
        log = {"results": {"sums": {"acc,none": 0.5}}, "model_name": name}
        (tmp_path / f"{size}.json").write_text(json.dumps(log))
    found = read(tmp_path).scores.sort("n_params")
    assert found["n_params"].to_list() == [7e7, 4.1e8, 1.4e9, 6.9e9]
    assert found["revision"].to_list() == ["checkpoint1000"] * 3 + ["checkpoint143000"]


@pytest.mark.parametrize(
    "content",
    [
        "model;n_params\nlarge;1,4b\n",
        "Model,Params\r\n large , 1.4b\r\nsmall,\r\n",
        "model\tn_params\nlarge\t1400000000\n",
        '\ufeff{"large": "1.4b", "small": null}',
        "\ufeffmodel,n_params\nlarge,1.4b\nlarge,1.4b\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_of_sizes_as_people_write_it(tmp_path, content, encoding):
    log = {"results": {"sums": {"acc,none": 0.5}}, "model_name": "large"}
    (tmp_path / "log.json").write_text(json.dumps(log))
    (tmp_path / "sizes.txt").write_bytes(content.encode(encoding))
    found = read(tmp_path / "log.json", n_params=tmp_path / "sizes.txt")
    assert found.scores["n_params"].to_list() == [1_400_000_000]


def test_two_sizes_of_a_model_are_named(tmp_path):
    (tmp_path / "sizes.csv").write_text("model,n_params\nlarge,7b\nlarge,13b\n")
    with pytest.raises(DataError, match="large has two sizes, 7b and 13b"):
        read(tmp_path, n_params=tmp_path / "sizes.csv")


@pytest.mark.parametrize(
    ("column", "sizes", "believed"),
    [
        ("n_params", (300, 2_000, 9_000, 40_000), True),  # toys are networks, too
        ("params", (300, 9_000, 400_000, 5_000_000), True),
        ("params", (70, 410, 1_400, 6_900), False),  # millions
        ("n_params", (0.07, 0.41, 1.4, 6.9), False),  # billions
    ],
)
def test_small_sizes_are_believed_where_they_can_be_meant(tmp_path, column, sizes, believed):
    rows = [f"toy-{name},acc,0.5,{n}" for name, n in zip("abcd", sizes, strict=True)]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join([f"model,metric,score,{column}", *rows]), encoding="utf-8")
    if believed:
        assert read(path).scores["n_params"].to_list() == list(sizes)
    else:
        with pytest.raises(DataError, match="how many parameters has"):
            read(path)
