"""Long work in parts: each part is remembered by its content, and the progress is told.

An audit that is stopped goes on where it was, and one of logs that grew tests only what is new.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import joblib
import numpy as np

from mirage import code_digest, processes
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
    backend : str
        Where parts are computed: "local" is threads of this process, as parts are NumPy's work;
        the others are those of `mirage.processes`.
    jobs : int
        How many at once, on this machine.
    """

    folder: Path | None = None
    progress: Callable[[str, int, int], None] | None = None
    backend: str = "local"
    jobs: int = joblib.cpu_count()


_WORK: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def working(
    folder: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    backend: str | None = None,
) -> Iterator[None]:
    """Remember parts in a folder and report progress, as long as the context lasts.

    Parameters
    ----------
    folder, progress
        As of `Work`.
    backend : {"local", "dask", "ray"}, optional
        As of `mirage.processes.workers`.
    """
    jobs, backend = processes.workers(backend=backend)
    token = _WORK.set(Work(folder, progress, backend, jobs))
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
    """Compute parts side by side, those alone that are not remembered.

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
    work = _WORK.get() or Work()
    folder = work.folder
    paths = [None if folder is None else folder / f"{_name(key, module)}.npz" for key in keys]
    results: dict[int, Arrays] = {}
    compute_all = _in_threads if work.backend == "local" else _in_processes
    with closing(compute_all(compute, parts, paths, work)) as finished:
        for i, found in finished:
            results[i] = found
            if work.progress:
                work.progress(stage, len(results), len(parts))
    return [results[i] for i in range(len(parts))]


def _in_threads(compute, parts, paths, work: Work) -> Iterator[tuple[int, Arrays]]:
    def one(i: int) -> tuple[int, Arrays]:
        found = _read(paths[i])
        if found is None:
            found = compute(parts[i])
            _write(paths[i], found)
        return i, found

    threads = ThreadPoolExecutor(work.jobs)
    try:
        for done in as_completed([threads.submit(one, i) for i in range(len(parts))]):
            yield done.result()
    finally:
        threads.shutdown(cancel_futures=True)


def _in_processes(compute, parts, paths, work: Work) -> Iterator[tuple[int, Arrays]]:
    """Parts go to the workers; what is remembered is read and written here."""
    known = {i: found for i, path in enumerate(paths) if (found := _read(path)) is not None}
    yield from known.items()
    task = joblib.delayed(_numbered)
    tasks = [task(i, compute, part) for i, part in enumerate(parts) if i not in known]
    if not tasks:
        return
    try:
        with closing(processes.unordered(tasks, work.jobs, work.backend)) as finished:
            for i, found in finished:
                _write(paths[i], found)
                yield i, found
    except BrokenExecutor as error:
        kept = "are kept" if work.folder else "are lost: nothing was to be kept"
        raise MirageError(
            f"{work.backend}: a worker died (killed, or out of memory?); finished tests {kept}"
        ) from error


def _numbered(i: int, compute, part) -> tuple[int, Arrays]:
    return i, compute(part)


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


def _read(path: Path | None) -> Arrays | None:
    """The arrays of a file; None where it is absent or damaged."""
    if path is None:
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile):
        return None


def _write(path: Path | None, arrays: Arrays) -> None:
    """Keep the arrays of a part; a full disk costs the memory, and not the audit."""
    if path is None:
        return
    try:
        with atomic_write(path) as file:
            np.savez(file, **arrays)
    except (MirageError, OSError):
        return
