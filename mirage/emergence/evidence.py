"""What is measured of an ability before a verdict: chance, trend, dormancy and jump."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betainc, ndtri, stdtrit

from mirage.emergence.ability import Ability, MetricCurve
from mirage.emergence.ability_jumps import LEVEL, jumps
from mirage.emergence.dormancy import Dormancy, dormancy
from mirage.emergence.dormancy_bootstrap import DormancyDifference, dormancy_difference
from mirage.emergence.prediction import Prediction, predict
from mirage.fits.jump import LEAST_SCATTER
from mirage.statistics.bootstrap import binomial_bootstrap, item_bootstrap
from mirage.statistics.intervals import percentile_interval

MARGIN = 0.02  # share of the range above a guess that a biased guesser may reach


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
    least_scatter : float
        Between-model scatter that the test allows for at least, log odds.
    gap : (float, float)
        Sizes between which the jump would lie.
    expected : ndarray, shape (models,)
        Scores of the smooth curve.
    n_draws : int
        Draws from which `p_jump` was found; 0 with fewer than 5 models.
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
    least_scatter: float
    gap: tuple[float, float]
    expected: np.ndarray
    n_draws: int


class Evidence(NamedTuple):
    """All that a verdict rests on.

    Attributes
    ----------
    ability : Ability
        The data.
    findings : tuple of Finding
        One for each metric, the headline first.
    difference : DormancyDifference or None
        Dormant share of the headline metric less that of `smooth`, on the same items; each on the
        scale of its curve.
    smooth : int or None
        Which finding is the smooth metric that the headline is compared with.
    prediction : Prediction or None
        The headline metric as the probabilities of its answers predict it, where they are known.
    """

    ability: Ability
    findings: tuple[Finding, ...]
    difference: DormancyDifference | None
    smooth: int | None
    prediction: Prediction | None = None


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
        First draws of the jump test; curves near a level of the verdicts get more.
    n_resamples : int
        Resamples of the items for the difference of dormant shares.

    Returns
    -------
    list of Evidence
        In the same order.
    """
    curves = [curve for ability in abilities for curve in ability.metrics]
    family = [ability.family for ability in abilities for _ in ability.metrics]
    owner = [i for i, ability in enumerate(abilities) for _ in ability.metrics]
    tested = iter(jumps(curves, family, owner, rng, n_draws))
    return [_evidence(ability, tested, rng, n_resamples) for ability in abilities]


def _evidence(ability: Ability, tested, rng, n_resamples) -> Evidence:
    findings = tuple(
        Finding(
            curve,
            above_chance(curve),
            trend(curve),
            _dormancy(curve),
            **next(tested),
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
    if head.sharp and smooth is not None and np.array_equal(head.x, findings[smooth].curve.x):
        difference = _difference(head, findings[smooth].curve, rng, n_resamples)
    prediction = None
    if ability.probabilities is not None and head.items is not None:
        prediction = predict(ability.probabilities, head.items)
    return Evidence(ability, findings, difference, smooth, prediction)


def _difference(a: MetricCurve, b: MetricCurve, rng, n_resamples) -> DormancyDifference:
    """Difference of dormant shares, over the same items where they are known.

    Each metric is judged on the scale of its curve, which its trend, its jump test and the report
    have, too: a share of the sizes depends on the scale, and exp(−loss) rises later than −loss.

    Without items both metrics are drawn anew independently, which is wider; then the interval is
    given only where the brackets are disjoint, and only if the error of both metrics is known.
    """
    curves = (a, b)
    paired = a.items is not None and b.items is not None
    scores = [c.of_means(c.items.mean(axis=1)) if paired else c.y for c in curves]
    found = dormancy_difference(*scores, a.x, rng, chance=(a.chance, b.chance))
    if np.isnan(found.difference):
        return found
    if paired:
        means = item_bootstrap(np.concatenate([a.items, b.items]), n_resamples, rng)
        halves = np.split(means, 2, axis=1)  # (resamples, models) of each, by the same draws
        drawn = [c.of_means(half) for c, half in zip(curves, halves, strict=True)]
    elif a.n_items is None or (b.n_items is None and b.stderr is None) or not found.disjoint:
        return found
    else:
        drawn = [_redrawn(c, rng, n_resamples) for c in curves]
    shares = [
        np.nan_to_num(dormancy(y, c.x, c.chance).share, nan=1.0)
        for y, c in zip(drawn, curves, strict=True)
    ]
    low, high = percentile_interval(shares[0] - shares[1])
    return found._replace(low=low, high=high)


def _redrawn(curve: MetricCurve, rng, n_resamples) -> np.ndarray:
    """Scores (n_resamples, models) with their sampling error drawn again."""
    if curve.n_items is not None:
        return binomial_bootstrap(curve.y, curve.n_items, n_resamples, rng)
    return curve.y + curve.stderr * rng.standard_normal((n_resamples, len(curve.y)))


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
    p = np.where(k > 0, betainc(np.maximum(k, 1), n - k + 1, curve.chance), 1.0)
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
