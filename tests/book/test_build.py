"""Building the book: one at a time, the earlier book stays until the new one is whole."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
import yaml

from mirage.book import build, run, stamp
from mirage.book.numbering import prefixes, renumber
from mirage.files import DiskError, MirageError
from mirage.processes import run_python

# Stands in for Jupyter Book: writes how many notebooks it found, and when it began and ended.
BUILDER = """
import sys, time, pathlib
stage, out = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[4], "_build", "html")
out.mkdir(parents=True)
begun = time.time()
time.sleep(0.3)
n = len(list(stage.glob("notebooks/*.ipynb")))
(out / "index.html").write_text(f"{n} notebooks {begun} {time.time()}")
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A clone with two executed notebooks and prose."""
    for folder in ("notebooks", "mirage", "book/_static"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("_toc.yml", "_config.yml", "book/references.bib"):
        (tmp_path / name).write_text("url: x\n", encoding="utf-8")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(build, "SPHINX", f"exec({BUILDER!r})")
    for name in ("errata", "figure-1-good"):
        cells = [nbformat.v4.new_code_cell("1", metadata={"tags": ["injected-parameters"]})]
        notebook = nbformat.v4.new_notebook(cells=cells)
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
        executed = run.runs_folder("quick") / f"{name}.ipynb"
        executed.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, executed)
        stamp.write(executed, "key", [])
    return tmp_path


def shown() -> str:
    return (run.ROOT / "_build" / "html" / "index.html").read_text(encoding="utf-8")


def left() -> set[str]:
    return {path.name for path in (run.ROOT / "_build").iterdir()}


def test_built_once_and_again_when_something_changed(root):
    front, built = build.build("quick")
    assert built
    assert front.read_text(encoding="utf-8").startswith("2 notebooks")
    first = shown()
    assert build.build("quick") == (front, False)
    (root / "book" / "new.md").write_text("# New", encoding="utf-8")
    assert build.build("quick") == (front, True)
    assert shown() != first
    assert left() == {"runs", "stage", "html", "book.log", ".book.lock"}, "and no litter"


def test_built_again_with_another_version_of_what_builds(root, monkeypatch):
    installed = [SimpleNamespace(name=n, version="1") for n in ("Sphinx", "myst_nb", "numpy")]
    monkeypatch.setattr(build, "distributions", lambda: installed)
    assert build.build("quick")[1]
    installed.reverse()
    assert not build.build("quick")[1]
    installed[0].version = "2"
    assert not build.build("quick")[1], "numpy draws no page"
    for one in installed[1:]:
        one.version = "2"
        assert build.build("quick")[1], one.name


def test_the_packages_that_draw_the_pages_are_counted():
    names = {line.decode().split()[0] for line in build._press()}
    config = yaml.safe_load((Path(__file__).parents[2] / "_config.yml").read_text("utf-8"))
    used = [name.replace("_", "-") for name in config["sphinx"]["config"]["extensions"]]
    used = [name.replace(".bibtex", "-bibtex") for name in used]
    assert names >= {name for name in used if "." not in name}
    assert names >= {"sphinx", "docutils", "jupyter-book", "pydata-sphinx-theme"}


def test_damaged_key_of_the_book_is_built_again(root):
    front, _ = build.build("quick")
    front.with_name(".key").write_bytes(b"\xff\xfe")
    assert build.build("quick") == (front, True)


def test_failing_builder_leaves_the_earlier_book(root, monkeypatch):
    build.build("quick")
    before = shown()
    (root / "book" / "new.md").write_text("# New", encoding="utf-8")
    fails = "print('a line'); print('x.md:1: WARNING: no such label'); raise SystemExit(1)"
    monkeypatch.setattr(build, "SPHINX", fails)
    with pytest.raises(MirageError, match=r"found 1 faults, all in .*book\.log; .*no such label"):
        build.build("quick")
    assert shown() == before


def test_full_disk_is_one_line_and_leaves_the_earlier_book(root, monkeypatch):
    build.build("quick")
    before = shown()
    (root / "book" / "new.md").write_text("# New", encoding="utf-8")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match="No space left on device; free some space"):
        build.build("quick")
    assert shown() == before


def test_two_at_once_build_one_after_the_other(root):
    results = []
    both = [threading.Thread(target=lambda: results.append(build.build("quick"))) for _ in "ab"]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(built for _, built in results) == [False, True], "the second finds it done"


@pytest.mark.parametrize("damage", [lambda _: b"", lambda c: c[:-9], lambda c: c + b" "])
def test_damaged_notebook_is_named(root, damage):
    executed = run.runs_folder("quick") / "errata.ipynb"
    executed.write_bytes(damage(executed.read_bytes()))
    with pytest.raises(MirageError, match="not run yet, or damaged: errata; first: mirage run"):
        build.build("quick")


def test_cell_of_injected_parameters_is_hidden_in_the_book_alone(root):
    build.build("quick")
    staged = nbformat.read(root / "_build" / "stage" / "notebooks" / "errata.ipynb", 4)
    assert staged.cells[0].metadata.tags == ["injected-parameters", "remove-cell"]
    executed = nbformat.read(run.runs_folder("quick") / "errata.ipynb", 4)
    assert executed.cells[0].metadata.tags == ["injected-parameters"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_builder_ends_with_the_one_that_started_it(tmp_path, how):
    mark = tmp_path / "pid"
    waits = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    # What a shell starts with "&" ignores SIGINT, and so would all below it.
    starts = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    starts += f"from mirage.processes import run_python; run_python({waits!r}, [], {{}})"
    parent = subprocess.Popen([sys.executable, "-c", starts], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 300
    while not (mark.exists() and mark.read_text(encoding="utf-8")) and time.monotonic() < end:
        time.sleep(0.05)
    begun = mark.read_text(encoding="utf-8") if mark.exists() else ""
    builders = [psutil.Process(int(begun))] if begun else []
    parent.send_signal(how if begun else signal.SIGKILL)
    parent.wait()
    assert begun, "it never began"
    _, alive = psutil.wait_procs(builders, timeout=300)  # it takes half a second
    for process in alive:
        process.kill()
    assert not alive


def test_what_a_child_process_says_and_returns():
    done = run_python(
        "import os, sys; print(os.environ['X'], sys.argv[1]); sys.exit(3)", ["a"], {"X": "é"}
    )
    assert (done.returncode, done.stdout) == (3, "é a\n")


def test_numbers_of_figures_begin_with_their_page():
    pages = ["figure-2-theory", "figure-9-10-rouge-bleu", "prediction-3-length", "forecast"]
    pages += ["not-a-mirage", "notes", "figure-it-out"]
    found = prefixes(f"notebooks/{page}" for page in pages)
    assert list(found.values()) == ["2", "9–10", "P3", "F", "N", "No", "Fi"]


def test_figures_are_numbered_within_their_page():
    figures = {
        "notebooks/figure-3-arithmetic": {"figure": {"b": (5,), "a": (4,)}, "table": {"t": (1,)}},
        "notebooks/forecast": {"figure": {"c": (10,)}},
        "book/index": {"table": {"t": (2,)}},
    }
    env = SimpleNamespace(toc_fignumbers=figures)
    assert renumber(None, env) == []
    assert figures["notebooks/figure-3-arithmetic"]["figure"] == {"a": ("3", 1), "b": ("3", 2)}
    assert figures["notebooks/forecast"]["figure"] == {"c": ("F", 1)}
    assert figures["book/index"] == {"table": {"t": (2,)}}, "tables run through the book"
