"""An ability: one task of one model family under one protocol, with all its metrics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mirage.metrics import catalogue


def spoken(metric: str) -> str:
    """Name of a metric in a sentence: the catalogue's, or its own without low lines.

    Examples
    --------
    >>> spoken("multiple_choice_grade"), spoken("acc"), spoken("acc_norm"), spoken("my_points")
    ('multiple choice grade', 'accuracy', 'normalised accuracy', 'my points')
    """
    known = catalogue.find(metric)
    name, _, rest = (known.name if known else metric).replace("_", " ").partition(", ")
    if not rest:
        return name
    return f"{rest} {name}" if rest in ("normalised", "uncorrected") else f"{name} {rest}"


class MetricCurve(NamedTuple):
    """One metric of an ability, higher is better.

    Attributes
    ----------
    name : str
        As in the score table.
    x, y : ndarray, shape (models,)
        Sizes, ascending, and scores.
    n_items : ndarray, shape (models,), or None
        Items behind each share of items; None for a mean of reals.
    stderr : ndarray, shape (models,), or None
        Standard errors of means of reals, where known.
    bounds : (float, float) or None
        Range of the metric; None without bounds.
    chance : float or None
        Score of a guess; None if unknown.
    sharp : bool
        Whether an item counts only if all of its answer is right.
    items : ndarray, shape (models, items), or None
        Score of each item, the same items in the same order for all metrics of the ability, higher
        is better. `of_means` makes scores of their means.
    rescaled : str
        How y came of the value that the file states, such as "exp(−value)"; empty where it is it.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    n_items: np.ndarray | None
    stderr: np.ndarray | None
    bounds: tuple[float, float] | None
    chance: float | None
    sharp: bool
    items: np.ndarray | None = None
    rescaled: str = ""

    @property
    def spoken(self) -> str:
        """The name as sentences and the report have it."""
        return spoken(self.name)

    def of_means(self, means: np.ndarray) -> np.ndarray:
        """Means over items as scores of this curve: of exp(−value) they are the exponents.

        The curve is exp(−mean loss), and not the mean of exp(−loss), which is another curve.
        """
        return np.exp(means) if self.rescaled.startswith("exp(") else means


class Ability(NamedTuple):
    """All metrics of one family, task and protocol.

    Attributes
    ----------
    family, task, protocol : str
        What it is.
    metrics : tuple of MetricCurve
        The headline metric first.
    note : str or None
        Why it cannot be judged, or what is doubtful.
    judged : bool
        Whether it can be judged.
    probabilities : ndarray, shape (models, items), or None
        Probability of the right answer to each item of the headline metric, where it is known.
    """

    family: str
    task: str
    protocol: str
    metrics: tuple[MetricCurve, ...]
    note: str | None = None
    judged: bool = True
    probabilities: np.ndarray | None = None
