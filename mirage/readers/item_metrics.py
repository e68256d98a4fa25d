"""Every metric that saved answers allow, one value per item, and their averages as score rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from mirage.metrics import catalogue, choices, strings
from mirage.metrics import text as text_metrics
from mirage.readers.found import Items

TEXT = ("exact match", "token accuracy", "token edit distance", "ROUGE-L-Sum", "BLEU")


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


def of_texts(
    predictions: Sequence[str], targets: Sequence[str | Sequence[str]]
) -> dict[str, np.ndarray]:
    """Score generated texts; spaces around them do not count.

    Parameters
    ----------
    predictions : sequence of str
        What the model wrote.
    targets : sequence of str or of sequences of str
        What is right; of several texts the one counts that gives the best score.

    Returns
    -------
    dict of str to ndarray
        By catalogue name: exact match, token accuracy, token edit distance (of characters); and
        ROUGE-L-Sum and BLEU if any target has two words, as both are exact match on one.

    Examples
    --------
    >>> found = of_texts([" 4275", "b"], ["4271", ["a", "b"]])
    >>> found["exact match"].tolist(), found["token edit distance"].tolist(), len(found)
    ([0.0, 1.0], [1, 0], 3)
    """
    several = [[target] if isinstance(target, str) else list(target) for target in targets]
    several = [[text.strip() for text in texts] for texts in several]
    predictions = [prediction.strip() for prediction in predictions]
    starts = np.cumsum([0, *map(len, several)])[:-1]
    flat = [text for texts in several for text in texts]
    repeated = [p for p, texts in zip(predictions, several, strict=True) for _ in texts]
    found = {
        "exact match": np.maximum.reduceat(strings.exact_match(repeated, flat), starts),
        "token accuracy": np.maximum.reduceat(strings.token_accuracy(repeated, flat), starts),
        "token edit distance": np.minimum.reduceat(
            strings.token_edit_distance(repeated, flat), starts
        ),
    }
    if not any(len(target.split()) > 1 for target in flat):
        return found
    worded = [[text for text in texts if any(c.isalnum() for c in text)] for texts in several]
    where = [i for i, texts in enumerate(worded) if texts]
    for name, metric in (("ROUGE-L-Sum", text_metrics.rouge_l_sum), ("BLEU", text_metrics.bleu)):
        found[name] = np.full(len(several), np.nan)
        if where:
            found[name][where] = metric([predictions[i] for i in where], [worded[i] for i in where])
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


def recomputed(items: Sequence[Items]) -> list[dict[str, Any]]:
    """Score rows of the metrics of text that were computed from items of one trial each."""
    rows = []
    for common, table in items:
        if table["seed"].n_unique() == 1:
            averages = Averages()
            names = [name for name in TEXT if name in table.columns]
            averages.add({name: table[name].cast(float).to_numpy() for name in names})
            rows += [common | row | {"recomputed": True} for row in averages.rows()]
    return rows


def same_metric(a: str, b: str) -> bool:
    """Whether two names mean one metric: acc is the grade of multiple choice."""
    names = {catalogue.find(name).name if catalogue.find(name) else name for name in (a, b)}
    return len(names) == 1 or names == {"accuracy", "multiple choice grade"}
