"""What all tests share."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

from mirage import cli

# A machine stalls now and then, for longer than hypothesis allows an example or the drawing of
# one: no fault of the code. Time is measured in benchmarks/, never here. Under CI the examples are
# the same each time, as hypothesis' own profile has it; new ones are looked for by those who work.
settings.register_profile(
    "mirage",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mirage")


# One test runs on each core: a second thread would mostly wait, and keep the other one waiting.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The files that take longest, longest first: with two at work, none is left over for the end.
SLOW = (
    "tests/book/test_each_page.py",
    "tests/clients/test_clients.py",
    "tests/fits/test_fits.py",
    "tests/book/test_run.py",
    "tests/test_wheel.py",
    "tests/evaluation/test_evaluation_mutations.py",
    "tests/evaluation/test_evaluation_checkpoints.py",
    "tests/fits/test_fits_simulation.py",
    "tests/fits/test_batch.py",
    "tests/book/test_browser.py",
    "tests/book/test_interactive_pages.py",
)


def pytest_collection_modifyitems(config, items):
    """Have pytest-xdist give out the slow files first."""
    places = {str(config.rootpath / name): place for place, name in enumerate(SLOW)}
    assert all(map(os.path.exists, places)), "SLOW names a file that is gone"
    items.sort(key=lambda item: places.get(str(item.path), len(SLOW)))


# They hold no doctests, and as modules of one name they would hide each other.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]


@pytest.fixture(autouse=True)
def own_cache(request, tmp_path_factory, monkeypatch):
    """Keep tests from reading or filling the reader's cache of results.

    The real-data test is the exception: it takes minutes, and what is cached is addressed by the
    content of source, configuration and data. Each file has one of its own: which files share a
    worker must not decide what is cached.
    """
    if not request.node.get_closest_marker("real_data"):
        file = str(request.path.relative_to(request.config.rootpath)).replace(os.sep, "-")
        monkeypatch.setenv("MIRAGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache" / file))
    for name in ("MIRAGE_JOBS", "MIRAGE_BACKEND", "MIRAGE_PROGRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mirage(monkeypatch, capsys):
    """Run the command line in this process; return exit code, standard output and error."""

    def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mirage", *arguments])
        monkeypatch.delenv("MIRAGE_DEBUG", raising=False)
        for name in ("MIRAGE_JOBS", "MIRAGE_BACKEND"):  # the command sets them
            monkeypatch.setenv(name, "")
        monkeypatch.setenv("COLUMNS", "200")  # typer frames its errors to the terminal's width
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return run
