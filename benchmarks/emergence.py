"""The statistics of emergence against the loops that a user would write.

- *Scores:* the emergence score of 100 000 curves of 12 sizes in one call; the baseline takes the
  paper's definition, in NumPy, one curve after the other. Both must give the same scores.
- *Table:* `mirage.emergence.table` of the same curves without draws: rows checked and sorted, five
  scores, and the first again without each model. The baseline goes through the groups and takes
  the three simplest of these scores, and the first without each model: less than the table holds.
- *Bootstrap:* 1 000 paired resamples of 85 tasks, 12 models, 205 items (the BIG-G tasks at their
  largest); the baseline draws the items of a resample and averages them, model by model.
- *Null:* 10 000 test sets for each of 1 000 curves, drawn and scored; the baseline draws and
  scores a test set at a time.

The baselines are timed on a sample, per unit of work: the table by the clock, for polars has
threads of its own; the others in processor time, which others on the machine disturb less.
Memory is the peak of NumPy's arrays during bootstrap and null.
"""

import tracemalloc
from functools import partial
from time import process_time

import numpy as np
import polars as pl

from benchmarks import fastest
from mirage import emergence
from mirage.emergence.nulls import null_scores
from mirage.statistics.bootstrap import item_bootstrap

N_CURVES, N_MODELS = 100_000, 12
TASKS, N_ITEMS, N_RESAMPLES = 85, 205, 1_000
N_NULL_CURVES, N_DRAWS = 1_000, 10_000
N_SAMPLE = {
    "scores": 5_000,
    "table": 500,
    "bootstrap": 5,
    "null": 20,
}  # 0.1 to 0.5 s of each baseline

_cpu = partial(fastest, clock=process_time)


def run() -> list[dict]:
    """Time all four in this process; return a row each, and one for memory."""
    rng = np.random.default_rng(0)
    rows = [*_scores(rng)]
    tracemalloc.start()
    try:
        rows += [_bootstrap(rng), _null(rng)]
        peak = tracemalloc.get_traced_memory()[1] / 2**30
    finally:
        tracemalloc.stop()
    memory = _row("emergence: bootstrap and null, peak memory", peak, "GiB", "–", None, 2)
    return [*rows, memory | {"target": "at most 2 GiB"}]


def _scores(rng):
    counts = rng.binomial(205, np.linspace(0.1, 0.6, N_MODELS), (N_CURVES, N_MODELS))
    y = counts / 205
    fast, scores = _cpu(lambda: emergence.emergence_score(y))
    sample = N_SAMPLE["scores"]
    slow, expected = _cpu(lambda: [_by_definition(curve) for curve in y[:sample]])
    if not np.allclose(scores[:sample], expected):
        raise RuntimeError("the two ways disagree: the benchmark compares different quantities")
    loop = slow * N_CURVES / sample
    table = pl.DataFrame(
        {
            "family": "benchmark",
            "model": np.tile([f"m{i}" for i in range(N_MODELS)], N_CURVES),
            "n_params": np.tile(2 ** np.arange(20, 20 + N_MODELS), N_CURVES),
            "task": np.repeat(np.arange(N_CURVES), N_MODELS).astype(str),
            "metric": "accuracy",
            "score": y.ravel(),
            "n_items": 205,
            "source": "benchmark",
        }
    )
    whole, found = fastest(lambda: emergence.table(table, n_draws=0))
    few = table.head(N_SAMPLE["table"] * N_MODELS)
    part, expected = fastest(
        lambda: [_judge(rows) for _, rows in few.group_by("task", maintain_order=True)]
    )
    columns = "emergence_score", "normalized_emergence_score", "linearity"
    columns = *columns, "leave_one_out_low", "leave_one_out_high"
    if not np.allclose(found.select(columns).head(len(expected)), expected):
        raise RuntimeError("the two ways disagree: the benchmark compares different quantities")
    groups = part * N_CURVES / N_SAMPLE["table"]
    baseline = f"NumPy, curve by curve, {loop:.1f} s"
    by_group = f"polars group by group, NumPy, {groups:.0f} s"
    return [
        _row("emergence score, 100 000 curves × 12", fast, "s", baseline, loop / fast, 1, 50),
        _row("emergence table of them, without draws", whole, "s", by_group, groups / whole, 1, 50),
    ]


def _bootstrap(rng) -> dict:
    correct = rng.random((TASKS, N_MODELS, N_ITEMS)) < 0.4
    fast, means = _cpu(lambda: item_bootstrap(correct, N_RESAMPLES, rng))
    sample = N_SAMPLE["bootstrap"]
    slow, some = _cpu(lambda: [_resample(correct, rng) for _ in range(sample)])
    for draws in (means, np.array(some)):  # five standard errors of a mean over tasks and models
        if abs(draws.mean() - correct.mean()) > 5 * 0.5 / np.sqrt(N_ITEMS * TASKS * len(draws)):
            raise RuntimeError("the bootstrap has another mean than the items")
    loop = slow * N_RESAMPLES / sample
    baseline = f"resample, task, model one by one, {loop:.1f} s"
    name = "paired item bootstrap, 1 000 × 85 × 12 × 205"
    return _row(name, fast, "s", baseline, loop / fast, 5, 50)


def _null(rng) -> dict:
    p = np.sort(rng.random((N_NULL_CURVES, N_MODELS)))
    fast, null = _cpu(lambda: null_scores(p, 205, N_DRAWS, rng), repeats=1)
    sample = N_SAMPLE["null"]
    slow, some = _cpu(lambda: [[_by_definition(_draw(c, rng)) for c in p] for _ in range(sample)])
    medians = np.median(null), np.median(some)
    if not np.isclose(*medians, rtol=0.05):
        raise RuntimeError(f"the two nulls have medians {medians}")
    loop = slow * N_DRAWS / sample
    baseline = f"a test set at a time, {loop:.0f} s"
    return _row("null, 10 000 draws of 1 000 curves", fast, "s", baseline, loop / fast, 60)


def _row(benchmark, value, unit, baseline, ratio, at_most, at_least=0) -> dict:
    target = f"at most {at_most} s" if at_most else ""
    return {
        "benchmark": benchmark,
        "value": float(value),
        "unit": unit,
        "baseline": baseline,
        "ratio": ratio,
        "target": f"{target} and at least {at_least}×" if at_least else target,
        "met": value <= at_most and (ratio or 0) >= at_least if at_most else None,
    }


def _by_definition(y):
    sign = np.sign(int(np.argmax(y)) - int(np.argmin(y)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return sign * (np.max(y) - np.min(y)) / np.sqrt(np.median(np.diff(y) ** 2))


def _judge(rows):
    y = rows.sort("n_params")["score"].to_numpy()
    score, others = _by_definition(y), [_by_definition(np.delete(y, i)) for i in range(len(y))]
    linearity = np.sign(score) * (np.max(y) - np.min(y)) / np.sqrt(np.mean(np.diff(y) ** 2))
    return score, score / (len(y) - 1), linearity, min(others), max(others)


def _resample(correct, rng):
    means = np.empty(correct.shape[:2])
    for task, models in enumerate(correct):
        chosen = rng.integers(N_ITEMS, size=N_ITEMS)
        for model, answers in enumerate(models):
            means[task, model] = answers[chosen].mean()
    return means


def _draw(p, rng):
    return rng.binomial(N_ITEMS, p) / N_ITEMS
