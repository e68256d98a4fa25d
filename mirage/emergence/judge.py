"""Judge every curve of a score table: one row per curve, with a note where it cannot be judged.

Curves are arrays (curves, models), padded with NaN, so that a statistic is computed for all of
them at once. A curve that cannot be judged keeps its row, with the reason as its note.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from mirage import tables
from mirage.emergence.measures import TINY, Options, judge
from mirage.metrics import catalogue
from mirage.statistics.item_counts import right_items
from mirage.statistics.resolution import agreement

KEY = ("family", "task", "metric")
SAME_CHANCE = 0.02  # guesses of models that were asked slightly different items
HUNDREDFOLD = (50, 200)  # BLEU in percent leaps by 36 and 37 in two published families
NUMBERS = (
    "emergence_score",
    "low",
    "high",
    "leave_one_out_low",
    "leave_one_out_high",
    "floored_emergence_score",
    "normalized_emergence_score",
    "spaced_emergence_score",
    "linearity",
    "p_value",
    "q_value",
    "smallest_detectable",
)


def build(scores, rng: np.random.Generator, options: Options) -> pl.DataFrame:
    """One row per curve: its scores, what may be doubted of them, and why a cell is blank."""
    if options.n_draws < 0:
        raise ValueError(f"n_draws: found {options.n_draws}, expected 0 or more")
    table = curves(checked_scores(scores), options)
    sound = table["note"].is_null().to_numpy()
    cells = {name: np.full(table.height, np.nan) for name in NUMBERS}
    fit, notes = np.full((2, table.height), None)
    if sound.any():
        found, fit[sound], notes[sound] = judge(table.filter(sound), rng, options)
        for name, values in found.items():
            cells[name][sound] = values
    return table.select(*KEY, *options.by, "n_models").with_columns(
        *(pl.Series(name, values).fill_nan(None) for name, values in cells.items()),
        pl.Series("fit", fit.tolist(), pl.String),
        table["note"].fill_null(pl.Series(notes.tolist(), dtype=pl.String)),
    )


def checked_scores(scores) -> pl.DataFrame:
    """Check the table; a score that is missing or no number passes as inf, noted at its curve."""
    if not isinstance(scores, pl.DataFrame):
        scores = pl.DataFrame(list(scores), strict=False, infer_schema_length=None)
    if "score" in scores.columns and not scores.schema["score"].is_nested():
        score = pl.col("score").cast(pl.Float64, strict=False)
        scores = scores.with_columns(score.fill_null(np.inf).fill_nan(np.inf))
    return tables.scores(scores)


def _known(table: pl.DataFrame) -> pl.DataFrame:
    """Add what the catalogue knows of each metric, and the count that each score stands for."""
    names = table["metric"].unique()
    found = [catalogue.find(name) for name in names]
    known = pl.DataFrame(
        {
            "metric": names,
            "is_share": [bool(metric) and metric.kind == catalogue.SHARE for metric in found],
            "rises": [metric and metric.higher_is_better for metric in found],
            "low": [float(metric.bounds[0]) if metric else -np.inf for metric in found],
            "high": [float(metric.bounds[1]) if metric else np.inf for metric in found],
        },
        schema_overrides={"metric": pl.String, "rises": pl.Boolean},
    )
    table = tables.with_direction(table).join(known, on="metric", how="left", maintain_order="left")
    # Stated the other way round, the scores are negated, and their range with them.
    contrary = (pl.col("higher_is_better") != pl.col("rises")).fill_null(False)
    ends = [
        pl.when(contrary).then(np.inf * sign).otherwise(end).alias(end)
        for sign, end in ((-1, "low"), (1, "high"))
    ]
    absent = pl.lit(None, pl.Float64)
    stderr = (
        pl.col("stderr").cast(pl.Float64, strict=False) if "stderr" in table.columns else absent
    )
    table = table.with_columns(
        *ends, is_share=pl.col("is_share") & ~contrary, stderr=pl.when(stderr > TINY).then(stderr)
    )
    score, n, stated = (
        table[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("score", "n_items", "stderr")
    )
    right = np.where(table["is_share"].to_numpy(), right_items(score, n), np.nan)
    return table.with_columns(
        right=pl.Series(right).fill_nan(None), agrees=pl.Series(agreement(score, n, stated))
    )


def curves(table: pl.DataFrame, options: Options) -> pl.DataFrame:
    """One row per curve: lists of x, y, n, and a note where they are no curve."""
    for name in (*options.by, options.x):
        if name not in table.columns:
            raise ValueError(f"no column {name!r} in the score table; found {table.columns}")
    if not table.schema[options.x].is_numeric():
        raise ValueError(f"x: found {table.schema[options.x]} in {options.x!r}, expected numbers")
    key = [*KEY, *options.by]
    protocol = [name for name in tables.PROTOCOL if name in table.columns and name not in key]
    chance = pl.col("chance").cast(pl.Float64) if "chance" in table.columns else pl.lit(0.0)
    counts = pl.col("right").is_not_null().all()
    whole = counts & pl.all("agrees")
    models = (
        _known(table)
        .group_by([*key, "model"], maintain_order=True)
        .agg(
            # Trials of one model are pooled: all their items count.
            pl.when(whole)
            .then(pl.sum("right") / pl.sum("n_items"))
            .otherwise(pl.mean("score"))
            .alias("score"),
            pl.first(options.x).cast(pl.Float64).alias("x"),
            pl.when(whole).then(pl.sum("n_items")).otherwise(pl.min("n_items")).cast(pl.Float64),
            pl.when(pl.col("stderr").is_not_null().all())
            .then((pl.col("stderr") ** 2).sum().sqrt() / pl.len())
            .alias("stderr"),
            *(pl.col(name).unique() for name in protocol),
            pl.first("higher_is_better", "is_share", "low", "high"),
            pl.all("agrees"),
            counts=counts,
            chance=chance.first(),
            again=pl.col("seed").n_unique() < pl.len(),
        )
    )
    reasons = _reasons(options.x, protocol)
    grouped = models.group_by(key, maintain_order=True).agg(
        "x",
        "stderr",
        pl.first("is_share", "low", "high"),
        y="score",
        n="n_items",
        n_models=pl.len(),
        counted=pl.all("counts") & pl.all("agrees"),
        disagrees=pl.all("counts") & ~pl.all("agrees"),
        falls=~pl.first("higher_is_better"),
        chance=pl.max("chance").fill_null(0.0),
        doubtful=pl.any_horizontal(wrong.any() for wrong, _, _ in reasons),
    )
    # The words cost more than all the rest: only where there is something to say.
    doubtful = models.join(grouped.filter("doubtful"), on=key, how="semi", nulls_equal=True)
    notes = doubtful.group_by(key).agg(
        note=pl.coalesce(
            pl.when(wrong.any()).then(pl.format(text, *values) if values else pl.lit(text))
            for wrong, text, values in reasons
        )
    )
    return grouped.join(notes, on=key, how="left", nulls_equal=True, maintain_order="left")


def _reasons(x: str, protocol: list[str]) -> list[tuple[pl.Expr, str, tuple]]:
    """Why the models of a group are no curve of one score per size: whether, and in which words."""
    model, score, size, shown = pl.col("model"), pl.col("score"), pl.col("x"), pl.lit(x)
    unnamed = pl.first("metric") == "score"
    same = model.filter(size == size.filter(size.is_duplicated()).min()).unique().sort()
    infinite = ~score.is_finite()
    chance, no_chance = pl.col("chance"), ~pl.col("chance").is_between(0, 1, closed="left")
    directions = pl.col("higher_is_better").drop_nulls()
    low, high = pl.col("low"), pl.col("high")
    outside = score.is_finite() & ~score.is_between(low, high)
    # A metric in percent whose scores leave a gap of about a hundredfold, with 1 in it.
    small, large = score.filter((score > 0) & (score <= 1)).max(), score.filter(score > 1).min()
    two_units = (high == 100) & (score == small) & (large / small).is_between(*HUNDREDFOLD)

    def first(column: pl.Expr, wrong: pl.Expr) -> pl.Expr:
        return column.filter(wrong).first()

    return [
        *(reason for name in protocol for reason in _protocol_reasons(name)),
        (pl.first("metric").str.strip_chars() == "", "the metric has no name", ()),
        (
            pl.first("higher_is_better").is_null() & unnamed,
            "whether a higher score is better is not known: name the metric in a column `metric` "
            "(accuracy, exact match, …), or add a column `higher_is_better` with true or false",
            (),
        ),
        (
            pl.first("higher_is_better").is_null(),
            "whether a higher {} is better is not known: add a column `higher_is_better` with "
            "true or false",
            (pl.first("metric"),),
        ),
        (directions.n_unique() > 1, "higher_is_better mixed: true and false", ()),
        (pl.col("again"), "{} has several scores", (first(model, pl.col("again")),)),
        (infinite, "the score of {} is not finite", (first(model, infinite),)),
        (
            outside & (high == 1),
            "{} of {} is not in [0, 1]: a percentage?",
            (first(score, outside), first(model, outside)),
        ),
        (
            outside,
            "{} of {} is outside the range of {}, {} to {}",
            (
                first(score, outside),
                first(model, outside),
                pl.first("metric"),
                low.first(),
                high.first(),
            ),
        ),
        (
            two_units,
            "{} of {} beside {} of {}: fractions and percentages mixed? State all as fractions",
            (small, pl.first("metric"), large, first(model, score == large)),
        ),
        (no_chance, "{} is no chance: not in [0, 1)", (first(chance, no_chance),)),
        (
            chance.max() - chance.min() > SAME_CHANCE,
            "chance mixed: {}",
            (_all(chance.drop_nulls()),),
        ),
        (size.is_null(), "{} has no {}", (first(model, size.is_null()), shown)),
        (size <= 0, "{} of {} is not positive", (shown, first(model, size <= 0))),
        (
            size.n_unique() < pl.len(),
            "{} and {} have the same {}: which comes first?",
            (
                same.head(same.len() - 1).str.join(", "),
                same.last(),
                pl.lit("size" if x == "n_params" else x.replace("_", " ")),
            ),
        ),
        (pl.len() < 3, "fewer than 3 models", ()),
    ]


def _protocol_reasons(name: str) -> list[tuple[pl.Expr, str, tuple]]:
    """Why a part of the protocol differs: two values, or one and some that are not known."""
    values, shown = pl.col(name).explode(), pl.lit(name.replace("_", " "))
    unknown = pl.col(name).list.eval(pl.element().is_null()).list.any()
    return [
        (values.drop_nulls().n_unique() > 1, "{} mixed: {}", (shown, _all(values.drop_nulls()))),
        (
            unknown & (values.drop_nulls().n_unique() > 0),
            "{} unknown for {}",
            (shown, _all(pl.col("model").filter(unknown))),
        ),
    ]


def _all(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.String).unique().sort().str.join(", ")


def table(
    scores: pl.DataFrame,
    rng: np.random.Generator | None = None,
    *,
    by: Collection[str] = (),
    x: str = "n_params",
    n_draws: int = 10_000,
    level: float = 0.95,
) -> pl.DataFrame:
    """Judge every curve of a score table: its emergence scores, and how far they can be trusted.

    Parameters
    ----------
    scores : polars.DataFrame or iterable of mappings
        A score table (`mirage.tables.scores`). A column ``higher_is_better`` states directions;
        others are those of `mirage.metrics.catalogue`. Trials of a model (rows that differ in
        ``seed``) are pooled. A column ``chance`` gives the accuracy of a guess; without one it is
        0. A column ``stderr`` gives standard errors of the scores.
    rng : numpy.random.Generator, optional
        Source of the draws; by default one of a fixed seed.
    by : collection of str
        Further columns that tell curves apart (the number of shots, say).
    x : str
        Column of the scale: "n_params" or "compute".
    n_draws : int
        Bootstrap resamples, and draws of the null: of m curves a single one can have q ≤ α only
        with m/α draws or more. 0 leaves out intervals, p-values and fits, nearly all the time.
    level : float
        Confidence of the bootstrap interval.

    Returns
    -------
    polars.DataFrame
        One row per family, task, metric (and `by`), in the order of their first rows:

        - ``n_models``;
        - ``emergence_score``; ``low``, ``high``, its bootstrap interval (items are drawn, see
          `mirage.statistics.bootstrap.binomial_bootstrap`);
          ``leave_one_out_low``, ``leave_one_out_high``,
          its range without one of the models;
        - ``floored_emergence_score``, at `mirage.emergence.scores.noise_floor`;
          ``normalized_emergence_score``; ``spaced_emergence_score``; ``linearity``;
        - ``p_value``, one-sided: how often models drawn from the best smooth fit (BIC), with its
          scatter (`mirage.fits.Fit.simulate`), score as high; ``q_value``, over this table;
        - ``fit``: "smooth", "broken", "step" or "not identifiable" (`mirage.fits.compare`);
        - ``smallest_detectable`` accuracy, with the fewest items of a model;
        - ``note``: why cells are blank.

    Raises
    ------
    ValueError
        If this is no score table, or a column is missing.

    Notes
    -----
    A curve is blank but for its note where it has fewer than 3 models, two models of one size, a
    score that is missing or not finite, several scores of a model, a metric of unknown direction,
    a score outside the metric's range, or models that differ in a column of the protocol
    (`mirage.tables.PROTOCOL`: shots, revision, …).
    What needs counted items is blank where ``n_items`` is missing, where the metric is no share
    of items (a log-likelihood has no binomial error), where a score, printed to any number of
    digits, is no multiple of 1/n_items, and where its stated standard error is not that of n_items.
    Scores that are no counts have an interval if all their standard errors are stated.
    Smooth curves whose models scatter by .3 in log odds have p ≤ .05 in a tenth of cases.

    Examples
    --------
    >>> row = {"family": "toy", "task": "sum", "metric": "accuracy", "source": "example"}
    >>> sizes = {"S": (10**8, 0.1), "M": (10**9, 0.2), "L": (10**10, 0.3), "XL": (10**11, 1.0)}
    >>> rows = [row | {"model": m, "n_params": n, "score": y} for m, (n, y) in sizes.items()]
    >>> table(rows, n_draws=0).select("n_models", "emergence_score", "note").row(0)
    (4, 9.0, 'no n_items: no interval, floor, p-value or resolution')
    """
    options = Options(tuple(by), x, n_draws, level)
    return build(scores, np.random.default_rng(0) if rng is None else rng, options)
