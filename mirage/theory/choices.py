"""Multiple choice grade and Brier score from one distribution of logits.

The paper's Figs 2D and 2F are two curves of one probability, but no distribution of choices
gives both: the grade stays at chance where the Brier score is worse than a uniform guess.
Here items differ in difficulty, and both scores are expectations over the same items.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside

# The integrands below are analytic within π/2 of the real axis and decay at both ends, so
# that the trapezoidal rule has an error of about e^(−π²/step) = 7e-18. Gauss–Hermite nodes
# would be too far apart for a spread above 3.
_STEP = 0.25


class CoherentChoices(NamedTuple):
    """Both scores of one model of choices.

    Attributes
    ----------
    grade : float or ndarray
        Expected multiple choice grade, in [0, 1], higher is better.
    brier : float or ndarray
        Expected Brier score, mean over the choices, in [0, 2/K], lower is better.

    Examples
    --------
    >>> float(coherent_choices(0.5, spread=0.0).grade)
    0.5
    """

    grade: float | np.ndarray
    brier: float | np.ndarray


def coherent_choices(p: ArrayLike, n_choices: int = 2, spread: float = 1.0) -> CoherentChoices:
    """Expected multiple choice grade and Brier score when items differ in difficulty.

    Parameters
    ----------
    p : float or array_like
        Probability of the correct choice on the typical item. A model that knows nothing
        has 1/K. Below it the model prefers wrong choices, and both scores say so.
    n_choices : int
        Number of choices K, at least 2.
    spread : float
        Standard deviation over items of the logit margin between the correct choice and
        any other one, nats, in [0, 20]. 0 is a homogeneous pool, and only then is the grade
        a step.

    Returns
    -------
    CoherentChoices
        grade and brier, each of the shape of p.

    Raises
    ------
    ValueError
        If p is outside [0, 1], n_choices below 2, or spread outside [0, 20].

    See Also
    --------
    mirage.theory.multiple_choice_grade : The paper's panel D.
    mirage.theory.brier_score : The paper's panel F; no single distribution gives both.

    Notes
    -----
    The logit of the correct choice is log(p/(1 − p)) + log(K − 1), of the others 0, so that
    the softmax gives p. On each item every logit gets an independent normal deviation of
    standard deviation spread/√2. The grade asks which logit is highest, the Brier score
    takes the softmax of the same logits.
    At p = 1/K the choices are exchangeable, hence the grade is 1/K for each spread; the
    Brier score is (K − 1)/K² at spread 0 and more above, as groundless confidence costs.
    For K = 2 the margin m is normal(logit p, spread²), grade = Φ(logit p / spread) and
    brier = E[(1 − σ(m))²]. It corrects the paper's Figs 2D and 2F.

    Examples
    --------
    >>> scores = coherent_choices([0.5, 0.9], n_choices=2, spread=1.0)
    >>> scores.grade.round(3), scores.brier.round(3)
    (array([0.5  , 0.986]), array([0.293, 0.031]))
    """
    p = inside("p", p, 0, 1, "a probability in [0, 1]")
    n_choices = int(inside("n_choices", n_choices, 2, np.inf, "at least 2 choices"))
    spread = float(inside("spread", spread, 0, 20, "in [0, 20]"))
    with np.errstate(divide="ignore"):  # p = 0 and p = 1 are logits of −inf and inf
        logit = np.log(p) + np.log(n_choices - 1) - np.log1p(-p)
    # Rounding at p = 1/K would turn the tie of a homogeneous pool into a win or a loss.
    logit = np.where(np.isclose(p * n_choices, 1, rtol=1e-12, atol=0), 0.0, logit)
    scores = (_expected_grade, _expected_brier)
    curves = (np.vectorize(score, otypes=[float]) for score in scores)
    return CoherentChoices(*(curve(logit, n_choices, spread)[()] for curve in curves))


def _expected_grade(logit: float, n_choices: int, spread: float) -> float:
    """E[Φ(z + √2 logit / spread)^(K − 1)]: the correct logit exceeds each of the others."""
    from scipy.special import ndtr

    if spread == 0 or logit == 0:
        return 1 / n_choices if logit == 0 else float(logit > 0)
    z, weights = _normal_nodes(spread)
    return min(1.0, float(ndtr(z + np.sqrt(2) * logit / spread) ** (n_choices - 1) @ weights))


def _expected_brier(logit: float, n_choices: int, spread: float) -> float:
    """E[(1 − q_0)² + Σ_k q_k²] / K, with q the softmax of the logits u_k.

    1/S^r = ∫ t^(r−1) e^(−tS) dt / Γ(r) with S = Σ_k e^(u_k) and t = e^τ turns a power of the
    softmax into a product over the independent logits. So two integrals serve each K.
    """
    z, weights = _normal_nodes(spread)
    scale = spread / np.sqrt(2)  # of one logit; the difference of two has `spread`
    tau = np.arange(-40 - 9 * scale, 5 + 9 * scale, _STEP)  # outside: less than e^−40

    def moment(power: int, shift: float) -> np.ndarray:  # E[x^power e^−x] for each τ
        x = np.exp(tau[:, None] + shift + scale * z)  # (tau, z)
        return (x**power * np.exp(-x)) @ weights

    # The highest mean logit is put at 0, so that −inf, but never +inf, occurs.
    correct, other = min(logit, 0.0), -max(logit, 0.0)
    others = moment(0, other)
    mean = moment(1, correct) @ others ** (n_choices - 1) * _STEP
    square = moment(2, correct) @ others ** (n_choices - 1) * _STEP
    square_other = moment(2, other) @ (others ** (n_choices - 2) * moment(0, correct)) * _STEP
    return max(0.0, (1 - 2 * mean + square + (n_choices - 1) * square_other) / n_choices)


def _normal_nodes(spread: float) -> tuple[np.ndarray, np.ndarray]:
    z = np.arange(-9, 9, _STEP / max(1.0, spread))
    weights = np.exp(-(z**2) / 2)
    return z, weights / weights.sum()
