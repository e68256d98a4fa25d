"""The catalogue of metrics: one name for one thing, whatever files call it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage.metrics import catalogue
from mirage.metrics.catalogue import CATALOGUE, UnknownMetricError, find, get
from mirage.pages import published

LISTED = sorted({name for metric in CATALOGUE for name in (metric.name, *metric.aliases)})


def test_no_name_is_of_two_metrics():
    catalogue._names.cache_clear()
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert all(find(name) is metric for name in (metric.name, *metric.aliases))


@given(st.sampled_from(LISTED), st.sampled_from([" ", "_", "-"]), st.booleans())
def test_case_and_separators_do_not_matter(name, separator, upper):
    spelt = separator.join(name.replace("_", " ").replace("-", " ").split())
    assert find(spelt.upper() if upper else spelt) is find(name)


@given(st.sampled_from(LISTED), st.sampled_from(["-", "−", "– ", "negative ", "neg_"]))
def test_a_minus_turns_direction_and_range_round(name, minus):
    plain, signed = find(name), find(minus + name)
    if signed in CATALOGUE:  # such as the negative log-likelihood, which has a name of its own
        assert signed.higher_is_better is False
        return
    assert signed.bounds == (-plain.bounds[1], -plain.bounds[0])
    assert signed.kind == plain.kind
    if plain.higher_is_better is None:
        assert signed.higher_is_better is None
    else:
        assert signed.higher_is_better is not plain.higher_is_better


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("acc,none", "accuracy"),
        ("exact_match,strict-match", "exact match"),
        ("exact_match (flexible-extract)", "exact match"),
        ("validation loss", "loss"),
        ("accuracy, L = 3", "accuracy"),
        ("pass@1", "pass@k"),
        ("average F1 score", "F1"),
        ("max_toxicity", "toxicity"),
    ],
)
def test_what_says_more_keeps_its_name(name, like):
    found, known = find(name), find(like)
    assert (found.higher_is_better, found.bounds, found.kind) == (
        known.higher_is_better,
        known.bounds,
        known.kind,
    )
    if name != "max_toxicity":  # an alias
        assert found.name == name


@pytest.mark.parametrize(
    "name",
    [
        "inverse_perplexity",
        "1-wer",
        "loss improvement",
        "score",
        "mean",
        "gain over error",
        "",
        "-",
    ],
)
def test_nothing_is_guessed_from_a_part_of_a_name(name):
    assert find(name) is None
    with pytest.raises(UnknownMetricError, match="which is not listed"):
        get(name)


def test_an_unknown_metric_is_told_its_likely_names():
    with pytest.raises(UnknownMetricError, match=r"did you mean 'token edit distance'"):
        get("token edit distanse")


def test_ranges_and_directions_agree():
    for metric in CATALOGUE:
        low, high = metric.bounds
        assert low < high, metric
        assert metric.kind != catalogue.SHARE or (low, high) == (0, 1), metric
        # What is best lies at a finite end, but for unbounded reals.
        if metric.higher_is_better is False:
            assert math.isfinite(low), metric


def test_metrics_of_the_paper_keep_their_thirty_nine_names():
    maxima = published.load("fig5A_max_emergence_score")
    named = {found.name if (found := find(name)) else name for name in maxima}
    assert len(named) == len(maxima)
