"""What would decide an undecided ability: more items, another model, or another metric.

Each proposal is tried on the smooth curve that fits: how small a jump would the test then find?
The assumption, said with every plan: models go on to scatter about the curve as they do now.
"""

from __future__ import annotations

import numpy as np

from mirage.emergence.ability import MetricCurve
from mirage.emergence.ability_jumps import jumps_of
from mirage.emergence.evidence import Evidence, Finding
from mirage.emergence.verdicts import JUMP, informative, size
from mirage.fits.jump import FEWEST
from mirage.formatting import number
from mirage.statistics.resolution import smallest_detectable

FACTORS = (3, 10, 30)  # times as many items
MORE_MODELS = (1, 2, 4)
_N_DRAWS = 60  # of a detectable height, of which two digits are enough


def plans(undecided: list[Evidence], rng: np.random.Generator) -> list[str]:
    """Say for each ability what would decide it.

    Parameters
    ----------
    undecided : list of Evidence
        Abilities without a verdict.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    list of str
        One or two plain sentences each, the cheapest sufficient step first: a metric that the
        same answers allow, more items, more models.
    """
    proposals, owners = [], []
    for i, evidence in enumerate(undecided):
        for proposal in _proposals(informative(evidence.findings)):
            proposals.append(proposal)
            owners.append(i)
    heights = _heights([curve for _, curve, _ in proposals], [s for *_, s in proposals], rng)
    enough: dict[int, list[str]] = {}
    for i, (text, *_), height in zip(owners, proposals, heights, strict=True):
        if height <= JUMP:
            enough.setdefault(i, []).append(text)
    return [_sentence(evidence, enough.get(i, [])) for i, evidence in enumerate(undecided)]


def _heights(curves: list[MetricCurve], scatter: list[float], rng) -> np.ndarray:
    """Smallest detectable jump of each proposed curve, in the order of the curves."""
    heights = np.full(len(curves), np.inf)
    bounded = np.array([curve.bounds is not None for curve in curves], dtype=bool)
    for kind in (True, False):
        rows = np.flatnonzero(bounded == kind)
        if len(rows):
            least = np.array([scatter[i] for i in rows])
            found = jumps_of([curves[i] for i in rows], rng, least, _N_DRAWS, "plans tried")
            heights[rows] = found.smallest_detectable
    return heights


def _proposals(finding: Finding):
    """Texts, curves and scatter to try, the cheapest of each kind first."""
    curve = finding.curve
    expected = finding.expected
    if np.isnan(expected).any():  # fewer than 5 models: no smooth curve, but the scores
        expected = curve.y
    scatter = max(np.nan_to_num(finding.scatter, nan=0.2), 0.1)
    smooth = curve._replace(y=expected, items=None)
    if curve.n_items is not None and len(curve.x) >= FEWEST:
        for factor in FACTORS:
            n = curve.n_items * factor
            text = f"{number(float(n.min()))} items for each model, {factor} times as many"
            yield text, smooth._replace(n_items=n), scatter
    for count in MORE_MODELS:
        denser = _denser(smooth, finding.gap, count)
        if len(denser.x) < FEWEST:
            continue
        added = np.setdiff1d(denser.x, curve.x)
        sizes = ", ".join(size(value) for value in added)
        yield f"{count} more model{'s' * (count > 1)} ({sizes})", denser, scatter


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


def _sentence(evidence: Evidence, enough: list[str]) -> str:
    head = evidence.findings[0]
    n = head.curve.n_items
    if head.above_chance is False and n is not None:
        goal, items = (head.curve.chance or 0.0), float(n.max())
        while not smallest_detectable(items, goal) <= goal + 0.2 * (1 - goal):
            items *= 2
        return f"{number(items)} items would show an accuracy of 20 % of the range above chance."
    hints = []
    if head.curve.sharp and evidence.smooth is None:
        hints.append("A metric with partial credit on the same answers (log samples), at no cost.")
    if enough:
        hints.append(
            f"{' or '.join(_cheapest(enough))} would show a jump of {JUMP:g} in log odds with "
            f"80 % power, if models scatter about the curve as they do now."
        )
    else:
        hints.append(
            f"Neither {FACTORS[-1]} times as many items nor {MORE_MODELS[-1]} more models would "
            f"show a jump of {JUMP:g} in log odds with 80 % power."
        )
    return " ".join(hints)


def _cheapest(texts: list[str]) -> list[str]:
    """The first proposal of each kind: they come in the order of their cost."""
    items = [text for text in texts if "items" in text][:1]
    return items + [text for text in texts if "more model" in text][:1]
