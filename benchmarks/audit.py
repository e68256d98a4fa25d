"""`mirage audit` on a table of 1 000 curves of 8 models, with all tests, intervals and plans.

500 abilities under two metrics each: exact match of 1 to 8 tokens on 500 items, and token accuracy
with its standard error. A fifth of them jump. The same again finds the tests remembered. Other work
on the machine counts in the time by the clock, but hardly in the processor time, which is stated as
if two cores shared it.
"""

from __future__ import annotations

import tempfile
from time import perf_counter, process_time

import numpy as np
import polars as pl
from scipy.special import expit

from mirage.audit import audit

N_ABILITIES, N_MODELS, N_ITEMS = 500, 8, 500
TARGET = 60  # seconds on two cores
CORES = 2


def table(rng: np.random.Generator) -> pl.DataFrame:
    """Scores of abilities that differ in length, level, slope and jump."""
    sizes = np.geomspace(1e8, 1e11, N_MODELS)
    t = np.log10(sizes / 1e8)
    frames = []
    for i in range(N_ABILITIES):
        jump = 1.5 * (np.arange(N_MODELS) > rng.integers(2, 6)) * (i % 5 == 0)
        p = expit(rng.uniform(-2, 1) + rng.uniform(0.2, 1.2) * t + jump)
        p = expit(np.log(p / (1 - p)) + 0.1 * rng.standard_normal(N_MODELS))
        exact = rng.binomial(N_ITEMS, p ** rng.integers(1, 9)) / N_ITEMS
        for metric, score, error in (
            ("exact match", exact, None),
            ("token accuracy", p, np.sqrt(p * (1 - p) / N_ITEMS)),
        ):
            frames.append(
                pl.DataFrame(
                    {
                        "family": "toy",
                        "model": [f"m{j}" for j in range(N_MODELS)],
                        "n_params": sizes.astype(int),
                        "task": f"task {i}",
                        "metric": metric,
                        "score": score,
                        "n_items": N_ITEMS,
                        "stderr": pl.Series(error, dtype=pl.Float64)
                        if error is not None
                        else pl.Series([None] * N_MODELS, dtype=pl.Float64),
                        "chance": 0.0,
                        "source": "simulated",
                    }
                )
            )
    return pl.concat(frames)


def run() -> list[dict]:
    """Audit the table without and with remembered tests, and write the report."""
    scores = table(np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as cache:
        found, clock, cpu = _timed(lambda: audit(scores, cache=cache))
        _, again, _ = _timed(lambda: audit(scores, cache=cache))
    page, writing, _ = _timed(found.html)
    print(found.summary)
    name = f"audit: {2 * N_ABILITIES:,} curves × {N_MODELS} models"
    return [
        _row(f"{name}, by the clock", clock, "s", TARGET),
        _row(f"{name}, processor time / {CORES}", cpu / CORES, "s", TARGET),
        _row(f"{name}, remembered", again, "s", None),
        _row("audit: report of 500 abilities", len(page.encode()) / 2**20, "MiB", 3),
        _row("audit: report of 500 abilities, made in", writing, "s", None),
    ]


def _timed(work):
    clock, cpu = perf_counter(), process_time()
    result = work()
    return result, perf_counter() - clock, process_time() - cpu


def _row(name: str, value: float, unit: str, most: float | None) -> dict:
    return {
        "benchmark": name,
        "value": float(value),
        "unit": unit,
        "baseline": "",
        "ratio": None,
        "target": f"at most {most} {unit}" if most else "",
        "met": None if most is None else bool(value <= most),
    }
