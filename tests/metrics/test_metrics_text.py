"""ROUGE-L-Sum and BLEU."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_score.rouge_scorer import RougeScorer

from mirage.metrics import exact_match
from mirage.metrics.text import bleu, rouge_l_sum

METRICS = [rouge_l_sum, bleu]
# Few words, so that matches, repeats and shifts are common.
lines = st.lists(st.sampled_from(["a", "b", "c", "12"]), min_size=1, max_size=8).map(" ".join)
summaries = st.lists(lines, min_size=1, max_size=3).map("\n".join)
items = st.lists(st.tuples(lines, st.lists(lines, min_size=1, max_size=3)), min_size=1, max_size=9)


def nltk_bleu(prediction, references):
    """Sentence BLEU of nltk: NIST's smoothing, no n-gram longer than the prediction."""
    words, order = prediction.split(), min(4, len(prediction.split()))
    weights, smooth = [1 / order] * order, SmoothingFunction().method3
    return sentence_bleu([text.split() for text in references], words, weights, smooth)


def test_rouge_by_hand():
    reference = "a b c d e"
    # 5 + 5 words and LCS 5; "a b c" is LCS 3 of 3 + 5; "e d c b a" has any one letter in order;
    # "a x b" shares a and b, 2 of 3 + 5; nothing.
    predictions = ["a b c d e", "a b c", "e d c b a", "a x b", ""]
    expected = [1, 6 / 8, 2 / 10, 4 / 8, 0]
    assert rouge_l_sum(predictions, [reference] * 5) == pytest.approx(expected, abs=1e-12)


def test_rouge_over_sentences_by_hand():
    # Lin (2004), 3.2: reference w1…w5 against "w1 w2 w6 w7 w8" and "w1 w3 w8 w9 w5": the union of
    # w1 w2 and w1 w3 w5 has 4 words, so recall 4/5, precision 4/10 and F = 8/15.
    prediction = "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"
    assert rouge_l_sum([prediction], ["w1 w2 w3 w4 w5"]) == pytest.approx([8 / 15])


def test_rouge_normalises_words():
    assert rouge_l_sum(["The cat, SAT!"], ["the cat sat"]).tolist() == [1]


def test_bleu_by_hand():
    # Precisions 5/6, 3/5, 1/4 and, smoothed, 1/(2·3); equal lengths.
    first = (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25
    # 3 words of 4, all right, of which no 4-gram is asked: the brevity penalty e^(1 − 4/3).
    second = math.exp(1 - 4 / 3)
    # "the" stands once in the reference: 1/4 (clipped), then smoothed 1/(2·3), 1/(4·2), 1/(8·1).
    third = (1 / 4 * 1 / 6 * 1 / 8 * 1 / 8) ** 0.25
    predictions = ["a b c x d e", "a b c", "the the the the", ""]
    references = ["a b c y d e", "a b c d", "the cat sat down", "a"]
    assert bleu(predictions, references) == pytest.approx([first, second, third, 0], abs=1e-12)


@given(st.lists(st.tuples(summaries, st.lists(summaries, min_size=1, max_size=3)), min_size=1))
def test_rouge_agrees_with_rouge_score(items):
    scorer = RougeScorer(["rougeLsum"])
    expected = [scorer.score_multi(several, text)["rougeLsum"].fmeasure for text, several in items]
    assert rouge_l_sum(*zip(*items, strict=True)) == pytest.approx(expected, abs=1e-12)


@given(items)
def test_bleu_agrees_with_nltk(items):
    expected = [nltk_bleu(text, several) for text, several in items]
    assert bleu(*zip(*items, strict=True)) == pytest.approx(expected, abs=1e-12)


@given(items)
@pytest.mark.parametrize("metric", METRICS)
def test_bounds_and_the_best_possible(metric, items):
    predictions, references = zip(*items, strict=True)
    scores = metric(predictions, references)
    assert ((scores >= 0) & (scores <= 1)).all()
    for prediction, several, score in zip(predictions, references, scores, strict=True):
        if prediction in several:
            assert score == 1


@given(items)
def test_a_further_reference_never_lowers_rouge(items):
    # BLEU has no such rule: a further reference can be nearer in length and bring a penalty.
    predictions, references = zip(*items, strict=True)
    fewer = rouge_l_sum(predictions, [several[:1] for several in references])
    assert (rouge_l_sum(predictions, references) >= fewer).all()


@given(items)
@pytest.mark.parametrize("metric", METRICS)
def test_without_spaces_it_is_exact_match(metric, items):
    # The likely cause of the published curves (erratum 7): a text of one token.
    pairs = [(text.replace(" ", ""), several[0].replace(" ", "")) for text, several in items]
    predictions, references = zip(*pairs, strict=True)
    expected = exact_match(predictions, references)
    assert metric(predictions, references).tolist() == expected.tolist()


@pytest.mark.parametrize("metric", METRICS)
def test_arrays_and_generators_are_read(metric):
    expected = metric(["a b", "c"], ["a b c", "c"]).tolist()
    assert metric(np.array(["a b", "c"]), np.array(["a b c", "c"])).tolist() == expected
    assert metric(iter(["a b", "c"]), [("a b c",), iter(["c"])]).tolist() == expected


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        (["a"], ["a", "b"], "found 1 predictions and 2 items of references"),
        ([], [], "at least one item"),
        ("ab", ["a", "b"], "predictions: found one str"),
        (["a", "b"], 3, "references: found one int"),
        (["a", None], ["a", "b"], r"predictions: found None \(NoneType\) at index 1"),
        (["a", ["b"]], ["a", "b"], r"predictions: found \['b'\] \(list\) at index 1"),
        (["a", "b"], ["a", float("nan")], r"references: found nan \(float\) at index 1"),
        (["a", "b"], ["a", []], r"references: found \[\] \(list\) at index 1"),
        (["a", "b"], ["a", ["b", 2]], r"references: found \['b', 2\] \(list\) at index 1"),
        (["a", "b"], ["a", ["b", " "]], "references: found .*' ' at index 1"),
    ],
)
def test_bad_input_is_named(metric, predictions, references, message):
    with pytest.raises(ValueError, match=message):
        metric(predictions, references)


@pytest.mark.parametrize(
    ("prediction", "reference", "score"),
    [
        ("él vino", "ál vino", 0.5),  # one word of two
        ("他爱她 5", "他恨他 5", 0.5),
        ("niño", "ni o", 0.0),
        ("niño", "nin\u0303o", 1.0),  # the same letters, composed and not
        ("κόσμος", "κόσμος", 1.0),
        ("हिन्दी भाषा", "हिन्दी लिपि", 0.5),  # vowel signs are parts of their words
    ],
)
def test_rouge_of_letters_outside_a_to_z(prediction, reference, score):
    assert rouge_l_sum([prediction], [reference]).tolist() == [score]
    assert rouge_l_sum([f"{prediction}\n"], [reference]).tolist() == [score]


def test_rouge_refuses_a_reference_without_a_word():
    with pytest.raises(ValueError, match="found no word in '…!'"):
        rouge_l_sum(["a"], ["…!"])
