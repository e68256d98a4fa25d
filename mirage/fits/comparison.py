"""Is the curve smooth, broken or a step? All models side by side, and a verdict by a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, gammaln

from mirage._check import inside
from mirage.fits.curve import TOGETHER, Fit, fit_batch, fit_curves
from mirage.fits.data import Against, Bounds, Curve, batches, checked
from mirage.fits.forecasts import intervals_of
from mirage.fits.models import FAMILIES
from mirage.fits.solver import EDGE
from mirage.statistics.intervals import Interval

# AICc differences from 4 are "considerably less" support (Burnham and Anderson 2002, Section
# 2.6): likelihood e² = 7.4 times as large after the penalty.
MARGIN = 4.0


class Compared(NamedTuple):
    """One model of a comparison.

    Attributes
    ----------
    model, kind : str
        Its name and kind in `MODELS`.
    log_likelihood : float
        Nats, higher is better.
    n_parameters : int
        That of the noise included.
    aicc, bic : float
        Lower is better; aicc is NaN where the points do not exceed n_parameters + 1.
    weight : float
        Akaike weight among the models that have an aicc, in [0, 1].
    held_out_error : float
        Score of the most capable model less its forecast from all others; the mean over seeds.
    held_out_log_likelihood : float
        Of its scores under the forecast, nats, higher is better.
    held_out_interval : Interval
        95 % prediction interval of its score.
    """

    model: str
    kind: str
    log_likelihood: float
    n_parameters: int
    aicc: float
    bic: float
    weight: float
    held_out_error: float
    held_out_log_likelihood: float
    held_out_interval: Interval


class Comparison(NamedTuple):
    """All models of a curve, and what they say together.

    Attributes
    ----------
    verdict : str
        "smooth", "broken", "step" or "not identifiable", by the rule of `compare`.
    reason : str
        The numbers of the rule, in words.
    best : str
        Model of the lowest AICc; of the lowest BIC where no AICc is defined.
    delta : float
        Lowest AICc of the smooth models less that of the others; positive speaks against
        smooth. NaN where it is not defined.
    models : tuple of Compared
        One for each model.
    """

    verdict: str
    reason: str
    best: str
    delta: float
    models: tuple[Compared, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One mapping per model, for a table; the interval as two columns.

        Returns
        -------
        list of dict
            Keys are the attributes of `Compared`, with `held_out_low` and `held_out_high`.

        Examples
        --------
        >>> rows = compare([1e6, 1e7, 1e8, 1e9], [0.0, 0.1, 0.5, 0.9], 100).rows()
        >>> rows[0]["model"], len(rows)
        ('constant', 9)
        """
        rows = []
        for row in self.models:
            low, high = row.held_out_interval
            ends = {"held_out_low": low, "held_out_high": high}
            rows.append({k: v for k, v in row._asdict().items() if k != "held_out_interval"} | ends)
        return rows


def compare(
    x: ArrayLike,
    y: ArrayLike,
    n_items: ArrayLike | None = None,
    *,
    bounds: Bounds = None,
    overdispersed: bool = True,
    against: Against = "size",
    steepest: float | None = None,
    margin: float = MARGIN,
    held_out: bool = True,
) -> Comparison:
    """Compare smooth, broken and step curves by AICc, and by a forecast of the largest model.

    Parameters
    ----------
    x, y, n_items, bounds, overdispersed, against, steepest
        As in `fit`.
    margin : float
        AICc difference from which one kind of curve is preferred, not negative.
    held_out : bool
        Also forecast the most capable model from all others; about doubles the time.

    Returns
    -------
    Comparison
        The verdict and every model.

    Raises
    ------
    ValueError
        As `fit`, or if the margin is negative.

    See Also
    --------
    fit : One model.
    jump_test : Sees a jump on a slope, from 5 models, and says how small a jump it would find.

    Notes
    -----
    A break is not a jump, and *smooth* does not say that a jump would have been seen: below 12
    models the penalty of AICc alone decides for it. `jump_test` answers that question.
    The rule, on models with more than n_parameters + 2 points:

    - *broken* or *step*: the best model of these kinds has an AICc lower by `margin` or more
      than each smooth one;
    - *smooth*: the best smooth model has one lower by `margin` or more than each other one;
    - *not identifiable*: neither, or too few points for a smooth curve with a slope or for any
      other one.

    With the noise fitted this takes at least 7 points. AICc is defined from n_parameters + 2, but
    corrects so much there that on 6 points it called a jump from .25 to .6 smooth each time (1 000
    items). A constant curve is smooth: within the sizes at hand nothing breaks. *Step* means a
    rise faster than `steepest` allows; a smooth curve with no such limit imitates any step. The
    held-out forecast takes no part in the rule.
    In 3 000 simulated smooth curves (5 kinds, 12 sizes, 50 items or 1 000, these also with five
    times the binomial variance; 200 each) at most 3.5 % of a kind were called broken or step; a
    jump from .25 to .6 was called a step in 78, 100 and 97 %.

    References
    ----------
    K. P. Burnham and D. R. Anderson (2002), Model Selection and Multimodel Inference, Section 2.6.
    https://doi.org/10.1007/b97636

    Examples
    --------
    >>> x = np.geomspace(2e6, 1e11, 12)
    >>> jump = compare(x, np.where(x > 1e9, 0.6, 0.25), 200, held_out=False)
    >>> jump.verdict, jump.best
    ('step', 'step')
    >>> compare(x, np.exp(-((x / 1e9) ** -0.3)), 200, held_out=False).verdict
    'smooth'
    """
    margin = inside("margin", margin, 0, np.inf, "a difference of AICc, at least 0")
    curve = checked(x, y, n_items, bounds, against, steepest)
    return compare_curves([curve], overdispersed, margin, held_out=held_out)[0][0]


def compare_curves(
    curves: Sequence[Curve],
    overdispersed: bool = True,
    margin: float = MARGIN,
    *,
    held_out: bool = False,
) -> list[tuple[Comparison, list[Fit]]]:
    """Compare the models of many checked curves, fitted together; with the fits themselves."""
    found: list[tuple[Comparison, list[Fit]]] = [None] * len(curves)
    for places, batch in batches(curves, TOGETHER):
        # Without bounds a logistic has its ends fitted already.
        names = [n for n in FAMILIES if n != "logistic" or batch.frame.bounds is not None]
        fits = zip(*(fit_batch(batch, name, overdispersed) for name in names), strict=True)
        ahead = [[_UNKNOWN] * len(names)] * len(places)
        if held_out:
            ahead = _held_out([curves[place] for place in places], names, overdispersed)
        for place, of_curve, forecasts in zip(places, fits, ahead, strict=True):
            found[place] = _compared(of_curve, forecasts, margin), list(of_curve)
    return found


def _compared(fits: Sequence[Fit], forecasts: list[tuple], margin: float) -> Comparison:
    aicc = np.array([fit.aicc for fit in fits])
    defined = np.isfinite(aicc).any()
    weights = aicc
    if defined:
        weights = np.exp(-(aicc - np.nanmin(aicc)) / 2)
        weights = weights / np.nansum(weights)
    rows = tuple(
        Compared(
            fit.model,
            FAMILIES[fit.model].kind,
            fit.log_likelihood,
            fit.n_parameters,
            fit.aicc,
            fit.bic,
            weight,
            *ahead,
        )
        for fit, weight, ahead in zip(fits, weights.tolist(), forecasts, strict=True)
    )
    criterion = aicc if defined else np.array([fit.bic for fit in fits])
    verdict, reason, delta = _verdict(rows, fits[0].n_points, margin)
    return Comparison(verdict, reason, rows[int(np.nanargmin(criterion))].model, delta, rows)


def _verdict(rows: Sequence[Compared], n: int, margin: float) -> tuple[str, str, float]:
    defined = [row for row in rows if n > row.n_parameters + 2]
    smooth = [row for row in defined if row.kind == "smooth"]
    others = [row for row in defined if row.kind != "smooth"]
    if not others or all(row.model == "constant" for row in smooth):
        least = min(row.n_parameters for row in rows if row.kind != "smooth") + 3
        return "not identifiable", f"{n} points: a comparison needs {least}", float("nan")
    smoothest = min(smooth, key=lambda row: row.aicc)
    sharp = min(others, key=lambda row: row.aicc)
    delta = smoothest.aicc - sharp.aicc
    reason = (
        f"AICc {smoothest.aicc:.1f} ({smoothest.model}) against {sharp.aicc:.1f} ({sharp.model})"
    )
    reason = reason.replace("-", "−")
    if abs(delta) < margin:
        return "not identifiable", f"{reason}: closer than {margin:g}", delta
    return (sharp.kind if delta > 0 else "smooth"), reason, delta


_UNKNOWN = (float("nan"), float("nan"), Interval(float("nan"), float("nan")))


def _held_out(curves: Sequence[Curve], names: list[str], overdispersed: bool) -> list[list[tuple]]:
    """Error, log-likelihood and prediction interval of the most capable model, per model."""
    found = [[_UNKNOWN] * len(names) for _ in curves]
    rests, at, scores, rows = [], [], [], []
    for row, curve in enumerate(curves):
        t = curve.frame.decades(curve.x)
        last = t == t.max()
        if len(t[~last]) < 3 or len(np.unique(t[~last])) < 2:
            continue
        y = curve.frame.offset + curve.frame.scale * curve.y[last]
        scores.append((y, None if curve.n_items is None else curve.n_items[last]))
        rests.append(curve.take(~last))
        at.append(float(curve.x[last][0]))
        rows.append(row)
    items = [np.nan if n_items is None else float(n_items.mean()) for _, n_items in scores]
    for column, name in enumerate(names):
        fits = fit_curves(rests, name, overdispersed)
        ahead = intervals_of(fits, at, items, overdispersed)
        for row, fit, x, (y, n_items), (_, prediction) in zip(
            rows, fits, at, scores, ahead, strict=True
        ):
            mean = float(fit.predict(x)[0])
            likelihood = _log_likelihood(fit, y, mean, n_items)
            found[row][column] = (float(np.mean(y) - mean), likelihood, prediction)
    return found


def _log_likelihood(fit: Fit, y: np.ndarray, mean: float, n_items: np.ndarray | None) -> float:
    """Log-likelihood of new scores about a mean with the noise of a fit."""
    if n_items is None:
        z = (y - mean) / fit.noise
        return float(-(z**2 + np.log(2 * np.pi * fit.noise**2)).sum() / 2)
    k, p = n_items * y, float(np.clip(mean, EDGE, 1 - EDGE))
    # Beta-binomial with the variance of `Fit.noise`; so many pseudo-items are a binomial.
    total = np.maximum((n_items - fit.noise) / np.maximum(fit.noise - 1, 1e-6), 1e-3)
    choose = gammaln(n_items + 1) - gammaln(k + 1) - gammaln(n_items - k + 1)
    a, b = p * total, (1 - p) * total
    return float((choose + betaln(k + a, n_items - k + b) - betaln(a, b)).sum())
