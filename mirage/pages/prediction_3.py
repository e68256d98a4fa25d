"""Prediction 3: how accuracy and token edit distance change with target length L.

The paper: accuracy falls about geometrically, as p^L; token edit distance grows about linearly,
as L(1 − p). Both assume that tokens are independent and equally likely to be right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from mirage import tables
from mirage.arithmetic.family import Family
from mirage.arithmetic.problems import Problems
from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Equals, Exceeds
from mirage.fits.lengths import geometric_length, linear_length
from mirage.formatting import number
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
        id="prediction-3-geometric-sums",
        kind=Kind.IMPLIED,
        place=GEOMETRIC,
        # The rules of the products; set when it was known that accuracy on sums rises with length.
        statement="Our transformers, held-out sums of three to five digits: exponent γ of exact"
        " match = p^((L + 1)^γ), median over models; geometric is 1, below 0 accuracy rises.",
        rule=Equals(0.25, loose=0.5),
        published=1,
    ),
    Claim(
        id="prediction-3-linear-sums",
        kind=Kind.IMPLIED,
        place=LINEAR,
        statement="Our transformers, held-out sums of three to five digits: exponent of the power"
        " of target length by which token edit distance grows, median over models; linear is 1,"
        " below 0 it shrinks.",
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

TIMES, PLUS = "two-digit-multiplication", "four-digit-addition"
TASKS = {TIMES: "products", PLUS: "sums"}
FACTORS = {  # of `excess`, as drawn
    "total": "accuracy / p$^{L + 1}$",
    "together": "errors occur together",
    "unequal": "unequal places",
}
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
        - ``linear_r_squared``, ``slope``, ``intercept`` of token edit distance, in tokens;
          ``power``, the exponent of the power of L through it, 1 where it is L(1 − p); NaN where
          a distance is 0.

    Examples
    --------
    >>> row = {"family": "toy", "model": "S", "n_params": 9, "task": "sum", "temperature": 0.0}
    >>> row |= {"seed": 0}
    >>> table = pl.DataFrame([
    ...     row | {"target_length": n, "metric": metric, "score": score} for n in range(1, 5)
    ...     for metric, score in (("exact match", 0.8**n), ("token edit distance", 0.2 * n))
    ... ])
    >>> columns = pl.col("decay", "amplitude", "exponent", "slope", "power").round(6)
    >>> fit(table).select(columns).row(0)
    (0.8, 1.0, 1.0, 0.2, 1.0)
    """
    rows = []
    for key, curve in _wide(scores, accuracy).group_by(MODEL, maintain_order=True):
        if curve.height >= 3:
            x, y = curve["target_length"].to_numpy() + end, curve["accuracy"].to_numpy()
            row = dict(zip(MODEL, key, strict=True)) | _geometric(x, y)
            rows.append(row | _linear(curve["target_length"], curve["distance"]))
    return pl.DataFrame(rows, infer_schema_length=None)


def _wide(scores: pl.DataFrame, accuracy: str = "exact match") -> pl.DataFrame:
    """Put the two metrics into columns, a row per curve and target length."""
    metrics = {accuracy: "accuracy", "token edit distance": "distance"}
    return (
        scores.filter(pl.col("metric").is_in(list(metrics)))
        .with_columns(pl.col("metric").replace(metrics))
        .pivot(on="metric", index=[*MODEL, "target_length"], values="score")
        .sort("task", "n_params", "seed", "temperature", "target_length")
    )


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


def median(values: pl.Series, rng: np.random.Generator, n_of: str) -> Found | str:
    """Median over curves with its bootstrap interval; curves without a finite value are left out.

    Parameters
    ----------
    values : polars.Series
        One number of each curve.
    rng : numpy.random.Generator
        Draws the curves.
    n_of : str
        What the curves are.

    Returns
    -------
    Found or str
        A reason where fewer than 3 values are finite.

    Examples
    --------
    >>> found = median(pl.Series([1.0, 2.0, 4.0, None]), np.random.default_rng(0), "curves")
    >>> found.ours, found.interval, found.n
    (2.0, (1.0, 4.0), 3)
    """
    known = values.drop_nulls().to_numpy()
    known = known[np.isfinite(known)]
    if len(known) < 3:
        return f"only {len(known)} {n_of} have a value"
    drawn = np.median(known[rng.integers(len(known), size=(2000, len(known)))], axis=1)
    return Found(float(np.median(known)), tuple(percentile_interval(drawn)), len(known), n_of)


def findings(
    of_paper: pl.DataFrame, of_ours: pl.DataFrame, factors: pl.DataFrame, rng: np.random.Generator
) -> dict[str, Found | str]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    of_paper, of_ours : polars.DataFrame
        From `fit`: the paper's points at temperature 0, and our models on both tasks.
    factors : polars.DataFrame
        From `excess`: our products of the longest target.
    rng : numpy.random.Generator
        Of the bootstrap over curves.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    found = {}
    columns = {"geometric": "exponent", "linear": "power"}
    for whose, fits in {"": of_paper, "-ours": of_ours.filter(task=TIMES)}.items():
        for kind, column in columns.items():
            n_of = "models" if whose else "curves"
            found[f"prediction-3-{kind}{whose}"] = median(fits[column], rng, n_of)
    for name in ("together", "total"):
        found[f"prediction-3-{name}"] = median(factors.filter(factor=name)["score"], rng, "models")
    for kind, column in columns.items():
        sums = of_ours.filter(task=PLUS)[column]
        found[f"prediction-3-{kind}-sums"] = median(sums, rng, "models")
    return found


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
    row |= {"intercept_high": line.intercept_interval.high}
    positive = (distance > 0).all()
    power = np.polyfit(np.log(length), np.log(distance), 1)[0] if positive else np.nan
    return row | {"power": float(power)}


def means(trained: Iterable[Family], least: int) -> pl.DataFrame:
    """Average our models' scores at temperature 1 over seeds, with the exact accuracy.

    Parameters
    ----------
    trained : iterable of Family
    least : int
        Test items below which a target length is left out.

    Returns
    -------
    polars.DataFrame
        A score table of held-out problems; "exact match" is the expected one.
    """
    every = pl.concat(one.scores for one in trained).filter(split="held-out", temperature=1.0)
    every = every.filter(pl.col("target_length").is_not_null(), pl.col("n_items") >= least)
    exact = {"exact match": "sampled", "expected exact match": "exact match"}
    renamed = every.with_columns(pl.col("metric").replace(exact))
    averaged = tables.over_seeds(renamed, bounds=(0, float("inf")))
    return averaged.with_columns(seed=pl.lit(None, pl.Int64))


def together(of_paper: pl.DataFrame, of_ours: pl.DataFrame) -> pl.DataFrame:
    """Put the fits of the paper's points and of ours below each other."""
    return pl.concat([of_paper, of_ours], how="vertical_relaxed")


def numbers(
    found: Mapping[str, Found | str], of_paper: pl.DataFrame, factors: pl.DataFrame
) -> dict[str, str]:
    """Write what the text of the page quotes.

    Parameters
    ----------
    found : mapping of str to Found or str
        From `findings`.
    of_paper : polars.DataFrame
        From `fit`.
    factors : polars.DataFrame
        From `longest`.

    Returns
    -------
    dict of str to str
    """
    values = {
        "steep": str(of_paper.filter(pl.col("amplitude_low") > 1).height),
        "curves": str(of_paper.height),
        "items": str(factors["n_items"].min()),
    }
    for name, one in found.items():
        text = one
        if isinstance(one, Found):
            low, high = one.interval
            text = f"{one.ours:.2f} (95 % interval [{low:.2f}, {high:.2f}])".replace("-", "−")
        values[name.removeprefix("prediction-3-")] = text
    unequal = factors.filter(task="two-digit-multiplication", factor="unequal")["score"].median()
    return values | {"unequal": f"{unequal:.2f}"}


def directions(scores: pl.DataFrame) -> pl.DataFrame:
    """Say of each curve whether accuracy falls, and the distance grows, with target length.

    Parameters
    ----------
    scores : polars.DataFrame
        As for `fit`.

    Returns
    -------
    polars.DataFrame
        A row per model, task and temperature: ``accuracy_falls``, whether no added digit raises
        it; ``distance_grows``, whether none lowers it; and the same of the first step alone,
        ``first_falls`` and ``first_grows``.

    Examples
    --------
    >>> row = {"family": "toy", "model": "S", "n_params": 9, "task": "sum", "temperature": 0.0}
    >>> table = pl.DataFrame([
    ...     row | {"target_length": n, "metric": metric, "score": score, "seed": 0}
    ...     for metric, y in (("exact match", (0.1, 0.9, 0.5)), ("token edit distance", (1, 1, 2)))
    ...     for n, score in enumerate(map(float, y), 3)
    ... ])
    >>> directions(table).select("accuracy_falls", "first_falls", "distance_grows").row(0)
    (False, False, True)
    """
    up, down = pl.col("distance").diff().drop_nulls(), pl.col("accuracy").diff().drop_nulls()
    return (
        _wide(scores)
        .group_by(MODEL, maintain_order=True)
        .agg(
            accuracy_falls=(down <= 0).all(),
            distance_grows=(up >= 0).all(),
            first_falls=(down <= 0).first(),
            first_grows=(up >= 0).first(),
        )
    )


def lengths(paper: pl.DataFrame, ours: pl.DataFrame, sums: Problems) -> dict[str, str]:
    """Write what the text of the page quotes of the direction of the curves.

    Parameters
    ----------
    paper, ours : polars.DataFrame
        The paper's points at temperature 0, and `means` of ours.
    sums : mirage.arithmetic.problems.Problems
        What our models of sums were trained on.

    Returns
    -------
    dict of str to str
        Numbers of curves; in words, whether most models of sums do the opposite of the prediction
        at the first added digit; the shortest sums, how many of them were tested, and one in how
        many training sums is as short as that.
    """
    of_paper, ours_too = directions(paper), directions(ours)
    products, plus = (ours_too.filter(task=task) for task in (TIMES, PLUS))

    def of(table: pl.DataFrame, column: str, wanted: bool = True) -> str:
        return f"{(table[column] == wanted).sum()} of {table.height}"

    tested = ours.filter(task=PLUS, metric="exact match")
    shortest = tested["target_length"].min()
    n_digits = np.char.str_len(sums.task.answer(*sums.train.T).astype(str))
    reverse = not (plus["first_falls"].mean() > 0.5 or plus["first_grows"].mean() > 0.5)
    return {
        "paper-falls": of(of_paper, "accuracy_falls"),
        "paper-grows": of(of_paper, "distance_grows"),
        "products-falls": of(products, "accuracy_falls"),
        "products-grows": of(products, "distance_grows"),
        "sums-rises": of(plus, "first_falls", False),
        "sums-shrinks": of(plus, "first_grows", False),
        "sums-order": "it is the reverse" if reverse else "the order is less clear",
        "shortest": str(shortest),
        "next": str(shortest + 1),
        "tested": str(tested.filter(target_length=shortest)["n_items"].min()),
        "rare": f"{len(n_digits) / (n_digits <= shortest).sum():.0f}",
    }
