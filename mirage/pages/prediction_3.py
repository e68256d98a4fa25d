"""How scores change with target length L, the paper's third prediction.

The paper: accuracy falls about geometrically, as p^L; token edit distance grows about linearly,
as L(1 − p). Both assume that tokens err independently and with one probability.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Equals, Exceeds
from mirage.fits.lengths import geometric_length, linear_length
from mirage.formatting import number
from mirage.statistics.bootstrap import item_bootstrap
from mirage.statistics.intervals import percentile_interval

GEOMETRIC = "Section 3, prediction 3: with target length accuracy falls about geometrically"
LINEAR = "Section 3, prediction 3: with target length token edit distance grows about linearly"
CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prediction-3-geometric",
        kind=Kind.PAPER,
        place=GEOMETRIC,
        statement="The paper's points at temperature 0: exponent γ of accuracy = p^(L^γ), median"
        " over its models and tasks; geometric is 1.",
        rule=Equals(0.25, loose=0.5),
        published=1,
    ),
    Claim(
        id="prediction-3-linear",
        kind=Kind.PAPER,
        place=LINEAR,
        statement="The paper's points at temperature 0: exponent of the power of target length by"
        " which token edit distance grows, median over its models and tasks; linear is 1.",
        rule=Equals(0.25, loose=0.5),
        published=1,
    ),
    Claim(
        id="prediction-3-geometric-ours",
        kind=Kind.IMPLIED,
        place=GEOMETRIC,
        statement="Our transformers, held-out products: exponent γ of exact match ="
        " p^((L + 1)^γ), median over models; geometric is 1.",
        rule=Equals(0.25, loose=0.5),
        published=1,
    ),
    Claim(
        id="prediction-3-linear-ours",
        kind=Kind.IMPLIED,
        place=LINEAR,
        statement="Our transformers, held-out products: exponent of the power of target length by"
        " which token edit distance grows, median over models; linear is 1.",
        rule=Equals(0.25, loose=0.5),
        published=1,
    ),
    Claim(
        id="prediction-3-together",
        kind=Kind.OURS,
        place="Are the errors of one answer independent, as p^L assumes?",
        statement="Our transformers, products of four digits: expected exact match over the product"
        " of the mean probabilities at each place, median over models; above 1 if errors occur"
        " together.",
        rule=Exceeds(1),
    ),
    Claim(
        id="prediction-3-total",
        kind=Kind.OURS,
        place="Correlated errors make accuracy larger than p^L; do unequal places make it smaller?",
        statement="Our transformers, products of four digits: expected exact match over p^(L + 1),"
        " p the mean probability of a token, median over models.",
        rule=Exceeds(1),
    ),
)

MODEL = ("family", "model", "n_params", "task", "temperature", "seed")


def fit(scores: pl.DataFrame, accuracy: str = "exact match", end: int = 0) -> pl.DataFrame:
    """Fit accuracy and token edit distance against target length, for each model.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with the columns ``temperature`` and ``target_length`` and the metrics
        `accuracy`, above 0, and "token edit distance"; curves of fewer than 3 lengths are left out.
    accuracy : str
        Name of the metric that is the accuracy.
    end : int
        Tokens of an answer beyond its digits: 1 where its end must be predicted too.

    Returns
    -------
    polars.DataFrame
        A row per model, task, temperature and seed, of 95 % intervals ``…_low``, ``…_high``:

        - ``geometric_r_squared``: of the line through log accuracy against length;
          ``decay``, the factor of accuracy per token; ``amplitude``, that line at 0 tokens: 1
          where accuracy = p^L;
        - ``p`` and ``exponent``: `mirage.fits.geometric_length`;
        - ``linear_r_squared``, ``slope``, ``intercept`` of token edit distance, in tokens.

    Examples
    --------
    >>> row = {"family": "toy", "model": "S", "n_params": 9, "task": "sum", "temperature": 0.0}
    >>> row |= {"seed": 0}
    >>> table = pl.DataFrame([
    ...     row | {"target_length": n, "metric": metric, "score": score} for n in range(1, 5)
    ...     for metric, score in (("exact match", 0.8**n), ("token edit distance", 0.2 * n))
    ... ])
    >>> columns = pl.col("decay", "amplitude", "exponent", "slope").round(6)
    >>> fit(table).select(columns).row(0)
    (0.8, 1.0, 1.0, 0.2)
    """
    metrics = {accuracy: "accuracy", "token edit distance": "distance"}
    wide = (
        scores.filter(pl.col("metric").is_in(list(metrics)))
        .with_columns(pl.col("metric").replace(metrics))
        .pivot(on="metric", index=[*MODEL, "target_length"], values="score")
        .sort("task", "n_params", "seed", "temperature", "target_length")
    )
    rows = []
    for key, curve in wide.group_by(MODEL, maintain_order=True):
        if curve.height >= 3:
            x, y = curve["target_length"].to_numpy() + end, curve["accuracy"].to_numpy()
            row = dict(zip(MODEL, key, strict=True)) | _geometric(x, y)
            rows.append(row | _linear(curve["target_length"], curve["distance"]))
    return pl.DataFrame(rows, infer_schema_length=None)


def summary(fits: pl.DataFrame, digits: int = 2) -> pl.DataFrame:
    """Write the fits of `fit` for a reader, each with its interval.

    Parameters
    ----------
    fits : polars.DataFrame
        From `fit`.
    digits : int
        Significant digits.

    Returns
    -------
    polars.DataFrame
        Text, a row per curve: ``p``, ``exponent``, ``slope`` and ``intercept`` as
        "0.5 [0.4, 0.6]", and the two R².

    Examples
    --------
    >>> row = {"task": "sum", "model": "S", "temperature": 0.0}
    >>> row |= {"geometric_r_squared": 0.991, "linear_r_squared": 1.0}
    >>> for name in ("p", "exponent", "slope", "intercept"):
    ...     row |= {name: 0.5, f"{name}_low": 0.25, f"{name}_high": float("inf")}
    >>> summary(pl.DataFrame([row]))["p"].item()
    '0.5 [0.25, ∞]'
    """
    columns = {"geometric_r_squared": "R², log accuracy", "p": "p", "exponent": "exponent"}
    columns |= {"linear_r_squared": "R², distance", "slope": "slope", "intercept": "intercept"}

    def text(row: dict, name: str) -> str:
        ends = [number(row[f"{name}_{end}"], digits) for end in ("low", "high") if "r_" not in name]
        return number(row[name], digits) + (f" [{', '.join(ends)}]" if ends else "")

    shown = fits.select("task", "model", "temperature").to_dicts()
    return pl.DataFrame(
        key | {title: text(row, name) for name, title in columns.items()}
        for key, row in zip(shown, fits.to_dicts(), strict=True)
    )


def excess(
    outcomes: pl.DataFrame, rng: np.random.Generator, n_resamples: int = 1000
) -> pl.DataFrame:
    """How much likelier a right answer is than independent, equal tokens would make it.

    Parameters
    ----------
    outcomes : polars.DataFrame
        From `mirage.arithmetic.family.outcomes`.
    rng : numpy.random.Generator
        Of the bootstrap over items.
    n_resamples : int
        Test sets drawn.

    Returns
    -------
    polars.DataFrame
        A row per model, seed, target length L and ``factor``, its value in ``score``, the 95 %
        bootstrap interval in ``low``, ``high``, and ``n_items``:

        - "total": expected exact match over p^(L + 1), p the mean probability of the right
          character over the L digits and the end, at temperature 1;
        - "together": the same over the product of the mean probabilities at each place; above 1
          if an item that is easy at one place is easy at another;
        - "unequal": that product over p^(L + 1); at most 1, less if some places are harder.

        The first is the product of the other two.

    Notes
    -----
    a∘b and b∘a are resampled together: they are not independent.

    Examples
    --------
    Two items: all characters sure, or each with probability ½. Together (1 + ¼)/2 over ¾².

    >>> row = {"family": "a", "model": "b", "n_params": 1, "task": "c", "seed": 0, "a": 1}
    >>> row |= {"target_length": 1}
    >>> table = pl.DataFrame([
    ...     row | {"b": 0, "log_probs": [0.0, 0.0]},
    ...     row | {"b": 3, "log_probs": [float(np.log(0.5))] * 2},
    ... ])
    >>> found = excess(table, np.random.default_rng(0), 10)
    >>> found.select("factor", pl.col("score").round(4)).rows()
    [('total', 1.1111), ('together', 1.1111), ('unequal', 1.0)]
    """
    key = ["family", "model", "n_params", "task", "seed", "target_length"]
    rows = []
    for values, part in outcomes.sort(key).group_by(key, maintain_order=True):
        p = np.exp(np.array(part["log_probs"].to_list(), dtype=np.float64))  # (items, L + 1)
        of_item = np.column_stack([p.prod(axis=1), p, np.ones(len(p))])
        pair = np.sort(part.select("a", "b").to_numpy(), axis=1)
        _, cluster = np.unique(pair, axis=0, return_inverse=True)
        sums = np.stack([np.bincount(cluster.ravel(), column) for column in of_item.T])
        found = _factors(sums.sum(axis=1))
        drawn = _factors(item_bootstrap(sums, n_resamples, rng))
        for name, score in found.items():
            low, high = percentile_interval(drawn[name])
            row = dict(zip(key, values, strict=True)) | {"n_items": part.height, "factor": name}
            rows.append(row | {"score": float(score), "low": low, "high": high})
    return pl.DataFrame(rows)


def _geometric(length: np.ndarray, accuracy: np.ndarray) -> dict[str, float]:
    line = linear_length(length, -np.log(accuracy))
    law = geometric_length(length, accuracy)
    row = {"geometric_r_squared": line.r_squared, "decay": np.exp(-line.slope)}
    row |= {"decay_low": np.exp(-line.interval.high), "decay_high": np.exp(-line.interval.low)}
    row |= {"amplitude": np.exp(-line.intercept)}
    row |= {"amplitude_low": np.exp(-line.intercept_interval.high)}
    row |= {"amplitude_high": np.exp(-line.intercept_interval.low)}
    row |= {"p": law.p, "p_low": law.interval.low, "p_high": law.interval.high}
    row |= {"exponent": law.exponent, "exponent_low": law.exponent_interval.low}
    row |= {"exponent_high": law.exponent_interval.high}
    return {name: float(value) for name, value in row.items()}


def _linear(length: pl.Series, distance: pl.Series) -> dict[str, float]:
    line = linear_length(length, distance)
    row = {"linear_r_squared": line.r_squared, "slope": line.slope, "intercept": line.intercept}
    row |= {"slope_low": line.interval.low, "slope_high": line.interval.high}
    row |= {"intercept_low": line.intercept_interval.low}
    return row | {"intercept_high": line.intercept_interval.high}


def _factors(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Factors from sums over items, shape (..., 1 + characters + 1): answer, characters, items."""
    answer, *characters = np.moveaxis(sums[..., :-1] / sums[..., -1:], -1, 0)
    places = np.prod(characters, axis=0)
    equal = np.mean(characters, axis=0) ** len(characters)
    return {"total": answer / equal, "together": answer / places, "unequal": places / equal}
