"""Reading 10 to 10 000 result files: what one costs, and how that grows with their number.

Files of lm-evaluation-harness with 10 tasks each, of as many models, in a temporary folder;
processor time of `mirage.readers.lm_eval.read`, and the peak memory of a fresh process. The
baseline is the cost per file of a hundredth as many: at 1×, a file costs the same whatever stands
beside it. What would break first is memory, which holds every row until the table is made.

Found on 27 November 2026 (two cores): .64 ms a file among 10 000. 50 sample files with 5 million
answers (2.1 GB; 10 models, 5 tasks) were audited in 237 s of processor time with 1.56 GiB.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

from benchmarks import fastest
from mirage.readers import lm_eval

COUNTS = (10, 100, 1_000, 10_000)
TASKS = [f"task_{i}" for i in range(10)]
MEMORY = """
import resource, sys
from mirage.readers import lm_eval
lm_eval.read([sys.argv[1]])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def run() -> list[dict]:
    """Return a row for each number of files."""
    rows, cost = [], {}
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
        peak = f"peak memory {int(done.stdout) / 1024:.0f} MiB"  # Linux counts in KiB
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
    return rows


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
