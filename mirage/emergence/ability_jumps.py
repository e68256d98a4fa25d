"""Jump tests of many metrics of many abilities, together, each with as many draws as it needs.

Few draws tell most p-values from the levels that verdicts ask about. A curve is tested again with
more draws as long as its p-value lies so near to such a level that the draws leave the side open:
by the rule of A. Gandy (2009), Sequential implementation of Monte Carlo tests with uniformly
bounded resampling risk, JASA 104, https://doi.org/10.1198/jasa.2009.tm08368, in three stages. The
rule of J. Besag and P. Clifford (1991), Sequential Monte Carlo p-values, Biometrika 78,
https://doi.org/10.1093/biomet/78.2.301, stops at a number of exceedances, which fixes the relative
error of p and not on which side of a level it lies.
"""

from __future__ import annotations

import numpy as np

from mirage.emergence.ability import MetricCurve
from mirage.emergence.nulls import benjamini_hochberg
from mirage.emergence.work import in_parts, key_of
from mirage.fits.jump import FEWEST, LEAST_SCATTER, Jumps, jump_test
from mirage.fits.power import jump_power

LEVEL = 0.05  # of every test
QUIET = 0.2  # smaller p-values are too near to a jump to call a curve gradual
JUMP = 1.5  # log odds: a curve is gradual only if a jump of this height would have been found
# Share of the jumps named in a table that may be false. It is nominal: fewer smooth curves than 5 %
# have p ≤ .05, since neither link may explain a jump.
FALSE_SHARE = 0.25
STAGES = (2_000, 10_000)  # draws of a curve near a level that matters; beside .2 the first alone
_SURE = 2.576  # standard errors on either side of a level: 99 %
FAMILY = 10  # curves from which the scatter of a family is estimated
_FINEST = 20_000  # most draws of a curve
_POWER_DRAWS = 60  # of the jump test, that take as long as the power at one height
_AT_ONCE = 2**17  # scores drawn for the curves of a part: less than a second

NO_TEST = {
    "p_jump": np.nan,
    "height": np.nan,
    "score_height": np.nan,
    "detectable": np.nan,
    "scatter": np.nan,
    "least_scatter": LEAST_SCATTER,
    "gap": (np.nan, np.nan),
    "n_draws": 0,
}


def is_near(p: float, level: float, n_draws: int) -> bool:
    """Whether draws leave open on which side of a level a p-value lies, by 99 % limits.

    Examples
    --------
    >>> is_near(0.06, 0.05, 200), is_near(0.06, 0.05, 10_000), is_near(0.0497, 0.05, 10_000)
    (True, False, True)
    """
    return bool(abs(p - level) <= _SURE * np.sqrt(level * (1 - level) / max(n_draws, 1)))


def q_is_near(q: float, p: float, n_draws: int) -> bool:
    """Whether draws leave open if a jump is among those named: q of p ≤ .05, q beside .25.

    q is a multiple of p, so that its relative error is that of p.

    Examples
    --------
    >>> q_is_near(0.24, 0.01, 200), q_is_near(0.24, 0.06, 200), q_is_near(0.1, 0.01, 10_000)
    (True, False, False)
    """
    error = q * np.sqrt((1 - p) / (p * max(n_draws, 1)))
    return bool(p <= LEVEL and abs(q - FALSE_SHARE) <= _SURE * error)


def joint_p(p: list[float], height: list[float], detectable: list[float]) -> float:
    """The largest p-value of the metrics of an ability that could show its jump.

    Parameters
    ----------
    p, height, detectable : list of float
        Of the jump tests of its metrics; NaN where there is none.

    Returns
    -------
    float
        NaN without a test. A metric takes no part if the jump that another metric shows is below
        what it can detect.

    Examples
    --------
    >>> joint_p([0.01, 0.6], [2.0, 0.1], [1.0, 0.5]), joint_p([0.01, 0.6], [2.0, 0.1], [1.0, 9.0])
    (0.6, 0.01)
    """
    tests = [one for one in zip(p, height, detectable, strict=True) if not np.isnan(one[0])]
    if not tests:
        return np.nan
    seen = max((h for value, h, _ in tests if value <= LEVEL), default=np.inf)
    able = [value for value, _, least in tests if value <= LEVEL or least <= seen]
    return max(able or [value for value, *_ in tests])


def jumps(
    curves: list[MetricCurve], family: list[str], ability: list[int], rng, n_draws: int
) -> list[dict]:
    """Jump tests of all curves, some of them again with more draws.

    Curves with p ≤ .05 get as many draws as their q-values need; those near a level of the
    verdicts get `STAGES`, until they are near to it no more.

    Parameters
    ----------
    curves : list of MetricCurve
        All curves of a table.
    family : list of str
        Family of each.
    ability : list of int
        Which ability each is a metric of.
    rng : numpy.random.Generator
        Source of the draws.
    n_draws : int
        First draws of each curve.

    Returns
    -------
    list of dict
        The fields of `mirage.emergence.evidence.Finding` that the test gives.
    """
    cells = [NO_TEST | {"expected": np.full(len(curve.x), np.nan)} for curve in curves]
    bounded = np.array([curve.bounds is not None for curve in curves], dtype=bool)
    tested = np.array([len(curve.x) >= FEWEST for curve in curves], dtype=bool)
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
            _fill(cells, curves, near, rng, least, finer, with_power=False)
    for stage in STAGES:
        left = _open(cells, ability, with_quiet=stage == STAGES[0])
        left = [i for i in left if cells[i]["n_draws"] < stage]
        for kind in (True, False):
            rows = np.array([i for i in left if bounded[i] == kind], dtype=int)
            if len(rows):
                _fill(cells, curves, rows, rng, least, stage, with_power=False)
    return cells


def _open(cells: list[dict], ability: list[int], with_quiet: bool) -> list[int]:
    """Curves whose p-value lies near a level on which their ability's verdict may hang.

    The level of a gradual curve, asked with `with_quiet`, matters only where a jump would have been
    found, and no other metric of the ability is below it for certain.
    """
    metrics: dict[int, list[int]] = {}
    for i, one in enumerate(ability):
        metrics.setdefault(one, []).append(i)
    names = ("p_jump", "height", "detectable")
    p = [joint_p(*([cells[i][name] for i in rows] for name in names)) for rows in metrics.values()]
    found = []
    for rows, p_one, q in zip(metrics.values(), p, benjamini_hochberg(p), strict=True):
        quiet = {i: is_near(cells[i]["p_jump"], QUIET, cells[i]["n_draws"]) for i in rows}
        able = any(cells[i]["detectable"] <= JUMP for i in rows)
        loud = any(cells[i]["p_jump"] <= QUIET and not quiet[i] for i in rows)
        for i in rows:
            value, n_draws = cells[i]["p_jump"], cells[i]["n_draws"]
            if (
                is_near(value, LEVEL, n_draws)
                or (with_quiet and quiet[i] and able and not loud)
                or (value == p_one and q_is_near(q, p_one, n_draws))
            ):
                found.append(i)
    return found


def _fill(cells, curves, rows, rng, least, n_draws, with_power=True) -> None:
    """Write the results of the jump test of some curves into their cells."""
    found = jumps_of([curves[i] for i in rows], rng, least[rows], n_draws, with_power=with_power)
    for row, i in enumerate(rows):
        detectable = found.smallest_detectable[row] if with_power else cells[i]["detectable"]
        cells[i] = {
            "p_jump": float(found.p_value[row]),
            "height": float(found.height[row]),
            "score_height": float(found.score_height[row]),
            "detectable": float(detectable),
            "scatter": float(found.scatter[row]),
            "least_scatter": float(least[i]),
            "gap": (float(found.gap_low[row]), float(found.gap_high[row])),
            "n_draws": n_draws,
            "expected": found.expected[row, : len(curves[i].x)],
        }


def _family_scatter(curves, family, rng) -> np.ndarray:
    """Median scatter over the curves of a family, where there are enough; never below .1."""
    _, place, count = np.unique(family, return_inverse=True, return_counts=True)
    least = np.full(len(curves), LEAST_SCATTER)
    rows = np.flatnonzero(count[place] >= FAMILY)
    if len(rows):
        found = jumps_of([curves[i] for i in rows], rng, least[rows], 19, with_power=False).scatter
        for name in np.unique(place[rows]):
            of_family = place[rows] == name
            least[rows[of_family]] = np.median(found[of_family])
    return np.minimum(least, 1.0)


def jumps_of(
    curves: list[MetricCurve],
    rng,
    least,
    n_draws: int,
    stage: str = "curves tested for jumps",
    with_power: bool = True,
) -> Jumps:
    """Run `mirage.fits.jump_test` on curves that all have bounds, or all have none, in parts.

    Parts depend on the curves alone, not on the machine, so that a seed gives the same numbers.
    """
    longest = max(len(curve.x) for curve in curves)
    size = max(1, _AT_ONCE // (n_draws * longest))
    starts = range(0, len(curves), size)
    rngs = rng.spawn(len(starts))
    parts = [
        (_arguments(curves[i : i + size], least[i : i + size]), child)
        for i, child in zip(starts, rngs, strict=True)
    ]
    keys = [key_of(n_draws, with_power, *arguments.values(), child) for arguments, child in parts]

    def one(part):
        arguments, child = part
        found = jump_test(**arguments, n_draws=n_draws, rng=child, with_power=with_power)
        return found._asdict()

    found = in_parts(stage, one, parts, keys, jump_test.__module__)
    return Jumps(*(_stacked([part[name] for part in found], longest) for name in Jumps._fields))


def powers_of(curves: list[MetricCurve], height: float, least, spread, stage: str) -> np.ndarray:
    """Run `mirage.fits.jump_power` on curves as `jumps_of` does."""
    longest = max(len(curve.x) for curve in curves)
    size = max(1, _AT_ONCE // (_POWER_DRAWS * longest))
    parts = [
        _arguments(curves[i : i + size], least[i : i + size])
        | {"height": np.asarray(height), "spread": np.asarray(spread[i : i + size], float)}
        for i in range(0, len(curves), size)
    ]
    keys = [key_of(*arguments.values()) for arguments in parts]
    found = in_parts(
        stage, lambda part: {"power": jump_power(**part)}, parts, keys, jump_power.__module__
    )
    return np.concatenate([part["power"] for part in found])


def _stacked(arrays: list[np.ndarray], longest: int) -> np.ndarray:
    """One array of several parts, whose longest curves may differ."""
    if arrays[0].ndim == 1:
        return np.concatenate(arrays)
    fill = [np.pad(a, ((0, 0), (0, longest - a.shape[1])), constant_values=np.nan) for a in arrays]
    return np.concatenate(fill)


def _arguments(curves: list[MetricCurve], least) -> dict:
    """Arguments of `mirage.fits.jump_test`: curves as arrays, padded with NaN."""
    size = max(len(curve.x) for curve in curves)

    def padded(values):
        rows = np.full((len(curves), size), np.nan)
        for row, curve, value in zip(rows, curves, values, strict=True):
            row[: len(curve.x)] = np.nan if value is None else value
        return rows

    bounds = chance = None
    if curves[0].bounds is not None:
        bounds = tuple(np.array([curve.bounds[end] for curve in curves]) for end in (0, 1))
        chance = np.array([c.bounds[0] if c.chance is None else c.chance for c in curves])
    return {
        "x": padded([c.x for c in curves]),
        "y": padded([c.y for c in curves]),
        "n_items": padded([c.n_items for c in curves]),
        "stderr": padded([c.stderr for c in curves]),
        "bounds": bounds,
        "chance": chance,
        "scatter": np.asarray(least, float),
    }
