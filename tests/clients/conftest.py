"""An environment for each tool, which sees the project's packages and has its own beside them."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

HERE = Path(__file__).parent
collect_ignore_glob = ["run_*.py"]  # they run where their tool is
BUILT = HERE.parents[1] / "_build" / "clients"
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def run_tool(tmp_path_factory):
    """Return ``run_tool(name, *arguments)``: run tests/clients/run_NAME.py where NAME is."""

    def run(name: str, *arguments: object) -> None:
        python = environment(name.replace("_", "-"))
        home = tmp_path_factory.mktemp(name)
        done = subprocess.run(
            [python, HERE / f"run_{name}.py", *map(str, arguments)],
            env=os.environ | OFFLINE | {"HF_HOME": str(home), "XDG_DATA_HOME": str(home)},
            cwd=home,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]

    return run


def environment(name: str) -> Path:
    """The Python of an environment with the packages of NAME.txt; made once for each list."""
    pins = HERE / f"{name}.txt"
    shared = sysconfig.get_path("purelib")
    parts = (pins.read_bytes(), shared.encode(), sys.version.encode())
    folder = BUILT / f"{name}-{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        own = next(folder.glob("lib/python*/site-packages"))
        # Its own packages come first: theirs are older in two cases.
        (own / "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n")
        (own / "torchvision.pth").write_text("import mirage._torchvision_guard\n")
        _install(python, pins)
        (folder / "ready").touch()
    return python


def _install(python: Path, pins: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    options = ["--quiet", "--no-deps", "--no-compile", "--retries", "2"]
    done = subprocess.run(
        [*pip, "install", *options, "--requirement", pins], capture_output=True, text=True
    )
    if "No matching distribution found" in done.stderr and not os.environ.get("CI"):
        pytest.skip(f"PyPI does not answer: {pins.stem} cannot be installed here")
    assert done.returncode == 0, done.stderr
