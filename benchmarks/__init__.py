"""Speed and memory, as ratios against named baselines measured in the same run.

``python -m benchmarks`` runs all of them, ``python -m benchmarks lenet`` one. Each module has a
``run()`` that returns rows: benchmark, value, unit, baseline, ratio, target, met. Times vary with
the machine and its load, ratios much less; nothing here is asserted in a test.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any


def fastest(
    compute: Callable[[], Any], repeats: int = 3, clock: Callable[[], float] = perf_counter
) -> tuple[float, Any]:
    """Seconds of the fastest call, the rest being what other processes took, and its result."""
    times = []
    for _ in range(repeats):
        start = clock()
        result = compute()
        times.append(clock() - start)
    return min(times), result


def speedup(benchmark, value, unit, baseline, ratio, target) -> dict:
    """Return the row of a benchmark whose ratio must reach a target; None: there is none."""
    return {
        "benchmark": benchmark,
        "value": float(value),
        "unit": unit,
        "baseline": baseline,
        "ratio": ratio and float(ratio),
        "target": f"at least {target:g}×" if target else "",
        "met": bool(ratio >= target) if target else None,
    }


def matmul_peak(clock: Callable[[], float] = perf_counter) -> float:
    """Operations per second of a large float32 matrix product, two for each multiply-add."""
    import torch  # not for the benchmarks that do without

    a, b = torch.randn(2, 2048, 2048)
    seconds, _ = fastest(lambda: a @ b, repeats=6, clock=clock)
    return 2 * 2048**3 / seconds
