"""The paper's model: from a scaling law to the predicted curve of each metric (Fig 2).

Cross-entropy falls as a power law of the number of parameters, a token is right with
probability p = exp(−cross-entropy), and each metric is a function of p alone.
Only the metric decides whether the curve jumps.

`multiple_choice_grade` and `brier_score` are the paper's panels D and F. Together they are
no model of choices: D stays at chance where F is worse than a uniform guess.
`coherent_choices` gives both scores from one distribution of logits.
"""

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside


def cross_entropy(n_params: ArrayLike, c: float = 2e9, alpha: float = -0.5) -> np.ndarray:
    """Cross-entropy per token under the scaling law.

    Parameters
    ----------
    n_params : float or array_like
        Number of parameters, positive.
    c : float
        Number of parameters at which the cross-entropy is 1 nat, positive.
    alpha : float
        Exponent, negative.

    Returns
    -------
    float or ndarray
        Nats per token, positive, lower is better.

    Raises
    ------
    ValueError
        If n_params or c is not positive and finite, or alpha not negative and finite.

    See Also
    --------
    token_probability : What it means for a single token.

    Notes
    -----
    L_CE(N) = (N/c)^α; the paper's Section 2 and Fig 2A, whose parameters are the defaults.

    References
    ----------
    R. Schaeffer, B. Miranda and S. Koyejo (2023), Are emergent abilities of large language models
    a mirage?, NeurIPS 36. https://doi.org/10.48550/arXiv.2304.15004

    Examples
    --------
    >>> cross_entropy([2e9, 8e9])
    array([1. , 0.5])
    """
    n_params = inside("n_params", n_params, 0, np.inf, "positive and finite", closed=False)
    c = inside("c", c, 0, np.inf, "positive and finite", closed=False)
    alpha = inside("alpha", alpha, -np.inf, 0, "negative and finite", closed=False)
    return (n_params / c) ** alpha


def token_probability(n_params: ArrayLike, c: float = 2e9, alpha: float = -0.5) -> np.ndarray:
    """Probability of the correct token under the scaling law.

    Parameters
    ----------
    n_params : float or array_like
        Number of parameters, positive.
    c, alpha : float
        As in `cross_entropy`.

    Returns
    -------
    float or ndarray
        In [0, 1], higher is better; 1/e at n_params = c.

    Raises
    ------
    ValueError
        As `cross_entropy`.

    See Also
    --------
    cross_entropy : The scaling law.
    accuracy : All tokens of an answer right.

    Notes
    -----
    p(N) = exp(−L_CE(N)): the probability whose −log is the mean cross-entropy, as if all
    tokens were equally hard (Fig 2B).

    Examples
    --------
    >>> token_probability([2e9, 8e9]).round(4)
    array([0.3679, 0.6065])
    """
    return np.exp(-cross_entropy(n_params, c, alpha))


def accuracy(p: ArrayLike, length: ArrayLike) -> np.ndarray:
    """Expected accuracy (exact match) on a target of the given length.

    Parameters
    ----------
    p : float or array_like
        Probability of each correct token.
    length : int or array_like
        Target length, tokens, at least 1.

    Returns
    -------
    float or ndarray
        In [0, 1], higher is better.

    Raises
    ------
    ValueError
        If p is outside [0, 1] or length below 1.

    See Also
    --------
    token_edit_distance : The linear metric of the same answer.
    observed_accuracy : What a test set of n items shows of it.
    mirage.theory.references.exact_match : With several references.

    Notes
    -----
    p^L if errors are independent (Fig 2C). Correlated errors can make it larger.

    Examples
    --------
    >>> float(accuracy(0.5, 3))
    0.125
    """
    return _probability(p) ** _length(length)


def token_edit_distance(p: ArrayLike, length: ArrayLike) -> np.ndarray:
    """Expected token edit distance to a target of the given length, as the paper has it.

    Parameters
    ----------
    p : float or array_like
        Probability of each correct token.
    length : int or array_like
        Target length, tokens, at least 1.

    Returns
    -------
    float or ndarray
        Tokens, in [0, length], lower is better; Fig 2E draws its negative.

    Raises
    ------
    ValueError
        If p is outside [0, 1] or length below 1.

    See Also
    --------
    accuracy : The nonlinear metric of the same answer.
    mirage.metrics.token_edit_distance : Of actual answers.

    Notes
    -----
    L(1 − p), the expected number of wrong tokens. For a prediction of the right length it
    bounds the edit distance from above, as one shift can mend several tokens.
    Surplus tokens are left out.

    Examples
    --------
    >>> float(token_edit_distance(0.75, 4))
    1.0
    """
    return _length(length) * (1 - _probability(p))


def multiple_choice_grade(p: ArrayLike, n_choices: ArrayLike) -> np.ndarray:
    """Multiple choice grade of the paper's toy: a step at p = ½.

    Parameters
    ----------
    p : float or array_like
        Probability of the correct choice.
    n_choices : int or array_like
        Number of choices K, at least 2.

    Returns
    -------
    float or ndarray
        1 if p > ½, else 1/K; higher is better.

    Raises
    ------
    ValueError
        If p is outside [0, 1] or n_choices below 2.

    See Also
    --------
    brier_score : The continuous metric of the same probability.
    mirage.theory.coherent_choices : Both from one distribution of logits.

    Notes
    -----
    Above ½ the correct choice is the highest however the rest is spread over the others;
    below it the toy falls back to chance (Fig 2D, K = 2). See `coherent_choices`.

    Examples
    --------
    >>> multiple_choice_grade([0.4, 0.6], 4)
    array([0.25, 1.  ])
    """
    p, n_choices = _probability(p), _choices(n_choices)
    return np.where(p > 0.5, 1.0, 1 / n_choices)[()]


def brier_score(p: ArrayLike) -> np.ndarray:
    """Brier score of the paper's toy: the square of the missing probability.

    Parameters
    ----------
    p : float or array_like
        Probability of the correct choice.

    Returns
    -------
    float or ndarray
        In [0, 1], lower is better; Fig 2F draws its negative.

    Raises
    ------
    ValueError
        If p is outside [0, 1].

    See Also
    --------
    multiple_choice_grade : The discontinuous metric of the same probability.
    mirage.metrics.brier_score : Of actual answers, in three conventions.

    Notes
    -----
    (1 − p)², the reduction "target" of `mirage.metrics.brier_score`.
    For two choices it equals the reduction "mean", and a uniform guess has ¼.

    Examples
    --------
    >>> float(brier_score(0.5))
    0.25
    """
    return (1 - _probability(p)) ** 2


def observed_accuracy(accuracy: ArrayLike, n_items: ArrayLike) -> np.ndarray:
    """Accuracy as a test set of n items can show it: the nearest multiple of 1/n.

    Parameters
    ----------
    accuracy : float or array_like
        Expected accuracy.
    n_items : int or array_like
        Number of test items, at least 1.

    Returns
    -------
    float or ndarray
        In [0, 1]; 0 where the accuracy is below 1/(2n), the apparent absence of an ability.

    Raises
    ------
    ValueError
        If accuracy is outside [0, 1] or n_items below 1.

    See Also
    --------
    probability_unseen : How often nothing is seen at all.
    mirage.statistics.smallest_detectable : The other way round.

    Notes
    -----
    round(a n)/n. The resolution is 1/n whatever the target length.

    Examples
    --------
    >>> observed_accuracy([0.004, 0.006, 0.5], 100)
    array([0.  , 0.01, 0.5 ])
    """
    n_items = inside("n_items", n_items, 1, np.inf, "at least 1")
    return np.rint(inside("accuracy", accuracy, 0, 1, "in [0, 1]") * n_items) / n_items


def probability_unseen(accuracy: ArrayLike, n_items: ArrayLike) -> np.ndarray:
    """Probability that a test of n items shows no success at all.

    Parameters
    ----------
    accuracy : float or array_like
        Expected accuracy a.
    n_items : int or array_like
        Number of independent test items n, at least 1.

    Returns
    -------
    float or ndarray
        In [0, 1].

    Raises
    ------
    ValueError
        If accuracy is outside [0, 1] or n_items below 1.

    See Also
    --------
    mirage.statistics.rule_of_three : Largest accuracy that 0 of n leaves possible.

    Notes
    -----
    (1 − a)^n: the chance to report 0 where the accuracy is a, the paper's explanation of an
    ability that too few test items make invisible (Section 2).

    Examples
    --------
    >>> round(float(probability_unseen(0.01, 100)), 4)
    0.366
    """
    n_items = inside("n_items", n_items, 1, np.inf, "at least 1")
    return (1 - inside("accuracy", accuracy, 0, 1, "in [0, 1]")) ** n_items


def _probability(p: ArrayLike) -> np.ndarray:
    return inside("p", p, 0, 1, "a probability in [0, 1]")


def _length(length: ArrayLike) -> np.ndarray:
    return inside("length", length, 1, np.inf, "at least 1 token")


def _choices(n_choices: ArrayLike) -> np.ndarray:
    return inside("n_choices", n_choices, 2, np.inf, "at least 2 choices")
