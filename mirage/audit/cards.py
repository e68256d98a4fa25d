"""What the report shows of one ability: its verdict, its curves and their numbers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from mirage.audit.words import shade
from mirage.emergence.ability import spoken
from mirage.emergence.evidence import Evidence, Finding, MetricCurve
from mirage.statistics.intervals import wilson_interval
from mirage.statistics.resolution import smallest_detectable


def anchor(family: str, task: str, protocol: str | None = None) -> str:
    """Name of an ability's card in the address of a report, ``report.html#anchor``.

    It depends on these names alone, so that a link keeps its card where a later audit has more
    abilities or other verdicts.

    Parameters
    ----------
    family, task, protocol : str
        As in the table of verdicts.

    Returns
    -------
    str
        Letters of the names, digits and hyphens, and eight digits that distinguish names whose
        letters agree.

    Examples
    --------
    >>> anchor("GPT-3", "word_unscrambling")
    'word-unscrambling-gpt-3-d94d6fe6'
    >>> anchor("GPT 3", "word_unscrambling") == anchor("GPT-3", "word_unscrambling")
    False
    """
    names = [task, family, protocol or ""]
    letters = re.sub("[^a-z0-9]+", "-", " ".join(names).lower()).strip("-")[:60].rstrip("-")
    digits = hashlib.sha256(json.dumps(names).encode()).hexdigest()[:8]
    return f"{letters or 'ability'}-{digits}"


def card(
    row: Mapping[str, Any],
    evidence: Evidence | None,
    models: Mapping[float, str],
    files: Sequence[str],
) -> dict[str, Any]:
    """Put together what one card shows.

    Parameters
    ----------
    row : mapping
        Of the table of verdicts.
    evidence : Evidence or None
        What was measured; None for an ability that is not judged.
    models : mapping of float to str
        Name of the model at each size.
    files : sequence of str
        Where its scores come from.

    Returns
    -------
    dict
        Text, numbers and lists alone, for `mirage.audit.report.render`.
    """
    columns = ("family", "task", "protocol", "metric", "n_models", "verdict", "sentence", "plan")
    shown = {name: row.get(name) or "" for name in columns}
    findings = evidence.findings if evidence else ()
    return shown | {
        "id": anchor(row["family"], row["task"], row.get("protocol")),
        "metric": spoken(row["metric"]) if row.get("metric") else "",
        "logged": row.get("metric") or "",  # as the logs call it: the report finds it, too
        "verdict": shade(row["verdict"], row["sentence"]),
        "note": row.get("note") or "",
        "p_jump": row.get("p_jump"),
        "dormant_share": row.get("dormant_share"),
        "curves": [_curve(finding, models) for finding in findings if len(finding.curve.x) > 1],
        "files": list(files),
    }


def _curve(finding: Finding, models: Mapping[float, str]) -> dict[str, Any]:
    """Numbers of one panel."""
    curve = finding.curve
    low, high = intervals(curve)
    n = curve.n_items
    points = [
        {
            "x": float(x),
            "y": float(y),
            "low": _or_none(low[i]),
            "high": _or_none(high[i]),
            "n": None if n is None else int(n[i]),
            "model": models.get(float(x), ""),
        }
        for i, (x, y) in enumerate(zip(curve.x, curve.y, strict=True))
    ]
    known = np.isfinite(finding.expected)
    smooth = zip(curve.x[known].tolist(), finding.expected[known].tolist(), strict=True)
    detectable = None
    if n is not None and curve.chance is not None:
        detectable = float(smallest_detectable(n.min(), curve.chance))
    return {
        "metric": curve.spoken,
        "label": f"rescaled: {curve.rescaled}" if curve.rescaled else "",
        "sharp": curve.sharp,
        "points": points,
        "chance": curve.chance,
        "detectable": detectable,
        "gap": [float(end) for end in finding.gap] if finding.height > 0 else None,
        "trend": [list(point) for point in smooth] or None,
        "dormant_share": _or_none(finding.dormancy.share),
        "rise_width": _or_none(finding.dormancy.rise_width),
        "jump_height": _or_none(finding.height),
        "p_jump": _or_none(finding.p_jump),
        "smallest_detectable_jump": _or_none(finding.detectable),
        "items": "" if n is None else _range(n),
    }


def intervals(curve: MetricCurve) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of each score: Wilson's for shares of items, else from the standard error.

    Returns
    -------
    low, high : ndarray, shape (models,)
        NaN where neither the number of items nor a standard error is known.

    Examples
    --------
    >>> x, y = np.array([1e8, 1e9]), np.array([0.0, 0.5])
    >>> curve = MetricCurve("a", x, y, np.array([100, 100]), None, (0, 1), 0.0, True)
    >>> intervals(curve)[1].round(3)
    array([0.037, 0.596])
    """
    if curve.n_items is not None:
        return wilson_interval(np.rint(curve.y * curve.n_items), curve.n_items)
    if curve.stderr is None:
        return np.full(len(curve.y), np.nan), np.full(len(curve.y), np.nan)
    half = ndtri(0.975) * curve.stderr
    low, high = curve.bounds or (-np.inf, np.inf)
    return np.clip(curve.y - half, low, None), np.clip(curve.y + half, None, high)


def _range(n: np.ndarray) -> str:
    low, high = int(n.min()), int(n.max())
    return f"{low}" if low == high else f"{low}–{high}"


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
