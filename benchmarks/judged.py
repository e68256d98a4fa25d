"""Emergence tables with intervals, fits and tests, against the code before it was vectorised.

Two sizes: 128 curves with 1 000 draws, where the fits take most of the time, and 200 curves with
10 000 draws, where the draws do. The baseline is commit `BEFORE`, taken from the repository's own
history and run in a process of its own, as today's code is, in turns; both count processor time,
with one thread each. Both must prefer the same kinds of curve.

What is left of the first size is half fits, half draws of single binomials: tables begin at 5 000
draws, so that numbers printed before keep their stream.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEFORE = "435b7b1"
SIZES = {128: 1_000, 200: 10_000}  # curves: draws
REPEATS = 2

PROGRAM = """
import json, sys, time
import numpy as np, polars as pl
from mirage import emergence
n_curves, n_draws = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
y = rng.binomial(205, np.sort(rng.uniform(0.02, 0.9, (n_curves, 12)))) / 205
table = pl.DataFrame({
    "family": "benchmark", "task": np.repeat(np.arange(n_curves), 12).astype(str),
    "model": np.tile([f"m{i}" for i in range(12)], n_curves),
    "n_params": np.tile(2 ** np.arange(20, 32), n_curves), "metric": "accuracy",
    "score": y.ravel(), "n_items": 205, "source": "benchmark",
})
emergence.table(table.head(36), np.random.default_rng(0), n_draws=n_draws)
start = time.process_time()
found = emergence.table(table, np.random.default_rng(0), n_draws=n_draws)
seconds = time.process_time() - start
print(json.dumps([seconds, found["fit"].to_list(), found["p_value"].to_list()]))
"""


def run() -> list[dict]:
    """Time both sizes; return a row each."""
    with tempfile.TemporaryDirectory() as folder:
        old = _checkout(Path(folder))
        return [_row(n_curves, n_draws, old) for n_curves, n_draws in SIZES.items()]


def _checkout(folder: Path) -> Path | None:
    """The code before, or None where the history does not go back so far."""
    git = ["git", "-C", str(ROOT), "archive", BEFORE, "mirage"]
    found = subprocess.run(git, capture_output=True, check=False)
    if found.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def _row(n_curves: int, n_draws: int, old: Path | None) -> dict:
    trees = [ROOT, *([old] if old else [])]
    runs = [[_measured(tree, n_curves, n_draws) for tree in trees] for _ in range(REPEATS)]
    seconds = [min(run[i][0] for run in runs) for i in range(len(trees))]
    if old:
        (_, kinds, p), (_, expected, expected_p) = runs[0]
        same = sum(a == b for a, b in zip(kinds, expected, strict=True)) / n_curves
        apart = max(abs(a - b) for a, b in zip(p, expected_p, strict=True))
        if same < 0.97 or apart > 0.1:
            raise RuntimeError(f"{same:.0%} of kinds agree, p-values within {apart:.3f}")
    return {
        "benchmark": f"emergence table, {n_curves} curves × {n_draws} draws",
        "value": seconds[0],
        "unit": "s",
        "baseline": f"commit {BEFORE}, {seconds[1]:.1f} s" if old else "–",
        "ratio": seconds[1] / seconds[0] if old else None,
        "target": "at least 20×",
        "met": seconds[1] / seconds[0] >= 20 if old else None,
    }


def _measured(tree: Path, n_curves: int, n_draws: int) -> list:
    one = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"], "1")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(n_curves), str(n_draws)],
        env=os.environ | one | {"PYTHONPATH": str(tree)},
        cwd=tree,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return json.loads(done.stdout)
