"""The catalogue of claimed abilities: table, findings on hand-made verdicts, picture."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

from mirage import datasets
from mirage.book.claims import Found, judged
from mirage.book.rules import Verdict
from mirage.pages import catalogue, catalogue_draw
from mirage.pages import catalogue_tables as tables

WEI = pl.DataFrame(
    [("GPT-3 13B", "a"), ("GPT-3 175B", "b"), ("LaMDA 137B", "c"), ("PaLM 8B", "d")],
    schema=["model", "task"],
    orient="row",
)
LISTED = tables.claimed(WEI)


def curves(*rows):
    """Verdicts as (task, family, models, kind)."""
    table = pl.DataFrame(rows, schema=["task", "family", "n_models", "kind"], orient="row")
    pairs = LISTED.select("task", "family", is_claimed=pl.lit(True))
    return table.join(pairs, on=["task", "family"], how="left").with_columns(
        pl.col("is_claimed").fill_null(False),
        is_listed=pl.col("task").is_in(["a", "b", "c", "d"]),
        is_jump=pl.col("kind") == "jump",
        protocol=pl.lit(""),
        sentence=pl.lit("Why."),
        note=pl.lit(""),
        plan=pl.lit("Neither would."),
        smallest_detectable_jump=pl.lit(1.0),
    )


TABLE = curves(
    ("a", "GPT-3", 8, "jump"),
    ("a", "OPT", 8, "resolution"),
    ("b", "OPT", 8, "metric"),
    ("c", "BIG-G, T=0", 12, "undecided"),
    ("c", "PaLM", 3, "undecided"),
    ("x", "BIG-G, T=0", 12, "jump"),
    ("y", "BIG-G, T=0", 12, "gradual"),
)


def test_claims_are_about_families():
    assert LISTED["family"].to_list() == ["GPT-3", "GPT-3", "BIG-G, T=0", "PaLM"]


def test_findings_by_hand():
    found = catalogue.findings(TABLE, LISTED, np.random.default_rng(0))
    # Five models or more: (a, GPT-3) and (c, BIG-G) of four pairs.
    assert found["catalogue-public"] == Found(0.5, None, 4, "pairs")
    # a, b and c have such a curve, a alone jumps.
    assert (found["catalogue-jump"].ours, found["catalogue-jump"].n) == (1 / 3, 3)
    # Of jump, resolution and metric two are explained; a has one of two, b one of one.
    mirage = found["catalogue-mirage"]
    assert (mirage.ours, mirage.n) == (2 / 3, 3)
    assert mirage.interval[0] == pytest.approx(0.5)
    assert mirage.interval[1] == pytest.approx(1)
    assert (found["catalogue-undecided"].ours, found["catalogue-undecided"].n) == (1 / 4, 4)
    # 0 of 1 listed and 1 of 2 others jump: the interval of the ratio has no lower end but 0.
    assert judged(catalogue.CLAIMS, found)[4].verdict != Verdict.REPRODUCED


def test_without_emergent_curves_the_question_is_not_attempted():
    flat = curves(("a", "GPT-3", 8, "gradual"), ("b", "OPT", 8, "gradual"))
    found = catalogue.findings(flat, LISTED, np.random.default_rng(0))
    assert found["catalogue-mirage"] == "no curve looks emergent"
    # Where all agree no draw differs: 0 of 2 abilities, Clopper and Pearson's [0, .842].
    assert found["catalogue-undecided"].interval[1] == pytest.approx(0.842, abs=1e-3)
    assert found["catalogue-listed"] == "the data are not here"


def test_numbers_and_conclusion():
    values = catalogue.numbers(TABLE, LISTED)
    assert values["catalogue-claimed-unseen"] == "2"  # b under GPT-3, d under PaLM
    assert values["catalogue-without"] == "1"
    assert values["catalogue-missing"] == "d"
    assert values["catalogue-n-jump"] == "1"
    assert values["catalogue-curves"] == "5"
    text = catalogue.conclusion(TABLE)
    assert text.startswith("Of 4 curves of at least 5 models, 1 jumps under every metric")
    assert "2 look emergent for reasons" in text


def test_the_picture_has_a_letter_for_each_curve():
    tasks, families = tables.order(TABLE, LISTED)
    assert families == ["GPT-3", "BIG-G, T=0", "PaLM", "OPT"]
    figure, ax = plt.subplots()
    catalogue_draw.draw_catalogue(ax, TABLE, LISTED, tasks, families)
    letters = sorted(text.get_text() for text in ax.texts)
    assert letters == sorted(["J", "R", "M", "?", "?"])
    catalogue_draw.draw_groups(ax, LISTED)
    legend = catalogue_draw.legend(ax, TABLE).get_legend()
    assert "J  jump under every metric (1)" in [text.get_text() for text in legend.get_texts()]
    plt.close(figure)


def test_table_in_words():
    words = tables.in_words(TABLE)
    assert words.height == 5
    assert words.row(0)[0] == "a, GPT-3"
    assert words["why"][0] == "Why. Neither would."


def test_scores_of_shipped_data_are_one_curve_each():
    data = {name: datasets.load(name) for name in tables.DATA}
    listed = tables.claimed(datasets.load("wei_emergent").table)
    table = tables.scores(data, set(listed["task"]))
    per_model = table.group_by("family", "task", "metric", "model").len()
    assert per_model["len"].max() == 1
    models = table.group_by("family", "task").agg(pl.col("model").n_unique())
    assert models["model"].min() >= tables.FEWEST
    sources = table.group_by("family", "task").agg(pl.col("source").n_unique())
    assert sources["source"].max() == 1
    chance = table.filter(pl.col("metric") == "multiple_choice_grade")["chance"]
    assert chance.null_count() == 0
    composite = table.filter(task="logical_deduction", metric="multiple_choice_grade")
    assert composite["chance"].unique().to_list() == [0.2]  # five objects
