"""Long work in parts: each part is remembered by its content, and the progress is told.

An audit that is stopped goes on where it was, and one of logs that grew tests only what is new.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import joblib
import numpy as np

from mirage import code_digest
from mirage.files import MirageError, atomic_write

Arrays = Mapping[str, np.ndarray]


class Work(NamedTuple):
    """Where parts are remembered, and who is told of progress.

    Attributes
    ----------
    folder : Path or None
        Of remembered parts; None for none.
    progress : callable or None
        Called as ``progress(stage, n_done, n_parts)``.
    """

    folder: Path | None = None
    progress: Callable[[str, int, int], None] | None = None


_WORK: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def working(
    folder: Path | None = None, progress: Callable[[str, int, int], None] | None = None
) -> Iterator[None]:
    """Remember parts in a folder and report progress, as long as the context lasts.

    Parameters
    ----------
    folder, progress
        As of `Work`.
    """
    token = _WORK.set(Work(folder, progress))
    try:
        yield
    finally:
        _WORK.reset(token)


def in_parts(
    stage: str,
    compute: Callable[[Any], Arrays],
    parts: Sequence[Any],
    keys: Sequence[bytes],
    module: str,
) -> list[Arrays]:
    """Compute parts in a thread for each core, those alone that are not remembered.

    Parameters
    ----------
    stage : str
        What is done, for the progress bar.
    compute : callable
        ``compute(part)`` returns arrays by name.
    parts : sequence
        What to compute.
    keys : sequence of bytes
        All that the numbers of each part depend on, beside the code.
    module : str
        The module whose code they depend on.

    Returns
    -------
    list of mappings
        In the order of the parts. An interruption leaves the finished parts remembered.
    """
    folder, progress = _WORK.get() or Work()
    paths = [None if folder is None else folder / f"{_name(key, module)}.npz" for key in keys]

    def one(i: int) -> tuple[int, Arrays]:
        found = None if paths[i] is None else _read(paths[i])
        if found is None:
            found = compute(parts[i])
            if paths[i] is not None:
                _write(paths[i], found)
        return i, found

    results: dict[int, Arrays] = {}
    threads = ThreadPoolExecutor(joblib.cpu_count())
    try:
        for done in as_completed([threads.submit(one, i) for i in range(len(parts))]):
            i, found = done.result()
            results[i] = found
            if progress:
                progress(stage, len(results), len(parts))
    finally:
        threads.shutdown(cancel_futures=True)
    return [results[i] for i in range(len(parts))]


def key_of(*values: Any) -> bytes:
    """Digest of arrays, numbers, texts and generators (their state), in their order.

    Examples
    --------
    >>> key_of(np.array([1.0, 2.0]), "a") == key_of(np.array([1.0, 2.0]), "a")
    True
    >>> key_of(np.array([1.0, 2.0])) == key_of(np.array([[1.0, 2.0]]))
    False
    """
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, tuple):
            value = key_of(*value).hex()
        if isinstance(value, np.random.Generator):
            value = value.bit_generator.state
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(json.dumps(value, sort_keys=True, default=str).encode())
        digest.update(b"\x00")
    return digest.digest()


def _name(key: bytes, module: str) -> str:
    return hashlib.sha256(key + _code(module)).hexdigest()[:40]


@cache
def _code(module: str) -> bytes:
    """Digest of a module's code, of what it imports, and of the numerical packages below."""
    code = code_digest.of_module(module)
    runtime = json.dumps(code_digest.runtime(code.packages), sort_keys=True, default=str)
    return f"{code_digest.digest(code)}{runtime}".encode()


def _read(path: Path) -> Arrays | None:
    """The arrays of a file; None where it is absent or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile):
        return None


def _write(path: Path, arrays: Arrays) -> None:
    """Keep the arrays of a part; a full disk costs the memory, and not the audit."""
    try:
        with atomic_write(path) as file:
            np.savez(file, **arrays)
    except (MirageError, OSError):
        return
