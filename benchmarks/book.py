"""The whole book: quick profile from an empty cache, and Figure 11 in the paper profile.

The baseline of each is its target. Peak memory is that of the largest process times the number of
workers, plus the parent: an upper bound.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

MIRAGE = str(Path(sys.executable).with_name("mirage"))


def run() -> list[dict]:
    """Run both with an empty cache; return a row each for time, and one for memory."""
    rows = []
    cases = [
        ("quick book: run and build", 240, [["run", "--force"], ["book"]]),
        ("Figure 11, paper profile", 600, [["run", "figure-11", "--force", "--profile", "paper"]]),
    ]
    for name, target, commands in cases:
        with tempfile.TemporaryDirectory() as cache:
            start = perf_counter()
            for command in commands:
                environment = {**os.environ, "MIRAGE_CACHE": cache}
                subprocess.run([MIRAGE, *command], check=True, env=environment)
            seconds = perf_counter() - start
        rows.append(_row(name, seconds, "s", target))
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    n_processes = len(os.sched_getaffinity(0)) + 1
    rows.append(_row("peak memory, upper bound", largest * n_processes, "GiB", 3))
    return rows


def _row(name: str, value: float, unit: str, target: float) -> dict:
    return {
        "benchmark": name,
        "value": value,
        "unit": unit,
        "baseline": f"its target, {target} {unit}",
        "ratio": value / target,
        "target": f"at most {target} {unit}",
        "met": value <= target,
    }
