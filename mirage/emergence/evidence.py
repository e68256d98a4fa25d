"""What is measured of an ability before a verdict: chance, trend, dormancy and jump of each metric.

An ability is one task of one model family under one protocol, with all its metrics.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import bdtrc, ndtri, stdtrit

from mirage.emergence.dormancy import Dormancy, dormancy
from mirage.emergence.dormancy_bootstrap import DormancyDifference, dormancy_difference
from mirage.fits.jump import FEWEST, LEAST_SCATTER, jump_test

LEVEL = 0.05  # of every test
MARGIN = 0.02  # share of the range above a guess that a biased guesser may reach
FAMILY = 10  # curves from which the scatter of a family is estimated
_FINEST = 20_000  # most draws of a curve


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
        Score of each item, the same items in the same order for all metrics of the ability.
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
    """

    family: str
    task: str
    protocol: str
    metrics: tuple[MetricCurve, ...]
    note: str | None = None
    judged: bool = True


class Finding(NamedTuple):
    """What is measured of one metric.

    Attributes
    ----------
    curve : MetricCurve
        The data.
    above_chance : bool or None
        Whether any model scores above a guess; None if the score of a guess is unknown.
    trend : (float, float)
        95 % interval of the slope, log odds per decade; NaN with fewer than 3 models.
    dormancy : Dormancy
        Dormant share and rise width.
    p_jump, height, score_height, detectable, scatter : float
        Of `mirage.fits.jump_test`; NaN with fewer than 5 models.
    gap : (float, float)
        Sizes between which the jump would lie.
    expected : ndarray, shape (models,)
        Scores of the smooth curve.
    """

    curve: MetricCurve
    above_chance: bool | None
    trend: tuple[float, float]
    dormancy: Dormancy
    p_jump: float
    height: float
    score_height: float
    detectable: float
    scatter: float
    gap: tuple[float, float]
    expected: np.ndarray


class Evidence(NamedTuple):
    """All that a verdict rests on.

    Attributes
    ----------
    ability : Ability
        The data.
    findings : tuple of Finding
        One for each metric, the headline first.
    difference : DormancyDifference or None
        Dormant share of the headline metric less that of `smooth`, on the same items.
    smooth : int or None
        Which finding is the smooth metric that the headline is compared with.
    """

    ability: Ability
    findings: tuple[Finding, ...]
    difference: DormancyDifference | None
    smooth: int | None


def gather(
    abilities: list[Ability], rng: np.random.Generator, n_draws: int = 200, n_resamples: int = 400
) -> list[Evidence]:
    """Measure abilities that can be judged, all jump tests together.

    Parameters
    ----------
    abilities : list of Ability
        At least one metric each.
    rng : numpy.random.Generator
        Source of all draws.
    n_draws : int
        Draws of the jump test; curves near the level get more.
    n_resamples : int
        Resamples of the items for the difference of dormant shares.

    Returns
    -------
    list of Evidence
        In the same order.
    """
    curves = [curve for ability in abilities for curve in ability.metrics]
    family = [ability.family for ability in abilities for _ in ability.metrics]
    jumps = iter(_jumps(curves, family, rng, n_draws))
    return [_evidence(ability, jumps, rng, n_resamples) for ability in abilities]


def _evidence(ability: Ability, jumps, rng, n_resamples) -> Evidence:
    findings = tuple(
        Finding(
            curve,
            above_chance(curve),
            trend(curve),
            _dormancy(curve),
            **next(jumps),
        )
        for curve in ability.metrics
    )
    head = findings[0].curve
    smooth = [i for i, f in enumerate(findings) if i and not f.curve.sharp]
    # Of several smooth metrics the one that would show the smallest jump.
    smooth = min(
        smooth, key=lambda i: np.nan_to_num(findings[i].detectable, nan=np.inf), default=None
    )
    difference = None
    if head.sharp and smooth is not None:
        other = findings[smooth].curve
        if np.array_equal(head.x, other.x):
            paired = head.items is not None and other.items is not None
            a, b = (head.items, other.items) if paired else (head.y, other.y)
            chance = (head.chance, other.chance)
            difference = dormancy_difference(
                a, b, head.x, rng, per_item=paired, chance=chance, n_resamples=n_resamples
            )
    return Evidence(ability, findings, difference, smooth)


def _dormancy(curve: MetricCurve) -> Dormancy:
    if len(curve.x) < 2:
        return Dormancy(np.nan, np.nan, np.nan, np.nan)
    return dormancy(curve.y, curve.x, curve.chance, curve.n_items)


def above_chance(curve: MetricCurve) -> bool | None:
    """Whether any model scores above a guess, at the 5 % level over all of them together.

    A share of items is tested exactly, for each model (Bonferroni) and for the larger half of the
    models together; where guesses are right at all it must also exceed them by 2 % of the range,
    since a biased guesser does not score exactly 1/K. Other metrics give no answer.
    """
    if curve.n_items is None:
        return None
    if curve.chance is None:
        return None if curve.y.any() else False
    n, k = curve.n_items, np.rint(curve.y * curve.n_items)
    if curve.chance == 0:
        return bool(k.any())
    late = slice(len(n) // 2, None)
    n, k = np.append(n, n[late].sum()), np.append(k, k[late].sum())
    p = np.where(k > 0, bdtrc(np.maximum(k - 1, 0), n, curve.chance), 1.0)
    clear = k / n > curve.chance + MARGIN * (1 - curve.chance)
    return bool(((p < LEVEL / len(n)) & clear).any())


def trend(curve: MetricCurve) -> tuple[float, float]:
    """95 % interval of the slope of the log odds against log10 size, by weighted least squares.

    The variance of a point is that of its score plus a scatter of .1; the residuals widen the
    interval if they are larger.
    """
    m = len(curve.x)
    if m < 3:
        return np.nan, np.nan
    z, variance = _log_odds(curve)
    weight = 1 / (variance + LEAST_SCATTER**2)
    t = np.log10(curve.x)
    t = t - np.average(t, weights=weight)
    z = z - np.average(z, weights=weight)
    information = (weight * t**2).sum()
    slope = (weight * t * z).sum() / information
    noise = (weight * (z - slope * t) ** 2).sum() / (m - 2)
    half = stdtrit(m - 2, 0.975) if noise > 1 else ndtri(0.975)
    half *= np.sqrt(max(noise, 1) / information)
    return float(slope - half), float(slope + half)


def _log_odds(curve: MetricCurve) -> tuple[np.ndarray, np.ndarray]:
    """Log odds of the scores within the range of the metric, and their variance."""
    if curve.n_items is not None:
        n = curve.n_items
        q = (curve.y * n + 0.5) / (n + 1)
        return np.log(q / (1 - q)), 1 / (n * q * (1 - q))
    low, high = curve.bounds or (curve.y.min(), curve.y.max())
    unit = (high - low) or 1.0
    q = (curve.y - low) / unit
    error = np.zeros_like(q) if curve.stderr is None else np.nan_to_num(curve.stderr) / unit
    if curve.bounds is None:
        return 4 * (q - 0.5), (4 * error) ** 2
    q = np.clip(q, 1e-4, 1 - 1e-4)
    return np.log(q / (1 - q)), (error / (q * (1 - q))) ** 2


NO_TEST = {
    "p_jump": np.nan,
    "height": np.nan,
    "score_height": np.nan,
    "detectable": np.nan,
    "scatter": np.nan,
    "gap": (np.nan, np.nan),
}


def _jumps(curves: list[MetricCurve], family: list[str], rng, n_draws: int) -> list[dict]:
    """Jump tests of all curves; those near the level again with as many draws as q-values need."""
    cells = [NO_TEST | {"expected": np.full(len(curve.x), np.nan)} for curve in curves]
    bounded = np.array([curve.bounds is not None for curve in curves])
    tested = np.array([len(curve.x) >= FEWEST for curve in curves])
    least = np.full(len(curves), LEAST_SCATTER)
    for kind in (True, False):
        rows = np.flatnonzero(tested & (bounded == kind))
        if not len(rows):
            continue
        least[rows] = _family_scatter([curves[i] for i in rows], [family[i] for i in rows], rng)
        _fill(cells, curves, rows, rng, least, n_draws)
        p = np.array([cells[i]["p_jump"] for i in rows])
        near = rows[p <= LEVEL]
        # Benjamini and Hochberg's rule asks the k-th of m p-values to be at most .05 k/m.
        extreme = max(int((p <= 2 / (n_draws + 1)).sum()), 1)
        finer = min(int(2 * tested.sum() / (LEVEL * extreme)), _FINEST)
        if len(near) and finer > n_draws:
            _fill(cells, curves, near, rng, least, finer)
    return cells


def _fill(cells, curves, rows, rng, least, n_draws) -> None:
    """Write the results of the jump test of some curves into their cells."""
    found = _test([curves[i] for i in rows], rng, least[rows], n_draws)
    for row, i in enumerate(rows):
        cells[i] = {
            "p_jump": float(found.p_value[row]),
            "height": float(found.height[row]),
            "score_height": float(found.score_height[row]),
            "detectable": float(found.smallest_detectable[row]),
            "scatter": float(found.scatter[row]),
            "gap": (float(found.gap_low[row]), float(found.gap_high[row])),
            "expected": found.expected[row, : len(curves[i].x)],
        }


def _family_scatter(curves, family, rng) -> np.ndarray:
    """Median scatter over the curves of a family, where there are enough; never below .1."""
    _, place, count = np.unique(family, return_inverse=True, return_counts=True)
    least = np.full(len(curves), LEAST_SCATTER)
    rows = np.flatnonzero(count[place] >= FAMILY)
    if len(rows):
        found = _test([curves[i] for i in rows], rng, least[rows], 19).scatter
        for name in np.unique(place[rows]):
            of_family = place[rows] == name
            least[rows[of_family]] = np.median(found[of_family])
    return np.minimum(least, 1.0)


def _test(curves: list[MetricCurve], rng, least, n_draws):
    size = max(len(curve.x) for curve in curves)

    def padded(values):
        return np.array(
            [
                np.pad(
                    np.broadcast_to(np.nan if v is None else v, len(c.x)).astype(float),
                    (0, size - len(c.x)),
                    constant_values=np.nan,
                )
                for c, v in zip(curves, values, strict=True)
            ]
        )

    bounds = None
    chance = None
    if curves[0].bounds is not None:
        bounds = tuple(np.array([curve.bounds[end] for curve in curves]) for end in (0, 1))
        chance = np.array([c.bounds[0] if c.chance is None else c.chance for c in curves])
    return jump_test(
        padded([c.x for c in curves]),
        padded([c.y for c in curves]),
        padded([c.n_items for c in curves]),
        stderr=padded([c.stderr for c in curves]),
        bounds=bounds,
        chance=chance,
        scatter=least,
        n_draws=n_draws,
        rng=rng,
    )
