"""Curves of score against size: smooth, broken and step fits, jumps, forecasts, thresholds.

Whether an ability *emerges* is here a comparison of likelihoods, not a look at a plot.
See `fit` for the models and their noise, `compare` for the rule of the verdict.
"""

from mirage.fits.comparison import MARGIN, Compared, Comparison, compare
from mirage.fits.curve import Fit, fit
from mirage.fits.data import STEEPEST
from mirage.fits.forecasts import Forecast, forecast
from mirage.fits.jump import Jumps, jump_test
from mirage.fits.lengths import GeometricLength, LinearLength, geometric_length, linear_length
from mirage.fits.linearised import Curvature, curvature
from mirage.fits.models import FAMILIES
from mirage.fits.monotone import isotonic
from mirage.fits.power import jump_power
from mirage.fits.profiles import Threshold, threshold

MODELS: dict[str, str] = {name: model.kind for name, model in FAMILIES.items()}

__all__ = [
    "MARGIN",
    "MODELS",
    "STEEPEST",
    "Compared",
    "Comparison",
    "Curvature",
    "Fit",
    "Forecast",
    "GeometricLength",
    "Jumps",
    "LinearLength",
    "Threshold",
    "compare",
    "curvature",
    "fit",
    "forecast",
    "geometric_length",
    "isotonic",
    "jump_power",
    "jump_test",
    "linear_length",
    "threshold",
]
