"""What models have answered so far: a file to which finished answers are only ever appended.

One line of JSON is one answer, on the disk before the next question is asked, so that a killed run
loses at most the questions in flight and asks none of the others again.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mirage.evaluation.messages import Answer
from mirage.files import MirageError, disk_faults

log = logging.getLogger(__name__)


class Journal:
    """The answers in a file, and a way to add to them; made by :func:`opened`.

    Attributes
    ----------
    answers : dict of str to Answer
        The last answer to each question.
    """

    def __init__(self, path: Path):
        self._path = path
        self.answers: dict[str, Answer] = {}
        content = path.read_bytes() if path.exists() else b""
        *lines, torn = content.split(b"\n")
        for number, line in enumerate(lines, start=1):
            try:
                answer = msgspec.json.decode(line, type=Answer)
            except msgspec.DecodeError as error:
                log.warning("%s, line %d: %s; its question is asked again", path, number, error)
            else:
                self.answers[answer.key] = answer
        with disk_faults(path):
            self._file = path.open("ab")
            # A killed run may leave half a line; the next answer must not be glued to it.
            self._file.truncate(len(content) - len(torn))

    def finished(self, key: str) -> bool:
        """Whether this question has an answer that stands."""
        return key in self.answers and self.answers[key].error is None

    def record(self, *answers: Answer) -> None:
        """Add answers; they are on the disk when this returns.

        Raises
        ------
        DiskError
            As :func:`mirage.files.disk_faults`.
        """
        with disk_faults(self._path):
            self._file.write(b"".join(msgspec.json.encode(answer) + b"\n" for answer in answers))
            self._file.flush()
            os.fsync(self._file.fileno())
        self.answers |= {answer.key: answer for answer in answers}

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    """Open a journal for this process alone.

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
