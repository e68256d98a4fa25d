"""Files that are whole or absent, and errors that fit on one line.

Every file that mirage writes goes through :func:`atomic_write`.
A reader therefore never meets a half-written file: not after a kill, not on a full disk.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class MirageError(Exception):
    """A fault that the reader can mend; the command line prints it as one line and exits with 1."""


class DiskError(MirageError):
    """The disk refused a write: full, read-only, or not ours."""


class DataError(MirageError):
    """A data file is absent, damaged, or not what its name says."""


class NetworkError(DataError):
    """Download failed: no response."""


_ADVICE = {
    errno.ENOSPC: "free some space or choose another directory",
    errno.EDQUOT: "free some space or choose another directory",
    errno.EFBIG: "raise the limit on file sizes or choose another directory",
    errno.EROFS: "choose a directory that you may write to",
    errno.EACCES: "choose a directory that you may write to",
    errno.EPERM: "choose a directory that you may write to",
    errno.EEXIST: "a file lies where a directory is needed: move it or choose another directory",
    errno.ENOTDIR: "a file lies where a directory is needed: move it or choose another directory",
    errno.EISDIR: "a directory lies where a file is needed: move it or choose another name",
    errno.EIO: "the disk reports a fault: choose another one",
}


@contextmanager
def disk_faults(path: str | os.PathLike) -> Iterator[None]:
    """Turn the faults of a disk into one clear line.

    Parameters
    ----------
    path : path
        What the body writes; named in the message.

    Raises
    ------
    DiskError
        For a full disk, a read-only or foreign directory, or a file in the place of a directory.
        Any other :class:`OSError` passes through unchanged.

    Examples
    --------
    >>> with disk_faults("table.parquet"):
    ...     raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    Traceback (most recent call last):
    mirage.files.DiskError: cannot write table.parquet: No space left on device; free some
    space or choose another directory
    """
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno)
        if advice is None or not _concerns(path, error.filename):
            raise
        raise DiskError(f"cannot write {path}: {error.strerror}; {advice}") from error


def _concerns(path: str | os.PathLike, culprit: str | None) -> bool:
    """Tell whether the file an OSError names lies on the way to `path` or beside it."""
    if culprit is None:  # a write to an open file names none
        return True
    target, culprit = Path(path).absolute(), Path(culprit).absolute()
    return culprit.is_relative_to(target.parent) or target.is_relative_to(culprit)


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all.

    The bytes go to a temporary file in the same directory, reach the disk (fsync), and then take
    the final name in one step (rename).
    Until that step readers see the old file, or none.
    On any error, Ctrl-C included, the temporary file is removed and the old file stays.

    Parameters
    ----------
    path : path
        The file's final name; its directory is made where it is absent.

    Yields
    ------
    file
        Open for writing bytes; ``file.name`` is the temporary name.

    Raises
    ------
    DiskError
        See :func:`disk_faults`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = Path(directory, "scores.csv")
    ...     with atomic_write(path) as file:
    ...         n_bytes = file.write(b"model,score")
    ...     path.read_bytes()
    b'model,score'
    """
    path = Path(path)
    # Not tempfile.mkstemp: its mode 0600 would survive the rename and lock others out.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    with disk_faults(path):
        _make_writable(path.parent)
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)


def _make_writable(directory: Path) -> None:
    """Make sure that `directory` exists and that its owner wants it written to."""
    existing = next(d for d in (directory, *directory.absolute().parents) if d.exists())
    # Mode bits do not stop root: in a container it would write to a shared read-only directory.
    if not existing.stat().st_mode & 0o222:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(existing))
    directory.mkdir(parents=True, exist_ok=True)


def _sync_directory(directory: Path) -> None:
    """Make a rename in `directory` survive a power cut."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows cannot open a directory, and needs no such step
        return
    handle = os.open(directory, os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: str | os.PathLike) -> Iterator[None]:
    """Hold the lock file `path`; a second process waits here until the first is done.

    The lock is the kernel's (flock), so it ends with its process, even a killed one.

    Parameters
    ----------
    path : path
        The lock file; it stays behind, empty.

    Raises
    ------
    DiskError
        Where the lock file cannot be made; see :func:`disk_faults`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory, locked(Path(directory, ".lock")):
    ...     sorted(p.name for p in Path(directory).iterdir())
    ['.lock']
    """
    from filelock import FileLock

    lock = FileLock(path)
    with disk_faults(path):
        _make_writable(Path(path).parent)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file's bytes, in 64 hexadecimal digits.

    Parameters
    ----------
    path : path
        The file; it is read in blocks, so its size costs no memory.

    Returns
    -------
    str
        As ``sha256sum`` prints it.

    Raises
    ------
    OSError
        Where the file cannot be read.

    Examples
    --------
    >>> sha256(os.devnull)[:8]  # the digest of nothing
    'e3b0c442'
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
