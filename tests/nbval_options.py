"""Print nbval's options: how much of a stored claims table must be met on this processor.

A network trained on another kind of processor has other last digits: the share right of one LeNet
was .7746, .7747 and .7750 with three sets of instructions. So the numbers are compared where they
were stored, and everywhere which claims there are and what became of each.
"""

from pathlib import Path

import llvmlite.binding

STORED_ON = "znver3"  # 'make notebooks' on another processor: write its name here
VERDICTS_ONLY = Path(__file__).with_name("nbval.cfg")


def options(processor: str) -> list[str]:
    others = [] if processor == STORED_ON else ["--nbval-sanitize-with", str(VERDICTS_ONLY)]
    patience = ["--nbval-kernel-startup-timeout", "600"]  # seconds, for a busy machine
    return ["--nbval-lax", *patience, *others]


if __name__ == "__main__":
    print(*options(llvmlite.binding.get_host_cpu_name()))
