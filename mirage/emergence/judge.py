"""Judge every curve of a score table: one row per curve, with a note where it cannot be judged.

Curves are arrays (curves, models), padded with NaN, so that a statistic is computed for all of
them at once. A curve that cannot be judged keeps its row, with the reason as its note.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from mirage import tables
from mirage.emergence.measures import Options, judge

KEY = ("family", "task", "metric")
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
_FRACTION = r"(?i)(^|[^a-z])(accuracy|acc|exact|grade|correct)([^a-z]|$)"  # never above 1
_LOWER = (
    r"(?i)(^|[^a-z])(loss|perplexity|ppl|bits.per.byte|cross.entropy|negative log.likelihood|mse|"
    r"squared error|edit distance|brier|calibration.error)([^a-z]|$)"
)
_SHOTS = ("shots", "n_shots", "number_of_shots")


def build(scores, rng: np.random.Generator, options: Options) -> pl.DataFrame:
    """One row per curve: its scores, what may be doubted of them, and why a cell is blank."""
    if options.n_draws < 0:
        raise ValueError(f"n_draws: found {options.n_draws}, expected 0 or more")
    table = _curves(_checked(scores), options)
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


def _checked(scores) -> pl.DataFrame:
    """Check the table; a score that is missing or NaN passes as inf, and is noted at its curve."""
    if not isinstance(scores, pl.DataFrame):
        scores = pl.DataFrame(list(scores), strict=False, infer_schema_length=None)
    if "score" in scores.columns and scores.schema["score"].is_numeric():
        score = pl.col("score").cast(pl.Float64).fill_null(np.inf).fill_nan(np.inf)
        scores = scores.with_columns(score)
    return tables.scores(scores)


def _curves(table: pl.DataFrame, options: Options) -> pl.DataFrame:
    """One row per curve: lists of x, y, n, and a note where they are no curve."""
    for name in (*options.by, options.x):
        if name not in table.columns:
            raise ValueError(f"no column {name!r} in the score table; found {table.columns}")
    if not table.schema[options.x].is_numeric():
        raise ValueError(f"x: found {table.schema[options.x]} in {options.x!r}, expected numbers")
    key = [*KEY, *options.by]
    shots = [name for name in _SHOTS if name in table.columns and name not in options.by]
    metric, higher = pl.first("metric"), pl.first("higher_is_better")
    falls = metric.str.contains(_LOWER) & ~metric.str.contains("^[-−]")
    told = "higher_is_better" in table.columns
    chance = pl.col("chance").cast(pl.Float64) if "chance" in table.columns else pl.lit(0.0)
    models = table.group_by([*key, "model"], maintain_order=True).agg(
        pl.mean("score"),
        pl.first(options.x).cast(pl.Float64).alias("x"),
        pl.min("n_items").cast(pl.Float64),
        *(pl.col(name).unique() for name in shots),
        *([higher] if told else []),
        chance=chance.first(),
        again=pl.col("seed").n_unique() < pl.len(),
    )
    reasons = _reasons(options.x, shots)
    curves = models.group_by(key, maintain_order=True).agg(
        x="x",
        y="score",
        n="n_items",
        n_models=pl.len(),
        falls=~higher.fill_null(~falls) if told else falls,
        chance=pl.max("chance").fill_null(0.0),
        doubtful=pl.any_horizontal(wrong.any() for wrong, _, _ in reasons),
    )
    # The words cost more than all the rest: only where there is something to say.
    doubtful = models.join(curves.filter("doubtful"), on=key, how="semi", nulls_equal=True)
    notes = doubtful.group_by(key).agg(
        note=pl.coalesce(
            pl.when(wrong.any()).then(pl.format(text, *values) if values else pl.lit(text))
            for wrong, text, values in reasons
        )
    )
    return curves.join(notes, on=key, how="left", nulls_equal=True, maintain_order="left")


def _reasons(x: str, shots: list[str]) -> list[tuple[pl.Expr, str, tuple]]:
    """Why the models of a group are no curve of one score per size: whether, and in which words."""
    model, score, size, shown = pl.col("model"), pl.col("score"), pl.col("x"), pl.lit(x)
    infinite = ~score.is_finite()
    chance, no_chance = pl.col("chance"), ~pl.col("chance").is_between(0, 1, closed="left")
    outside = pl.first("metric").str.contains(_FRACTION) & ~score.is_between(0, 1)

    def first(column: pl.Expr, wrong: pl.Expr) -> pl.Expr:
        return column.filter(wrong).first()

    return [
        *(
            (
                pl.col(name).explode().n_unique() > 1,
                "{} mixed: {}",
                (pl.lit(name), _all(pl.col(name).explode())),
            )
            for name in shots
        ),
        (pl.first("metric").str.strip_chars() == "", "the metric has no name", ()),
        (pl.col("again"), "{} has several scores", (first(model, pl.col("again")),)),
        (infinite, "the score of {} is not finite", (first(model, infinite),)),
        (
            outside,
            "{} of {} is not in [0, 1]: a percentage?",
            (first(score, outside), first(model, outside)),
        ),
        (no_chance, "{} is no chance: not in [0, 1)", (first(chance, no_chance),)),
        (size.is_null(), "{} has no {}", (first(model, size.is_null()), shown)),
        (size <= 0, "{} of {} is not positive", (shown, first(model, size <= 0))),
        (
            size.n_unique() < pl.len(),
            "one {} for {}: which is larger?",
            (shown, _all(model.filter(size.is_duplicated()))),
        ),
        (pl.len() < 3, "fewer than 3 models", ()),
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
        A score table (`mirage.tables.scores`); the scores of a model are averaged over its seeds.
        Where a column ``higher_is_better`` is False, scores are negated; without one, those of
        losses, perplexities, squared errors, Brier scores and edit distances are.
        A column ``chance`` gives the accuracy of a guess; without one it is 0.
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
    A curve with fewer than 3 models, two models of one size, a score that is missing or
    not finite, several scores of a model, mixed shots, or an accuracy outside [0, 1] is blank
    but for its note. So is what needs counted items where ``n_items`` is missing, or where the
    scores are no multiples of 1/n_items: a log-likelihood has no binomial error.
    Smooth curves whose models scatter by .3 in log odds have p ≤ .05 in a tenth of cases.

    Examples
    --------
    >>> row = {"family": "toy", "task": "sum", "metric": "accuracy", "source": "example"}
    >>> sizes = {"S": (10**8, 0.1), "M": (10**9, 0.2), "L": (10**10, 0.3), "XL": (10**11, 1.0)}
    >>> rows = [row | {"model": m, "n_params": n, "score": y} for m, (n, y) in sizes.items()]
    >>> table(rows).select("n_models", "emergence_score", "note").row(0)
    (4, 9.0, 'no n_items: no interval, floor, p-value or resolution')
    """
    options = Options(tuple(by), x, n_draws, level)
    return build(scores, np.random.default_rng(0) if rng is None else rng, options)
