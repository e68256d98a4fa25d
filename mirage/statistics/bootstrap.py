"""Resampling of test items, and leave-one-model-out.

Resample the scores, apply any statistic to the resampled curves, and take
`mirage.statistics.percentile_interval` of the result. Draws are the first axis, models the last.
"""

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import floats, inside, numbers
from mirage.statistics.draws import FEWEST, share_draws

_BLOCK = 2**22  # numbers drawn at once: 32 MiB an array, whatever the number of draws


def item_bootstrap(
    outcomes: ArrayLike,
    n_resamples: int,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
) -> np.ndarray:
    """Scores of all models on items drawn again with replacement.

    Parameters
    ----------
    outcomes : array_like, shape (..., models, items)
        Score of each model on each item: 0 or 1, or any number of which the mean is the metric.
    n_resamples : int
        How many test sets to draw, at least 1.
    rng : numpy.random.Generator
        Source of the draws.
    clusters : array_like, shape (items,), optional
        Label of the cluster of each item (one passage with several questions, say). Whole
        clusters are then drawn: their items are not independent.

    Returns
    -------
    ndarray, shape (n_resamples, ..., models)
        In the unit of the outcomes.

    Raises
    ------
    ValueError
        If the shapes disagree, an outcome is NaN, or there are no resamples.

    See Also
    --------
    binomial_bootstrap : Where only accuracies are known, not the single items.
    percentile_interval : Interval from the resamples.

    Notes
    -----
    Paired: within a resample each model answers the same items, so that an easy test set raises
    all models together. Each task (leading axes) has its own draws.
    Items that all score alike show no variation, and neither do their resamples.
    Models that answered *other* items are resampled by a second call, and joined by
    ``np.concatenate(…, axis=-1)``.
    With clusters of unequal size a score is the sum over the drawn items by their number.

    References
    ----------
    B. Efron (1979), Bootstrap methods: another look at the jackknife, Ann. Statist. 7.
    https://doi.org/10.1214/aos/1176344552

    Examples
    --------
    Two models that differ on no item never differ in a resample.

    >>> rng = np.random.default_rng(0)
    >>> means = item_bootstrap([[0, 1, 1, 0], [0, 1, 1, 0]], 1000, rng)
    >>> means.shape, bool((means[:, 0] == means[:, 1]).all())
    ((1000, 2), True)
    """
    shape = "(..., models, items)"
    outcomes = numbers("outcomes", outcomes, range(2, 65), shape)
    sizes = np.ones(outcomes.shape[-1])
    if clusters is not None:
        outcomes, sizes = _sums(outcomes, np.asarray(clusters))
    tasks = outcomes.reshape(-1, *outcomes.shape[-2:])  # (tasks, models, clusters)
    means = np.empty((_positive("n_resamples", n_resamples), *tasks.shape[:2]))
    block = max(1, _BLOCK // len(sizes))
    for task, of_task in enumerate(tasks):
        for start in range(0, n_resamples, block):
            rows = slice(start, min(start + block, n_resamples))
            weights = _multiplicities(rows.stop - start, len(sizes), rng)
            means[rows, task] = weights @ of_task.T / (weights @ sizes)[:, None]
    return means.reshape(n_resamples, *outcomes.shape[:-1])


def binomial_bootstrap(
    accuracy: ArrayLike, n_items: ArrayLike, n_resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Accuracies on n new items each, where only the accuracy and n are known.

    Parameters
    ----------
    accuracy : array_like, shape (..., models)
        Observed accuracies, in [0, 1]; NaN for a model without one.
    n_items : int or array_like
        Number of items behind each; broadcasts against `accuracy`.
    n_resamples : int
        How many test sets to draw, at least 1.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (n_resamples, ..., models)
        In [0, 1]; NaN where `accuracy` is.

    Raises
    ------
    ValueError
        If an accuracy or a number of items is out of range, or there are no resamples.

    See Also
    --------
    item_bootstrap : Paired, from single items.
    draw_accuracies : From known abilities.

    Notes
    -----
    Binomial(n, (k + ½)/(n + 1))/n for k of n: at p = k/n, 0 of 100 would be 0 again in each
    resample, as if it were known exactly. Models are drawn independently; where they answered
    the same items, the paired `item_bootstrap` is narrower.

    Examples
    --------
    >>> draws = binomial_bootstrap([0.0, 0.5], 100, 10_000, np.random.default_rng(0))
    >>> draws.shape, bool(draws[:, 0].max() > 0)
    ((10000, 2), True)
    """
    accuracy = floats("accuracy", accuracy, "accuracies in [0, 1]")
    accuracy, n = np.broadcast_arrays(accuracy, floats("n_items", n_items, "numbers of items"))
    inside("accuracy", np.where(np.isnan(accuracy), 0.0, accuracy), 0, 1, "in [0, 1]")
    p = (accuracy * n + 0.5) / (n + 1)
    return draw_accuracies(p, n, n_resamples, rng, by_table=n_resamples >= FEWEST)


def draw_accuracies(
    p: ArrayLike,
    n_items: ArrayLike,
    n_draws: int,
    rng: np.random.Generator,
    *,
    by_table: bool = False,
) -> np.ndarray:
    """Accuracies on n independent items each, for models of known ability.

    Parameters
    ----------
    p : array_like, shape (..., models)
        Probability that an item is right, in [0, 1]; NaN for no model.
    n_items : int or array_like
        Number of items; broadcasts against `p`.
    n_draws : int
        How often to test all models, at least 1.
    rng : numpy.random.Generator
        Source of the draws.
    by_table : bool
        Draw from a table made once for each model: several times as fast for thousands of draws,
        and other numbers from the same seed.

    Returns
    -------
    ndarray, shape (n_draws, ..., models)
        Multiples of 1/n in [0, 1]; NaN where `p` is.

    Raises
    ------
    ValueError
        If a probability or a number of items is out of range, or there are no draws.

    Examples
    --------
    >>> draw_accuracies([0.0, 1.0], 10, 2, np.random.default_rng(0))
    array([[0., 1.],
           [0., 1.]])
    """
    p, n = floats("p", p, "probabilities"), floats("n_items", n_items, "numbers of items")
    p, n = np.broadcast_arrays(p, n)
    known = ~np.isnan(p)
    inside("probability", np.where(known, p, 0), 0, 1, "in [0, 1]")
    inside("n_items", np.where(known, n, 1), 1, 2**53, "at least 1 item")
    if (n[known] % 1 > 0).any():
        raise ValueError(
            f"n_items: found {n[known][n[known] % 1 > 0][0]:g}, expected whole numbers"
        )
    # The draws of one model lie side by side: what prepares them is done once for all.
    shape = (*p.shape, _positive("n_draws", n_draws))
    if not by_table:
        trials = np.where(known, n, 1).astype(np.int64)[..., None]
        counts = rng.binomial(trials, np.where(known, p, 0.0)[..., None], size=shape)
        return np.moveaxis(counts / np.where(known, n, np.nan)[..., None], -1, 0)
    shares = np.full(shape, np.nan)
    shares[known] = share_draws(n[known].astype(np.int64), p[known], n_draws, rng)
    return np.moveaxis(shares, -1, 0)


def leave_one_out(y: ArrayLike) -> np.ndarray:
    """Return each curve once without each of its models.

    Parameters
    ----------
    y : array_like, shape (..., models)
        Curves, or the sizes that belong to them.

    Returns
    -------
    ndarray, shape (models, ..., models − 1)
        At index i of the first axis, the curves without model i.

    Raises
    ------
    ValueError
        If there are fewer than 2 models.

    Examples
    --------
    >>> leave_one_out([1, 2, 3])
    array([[2., 3.],
           [1., 3.],
           [1., 2.]])
    """
    y = floats("y", y, "scores")
    if y.ndim == 0 or y.shape[-1] < 2:
        raise ValueError(f"y: found shape {y.shape}, expected (..., models) with at least 2 models")
    return np.stack([np.delete(y, index, axis=-1) for index in range(y.shape[-1])])


def _multiplicities(n_resamples: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of n is drawn in n draws, shape (n_resamples, n): rows sum to n."""
    drawn = rng.integers(n, size=(n_resamples, n))
    drawn += n * np.arange(n_resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_resamples * n).reshape(n_resamples, n) + 0.0


def _sums(outcomes: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of outcomes in each cluster, shape (..., models, clusters), and cluster sizes."""
    if clusters.shape != outcomes.shape[-1:]:
        found = f"found shape {clusters.shape} for {outcomes.shape[-1]} items"
        raise ValueError(f"clusters: {found}, expected one label an item")
    labels, of_item, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    member = np.zeros((len(of_item), len(labels)))
    member[np.arange(len(of_item)), of_item] = 1
    return outcomes @ member, sizes.astype(np.float64)


def _positive(name: str, count: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise ValueError(f"{name}: found {count!r}, expected a whole number of at least 1")
    return int(count)
