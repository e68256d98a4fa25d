"""Which models are one, and which make one series, as their names and paths tell."""

import json

import polars as pl
import pytest

from mirage.emergence import table
from mirage.readers import model_names, read
from mirage.readers.model_names import number_of

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


def seeded(seeds, scores=(0.3, 0.33, 0.36), name="fewshot_seed", **more):
    """Runs of three models, one after the other, with these seeds."""
    return [
        log(f"acme/quill-{size}", score + 0.1 * i, date, **{name: seed}) | more
        for i, size in enumerate(("1b", "2b", "3b"))
        for date, (seed, score) in enumerate(zip(seeds, scores, strict=True), 1)
    ]


@pytest.mark.parametrize("name", ["fewshot_seed", "random_seed", "numpy_seed"])
def test_runs_of_several_seeds_are_trials(tmp_path, name):
    logs = put(tmp_path, seeded((0, 1, 2), name=name))
    assert logs.scores["seed"].to_list() == [0, 1, 2] * 3
    assert not any("newer" in note for note in logs.notes)
    assert judged(logs)["quill"][0] == 3


def test_the_newer_run_of_one_seed_replaces_the_older(tmp_path):
    logs = put(tmp_path, seeded((0, 1, 1)))
    assert logs.scores["seed"].to_list() == [0, 1] * 3
    assert logs.scores["score"].to_list()[:2] == [0.3, 0.36]


@pytest.mark.parametrize("seeds", [(1234, 1234, 1234), (None, 1234, 1234), ([0], "a", 10**30)])
def test_one_seed_of_all_runs_makes_no_trials(tmp_path, seeds):
    logs = put(tmp_path, seeded(seeds))
    assert logs.scores["score"].to_list()[0] == 0.36
    assert logs.scores.height == 3
    assert logs.scores["seed"].null_count() == 3


@pytest.mark.parametrize(("shots", "n_kept"), [(0, 3), (5, 9)])
def test_without_examples_equal_results_are_copies_whatever_the_seed(tmp_path, shots, n_kept):
    more = {"n-shot": {"arc": shots}}
    logs = put(tmp_path, seeded((0, 1, 2), (0.3, 0.3, 0.3), **more))
    assert logs.scores.height == n_kept


def test_items_of_several_seeds_are_trials(tmp_path):
    for seed in (0, 1):
        folder = tmp_path / f"run{seed}"
        folder.mkdir()
        run = log("acme/quill-70m", 0.5, float(seed + 1), fewshot_seed=seed)
        (folder / f"results_2026-01-0{seed + 1}T00-00-00.0.json").write_text(json.dumps(run))
        lines = [
            {"doc_id": i, "target": "4", "filtered_resps": ["4"], "acc": (i + seed) % 2}
            for i in range(4)
        ]
        samples = folder / f"samples_arc_2026-01-0{seed + 1}T00-00-00.0.jsonl"
        samples.write_text("\n".join(map(json.dumps, lines)))
    logs = read(tmp_path)
    assert logs.outcomes.select("seed", "item").rows() == [(s, i) for s in (0, 1) for i in range(4)]
    assert not any("newer" in note for note in logs.notes)


@pytest.mark.parametrize(
    ("path", "model", "owner"),
    [
        ("/runs/quill-1b/hf", "quill-1b", ("runs",)),
        ("quill-1b/final/", "quill-1b", ()),
        (r"C:\runs\quill-1b\best", "quill-1b", ("C:", "runs")),
        ("/runs/quill-1b/checkpoints/global_step1000", "quill-1b-global_step1000", ("runs",)),
        ("/runs/quill-1b/hf/checkpoint-500", "quill-1b-checkpoint-500", ("runs",)),
        ("/h/hub/models--acme--quill-1b/snapshots/0a1b2c3d", "quill-1b", ("acme",)),
        ("/h/hub/models--gpt2/snapshots/0a1b2c3d", "gpt2", ()),
        ("acme/model", "model", ("acme",)),
        ("acme/20250101", "20250101", ("acme",)),
        ("./hf", "hf", ()),
        ("/", "/", ()),
    ],
)
def test_a_path_names_its_model_before_folders_of_storage(path, model, owner):
    assert model_names.place(path)[:2] == (model, owner)


@pytest.mark.parametrize(
    "path",
    [
        "/runs/quill-{}/hf",
        "/home/u/.cache/huggingface/hub/models--acme--quill-{}/snapshots/{:0>7}e",
    ],
)
def test_models_in_folders_of_one_name_make_their_series(tmp_path, path):
    names = [path.format(size, i) for i, size in enumerate(SIZES)]
    logs = put(tmp_path, [log(model, 0.3 + 0.05 * i) for i, model in enumerate(names)])
    assert {name: n for name, (n, _) in judged(logs).items()} == {"quill": 7}


def test_the_best_and_the_last_of_a_model_are_two(tmp_path):
    names = [f"/runs/quill-{size}/{state}" for state in ("best", "last") for size in SIZES]
    logs = put(tmp_path, [log(model, 0.2 + 0.03 * i, i) for i, model in enumerate(names)])
    assert {name: n for name, (n, _) in judged(logs).items()} == {
        "quill (best)": 7,
        "quill (last)": 7,
    }


def test_models_of_one_name_and_different_stated_sizes_are_different(tmp_path):
    rows = [f"ours,acc,0.{i},{n}" for i, n in enumerate((70e6, 1.6e8, 1.4e9), 1)]
    logs = csv(tmp_path, "model,metric,score,n_params", rows)
    assert logs.scores["model"].to_list() == ["ours (70M)", "ours (160M)", "ours (1.4B)"]
    assert judged(logs)["ours"][0] == 3
    rows = [f"quill-70m,acc,0.{i},{n}" for i, n in enumerate((70e6, 1.6e8), 1)]
    assert set(csv(tmp_path, "model,metric,score,n_params", rows).scores["model"]) == {"quill-70m"}


@pytest.mark.parametrize(
    ("name", "size", "budget", "family"),
    [
        ("quill-1B-20B", 1e9, "20B", "quill"),
        ("TinyLlama-1.1B-step-50K-105b", 1.1e9, "105b", "TinyLlama"),
        ("TinyLlama-1.1B-intermediate-step-480K-1T", 1.1e9, "1T", "TinyLlama"),
        ("nano-70M-fineweb-10B", 7e7, "10B", "nano"),
        ("nano-6.9B-fineweb-10B", 6.9e9, "10B", "nano"),
        ("SmolLM-135M-100B-tokens", 1.35e8, "100B", "SmolLM"),
        ("quill-70M-1.5T", 7e7, "1.5T", "quill"),
        ("dclm-1b-28B-1T", 1e9, "28B-1T", "dclm"),
        ("babylm-10M-opt-125m", 1.25e8, None, "babylm-10M-opt"),
        ("quill-tokens-10B-1B-chat", 1e9, None, "quill-tokens-10B"),
        ("Qwen2.5-7B-Instruct-1M", 7e9, None, "Qwen2.5"),  # a context of 1M
        ("OLMoE-1B-7B-0924", 7e9, None, "OLMoE-1B"),
        ("Qwen3-30B-A3B", 3e10, None, "Qwen3"),
        ("mixtral-8x7B-v0.1", None, None, "mixtral-8x7B-v0.1"),
        ("Ladder-190M-0.5xC", 1.9e8, "0.5xC", "Ladder"),
        ("opt-30b-instruct", 3e10, None, "OPT"),
        ("pythia-1b-deduped", 1e9, None, "Pythia"),
    ],
)
def test_the_size_in_a_name_beside_what_it_was_trained_on(name, size, budget, family):
    found = model_names.parse(name)
    assert (found.n_params, found.token_budget, found.family) == (size, budget, family)


def test_models_of_one_size_and_several_budgets_are_no_curve_of_sizes(tmp_path):
    budgets = (5, 10, 20, 40, 80)
    logs = put(tmp_path, [log(f"quill-1B-{n}B", 0.3 + 0.05 * i) for i, n in enumerate(budgets)])
    note = "token budget mixed: 10B, 20B, 40B, 5B, 80B"
    assert judged(logs) == {"quill": (5, note)}
    assert "quill-1B-5B (a model of 1,000,000,000 parameters, 5B tokens)" in logs.notes[0]


def test_one_budget_in_all_names_leaves_the_curve(tmp_path):
    names = [f"nano-{size}-fineweb-10B" for size in SIZES]
    logs = put(tmp_path, [log(name, 0.3 + 0.05 * i) for i, name in enumerate(names)])
    assert {name: n for name, (n, _) in judged(logs).items()} == {"nano": 7}


def test_a_size_that_contradicts_the_name_is_a_fault(tmp_path):
    sizes = (70, 160, 410, 1000, 1400, 2800, "")
    rows = [f"quill-{s},acc,0.5,{n}" for s, n in zip(SIZES, sizes, strict=True)]
    logs = csv(tmp_path, "model,metric,score,n_params", rows)
    assert logs.scores["model"].to_list() == ["quill-6.9b"]
    assert len(logs.faults) == 6
    assert logs.faults[0].startswith(
        "n_params of 'quill-70m' is 70, and its name says 70,000,000: its 1 score is left out"
    )
    stated = {f"quill-{size}": size for size in SIZES}
    assert read(tmp_path, n_params=stated).faults == ()


def test_a_size_beside_the_nominal_one_is_believed(tmp_path):
    logs = csv(tmp_path, "model,metric,score,n_params", ["pythia-70m,acc,0.5,18915328"])
    assert logs.scores["n_params"].to_list() == [18_915_328]
    assert logs.faults == ()


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (("70M", "160M", "1.4B"), "*"),
        (("/out/mine/70M", "/out/mine/160M", "/out/mine/1.4B"), "mine"),
        (("350M-ours", "1.3B-ours", "7B-ours"), "ours"),
        (("OLMo-2-0425-1B", "OLMo-2-1124-7B", "OLMo-2-1124-13B", "OLMo-2-0325-32B"), "OLMo-2"),
        (("quill-0301-1B", "quill-0301-2B", "quill-0301-3B"), "quill-0301"),
    ],
)
def test_names_of_one_series_are_one_family(tmp_path, names, family):
    logs = put(tmp_path, [log(name, 0.3 + 0.1 * i) for i, name in enumerate(names)])
    assert {name: n for name, (n, _) in judged(logs).items()} == {family: len(names)}


def test_releases_of_the_same_sizes_stay_apart(tmp_path):
    names = [f"quill-{date}-{size}" for date in ("0301", "0601") for size in ("1B", "2B")]
    logs = put(tmp_path, [log(name, 0.3 + 0.1 * i) for i, name in enumerate(names)])
    assert sorted(judged(logs)) == ["quill-0301", "quill-0601"]


def test_experts_of_stated_sizes_are_one_family_whatever_their_unit(tmp_path):
    rows = [f"quill-8x{s},acc,0.{i},{8 * number_of(s)}" for i, s in enumerate(SIZES, 1)]
    logs = csv(tmp_path, "model,metric,score,n_params", rows)
    assert {name: n for name, (n, _) in judged(logs).items()} == {"quill-*x*": 7}


@pytest.mark.parametrize("column", [False, True])
def test_checkpoints_of_three_sizes_are_curves_of_their_own(tmp_path, column):
    between, header, shown = (
        (",", "model,revision", "revision ") if column else ("-step", "model", "step")
    )
    rows = [
        f"quill-{size}{between}{step},acc,0.{i}"
        for step in (1000, 3000)
        for i, size in enumerate(SIZES, 1)
    ]
    logs = csv(tmp_path, f"{header},metric,score", rows)
    assert {name: n for name, (n, _) in judged(logs).items()} == {
        f"quill ({shown}1000)": 7,
        f"quill ({shown}3000)": 7,
    }


def test_families_of_one_model_are_told_how_to_become_one(tmp_path):
    logs = put(tmp_path, [log(name, 0.3) for name in ("abacus-1b", "beta-2b", "gamma-3b")])
    (hint,) = [note for note in logs.notes if "families of one model" in note]
    assert hint.startswith("3 families of one model each (abacus, beta, gamma) are no curve")


def test_the_step_in_a_name_counts_beside_the_main_branch(tmp_path):
    names = [f"acme/quill-{size}-step{n}" for n in (1000, 3000) for size in SIZES]
    logs = put(tmp_path, [log(name, 0.3, model_revision="main") for name in names])
    assert sorted(judged(logs)) == ["quill (step1000)", "quill (step3000)"]
