"""Every metric that saved answers allow, one value per item, and their averages as score rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from mirage.metrics import catalogue, choices, strings, text


def of_choices(log_probs: Sequence[Sequence[float]], target: Sequence[int]) -> dict[str, Any]:
    """Score answers to multiple choice.

    Parameters
    ----------
    log_probs : sequence of sequences of float
        Log-probability of each choice of each item, nats.
    target : sequence of int
        Index of the right choice.

    Returns
    -------
    dict of str to ndarray
        By catalogue name: grade, target probability, the Brier score in its three conventions,
        and −log of the target probability among the choices.

    Examples
    --------
    >>> of_choices([[-1.0, -1.0]], [0])["Brier score"].tolist()
    [0.5]
    """
    probability = choices.target_probability(log_probs, target)
    with np.errstate(divide="ignore"):
        return {
            "multiple choice grade": choices.multiple_choice_grade(log_probs, target),
            "target probability": probability,
            "multiple choice Brier score": choices.brier_score(log_probs, target, "mean"),
            "Brier score": choices.brier_score(log_probs, target, "sum"),
            "target Brier score": choices.brier_score(log_probs, target, "target"),
            "negative log-likelihood": -np.log(probability),
        }


def of_texts(predictions: Sequence[str], targets: Sequence[str]) -> dict[str, Any]:
    """Score generated texts; spaces around them do not count.

    Parameters
    ----------
    predictions, targets : sequence of str
        What the model wrote, and what is right.

    Returns
    -------
    dict of str to ndarray
        By catalogue name: exact match, token accuracy, token edit distance (of characters); and
        ROUGE-L-Sum and BLEU if any target has two words, as both are exact match on one.

    Examples
    --------
    >>> found = of_texts([" 4275"], ["4271"])
    >>> found["exact match"].tolist(), found["token edit distance"].tolist(), len(found)
    ([0.0], [1], 3)
    """
    predictions = [prediction.strip() for prediction in predictions]
    targets = [target.strip() for target in targets]
    found = {
        "exact match": strings.exact_match(predictions, targets),
        "token accuracy": strings.token_accuracy(predictions, targets),
        "token edit distance": strings.token_edit_distance(predictions, targets),
    }
    if any(len(target.split()) > 1 for target in targets):
        worded = [any(c.isalnum() for c in target) for target in targets]
        for name, metric in (("ROUGE-L-Sum", text.rouge_l_sum), ("BLEU", text.bleu)):
            values = np.full(len(targets), np.nan)
            if any(worded):
                pairs = [(p, t) for p, t, w in zip(predictions, targets, worded, strict=True) if w]
                values[worded] = metric(*zip(*pairs, strict=True))
            found[name] = values
    return found


class Averages:
    """Means, standard errors and counts of metrics whose items come in blocks."""

    def __init__(self) -> None:
        self._sums: dict[str, np.ndarray] = {}

    def add(self, values: Mapping[str, np.ndarray]) -> None:
        """Add a block of items; NaN is no answer."""
        for name, column in values.items():
            column = np.asarray(column, np.float64)
            column = column[~np.isnan(column)]
            sums = np.array([len(column), column.sum(), (column**2).sum()])
            self._sums[name] = self._sums.get(name, np.zeros(3)) + sums

    def rows(self) -> list[dict[str, Any]]:
        """A row per metric, in the order in which they came."""
        return [self._row(name) for name, (n, _, _) in self._sums.items() if n]

    def _row(self, name: str) -> dict[str, Any]:
        n, total, squares = self._sums[name]
        mean = total / n
        finite = np.isfinite(squares)
        spread = sqrt(max(squares - n * mean**2, 0) / (n - 1) / n) if finite and n > 1 else None
        # Rounding alone leaves about 1e-9 of a spread of 0.
        spread = 0.0 if spread is not None and spread < 1e-8 * max(abs(mean), 1) else spread
        score = float(mean) if finite else None
        return {"metric": name, "score": score, "n_items": int(n), "stderr": spread}


def same_metric(a: str, b: str) -> bool:
    """Whether two names mean one metric: acc is the grade of multiple choice."""
    names = {catalogue.find(name).name if catalogue.find(name) else name for name in (a, b)}
    return len(names) == 1 or names == {"accuracy", "multiple choice grade"}
