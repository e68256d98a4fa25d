"""Is a jump real? The loss itself, size by size, seed by seed and schedule by schedule.

No metric makes or removes a jump of the cross-entropy. What may make one is the training: one
seed, or one schedule under which small models never converge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from mirage.arithmetic import family, problems
from mirage.arithmetic.family import Profile
from mirage.arithmetic.train import evaluate
from mirage.book.claims import Claim
from mirage.book.rules import Below, Exceeds
from mirage.fits.comparison import MARGIN
from mirage.statistics.intervals import wilson_interval
from mirage.training import sweep

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="not-a-mirage-exponent",
        place="Does the loss of one ability fall more abruptly with size than that of another?",
        statement="Our transformers: steepest local exponent of the loss between neighbouring sizes"
        " on sums of five digits, divided by that on products of four digits, mean over seeds.",
        rule=Exceeds(1),
    ),
    Claim(
        id="not-a-mirage-steep",
        place="The paper's model has one exponent for all sizes; a jump of the loss has a large one",
        statement="Our transformers, sums of five digits: steepest local exponent of the loss"
        " between neighbouring sizes, mean over seeds. The paper's model has 0.5 at all sizes.",
        rule=Exceeds(2),
    ),
    Claim(
        id="not-a-mirage-broken",
        place="Does a curve with a break describe the loss better than a smooth one?",
        statement="Our transformers, sums of five digits: AICc of the best smooth curve of the loss"
        " less that of the best curve with a break.",
        rule=Exceeds(MARGIN),
    ),
    Claim(
        id="not-a-mirage-smooth",
        place="Does a curve with a break describe the loss better than a smooth one?",
        statement="Our transformers, products of four digits: AICc of the best smooth curve of the"
        " loss less that of the best curve with a break.",
        rule=Below(MARGIN),
    ),
    Claim(
        id="not-a-mirage-by-loss",
        place="Does the ability begin at a threshold of the loss? (Du et al. 2024)",
        statement="Our transformers, sums of five digits, exact match against loss: AICc of the"
        " best smooth curve less that of the best curve with a break.",
        rule=Exceeds(MARGIN),
    ),
    Claim(
        id="not-a-mirage-schedule",
        place="Does the jump of the loss depend on how long and how fast the models are trained?",
        statement="Our transformers, sums of five digits: steepest local exponent of the loss,"
        " smallest over the training schedules.",
        rule=Exceeds(2),
    ),
    Claim(
        id="not-a-mirage-seeds",
        place="Is the jump a matter of which seeds learn the task? (Zhao et al. 2025)",
        statement="Our transformers, sums of five digits: variance of exact match between seeds of"
        " one size, as a share of the largest that its mean allows, largest over sizes.",
        rule=Exceeds(0.5),
    ),
)

# Factors on the family's learning rate and number of steps. Twice either way is the error that a
# practised eye makes; more and the runs cost more than the family.
SCHEDULES = {
    "half the steps": (1.0, 0.5),
    "half the learning rate": (0.5, 1.0),
    "the family's": (1.0, 1.0),
    "twice the learning rate": (2.0, 1.0),
    "twice the steps": (1.0, 2.0),
}
CURVE = ("task", "schedule", "seed")


@dataclass(frozen=True)
class Checks:
    """What is trained besides the family.

    Parameters
    ----------
    schedules : tuple of str
        Keys of `SCHEDULES`.
    widths : tuple of int
        Sizes that the other schedules are tried on: those about the jump.
    n_seeds : int
        Training runs per size and schedule.
    seed_widths : tuple of int
        Sizes of which more seeds are trained.
    seeds : int
        That many.
    """

    schedules: tuple[str, ...]
    widths: tuple[int, ...]
    n_seeds: int
    seed_widths: tuple[int, ...]
    seeds: int


CHECKS = {
    "quick": Checks(("half the steps",), (16, 32, 64), 1, (), 0),
    "paper": Checks(tuple(SCHEDULES), (8, 12, 16, 24, 32, 48), 1, (12, 16, 24), 10),
}


def schedules(task_name: str, profile: Profile, checks: Checks, **options) -> pl.DataFrame:
    """Train sizes of the family under other schedules.

    Parameters
    ----------
    task_name : str
        A key of `mirage.arithmetic.tasks.TASKS`.
    profile : mirage.arithmetic.family.Profile
        The family's.
    checks : Checks
        Which schedules, sizes and how many seeds.
    **options
        Passed to `mirage.training.sweep.run`.

    Returns
    -------
    polars.DataFrame
        The rows of `mirage.arithmetic.family.evaluate`, without the weights, with the name of the
        ``schedule``.
    """
    data = problems.load(task_name)
    own = family.configs(replace(profile, widths=checks.widths, n_seeds=checks.n_seeds), data)
    parts = []
    for name in checks.schedules:
        rate, steps = SCHEDULES[name]
        changed = [_scaled(config, rate, steps) for config in own]
        title = f"Transformers on {task_name}"  # the family's, which shares its cache
        table = sweep.run(evaluate, changed, data, title, **options)
        parts.append(table.drop("weights").with_columns(schedule=pl.lit(name)))
    return pl.concat(parts)


def seeds(task_name: str, profile: Profile, checks: Checks, **options) -> pl.DataFrame:
    """Score the family, with more seeds of the sizes about the jump.

    Parameters
    ----------
    task_name, profile, checks, **options
        As in `schedules`.

    Returns
    -------
    polars.DataFrame
        The scores of `mirage.arithmetic.family.train`, a row more for each seed more.
    """
    rest = tuple(width for width in profile.widths if width not in checks.seed_widths)
    parts = [family.train(task_name, replace(profile, widths=rest), **options).scores]
    if checks.seed_widths:
        more = replace(profile, widths=checks.seed_widths, n_seeds=checks.seeds)
        parts.append(family.train(task_name, more, **options).scores)
    return pl.concat(parts).sort("n_params", "seed", maintain_order=True)


def _scaled(config, rate: float, steps: float):
    schedule = config.schedule
    changed = {
        "learning_rate": schedule.learning_rate * rate,
        "epochs": schedule.epochs * steps,
    }
    return replace(config, schedule=replace(schedule, **changed))


def local_exponents(scores: pl.DataFrame) -> pl.DataFrame:
    """Exponent of the power law that leads from the loss of one size to that of the next.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with one row per size, and per task, schedule and seed where it has them.

    Returns
    -------
    polars.DataFrame
        A row per pair of neighbours: ``task``, ``schedule`` and ``seed`` as far as there are such,
        ``n_params``, the geometric mean of both, and ``exponent``, the nats of the log loss that a
        nat of size takes away. The paper's model has one exponent for all sizes.

    Raises
    ------
    ValueError
        A size twice on one curve, or a loss that is not positive.

    Notes
    -----
    −Δ ln(loss) / Δ ln(n_params).

    Examples
    --------
    Ten times the size, half the loss: ln 2 / ln 10.

    >>> table = pl.DataFrame({"task": "sum", "n_params": [100, 1000], "loss": [1.0, 0.5]})
    >>> local_exponents(table).select("n_params", pl.col("exponent").round(3)).rows()
    [(316.22776601683796, 0.301)]
    """
    key = [name for name in CURVE if name in scores.columns]
    if scores.select(pl.struct(*key, "n_params").is_duplicated().any()).item():
        raise ValueError(f"scores: found a size twice on one curve, expected one row per {key}")
    if not scores.select((pl.col("loss") > 0).fill_null(False).all()).item():
        raise ValueError("loss: found a value that is not positive, or none; expected nats above 0")
    x, y = pl.col("n_params").log(), pl.col("loss").log()
    pairs = scores.sort(*key, "n_params").select(
        *key,
        n_params=((x + x.shift(1)).over(key) / 2).exp(),
        exponent=-y.diff().over(key) / x.diff().over(key),
    )
    return pairs.drop_nulls("exponent")


def half_size(scores: pl.DataFrame) -> pl.DataFrame:
    """Size at which a score first passes one half.

    Parameters
    ----------
    scores : polars.DataFrame
        As in `local_exponents`, of one metric.

    Returns
    -------
    polars.DataFrame
        A row per task, schedule and seed: ``half_size``, parameters, by interpolation in their
        logarithm; null where all scores lie on one side of one half.

    Examples
    --------
    >>> table = pl.DataFrame({"task": "sum", "n_params": [100, 10_000], "score": [0.25, 0.75]})
    >>> half_size(table)["half_size"].round(6).item()
    1000.0
    """
    key = [name for name in CURVE if name in scores.columns]
    rows = []
    for values, curve in scores.sort("n_params").group_by(key, maintain_order=True):
        x, y = np.log(curve["n_params"].to_numpy()), curve["score"].to_numpy()
        above = int(np.argmax(y >= 0.5))
        found = None
        if above:  # neither the smallest nor none
            found = float(
                np.exp(np.interp(0.5, y[above - 1 : above + 1], x[above - 1 : above + 1]))
            )
        rows.append(dict(zip(key, values, strict=True)) | {"half_size": found})
    return pl.DataFrame(rows, schema_overrides={"half_size": pl.Float64})


def between_seeds(scores: pl.DataFrame, success: float = 0.5) -> pl.DataFrame:
    """Do seeds of one size agree, or do some learn a task that others do not?

    Parameters
    ----------
    scores : polars.DataFrame
        A score table of one task and metric in [0, 1], a row per size and seed.
    success : float
        Score above which a run has learnt the task.

    Returns
    -------
    polars.DataFrame
        A row per size: ``n_params``, ``n_seeds``, ``score``, the mean, ``share``, the variance
        between seeds over the largest that this mean allows, in [0, 1] (0: they agree; 1: each is
        at 0 or 1; null for one seed, and where all are at 0 or 1), and ``success``, the fraction of
        runs, with ``low`` and ``high``, its 95 % Wilson interval.

    Notes
    -----
    share = s² / (m (1 − m)), s² the variance with n − 1 below; cut off at 1.
    Bimodality over seeds is Zhao et al.'s account of breakthroughs.

    Examples
    --------
    >>> table = pl.DataFrame({"n_params": [9, 9, 99, 99], "score": [0.0, 1.0, 0.9, 0.9]})
    >>> between_seeds(table).select("n_params", "share", "success").rows()
    [(9, 1.0, 0.5), (99, 0.0, 1.0)]
    """
    mean = pl.col("score").mean()
    share = (pl.col("score").var() / (mean * (1 - mean))).clip(0, 1)
    sizes = scores.group_by("n_params").agg(
        n_seeds=pl.len(),
        score=mean,
        share=pl.when((mean > 0) & (mean < 1)).then(share),
        n_success=(pl.col("score") > success).sum(),
    )
    sizes = sizes.sort("n_params")
    low, high = wilson_interval(sizes["n_success"].to_numpy(), sizes["n_seeds"].to_numpy())
    return sizes.with_columns(
        success=pl.col("n_success") / pl.col("n_seeds"), low=pl.Series(low), high=pl.Series(high)
    ).drop("n_success")
