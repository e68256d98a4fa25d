"""Figure 6 as read, and the same models under two metrics."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

from mirage import tables
from mirage.book.claims import judged
from mirage.pages import figure_6, figure_6_draw, figure_6_lamda, figure_6_models
from mirage.pages.figure_6_groups import Group, counts, groups, numbers, olmo_panels
from mirage.statistics.intervals import Interval


def test_figure_6_as_read():
    table = figure_6_lamda.lamda()
    assert table.height == 4 * 2 * 2 * 6
    guess = table.filter(metric="negative Brier score").group_by("task").agg(pl.first("chance"))
    # −(K − 1)/K²: K = 2, 2, 5, 4.
    assert dict(guess.iter_rows()) == {
        "irony_identification": -0.25,
        "sports_understanding": -0.25,
        "logical_args": -0.16,
        "swahili_english_proverbs": -0.1875,
    }


def test_readings_by_hand():
    table = figure_6_lamda.reading(2000, np.random.default_rng(0))
    brier = table.filter(metric="negative Brier score")
    row = brier.filter(task="logical_args").row(0, named=True)
    # Means of both shots: −.2045 at 1 B, −.184 at 27 B, −.1185 at 128 B; the last step is .0655 of
    # .086, on log(128/27)/log(128) = .3207 of the axis: 2.375.
    assert row["steepness"] == pytest.approx(2.375, abs=1e-3)
    assert row["last"] == pytest.approx(0.0655)
    assert row["first"] == pytest.approx(-0.2045 + 0.16)
    assert row["last_low"] < row["last"] < row["last_high"]
    assert row["last_high"] - row["last_low"] < 4 * figure_6_lamda.READING_ERROR
    swahili = brier.filter(task="swahili_english_proverbs").row(0, named=True)
    # It falls over all sizes: −.0435 of a range of .045, on .3207 of the axis.
    assert swahili["steepness"] == pytest.approx(-0.0435 / 0.045 / 0.3207, rel=1e-3)
    assert swahili["last_high"] < 0


ENDS = ("low", "high")


def test_what_becomes_of_lamda_s_rises():
    def steep(low, high):
        return {
            f"{base}_{end}": y
            for base in figure_6_lamda.BASES
            for end, y in zip(ENDS, (low, high), strict=True)
        }

    row = {"task": "a", "last_high": 0.1} | steep(2.1, 3.0)
    smooth = row | steep(0.5, 1.9)
    doubt = row | steep(1.9, 2.1)
    falls = row | {"last_high": -0.1}
    fates = {"disappears": smooth, "persists": row, "undecided": doubt, "reversed": falls}
    for fate, new in fates.items():
        assert figure_6_lamda.lamda_outcomes(pl.DataFrame([row, new])) == {"a": fate}
    bases_disagree = smooth | {"above_low": 2.5, "above_high": 3.0}
    assert figure_6_lamda.lamda_outcomes(pl.DataFrame([row, bases_disagree])) == {"a": "undecided"}


def test_the_claims_on_lamda_have_the_outcomes_of_the_figure():
    read = figure_6_lamda.reading(2000, np.random.default_rng(0))
    found = figure_6.findings(read, {}, [], CORRELATIONS)
    verdicts = {claim.id: str(claim.verdict) for claim in judged(figure_6.CLAIMS, found)}
    words = {"persists": "not reproduced", "undecided": "undecided"}
    outcomes = figure_6_lamda.lamda_outcomes(read)
    for task, outcome in outcomes.items():
        assert verdicts[f"figure-6-{figure_6.NAMES[task]}"] == words[outcome]
    assert set(outcomes.values()) == set(words), "every outcome is among them"
    # Above −1/4, −Brier score of irony rises in its last step alone: 1/.3207 of a straight line.
    assert found["figure-6-irony"].ours == pytest.approx(0.288, abs=1e-3)
    assert found["figure-6-irony"].interval[0] == pytest.approx(2 - 1 / 0.3207, abs=1e-3)
    assert "of at most 3.1 on these sizes" in found["figure-6-irony"].reason
    # Swahili proverbs: 2.088 under multiple choice grade, .088 above 2; −3.014 under −Brier score.
    assert found["figure-6-swahili"].ours == pytest.approx(0.0883, abs=1e-4)
    assert found["figure-6-logical"].ours == pytest.approx(2 - 2.3747, abs=1e-4)


def test_the_text_on_lamda_follows_from_the_points():
    outcomes = figure_6_lamda.lamda_outcomes(figure_6_lamda.reading(2000, np.random.default_rng(0)))
    texts = figure_6_lamda.numbers(outcomes)
    assert texts["f6-lamda-text"] == (
        "the jump is undecided for irony identification, sports understanding and swahili proverbs"
        " and persists for logical args"
    )
    # Means of both shots; logical args at 8 billion: .25 − .2; swahili at 4 billion: .33 − .25.
    assert texts["f6-lamda-guess"] == (
        "3 of the 4 tasks are within 0.05 of a guess up to 27 billion parameters, and higher at"
        " 128 billion; swahili proverbs are 0.08 above it at 4 billion already"
    )
    assert texts["f6-lamda-n"] == "none disappears"
    assert texts["f6-lamda-most"] == "3.1"


def judged_table(outcomes, differences):
    return pl.DataFrame(
        {"task": [f"t{i}" for i in range(len(outcomes))], "outcome": outcomes}
        | {"difference": pl.Series(differences, dtype=pl.Float64), "disjoint": True}
    )


GROUPS = [
    Group("open", "open", judged_table(["disappears", "persists", "no jump"], [0.1, -0.1, None])),
    Group("edit-distance", "free", judged_table(["undecided"] * 4, [0.2, 0.1, 0.3, None])),
    Group(
        "loss",
        "loss",
        judged_table(["undecided"] * 3, [0.2, 0.1, None]).with_columns(
            comparison=pl.Series(["longer", "undecided", "no rise"])
        ),
    ),
]
CORRELATIONS = pl.DataFrame(
    {
        "task": ["a", "a", "b", "b"],
        "metric": ["bits per byte", "accuracy, normalised"] * 2,
        "correlation": [0.9, 0.8, 0.7, 0.75],
    }
)
DIFFERENCES = {"arithmetic": (0.2, Interval(0.1, 0.3), 22)}


def test_a_single_jump_is_written_as_one():
    texts = numbers(GROUPS, DIFFERENCES, CORRELATIONS)
    assert texts["f6-fates"] == "1 jump disappears and 1 jump persists"
    assert texts["f6-n-decided"] == "2 jumps are"


def test_counts_by_hand():
    table = counts(GROUPS)
    assert table["curves"].to_list() == [3, 4, 3]
    assert table["disappears"].to_list() == [1, 0, 0]
    assert table.select("dormant_longer", "both_rise").rows() == [(1, 2), (3, 3), (2, 2)]


def test_findings_by_hand(few_count):
    read = figure_6_lamda.reading(200, np.random.default_rng(0))
    found = figure_6.findings(read, DIFFERENCES, GROUPS, CORRELATIONS)
    claims = {claim.id: claim for claim in judged(figure_6.CLAIMS, found)}
    assert found["figure-6-arithmetic"][:3] == (0.2, Interval(0.1, 0.3), 22)
    assert isinstance(found["figure-6-persian"], str)
    assert found["figure-6-edit-distance"].ours == 3 / 4  # a metric that does not rise counts
    assert isinstance(found["figure-6-bertscore"], str)
    # Both runs that rise, one of them with an interval that holds 0: it counts as the others' do.
    assert (found["figure-6-loss"].ours, found["figure-6-loss"].n) == (1, 2)
    assert found["figure-6-olmo-correlation"].ours == 1 / 2
    assert found["figure-6-disappears"].ours == 1 / 2
    assert str(claims["figure-6-arithmetic"].verdict) == "reproduced"


def test_without_data_every_finding_is_a_reason():
    empty = figure_6_models.correlations(figure_6_models.olmo({}))
    read = figure_6_lamda.reading(200, np.random.default_rng(0))
    found = figure_6.findings(read, {}, groups({}, np.random.default_rng(0), 20), empty)
    assert sum(isinstance(value, str) for value in found.values()) == len(figure_6.CLAIMS) - 4
    judged(figure_6.CLAIMS, found)
    assert "unknown" in numbers([], {}, empty).values()
    assert olmo_panels(figure_6_models.olmo({})) == []


def loaded(rows):
    return SimpleNamespace(scores=tables.scores(pl.DataFrame(rows, infer_schema_length=None)))


def ladder():
    """Two tasks of the OLMo ladder on five sizes: one with a test set, one without."""
    row = {"family": "OLMo ladder", "source": "test", "rerun": False, "shots": 5}
    rows = []
    for i, size in enumerate([1e8, 3e8, 1e9, 3e9, 1e10]):
        for task, split, accuracy in (
            ("a", "val", 0.9),
            ("a", "test", 0.1 + 0.1 * i),
            ("b", "val", 0.2 + 0.1 * i),
        ):
            key = row | {"model": f"{size:g}", "n_params": int(size), "compute": size**2}
            key |= {"loss": 4.0 - 0.3 * i, "task": task, "split": split}
            metric = "accuracy" if task == "b" else "accuracy, normalised"
            rows.append(key | {"metric": metric, "score": accuracy, "higher_is_better": True})
            if split == "test" or task == "b":
                bits = {"metric": "bits per byte", "score": 2 - 0.2 * i}
                rows.append(key | bits | {"higher_is_better": False})
    return {"olmo_ladder": loaded(rows)}


def test_each_task_of_the_ladder_counts_once():
    table = figure_6_models.olmo(ladder())
    assert table.filter(task="a")["split"].unique().to_list() == ["test"]
    assert table["metric"].unique().sort().to_list() == ["accuracy, normalised", "bits per byte"]
    (group,) = groups(ladder(), np.random.default_rng(0), 20)
    assert group.table.height == 2
    # Both rise in equal steps: 5 % of the rise, .02 of .4, is at .2 of the first of four steps.
    assert group.table["old_share"].to_list() == pytest.approx([0.2 / 4, 0.2 / 4], rel=0.05)
    letters = [letter for letter, *_ in olmo_panels(table)]
    assert letters == ["W", "X", "Y"]


def free_answers():
    rows = []
    sizes = {"S": 1e8, "M": 1e9, "L": 1e10, "XL": 1e11}
    curves = {"a": ([0, 0, 0, 0.5], [9, 6, 3, 0]), "b": ([0, 0, 0, 0.05], [9, 6, 3, 0])}
    for task, (exact, distance) in curves.items():
        for i, (model, size) in enumerate(sizes.items()):
            row = {"family": "GPT, instructed", "model": model, "n_params": int(size)}
            row |= {"task": task, "shots": 0, "prompt": "open", "n_items": 100, "source": "test"}
            rows.append(row | {"metric": "exact match", "score": float(exact[i])})
            rows.append(row | {"metric": "edit distance", "score": float(distance[i])})
    table = pl.DataFrame(rows).with_columns(higher_is_better=pl.col("metric") == "exact match")
    return {"ukp_on_emergence": loaded(table)}


def test_free_answers_that_do_not_rise_are_left_out():
    table = figure_6_models.ukp(free_answers(), "edit distance")
    assert table["task"].unique().to_list() == ["a, GPT, instructed, 0 shots"]
    assert table["new"].to_list() == [-9, -6, -3, 0]
    row = figure_6_models.shares(table).row(0, named=True)
    # Exact match: 2 + .05 of three steps; edit distance: .15 of the first.
    assert row["old_share"] == pytest.approx(2.05 / 3)
    assert row["new_share"] == pytest.approx(0.15 / 3)
    assert row["disjoint"]
    assert figure_6_models.rising_most(table, 1).height == 4


def test_families_are_resampled():
    rows = [
        {"family": f"f{i}", "x": 10.0**i, "old": max(0.0, i - 3.0), "new": float(i)}
        for i in range(6)
    ]
    ends = figure_6_models.family_interval(pl.DataFrame(rows), 50, np.random.default_rng(0))
    assert 0 <= ends.low <= ends.high <= 1


def test_every_drawing_returns_its_axes():
    read = figure_6_lamda.reading(200, np.random.default_rng(0))
    axes = plt.figure().subplots(2, 4)
    items = figure_6_models.bigg_accuracy({})
    outcomes = figure_6_lamda.lamda_outcomes(read)
    assert figure_6_draw.draw_lamda(axes, figure_6_lamda.lamda(), items, outcomes) is axes
    one, two = plt.figure().subplots(1, 2)
    assert figure_6_draw.draw_counts(one, counts(GROUPS), "I", "x") is one
    assert figure_6_draw.draw_differences(two, GROUPS, "J", "x") is two
    axes = plt.figure().subplots(2, 1, squeeze=False)
    free = figure_6_models.ukp(free_answers(), "edit distance")
    assert figure_6_draw.draw_free_answers(axes, free, "edit distance") is axes
    axes = plt.figure().subplots(1, 3)
    panels = olmo_panels(figure_6_models.olmo(ladder()))
    assert figure_6_draw.draw_olmo(axes, panels) is axes
    wide = [CORRELATIONS.with_columns(metric=pl.lit(name)) for name in figure_6_models.CHAIN]
    chain = pl.concat([table.unique("task", maintain_order=True) for table in wide])
    ax = plt.figure().subplots()
    assert figure_6_draw.draw_correlations(ax, chain, "Z", "x") is ax
    plt.close("all")
