"""Running notebooks: each on its own, again only when something changed, never half."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import nbformat
import pytest
from bs4 import BeautifulSoup

from mirage import cli, datasets
from mirage.book import build, stamp
from mirage.book import run as runner
from mirage.book.execute import DIED, STARTS
from mirage.book.run import Result, data_of_run, notebooks, parse_parameters, runs_folder
from mirage.files import DataError, MirageError

PARAMETERS = (
    'profile: str = "quick"  # or paper\nn_seeds: int = 3\nrate: float = 0.5\nfast: bool = True'
)
SOURCES = {
    # Each leaves a mark, so that the number of executions can be counted.
    "figure-1-good": (
        "if False:\n    from mirage import metric\n"
        "open('marks', 'a').write(f'good {profile} {n_seeds}\\n');"
    ),
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
    for name in ("__init__", "metric", "stranger"):
        (tmp_path / "mirage" / f"{name}.py").write_text("x = 1\n", encoding="utf-8")
    for name, source in SOURCES.items():
        write(tmp_path / "notebooks", name, source)
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def pretend(root, monkeypatch):
    """Have notebooks executed without a kernel, for tests of what surrounds it.

    Each leaves a mark, its result and, where given, the names of data that it did or did not load.
    """

    def pretend(only=(), loads=()):
        real = runner.execute

        def execute(path, files, values, folder):
            if only and path.stem not in only:
                return real(path, files, values, folder)
            with (root / "marks").open("a") as file:
                file.write(f"{path.stem} begins\n")
                time.sleep(0.05)
                file.write(f"{path.stem} ends\n")
            files.target.parent.mkdir(parents=True, exist_ok=True)
            files.target.write_bytes(path.read_bytes())
            if loads:
                files.data.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in loads))
            return 0.1

        monkeypatch.setattr(runner, "execute", execute)

    return pretend


def take_whole_package(root: Path) -> None:
    """Put the package itself in the place of the toy one."""
    shutil.rmtree(root / "mirage")
    shutil.copytree(Path(cli.__file__).parent, root / "mirage")


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
    assert sorted(marks(root)) == ["bad", "good quick 3", "last"]
    assert "figure-2-bad: FAILED, cell 2: ValueError: two (see " in err.replace("\n", " ")
    assert "mirage: error: 1 of 3 notebooks failed, see above" in err
    assert "Traceback" not in out + err
    assert runs(root) == {"figure-1-good", "figure-2-bad.failed", "figure-10-last"}
    # Only the failed one runs again; mended, its failure is forgotten.
    write(root / "notebooks", "figure-2-bad", "open('marks', 'a').write('mended\\n');")
    code, _, err = mirage("run")
    assert code == 0, err
    assert marks(root)[3:] == ["mended"]
    assert runs(root) == set(SOURCES)
    assert err.count(": unchanged") == 2


def test_what_changed_runs_again(root, pretend, monkeypatch):
    def again(**options) -> bool:
        before = len(marks(root))
        result = run(root, "figure-1", **options)["figure-1-good"]
        assert not result.error
        ran = len(marks(root)) > before
        assert ran == (result.seconds > 0)
        return ran

    executed = runs_folder("quick") / "figure-1-good.ipynb"
    metric = root / "mirage" / "metric.py"
    assert again()
    assert not again()
    pretend()  # from here on it matters whether it runs, and no more how
    assert again(force=True)
    assert not again()
    metric.write_text('"A docstring."\nx = 1  # and a comment\n', encoding="utf-8")
    assert not again(), "a comment changes no number"
    metric.write_text("x = 2\n", encoding="utf-8")
    assert again(), "the code that it imports"
    (root / "mirage" / "stranger.py").write_text("x = 2\n", encoding="utf-8")
    assert not again(), "code that it does not import"
    source = root / "notebooks" / "figure-1-good.ipynb"
    write(source.parent, source.stem, SOURCES["figure-1-good"] + "  # new")
    assert again(), "the notebook's source"
    state = source.stat()
    write(source.parent, source.stem, SOURCES["figure-1-good"] + "  # net")
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert again(), "the notebook's source within one tick of the clock"
    store_outputs(root / "notebooks" / "figure-1-good.ipynb")
    assert not again(), "outputs that are stored with it"
    assert again(profile="paper"), "another profile"
    assert not again(), "which has a folder of its own"
    executed.unlink()
    assert again(), "a lost result"
    for damage in (b"", executed.read_bytes()[:-20], b"\xff" + executed.read_bytes()):
        executed.write_bytes(damage)
        assert again(), "a damaged result"
    stamp_file = stamp.path_of(executed)
    whole = stamp_file.read_bytes()
    for damage in (b"", whole[:-5], b"\xff\xfe", b"[" * 200_000, whole.replace(b"key", b"yek")):
        stamp_file.write_bytes(damage)
        assert again(), "a damaged stamp"
    monkeypatch.setattr(stamp.code_digest, "runtime", lambda packages: {"numpy": "999"})
    assert again(), "another version of what computes"


def store_outputs(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    notebook.cells[-1].update(
        execution_count=7, outputs=[nbformat.v4.new_output("stream", text="said")]
    )
    nbformat.write(notebook, path)


def test_notebook_edited_while_it_runs_is_out_of_date(root):
    source = SOURCES["figure-1-good"] + "\nopen('mirage/metric.py', 'a').write('y = 1\\n');"
    write(root / "notebooks", "figure-1-good", source)
    assert not run(root, "figure-1")["figure-1-good"].error
    assert "figure-1-good" in runner.stale("quick")


def test_failed_run_leaves_the_earlier_page(root):
    run(root, "figure-1")
    executed = runs_folder("quick") / "figure-1-good.ipynb"
    before = executed.read_bytes()
    write(root / "notebooks", "figure-1-good", "raise ValueError('new fault')")
    assert "new fault" in run(root, "figure-1")["figure-1-good"].error
    assert executed.read_bytes() == before
    assert runner.stale("quick") == list(SOURCES)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"cells": 1}', b'{"cells": [{}]}'])
def test_notebook_that_cannot_be_read_is_its_own_failure(root, pretend, content):
    pretend(only=["figure-1-good", "figure-10-last"])
    (root / "notebooks" / "figure-2-bad.ipynb").write_bytes(content)
    results = run(root)
    assert "figure-2-bad.ipynb" in results["figure-2-bad"].error
    assert not results["figure-10-last"].error


def test_import_that_does_not_exist_is_named(root):
    write(root / "notebooks", "figure-1-good", "from mirage.absent import x")
    assert "imports mirage.absent" in run(root, "figure-1")["figure-1-good"].error


def test_two_run_side_by_side_but_never_two_that_train(root, pretend, monkeypatch):
    here = Path.cwd()
    sweep = root / "mirage" / "training" / "sweep.py"
    sweep.parent.mkdir()
    for path in (sweep, sweep.with_name("__init__.py")):
        path.touch()
    (root / "marks").touch()
    note = "open('marks', 'a').write('{0} begins\\n');\n{1}open('marks', 'a').write('{0} ends\\n');"
    # It ends as soon as the other kernel, which takes its time to start, is seen beside it.
    waits = (
        "import os, time\nend = time.monotonic() + 120\n"
        "def alone(): return 'drawing begins' not in open('marks').read()\n"
        "while alone() and time.monotonic() < end: time.sleep(0.05)\n"
    )
    trains = "if False:\n    from mirage.training import sweep\n"
    write(root / "notebooks", "figure-1-good", trains + note.format("first training", waits))
    write(root / "notebooks", "figure-2-bad", trains + note.format("second training", ""))
    write(root / "notebooks", "figure-10-last", note.format("drawing", ""))
    assert not [result.error for result in run(root).values() if result.error]
    assert Path.cwd() == here, "papermill's own way would leave this process elsewhere"
    seen = marks(root)
    ends = seen.index("first training ends")
    assert seen.index("drawing begins") < ends, "side by side"
    assert seen.index("second training begins") > ends, "one after the other"
    (root / "marks").write_text("")
    pretend()
    monkeypatch.setenv("MIRAGE_JOBS", "1")
    run(root, force=True)
    assert [line.split()[-1] for line in marks(root)] == ["begins", "ends"] * 3


def test_other_parameters_make_a_page_and_stay_out_of_the_book(root, mirage):
    clone = Path(cli.__file__).parents[1]
    shutil.copytree(clone / "book", root / "book")
    shutil.copy(clone / "_config.yml", root)
    code, out, err = mirage("run", "figure-1", "-p", "n_seeds=7", "--profile", "paper")
    assert code == 0, err
    page = runs_folder("custom") / "figure-1-good" / "notebooks" / "figure-1-good.html"
    assert f"page: {page}" in out
    assert f"notebook: {runs_folder('custom') / 'figure-1-good.ipynb'}" in out
    text = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").get_text()
    assert "n_seeds = 7" in text, "the page says which parameters it has"
    assert marks(root) == ["good paper 7"]
    assert runs(root, "custom") == {"figure-1-good"}
    assert runs(root, "paper") == set()
    code, _, err = mirage("book", "--profile", "paper")
    assert code == 1
    assert "not run yet, or damaged: figure-1-good" in err


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
    end = time.monotonic() + 300
    while marks(root) != ["began"]:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happened for minutes"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert "figure-1-good" not in runs(root)
    with pytest.raises(MirageError, match="not run yet, or damaged: figure-1-good"):
        build.build("quick")
    (root / "go").touch()
    assert not run(root, "figure-1")["figure-1-good"].error
    assert marks(root) == ["began", "began"]
    assert runs(root) == {"figure-1-good"}, "and no litter of the killed run"


def test_kernel_that_dies_is_that_notebooks_failure(root, pretend):
    pretend(only=["figure-10-last"])
    write(root / "notebooks", "figure-2-bad", "import os; os._exit(1)")
    results = run(root, "figure-2", "figure-10")
    assert "DeadKernelError" in results["figure-2-bad"].error
    assert "\n" not in results["figure-2-bad"].error
    assert not results["figure-10-last"].error


@pytest.mark.parametrize(("n_deaths", "succeeds"), [(1, True), (STARTS, False)])
def test_kernel_that_died_before_any_cell_is_started_again(root, monkeypatch, n_deaths, succeeds):
    """Its ports are chosen while they are free, and may be taken when it wants them."""
    deaths = []

    def start(source, target, *_, **__):
        if len(deaths) < n_deaths:
            deaths.append(1)
            raise RuntimeError(f"{DIED}: it is said")
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr("papermill.execute_notebook", start)
    error = run(root, "figure-1")["figure-1-good"].error
    assert (DIED in error) is not succeeds
    assert len(deaths) == n_deaths


def test_steps_of_a_sweep_are_passed_on(root):
    take_whole_package(root)
    source = "from mirage.progress import track\nwith track('toy', 1) as advance: advance('w = 1')"
    write(root / "notebooks", "figure-1-good", source)
    events = [event for _, event in runner.run(notebooks(["figure-1"]), "quick")]
    assert events[0] is None
    assert [(step.done, step.current) for step in events[1:-1]] == [(0, ""), (1, "w = 1")]
    assert isinstance(events[-1], Result)
    assert not events[-1].error
    assert "MIRAGE_PROGRESS" not in os.environ


LOADS = """
import os, json
for name, source in {data}:
    line = dict(name=name, digest="d of " + name, description=source + " of " + name)
    with open(os.environ["MIRAGE_DATA_LOG"], "a") as file:
        print(json.dumps(line | dict(source=source, module="mirage.metric")), file=file)
open("marks", "a").write("ran\\n");
"""


def test_data_are_those_that_were_loaded(root, pretend, monkeypatch):
    """As they were at the time of the run, whatever lies there today."""
    data = [("mnist", "directory"), ("mnist", "directory")]
    write(root / "notebooks", "figure-1-good", LOADS.format(data=data))
    monkeypatch.setattr(datasets, "digest", lambda name: f"d of {name}")
    assert not run(root, "figure-1")["figure-1-good"].error
    assert data_of_run("quick") == {"mnist": "directory of mnist"}
    assert data_of_run("quick", notebooks(["figure-2"])) == {}
    assert not run(root, "figure-1")["figure-1-good"].seconds
    (root / "mirage" / "metric.py").write_text("x = 3\n", encoding="utf-8")
    assert "figure-1-good" in runner.stale("quick"), "code that reads the data"
    (root / "mirage" / "metric.py").write_text("x = 1\n", encoding="utf-8")
    assert "figure-1-good" not in runner.stale("quick")
    monkeypatch.setattr(datasets, "digest", lambda name: "another")
    assert "figure-1-good" in runner.stale("quick"), "other data"
    pretend()
    assert run(root, "figure-1")["figure-1-good"].seconds


LOADED = {
    "name": "mnist",
    "digest": "d of mnist",
    "description": "directory of mnist",
    "source": "directory",
    "module": "mirage.metric",
}


def test_data_that_are_gone_make_a_page_out_of_date(root, pretend):
    pretend(loads=[LOADED | {"name": "no_such_data"}])
    assert not run(root, "figure-1")["figure-1-good"].error
    assert "figure-1-good" in runner.stale("quick")


def test_data_that_were_not_there_make_a_page_out_of_date_once_they_are(root, pretend, monkeypatch):
    pretend(loads=[LOADED | {"digest": "", "source": "none"}])
    monkeypatch.setattr(datasets, "digest", lambda name: absent(name))
    assert not run(root, "figure-1")["figure-1-good"].error
    assert "figure-1-good" not in runner.stale("quick")
    assert data_of_run("quick") == {}
    monkeypatch.setattr(datasets, "digest", lambda name: f"d of {name}")
    assert "figure-1-good" in runner.stale("quick")


def absent(name: str):
    raise DataError(f"{name} is not there")


def test_no_process_of_the_book_builds_a_grammar_as_it_starts():
    code = "import sys, mirage.book, nbformat; print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n", done.stderr


def test_loading_is_recorded_in_the_kernel(root, monkeypatch):
    monkeypatch.setenv("MIRAGE_SOURCE", "embedded")
    take_whole_package(root)
    source = 'from mirage import datasets\ndata = datasets.load("mnist")'
    write(root / "notebooks", "figure-1-good", source)
    assert not run(root, "figure-1")["figure-1-good"].error
    assert data_of_run("quick")["mnist"].startswith("MNIST (60 000 training")
    assert not run(root, "figure-1")["figure-1-good"].seconds
    help_text = root / "mirage" / "cli.py"
    help_text.write_text(help_text.read_text(encoding="utf-8") + "\nX = 1\n", encoding="utf-8")
    assert not run(root, "figure-1")["figure-1-good"].seconds, "a help text"
    reads = root / "mirage" / "datasets" / "mnist.py"
    reads.write_text(reads.read_text(encoding="utf-8") + "\nX = 1\n", encoding="utf-8")
    assert "figure-1-good" in runner.stale("quick"), "the module that reads the data"
