"""The command line is quick to start and short in its errors."""

import json
import os
import re
import subprocess
import sys

import pytest

from mirage import __version__, cli
from mirage.files import MirageError

HEAVY = ("torch", "polars", "matplotlib", "scipy", "sklearn", "altair", "numba", "papermill")


@pytest.mark.parametrize(
    "code",
    [
        "import mirage",
        "from mirage import cli; sys.argv = ['mirage', '--help']; cli.app(standalone_mode=False)",
        "from mirage import cli; sys.argv = ['mirage', 'run', '--help']; "
        "cli.app(standalone_mode=False)",
    ],
    ids=["import mirage", "mirage --help", "mirage run --help"],
)
def test_start_imports_nothing_heavy(code):
    """Time is not asserted: which modules are loaded decides it, on every machine alike."""
    script = f"import sys, json; {code}; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert "mirage" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_help_names_every_command(mirage):
    code, out, _ = mirage("--help")
    assert code == 0
    for command in ("data", "run", "book"):
        assert command in out


def test_version(mirage):
    assert mirage("--version") == (0, f"mirage {__version__}\n", "")


@pytest.mark.parametrize("command", ["run", "book"])
def test_help_has_an_example(command, mirage):
    assert f"Example: mirage {command}" in mirage(command, "--help", COLUMNS="120")[1]


@pytest.mark.parametrize("arguments", [["walk"], ["run", "--fast"], ["book", "--profile", "x"]])
def test_unknown_command_or_option_exits_with_2(arguments, mirage):
    code, _, err = mirage(*arguments)
    assert code == 2
    assert "Traceback" not in err


def test_error_is_one_line_and_a_traceback_on_demand(tmp_path, mirage):
    bad = {"MIRAGE_DATA": str(tmp_path), "MIRAGE_SOURCE": "nowhere"}
    code, _, err = mirage("run", "figure-11", **bad, MIRAGE_DEBUG="")
    assert code == 1
    said = "no data source 'nowhere' ($MIRAGE_SOURCE); expected auto"
    assert f"mirage: error: {said}" in err
    assert "Traceback" not in err
    with pytest.raises(MirageError, match=re.escape(said)):  # Python ends with its traceback
        mirage("run", "figure-11", **bad, MIRAGE_DEBUG="1")


def test_console_without_unicode_is_no_error():
    done = subprocess.run(
        [sys.executable, "-c", "from mirage.cli import main; main()", "run", "--help"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert "Example: mirage run" in done.stdout


def test_module_is_the_command():
    """The installed script calls the function that these tests call."""
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="mirage")
    assert script.load() is cli.main


def test_a_name_in_the_list_of_checksums_moves_no_cursor(tmp_path, mirage):
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  a\x1b[2Jb.npz\n")
    _, out, _ = mirage("data", "verify", MIRAGE_DATA=str(tmp_path))
    assert "a[2Jb.npz: " in out


@pytest.mark.parametrize("variable", ["MIRAGE_DATA", "MIRAGE_CACHE"])
@pytest.mark.parametrize("given", ["here/folder", "~/folder"])
def test_a_relative_folder_is_one_for_all_processes(variable, given, tmp_path, monkeypatch, mirage):
    """A notebook's kernel works in another folder than the command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    mirage("data", "list", **{variable: given})
    folder = "home/folder" if "~" in given else given
    assert os.environ[variable] == str(tmp_path / folder)
