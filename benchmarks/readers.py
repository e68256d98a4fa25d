"""Reading BIG-bench score files: `mirage.readers.bigbench.read` against a plain loop.

1 000 files in the official format, of the size the official ones have (a composite task of 8 parts
at 4 numbers of shots, 6 metrics), written to a temporary folder. The baseline is what a user would
write: `json.load`, a list of dicts, a data frame; it checks nothing and scales nothing. Both must
give the same scores. Memory is the peak of a fresh process that reads the files.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from benchmarks import fastest
from mirage.readers import bigbench

N_FILES = 1_000  # the unit of the target
TARGET_SECONDS, TARGET_MIB = 10, 2048
_METRICS = (
    "multiple_choice_grade",
    "calibration_multiple_choice_brier_score",
    "expected_calibration_error",
    "exact_str_match",
    "bleu",
    "rougeLsum",
)
_MEMORY = """
import resource, sys
from mirage.readers import bigbench
bigbench.read(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def run() -> list[dict]:
    """Time both ways in this process; return a row on time and one on memory."""
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        fast, found = fastest(lambda: bigbench.read(folder, strict=True).scores)
        slow, expected = fastest(lambda: _plain(Path(folder)))
        child = [sys.executable, "-c", _MEMORY, folder]
        peak = subprocess.run(child, capture_output=True, encoding="utf-8", check=True).stdout
    if found["score"].to_list() != expected["score"].to_list():
        raise RuntimeError("the two ways disagree: the benchmark compares different quantities")
    mib = int(peak) / 1024  # Linux counts in KiB
    return [
        {
            "benchmark": f"reading {N_FILES:,} BIG-bench score files ({found.height:,} scores)",
            "value": fast,
            "unit": "s",
            "baseline": f"json.load and a list of dicts, {slow:.3g} s",
            "ratio": slow / fast,
            "target": f"at most {TARGET_SECONDS} s",
            "met": fast <= TARGET_SECONDS,
        },
        {
            "benchmark": "the same, peak memory",
            "value": mib,
            "unit": "MiB",
            "baseline": "–",
            "ratio": None,
            "target": f"at most {TARGET_MIB} MiB",
            "met": mib <= TARGET_MIB,
        },
    ]


def _write(folder: Path) -> None:
    """Write the files, as 20 tasks under 50 models."""
    for i in range(N_FILES):
        task, model = f"task_{i % 20}", f"{i // 20 + 1}m"
        size = (i // 20 + 1) * 10**6
        scores = [
            {
                "score_dict": {m: (i + j + k) % 97 / 97 for k, m in enumerate(_METRICS)},
                "preferred_score": _METRICS[0],
                "number_of_shots": j % 4,
                "low_score": 0.0,
                "high_score": 1.0,
                "subtask_description": f"{task}:part_{j // 4}",
            }
            for j in range(32)
        ]
        names = ("total_params", "non_embedding_params", "flop_matched_non_embedding_params")
        about = {"model_family": "toy", "model_name": model, "description": "x" * 300}
        file = {
            "scores": scores,
            "model": about | dict.fromkeys(names, size),
            "task": {"task_name": task},
        }
        target = folder / task / "results" / f"scores_toy_{model}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(file), encoding="utf-8")


def _plain(folder: Path) -> pl.DataFrame:
    rows = []
    for path in sorted(folder.rglob("scores_*.json")):
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        for entry in results["scores"]:
            for metric, score in entry["score_dict"].items():
                rows.append(
                    {
                        "family": results["model"]["model_family"],
                        "model": results["model"]["model_name"],
                        "n_params": results["model"]["flop_matched_non_embedding_params"],
                        "task": entry["subtask_description"],
                        "shots": entry["number_of_shots"],
                        "preferred": metric == entry["preferred_score"],
                        "metric": metric,
                        "score": score,
                        "source": str(path),
                    }
                )
    return pl.DataFrame(rows)
