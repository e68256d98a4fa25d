"""The catalogue of claimed abilities: findings on hand-made verdicts, the picture's cells."""

import re

import numpy as np
import polars as pl
import pytest
from bs4 import BeautifulSoup

from mirage import datasets
from mirage.audit.cards import anchor
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


def test_findings_by_hand(few_count):
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


def test_curves_that_would_show_no_jump_say_nothing_against_jumps(few_count):
    blind = TABLE.with_columns(
        smallest_detectable_jump=pl.when(task="a", family="OPT").then(1.0).otherwise(float("inf"))
    )
    found = catalogue.findings(blind, LISTED, np.random.default_rng(0))
    # Left are both curves of a: one jumps, and the other would have shown a jump.
    assert (found["catalogue-jump"].ours, found["catalogue-jump"].n) == (1, 1)
    assert (found["catalogue-mirage"].ours, found["catalogue-mirage"].n) == (1 / 2, 2)
    blinder = blind.filter(pl.col("kind") != "jump").with_columns(
        smallest_detectable_jump=pl.lit(None, pl.Float64)
    )
    found = catalogue.findings(blinder, LISTED, np.random.default_rng(0))
    assert found["catalogue-mirage"] == (
        "none of 2 curves that look emergent would show a jump of 1.5 in log odds"
    )
    verdicts = {claim.id: claim.verdict for claim in judged(catalogue.CLAIMS, found)}
    assert verdicts["catalogue-jump"] == verdicts["catalogue-mirage"] == Verdict.NOT_ATTEMPTED
    assert found["catalogue-jump"] == "none of 3 curves would show a jump of 1.5 in log odds"
    assert "only 0 show a jump" in catalogue.conclusion(blinder)


def test_one_ability_that_could_jump_and_does_not_decides_nothing():
    one = TABLE.filter(task="a", family="OPT")
    found = catalogue.findings(one, LISTED, np.random.default_rng(0))
    verdicts = {claim.id: claim.verdict for claim in judged(catalogue.CLAIMS, found)}
    assert verdicts["catalogue-jump"] == Verdict.NOT_ATTEMPTED  # 0 of 1: [0, .975]
    assert found["catalogue-jump"].startswith("n = 1 abilities")


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
    assert "4 show a jump, or would show one of 1.5 in log odds" in text
    assert "2 look emergent for reasons" in text


def drawn(table=TABLE) -> BeautifulSoup:
    shown = catalogue_draw.picture(table, LISTED, *tables.order(table, LISTED))
    assert "\n\n" not in shown.markup, "a blank line would end the HTML where Markdown shows it"
    return BeautifulSoup(shown.markup, "html.parser")


def test_each_curve_has_its_cell():
    assert tables.order(TABLE, LISTED)[1] == ["GPT-3", "BIG-G, T=0", "PaLM", "OPT"]
    rows = {row.th.get_text(): row.find_all("td") for row in drawn().select("tr.ability")}
    letters = {name: [cell.get_text() for cell in cells] for name, cells in rows.items()}
    assert letters == {
        "a": ["J", "", "", "R"],
        "b": ["", "", "", "M"],
        "c": ["", "?", "?", ""],
        "d": ["", "", "", ""],
    }
    framed = {name: [bool(td.select(".framed")) for td in cells] for name, cells in rows.items()}
    assert [row.index(True) for row in framed.values()] == [0, 0, 1, 2]
    assert all(sum(row) == 1 for row in framed.values())
    assert rows["b"][0].i["aria-label"] == (
        "b, GPT-3: the claim is about this family, no public scores"
    )


def test_each_cell_names_its_curve_and_its_card():
    links = drawn().select("td > a")
    names = [link["aria-label"] for link in links]
    assert names[0] == (
        "a, GPT-3: jump under every metric at hand, 8 models; the claim is about this family"
    )
    assert names[1] == "a, OPT: because of resolution, 8 models"
    assert links[0]["data-report"] == catalogue_draw.REPORT
    assert links[0]["data-card"] == anchor("GPT-3", "a")
    assert len({link["data-card"] for link in links}) == len(links) == 5


def test_abilities_stand_below_the_model_of_their_claim():
    groups = [
        (group.select_one("th[scope=rowgroup]").get_text(), len(group.select(".ability")))
        for group in drawn().find_all("tbody")
    ]
    assert groups == [("GPT-3 13B", 1), ("GPT-3 175B", 1), ("LaMDA 137B", 1), ("PaLM 8B", 1)]


def test_the_legend_counts_and_chooses():
    page = drawn()
    labels = [label.get_text(" ", strip=True) for label in page.find_all("label")]
    assert labels[:5] == [
        "all 5 curves",
        "J jump under every metric at hand (1)",
        "M because of the metric (1)",
        "R because of resolution (1)",
        "? undecided (2)",
    ]
    values = {choice["value"] for choice in page.find_all("input")} - {""}
    rules = page.style.string
    assert all(f"input[value={value}]:checked" in rules for value in values)


def test_names_of_tasks_are_text():
    hostile = TABLE.with_columns(task=pl.col("task").replace("a", "<b>a</b>"))
    listed = LISTED.with_columns(task=pl.col("task").replace("a", "<b>a</b>"))
    shown = catalogue_draw.picture(hostile, listed, *tables.order(hostile, listed))
    assert not BeautifulSoup(shown.markup, "html.parser").find("b")


@pytest.mark.parametrize("kind", catalogue_draw.LOOKS)
def test_letters_can_be_read_on_their_ground(kind):
    _, ground, ink = catalogue_draw.LOOKS[kind]
    light, dark = sorted((luminance(ground), luminance(ink)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_edge_of_a_cell_can_be_seen_in_light_and_in_dark():
    edge, dark = luminance(catalogue_draw.EDGE), luminance("#14181e")  # the theme's ground
    assert 1.05 / (edge + 0.05) >= 3
    assert (edge + 0.05) / (dark + 0.05) >= 3


def luminance(color: str) -> float:
    """Of WCAG 2."""
    digits = re.findall("..", color[1:]) if len(color) == 7 else [c * 2 for c in color[1:]]
    channel = np.array([int(pair, 16) for pair in digits]) / 255
    linear = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


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
