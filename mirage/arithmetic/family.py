"""The family of Figures 3 and 4: transformers of ten widths, trained on one task each.

They take the place of the GPT-3 models, which are retired. A sweep trains and scores them; the
weights travel in its score table, so that its cache keeps both, and :func:`train` returns both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from mirage import tables
from mirage.arithmetic import problems, scoring
from mirage.arithmetic.model import Transformer
from mirage.arithmetic.problems import Problems, n_positions
from mirage.arithmetic.tasks import Task
from mirage.arithmetic.train import N_TEST, NAME, Config, evaluate, unpack
from mirage.training import sweep
from mirage.training.loop import Schedule

WIDTHS = (3, 4, 8, 12, 16, 24, 32, 48, 64, 96)  # 0.37 to 227 thousand parameters
# Adam's rate falls as 1/width (Yang et al. 2022), up to a width that learns fastest at the largest.
RATE_TIMES_WIDTH, LARGEST_RATE = 0.16, 0.02


@dataclass(frozen=True)
class Recipe:
    """How the family is trained on one operation.

    Parameters
    ----------
    batch_size : int
        Problems per step.
    decay, decay_wide : float
        Share of each weight that a step at the peak rate takes away, up to the width `WIDE` and
        beyond it. A wide model can memorise all 9 031 products; decay makes it prefer a rule,
        which then holds for other products too.
    """

    batch_size: int
    decay: float = 0.0
    decay_wide: float = 0.0


WIDE = 64
# Exact match of four-digit products after 4 000 steps of 128, trained / held out: width 64, .0007:
# .97 / .65; width 96 without decay: 1.00 / .57, with .0017: .90 / .86 (.97 / .96 after 12 000
# steps), with .005: .02 / .02; width 16, .0007: .20 / .11, with .003: .04 / .03.
RECIPES = {  # by the symbol of the operation
    "*": Recipe(batch_size=128, decay=7e-4, decay_wide=1.7e-3),
    "+": Recipe(batch_size=64),  # 32 in twice the steps learned no more
}


@dataclass(frozen=True)
class Profile:
    """How much of the family to train.

    Parameters
    ----------
    widths : tuple of int
        Sizes of the family.
    n_seeds : int
        Training runs per size.
    n_steps : int
        Training steps on sums, the same for all sizes.
    longer : float
        Training steps on products, as a multiple of those on sums.
    """

    widths: tuple[int, ...]
    n_seeds: int
    n_steps: int
    longer: float = 2.0


PROFILES = {
    "quick": Profile((4, 8, 16, 32, 64), n_seeds=1, n_steps=2000),
    "paper": Profile(WIDTHS, n_seeds=3, n_steps=2000, longer=3.0),
}


def schedule(task: Task, width: int, profile: Profile, n_train: int) -> Schedule:
    """Return how a width is trained on a task; wider models need smaller steps.

    Parameters
    ----------
    task : Task
        Its operation decides the recipe.
    width : int
        Dimensions.
    profile : Profile
        Its number of steps.
    n_train : int
        Problems to train on.

    Returns
    -------
    Schedule

    Examples
    --------
    >>> from mirage.arithmetic import tasks
    >>> sums = tasks.get("four-digit-addition")
    >>> brief = Profile(widths=(4, 8, 16, 32), n_seeds=1, n_steps=100)
    >>> [schedule(sums, d, brief, n_train=9031).learning_rate for d in brief.widths]
    [0.02, 0.02, 0.01, 0.005]
    """
    recipe, rate = RECIPES[task.symbol], min(RATE_TIMES_WIDTH / width, LARGEST_RATE)
    n_steps = profile.n_steps * (profile.longer if task.symbol == "*" else 1)
    decay = recipe.decay if width <= WIDE else recipe.decay_wide
    return Schedule(
        "adam",
        rate,
        recipe.batch_size,
        epochs=n_steps / (n_train // recipe.batch_size),
        warmup=100,
        decay="cosine",
        weight_decay=decay / rate,
    )


def configs(profile: Profile, data: Problems) -> list[Config]:
    """Return the configurations of a profile, the slowest first, so that no core waits for it.

    Examples
    --------
    >>> data = problems.load("two-digit-multiplication")
    >>> [c.width for c in configs(Profile(widths=(4, 8), n_seeds=2, n_steps=9), data)]
    [8, 8, 4, 4]
    """
    return [
        Config(width, seed, schedule(data.task, width, profile, len(data.train)))
        for width in sorted(profile.widths, reverse=True)
        for seed in range(profile.n_seeds)
    ]


class Trained(NamedTuple):
    """One model of the family.

    Attributes
    ----------
    name : str
        As in the column ``model``.
    n_params : int
    seed : int
    model : mirage.arithmetic.model.Transformer
    """

    name: str
    n_params: int
    seed: int
    model: Transformer


class Family(NamedTuple):
    """A trained family.

    Attributes
    ----------
    data : Problems
        What it was trained and scored on.
    scores : polars.DataFrame
        A score table with the further columns of ``evaluate``, without the weights.
    models : list of Trained
        By ascending size, then seed.
    """

    data: Problems
    scores: pl.DataFrame
    models: list[Trained]


def train(task_name: str, profile: Profile, **options) -> Family:
    """Train the family on a task, or take from the cache what was trained before.

    Parameters
    ----------
    task_name : str
        A key of ``mirage.arithmetic.tasks.TASKS``.
    profile : Profile
        E.g. ``PROFILES["quick"]``.
    **options
        Passed to :func:`mirage.training.sweep.run`.

    Returns
    -------
    Family
    """
    data = problems.load(task_name)
    title = f"Transformers on {task_name}"
    table = sweep.run(evaluate, configs(profile, data), data, title, **options)
    trained = table.filter(pl.col("weights").is_not_null()).sort("n_params", "seed")
    models = [
        Trained(
            row["model"],
            row["n_params"],
            row["seed"],
            unpack(row["weights"], row["width"], n_positions(data.task)),
        )
        for row in trained.iter_rows(named=True)
    ]
    return Family(data, table.drop("weights").sort("n_params", "seed", maintain_order=True), models)


def outcomes(family: Family, split: str = "held-out", n_items: int = N_TEST) -> pl.DataFrame:
    """Score every model of a family on the same items, by teacher forcing.

    Parameters
    ----------
    family : Family
    split : {"train", "held-out"}
    n_items : int
        The first so many of the split, or all where it has fewer.

    Returns
    -------
    polars.DataFrame
        An outcome table, a row per model and item: ``split``, the operands ``a`` and ``b``,
        ``log_likelihood`` (nats; its exponential is the probability that a sample at temperature
        1 is right), ``correct`` (at temperature 0), and per character of the answer, its end
        included, ``log_probs`` (nats) and ``correct_characters`` (its right prefix given).
    """
    chosen, task = family.data.split(split)[:n_items], family.data.task
    lengths = np.char.str_len(task.answer(*chosen.T).astype(str))
    item = pl.DataFrame({"item": np.arange(len(chosen)), "a": chosen[:, 0], "b": chosen[:, 1]})
    item = item.with_columns(pl.lit(split).alias("split"), target_length=pl.Series(lengths))
    parts = []
    for name, n_params, seed, model in family.models:
        forced = scoring.teacher_forced(model, task, chosen)
        part = item.with_columns(
            family=pl.lit(NAME),
            model=pl.lit(name),
            n_params=pl.lit(n_params),
            task=pl.lit(task.name),
            seed=pl.lit(seed),
            log_likelihood=forced.log_likelihood,
            correct=forced.exact_match,
            log_probs=pl.Series(forced.log_probs).arr.to_list(),
            correct_characters=pl.Series(forced.correct).arr.to_list(),
        )
        parts.append(part)
    padded, n_characters = ("log_probs", "correct_characters"), pl.col("target_length") + 1
    table = pl.concat(parts).with_columns(pl.col(padded).list.head(n_characters))
    return tables.outcomes(table)
