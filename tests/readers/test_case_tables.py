"""Tables as people keep them, from the file to the note or number at the curve."""

import pytest

from mirage.emergence import table
from mirage.readers import read
from mirage.statistics import resolution

SIZES = ("70m", "410m", "1.4b", "6.9b")
ROWS = {  # the scores of four models, and the beginning of the note
    "no number": (("0.25", "0.31", "N/A", "0.59"), "the score of quill-1.4b is not finite"),
    "a dash": (("0.25", "0.31", "0.44", "-"), "the score of quill-6.9b is not finite"),
    "percent": (("25.0", "31.0", "44.0", "59.0"), "25.0 of quill-70m is not in [0, 1]: a perc"),
    "above one": (("1.04", "1.04", "1.06", "1.1"), "1.04 of quill-70m is not in [0, 1]"),
    "zero": (("0", "0", "0.0", "0"), "fit: 4 points: a comparison needs 7"),
    "one": (("1", "1.0", "1", "1"), "fit: 4 points: a comparison needs 7"),
    "partial credit": (("0.1125", "0.2125", "0.3875", "0.6625"), "scores are no counts of n_items"),
}


def judged(tmp_path, scores, header="model,task,metric,score,n_items", tail="200", **options):
    lines = [f"quill-{s},riddles,accuracy,{y},{tail}" for s, y in zip(SIZES, scores, strict=True)]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join([header, *lines]))
    rows = read(path).scores.with_columns(**options)
    return table(rows, n_draws=200).row(0, named=True)


@pytest.mark.parametrize("kind", ROWS)
def test_what_a_table_holds_instead_of_scores(tmp_path, kind):
    scores, note = ROWS[kind]
    assert judged(tmp_path, scores)["note"].startswith(note)


def test_all_zero_says_what_it_rules_out(tmp_path):
    row = judged(tmp_path, ("0", "0", "0", "0"), tail="50")
    assert row["emergence_score"] == 0
    # A probability with which 50 wrong answers happen once in twenty: 1 − .05^(1/50).
    assert row["smallest_detectable"] == pytest.approx(1 - 0.05 ** (1 / 50))


def test_a_chance_level_raises_what_is_detectable(tmp_path):
    from polars import lit

    row = judged(tmp_path, ("0.25", "0.31", "0.44", "0.59"), chance=lit(0.25))
    assert row["smallest_detectable"] == pytest.approx(resolution.smallest_detectable(200, 0.25))


def test_names_sizes_and_family_are_enough(tmp_path):
    path = tmp_path / "scores.csv"
    rows = ["quill-70m,7e7,riddles,accuracy,0.25", "quill-410m,410M,riddles,accuracy,0.31"]
    path.write_text("\n".join(["model,params,task,metric,score", *rows]))
    found = read(path)
    columns = ("family", "n_params")
    assert found.scores.select(columns).rows() == [("quill", 70_000_000), ("quill", 410_000_000)]
    assert "params is n_params" in found.notes[0]


def test_a_ladder_of_sizes_and_budgets_is_a_curve_for_each_budget(tmp_path):
    lines = [
        f"Quill-Ladder-{size}-{budget},riddles,accuracy,{y},200"
        for budget, scores in (("1xC", (0.1, 0.2, 0.3, 0.4)), ("5xC", (0.2, 0.3, 0.4, 0.5)))
        for size, y in zip(SIZES, scores, strict=True)
    ]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join(["model,task,metric,score,n_items", *lines]))
    rows = table(read(path).scores, n_draws=0).sort("family")
    assert rows["family"].to_list() == ["Quill-Ladder (1xC)", "Quill-Ladder (5xC)"]
    # .3 over steps of .1: 3.
    assert rows["emergence_score"].to_list() == pytest.approx([3, 3])


@pytest.mark.parametrize("stderr", ["1e154", "1e-200", "7", "-1", "0.9"])
def test_a_standard_error_that_no_share_has_implies_nothing(tmp_path, stderr):
    (tmp_path / "scores.csv").write_text(
        f"model,task,metric,score,stderr\nquill-70m,riddles,accuracy,0.25,{stderr}"
    )
    assert read(tmp_path).scores["n_items"].to_list() == [None]
