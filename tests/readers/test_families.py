"""Which models are one, and which make one series, as their names and paths tell."""

import json

import polars as pl
import pytest

from mirage.emergence import table
from mirage.readers import read

SIZES = ("70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b")


def log(model, score, date=1.0, **config):
    """A result file of lm-evaluation-harness: 500 items of one task."""
    stderr = (score * (1 - score) / 499) ** 0.5
    return {
        "results": {"arc": {"acc,none": score, "acc_stderr,none": stderr}},
        "n-samples": {"arc": {"original": 500, "effective": 500}},
        "config": {"limit": None} | config,
        "model_name": model,
        "date": date,
    }


def put(folder, logs):
    for i, one in enumerate(logs):
        (folder / f"{i}.json").write_text(json.dumps(one))
    return read(folder)


def csv(folder, header, rows):
    (folder / "scores.csv").write_text("\n".join([header, *rows]))
    return read(folder)


def judged(logs):
    """Number of models, and the note without words on what is no fault, of each family."""
    found = table(logs.scores, n_draws=0)
    return {row["family"]: (row["n_models"], row["note"]) for row in found.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("theirs", "mine", "families"),
    [
        ("EleutherAI/pythia-", "me/pythia-", ["Pythia (EleutherAI)", "Pythia (me)"]),
        ("/runs/expA/quill-", "/runs/expB/quill-", ["quill (expA)", "quill (expB)"]),
        ("/a/out/quill-", "/b/out/quill-", ["quill (a/out)", "quill (b/out)"]),
    ],
)
def test_models_of_two_owners_are_never_one_model_run_twice(tmp_path, theirs, mine, families):
    first = [log(theirs + size, 0.26 + 0.02 * i) for i, size in enumerate(SIZES)]
    later = [log(mine + size, 0.66 + 0.02 * i, 2.0) for i, size in enumerate(SIZES[4:])]
    logs = put(tmp_path, first + later)
    assert {name: n for name, (n, _) in judged(logs).items()} == dict(
        zip(families, (7, 3), strict=True)
    )
    assert not any("newer" in note for note in logs.notes)
    (note,) = [note for note in logs.notes if note.startswith("taken for different models")]
    assert note.count(" and ") == 3


def test_one_model_of_another_owner_is_asked_about(tmp_path):
    rows = [f"{o}/quill-{s}" for o, s in zip("abcd", ("1b", "2b", "3b", "3b"), strict=True)]
    logs = put(tmp_path, [log(model, 0.3 + 0.1 * i) for i, model in enumerate(rows)])
    note = "c/quill-3b and d/quill-3b have the same size: which comes first?"
    assert judged(logs) == {"quill": (4, note)}


@pytest.mark.parametrize("other", ["pythia-70m", "/hub/EleutherAI/pythia-70m", "hf/pythia-70m"])
def test_a_shorter_name_of_a_model_is_the_same_model(tmp_path, other):
    logs = put(tmp_path, [log("eleutherai/pythia-70m", 0.3), log(other, 0.4, 2.0)])
    assert logs.scores.select("family", "model", "score").rows() == [("Pythia", "pythia-70m", 0.4)]


def test_a_family_that_the_file_states_is_not_split(tmp_path):
    sizes = ("1b", "2b", "3b")
    rows = [f"{o}/q-{s},fam,acc,0.{i}" for o in "ab" for i, s in enumerate(sizes, 1)]
    logs = csv(tmp_path, "model,family,metric,score", rows)
    assert list(judged(logs)) == ["fam"]
    assert "a/q-1b" in logs.scores["model"].to_list()
    rows = [f"{o}/q-{s},fam-{o},acc,0.{i}" for o in "ab" for i, s in enumerate(sizes, 1)]
    logs = csv(tmp_path, "model,family,metric,score", rows)
    assert sorted(judged(logs)) == ["fam-a", "fam-b"]
    assert sorted(set(logs.scores["model"])) == ["q-1b", "q-2b", "q-3b"]
    assert logs.scores.filter(pl.col("family") == "fam-a").height == 3
