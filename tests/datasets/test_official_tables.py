"""Official BIG-bench scores and metrics, the OLMo ladder, and UKP's runs: what the tables hold."""

import numpy as np
import polars as pl
import pytest

from mirage import datasets


def load(name):
    return datasets.load(name, source="embedded")


def test_official_scores_appear_once():
    scores = load("official_bigbench").scores
    # 89 multiple-choice tasks less the 13 that Lite has.
    counts = scores.group_by("collection").len().sort("len").rows()
    assert counts == [("multiple choice", 76 * 12), ("Lite", 1122)]
    assert scores["task"].n_unique() == 100
    # Where both files have a task, Lite's full precision, the other's chance level.
    row = scores.filter(family="BIG-G T=0", task="known_unknowns", model="2m").row(0, named=True)
    assert (row["collection"], row["n_items"], row["chance"]) == ("Lite", 46, 0.5)
    assert row["score"] * 46 == pytest.approx(round(row["score"] * 46), abs=1e-9)
    subtask = scores.filter(task="strange_stories:boolean")
    assert subtask["parent_task"].unique().to_list() == ["strange_stories"]


def test_four_decimals_are_undone_where_they_stand_for_whole_items():
    scores = load("official_bigbench").scores.filter(collection="multiple choice")
    correct = scores["score"] * scores["n_items"]
    assert scores.filter((correct - correct.round()).abs() > 1e-6)["task"].n_unique() == 9
    assert scores["n_items"].max() == 1024  # what BIG-bench evaluates at most


def test_items_of_lite_are_known_where_all_scores_count_them():
    lite = load("official_bigbench").scores.filter(collection="Lite")
    known = lite.drop_nulls("n_items")
    correct = (known["score"] * known["n_items"]).to_numpy()
    np.testing.assert_allclose(correct, np.rint(correct), atol=1e-6)
    bigg = lite.filter(family="BIG-G T=0")
    assert bigg.filter(pl.col("n_items").is_null())["task"].unique().sort().to_list() == [
        "conlang_translation:adna_from",  # ROUGE
        "logical_deduction:five_objects",  # partial credit
        "operators",  # 210 of its 211 items, it seems
    ]


def test_temperature_is_that_of_the_family():
    scores = load("official_bigbench").scores
    first = dict(scores.group_by("family").agg(pl.col("temperature").first()).rows())
    assert (first["BIG-G T=0"], first["BIG-G T=1"], first["PaLM"]) == (0.0, 1.0, None)


def test_task_metrics_give_the_known_base_rates():
    table = load("bigbench_task_metrics").table
    two = ["multiple_choice_grade", "exact_str_match"]
    # Of all JSON entries that prefer a metric: 897 of 1 008; without the four giants 280 of 330.
    entries = table.filter(pl.col("kind") == "json", pl.col("metric").is_not_null())
    assert (entries["metric"].is_in(two).sum(), entries.height) == (897, 1008)
    giants = ["list_functions", "mult_data_wrangling", "multiemo", "natural_instructions"]
    rest = entries.filter(~pl.col("task").is_in(giants))
    assert (rest["metric"].is_in(two).sum(), rest.height) == (280, 330)
    assert table.filter(kind="json")["task"].n_unique() == 167
    assert table.filter(kind="code")["task"].n_unique() == 42
    code = table.filter(kind="code", task="self_awareness")
    uses = {"exact_str_match": 4, "multiple_choice_grade": 1}
    assert dict(code.select("metric", "n_uses").rows()) == uses


def test_olmo_ladder_is_a_grid_of_sizes_and_budgets():
    scores = load("olmo_ladder").scores
    runs = scores.select("model", "n_params", "budget", "rerun", "compute", "n_tokens").unique()
    assert runs.height == 30
    grid = runs.filter(~pl.col("rerun"))
    assert grid.height == grid.select("n_params", "budget").n_unique() == 25
    # 20 tokens a parameter; the source counts embeddings and attention besides 6 N D.
    tokens = runs["n_tokens"] / (20 * runs["budget"] * runs["n_params"])
    assert tokens.is_between(0.95, 1.05).all()
    assert (runs["compute"] / (6 * runs["n_params"] * runs["n_tokens"])).is_between(1, 2).all()


def test_olmo_metrics_are_of_the_same_answers():
    scores = load("olmo_ladder").scores
    row = scores.filter(model="190M-0.5xC", task="mmlu_stem", split="val")
    by = dict(row.select("metric", "score").rows())
    assert by["accuracy, normalised"] == pytest.approx(0.2586, abs=1e-4)
    assert by["bits per byte"] == pytest.approx(2.4928, abs=1e-4)
    # Jensen: the mean logarithm is at most the logarithm of the mean.
    assert by["target log-likelihood"] <= np.log(by["target probability"])
    assert len(by) == 4
    losses = scores.filter(metric="loss", task="c4_en")
    assert losses["loss"].equals(losses["score"].rename("loss"))
    assert losses.height == 30


def test_ukp_scores_are_of_the_same_outputs():
    scores = load("ukp_on_emergence").scores
    assert scores["task"].n_unique() == 23
    gpt = scores.filter(family="GPT").select("model", "n_params").unique().sort("n_params")
    assert gpt["model"].to_list() == ["GPT-2", "GPT-2 XL", "GPT-J", "davinci"]
    # The file's first row: GPT-2, seed 2266, 123 of 745 items right.
    first = scores.filter(
        model="GPT-2", task="tracking_shuffled_objects", prompt="closed", shots=0, seed=2266
    ).filter(n_items=745)
    by = dict(first.select("metric", "score").rows())
    assert by["exact match"] * 745 == pytest.approx(123, abs=1e-4)
    assert by["edit distance"] == pytest.approx(36.10469799)
    assert by["BERTScore"] == pytest.approx(0.8593975306)
    assert scores["score"].min() >= 0  # −100 marks what was not computed


def test_ukp_directions_follow_the_metric():
    scores = load("ukp_on_emergence").scores
    directions = dict(scores.select("metric", "higher_is_better").unique().rows())
    assert directions["edit distance"] is False
    assert all(directions[m] for m in ("exact match", "BERTScore", "BERTScore accuracy"))
