"""Links: scales on which a smooth curve of score against log size is nearly a straight line.

A share q in (0, 1) is written as q = g(η), and η is modelled as a polynomial of log size. All
functions take arrays of any shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_EDGE = 1e-9  # a share is kept this far from 0 and 1
_FLAT = 0.25  # slope of the identity link: that of the logistic function at one half


class Link(NamedTuple):
    """A link with what the fits need of it.

    Attributes
    ----------
    name : str
        Key in `LINKS`.
    share : callable
        η to the share q = g(η).
    slope : callable
        η and the share there to g′(η), positive.
    inverse : callable
        Share q to η.
    steepest : float
        Largest slope of η, per decade of size, that still counts as smooth.
    """

    name: str
    share: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]
    steepest: float


def _logistic(eta):
    return 1 / (1 + np.exp(-eta))


def _logit_slope(eta, q):
    return np.maximum(q * (1 - q), _EDGE)


def _logit_inverse(q):
    q = np.clip(q, _EDGE, 1 - _EDGE)
    return np.log(q / (1 - q))


def _loglog_slope(eta, q):
    return np.maximum(np.exp(-eta) * q, _EDGE)


# `steepest` is `mirage.fits.STEEPEST` in both links: an exponent of 2 in size is 2 ln 10 = 4.6
# per decade for −ln(−ln q), and takes a logistic curve from .1 to .9 within .67 decades, 6.5 per
# decade. A steeper curve imitates any step.
LINKS = {
    "logit": Link("logit", _logistic, _logit_slope, _logit_inverse, 6.5),
    "loglog": Link(
        "loglog",
        lambda eta: np.exp(-np.exp(-eta)),
        _loglog_slope,
        lambda q: -np.log(-np.log(np.clip(q, _EDGE, 1 - _EDGE))),
        4.6,
    ),
    # For scores without bounds, in units of their own range.
    "identity": Link(
        "identity",
        lambda eta: 0.5 + _FLAT * eta,
        lambda eta, q: np.full_like(eta, _FLAT),
        lambda q: (q - 0.5) / _FLAT,
        6.5,
    ),
}
