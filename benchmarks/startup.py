"""Start-up: ``import mirage`` and ``mirage --help`` against an empty interpreter."""

import subprocess
import sys
from pathlib import Path

from benchmarks import fastest

TARGET = 0.4  # seconds


def run() -> list[dict]:
    """Time each in fresh processes, the fastest of five; return two rows."""
    empty = _seconds(sys.executable, "-c", "pass")
    help_ = _seconds(str(Path(sys.executable).with_name("mirage")), "--help")
    import_ = _seconds(sys.executable, "-c", "import mirage")
    return [
        {
            "benchmark": name,
            "value": seconds,
            "unit": "s",
            "baseline": f"python -c pass, {empty:.3f} s",
            "ratio": seconds / empty,
            "target": f"at most {TARGET} s",
            "met": seconds <= TARGET,
        }
        for name, seconds in (("import mirage", import_), ("mirage --help", help_))
    ]


def _seconds(*command: str) -> float:
    return fastest(lambda: subprocess.run(command, check=True, capture_output=True), repeats=5)[0]
