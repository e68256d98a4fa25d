"""Metrics of generated text: exact match, token accuracy, token edit distance.

Exact match is the paper's nonlinear metric (its *accuracy*, Figs 2C and 3 top).
Token edit distance is the metric that grows about linearly with the errors per token
(Figs 2E and 3 bottom).
An item is a string, whose tokens are its characters, or a sequence of tokens (str or int).
Nothing is stripped or lower-cased, and "é" as one character is not "é" as two: normalise before
you score (`str.strip`, `str.casefold`, `unicodedata.normalize`).
"""

from collections.abc import Callable, Iterable, Sequence
from operator import eq

import numpy as np
from rapidfuzz.distance import Hamming, Levenshtein
from rapidfuzz.process import cpdist

Items = Iterable[str] | Iterable[Sequence]


def exact_match(predictions: Items, targets: Items) -> np.ndarray:
    """Whether each prediction equals its target, token for token.

    Parameters
    ----------
    predictions : sequence of str or of token sequences, length items
        What the model produced; an empty prediction is legal.
    targets : sequence of str or of token sequences, length items
        The reference of each item.

    Returns
    -------
    ndarray of float64, shape (items,)
        1 or 0, higher is better.

    Raises
    ------
    ValueError
        If the lengths differ, there are no items, or an item is neither kind.

    Notes
    -----
    1[prediction = target]. With independent tokens of probability p, its expectation on
    a target of length L is p^L (the paper's Section 2, Fig 2C).

    Examples
    --------
    >>> exact_match(["1234", "123"], ["1234", "1234"])
    array([1., 0.])
    """
    predictions, targets = _comparable(predictions, targets)
    return np.fromiter(map(eq, predictions, targets), np.float64, len(targets))


def token_accuracy(predictions: Items, targets: Items) -> np.ndarray:
    """Fraction of positions at which the prediction holds the token of the target.

    Parameters
    ----------
    predictions : sequence of str or of token sequences, length items
        What the model produced; an empty prediction is legal.
    targets : sequence of str or of token sequences, length items
        The reference of each item.

    Returns
    -------
    ndarray of float64, shape (items,)
        In [0, 1], higher is better; 1 exactly where `exact_match` is 1.

    Raises
    ------
    ValueError
        If the lengths differ, there are no items, or an item is neither kind.

    Notes
    -----
    Σ_i 1[prediction_i = target_i] / max(len(prediction), len(target)).
    The longer of the two lengths is the divisor, so that neither a missing nor a surplus
    token is free: small models of the paper's Fig 3 generate more than was asked.
    With independent tokens of probability p and the right length, the expectation is p.
    Two empty sequences agree: 1. The edit distance is bounded by it:
    `token_edit_distance` ≤ max length × (1 − `token_accuracy`).

    Examples
    --------
    >>> token_accuracy(["1234", "1299", "12341234", "234"], ["1234"] * 4)
    array([1. , 0.5, 0.5, 0. ])
    """
    predictions, targets = _comparable(predictions, targets)
    # pad=True: each position that only one of the two sequences has is an error.
    errors = _distances(Hamming.distance, predictions, targets, pad=True)
    lengths = np.fromiter(map(max, map(len, predictions), map(len, targets)), np.int64)
    lengths = np.maximum(lengths, 1)  # two empty sequences: 0 errors of 1
    return (lengths - errors) / lengths


def token_edit_distance(predictions: Items, targets: Items) -> np.ndarray:
    """Fewest insertions, deletions and substitutions of tokens that mend each prediction.

    Parameters
    ----------
    predictions : sequence of str or of token sequences, length items
        What the model produced; an empty prediction is legal.
    targets : sequence of str or of token sequences, length items
        The reference of each item.

    Returns
    -------
    ndarray of int64, shape (items,)
        Tokens, from 0 to max(len(prediction), len(target)), lower is better.

    Raises
    ------
    ValueError
        If the lengths differ, there are no items, or an item is neither kind.

    Notes
    -----
    The Levenshtein distance, each operation at cost 1, computed by rapidfuzz.
    A surplus token costs 1, so that a model which goes on after the answer can exceed
    the target length. The paper's L(1 − p) (Fig 2E) leaves surplus tokens out.
    ``|difference of lengths| ≤ distance ≤ padded Hamming distance``.

    Examples
    --------
    One substitution; four insertions too many; a shift, which two operations mend.

    >>> token_edit_distance(["1239", "12345678", "2341"], ["1234"] * 3)
    array([1, 4, 2])
    >>> token_edit_distance([[7, 8], [7]], [[7, 9], [7, 9, 9]])
    array([1, 2])
    """
    predictions, targets = _comparable(predictions, targets)
    return _distances(Levenshtein.distance, predictions, targets)


def _distances(scorer: Callable, predictions: list, targets: list, **options: bool) -> np.ndarray:
    found = cpdist(predictions, targets, scorer=scorer, scorer_kwargs=options, dtype=np.int64)
    return found.astype(np.int64)  # rapidfuzz's int64 is C's long long, which prints otherwise


def _comparable(predictions: Items, targets: Items) -> tuple[list, list]:
    """Check both sides; strings are returned as they are, token sequences as lists of ids.

    Ids, because rapidfuzz compares tokens by hash (and a character by its code): with ids
    0, 1, 2, … equal means equal, and a character never equals a number.
    """
    predictions, targets = _listed("predictions", predictions), _listed("targets", targets)
    if len(predictions) != len(targets):
        found = f"found {len(predictions)} predictions and {len(targets)} targets"
        raise ValueError(f"{found}, expected one prediction for each target")
    if not targets:
        raise ValueError("found no predictions and no targets, expected at least one item")
    kinds = set(map(type, predictions)) | set(map(type, targets))
    if all(issubclass(kind, str) for kind in kinds):  # the fast path: no look at single items
        return predictions, targets
    _check_kinds(predictions, targets)
    ids: dict = {}
    encoded = _encode("predictions", predictions, ids), _encode("targets", targets, ids)
    if any(token != token for token in ids):  # only NaN differs from itself
        raise ValueError("found the token NaN, expected str or int tokens")
    return encoded


def _listed(name: str, items: Items) -> list:
    items = items.tolist() if hasattr(items, "tolist") else items
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        found = f"found one {type(items).__name__} ({items!r:.40})"
        raise ValueError(f"{name}: {found}, expected a sequence of items, e.g. a list of str")
    return items if isinstance(items, list) else list(items)


def _check_kinds(predictions: list, targets: list) -> None:
    sides = [("predictions", predictions), ("targets", targets)]
    items = [(name, i, item) for name, side in sides for i, item in enumerate(side)]
    for name, i, item in items:
        if not (isinstance(item, Sequence) or getattr(item, "ndim", 0) == 1):
            found = f"found {item!r:.40} ({type(item).__name__}) at index {i}"
            hint = 'a string or a sequence of tokens ("" if the model produced nothing)'
            raise ValueError(f"{name}: {found}, expected {hint}")
    as_strings = isinstance(targets[0], str)
    for name, i, item in items:
        if isinstance(item, str) != as_strings:
            found = f"found {item!r:.40} ({type(item).__name__}) at index {i}"
            expected = "a string" if as_strings else "a sequence of tokens"
            raise ValueError(f"{name}: {found}, expected {expected} like the first target")


def _encode(name: str, items: list, ids: dict) -> list[list[int]]:
    rows = (item.tolist() if hasattr(item, "tolist") else item for item in items)
    try:
        return [[ids.setdefault(token, len(ids)) for token in row] for row in rows]
    except TypeError as error:
        found = f"found a token that is neither ({error})"
        raise ValueError(f"{name}: {found}, expected str or int tokens") from error
