"""Running notebooks: each on its own, again only when something changed, never half."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from mirage import cli
from mirage.book import build
from mirage.book import run as runner
from mirage.book.run import Result, data_of_run, data_used, notebooks, parse_parameters, runs_folder
from mirage.files import MirageError

PARAMETERS = (
    'profile: str = "quick"  # or paper\nn_seeds: int = 3\nrate: float = 0.5\nfast: bool = True'
)
SOURCES = {
    # Each leaves a mark, so that the number of executions can be counted.
    "figure-1-good": "open('marks', 'a').write(f'good {profile} {n_seeds}\\n');",
    "figure-2-bad": "open('marks', 'a').write('bad\\n')\nraise ValueError('two\\nlines')",
    "figure-10-last": "open('marks', 'a').write('last\\n');",
}


def write(folder: Path, name: str, source: str) -> None:
    first = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    cells = [first, nbformat.v4.new_code_cell(source)]
    python = {"name": "python3", "display_name": "Python", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": python})
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A clone with three notebooks and a package of one file."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "mirage").mkdir()
    (tmp_path / "mirage" / "metric.py").write_text("x = 1\n")
    for name, source in SOURCES.items():
        write(tmp_path / "notebooks", name, source)
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def mirage(monkeypatch, capsys):
    """Run the command line in this process; return exit code, standard output and error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mirage", *arguments])
        monkeypatch.delenv("MIRAGE_DEBUG", raising=False)
        for name in ("MIRAGE_JOBS", "MIRAGE_BACKEND"):  # the command sets them
            monkeypatch.setenv(name, "")
        monkeypatch.setenv("COLUMNS", "200")  # typer frames its errors to the terminal's width
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return run


def marks(root: Path) -> list[str]:
    path = root / "marks"
    return path.read_text().splitlines() if path.exists() else []


def run(root: Path, *figures: str, profile="quick", **options) -> dict[str, Result]:
    events = runner.run(notebooks(figures), profile, **options)
    return {name: event for name, event in events if isinstance(event, Result)}


def runs(root: Path, profile: str = "quick") -> set[str]:
    """Names of the notebooks that lie in the folder of a profile, without their `.ipynb`."""
    return {p.name.removesuffix(".ipynb") for p in runs_folder(profile).glob("*.ipynb")}


def test_notebooks_in_the_order_of_their_numbers(root):
    assert [path.stem for path in notebooks()] == list(SOURCES)
    assert [path.stem for path in notebooks(["figure-10", "figure-1"])] == [
        "figure-1-good",
        "figure-10-last",
    ]


def test_failing_notebook_does_not_hide_the_others(root, mirage):
    code, out, err = mirage("run")
    assert code == 1
    assert marks(root) == ["good quick 3", "bad", "last"]
    assert "ValueError: two (see " in err.replace("\n", " ")
    assert "mirage: error: 1 of 3 notebooks failed, see above" in err
    assert "Traceback" not in out + err
    assert runs(root) == {"figure-1-good", "figure-2-bad.failed", "figure-10-last"}
    # Only the failed one runs again; mended, its failure is forgotten.
    write(root / "notebooks", "figure-2-bad", "open('marks', 'a').write('mended\\n');")
    code, _, err = mirage("run")
    assert code == 0, err
    assert marks(root)[3:] == ["mended"]
    assert runs(root) == set(SOURCES)
    assert err.count("unchanged") == 2


def test_what_changed_runs_again(root):
    def again(**options) -> bool:
        before = len(marks(root))
        result = run(root, "figure-1", **options)["figure-1-good"]
        assert not result.error
        ran = len(marks(root)) > before
        assert ran == (result.seconds > 0)
        return ran

    assert again()
    assert not again()
    assert again(force=True)
    (root / "mirage" / "metric.py").write_text("x = 2\n")
    assert again(), "the package's source"
    write(root / "notebooks", "figure-1-good", SOURCES["figure-1-good"] + "  # new")
    assert again(), "the notebook's source"
    assert again(profile="paper"), "another profile"
    assert not again(), "which has a folder of its own"
    (runs_folder("quick") / "figure-1-good.ipynb").unlink()
    assert again(), "a lost result"


def test_other_parameters_stay_out_of_the_book(root, mirage):
    code, _, err = mirage("run", "figure-1", "-p", "n_seeds=7", "--profile", "paper")
    assert code == 0, err
    assert marks(root) == ["good paper 7"]
    assert runs(root, "custom") == {"figure-1-good"}
    assert runs(root, "paper") == set()
    code, _, err = mirage("book", "--profile", "paper")
    assert code == 1
    assert "not run yet: figure-1-good" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["figure-3"], ["'figure-3'", "figure-1-good, figure-2-bad, figure-10-last"]),
        (["igure-1"], ["'igure-1'", "figure-1-good"]),
        (["figure-1", "-p", "n_sedes=3"], ["'n_sedes'", "n_seeds, rate, fast"]),
        (["figure-1", "-p", "profile=paper"], ["'profile'"]),
        (["figure-1", "-p", "n_seeds=many"], ["'many', expected int"]),
        (["figure-1", "-p", "n_seeds=1.5"], ["'1.5', expected int"]),
        (["figure-1", "-p", "rate=fast"], ["'fast', expected float"]),
        (["figure-1", "-p", "fast=yes"], ["'yes', expected bool"]),
        (["figure-1", "-p", "n_seeds"], ["'n_seeds', expected NAME=VALUE"]),
        (["--profile", "slow"], ["'slow'", "'quick', 'paper'"]),
        (["--backend", "cloud"], ["'cloud'", "'local', 'dask', 'ray'"]),
        (["--jobs", "0"], ["Invalid value for '--jobs'"]),
    ],
    ids=lambda value: " ".join(value) if value[0].startswith(("-", "figure")) else "",
)
def test_unknown_names_and_values_exit_with_2(root, mirage, arguments, said):
    code, _, err = mirage("run", *arguments)
    assert code == 2
    for text in said:
        assert text in " ".join(err.replace("│", " ").split())
    assert marks(root) == []


def test_parameters_have_the_notebooks_types(root):
    assignments = ["n_seeds=7", "rate=1", "fast=False"]
    found = parse_parameters(notebooks(["figure-1"]), assignments)
    assert found == {"n_seeds": 7, "rate": 1.0, "fast": False}
    assert [type(value) for value in found.values()] == [int, float, bool]
    assert parse_parameters(notebooks(), []) == {}


def test_no_clone_is_one_clear_error(root, mirage):
    for path in notebooks():
        path.unlink()
    code, _, err = mirage("run")
    assert code == 1
    assert "run from a clone of the book" in err


def test_killed_run_leaves_no_half_notebook(root):
    waits = "import time, os\nopen('marks', 'a').write('began\\n');"
    waits += "\nwhile not os.path.exists('go'): time.sleep(0.05)"
    write(root / "notebooks", "figure-1-good", waits)
    command = (
        "from pathlib import Path; from mirage import cli; from mirage.book import run; "
        f"run.ROOT = Path({str(root)!r})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", f"{command}; cli.main()", "run", "figure-1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that the kernel can be killed with it
    )
    end = time.monotonic() + 60
    while marks(root) != ["began"]:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert "figure-1-good" not in runs(root)
    with pytest.raises(MirageError, match="not run yet: figure-1-good"):
        build.build("quick")
    (root / "go").touch()
    assert not run(root, "figure-1")["figure-1-good"].error
    assert marks(root) == ["began", "began"]
    assert runs(root) == {"figure-1-good"}, "and no litter of the killed run"


def test_kernel_that_dies_is_that_notebooks_failure(root):
    write(root / "notebooks", "figure-2-bad", "import os; os._exit(1)")
    results = run(root, "figure-2", "figure-10")
    assert "DeadKernelError" in results["figure-2-bad"].error
    assert "\n" not in results["figure-2-bad"].error
    assert not results["figure-10-last"].error


def test_steps_of_a_sweep_are_passed_on(root):
    source = "from mirage.progress import track\nwith track('toy', 1) as advance: advance('w = 1')"
    write(root / "notebooks", "figure-1-good", source)
    events = [event for _, event in runner.run(notebooks(["figure-1"]), "quick")]
    assert events[0] is None
    assert [(step.done, step.current) for step in events[1:-1]] == [(0, ""), (1, "w = 1")]
    assert isinstance(events[-1], Result)
    assert "MIRAGE_PROGRESS" not in os.environ


def test_data_are_named_where_a_notebook_loads_them(root, monkeypatch):
    monkeypatch.setenv("MIRAGE_SOURCE", "stand-in")
    write(root / "notebooks", "figure-1-good", 'data = datasets.load("mnist")')
    assert set(data_used(notebooks())) == {"mnist"}
    assert "stand-in" in data_used(notebooks(["figure-1"]))["mnist"]
    assert data_used(notebooks(["figure-2"])) == {}
    several = '[datasets.load(name) for name in ("bigg", "lm_eval", "bigbench")]'
    write(root / "notebooks", "figure-1-good", several)
    assert set(data_used(notebooks())) == {"bigg", "lm_eval"}, "left out, not replaced"


def test_book_names_the_data_of_the_run_not_of_today(root, monkeypatch):
    monkeypatch.setenv("MIRAGE_SOURCE", "stand-in")
    source = 'from mirage import datasets\ndata = datasets.load("mnist")'
    write(root / "notebooks", "figure-1-good", source)
    *_, (_, result) = runner.run(notebooks(["figure-1"]), "quick")
    assert not result.error
    monkeypatch.setenv("MIRAGE_SOURCE", "real")
    monkeypatch.setenv("MIRAGE_DATA", str(root))  # where there are none
    assert "stand-in" in data_of_run("quick")["mnist"]
