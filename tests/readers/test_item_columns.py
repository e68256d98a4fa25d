"""Tables of items under the usual names of the column of items, and under one that is stated."""

import pytest

from mirage.readers import read


@pytest.mark.parametrize(
    ("name", "columns"),
    [("question_id", {}), ("doc_id", {}), ("id", {"id": "item"}), ("nr", {"nr": "item"})],
)
def test_items_are_found_by_the_name_of_their_column(tmp_path, name, columns):
    path = tmp_path / "items.csv"
    lines = [f"quill-{size},riddles,{i},{i % 2}" for size in ("70M", "1B") for i in range(10)]
    path.write_text("\n".join([f"model,task,{name},correct", *lines]))
    found = read([path], columns=columns)
    assert found.scores["score"].to_list() == [0.5, 0.5]
    assert found.scores["n_items"].to_list() == [10, 10]
    assert not found.faults
