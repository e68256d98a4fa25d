"""What would decide an undecided ability: more items, another model, or another metric.

Each proposal is tried on the smooth curve that fits: how often would the test then find a jump?
The assumption, said with every plan: models go on to scatter about the curve as they do now.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from mirage.emergence.ability import MetricCurve
from mirage.emergence.ability_jumps import powers_of
from mirage.emergence.evidence import Evidence, Finding
from mirage.emergence.verdicts import JUMP, informative, size
from mirage.fits.jump import FEWEST
from mirage.fits.power import POWER
from mirage.formatting import number
from mirage.statistics.resolution import smallest_detectable

MOST_ITEMS = 30  # times as many
MORE_MODELS = (1, 2, 4)
_ROUNDS = 3  # of the search for the fewest items, after its ends


class Smooth(NamedTuple):
    """A curve without a jump, on which proposals are tried.

    Attributes
    ----------
    curve : MetricCurve
        With the scores that its smooth fit expects.
    least, scatter : float
        Scatter that the test allows for, and that of the models, log odds.
    """

    curve: MetricCurve
    least: float
    scatter: float


def plans(undecided: list[Evidence]) -> list[str]:
    """Say for each ability what would decide it.

    Parameters
    ----------
    undecided : list of Evidence
        Abilities without a verdict.

    Returns
    -------
    list of str
        One or two plain sentences each, the cheapest sufficient step first: a metric that the
        same answers allow, more items, more models.
    """
    findings = [informative(evidence.findings) for evidence in undecided]
    blind = [i for i, finding in enumerate(findings) if not finding.detectable <= JUMP]
    enough: dict[int, list[str]] = {i: [] for i in blind}
    for way in (_more_items, _more_models):
        for i, text in zip(blind, way([findings[i] for i in blind]), strict=True):
            enough[i] += filter(None, [text])
    return [_sentence(evidence, enough.get(i)) for i, evidence in enumerate(undecided)]


def _more_items(findings: list[Finding]) -> list[str | None]:
    """The fewest items, to two digits, that would show a jump; None where 30 times are too few."""
    counted = np.array([f.curve.n_items is not None and len(f.curve.x) >= FEWEST for f in findings])
    rows = np.flatnonzero(counted)
    factors = np.full(len(findings), np.inf)
    factors[rows] = fewest_items([_smooth(findings[i]) for i in rows])
    texts: list[str | None] = []
    for finding, factor in zip(findings, factors, strict=True):
        if np.isinf(factor):
            texts.append(None)
            continue
        now = float(finding.curve.n_items.min())
        n = two_digits(factor * now)
        texts.append(f"{number(n)} items for each model ({number(n / now, 2)} times as many)")
    return texts


def fewest_items(curves: list[Smooth]) -> np.ndarray:
    """How many times as many items show a jump with 80 % power; inf if 30 times are too few.

    The factor is found by interpolation of the normal quantile of the power against the logarithm
    of the items. It is known to about a tenth, as the power is simulated.
    """
    low, high = np.zeros(len(curves)), np.full(len(curves), np.log(MOST_ITEMS))
    missing, beyond = _missing(curves, low), _missing(curves, high)
    for _ in range(_ROUNDS):
        rows = np.flatnonzero((missing > 0) & (beyond <= 0))
        middle = _zero(low[rows], high[rows], missing[rows], beyond[rows])
        found = _missing([curves[i] for i in rows], middle)
        for rest, end, values in ((found > 0, low, missing), (found <= 0, high, beyond)):
            end[rows[rest]], values[rows[rest]] = middle[rest], found[rest]
    enough = np.where(missing > 0, _zero(low, high, missing, beyond), low)
    return np.where(beyond <= 0, np.exp(enough), np.inf)


def _zero(low, high, before, after):
    """Where a straight line from ``before`` > 0 to ``after`` ≤ 0 is 0."""
    return low + (high - low) * before / np.where(before > after, before - after, 1)


def _missing(curves: list[Smooth], log_factor) -> np.ndarray:
    """What the power of the test lacks to 80 %, as a normal quantile, with more items."""
    more = [
        one._replace(
            curve=one.curve._replace(n_items=np.minimum(np.rint(one.curve.n_items * factor), 2**53))
        )
        for one, factor in zip(curves, np.exp(log_factor), strict=True)
    ]
    return ndtri(POWER) - ndtri(np.clip(_powers(more), 0.002, 0.998))


def _powers(curves: list[Smooth]) -> np.ndarray:
    """Power of the test for a jump in each curve."""
    powers = np.zeros(len(curves))
    bounded = np.array([one.curve.bounds is not None for one in curves], dtype=bool)
    for kind in (True, False):
        some = [curves[i] for i in np.flatnonzero(bounded == kind)]
        if some:
            least = np.array([one.least for one in some])
            scatter = np.array([one.scatter for one in some])
            metrics = [one.curve for one in some]
            powers[bounded == kind] = powers_of(metrics, JUMP, least, scatter, "plans tried")
    return powers


def _smooth(finding: Finding) -> Smooth:
    """The smooth curve of a finding."""
    curve, expected = finding.curve, finding.expected
    if np.isnan(expected).any():  # fewer than 5 models: no smooth curve, but the scores
        expected = curve.y
    scatter = max(np.nan_to_num(finding.scatter, nan=0.2), finding.least_scatter)
    return Smooth(curve._replace(y=expected, items=None), finding.least_scatter, scatter)


def _more_models(findings: list[Finding]) -> list[str | None]:
    """The fewest further models that would show a jump; None where four are too few."""
    texts: list[str | None] = [None] * len(findings)
    tried = []
    for i, finding in enumerate(findings):
        one = _smooth(finding)
        for count in MORE_MODELS:
            denser = _denser(one.curve, finding.gap, count)
            if len(denser.x) >= FEWEST:
                tried.append((i, count, one._replace(curve=denser)))
    for (i, count, one), power in zip(tried, _powers([c for *_, c in tried]), strict=True):
        if texts[i] is None and power >= POWER:
            added = np.setdiff1d(one.curve.x, findings[i].curve.x)
            sizes = ", ".join(size(value) for value in added)
            texts[i] = f"{count} more model{'s' * (count > 1)} ({sizes})"
    return texts


def _denser(curve: MetricCurve, gap, count: int) -> MetricCurve:
    """The curve with more models, each in the middle of the widest gap, that of the jump first."""
    x, y = np.log(curve.x), curve.y
    n, error = curve.n_items, curve.stderr
    for step in range(count):
        widths = np.diff(x)
        i = int(widths.argmax())
        if step == 0 and np.isfinite(gap[0]):
            i = int(np.searchsorted(curve.x, gap[0]))
        middle = (x[i] + x[i + 1]) / 2
        y = np.insert(y, i + 1, (y[i] + y[i + 1]) / 2)
        x = np.insert(x, i + 1, middle)
        n = n if n is None else np.insert(n, i + 1, n[i])
        error = error if error is None else np.insert(error, i + 1, error[i])
    # Whole parameters, as a reader would train them; the old sizes stay as they are.
    sizes = np.exp(x)
    near = abs(sizes[:, None] / curve.x - 1) < 1e-9
    sizes = np.where(near.any(1), curve.x[near.argmax(1)], sizes)
    return curve._replace(x=sizes, y=y, n_items=n, stderr=error)


def _sentence(evidence: Evidence, enough: list[str] | None) -> str:
    """Say what would decide an ability; `enough` is None where the test is sharp enough."""
    head = evidence.findings[0]
    n = head.curve.n_items
    if head.above_chance is False and n is not None:
        goal, items = (head.curve.chance or 0.0), float(n.max())
        while not smallest_detectable(items, goal) <= goal + 0.2 * (1 - goal):
            items *= 2
        return f"{number(items)} items would show an accuracy of 20 % of the range above chance."
    hints = []
    if head.curve.sharp and evidence.smooth is None:
        hints.append(
            "Scoring the same answers with partial credit costs nothing: save the samples."
        )
    shown = f"a jump of {JUMP:g} in log odds with 80 % power"
    if enough is None:
        hints.append(
            f"These models and items would show {shown} already; new items or further models would "
            f"settle what is left open."
        )
    elif enough:
        hints.append(
            f"{' or '.join(enough)} would show {shown}, if models scatter about the curve as they "
            f"do now."
        )
    else:
        hints.append(
            f"Neither {MOST_ITEMS} times as many items nor {MORE_MODELS[-1]} more models would "
            f"show {shown}."
        )
    return " ".join(hints)


def two_digits(value: float) -> float:
    """Round a positive number up to two significant digits.

    Examples
    --------
    >>> two_digits(1234.0), two_digits(0.071), two_digits(130.0)
    (1300.0, 0.071, 130.0)
    """
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(np.round(np.ceil(value / unit - 1e-9) * unit, 12))
