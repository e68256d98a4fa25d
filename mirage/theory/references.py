"""Expected scores against several references, and whether published points agree with them.

An answer of L tokens has R references. Each token of each reference agrees with the answer's with
the token probability p, independently: `theory` for one reference, this module for several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside
from mirage.theory import tokens

if TYPE_CHECKING:
    import polars as pl


class Agreement(NamedTuple):
    """How well published shares of successes agree with expected ones.

    Attributes
    ----------
    chi2 : float
        Mean over the points of (k − n e)² / (n e (1 − e)); about 1 if they agree.
    p_value : float
        Probability of a chi2 at least as large, if the expected shares are right.
    n_points : int
        Points that are used.
    """

    chi2: float
    p_value: float
    n_points: int


def exact_match(p: ArrayLike, length: ArrayLike, n_references: ArrayLike) -> np.ndarray:
    """Probability that the answer equals at least one of the references.

    Parameters
    ----------
    p : float or array_like
        Token probability.
    length, n_references : int or array_like
        Target length L in tokens, and number of references R; broadcast against p.

    Returns
    -------
    float or ndarray
        In [0, 1], higher is better.

    Raises
    ------
    ValueError
        If p is outside [0, 1] or a count below 1.

    See Also
    --------
    mirage.theory.accuracy : For one reference.

    Notes
    -----
    1 − (1 − p^L)^R for independent tokens and references, to full precision for small p^L.

    Examples
    --------
    >>> round(float(exact_match(0.5, 2, 2)), 12)    # 1 − (3/4)²
    0.4375
    """
    p, length, n_references = _checked(p, length, n_references)
    with np.errstate(divide="ignore"):  # log 0 at p = 1 is right: exp(−∞) = 0
        return -np.expm1(n_references * np.log1p(-tokens.accuracy(p, length)))


def rouge(p: ArrayLike, length: int, n_references: int) -> np.ndarray:
    """Expected ROUGE-L-Sum of the best reference, if no word matches out of place.

    Parameters
    ----------
    p : float or array_like
        Token probability.
    length, n_references : int
        Target length L in words, and number of references R.

    Returns
    -------
    float or ndarray
        In [0, 1], higher is better; p itself for one reference.

    Raises
    ------
    ValueError
        If p is outside [0, 1] or a count below 1.

    See Also
    --------
    bleu : The other text metric of Figures 9 and 10.
    mirage.metrics.rouge_l_sum : Of actual texts.

    Notes
    -----
    Prediction and reference have L words, so that F is LCS/L. Words in place number B(L, p), of
    which the largest of R counts: Σ_{k=1}^L (1 − P(B < k)^R) / L.
    A match out of place makes the true value larger; with a large vocabulary it is rare.

    References
    ----------
    C.-Y. Lin (2004), ROUGE: a package for automatic evaluation of summaries, ACL workshop.
    https://aclanthology.org/W04-1013

    Examples
    --------
    The better of two coins for one word: 1 − .5².

    >>> round(float(rouge(0.5, 1, 2)), 12), round(float(rouge(0.5, 9, 1)), 12)
    (0.75, 0.5)
    """
    from scipy.stats import binom

    _checked(p, length, n_references)
    fewer = binom.cdf(np.arange(length), length, np.asarray(p, float)[..., None])  # (..., L)
    return (1 - fewer**n_references).sum(axis=-1) / length


def bleu(p: ArrayLike, n_references: int) -> np.ndarray:
    """BLEU of a long text, or of a long corpus, if no n-gram matches out of place.

    Parameters
    ----------
    p : float or array_like
        Token probability.
    n_references : int
        Number of references R.

    Returns
    -------
    float or ndarray
        In [0, 1], higher is better.

    Raises
    ------
    ValueError
        If p is outside [0, 1] or a count below 1.

    See Also
    --------
    rouge : The other text metric of Figures 9 and 10.
    mirage.metrics.bleu : Of actual texts.

    Notes
    -----
    (Π_{n=1}^4 (1 − (1 − p^n)^R))^(1/4): an n-gram counts if it occurs in a reference. For one
    reference p^2.5. The mean of sentence BLEU lies below where texts are short and p is large,
    as a geometric mean does, and above where p is small, through its smoothing.

    References
    ----------
    K. Papineni et al. (2002), BLEU: a method for automatic evaluation of machine translation, ACL.
    https://doi.org/10.3115/1073083.1073135

    Examples
    --------
    >>> round(float(bleu(0.5, 1) / 0.5**2.5), 12)
    1.0
    """
    orders = np.arange(1, 5)
    precision = exact_match(np.asarray(p, float)[..., None], orders, n_references)
    return precision.prod(axis=-1) ** 0.25


def agreement(
    table: pl.DataFrame, rng: np.random.Generator, least: float = 1.0, n_draws: int = 10_000
) -> Agreement:
    """Test published shares of successes against expected ones.

    Parameters
    ----------
    table : polars.DataFrame
        Columns ``score``, ``expected``, ``n_items``.
    rng : numpy.random.Generator
        For the null distribution.
    least : float
        A point is used if more than this many successes and failures are *expected* of it,
        whatever was published: a zero or a one is used like any other value.
    n_draws : int
        Draws from the null distribution, in which each point is binomial.

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        No point is used.

    Examples
    --------
    (60 − 50)² / 25 = 4 at the one point that is used: .1 successes are expected at the other.

    >>> import polars as pl
    >>> columns = {"score": [0.6, 0.0], "expected": [0.5, 0.001], "n_items": [100, 100]}
    >>> round(agreement(pl.DataFrame(columns), np.random.default_rng(0)).chi2, 12)
    4.0
    """
    n, e = table["n_items"].to_numpy(), table["expected"].to_numpy()
    used = (n * e > least) & (n * (1 - e) > least)
    if not used.any():
        raise ValueError(f"no point of {len(n)} expects more than {least:g} successes and failures")
    n, e, observed = n[used], e[used], (n * table["score"].to_numpy())[used]
    draws = np.vstack([observed, rng.binomial(n, e, (n_draws, len(n)))])
    chi2 = ((draws - n * e) ** 2 / (n * e * (1 - e))).mean(axis=1)
    tail = int(np.count_nonzero(chi2[1:] >= chi2[0] * (1 - 1e-12)))  # ties in spite of rounding
    return Agreement(float(chi2[0]), (1 + tail) / (1 + n_draws), int(used.sum()))


def _checked(p: ArrayLike, length: ArrayLike, n_references: ArrayLike):
    return (
        inside("p", p, 0, 1, "a probability in [0, 1]"),
        inside("length", length, 1, np.inf, "at least 1 token"),
        inside("n_references", n_references, 1, np.inf, "at least 1 reference"),
    )
