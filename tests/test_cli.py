"""The command line is quick to start and short in its errors."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mirage import __version__, cli

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


def mirage(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", "from mirage.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_help_names_every_command():
    done = mirage("--help")
    assert done.returncode == 0
    for command in ("data", "run", "book"):
        assert command in done.stdout


def test_version():
    assert mirage("--version").stdout == f"mirage {__version__}\n"


@pytest.mark.parametrize("command", ["run", "book"])
def test_help_has_an_example(command):
    done = mirage(command, "--help", COLUMNS="120")
    assert f"Example: mirage {command}" in done.stdout


@pytest.mark.parametrize("arguments", [["walk"], ["run", "--fast"], ["book", "--profile", "x"]])
def test_unknown_command_or_option_exits_with_2(arguments):
    done = mirage(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_error_is_one_line_and_a_traceback_on_demand(tmp_path):
    bad = {"MIRAGE_DATA": str(tmp_path), "MIRAGE_SOURCE": "nowhere"}
    done = mirage("run", "figure-11", **bad, MIRAGE_DEBUG="")
    assert done.returncode == 1
    assert "mirage: error: no data source 'nowhere' ($MIRAGE_SOURCE); expected auto" in done.stderr
    assert "Traceback" not in done.stderr
    done = mirage("run", "figure-11", **bad, MIRAGE_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_console_without_unicode_is_no_error():
    done = mirage("run", "--help", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "Example: mirage run" in done.stdout


def test_module_is_the_command():
    """The installed script calls the function that these tests call."""
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="mirage")
    assert script.load() is cli.main


def test_what_a_log_says_moves_no_cursor(tmp_path, monkeypatch, capsys):
    (tmp_path / "log.json").write_text(r'{"\u001b]0;pwned\u0007\u009b31m": 1}', encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["mirage", "audit", str(tmp_path)])
    monkeypatch.delenv("MIRAGE_DEBUG", raising=False)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 1
    err = capsys.readouterr().err
    assert "with the keys ]0;pwned31m, expected one of" in err
    assert err.count("\n") == 1


def test_a_name_in_the_list_of_checksums_moves_no_cursor(tmp_path, monkeypatch):
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  a\x1b[2Jb.npz\n")
    monkeypatch.setenv("MIRAGE_DATA", str(tmp_path))
    ran = CliRunner().invoke(cli.app, ["data", "verify"])
    assert "a[2Jb.npz: " in ran.stdout


@pytest.mark.parametrize("variable", ["MIRAGE_DATA", "MIRAGE_CACHE"])
@pytest.mark.parametrize("given", ["here/folder", "~/folder"])
def test_a_relative_folder_is_one_for_all_processes(variable, given, tmp_path, monkeypatch):
    """A notebook's kernel works in another folder than the command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv(variable, given)
    CliRunner().invoke(cli.app, ["data", "list"])
    folder = "home/folder" if "~" in given else given
    assert os.environ[variable] == str(tmp_path / folder)
