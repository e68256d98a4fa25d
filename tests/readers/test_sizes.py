"""Numbers of parameters as people write them, in names and in cells."""

import json

import pytest

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
