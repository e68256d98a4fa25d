"""Verdicts of abilities: each rule on data made for it, tables to abilities, plans."""

import re

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from mirage.emergence import abilities
from mirage.emergence.ability import Ability, MetricCurve
from mirage.emergence.ability_curves import abilities as group
from mirage.emergence.ability_jumps import STAGES, jumps
from mirage.emergence.evidence import Evidence, above_chance, gather, trend
from mirage.emergence.verdicts import VERDICTS, decide

SIZES = np.geomspace(1e8, 1e11, 8)
DECADES = np.log10(SIZES / 1e8)


def items(p, n, length, rng):
    """Exact match and token accuracy of each item, (models, items)."""
    right = rng.random((len(p), n, length)) < np.asarray(p)[:, None, None]
    return right.all(axis=2) * 1.0, right.mean(axis=2)


def ability(exact, share=None, chance=None, sizes=SIZES):
    n = np.full(len(sizes), float(exact.shape[1]))
    metrics = [
        MetricCurve("exact match", sizes, exact.mean(1), n, None, (0, 1), chance, True, exact)
    ]
    if share is not None:
        error = share.std(1) / np.sqrt(n)
        metrics.append(
            MetricCurve(
                "token accuracy", sizes, share.mean(1), None, error, (0, 1), None, False, share
            )
        )
    return Ability("family", "task", "", tuple(metrics))


def verdict(*arguments, **options):
    rng = np.random.default_rng(5)
    return abilities.verdicts([ability(*arguments, **options)], rng)[0]


def test_metric():
    p = np.exp(-((SIZES / 2e9) ** -0.5))
    found = verdict(*items(p, 500, 6, np.random.default_rng(0)))
    assert found["verdict"] == "metric"
    assert found["dormant_share"] > 0.3
    assert "token accuracy of the same answers rises" in found["sentence"]
    assert found["plan"] is None


def test_jump_under_every_metric_and_on_a_slope():
    rng = np.random.default_rng(0)
    for slope in (0, 0.5):
        p = expit(-1.5 + slope * DECADES + 1.5 * (np.arange(8) > 3))
        found = verdict(*items(p, 1000, 2, rng))
        assert found["verdict"] == "jump"
        assert found["p_jump"] == found["q_jump"] <= 0.05
        assert "every metric at hand" in found["sentence"]
        assert re.search(r"between 1\.93B and 5\.18B|between 1.93B", found["sentence"])


def test_gradual_only_where_a_jump_would_have_been_found():
    rng = np.random.default_rng(0)
    p = expit(-1 + 0.8 * DECADES)
    found = verdict(items(p, 1000, 1, rng)[0])
    assert found["verdict"] == "gradual"
    assert found["smallest_detectable_jump"] <= 1.5
    few = verdict(items(p, 20, 1, rng)[0])
    assert few["verdict"] == "undecided"
    assert few["smallest_detectable_jump"] > 1.5
    assert "times as many" in few["plan"] or "more model" in few["plan"]
    assert "partial credit" in few["plan"]


def test_scores_that_do_not_rise_have_no_verdict_but_a_note():
    rng = np.random.default_rng(0)
    level = items(np.full(8, 0.6), 1000, 1, rng)[0]
    for chance in (None, 0.25):  # unknown, or well below
        found = verdict(level, chance=chance)
        assert found["verdict"] is None
        assert "does not rise with size" in found["sentence"]
        assert found["note"].startswith("the scores do not rise")
    # The interval of the slope contains 0, but also a rise of 1.5 log odds in 3 decades.
    finding = gather([ability(level)], rng)[0].findings[0]
    for trend_, expected in {
        (0.01, 0.9): "gradual",
        (-0.01, 0.49): "",
        (-0.01, 0.51): "undecided",
    }.items():
        evidence = Evidence(ability(level), (finding._replace(trend=trend_),), None, None)
        found = decide(evidence, 1.0)
        assert found.verdict == expected, found
    assert "rises at all is open" in found.sentence
    near = finding._replace(trend=(0.1, 0.9), p_jump=0.15, n_draws=10_000)
    found = decide(Evidence(ability(level), (near,), None, None), 0.15)
    assert found.verdict == "undecided"
    assert "too near to one" in found.sentence


def test_a_verdict_that_hangs_on_the_draws_is_undecided():
    rng = np.random.default_rng(0)
    one = ability(items(expit(-1 + 0.8 * DECADES), 1000, 1, rng)[0])
    finding = gather([one], rng)[0].findings[0]._replace(trend=(0.5, 1.1), detectable=1.0)

    def judged(p, q, n_draws):
        near = finding._replace(p_jump=p, height=1.2, n_draws=n_draws)
        return decide(Evidence(one, (near,), None, None), q)

    for p, q, n_draws, expected in (
        (0.04, 0.1, 10_000, "jump"),
        (0.06, 0.1, 10_000, "undecided"),  # too near to one to be called gradual
        (0.24, 0.3, 10_000, "gradual"),
        (0.01, 0.1, 2000, "jump"),
    ):
        found = judged(p, q, n_draws)
        assert found.verdict == expected
        assert "still open" not in found.sentence
    for p, q, n_draws, said in (
        (0.0497, 0.1, 10_000, "whether p = 0.0497 lies above 0.05 is still open after 10000 draws"),
        (0.0503, 0.1, 10_000, "whether p = 0.0503 lies above 0.05"),
        (0.04, 0.1, 200, "whether p = 0.04 lies above 0.05 is still open after 200 draws"),
        (0.203, 0.3, 10_000, "whether p = 0.203 lies above 0.2"),
        (0.01, 0.24, 1000, "whether q = 0.24 lies above 0.25"),
    ):
        found = judged(p, q, n_draws)
        assert (found.verdict, said in found.sentence) == ("undecided", True), found


def test_curves_near_a_level_get_more_draws():
    def drawn(steps, ability, rng=0):
        scores = [expit(-1.5 + 0.5 * DECADES + step * (np.arange(8) > 3)) for step in steps]
        curves = [
            MetricCurve("accuracy", SIZES, y.round(3), np.full(8, 1000.0), None, (0, 1), 0.0, True)
            for y in scores
        ]
        cells = jumps(curves, ["a"] * len(curves), ability, np.random.default_rng(rng), 200)
        return [(cell["n_draws"], round(cell["p_jump"], 2)) for cell in cells]

    jump, level, smooth, quiet = 1.5, 0.385, 0.0, 0.27
    assert drawn([jump, smooth], [0, 1])[0][0] == 200
    for rng in (1, 2):
        ((n_draws, p),) = drawn([level], [0], rng)
        assert n_draws == STAGES[-1]
        assert 0.03 < p < 0.06
    # Whether a curve is gradual may hang on its p beside .2, but not beside a metric that jumps.
    (alone,) = drawn([quiet], [0])
    assert alone[0] >= STAGES[0]
    assert 0.15 < alone[1] < 0.25
    assert drawn([quiet, jump], [0, 0])[0][0] == 200


def test_the_probabilities_of_answers_predict_exact_match_or_do_not():
    rng = np.random.default_rng(0)
    p = np.exp(-((SIZES / 2e9) ** -0.5))
    of_item = np.clip(p[:, None] + 0.02 * rng.standard_normal((8, 500)), 0.001, 0.999)
    tokens = rng.random((8, 500, 6)) < of_item[:, :, None]
    whole = ability(tokens.all(axis=2) * 1.0, tokens.mean(axis=2))
    for probabilities, says in ((of_item**6, "predict the observed"), (of_item, "predict another")):
        one = whole._replace(probabilities=probabilities)
        found = abilities.verdicts([one], np.random.default_rng(5))[0]
        assert found["verdict"] == "metric"
        assert says in found["sentence"]


def test_probabilities_are_found_in_outcomes_of_texts_and_not_of_choices():
    p = np.exp(-((SIZES / 2e9) ** -0.5))
    right = np.random.default_rng(0).random((8, 50)) < p[:, None]
    table = pl.DataFrame(rows("sums", "exact_match", right.mean(1), 50))
    outcomes = pl.DataFrame(
        {
            "family": "toy",
            "model": np.repeat([f"m{i}" for i in range(8)], 50),
            "n_params": np.repeat(SIZES.astype(int), 50),
            "task": "sums",
            "item": np.tile(np.arange(50), 8),
            "exact_match": right.ravel(),
            "negative log-likelihood": -np.log(np.repeat(p, 50)),
        }
    )
    one = group(table, outcomes, "n_params", None)[0]
    np.testing.assert_allclose(one.probabilities, np.tile(p[:, None], 50))
    choices = outcomes.with_columns(pl.lit(1.0).alias("multiple choice grade"))
    assert group(table, choices, "n_params", None)[0].probabilities is None


def test_resolution():
    p = np.exp(-((SIZES / 2e9) ** -0.5)) ** 8
    found = verdict(items(p, 100, 1, np.random.default_rng(3))[0])
    assert found["verdict"] == "resolution"
    assert re.match(r"The zeros of the \d smallest of 8 models", found["sentence"])
    assert re.search(
        r"none right of 100 still allows an accuracy of up to [\d.]+\.$", found["sentence"]
    )


def test_zeros_are_for_lack_of_items_only_where_all_of_them_are_expected():
    said = {}
    for name, right in {
        "one": [0, 1, 2, 5, 9, 20, 35, 60],
        "two": [0, 0, 1, 4, 9, 20, 35, 60],
        "apart": [0, 1, 0, 4, 9, 20, 35, 60],
        "late": [0, 1, 3, 0, 9, 20, 35, 60],
    }.items():
        exact = np.arange(100) < np.array(right)[:, None]
        found = verdict(exact * 1.0)
        said[name] = found["verdict"] == "resolution" and found["sentence"].partition(" what")[0]
    assert said["one"] == "The zero of the smallest of 8 models is"
    assert said["two"] == "The zeros of the 2 smallest of 8 models are"
    assert said["apart"] == "The zeros at 2 of 8 models are"
    assert not said["late"]


def test_never_above_chance_and_too_few_items_to_say_so():
    rng = np.random.default_rng(0)
    guess = rng.random((8, 500)) < 0.25
    assert verdict(guess * 1.0, chance=0.25)["verdict"] == "never-above-chance"
    found = verdict(guess[:, :20] * 1.0, chance=0.25)
    assert found["verdict"] == "undecided"
    assert "items would show" in found["plan"]


def test_none_right_is_said_without_a_chance_of_0():
    for chance in (0.0, None):
        found = verdict(np.zeros((8, 34)), chance=chance)
        assert found["verdict"] == "never-above-chance"
        assert found["sentence"] == "No model has a right answer on 34 items."


def test_a_metric_is_named_in_sentences_as_one_says_it():
    p = expit(1 - 0.8 * DECADES)
    for name, said in (
        ("multiple_choice_grade", "multiple choice grade"),
        ("my_marks", "my marks"),
    ):
        one = ability(items(p, 500, 1, np.random.default_rng(0))[0])
        one = one._replace(metrics=(one.metrics[0]._replace(name=name),))
        (found,) = abilities.verdicts([one], np.random.default_rng(5))
        assert found["sentence"].startswith(f"The {said} falls with size")
        assert found["metric"] == name


@pytest.mark.parametrize(
    ("metric", "first", "last", "rescaled"),
    [
        ("accuracy", 0.1, 0.3, ""),
        ("error rate", 0.9, 0.7, "1 − value"),
        ("bits per byte", 1.2, 0.8, "exp(−value)"),
        ("target log-likelihood", -1.2, -0.8, "exp(value)"),
        ("token edit distance", 3.0, 1.0, "exp(−value)"),
        ("mean squared error", 30.0, 10.0, "−value"),
    ],
)
def test_a_curve_says_how_it_came_of_the_values_of_the_file(metric, first, last, rescaled):
    values = np.linspace(first, last, 8).round(2)
    n_items = 100 if rescaled in ("", "1 − value") else None
    table = pl.DataFrame(rows("t", metric, values.tolist(), n_items))
    (curve,) = group(table, None, "n_params", None)[0].metrics
    assert curve.rescaled == rescaled
    made = {
        "": values,
        "1 − value": 1 - values,
        "exp(−value)": np.exp(-values),
        "exp(value)": np.exp(values),
        "−value": -values,
    }
    np.testing.assert_allclose(curve.y, made[rescaled])


def test_declines():
    p = expit(1 - 0.8 * DECADES)
    found = verdict(items(p, 500, 1, np.random.default_rng(0))[0])
    assert found["verdict"] == "declines"
    assert found["dormant_share"] is None or np.isnan(found["dormant_share"])


@pytest.mark.parametrize("n_models", [2, 3, 4])
def test_few_models_say_what_the_items_say(n_models):
    sizes = SIZES[:: 8 // n_models][:n_models]
    p = np.exp(-((sizes / 1e9) ** -0.5))
    found = verdict(*items(p, 500, 5, np.random.default_rng(0)), sizes=sizes)
    assert found["verdict"] == "undecided"
    assert np.isnan(found["p_jump"])
    if n_models > 2:
        assert "stays at its base" in found["sentence"]


def test_above_chance_is_exact_and_ignores_a_slight_bias():
    def curve(k, n, chance):
        n = np.full(len(k), float(n))
        return MetricCurve("acc", SIZES[: len(k)], k / n, n, None, (0, 1), chance, True)

    assert above_chance(curve(np.array([25, 26, 24, 90]), 100, 0.25))
    assert not above_chance(curve(np.array([25, 26, 24, 33]), 100, 0.25))
    # .26 of 14 042 items is significant, but no more than a guesser with a bias reaches.
    assert not above_chance(curve(np.array([3510, 3650, 3655, 3650]), 14042, 0.25))
    assert above_chance(curve(np.array([0, 0, 0, 1]), 100, 0.0))
    assert not above_chance(curve(np.zeros(4), 100, None))
    assert above_chance(curve(np.array([0, 0, 0, 1]), 100, None)) is None


def test_trend_is_weighted_least_squares():
    n = np.full(4, 1e9)
    eta = np.array([-1, -0.5, 0.2, 0.4])
    sizes = 10.0 ** np.arange(4)
    low, high = trend(MetricCurve("acc", sizes, expit(eta), n, None, (0, 1), None, True))
    # Equal weights: slope Σ t η / Σ t² = (−1.5·−1 − .5·−.5 + .5·.2 + 1.5·.4)/5 = .49; of the
    # residuals the mean square .0134 is above .1² = .01, so Student's t with 2 degrees counts.
    assert (low + high) / 2 == pytest.approx(0.49, abs=1e-3)
    residual = eta - eta.mean() - 0.49 * np.arange(-1.5, 2)
    half = 4.3027 * np.sqrt((residual**2).sum() / 2 / 5)
    assert (high - low) / 2 == pytest.approx(half, rel=0.02)


def rows(task, metric, scores, n_items=500, **more):
    return [
        {
            "family": "toy",
            "model": f"m{i}",
            "n_params": int(size),
            "task": task,
            "metric": metric,
            "score": score,
            "n_items": n_items,
            "source": "test",
        }
        | {name: value[i] if isinstance(value, list) else value for name, value in more.items()}
        for i, (size, score) in enumerate(zip(SIZES, scores, strict=True))
    ]


def test_tables_with_outcomes_are_compared_on_the_same_items():
    rng = np.random.default_rng(0)
    p = np.exp(-((SIZES / 2e9) ** -0.5))
    exact, share = items(p, 300, 6, rng)
    table = pl.DataFrame(
        rows("sums", "exact_match", exact.mean(1), 300)
        + rows("sums", "token_accuracy", share.mean(1), 300)
    )
    outcomes = pl.DataFrame(
        {
            "family": "toy",
            "model": np.repeat([f"m{i}" for i in range(8)], 300),
            "n_params": np.repeat(SIZES.astype(int), 300),
            "task": "sums",
            "item": np.tile(np.arange(300), 8),
            "exact match": exact.ravel().astype(bool),
            "token accuracy": share.ravel(),
        }
    )
    found = abilities.judge(table, outcomes)
    assert found.columns == list(abilities.SCHEMA)
    assert found.row(0, named=True)["verdict"] == "metric"
    assert found["note"].item() == "chance level unknown"
    grouped = group(table, outcomes, "n_params", None)[0]
    assert [curve.sharp for curve in grouped.metrics] == [True, False]
    np.testing.assert_array_equal(grouped.metrics[0].items, exact)
    # Without items and without standard errors the same scores say less.
    assert abilities.judge(table)["verdict"].item() != "metric"


def test_protocols_split_or_spoil_a_curve():
    y = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    table = pl.DataFrame(
        rows("a", "accuracy", y, shots=0)
        + rows("a", "accuracy", y, shots=5)
        + rows("b", "accuracy", y, shots=[0] * 7 + [5])
    )
    found = abilities.judge(table, chance={"a": 0.0, "b": 0.0}, n_draws=19)
    assert found["task"].to_list() == ["a", "a", "b"]
    assert sorted(found["protocol"].to_list()) == ["", "shots 0", "shots 5"]
    spoilt = found.row(2, named=True)
    assert spoilt["verdict"] is None
    assert spoilt["note"].startswith("shots mixed")


def test_a_curve_of_which_some_models_have_no_item_count_says_so():
    y = np.linspace(0.1, 0.8, 8)
    n_items = [500, None, *[500] * 6]
    table = pl.DataFrame(
        [row | {"n_items": n} for row, n in zip(rows("a", "accuracy", y), n_items, strict=True)]
    )
    (one,) = group(table, None, "n_params", 0.0)
    assert one.note == "accuracy: no item count for 1 model: errors come from the scatter alone"
    assert group(pl.DataFrame(rows("a", "accuracy", y)), None, "n_params", 0.0)[0].note is None


def test_losses_and_percentages_find_their_range():
    y = np.linspace(0.1, 0.8, 8)
    table = pl.DataFrame(
        rows("a", "accuracy", y)
        + rows("a", "negative log-likelihood", -np.log(y), stderr=0.02)
        + rows("a", "bleu", y / 2)
        + rows("a", "perplexity", 2 + 8 * (1 - y))
    )
    grouped = group(table, None, "n_params", 0.0)[0]
    curves = {curve.name: curve for curve in grouped.metrics}
    assert grouped.metrics[0].name == "accuracy"
    np.testing.assert_allclose(curves["negative log-likelihood"].y, y)
    np.testing.assert_allclose(curves["negative log-likelihood"].stderr, 0.02 * y)
    assert curves["bleu"].bounds == (0, 1)
    assert curves["perplexity"].bounds is None
    assert (np.diff(curves["perplexity"].y) > 0).all()


def test_averages_of_tasks_are_not_judged_beside_them():
    y = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    parts = rows("law", "accuracy", y, is_group=False) + rows("art", "accuracy", y, is_group=None)
    average = rows("exams", "accuracy", y, n_items=None, is_group=True)
    found = abilities.judge(pl.DataFrame(average + parts), chance=0.0, n_draws=19)
    assert found["task"].to_list() == ["exams", "law", "art"]
    assert [verdict is None for verdict in found["verdict"]] == [True, False, False]
    assert found["note"][0].startswith("an average over tasks")
    # Two hypotheses were tested, not three.
    assert found["q_jump"][0] is None
    alone = abilities.judge(pl.DataFrame(average), chance=0.0, n_draws=19)
    assert alone["verdict"].item() is not None


def test_a_chance_level_for_all_tasks_of_a_pattern():
    y = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    names = ("mmlu_law", "mmlu_art", "piqa")
    table = pl.DataFrame([row for name in names for row in rows(name, "accuracy", y)])
    chance = {"mmlu_*": 0.25, "mmlu_art": 0.2}
    found = {one.task: one.metrics[0].chance for one in group(table, None, "n_params", chance)}
    assert found == {"mmlu_law": 0.25, "mmlu_art": 0.2, "piqa": None}


def test_a_table_in_which_nothing_can_be_judged():
    table = pl.DataFrame(rows("a", "accuracy", [0.1] * 8, revision=["x", "y"] * 4))
    found = abilities.judge(table)
    assert found["verdict"].item() is None
    assert found["note"].item().startswith("revision mixed")


def test_unknown_tasks_of_chance_and_unknown_scales():
    y = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    table = pl.DataFrame(rows("a", "accuracy", y))
    with pytest.raises(ValueError, match=r"chance: found the tasks \['z'\]"):
        abilities.judge(table, chance={"z": 0.25})
    with pytest.raises(ValueError, match="no column 'flops'"):
        abilities.judge(table, x="flops")


def test_every_verdict_is_listed_and_rows_keep_their_order():
    rng = np.random.default_rng(0)
    p = expit(-1 + 0.8 * DECADES)
    unjudged = ability(items(p, 50, 1, rng)[0])._replace(judged=False, note="why", task="x")
    found = abilities.verdicts([unjudged, ability(items(p, 50, 1, rng)[0])], rng)
    assert [row["task"] for row in found] == ["x", "task"]
    assert found[0]["verdict"] is None
    assert found[1]["verdict"] in VERDICTS
