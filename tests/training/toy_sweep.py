"""A sweep that costs nothing, in a module of its own so that worker processes can import it.

Each evaluation leaves a file ``NUMBER-RANDOM`` in ``Data.marks``: so many evaluations there were.
"""

import os
import signal
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from mirage.training import sweep


@dataclass(frozen=True)
class Config:
    number: int
    fault: str = ""  # what goes wrong: see `evaluate`


@dataclass(frozen=True)
class Data:
    digest: str
    marks: Path
    ballast: bytes = b""  # makes a task larger than a pipe holds

    def counts(self) -> dict[int, int]:
        """Number of evaluations of each configuration."""
        numbers = [int(path.name.split("-")[0]) for path in self.marks.glob("*-*")]
        return {number: numbers.count(number) for number in sorted(set(numbers))}


def evaluate(config: Config, data: Data) -> list[dict]:
    (data.marks / f"{config.number}-{uuid.uuid4().hex}").touch()
    while config.fault == "wait" and not (data.marks / "go").exists():
        time.sleep(0.01)
    if config.fault == "raise":
        raise ValueError(f"number {config.number} is bad")
    killed = (data.marks / "killed").exists()
    if config.fault == "kill all" or (config.fault == "kill" and not killed):
        (data.marks / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)  # what the kernel does when memory runs out
    common = {"family": "toy", "n_params": config.number + 1, "task": "toy", "source": "test"}
    common |= {"model": f"toy {config.number}", "metric": "accuracy", "seed": config.number}
    return [common | {"score": float("nan") if config.fault == "nan" else score(config.number)}]


def score(number: int) -> float:
    """The one score; it is infinite for number 3, as a log-probability may be."""
    return -float("inf") if number == 3 else number / 7  # a seventh takes all 17 digits


def run(configs, data: Data, cache: Path, **options):
    return sweep.run(evaluate, configs, data, "toy", cache=cache, **options)


if __name__ == "__main__":  # python -m toy_sweep MARKS CACHE N N_WAITING
    marks, cache, n, n_waiting = sys.argv[1:]
    # What a shell starts with "&" ignores SIGINT, and so would all below it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import toy_sweep  # under its own name: the source of __main__ cannot be hashed

    faults = ["wait" if i >= int(n) - int(n_waiting) else "" for i in range(int(n))]
    configs = [toy_sweep.Config(i, fault) for i, fault in enumerate(faults)]
    data = toy_sweep.Data("digest", Path(marks), bytes(300_000))
    table = toy_sweep.run(configs, data, Path(cache), jobs=2)
    sys.stdout.write(table.write_csv())
