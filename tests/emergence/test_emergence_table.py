"""The table of curves: every cell against the functions it comes from, every bad curve noted."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import special

from mirage import datasets, emergence, fits
from mirage.emergence import emergence_score, measures, table
from mirage.emergence.nulls import null_scores, p_value
from mirage.emergence.scores import noise_floor
from mirage.metrics import catalogue
from mirage.statistics import resolution

SIZES = [10**8, 10**9, 3 * 10**9, 10**11, 10**12]
JUMP = [0.0, 0.02, 0.04, 0.05, 0.9]
SCORES = ("emergence_score", "normalized_emergence_score", "linearity")


def curve(task="sum", y=JUMP, sizes=SIZES, n_items=100, **columns):
    """Rows of a score table, the largest model first: order must not matter."""
    columns = {"family": "toy", "metric": "accuracy", "source": "test"} | columns
    rows = [
        columns | {"task": task, "model": f"m{i}", "n_params": size, "score": score}
        for i, (size, score) in enumerate(zip(sizes, y, strict=True))
    ]
    return [row | ({"n_items": n_items} if n_items else {}) for row in rows][::-1]


def only(rows, **options):
    found = table(rows, **({"n_draws": 0} | options))
    assert found.height == 1
    return found.row(0, named=True)


def test_cells_are_those_of_the_functions():
    row = only(curve(n_items=200))
    assert row["n_models"] == 5
    for name in SCORES:
        assert row[name] == pytest.approx(getattr(emergence, name)(JUMP))
    spaced = emergence.spaced_emergence_score(JUMP, SIZES)
    assert row["spaced_emergence_score"] == pytest.approx(spaced)
    floored = emergence_score(JUMP, noise_floor(JUMP, 200))
    assert row["floored_emergence_score"] == pytest.approx(floored)
    without = [emergence_score(np.delete(JUMP, i)) for i in range(5)]
    assert row["leave_one_out_low"] == pytest.approx(min(without))
    assert row["leave_one_out_high"] == pytest.approx(max(without))
    assert row["smallest_detectable"] == pytest.approx(resolution.smallest_detectable(200))
    assert row["note"] is None
    # Without draws, what needs them is blank.
    assert [row[name] for name in ("low", "high", "p_value", "q_value", "fit")] == [None] * 5


def test_draws_give_intervals_and_p_values():
    # A rise without a bend, and a hinge: nothing up to 1e9, then .2 a decade.
    sizes = [int(size) for size in np.geomspace(2e6, 1e11, 12)]
    smooth = np.round(np.exp(-((np.array(sizes) / 1e9) ** -0.3)), 3)
    hinge = np.round(np.maximum(0.2 * np.log10(np.array(sizes) / 1e9), 0), 3)
    curves = {"smooth": smooth, "hinge": hinge}
    rows = curve("smooth", smooth, sizes, 1000) + curve("hinge", hinge, sizes, 1000)
    found = table(rows, np.random.default_rng(0), n_draws=2000)
    for row in found.iter_rows(named=True):
        assert row["low"] <= row["emergence_score"] <= row["high"]
    a, b = found.iter_rows(named=True)
    assert a["p_value"] > 0.05 > b["p_value"]
    assert (a["q_value"], b["q_value"]) == pytest.approx((a["p_value"], 2 * b["p_value"]))
    for kind, y in zip(found["fit"], curves.values(), strict=True):
        assert kind == fits.compare(sizes, y, 1000, bounds=(0, 1), held_out=False).verdict
    # The same by default, and again: the seed is fixed.
    assert table(rows, n_draws=50).equals(table(rows, n_draws=50))


def test_scatter_of_models_is_no_emergence():
    # Smooth curves on 5 000 items, each model off by .3 in log odds: test sets drawn from the
    # fit, items alone, call two thirds of them sharp at 5 %; with the scatter fitted few are.
    rng = np.random.default_rng(2)
    sizes = np.geomspace(2e6, 1e11, 12).astype(int)
    log_odds = special.logit(np.exp(-((sizes / 1e9) ** -0.3))) + rng.normal(0, 0.3, (40, 12))
    scores = rng.binomial(5000, special.expit(log_odds)) / 5000
    found = table(
        [row for i, y in enumerate(scores) for row in curve(f"{i}", y, sizes, 5000)],
        rng,
        n_draws=300,
    )
    of_items = [
        p_value(
            emergence_score(y),
            null_scores(
                fits.fit(sizes, y, "power", 5000, overdispersed=False).fitted, 5000, 300, rng
            ),
        )
        for y in scores
    ]
    assert np.mean(np.array(of_items) <= 0.05) > 0.4
    # About a tenth, of 200: scatter in log odds is not quite the fit's beta-binomial. Of 40, three
    # tenths would come once in 20 000 times.
    assert (found["p_value"] <= 0.05).mean() < 0.3


def test_one_bad_curve_does_not_cost_the_others():
    good = curve("good")
    reasons = {
        "two": (curve("two", [0.1, 0.2], SIZES[:2]), "fewer than 3 models"),
        "one size": (
            curve("one size", [0.1, 0.2, 0.3], [10**9] * 3),
            "m0, m1 and m2 have the same size: which comes first?",
        ),
        "twins": (
            curve("twins", sizes=[10**8, 10**9, 10**9, 10**10, 10**11]),
            "m1 and m2 have the same size: which comes first?",
        ),
        "nan": (curve("nan", [0, 0.1, np.nan, 0.3, 0.4]), "the score of m2 is not finite"),
        "inf": (curve("inf", [0, 0.1, 0.2, 0.3, np.inf]), "the score of m4 is not finite"),
        "missing": (curve("missing", [0, None, 0.2, 0.3, 0.4]), "the score of m1 is not finite"),
        "percent": (
            curve("percent", [0.1, 0.2, 0.3, 45.0, 0.6]),
            "45.0 of m3 is not in [0, 1]: a percentage?",
        ),
        "negative": (
            curve("negative", [0.1, -0.2, 0.3, 0.4, 0.5], metric="exact_str_match"),
            "-0.2 of m1 is not in [0, 1]: a percentage?",
        ),
        "no name": (curve("no name", metric=" "), "the metric has no name"),
        "chance": (curve("chance", chance=1.5), "1.5 is no chance: not in [0, 1)"),
        "two guesses": (
            [
                row | {"chance": 0.5 if i == 1 else 0.25}
                for i, row in enumerate(curve("two guesses"))
            ],
            "chance mixed: 0.25, 0.5",
        ),
        "two directions": (
            [row | {"higher_is_better": i != 3} for i, row in enumerate(curve("two directions"))],
            "higher_is_better mixed: true and false",
        ),
        "two units": (
            curve("two units", [0.26, 0.28, 0.34, 38.0, 46.0], metric="f1", n_items=None),
            "0.34 of f1 beside 38.0 of m3: fractions and percentages mixed? State all as fractions",
        ),
    }
    rows = [row for bad, _ in [(good, None), *reasons.values()] for row in bad]
    found = table(rows, n_draws=100)
    assert found["task"].to_list() == ["good", *reasons]
    expected = only(good, n_draws=100)
    assert found.row(0, named=True) == pytest.approx(expected)
    for row in found[1:].iter_rows(named=True):
        assert row["note"] == reasons[row["task"]][1]
        kept = {"family", "task", "metric", "n_models", "note"}
        assert all(row[name] is None for name in set(row) - kept), row["task"]


@pytest.mark.parametrize(
    ("y", "more"),
    [
        (JUMP, {"chance": [0.25, 0.25, 0.26, 0.25, None]}),  # other items, other numbers of choices
        ([0.02, 0.3, 2.1, 9.0, 31.0], {"metric": ["f1"] * 5, "n_items": [None] * 5}),
        ([0.2, 0.527, 19.4, 20.0, 31.0], {"metric": ["BLEU"] * 5, "n_items": [None] * 5}),
        ([0.2, 0.0, 0.4, 0.3, 0.6], {"metric": ["f1"] * 5, "n_items": [None] * 5}),
        (JUMP, {"higher_is_better": [None, True, None, True, True]}),
    ],
)
def test_what_is_not_mixed_is_judged(y, more):
    rows = curve(y=y)
    for name, values in more.items():
        rows = [row | {name: value} for row, value in zip(rows, values, strict=True)]
    assert only(rows, n_draws=0)["emergence_score"] is not None


def test_all_bad_is_a_table_too():
    found = table(curve("two", [0.1, 0.2], SIZES[:2]))
    assert found["note"].to_list() == ["fewer than 3 models"]
    assert found.schema["emergence_score"] == pl.Float64


def test_mixed_shots():
    rows = curve(shots=0) + curve(y=[0.1, 0.2, 0.3, 0.4, 0.5], shots=2)
    assert only(rows)["note"] == "shots mixed: 0, 2"
    apart = table(rows, by=["shots"], n_draws=0)
    assert apart["shots"].to_list() == [0, 2]
    assert apart["emergence_score"].to_list() == pytest.approx(
        [emergence_score(JUMP), emergence_score([1, 2, 3, 4, 5])]
    )
    # Also where each model was measured once.
    one_each = [row | {"shots": i} for i, row in enumerate(curve())]
    assert only(one_each)["note"] == "shots mixed: 0, 1, 2, 3, 4"


def test_two_sources_of_one_model():
    rows = curve() + curve(source="another")
    assert only(rows)["note"] == "m4 has several scores"


def test_seeds_are_averaged():
    rows = curve(seed=0) + curve(y=[0.02, 0.04, 0.06, 0.07, 1.0], seed=1)
    mean = np.add(JUMP, [0.01, 0.01, 0.01, 0.01, 0.05])
    row = only(rows)
    assert row["n_models"] == 5
    assert row["emergence_score"] == pytest.approx(emergence_score(mean))
    assert row["note"] is None
    # The trials' items are pooled: 0 and 1 of 100 are 1 of 200.
    row = only(curve(seed=0) + curve(y=[0.01, 0.02, 0.04, 0.05, 0.9], seed=1), n_draws=50)
    assert row["note"] is None or row["note"].startswith("fit: ")
    assert row["smallest_detectable"] == pytest.approx(resolution.smallest_detectable(200))
    assert row["low"] <= row["emergence_score"] <= row["high"]


def test_no_binomial_error_without_counts():
    likelihoods = [-5.0, -4.2, -3.9, -2.0, -0.5]
    row = only(curve(y=likelihoods, metric="log_likelihood"), n_draws=50)
    assert row["note"].startswith("not a share of items: no interval")
    assert row["emergence_score"] == pytest.approx(emergence_score(likelihoods))
    assert row["floored_emergence_score"] is row["low"] is row["p_value"] is None
    assert row["smallest_detectable"] is None
    assert row["fit"] == fits.compare(SIZES, likelihoods, held_out=False).verdict
    row = only(curve(n_items=None))
    assert row["note"] == "no n_items: no interval, floor, p-value or resolution"
    assert row["emergence_score"] == pytest.approx(emergence_score(JUMP))
    # One model without it is enough.
    rows = curve()
    rows[2].pop("n_items")
    assert only(rows)["note"].startswith("no n_items")


def test_accuracies_and_other_metrics_in_one_table():
    y = [-9.0, -5.0, -4.5, -1.0, -0.2]
    rows = curve() + curve(y=y, metric="log_likelihood") + curve("a", [0.1, 0.2], SIZES[:2])
    for n_draws in (0, 50):
        notes = table(rows, n_draws=n_draws)["note"].to_list()
        first = "fit: 5 poi" if n_draws else None
        assert [note and note[:10] for note in notes] == [first, "not a shar", "fewer than"]


LOWER = """wer cer ter nll bpb mae ppl rmse brier loss toxicity error_rate token_edit_distance
mean_squared_error negative_log_likelihood byte_perplexity bits_per_byte edit_distance
cross_entropy""".split()  # noqa: SIM905


@pytest.mark.parametrize(
    ("metric", "columns", "sign"),
    [
        *((name, {}, -1) for name in LOWER),
        *((f"negative {name}", {}, 1) for name in ("Brier score", "MSE")),
        ("token edit distance", {}, -1),
        ("negative log-likelihood", {}, -1),
        ("top-label Brier score", {}, -1),
        ("-Brier score", {}, 1),
        ("log_likelihood", {}, 1),
        ("BLEU", {}, 1),
        ("BLEU", {"higher_is_better": False}, -1),
        ("Brier score", {"higher_is_better": True}, 1),
        ("Brier score", {"higher_is_better": None}, -1),
        ("zest", {"higher_is_better": True}, 1),
    ],
)
def test_direction(metric, columns, sign):
    y = np.array([0.0, 0.011, 0.025, 0.06, 0.3])
    known = catalogue.find(metric)
    y += 1 if known and known.bounds[0] == 1 else 0  # a perplexity is at least 1
    y = y - 1 if known and known.bounds[1] == 0 else y
    row = only(curve(y=y, metric=metric, **columns))
    assert row["emergence_score"] == pytest.approx(sign * emergence_score(y))


def test_a_direction_that_is_not_known_is_not_guessed():
    row = only(curve(metric="inverse perplexity"))
    note = "whether a higher inverse perplexity is better is not known: "
    note += "add a column `higher_is_better` with true or false"
    assert (row["note"], row["emergence_score"]) == (note, None)
    unnamed = only(curve(metric="score"))["note"]
    assert unnamed == (
        "whether a higher score is better is not known: name the metric in a column `metric` "
        "(accuracy, exact match, …), or add a column `higher_is_better` with true or false"
    )


def test_two_pairs_of_one_size_are_not_said_to_be_four():
    sizes = [10**8, 10**8, 10**9, 10**9, 10**10]
    assert only(curve(sizes=sizes))["note"] == ("m0 and m1 have the same size: which comes first?")


def test_errors_that_fall_have_the_score_of_accuracies_that_rise():
    # .92, .61, .40, .22 in even steps of .31, .21, .18: √median of squares = .21, .7/.21 = 3.33.
    row = only(curve(y=[0.92, 0.61, 0.4, 0.22], sizes=SIZES[:4], metric="wer", n_items=None))
    assert row["emergence_score"] == pytest.approx(0.7 / 0.21)


def test_a_rate_of_errors_is_judged_as_an_accuracy():
    wrong = only(curve(y=[1 - y for y in JUMP], metric="error rate"), n_draws=99)
    right = only(curve(metric="accuracy"), n_draws=99)
    for name in set(right) - {"metric", "fit", "note"}:
        assert wrong[name] == pytest.approx(right[name]), name


@pytest.mark.parametrize("digits", [3, 4, 5, 6, 16])
def test_counts_are_recognised_however_scores_are_printed(digits):
    right = np.array([15, 58, 222, 511])
    y = [round(k / 1319, digits) for k in right]
    row = only(curve(y=y, sizes=SIZES[:4], n_items=1319), n_draws=10_000)
    assert (row["low"], row["high"]) == pytest.approx((2.5, 3.75), abs=0.06)
    # Three digits cannot tell 1 319 items apart: the count is right to within one.
    expected = emergence_score(right / 1319)
    assert row["emergence_score"] == pytest.approx(expected, rel=1e-12 if digits > 3 else 0.01)
    assert row["note"] == "fit: 4 points: a comparison needs 7"


def test_trials_are_pooled():
    # Three trials of 100 items a model: 68, 92, 131 and 181 right of 300.
    sizes = [70_000_000, 410_000_000, 1_400_000_000, 6_900_000_000]
    right = [(20, 23, 25), (28, 31, 33), (40, 44, 47), (58, 60, 63)]
    rows = [
        row
        for seed in range(3)
        for row in curve(y=[k[seed] / 100 for k in right], sizes=sizes, seed=seed)
    ]
    row = only(rows, n_draws=10_000)
    pooled = emergence_score(np.array([68, 92, 131, 181]) / 300)
    assert row["emergence_score"] == pytest.approx(pooled)
    assert row["smallest_detectable"] == pytest.approx(resolution.smallest_detectable(300))
    assert (row["low"], row["high"]) == pytest.approx((2.24, 4.5), abs=0.1)
    assert row["p_value"] == pytest.approx(0.64, abs=0.05)


def test_equal_means_of_trials_are_no_step():
    rows = [
        row
        for seed, y in enumerate([(0.1, 0.2, 0.3), (0.2, 0.2, 0.2), (0.3, 0.2, 0.1)])
        for row in curve(y=[*y, 0.9], sizes=SIZES[:4], seed=seed, n_items=None)
    ]
    assert only(rows)["emergence_score"] == np.inf


def test_a_stated_standard_error_gives_an_interval():
    y, errors = [0.01, 0.0333, 0.0867, 0.1633], [0.006, 0.012, 0.02, 0.026]
    rows = curve(y=y, sizes=SIZES[:4], n_items=30)
    rows = [row | {"stderr": s} for row, s in zip(rows, errors[::-1], strict=True)]
    row = only(rows, n_draws=20_000)
    assert row["note"].startswith("scores are no counts of n_items: interval from the stated")
    draws = np.random.default_rng(5).normal(y, errors, (20_000, 4)).clip(0, 1)
    expected = np.quantile(emergence_score(draws), [0.025, 0.975])
    assert (row["low"], row["high"]) == pytest.approx(expected, rel=0.05)
    assert row["p_value"] is row["smallest_detectable"] is row["floored_emergence_score"] is None


def test_a_standard_error_that_contradicts_the_items_leaves_no_interval():
    y = [0.25, 0.5, 0.75, 0.8]
    honest = [
        row | {"stderr": round((row["score"] * (1 - row["score"]) / 59) ** 0.5, 4)}
        for row in curve(y=y, sizes=SIZES[:4], n_items=60)
    ]
    assert only(honest)["note"] is None
    wrong = [row | {"stderr": 0.069338} if row["score"] == 0.75 else row for row in honest]
    row = only(wrong, n_draws=50)
    assert row["note"].startswith("n_items and the stated standard errors disagree: no interval")
    assert row["low"] is None
    # 0 states nothing, and neither does a rounding error.
    for nothing in (0.0, 4e-17):
        rows = [row | {"stderr": nothing} for row in curve(y=y, sizes=SIZES[:4], n_items=60)]
        assert only(rows)["note"] is None


@pytest.mark.parametrize(
    ("metric", "y"),
    [
        ("rougeL", [0.12, 0.17, 0.25, 0.41]),  # three digits and 1 000 items: always "counts"
        ("brier_score", [0.74, 0.7, 0.66, 0.58]),
        ("f1", [0.1, 0.2, 0.3, 0.4]),
        ("token edit distance", [7.0, 5.0, 2.0, 1.0]),
    ],
)
def test_a_mean_of_reals_has_no_binomial_error(metric, y):
    row = only(curve(y=y, sizes=SIZES[:4], metric=metric, n_items=1000), n_draws=50)
    assert row["note"].startswith("not a share of items: no interval")
    assert row["low"] is row["p_value"] is row["smallest_detectable"] is None
    assert row["emergence_score"] > 0


def test_partial_credit_is_no_count():
    row = only(curve(y=[0.1125, 0.2125, 0.3875, 0.6625], sizes=SIZES[:4], n_items=40))
    assert row["note"].startswith("scores are no counts of n_items")


def test_a_score_that_is_no_number_is_noted_at_its_curve():
    rows = curve("good") + curve("bad", [0.0, 0.02, "N/A", 0.05, 0.9])
    notes = dict(table(rows, n_draws=0).select("task", "note").rows())
    assert notes == {"good": None, "bad": "the score of m2 is not finite"}


@pytest.mark.parametrize("name", ["revision", "variant", "task_version", "limit"])
def test_a_protocol_that_differs_between_models(name):
    values = ["a", "a", "a", "a", "b"]
    rows = [row | {name: v} for row, v in zip(curve(), values, strict=True)]
    assert only(rows)["note"] == f"{name.replace('_', ' ')} mixed: a, b"
    rows[-1][name] = None
    assert only(rows)["note"] == f"{name.replace('_', ' ')} unknown for m0"
    assert only([row | {name: "a"} for row in curve()])["note"] is None
    assert only([row | {name: None} for row in curve()])["note"] is None


def test_chance_raises_what_is_detectable():
    row = only(curve(chance=0.25))
    assert row["smallest_detectable"] == pytest.approx(resolution.smallest_detectable(100, 0.25))
    row = only(curve(chance=None))
    assert row["smallest_detectable"] == pytest.approx(resolution.smallest_detectable(100))


def test_curves_of_unequal_length_and_other_scales():
    rows = curve("long") + curve("short", JUMP[1:], SIZES[1:])
    found = table(rows, n_draws=50)
    expected = only(curve("short", JUMP[1:], SIZES[1:]))
    for name in ("n_models", *SCORES, "spaced_emergence_score", "leave_one_out_high"):
        assert found[name][1] == pytest.approx(expected[name])
    # On compute, half of the order is turned round; a model without it has no place.
    flop = [1e22, 1e21, 3e22, 1e24, 1e25]
    rows = [row | {"compute": c} for row, c in zip(curve()[::-1], flop, strict=True)]
    turned = [JUMP[i] for i in (1, 0, 2, 3, 4)]
    assert only(rows, x="compute")["emergence_score"] == pytest.approx(emergence_score(turned))
    rows[2]["compute"] = None
    assert only(rows, x="compute")["note"] == "m2 has no compute"


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "the table is empty"),
        ([{"family": "toy"}], {}, "missing columns"),
        (curve(sizes=[0, *SIZES[1:]]), {}, "n_params must be positive"),
        (curve() + curve(), {}, "the same measurement twice"),
        (curve(), {"by": ["shots"]}, "no column 'shots' in the score table; found"),
        (curve(), {"x": "flops"}, "no column 'flops'"),
        (curve(), {"x": "source"}, "x: found String in 'source', expected numbers"),
        (curve(), {"n_draws": -1}, "n_draws: found -1, expected 0 or more"),
        (curve(), {"level": 95, "n_draws": 10}, "level: found 95"),
    ],
)
def test_bad_tables_and_options_are_named(rows, options, message):
    with pytest.raises(ValueError, match=message):
        table(rows, **options)


def test_bigg():
    data = datasets.load("bigg")
    accuracy = data.scores.filter(metric="accuracy")
    found = table(accuracy, n_draws=200)
    score = found["emergence_score"]
    # As computed when this project was planned: 85 tasks, 7 infinite, 12 negative, median 5.
    assert found.height == 85
    assert found["n_models"].unique().to_list() == [12]
    assert (score.is_infinite().sum(), (score < 0).sum(), round(score.median())) == (7, 12, 5)
    assert found["note"].drop_nulls().str.starts_with("fit: ").all()
    assert (found["p_value"] <= 0.05).mean() < 0.25
    assert found["fit"].is_in(["smooth", "broken", "step", "not identifiable"]).all()


def test_curves_are_judged_alike_in_any_block(monkeypatch):
    rng = np.random.default_rng(0)
    rows = [row for i in range(5) for row in curve(f"t{i}", rng.random(5).round(2))]
    rows += curve("ragged", JUMP[:3], SIZES[:3])
    whole = table(rows, n_draws=0)
    monkeypatch.setattr(measures, "_AT_ONCE", 2)
    assert_frame_equal(table(rows, n_draws=0), whole)
