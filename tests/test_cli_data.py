"""The `data` commands: what they print, and how they exit."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

from mirage import cli, datasets
from mirage.datasets import download, mnist
from mirage.datasets.directory import EMBEDDED
from mirage.datasets.images import ArraySpec, read_npz
from mirage.files import NetworkError, sha256


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process."""

    def run_it(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mirage", *arguments])
        monkeypatch.delenv("MIRAGE_DEBUG", raising=False)
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        return Ran(exit_.value.code or 0, *capsys.readouterr())

    return run_it


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """A data directory; the registry has two small sets, `a` and `b`."""
    monkeypatch.setenv("MIRAGE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("MIRAGE_SOURCE", raising=False)
    specs = [
        replace(
            mnist.SPEC,
            name=name,
            files=(f"{name}.npz",),
            read_files=partial(read_npz, expected={"x": ArraySpec("int64", (4,))}),
            download=lambda folder, name=name: np.savez(folder / name, x=np.arange(4)),
            urls=(f"https://{name}.invalid/",),  # never resolves (RFC 2606)
        )
        for name in "ab"
    ]
    monkeypatch.setattr(datasets, "REGISTRY", {spec.name: spec for spec in specs})
    monkeypatch.setattr("mirage.datasets.directory.EMBEDDED", tmp_path / "none")
    return tmp_path / "data"


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setattr(download, "reachable", lambda specs: {spec.name for spec in specs})


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(download, "reachable", lambda _: set())


def put(directory, name):
    directory.mkdir(exist_ok=True)
    np.savez(directory / f"{name}.npz", x=np.arange(4))
    with (directory / "SHA256SUMS").open("a") as file:
        file.write(f"{sha256(directory / f'{name}.npz')}  {name}.npz\n")


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and text.startswith("mirage: ")


def test_help_and_version(run):
    for arguments in ([], ["data"], ["data", "list"], ["data", "fetch"], ["data", "verify"]):
        ran = run(*arguments, "--help")
        assert ran.code == 0
        assert "Example: " in ran.out or arguments == ["data"]
    assert run("--version") == Ran(0, "mirage 0.1.0\n", "")


def test_command_line_imports_nothing_heavy():
    heavy = "{'numpy', 'torch', 'scipy', 'polars', 'sklearn', 'matplotlib', 'altair', 'joblib'}"
    script = f"import sys, mirage.cli; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_list(run, data_dir):
    put(data_dir, "a")
    ran = run("data", "list")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert any("a" in x and "directory" in x and "verified" in x for x in lines)
    assert any("b" in x and "absent" in x and "no file" in x for x in lines)
    assert "CC BY-SA" in ran.out
    (data_dir / "a.npz").write_bytes(b"")
    ran = run("data", "list")
    assert "WRONG" in ran.out
    assert one_line(ran.err)


def test_list_shows_the_source_of_each(run, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRAGE_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    shutil.copy(EMBEDDED / "omniglot.npz", tmp_path)
    digest = sha256(tmp_path / "omniglot.npz")
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  omniglot.npz\n")
    sources = {"mnist": "embedded ", "cifar100": "embedded subset", "omniglot": "directory"}
    lines = run("data", "list").out.splitlines()
    for name, source in (sources | {"inverse_scaling": "absent"}).items():
        assert any(name in line and source in line for line in lines), name


def test_fetch_leaves_alone_what_is_embedded(run, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRAGE_DATA", str(tmp_path))
    monkeypatch.setattr(download, "reachable", lambda s: pytest.fail("asked") if s else set())
    ran = run("data", "fetch", "omniglot")
    assert (ran.code, ran.err) == (0, "")
    assert "omniglot: embedded and verified" in ran.out
    assert not list(tmp_path.iterdir())


def test_fetch_downloads_what_is_absent(run, data_dir, online):
    put(data_dir, "a")
    ran = run("data", "fetch")
    assert (ran.code, ran.err) == (0, "")
    assert f"a: already there and verified, {data_dir / 'a.npz'}" in ran.out
    assert f"b: downloaded and verified, {data_dir / 'b.npz'}" in ran.out
    assert "download" in run("data", "list").out
    assert run("data", "verify").code == 0


def test_fetch_of_present_files_asks_no_network_and_writes_nothing(run, data_dir, monkeypatch):
    put(data_dir, "a")
    monkeypatch.setattr(download, "reachable", lambda s: pytest.fail("asked") if s else set())
    before = sorted(data_dir.iterdir())
    assert run("data", "fetch", "a").code == 0
    assert sorted(data_dir.iterdir()) == before


def test_fetch_without_network(run, data_dir):
    ran = run("data", "fetch")  # the real probe, to names that never resolve
    assert (ran.code, ran.out) == (1, "")
    assert one_line(ran.err)
    assert "cannot download a: no answer" in ran.err
    assert "cannot download b: no answer" in ran.err
    assert not list(data_dir.glob("*.npz"))


def test_one_failure_does_not_hide_the_others(run, data_dir, monkeypatch):
    monkeypatch.setattr(download, "reachable", lambda _: {"b"})
    ran = run("data", "fetch")
    assert ran.code == 1
    assert one_line(ran.err)
    assert "cannot download a:" in ran.err
    assert "b: downloaded" in ran.out


def test_read_only_directory(run, data_dir, online, monkeypatch):
    data_dir.mkdir()
    data_dir.chmod(0o555)
    try:
        ran = run("data", "fetch", "a")
        assert (ran.code, ran.out) == (1, "")
        assert one_line(ran.err)
        assert "Permission denied; choose a directory that you may write to" in ran.err
    finally:
        data_dir.chmod(0o755)
    opened = os.open

    def read_only(path, flags, *rest, **options):
        if flags & os.O_CREAT:
            raise OSError(30, os.strerror(30), str(path))
        return opened(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", read_only)  # a read-only file system
    ran = run("data", "fetch", "a")
    assert ran.code == 1
    assert one_line(ran.err)
    assert "Read-only file system" in ran.err
    assert not list(data_dir.iterdir())


def test_verify(run, data_dir):
    put(data_dir, "a")
    put(data_dir, "b")
    ran = run("data", "verify")
    assert (ran.code, ran.err) == (0, "")
    assert "2 of 2 files are as recorded" in ran.out
    content = bytearray((data_dir / "b.npz").read_bytes())
    content[100] ^= 1
    (data_dir / "b.npz").write_bytes(content)
    (data_dir / "a.npz").unlink()
    ran = run("data", "verify")
    assert ran.code == 1
    assert "a.npz: missing" in ran.out
    assert "b.npz: expected SHA-256" in ran.out
    assert one_line(ran.err)
    assert "a.npz, b.npz" in ran.err


def test_verify_keeps_its_error_short(run, data_dir):
    data_dir.mkdir()
    lines = [f"{'0' * 64}  {name}.csv\n" for name in "vwxyz"]
    (data_dir / "SHA256SUMS").write_text("".join(lines))
    ran = run("data", "verify")
    assert ran.out.count("missing") == 5  # each is listed
    assert "v.csv, w.csv, x.csv and 2 more;" in ran.err


def test_unknown_name_lists_what_there_is(run, data_dir):
    ran = run("data", "fetch", "imagenet")
    assert ran.code == 2
    assert "'imagenet'; there are a, b" in " ".join(ran.err.split())


def test_debug_shows_the_traceback(data_dir, offline, monkeypatch):
    monkeypatch.setenv("MIRAGE_DEBUG", "")  # so that what --debug sets is undone
    monkeypatch.setattr(sys, "argv", ["mirage", "--debug", "data", "fetch", "a"])
    with pytest.raises(NetworkError):
        cli.main()


def test_relative_directory_means_the_same_in_every_folder(run, data_dir, monkeypatch):
    put(data_dir, "a")
    monkeypatch.chdir(data_dir.parent)
    monkeypatch.setenv("MIRAGE_DATA", "data")
    assert run("data", "verify").code == 0
    assert os.environ["MIRAGE_DATA"] == str(data_dir)
