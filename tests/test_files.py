"""A file is whole or absent; a fault of the disk is one line."""

import errno
import hashlib
import os
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from hypothesis import given
from hypothesis import strategies as st

from mirage import files
from mirage.files import DiskError, MirageError, atomic_write, disk_faults, locked, sha256


@pytest.fixture
def old(tmp_path):
    """A file that an unlucky write must leave as it is."""
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")
    return path


def only(path: Path, content: bytes) -> bool:
    """Tell whether `path` is the only file of its directory, with this content."""
    return list(path.parent.iterdir()) == [path] and path.read_bytes() == content


def fail(code: int):
    def raise_it(*_, **__):
        raise OSError(code, os.strerror(code))

    return raise_it


def test_write_replaces_and_makes_directories(old):
    with atomic_write(old) as file:
        file.write(b"new")
        assert old.read_bytes() == b"old"  # readers see the old file until the end
    assert only(old, b"new")
    with atomic_write(old.parent / "a" / "b" / "c.csv") as file:
        file.write(b"deep")
    assert (old.parent / "a" / "b" / "c.csv").read_bytes() == b"deep"


def test_mode_follows_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        with atomic_write(tmp_path / "x"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o644  # 0666 & ~022


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_error_in_the_body_leaves_the_old_file(old, error):
    def write_half():
        with atomic_write(old) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert only(old, b"old")


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM])
def test_disk_fault_is_one_line_and_leaves_the_old_file(old, monkeypatch, step, code):
    monkeypatch.setattr(os, step, fail(code))
    with pytest.raises(DiskError) as caught, atomic_write(old) as file:
        file.write(b"half")
    message = str(caught.value)
    assert str(old) in message
    assert os.strerror(code) in message
    assert "choose" in message
    assert "\n" not in message
    assert only(old, b"old")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_truly_full_device(old, monkeypatch):
    full = partial(open, "/dev/full", "wb")
    monkeypatch.setattr(files, "open", lambda *_: full(), raising=False)
    with pytest.raises(DiskError, match="No space left on device"), atomic_write(old) as file:
        file.write(b"x" * 100_000)
    assert only(old, b"old")


def test_read_only_directory_is_refused_even_to_root(old):
    old.parent.chmod(0o555)
    try:
        with pytest.raises(DiskError, match="Permission denied"), atomic_write(old):
            pass
        with pytest.raises(DiskError, match="Permission denied"), locked(old.parent / ".lock"):
            pass
        with pytest.raises(DiskError, match="Permission denied"), atomic_write(old.parent / "a/b"):
            pass
        assert only(old, b"old")
    finally:
        old.parent.chmod(0o755)


def test_file_in_the_place_of_a_directory(old):
    with pytest.raises(DiskError, match="a file lies where a"), atomic_write(old / "x.csv"):
        pass


def test_other_errors_pass_unchanged(old):
    with pytest.raises(FileNotFoundError), atomic_write(old):
        (old.parent / "absent").read_bytes()
    # A permission lacking elsewhere is not this file's fault.
    with pytest.raises(PermissionError), disk_faults(old):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/x")
    assert issubclass(DiskError, MirageError)
    assert only(old, b"old")


def test_killed_writer_leaves_the_old_file(old):
    script = """
import os, signal, sys
from mirage.files import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(b"half" * 100_000)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script, str(old)], check=False)
    assert killed.returncode == -9
    assert old.read_bytes() == b"old"


def test_lock_excludes_and_is_released(tmp_path):
    path = tmp_path / ".lock"
    with locked(path), pytest.raises(Timeout):
        FileLock(path).acquire(timeout=0)
    with pytest.raises(ValueError), locked(path):
        raise ValueError
    with FileLock(path).acquire(timeout=0):
        pass


def test_sha256_of_the_standard_example(tmp_path):
    # FIPS 180-4's example: SHA-256("abc").
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(content=st.binary(max_size=2000))
def test_bytes_survive(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes"
    with atomic_write(path) as file:
        file.write(content)
    assert path.read_bytes() == content
    assert sha256(path) == hashlib.sha256(content).hexdigest()
