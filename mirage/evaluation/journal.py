"""Journal of the answers so far: a file to which finished answers are only appended.

One line is one answer, on the disk before the next question is asked, so that a killed run loses at
most the questions in flight and asks none of the others again. A line begins with the checksum of
the JSON behind it: a damaged one is named, and its question is asked again.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mirage.evaluation.messages import Answer
from mirage.files import DataError, MirageError, disk_faults

log = logging.getLogger(__name__)

_OURS = re.compile(rb"([0-9a-f]{8}) \{")  # how a line begins
_BEGUN = re.compile(rb"[0-9a-f]{1,8}$|[0-9a-f]{8} (\{|$)")  # or did, when the run was killed


class Journal:
    """The answers in a journal file, which can be extended; made by :func:`opened`.

    Attributes
    ----------
    answers : dict of str to Answer
        The last answer to each question.
    """

    def __init__(self, path: Path):
        self._path = path
        self.answers: dict[str, Answer] = {}
        with disk_faults(path):
            content = path.read_bytes() if path.exists() else b""
        *lines, torn = content.split(b"\n")
        faults = []
        for number, line in enumerate(lines, start=1):
            try:
                answer = _decoded(line)
            except (ValueError, msgspec.DecodeError) as error:
                faults.append(f"{path}, line {number}: {error}; its question is asked again")
            else:
                self.answers[answer.key] = answer
        # Nothing is cut off or added to a file that is not ours.
        if content and not self.answers and not _BEGUN.match(content):
            raise DataError(
                f"{path} contains no answers of an earlier run and is left alone: move it, or name "
                "another file with --out"
            )
        for fault in faults:
            log.warning("%s", fault)
        with disk_faults(path):
            self._file = path.open("ab")
            # A killed run may leave half a line; the next answer must not be glued to it.
            self._file.truncate(len(content) - len(torn))

    def finished(self, key: str) -> bool:
        """Whether this question has a final answer."""
        return key in self.answers and self.answers[key].error is None

    def record(self, *answers: Answer) -> None:
        """Append answers; they are on disk when this returns.

        Raises
        ------
        DiskError
            As :func:`mirage.files.disk_faults`.
        """
        with disk_faults(self._path):
            self._file.write(b"".join(map(_encoded, answers)))
            self._file.flush()
            os.fsync(self._file.fileno())
        self.answers |= {answer.key: answer for answer in answers}

    def close(self) -> None:
        """Close the file."""
        with disk_faults(self._path):
            self._file.close()


def _encoded(answer: Answer) -> bytes:
    line = msgspec.json.encode(answer)
    return b"%08x %b\n" % (zlib.crc32(line), line)


def _decoded(line: bytes) -> Answer:
    """Read one line; a damaged one raises ValueError. Lines of older versions have no checksum."""
    if found := _OURS.match(line):
        if int(found[1], 16) != zlib.crc32(line[9:]):
            raise ValueError("its checksum is wrong")
        line = line[9:]
    try:
        return msgspec.json.decode(line, type=Answer)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    """Open a journal with a lock, so that no other process writes to it.

    Parameters
    ----------
    path : Path
        Made where it is absent; a lock file lies beside it.

    Yields
    ------
    Journal

    Raises
    ------
    MirageError
        Another process has it open.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     with opened(Path(directory, "answers.jsonl")) as journal:
    ...         journal.record(Answer("a", completion=" 6"), Answer("b", error="500"))
    ...     with opened(Path(directory, "answers.jsonl")) as journal:
    ...         journal.finished("a"), journal.finished("b"), journal.finished("c")
    (True, False, False)
    """
    from filelock import FileLock, Timeout

    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            # No waiting: the other run may take hours, and this one would only repeat it.
            lock.acquire(timeout=0)
        except Timeout:
            raise MirageError(
                f"another run is writing {path}: wait for it, or name another file with --out"
            ) from None
    try:
        journal = Journal(path)
        try:
            yield journal
        finally:
            journal.close()
    finally:
        lock.release()
