"""Jump tests of many metrics of many abilities, together."""

from __future__ import annotations

import numpy as np

from mirage.emergence.ability import MetricCurve
from mirage.emergence.work import in_parts, key_of
from mirage.fits.jump import FEWEST, LEAST_SCATTER, Jumps, jump_test
from mirage.fits.power import jump_power

LEVEL = 0.05  # of every test
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
}


def jumps(curves: list[MetricCurve], family: list[str], rng, n_draws: int) -> list[dict]:
    """Jump tests of all curves; those near the level again with as many draws as q-values need."""
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
    return cells


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
