"""Judge abilities: is it the metric, too few items, too few models, or the model?

An ability is one family, task and protocol with all its metrics. Each gets one verdict, by the
rules of `mirage.emergence.verdicts.decide`, with a sentence, its numbers, and a step that would
decide it if there is a simple one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from mirage.emergence.ability import Ability
from mirage.emergence.ability_curves import abilities
from mirage.emergence.evidence import Evidence, gather
from mirage.emergence.nulls import benjamini_hochberg
from mirage.emergence.plan import plans
from mirage.emergence.verdicts import Verdict, decide, informative, p_of_ability

SCHEMA = {
    "family": pl.String,
    "task": pl.String,
    "protocol": pl.String,
    "metric": pl.String,
    "n_models": pl.Int64,
    "verdict": pl.String,
    "sentence": pl.String,
    "p_jump": pl.Float64,
    "q_jump": pl.Float64,
    "jump_height": pl.Float64,
    "smallest_detectable_jump": pl.Float64,
    "dormant_share": pl.Float64,
    "rise_width": pl.Float64,
    "note": pl.String,
    "plan": pl.String,
}


def judge(
    scores: pl.DataFrame,
    outcomes: pl.DataFrame | None = None,
    *,
    x: str = "n_params",
    chance: float | Mapping[str, float] | None = None,
    rng: np.random.Generator | None = None,
    n_draws: int = 200,
) -> pl.DataFrame:
    """Give every ability of a score table a verdict.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table (`mirage.tables.scores`). Columns ``stderr``, ``chance``,
        ``higher_is_better`` and those of `mirage.tables.PROTOCOL` are used where they exist.
    outcomes : polars.DataFrame, optional
        An outcome table with a numeric column for each metric, under a name of
        `mirage.metrics.catalogue`: metrics are then compared on the same items.
    x : str
        Column of the scale: "n_params" or "compute".
    chance : float or mapping of task to float, optional
        Accuracy of a guess where the table states none; else it is unknown. A name that is no
        task is a pattern: ``{"mmlu_*": 0.25}``.
    rng : numpy.random.Generator, optional
        Source of all draws; by default one of a fixed seed.
    n_draws : int
        First bootstrap draws of each jump test, at least 19. A curve whose p-value lies so near
        .05 that 99 % limits of so many draws contain the level gets 2 000, and then 10 000; one
        beside .2 that may be gradual gets 2 000. If they contain it still, and the verdict hangs
        on it, the ability is undecided.

    Returns
    -------
    polars.DataFrame
        One row per family, task and protocol, in the order of their first rows:

        - ``metric``: the headline metric, which counts whole answers if there is one;
        - ``n_models``;
        - ``verdict``: one of `mirage.emergence.verdicts.VERDICTS`; null where the ability cannot
          be judged, or does not rise, and ``note`` says which; ``sentence``: why, with its numbers;
        - ``p_jump``, ``q_jump``: of a jump under every metric that could show it; ``q_jump`` over
          this table (Benjamini and Hochberg); null with fewer than 5 models;
        - ``jump_height``, ``smallest_detectable_jump``: log odds, under the metric that could
          show the smallest jump;
        - ``dormant_share``, ``rise_width``: of the headline metric, null without a rise;
        - ``note``: what is doubtful;
        - ``plan``: what would decide an undecided ability, or that nothing simple would.

    Raises
    ------
    ValueError
        If this is no score table, or an argument is out of its range.

    See Also
    --------
    mirage.emergence.table : The paper's emergence score of every single curve.
    mirage.fits.jump_test : The jump test.
    mirage.emergence.dormancy : Dormant share and rise width.

    Notes
    -----
    Averages over tasks (``is_group``) are not judged beside other tasks of their family.

    In families of 10 curves or more, models are taken to scatter at least as much about each curve
    as they do in the median over the family's curves.

    Examples
    --------
    Exact match of five tokens rises late, the token accuracy from the start.

    >>> sizes = np.geomspace(1e8, 1e11, 8)
    >>> p = np.exp(-((sizes / 2e9) ** -0.5))
    >>> table = pl.DataFrame({
    ...     "family": "toy", "model": [f"m{i}" for i in range(8)] * 2, "task": "sums",
    ...     "n_params": np.tile(sizes, 2).astype(int), "source": "example", "n_items": 500,
    ...     "metric": ["exact match"] * 8 + ["token accuracy"] * 8,
    ...     "score": np.concatenate([(p**5 * 500).round() / 500, p]),
    ...     "stderr": [None] * 8 + [0.01] * 8,
    ... })
    >>> judge(table, chance=0.0).select("metric", "n_models", "verdict").row(0)
    ('exact match', 8, 'metric')
    """
    return examine(scores, outcomes, x=x, chance=chance, rng=rng, n_draws=n_draws).verdicts


class Examined(NamedTuple):
    """Verdicts, and what they were reached from.

    Attributes
    ----------
    verdicts : polars.DataFrame
        As `judge` returns.
    evidence : tuple of Evidence or None
        What was measured of each ability, in the order of the rows; None where the ability cannot
        be judged.
    """

    verdicts: pl.DataFrame
    evidence: tuple[Evidence | None, ...]


def examine(
    scores: pl.DataFrame,
    outcomes: pl.DataFrame | None = None,
    *,
    x: str = "n_params",
    chance: float | Mapping[str, float] | None = None,
    rng: np.random.Generator | None = None,
    n_draws: int = 200,
) -> Examined:
    """Give every ability a verdict, and keep what was measured for a report.

    Parameters
    ----------
    scores, outcomes, x, chance, rng, n_draws
        As for `judge`.

    Returns
    -------
    Examined
    """
    rng = np.random.default_rng(0) if rng is None else rng
    found = abilities(scores, outcomes, x, chance)
    rows, evidence = _judged(found, rng, n_draws)
    return Examined(pl.DataFrame(rows, schema=SCHEMA).fill_nan(None), evidence)


def verdicts(
    found: list[Ability], rng: np.random.Generator, n_draws: int = 200, plan: bool = True
) -> list[dict]:
    """Judge abilities that are arrays already, with a plan for those that stay undecided.

    Parameters
    ----------
    found : list of Ability
        All abilities of a table: q-values are over them, and so is the scatter of a family.
    rng : numpy.random.Generator
        Source of all draws.
    n_draws : int
        As in `judge`.
    plan : bool
        Whether to say what would decide undecided abilities, about half of the time.

    Returns
    -------
    list of dict
        The rows of `judge`, in the same order.
    """
    return _judged(found, rng, n_draws, plan)[0]


def _judged(
    found: list[Ability], rng: np.random.Generator, n_draws: int, plan: bool = True
) -> tuple[list[dict], tuple[Evidence | None, ...]]:
    evidence = gather([ability for ability in found if ability.judged], rng, n_draws)
    p = np.array([p_of_ability(one) for one in evidence])
    q = benjamini_hochberg(p)
    decided = [decide(one, value) for one, value in zip(evidence, q, strict=True)]
    rows = [_row(*parts) for parts in zip(evidence, decided, p, q, strict=True)]
    undecided = [i for i, v in enumerate(decided) if v.verdict == "undecided" and plan]
    for i, text in zip(undecided, plans([evidence[i] for i in undecided]), strict=True):
        rows[i]["plan"] = text
    judged = iter(zip(rows, evidence, strict=True))
    pairs = [next(judged) if one.judged else (_not_judged(one), None) for one in found]
    return [row for row, _ in pairs], tuple(one for _, one in pairs)


def _row(evidence: Evidence, verdict: Verdict, p: float, q: float) -> dict:
    ability, head = evidence.ability, evidence.findings[0]
    shown = informative(evidence.findings)
    no_rise = "" if verdict.verdict else "the scores do not rise: nothing to decide"
    return {
        "family": ability.family,
        "task": ability.task,
        "protocol": ability.protocol,
        "metric": head.curve.name,
        "n_models": len(head.curve.x),
        "verdict": verdict.verdict or None,
        "sentence": verdict.sentence,
        "p_jump": float(p),
        "q_jump": float(q),
        "jump_height": shown.height,
        "smallest_detectable_jump": shown.detectable,
        "dormant_share": float(head.dormancy.share),
        "rise_width": float(head.dormancy.rise_width),
        "note": "; ".join(filter(None, (no_rise, ability.note))) or None,
        "plan": None,
    }


def _not_judged(ability: Ability) -> dict:
    blank = dict.fromkeys(SCHEMA)
    names = ("family", "task", "protocol", "note")
    return (
        blank
        | {name: getattr(ability, name) for name in names}
        | {"metric": ability.metrics[0].name}
    )
