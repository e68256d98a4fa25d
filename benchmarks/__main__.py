"""Run benchmarks and print them as a table; the exit code says nothing about speed.

``python -m benchmarks`` runs all but `LONG`; ``python -m benchmarks book decisions`` runs these.
"""

import importlib
import json
import os
import pkgutil
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

import benchmarks

LONG = {"book", "decisions"}  # half an hour each: run where they are named
RESULTS = Path(__file__).resolve().parents[1] / "_build" / "benchmarks.json"


def main(names: list[str]) -> None:
    there = [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name != "__main__"]
    if unknown := [name for name in names if name not in there]:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(there)}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    machine = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, {_cpu()}"
    table = Table("benchmark", "value", "baseline", "ratio", "target", "met", title=machine)
    rows = []
    for name in names or sorted({*there} - LONG):
        console.print(f"{name} …")
        rows += importlib.import_module(f"benchmarks.{name}").run()
    for row in rows:
        met = "–" if row["met"] is None else "yes" if row["met"] else "NO"
        ratio = f"{row['ratio']:.1f}×" if row["ratio"] else "–"
        value = f"{row['value']:.4g} {row['unit']}"
        table.add_row(row["benchmark"], value, row["baseline"], ratio, row["target"], met)
    console.print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1), encoding="utf-8")
    console.print(f"written to {RESULTS}")


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main(sys.argv[1:])
