"""Published tables: what the files hold, and each caveat."""

import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from mirage import datasets, tables
from mirage.datasets import bigg
from mirage.datasets.directory import verify_directory
from mirage.datasets.tables import ItemTable, ScoreTable
from mirage.files import DataError, sha256

ON_BOARD = (
    "bigg",
    "bigg_shots",
    "human_eval",
    "wei_emergent",
    "obsscaling",
    "expemergence",
    "lm_eval",
    "pythia_arithmetic",
    "official_bigbench",
    "bigbench_task_metrics",
    "olmo_ladder",
    "ukp_on_emergence",
)
ABSENT = ("bigbench", "inverse_scaling", "gpt3_tasks")


def real(name):
    """Load what the package brings; of the rest, what the data directory has."""
    if name in ABSENT and not datasets.available(name):
        pytest.skip(f"no licence to embed {name}, and $MIRAGE_DATA has none")
    return datasets.load(name, source="auto" if name in ABSENT else "embedded")


@pytest.mark.parametrize("name", ON_BOARD)
def test_table_is_sound_and_whole(name):
    data = real(name)
    assert (data.source, data.is_whole) == ("embedded", True)
    assert not re.search(r"[{}]|\b0 (models|tasks|rows)", data.description)
    if isinstance(data, ScoreTable):
        assert tables.scores(data.scores).equals(data.scores)


def test_every_data_set_is_embedded_or_known_to_be_absent():
    assert {*ON_BOARD, *ABSENT, "mnist", "cifar100", "omniglot"} == set(datasets.REGISTRY)


def test_nothing_heavy_is_imported_before_a_table_is_loaded():
    heavy = "{'torch', 'scipy', 'polars', 'sklearn', 'matplotlib', 'altair'}"
    script = f"import sys, mirage.datasets; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


# Files -----------------------------------------------------------------------------------------


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A data directory with a small BIG-G of three tasks and two sizes."""
    folder = tmp_path / "bigbench"
    folder.mkdir()
    rows = [
        {
            "task": task,
            "kind_inferred": kind,
            "size": size,
            "params": n,
            "shots": 3,
            "n": 4,
            "n_correct": 1,
            "acc": 0.25,
            "conf_normalized_brier": 0.5,
            "conf_absolute_brier": 0.1,
            "chance_from_accs_3": chance,
        }
        for task, kind, chance in (
            ("a", "generative_exact_match", None),
            ("b", "multiple_choice_or_multi_target", 0.5),
            ("c", "multiple_choice_or_multi_target", None),
        )
        for size, n in (("2m", 2_098_048), ("128b", 137_440_272_384))
    ]
    pl.DataFrame(rows).write_csv(folder / "bigg_t0_3shot.csv")
    items = [(t, s, i, int(i == 0)) for t in "abc" for s in ("2m", "128b") for i in range(4)]
    frame = pl.DataFrame(items, schema=["task", "size", "i", "correct"], orient="row")
    frame.write_parquet(folder / "bigg_t0_3shot_items.parquet")
    sums = "".join(f"{sha256(tmp_path / name)}  {name}\n" for name in bigg.SPEC.files)
    (tmp_path / "SHA256SUMS").write_text(sums)
    monkeypatch.setenv("MIRAGE_DATA", str(tmp_path))
    monkeypatch.delenv("MIRAGE_SOURCE", raising=False)
    monkeypatch.setattr("mirage.datasets.directory.EMBEDDED", tmp_path / "none")
    return tmp_path


def test_bigg_by_hand(toy):
    data = datasets.load("bigg")
    assert data.source == "directory"
    assert data.description == "BIG-G at T = 0, 3 shots (3 BIG-bench tasks × 2 sizes)"
    # 3 tasks × 2 sizes × 3 metrics, less the normalised score of the tasks without choices.
    assert data.scores.height == 14
    kinds = ["exact match", "multiple choice", "exact match, several targets"]
    assert data.scores["kind"].unique(maintain_order=True).to_list() == kinds
    normalised = data.scores.filter(metric="top-label Brier score, normalised")
    assert normalised["task"].unique().to_list() == ["b"]
    assert data.scores.filter(metric="accuracy")["higher_is_better"].all()
    assert not normalised["higher_is_better"].any()
    shared = data.outcomes.group_by("model").agg(pl.col("shared_items").all())
    assert dict(shared.rows()) == {"2m": True, "128b": False}


def test_a_damaged_or_missing_file_of_several_is_refused(toy):
    items = toy / bigg.SPEC.files[1]
    whole = items.read_bytes()
    items.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"items\.parquet is damaged .* \(bigg cannot be down"):
        datasets.load("bigg")
    items.unlink()
    with pytest.raises(DataError, match=r"items\.parquet is not there, but .* \(1 of 2 missing\)"):
        datasets.load("bigg")
    (toy / bigg.SPEC.files[0]).unlink()
    with pytest.raises(DataError, match=r"is not there; it has no download \(computed from"):
        datasets.load("bigg")  # none of them: absent, not damaged


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense", "a,b\n1,2\n".encode("utf-16")])
@pytest.mark.parametrize("which", [0, 1])
def test_file_on_record_but_not_the_data_set(toy, which, content):
    path = toy / bigg.SPEC.files[which]
    path.write_bytes(content)
    sums = "".join(f"{sha256(toy / name)}  {name}\n" for name in bigg.SPEC.files)
    (toy / "SHA256SUMS").write_text(sums)
    with pytest.raises(DataError, match=r"bigbench does not hold BIG-G: "):
        datasets.load("bigg")


def test_digest_changes_with_any_file(toy):
    before = datasets.load("bigg").digest
    path = toy / bigg.SPEC.files[0]
    path.write_text(path.read_text().replace("0.25", "0.5"))
    sums = "".join(f"{sha256(toy / name)}  {name}\n" for name in bigg.SPEC.files)
    (toy / "SHA256SUMS").write_text(sums)
    assert datasets.load("bigg").digest != before


def test_verify_finds_tables_off_the_record(toy):
    (toy / "bigbench" / "new.csv").write_text("a\n1\n")
    (toy / ".x.partial").mkdir()
    (toy / ".x.partial" / "half.csv").write_text("a")
    faults = dict(verify_directory(toy))
    assert faults["bigbench/new.csv"] == "no line in SHA256SUMS"
    assert set(faults) == {*bigg.SPEC.files, "bigbench/new.csv"}


# The real files --------------------------------------------------------------------------------


def test_real_bigg():
    data = real("bigg")
    assert data.scores["task"].n_unique() == 85
    assert data.scores["model"].n_unique() == 12
    exact = data.scores.filter(kind="exact match")
    assert exact["task"].n_unique() == 18
    assert data.scores.filter(kind="exact match, several targets")["task"].n_unique() == 5
    choices = data.scores.filter(metric="top-label Brier score, normalised")
    assert choices["task"].n_unique() == 62
    assert choices["chance"].null_count() == 0
    # Item i means one item for 2M to 27B, except where their numbers of items differ.
    shared = data.outcomes.filter("shared_items")
    assert (shared["model"].n_unique(), shared["task"].n_unique()) == (11, 82)
    counts = shared.group_by("task", "model").len().group_by("task").agg(pl.col("len").n_unique())
    assert counts["len"].max() == 1
    # The outcomes are the scores': each accuracy is the share of correct items.
    share = data.outcomes.group_by("model", "task").agg(pl.col("correct").mean(), n=pl.len())
    both = data.scores.filter(metric="accuracy").join(share, on=["model", "task"])
    assert both.height == 1020
    np.testing.assert_allclose(both["score"], both["correct"], atol=1e-12)
    assert both["n_items"].equals(both["n"].cast(pl.Int64).rename("n_items"))


def test_real_bigg_shots_agree_with_bigg():
    shots = real("bigg_shots").scores.filter(shots=3)
    main = real("bigg").scores.filter(model="128b")
    both = main.join(shots, on=["task", "metric"])
    assert both.height == main.height
    assert both["score"].equals(both["score_right"].rename("score"))


def test_real_obsscaling():
    scores = real("obsscaling").scores
    # The published row of Llama-2-7B: transliteration 72 of 1 003, BLEU 27.2.
    row = scores.filter(
        model="meta-llama/Llama-2-7b-hf", task="international_phonetic_alphabet_transliterate"
    )
    by = dict(row.select("metric", "score").rows())
    assert by["exact match"] == pytest.approx(72 / 1003)
    assert by["BLEU"] == pytest.approx(27.2388, abs=1e-4)
    assert row["compute"].unique().to_list() == [8.4e22]
    counts = scores.filter(pl.col("metric") != "BLEU").drop_nulls("n_items")
    correct = (counts["score"] * counts["n_items"]).to_numpy()
    np.testing.assert_allclose(correct, np.rint(correct), atol=1e-6)


def test_real_expemergence():
    scores = real("expemergence").scores
    assert scores["model"].n_unique() == 68
    gpt2 = scores.filter(family="GPT-2").select("model", "n_params").unique().sort("n_params")
    # Without the mislabelled rows, one size each.
    assert gpt2.rows() == [
        ("openai-community/gpt2", 124_000_000),
        ("openai-community/gpt2-large", 774_000_000),
    ]
    llama = scores.filter(model="openlm-research/open_llama_7b_v2")
    assert llama["n_params"].unique().to_list() == [7_000_000_000]
    assert llama["compute"].to_list() == pytest.approx([4.2e22] * llama.height)  # 6 × 7e9 × 1e12
    whole = scores.filter(task="arithmetic", metric="accuracy", model="meta-llama/Llama-2-7b-hf")
    assert whole["score"].item() == pytest.approx(0.5304533)
    # Group 1 is the hardest, under either metric, over all models.
    mean = scores.drop_nulls("group").group_by("task", "metric", "group").agg(pl.mean("score"))
    for metric, sign in (("accuracy", 1), ("target Brier score", -1)):
        curve = mean.filter(pl.col("task").str.starts_with("arith"), metric=metric).sort("group")
        assert (np.diff(sign * curve["score"].to_numpy()) > 0).all()
    # The whole is the mean of its groups, weighted by their sizes.
    groups = scores.filter(pl.col("task").str.starts_with("arithmetic, "), metric="accuracy")
    weighted = (pl.col("score") * pl.col("n_items")).sum() / pl.col("n_items").sum()
    means = groups.group_by("model").agg(mean=weighted)
    both = scores.filter(task="arithmetic", metric="accuracy").join(means, on="model")
    np.testing.assert_allclose(both["score"], both["mean"], atol=1e-9)


def test_real_inverse_scaling():
    data = real("inverse_scaling")
    assert data.outcomes["model"].n_unique() == 15
    # A blank `correct` gives no accuracy, not a zero.
    partly = data.scores.filter(task="anli_r1-gpt3").group_by("metric").len()
    assert dict(partly.rows()) == {"accuracy": 3, "negative log-likelihood": 4}
    boolq = data.scores.filter(task="boolq-0shot-gpt3", metric="accuracy").sort("n_params")
    assert boolq["model"].to_list() == ["ada", "babbage", "curie", "davinci"]
    assert boolq["n_items"].unique().to_list() == [3270]  # BoolQ's validation set
    loss = data.outcomes.filter(task="boolq-0shot-gpt3", model="ada")["loss"]
    row = data.scores.filter(
        task="boolq-0shot-gpt3", model="ada", metric="negative log-likelihood"
    ).row(0, named=True)
    assert row["score"] == pytest.approx(loss.mean())
    assert row["stderr"] == pytest.approx(loss.std() / np.sqrt(3270))


def test_real_lm_eval():
    data = real("lm_eval")
    sizes = data.scores.select("family", "model", "n_params").unique().sort("n_params")
    assert dict(sizes.group_by("family").len().rows()) == {"Pythia": 8, "OPT": 8, "BLOOM": 5}
    # 5 153 items: the LAMBADA test set, found from shares and their errors in all 21 files.
    lambada = data.scores.filter(task="lambada_openai", metric="acc")
    assert lambada["n_items"].unique().to_list() == [5153]
    # Each MMLU subject has one number of items, whichever model it was found from.
    mmlu = data.scores.filter(pl.col("task").str.starts_with("hendrycks"), metric="acc")
    per_task = mmlu.drop_nulls("n_items").group_by("task").agg(pl.col("n_items").n_unique())
    assert per_task["n_items"].max() == 1


def test_real_pythia_arithmetic():
    scores = real("pythia_arithmetic").scores
    assert scores.height == 7 * 6 * 200 * 5
    # s² = a(1 − a)/(50 − 1)
    expected = (scores["score"] * (1 - scores["score"]) / 49).sqrt()
    np.testing.assert_allclose(scores["stderr"], expected, atol=1e-12)
    assert scores.filter(model="125m")["n_params"].unique().to_list() == [160_000_000]


def test_real_item_tables():
    human = real("human_eval").table
    assert human["task"].n_unique() == 178
    shares = human.filter(pl.col("metric").is_in(["multiple_choice_grade", "exact_str_match"]))
    assert shares["score"].is_between(0, 1).all()
    wei = real("wei_emergent").table
    assert wei.height == 47
    assert wei.filter(~pl.col("complete"))["model"].unique().to_list() == ["PaLM 540B"]
    lamda = set(wei.filter(model="LaMDA 137B")["task"])
    # The four multiple-choice tasks of the paper's Figure 6 are among the eight.
    assert {"irony_identification", "logical_args", "sports_understanding"} <= lamda


def test_gpt3_items():
    items = real("gpt3_tasks").table
    assert items.group_by("task").len()["len"].to_list() == [2000] * 5
    first = items.filter(task="two_digit_multiplication", item=0).row(0, named=True)
    assert first["context"] == "\n\nQ: What is 95 times 45?\n\nA:"
    assert (first["completion"], first["target_length"]) == (" 4275", 4)  # 95 × 45 = 4275


def test_item_tables_are_no_score_tables():
    for name in ("human_eval", "wei_emergent", "bigbench_task_metrics"):
        assert isinstance(real(name), ItemTable)
