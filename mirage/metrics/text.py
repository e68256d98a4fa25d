"""Metrics of text against one or several references: ROUGE-L-Sum and BLEU (Figs 9 and 10).

Both give credit for a part of the answer, but only between tokens: a text that the tokeniser
leaves in one piece is right or wrong as a whole, and either metric is then exact match.
A token is a word here, where `mirage.metrics.strings` takes the characters of a string.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING
from unicodedata import category

import numpy as np

from mirage.metrics.strings import _listed

if TYPE_CHECKING:
    from sacrebleu.metrics import BLEU

Texts = Iterable[str]
References = Iterable[str | Iterable[str]]


def rouge_l_sum(predictions: Texts, references: References) -> np.ndarray:
    r"""ROUGE-L-Sum: F-measure of the longest common subsequence of words.

    Parameters
    ----------
    predictions : sequence of str, length items
        What the model produced; a newline ends a sentence. A text without a word is legal.
    references : sequence of str or of sequences of str, length items
        One right text for each item, or several.

    Returns
    -------
    ndarray of float64, shape (items,)
        In [0, 1], higher is better; the best of the references counts.

    Raises
    ------
    ValueError
        If the lengths differ, there are no items, an item is no text, or a reference has no
        word.

    Notes
    -----
    F = 2 LCS / (words of the prediction + words of the reference), Lin (2004). With several
    sentences LCS counts the words of the reference that are in a longest common subsequence
    with any sentence of the prediction.
    A word is a run of letters, marks and digits of any script after lower-casing, unstemmed. On
    text of a–z alone the values agree with the package rouge-score, which cuts every other letter
    out of its word. Scripts that put no spaces between words have long "words": split them first.

    Examples
    --------
    "the cat sat" and "the cat sits" share 2 of 3 + 3 words: 4/6. In one piece they share none.

    >>> rouge_l_sum(["the cat sat", "thecatsat"], ["the cat sits", "thecatsits"]).round(3)
    array([0.667, 0.   ])
    >>> rouge_l_sum(["the cat sat"], [["a cat sits", "the cat sat down"]]).round(3)
    array([0.857])
    """
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cpdist
    from rouge_score.rouge_scorer import RougeScorer

    predictions, references = _checked(predictions, references)
    starts = [0, *accumulate(map(len, references))][:-1]
    pairs = list(_pairs(predictions, references))
    # Numbers for words: rapidfuzz compares by hash, and each text is split once.
    numbers: dict[str, int] = {}
    words = {
        text: [numbers.setdefault(word, len(numbers)) for word in _Words.tokenize(text)]
        for text in dict.fromkeys(text for pair in pairs for text in pair)
    }
    _refuse(references, lambda text: not words[text], "found no word in {}")
    left, right = ([words[text] for text in side] for side in zip(*pairs, strict=True))
    common = cpdist(left, right, scorer=LCSseq.similarity, dtype=np.int64)
    score = 2 * common / (np.fromiter(map(len, left), int) + np.fromiter(map(len, right), int))
    scorer = RougeScorer(["rougeLsum"], tokenizer=_Words)
    for i, (prediction, reference) in enumerate(pairs):
        if "\n" in prediction or "\n" in reference:  # sentences: the union of subsequences
            score[i] = scorer.score(reference, prediction)["rougeLsum"].fmeasure
    return np.maximum.reduceat(score, starts)


class _Words:
    """The tokeniser of ROUGE, in the form that rouge-score asks for."""

    @staticmethod
    def tokenize(text: str) -> list[str]:
        text = text.lower()
        if text.isascii():
            return re.findall(r"[a-z0-9]+", text)
        text = unicodedata.normalize("NFC", text)
        return "".join(c if c.isalnum() or category(c)[0] == "M" else " " for c in text).split()


def bleu(predictions: Texts, references: References) -> np.ndarray:
    """BLEU of each text: geometric mean of its n-gram precisions, n = 1 to 4.

    Parameters
    ----------
    predictions : sequence of str, length items
        What the model produced; an empty text is legal.
    references : sequence of str or of sequences of str, length items
        One right text for each item, or several.

    Returns
    -------
    ndarray of float64, shape (items,)
        In [0, 1] (the field often prints percent), higher is better.

    Raises
    ------
    ValueError
        If the lengths differ, there are no items, an item is no text, or a reference is empty.

    Notes
    -----
    min(1, exp(1 − r/c)) (Π_n precision_n)^(1/4), Papineni et al. (2002), by sacrebleu: c is the
    length of the prediction and r that of the nearest reference; an n-gram counts as often as it
    stands in the reference that has it most often.
    Tokens are those of mteval-v13a. An n without a match has the precision 1/(2^k total), k = 1,
    2, … (smoothing "exp"); a text with no token right has 0. A prediction of fewer than 4
    tokens is judged by the n that it has, so that one of 1 token has its exact match.
    The mean over items is not corpus BLEU, which adds up the counts before it divides.

    Examples
    --------
    Precisions 3/4, 2/3, 1/2 and, smoothed, 1/2: (1/8)^(1/4). In one piece, nothing is right.

    >>> bleu(["a b c d", "abcd"], ["a b c e", "abce"]).round(4)
    array([0.5946, 0.    ])
    >>> bleu(["a b c d"], [["a b c e", "b c d"]])     # each n-gram but one is in a reference
    array([0.84089642])
    """
    predictions, references = _checked(predictions, references)
    _refuse(references, lambda text: not text.strip(), "found {}")
    metric = _sacrebleu()
    percent = [
        metric.sentence_score(prediction, several).score
        for prediction, several in zip(predictions, references, strict=True)
    ]
    return np.minimum(np.array(percent) / 100, 1.0)  # exp(log 100) is 100.00000000000004


@cache
def _sacrebleu() -> "BLEU":
    """Return one object for all calls: it remembers how it split the last 65 536 texts."""
    from sacrebleu.metrics import BLEU

    return BLEU(effective_order=True)


def _pairs(predictions: list[str], references: list[list[str]]) -> Iterable[tuple[str, str]]:
    for prediction, several in zip(predictions, references, strict=True):
        for reference in several:
            yield prediction, reference


def _checked(predictions: Texts, references: References) -> tuple[list[str], list[list[str]]]:
    """Check both sides; each item's references become a list."""
    predictions, references = _listed("predictions", predictions), _listed("references", references)
    if len(predictions) != len(references):
        found = f"found {len(predictions)} predictions and {len(references)} items of references"
        raise ValueError(f"{found}, expected the references of each prediction")
    if not predictions:
        raise ValueError("found no predictions and no references, expected at least one item")
    for i, text in enumerate(predictions):
        if not isinstance(text, str):
            found = f"found {text!r:.40} ({type(text).__name__}) at index {i}"
            raise ValueError(f'predictions: {found}, expected a text ("" if there is none)')
    return predictions, [_several(i, item) for i, item in enumerate(references)]


def _several(i: int, item: str | Iterable[str]) -> list[str]:
    several = [item] if isinstance(item, str) else item
    several = list(several) if isinstance(several, Iterable) else [several]
    if not several or not all(isinstance(text, str) for text in several):
        found = f"found {item!r:.40} ({type(item).__name__}) at index {i}"
        raise ValueError(f"references: {found}, expected a text or a sequence of texts")
    return several


def _refuse(references: list[list[str]], is_bad: Callable[[str], bool], found: str) -> None:
    for i, several in enumerate(references):
        for text in several:
            if is_bad(text):
                found = found.format(f"{text!r:.40}")
                raise ValueError(f"references: {found} at index {i}, expected words to compare")
