"""Runs besides the family's: other training schedules, and more seeds around the jump."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from mirage.arithmetic import family, problems
from mirage.arithmetic.family import Profile
from mirage.arithmetic.train import evaluate
from mirage.training import sweep

# Factors on the family's learning rate and number of steps: half and twice, about the error of a
# schedule chosen by hand.
SCHEDULES = {
    "half the steps": (1.0, 0.5),
    "half the learning rate": (0.5, 1.0),
    "the family's": (1.0, 1.0),
    "twice the learning rate": (2.0, 1.0),
    "twice the steps": (1.0, 2.0),
}


@dataclass(frozen=True)
class Checks:
    """Models that are trained besides the family.

    Parameters
    ----------
    schedules : tuple of str
        Keys of `SCHEDULES`.
    widths : tuple of int
        Sizes that are trained under the other schedules: those around the jump.
    n_seeds : int
        Training runs per size and schedule.
    seed_widths : tuple of int
        Sizes that are trained with more seeds.
    seeds : int
        Number of these seeds.
    """

    schedules: tuple[str, ...]
    widths: tuple[int, ...]
    n_seeds: int
    seed_widths: tuple[int, ...]
    seeds: int


CHECKS = {
    "quick": Checks((), (), 0, (), 0),
    "paper": Checks(tuple(SCHEDULES), (8, 12, 16, 24, 32, 48), 1, (12, 16, 24), 10),
}


def schedules(task_name: str, profile: Profile, checks: Checks, **options) -> pl.DataFrame | None:
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
    polars.DataFrame or None
        The rows of `mirage.arithmetic.family.evaluate`, without the weights, with the name of the
        ``schedule``; None if there are no other schedules.
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
    return pl.concat(parts) if parts else None


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
