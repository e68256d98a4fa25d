"""What the emergence score cannot do: the claims and the remedies.

The score is the paper's (Section 4) and BIG-bench's *breakthroughness*. All questions are ours;
`mirage.pages.limits_of_the_score_simulation` computes the faults.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Below, Exceeds
from mirage.emergence.judge import table as emergence_table
from mirage.emergence.scores import emergence_score
from mirage.fits.comparison import compare_curves
from mirage.fits.data import checked
from mirage.pages import published
from mirage.pages.limits_of_the_score_simulation import (
    HIGH,
    JUMP,
    LOW,
    METRICS,
    N_MODELS,
    Estimate,
    sizes,
    smooth_curves,
)
from mirage.statistics.bootstrap import draw_accuracies, leave_one_out
from mirage.statistics.intervals import wilson_interval
from mirage.theory import tokens

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="limits-grids",
        kind=Kind.OURS,
        place="Section 4 ranks abilities by the score, whichever sizes were trained",
        statement="The emergence score of accuracy (5 tokens, the paper's model) exceeds that of"
        " −token edit distance on every grid of 4 to 40 log-spaced sizes: smallest ratio.",
        rule=Exceeds(1),
    ),
    Claim(
        id="limits-items",
        kind=Kind.OURS,
        place="Section 4 compares tasks with different numbers of items",
        statement="The score of one and the same jump depends little on the number of items:"
        " median score with 10 000 items over that with 100.",
        rule=Below(2),
    ),
    Claim(
        id="limits-finite",
        kind=Kind.OURS,
        place="Section 4 gives a score to every task",
        statement="The score is rarely infinite: share of the BIG-bench tasks of BIG-G whose"
        " median step is zero.",
        rule=Below(0.05),
    ),
    Claim(
        id="limits-chance",
        kind=Kind.OURS,
        place="Section 4 takes a large score for emergence",
        statement="Of 100 smooth curves with 12 models and 50 items, 99 score no more than twice a"
        " straight line: 99 % quantile of the score, over the straight line's.",
        rule=Below(2),
    ),
    Claim(
        id="limits-separates",
        kind=Kind.OURS,
        place="Section 4 takes a large score for emergence",
        statement="Some threshold on the score separates jumps from smooth curves of the same rise"
        " (12 models, 100 items): area under the ROC curve.",
        rule=Exceeds(0.9),
    ),
)

TWICE = 2 * (N_MODELS - 1)  # the score of a straight line, doubled
RULES = {
    f"score > {TWICE}": pl.col("emergence_score") > TWICE,
    "score, q ≤ .05": pl.col("q_value") <= 0.05,
    "fit with a jump": pl.col("fit").is_in(["broken", "step"]),
}


def findings(
    grids: pl.DataFrame, growth: Estimate, tasks: pl.DataFrame | str, tail: Estimate, area: Estimate
) -> dict[str, Found | str]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    grids : polars.DataFrame
        As `by_grid` of the simulations returns it.
    growth, tail, area : Estimate
        Of `growth`, `chance_tail` and `separation` there.
    tasks : polars.DataFrame or str
        Of `of_tasks` there, or why there are no tasks.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    wide = grids.filter(sizes="log-spaced").pivot(on="metric", index="n_sizes", values="score")
    ratio = wide[METRICS[0]] / wide[METRICS[1]]
    found: dict[str, Found | str] = {
        "limits-grids": Found(float(ratio.min()), n=len(ratio), n_of="sets of sizes"),
        "limits-finite": tasks if isinstance(tasks, str) else _finite(tasks),
    }
    simulated = {"limits-items": growth, "limits-chance": tail, "limits-separates": area}
    for name, estimate in simulated.items():
        found[name] = Found(estimate.value, estimate.interval, estimate.n_draws, "draws")
    return found


def _finite(tasks: pl.DataFrame) -> Found:
    k, n = int(tasks["score"].is_infinite().sum()), tasks.height
    return Found(k / n, tuple(map(float, wilson_interval(k, n))), n, "tasks")


def flagged(n_curves: int, n_draws: int, rng: np.random.Generator) -> pl.DataFrame:
    """Count the curves that each of three rules calls a jump, among simulated ones.

    Parameters
    ----------
    n_curves : int
        Curves of 100 items; one in ten is a jump, the others smooth curves of the same rise.
    n_draws : int
        Draws of each curve's null.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    polars.DataFrame
        Columns ``truth`` ("jump" or "smooth"), ``n_curves``, and one count for each of ``RULES``.
    """
    smooth, is_jump = smooth_curves(), np.arange(n_curves) % 10 == 0
    constant = {"family": "toy", "metric": "accuracy", "n_items": 100, "source": "simulation"}
    rows = []
    for i, sharp in enumerate(is_jump):
        draws = draw_accuracies(JUMP if sharp else smooth[i % len(smooth)], 100, 1, rng)[0]
        for n, y in zip(sizes(), draws.tolist(), strict=True):
            model = {"model": f"{n:.3g}", "n_params": int(n), "score": y}
            rows.append(constant | model | {"task": f"{i}"})
    judged = emergence_table(rows, rng, n_draws=n_draws).with_columns(
        truth=pl.Series(np.where(is_jump, "jump", "smooth"))
    )
    counts = [rule.sum().alias(name) for name, rule in RULES.items()]
    return judged.group_by("truth").agg(pl.len().alias("n_curves"), *counts).sort("truth")


def verdict_shares(counts: Sequence[int], n_fits: int, rng: np.random.Generator) -> pl.DataFrame:
    """How often a comparison of fits names a smooth curve and a jump rightly, 200 items.

    Parameters
    ----------
    counts : sequence of int
        Numbers of log-spaced sizes.
    n_fits : int
        Test sets for each.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    polars.DataFrame
        Columns ``truth``, ``n_sizes``, and in [0, 1] the ``share`` of right verdicts and that of
        "not identifiable", ``open``.
    """
    right, rows = {"smooth": ["smooth"], "jump": ["broken", "step"]}, []
    for n in counts:
        grid = sizes(n)
        middle = np.sqrt(grid[0] * grid[-1])
        curves = {
            "smooth": tokens.token_probability(grid) ** 3,
            "jump": np.where(grid < middle, LOW, HIGH),
        }
        for truth, y in curves.items():
            draws = draw_accuracies(y, 200, n_fits, rng)
            drawn = [checked(grid, draw, 200, None, "size", None) for draw in draws]
            said = [found.verdict for found, _ in compare_curves(drawn)]
            shares = {
                "share": float(np.isin(said, right[truth]).mean()),
                "open": said.count("not identifiable") / len(said),
            }
            rows.append({"truth": truth, "n_sizes": n} | shares)
    return pl.DataFrame(rows)


def rank(found: Estimate) -> str:
    """Say how the score ranks jumps beside smooth curves, from its area under the ROC curve.

    Examples
    --------
    >>> rank(Estimate(0.24, (0.2, 0.3), 100)), rank(Estimate(0.5, (0.4, 0.6), 100))
    ('below', 'no differently from')
    """
    low, high = found.interval
    return "below" if high < 0.5 else "above" if low > 0.5 else "no differently from"


def left_out() -> pl.DataFrame:
    """Score of each published curve of Figure 3 (temperature 0), and its range without a model.

    Returns
    -------
    polars.DataFrame
        Columns ``curve`` ("×4": products with answers of 4 digits), ``metric``, ``score``, and
        ``low`` and ``high``, the range of the score when one of the four models is left out.
    """
    names = {"accuracy": METRICS[0], "neg_token_edit_distance": METRICS[1]}
    rows = []
    for kind, sign in (("multiplication", "×"), ("addition", "+")):
        for name, metric in names.items():
            for curve in published.load("fig3")[f"{kind}_{name}"]:
                if curve["temperature"] == 0:
                    without = emergence_score(leave_one_out(curve["y"]))
                    ends = {"low": float(without.min()), "high": float(without.max())}
                    row = {"curve": f"{sign}{curve['target_len']}", "metric": metric}
                    rows.append(row | {"score": float(emergence_score(curve["y"]))} | ends)
    return pl.DataFrame(rows)
