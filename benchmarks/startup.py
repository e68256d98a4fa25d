"""Start-up: ``import mirage`` and ``mirage --help`` against an empty interpreter.

Processor time of fresh processes, which others on the machine disturb less than the clock.
"""

import os
import subprocess
import sys
from pathlib import Path

TARGETS = {"import mirage": 0.1, "mirage --help": 0.2}  # seconds


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
            "target": f"at most {TARGETS[name]} s",
            "met": seconds <= TARGETS[name],
        }
        for name, seconds in (("import mirage", import_), ("mirage --help", help_))
    ]


def _seconds(*command: str) -> float:
    found = []
    for _ in range(5):
        before = os.times()
        subprocess.run(command, check=True, capture_output=True)
        after = os.times()
        user, system = (after[i] - before[i] for i in (2, 3))  # of the children
        found.append(user + system)
    return min(found)
