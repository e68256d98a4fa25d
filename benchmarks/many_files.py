"""Reading 10 to 100 000 result files: what one costs, and how that grows with their number.

Files of lm-evaluation-harness with 10 tasks each, of as many models, in a temporary folder;
processor time of `mirage.readers.lm_eval.read`, and the peak memory of a fresh process. The
baseline is the cost per file of a hundredth as many: at 1×, a file costs the same whatever stands
beside it. What would break first is memory, which holds every row until the table is made.
The page *Rerun this book* shows `PLOT`, which a run draws anew.

Found on 27 November 2026 (two cores): .64 ms a file among 10 000. 50 sample files with 5 million
answers (2.1 GB; 10 models, 5 tasks) were audited in 237 s of processor time with 1.56 GiB.
"""

import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt

from benchmarks import fastest
from mirage.plots import use_style
from mirage.readers import lm_eval

PLOT = Path(__file__).resolve().parents[1] / "book" / "_static" / "many-files.svg"
COUNTS = (10, 100, 1_000, 10_000, 100_000)
TASKS = [f"task_{i}" for i in range(10)]
MEMORY = """
import resource, sys
from mirage.readers import lm_eval
lm_eval.read([sys.argv[1]])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def run() -> list[dict]:
    """Return a row for each number of files."""
    rows, cost, peaks = [], {}, {}
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), count)
            repeats = 3 if count < 1_000 else 1
            seconds, found = fastest(lambda: lm_eval.read([folder]), repeats, process_time)
            child = [sys.executable, "-c", MEMORY, folder]
            done = subprocess.run(child, capture_output=True, encoding="utf-8", check=True)
        if found.scores.height != count * len(TASKS):
            raise RuntimeError(f"{found.scores.height} scores of {count} files")
        cost[count] = seconds / count
        base = cost.get(count // 100)
        peaks[count] = int(done.stdout) / 1024  # Linux counts in KiB
        peak = f"peak memory {peaks[count]:.0f} MiB"
        before = f"{count // 100:,} files, {base * 1e3:.2f} ms each; " if base else ""
        rows.append(
            {
                "benchmark": f"reading {count:,} result files, each",
                "value": cost[count] * 1e3,
                "unit": "ms",
                "baseline": before + peak,
                "ratio": base and base / cost[count],
                "target": "at least 0.5×" if base else "",
                "met": base / cost[count] >= 0.5 if base else None,
            }
        )
    _draw(cost, peaks)
    return rows


def _draw(cost: dict[int, float], peaks: dict[int, float]) -> None:
    """Draw seconds of processor and peak memory over the number of files."""
    use_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.8))
    left.plot(list(cost), [1e3 * seconds for seconds in cost.values()], "o-")
    left.set(xscale="log", xlabel="files", ylabel="ms a file", ylim=0)
    right.plot(list(peaks), list(peaks.values()), "s-")
    right.set(
        xscale="log", yscale="log", xlabel="files", ylabel="peak memory, MiB", ylim=(50, 5000)
    )
    figure.savefig(PLOT, metadata={"Date": None, "Title": f"measured {date.today():%-d %B %Y}"})
    plt.close(figure)


def _write(folder: Path, count: int) -> None:
    for i in range(count):
        name = f"org/toy-{i}-{(i + 1) * 10}m"
        results = {
            task: {"alias": task, "acc,none": (i * 7 + j) % 100 / 100, "acc_stderr,none": 0.05}
            for j, task in enumerate(TASKS)
        }
        file = {
            "results": results,
            "n-samples": {key: {"original": 100, "effective": 100} for key in TASKS},
            "n-shot": dict.fromkeys(TASKS, 0),
            "config": {"model": "hf", "model_args": f"pretrained={name}"},
            "model_name": name,
        }
        (folder / f"results_{i}.json").write_text(json.dumps(file), encoding="utf-8")
