"""One curve: its data checked, one model fitted, predicted and simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside
from mirage.fits import shapes
from mirage.fits.data import Against, Batch, Bounds, Curve, batches, checked
from mirage.fits.models import FAMILIES, Model
from mirage.fits.solver import EDGE, minimise, saturated, spare_points, telling_points
from mirage.fits.starts import best_of, grid_of, order_of
from mirage.statistics.draws import FEWEST, share_draws

STARTS = 6  # best points of a smooth model's grid that are refined; of others three times as many
TOGETHER = 256  # curves fitted at once: some 20 MiB at work
BEST = 3  # of them, after the first steps of a broken model


class Fit(NamedTuple):
    """A model fitted to a curve by maximum likelihood.

    Attributes
    ----------
    model : str
        A name in `MODELS`.
    parameters : dict of str to float
        In the units of x and y; see the Notes of `fit`.
    fitted : ndarray, shape (points,)
        Mean score at each x, in the order given.
    log_likelihood : float
        Nats, higher is better.
    n_parameters : int
        Fitted parameters, that of the noise included.
    n_points : int
        Points of the curve.
    aicc, bic : float
        Information criteria, lower is better; aicc is NaN where n_points ≤ n_parameters + 1.
    noise : float
        With items, the variance about the curve over the binomial one, at least 1;
        without, the standard deviation of y. Corrected for the fitted parameters.
    curve : Curve
        The data in units of the fit.
    theta : ndarray
        The parameters in units of the fit.
    deviance : float
        Twice the log-likelihood lost against the scores, in units of the fit.
    """

    model: str
    parameters: dict[str, float]
    fitted: np.ndarray
    log_likelihood: float
    n_parameters: int
    n_points: int
    aicc: float
    bic: float
    noise: float
    curve: Curve
    theta: np.ndarray
    deviance: float

    def predict(self, x: ArrayLike) -> np.ndarray:
        """Mean score at other sizes.

        Parameters
        ----------
        x : float or array_like, shape (new,)
            Sizes or losses, positive.

        Returns
        -------
        ndarray, shape (new,)
            Scores in the unit of y; within the bounds if there are any.

        Examples
        --------
        >>> fit([1e6, 1e7, 1e8], [0.0, 0.5, 1.0], "step").predict([1e5, 1e9]).round(2)
        array([0.  , 0.75])
        """
        x = inside("x", np.atleast_1d(x), 0, np.inf, "positive and finite", closed=False)
        frame, model = self.curve.frame, FAMILIES[self.model]
        mean = model.mean(self.theta[None], model.coordinate(x, frame), frame)[0]
        if frame.bounds:
            mean = np.clip(mean, *frame.bounds)
        return frame.offset + frame.scale * mean

    def simulate(self, n_draws: int, rng: np.random.Generator) -> np.ndarray:
        """Scores that the fitted model would give at the same sizes.

        Parameters
        ----------
        n_draws : int
            Number of curves.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray, shape (n_draws, points)
            With items, multiples of 1/n_items: beta-binomial, binomial if the noise is 1.
            Without, normal.

        Examples
        --------
        >>> flat = fit([1e6, 1e7, 1e8], [0.5, 0.5, 0.5], "constant", 10)
        >>> flat.simulate(2, np.random.default_rng(0))
        array([[0.6, 0.4, 0.2],
               [0.2, 0.6, 0.7]])
        """
        n_items = self.curve.n_items
        if n_items is None:
            return rng.normal(self.fitted, self.noise, (n_draws, self.n_points))
        if n_draws < FEWEST:
            mean = np.broadcast_to(self.fitted, (n_draws, self.n_points))
            return draw_scores(mean, n_items, self.noise, rng)
        rho = _shared(n_items, self.noise)
        concentration = np.where(rho > 0, 1 / np.maximum(rho, 1e-12) - 1, np.inf)
        n = n_items.astype(np.int64)
        return share_draws(n, _inner(self.fitted), n_draws, rng, concentration).T


def _inner(mean: np.ndarray) -> np.ndarray:
    return np.clip(mean, EDGE, 1 - EDGE)


def _shared(n_items: np.ndarray, noise: float) -> np.ndarray:
    """Correlation ρ between items, of Var = p(1 − p)/n (1 + (n − 1) ρ).

    More than n times the binomial variance cannot be.
    """
    return np.clip((noise - 1) / np.maximum(n_items - 1, 1), 0, 0.999)


def draw_scores(
    mean: np.ndarray, n_items: np.ndarray, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """Accuracies on n items with `noise` times the binomial variance (beta-binomial)."""
    rho, p = _shared(n_items, noise), _inner(mean)
    if (rho > 0).any():
        total = 1 / np.maximum(rho, 1e-12) - 1
        p = np.where(rho > 0, rng.beta(p * total, (1 - p) * total), p)
    return rng.binomial(n_items.astype(np.int64), p) / n_items


def fit(
    x: ArrayLike,
    y: ArrayLike,
    model: str = "power",
    n_items: ArrayLike | None = None,
    *,
    bounds: Bounds = None,
    overdispersed: bool = True,
    against: Against = "size",
    steepest: float | None = None,
) -> Fit:
    """Fit one model to the scores of several models by maximum likelihood.

    Parameters
    ----------
    x : array_like, shape (points,)
        Size, compute or loss of each model, positive; in any order, repeats (seeds) allowed.
        At least 3 points and 2 distinct values.
    y : array_like, shape (points,)
        Scores, higher is better.
    model : str
        A name in `MODELS`.
    n_items : int or array_like, shape (points,), optional
        Test items behind each score, which must then be in [0, 1]: the likelihood is binomial.
        Without it the likelihood is Gaussian with one standard deviation, fitted.
    bounds : (float, float), optional
        Lowest and highest mean score, in the unit of y. (0, 1) for accuracies; (1/K, 1) with a
        chance of 1/K, (−L, 0) for the negated edit distance of L tokens. Scores may lie outside.
        Without bounds or items both ends are fitted.
    overdispersed : bool
        Fit a factor φ ≥ 1 on the binomial variance. Without it, models that differ in more than
        their size (all real ones) make each simple curve fail.
    against : {"size", "loss"}
        Whether larger or smaller x is the more capable model.
    steepest : float, optional
        Largest size of the exponent α of a smooth curve, 2 against size, 20 against loss; a
        logistic may rise as fast. Without a limit a smooth curve can imitate any step.

    Returns
    -------
    Fit
        Parameters, log-likelihood (nats), AICc and BIC; `predict` and `simulate`.

    Raises
    ------
    ValueError
        If the points are too few or not finite, x not positive, y outside [0, 1] where there
        are items, or an option unknown.

    See Also
    --------
    compare : All models of a curve, side by side.
    jump_test : A jump on top of a smooth trend of any slope.

    Notes
    -----
    With q = exp(−(x/c)^α), the paper's accuracy at L = 1; longer targets move c to c L^(−1/α):

    - constant: level; line: straight in log size or in loss, both ends fitted.
    - power: floor + (ceiling − floor) q, both ends at the bounds. Without bounds the ordinary
      scaling law, first score at the smallest x, ceiling, and exponent α.
    - floored power: the same with q, the floor fitted as well; logistic: in log x, both ends at
      the bounds; sigmoid: both ends fitted.
    - break: (x/c)^α becomes b (x/d)^α₀ (1 + (x/d)^(1/f))^((α₁ − α₀) f): one break at the
      threshold d from exponent α₀ to α₁ (Caballero et al. 2023). The parameter ``width`` is
      f/ln 10, in decades: 80 % of the change of the exponent lie within 4.4 widths.
    - hinge: flat up to the threshold, then straight in log size or in loss (Du et al. 2024).
    - step: one level up to the threshold, another above it.

    The overdispersed likelihood is Efron's (1986) double binomial: φ^(−½) exp(−D/2φ) at each
    point, D the binomial deviance, so that φ = max(1, mean D); φ = 1 is the binomial. A point
    whose score is bound to be 0 or 1 cannot show noise, and counts neither in the mean nor in
    the power of φ.
    A curve that is all 0, all 1 or constant is fitted by each model; only its level means
    anything then.

    References
    ----------
    B. Efron (1986), Double exponential families and their use in generalized linear regression,
    JASA 81. https://doi.org/10.1080/01621459.1986.10478327

    E. Caballero et al. (2023), Broken neural scaling laws, ICLR.
    https://doi.org/10.48550/arXiv.2210.14891

    Z. Du et al. (2024), Understanding emergent abilities of language models from the loss
    perspective. https://doi.org/10.48550/arXiv.2403.15796

    Examples
    --------
    >>> x = np.geomspace(1e8, 1e11, 6)
    >>> found = fit(x, np.exp(-((x / 2e9) ** -0.5)), "power", 100_000)
    >>> print({name: f"{value:.3g}" for name, value in found.parameters.items()})
    {'floor': '0', 'ceiling': '1', 'c': '2e+09', 'alpha': '-0.5'}
    """
    curve = checked(x, y, n_items, bounds, against, steepest)
    if model not in FAMILIES:
        raise ValueError(f"model: found {model!r}, expected one of {', '.join(FAMILIES)}")
    return fit_curve(curve, model, overdispersed)


def fit_curve(curve: Curve, name: str, overdispersed: bool) -> Fit:
    """Fit a named model to a checked curve."""
    return fit_curves([curve], name, overdispersed)[0]


def fit_curves(curves: Sequence[Curve], name: str, overdispersed: bool = True) -> list[Fit]:
    """Fit a named model to many checked curves, together."""
    fits: list[Fit] = [None] * len(curves)
    for places, batch in batches(curves, TOGETHER):
        for place, found in zip(places, fit_batch(batch, name, overdispersed), strict=True):
            fits[place] = found
    return fits


def fit_batch(batch: Batch, name: str, overdispersed: bool) -> list[Fit]:
    """Fit a named model to curves that are alike, all at once."""
    model, frame = FAMILIES[name], batch.frame
    low, high = model.bounds(frame)
    t = model.coordinate(batch.x, frame)
    n_starts = STARTS if model.kind == "smooth" else 3 * STARTS
    starts = best_of(batch, model, grid_of(batch, model), n_starts)
    # Most starts of a curve with many parameters lead nowhere: the best go on after a few steps.
    stages = [(20, BEST), (60, 1)] if model.kind == "broken" else [(60, 1)]
    if model.shape in (shapes.constant, shapes.step):
        stages = [(3, 1)]  # but for rounding the levels of the grid are the best ones already
    for steps, kept in stages:
        theta, least = _refined(batch, model, starts, (low, high), t, steps)
        order = order_of(least)[:, :kept]
        starts = np.take_along_axis(theta, order[..., None], axis=1)
    least = np.take_along_axis(least, order, axis=1)
    return _judged(batch, name, starts[:, 0], least[:, 0], low < high, overdispersed)


def _refined(batch: Batch, model: Model, starts, box, t, steps: int):
    """Parameters (curves, starts, P) after some steps from each start, and their deviances."""
    n_curves, n_starts, size = starts.shape
    curve = np.repeat(np.arange(n_curves), n_starts)  # of each start

    def mean(theta, rows):
        return model.mean(theta, t[curve[rows]], batch.frame.take(curve[rows]))

    def slopes(theta, rows, free):
        found = model.mean_slopes(theta, t[curve[rows]], batch.frame.take(curve[rows]))
        return np.stack([found[column] for column in free], axis=1)

    n_items = None if batch.n_items is None else batch.n_items[curve]
    box = (box[0][curve], box[1][curve])
    flat = starts.reshape(-1, size)
    theta, least = minimise(mean, flat, box, batch.y[curve], n_items, steps, slopes)
    return theta.reshape(starts.shape), least.reshape(n_curves, n_starts)


def _judged(batch: Batch, name, theta, least, free, overdispersed) -> list[Fit]:
    n, frame, model = batch.y.shape[1], batch.frame, FAMILIES[name]
    mean = model.mean(theta, model.coordinate(batch.x, frame), frame)
    k_mean = int(free[0].sum())
    k = k_mean + (batch.n_items is None or overdispersed)
    if batch.n_items is None:
        # An exact curve has no likelihood: a millionth of the range stands in for its noise.
        variance = np.maximum(least / n, 1e-12) * frame.scale[:, 0] ** 2
        log_likelihood = -n / 2 * (np.log(2 * np.pi * variance) + 1)
        noise = np.sqrt(variance * n / max(n - k_mean, 1))
    else:
        telling = telling_points(mean, batch.n_items)
        spare = spare_points(mean, batch.n_items, k_mean)
        phi, noise = (
            np.maximum(1, least / np.maximum(points, 1)) if overdispersed else np.ones(len(least))
            for points in (telling, spare)
        )
        lost = telling * np.log(phi) + least / phi
        log_likelihood = saturated(batch.y, batch.n_items) - lost / 2
    fitted = frame.offset + frame.scale * mean
    defined = n > k + 1
    return [
        Fit(
            model=name,
            parameters=model.describe(theta[row], curve.frame),
            fitted=fitted[row],
            log_likelihood=likelihood,
            n_parameters=k,
            n_points=n,
            aicc=2 * k * n / (n - k - 1) - 2 * likelihood if defined else np.nan,
            bic=float(k * np.log(n)) - 2 * likelihood,
            noise=spread,
            curve=curve,
            theta=theta[row],
            deviance=lost,
        )
        for row, (curve, likelihood, spread, lost) in enumerate(
            zip(batch.curves, log_likelihood.tolist(), noise.tolist(), least.tolist(), strict=True)
        )
    ]
