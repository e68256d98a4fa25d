"""A jump that no metric made: the loss itself, by size, seed and training schedule.

No metric makes or removes a jump of the cross-entropy. Training may make one: a single seed, or a
schedule under which small models do not converge. Where the steepest fall lies depends on the seed,
so that one seed answers nothing about sizes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from mirage.arithmetic import family
from mirage.arithmetic.curves import EXACT, comparable
from mirage.book.claims import Claim, Found
from mirage.book.rules import Below, Exceeds
from mirage.fits.comparison import MARGIN, Comparison, compare
from mirage.fits.profiles import threshold
from mirage.pages.not_a_mirage_measures import between_seeds, half_size, local_exponents
from mirage.pages.not_a_mirage_runs import CHECKS, schedules, seeds
from mirage.statistics.intervals import Interval, mean_interval

STEEP = 2  # local exponent of the loss; the paper's model has 0.5

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
        place="The paper's model has one exponent for all sizes; a jump has a large one",
        statement="Our transformers, sums of five digits: steepest local exponent of the loss"
        " between neighbouring sizes, mean over seeds. The paper's model has 0.5 at all sizes.",
        rule=Exceeds(STEEP),
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
        place="Does the loss of single runs jump, whatever the seed, and however long and fast the"
        " models are trained?",
        statement="Our transformers, sums of five digits: steepest local exponent of the loss"
        " between neighbouring sizes of one seed and schedule, smallest over seeds and training"
        " schedules.",
        rule=Exceeds(STEEP),
    ),
    Claim(
        id="not-a-mirage-seeds",
        place="Is the jump a matter of which seeds learn the task? (Zhao et al. 2025)",
        statement="Our transformers, sums of five digits: variance of exact match between seeds of"
        " one size, as a share of the largest that its mean allows, largest over sizes.",
        rule=Exceeds(0.5),
    ),
)

TASKS = {"two-digit-multiplication": 4, "four-digit-addition": 5}  # target length, digits
PRODUCTS, SUMS = TASKS
NAMES = {PRODUCTS: "products of 4 digits", SUMS: "sums of 5 digits"}


class Study(NamedTuple):
    """What the page is about; scores are of held-out problems at temperature 1.

    Attributes
    ----------
    curves : polars.DataFrame
        The family's scores under four metrics (`mirage.arithmetic.curves.comparable`).
    runs : polars.DataFrame
        A row per task, size and seed of the family, with its ``loss`` and exact match.
    more : polars.DataFrame
        Sums: the family's runs and those of more seeds.
    tried : polars.DataFrame
        Sums: the runs under each ``schedule``, the family's too.
    """

    curves: pl.DataFrame
    runs: pl.DataFrame
    more: pl.DataFrame
    tried: pl.DataFrame


def study(profile: str, **options) -> Study:
    """Train the family on both tasks, and further seeds and schedules on sums.

    Parameters
    ----------
    profile : {"quick", "paper"}
    **options
        Passed to `mirage.training.sweep.run`.

    Returns
    -------
    Study
    """
    chosen, checks = family.PROFILES[profile], CHECKS[profile]
    trained = pl.concat([family.train(task, chosen, **options).scores for task in TASKS])
    curves = _asked(trained)
    runs = curves.filter(metric=EXACT)
    more = _asked(seeds(SUMS, chosen, checks, **options)).filter(metric=EXACT)
    own = runs.filter(task=SUMS).with_columns(schedule=pl.lit("the family's"))
    other = schedules(SUMS, chosen, checks, **options)
    if other is None:
        return Study(curves, runs, more, own)
    other = _asked(other).filter(pl.col("schedule") != "the family's", metric=EXACT)
    return Study(curves, runs, more, pl.concat([own, other], how="diagonal"))


def _asked(scores: pl.DataFrame) -> pl.DataFrame:
    return comparable(scores.filter(split="held-out", temperature=1.0), TASKS)


class Shapes(NamedTuple):
    """Comparisons of smooth with broken curves, and the threshold of the loss.

    Attributes
    ----------
    loss : dict of str to mirage.fits.Comparison
        By task, the loss against size.
    by_loss : mirage.fits.Comparison
        Exact match of sums against loss.
    threshold : float
        Loss (nats per token) at which a hinge fitted to exact match of sums turns.
    interval : Interval
        Of the threshold.
    """

    loss: dict[str, Comparison]
    by_loss: Comparison
    threshold: float
    interval: Interval


def shapes(runs: pl.DataFrame) -> Shapes:
    """Compare smooth with broken curves on all runs of the family.

    Parameters
    ----------
    runs : polars.DataFrame
        Of `Study`.

    Returns
    -------
    Shapes
    """
    by_task = {task: runs.filter(task=task) for task in TASKS}
    loss = {t: compare(p["n_params"], -p["loss"], held_out=False) for t, p in by_task.items()}
    x, y, items = by_task[SUMS].select("loss", "score", "n_items").to_numpy().T
    by_loss = compare(x, y, items, against="loss", held_out=False)
    turn = threshold(x, y, items, against="loss")
    return Shapes(loss, by_loss, *turn[:2])


def findings(found: Study, shape: Shapes) -> dict[str, Found | str]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    found : Study
    shape : Shapes
        Of its runs.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    steep = local_exponents(found.runs).group_by("task", "seed").agg(pl.max("exponent"))
    wide = steep.pivot(on="task", index="seed", values="exponent")
    ratio, of_sums = wide[SUMS] / wide[PRODUCTS], wide[SUMS]
    n_seeds = wide.height
    means = {"exponent": ratio, "steep": of_sums}
    of_ours: dict[str, Found | str] = {
        f"not-a-mirage-{name}": Found(one.mean(), tuple(mean_interval(one)), n_seeds, "seeds")
        if n_seeds > 1
        else "one seed has no interval"
        for name, one in means.items()
    }
    compared = {
        "broken": shape.loss[SUMS],
        "smooth": shape.loss[PRODUCTS],
        "by-loss": shape.by_loss,
    }
    for name, one in compared.items():
        known = one.delta is not None and np.isfinite(one.delta)
        of_ours[f"not-a-mirage-{name}"] = (
            Found(one.delta) if known else f"this profile has {one.reason}"
        )
    by_run = steepest(found.tried)
    of_ours["not-a-mirage-schedule"] = (
        Found(by_run["exponent"].min(), n=by_run.height, n_of="curves")
        if by_run["schedule"].n_unique() > 1
        else "the quick profile has one schedule"
    )
    return of_ours | {"not-a-mirage-seeds": _variance(found.more)}


def _variance(more: pl.DataFrame) -> Found | str:
    spread = between_seeds(more)
    share, n_seeds = spread["share"].max(), int(spread["n_seeds"].max())
    if n_seeds < 2:
        return "one seed has no variance"
    if share is None:
        return "every size has all seeds right, or all wrong"
    return Found(share, n=n_seeds, n_of="seeds")


def steepest(runs: pl.DataFrame) -> pl.DataFrame:
    """Find where the loss of each run over all sizes falls most steeply.

    Parameters
    ----------
    runs : polars.DataFrame
        Of one task, a row per size, and per schedule and seed where it has them.

    Returns
    -------
    polars.DataFrame
        A row per seed (and schedule): ``exponent``, its largest between neighbouring sizes, and
        ``n_params``, the geometric mean of both; ascending in the exponent.
    """
    exponents = local_exponents(runs)
    key = [name for name in ("schedule", "seed") if name in exponents.columns]
    most = exponents.sort("exponent", "n_params").group_by(key, maintain_order=True).last()
    return most.select(*key, "n_params", "exponent").sort("exponent", *key)


def numbers(found: Study, shape: Shapes) -> dict[str, str]:
    """Write what the text of the page quotes.

    Parameters
    ----------
    found : Study
    shape : Shapes
        Of its runs.

    Returns
    -------
    dict of str to str
    """
    steep = local_exponents(found.runs).group_by("task", "seed").agg(pl.max("exponent"))
    means = found.runs.group_by("task", "n_params").agg(pl.col("loss").log().mean().exp())
    of_mean = local_exponents(means).group_by("task").agg(pl.max("exponent"))
    values = {}
    for task, name in ((PRODUCTS, "products"), (SUMS, "sums")):
        values[f"steepest-{name}"] = f"{steep.filter(task=task)['exponent'].mean():.1f}"
        values[f"mean-{name}"] = f"{of_mean.filter(task=task)['exponent'].item():.1f}"
        values[f"shape-{name}"] = shape.loss[task].verdict
    values["by-loss"] = shape.by_loss.verdict
    values["threshold"] = f"{shape.threshold:.2f} nats (95 % interval {shape.interval:.2f})"
    halves = half_size(found.tried).group_by("schedule").agg(pl.mean("half_size")).drop_nulls()
    by_run = steepest(found.tried)
    n_schedules = by_run["schedule"].n_unique()
    text = "This profile trains under one schedule."
    if n_schedules > 1 and halves.height > 1:
        moved = halves["half_size"].max() / halves["half_size"].min()
        text = (
            f"Of {n_schedules} schedules {halves.height} answer half of the problems right"
            f" within these sizes, at sizes that differ by a factor of {moved:.1f}; the smallest of"
            f" the steepest exponents of single runs is {by_run['exponent'][0]:.1f}"
            f" ({by_run['schedule'][0]})."
        )
    return values | {"schedules": text, "places": _places(steepest(found.runs.filter(task=SUMS)))}


def _places(by_run: pl.DataFrame) -> str:
    """Say how many runs fall steeply, and between which sizes."""
    n, steep = by_run.height, by_run.filter(pl.col("exponent") > STEEP)
    if n == 1:
        return (
            f"With the one seed of this profile the loss of sums falls most steeply, exponent"
            f" {by_run['exponent'][0]:.1f}, at about {_size(by_run['n_params'][0])} parameters; one"
            " seed cannot say whether others fall there, too."
        )
    places = [_size(size) for size in steep["n_params"].sort()]
    listed = f": at about {', '.join(places)} parameters, a number for each seed" if places else ""
    return (
        f"With {steep.height} of {n} seeds the loss of sums has an exponent above {STEEP} between"
        f" two neighbouring sizes{listed}."
    )


def _size(n_params: float) -> str:
    return f"{n_params / 1000:.0f} thousand"
