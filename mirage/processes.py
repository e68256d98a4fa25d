"""Processes that do not outlive the one that started them, and work in parts on many of them.

Work in parts is done by joblib: on this machine, or on the workers of a Dask or Ray cluster, with
joblib's own backends for these. Training (`mirage.training.sweep`) and audits
(`mirage.emergence.work`) share it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any

from mirage.extras import remedy
from mirage.files import MirageError


def end_with(parent: int) -> None:
    """End this process soon after its parent, whatever it does or waits for then.

    A killed parent tells its children nothing: one may wait for a task, or for the rest of a task,
    from a pipe whose other end it holds itself.

    Parameters
    ----------
    parent : int
        The parent's process id. A thread looks twice a second whether it still is the parent.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="end with the parent", daemon=True).start()


def run_python(code: str, arguments: Sequence[str], environment: Mapping[str, str]):
    """Run Python code in a process that ends with this one, and wait for it.

    Parameters
    ----------
    code : str
        As for ``python -c``.
    arguments : sequence of str
        Its ``sys.argv[1:]``.
    environment : mapping of str to str
        Variables that it has beside this process's own.

    Returns
    -------
    subprocess.CompletedProcess
        With standard output and standard error as one text in ``stdout``.

    Examples
    --------
    >>> run_python("import sys; print(sys.argv[1])", ["hello"], {}).stdout
    'hello\\n'
    """
    watched = f"from mirage.processes import end_with; end_with({os.getpid()}); {code}"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", watched, *arguments],  # -P: whatever lies here,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **environment},
        start_new_session=True,  # a group of its own, so that its children can be ended with it
    )
    try:
        output, _ = process.communicate()
    finally:  # Ctrl-C included
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return subprocess.CompletedProcess(process.args, process.returncode, output)


class Backend(StrEnum):
    """Kinds of places: this machine, or a cluster."""

    local = "local"
    dask = "dask"
    ray = "ray"


def workers(jobs: int | None = None, backend: str | None = None) -> tuple[int, str]:
    """Take from the environment what is not given.

    Parameters
    ----------
    jobs : int, optional
        Worker processes. Default ``$MIRAGE_JOBS``, else the number of cores.
    backend : {"local", "dask", "ray"}, optional
        Default ``$MIRAGE_BACKEND``, else local.

    Returns
    -------
    (int, str)

    Raises
    ------
    ValueError
        No number of processes, or no such backend.

    Examples
    --------
    >>> workers(2, "dask")
    (2, 'dask')
    """
    import joblib

    backend = backend or os.environ.get("MIRAGE_BACKEND") or "local"
    if backend not in list(Backend):
        raise ValueError(f"backend: found {backend!r}, expected one of {', '.join(Backend)}")
    jobs = jobs or os.environ.get("MIRAGE_JOBS") or joblib.cpu_count()
    if not str(jobs).isdecimal() or int(jobs) < 1:
        raise ValueError(f"jobs: found {jobs!r}, expected a number of processes, at least 1")
    return int(jobs), backend


def unordered(tasks: Sequence[Any], jobs: int, backend: str) -> Iterator[Any]:
    """Yield results as they finish, in whatever order they do.

    Parameters
    ----------
    tasks : sequence
        Calls, made with ``joblib.delayed``.
    jobs : int
        Worker processes, one thread each.
    backend : {"local", "dask", "ray"}
        Dask connects to ``$DASK_SCHEDULER_ADDRESS`` and Ray to ``$RAY_ADDRESS`` where they are set,
        and start on this machine otherwise.

    Raises
    ------
    MirageError
        The backend's package is not installed.

    Notes
    -----
    A worker process that dies raises ``concurrent.futures.BrokenExecutor``.
    """
    import joblib

    # One task a batch: a kill costs what is in flight, which must not be a batch of finished ones.
    options = {"batch_size": 1, "max_nbytes": "1M"}
    with warnings.catch_warnings(), _backend(backend, jobs):
        # What a full disk ends leaves results unused, which joblib would remark on.
        warnings.filterwarnings("ignore", ".*You could benefit from adjusting", UserWarning)
        if joblib.parallel.get_active_backend()[0].supports_return_generator:
            yield from joblib.Parallel(return_as="generator_unordered", **options)(tasks)
        else:  # Ray's: rounds, so that a kill costs no more than one
            for start in range(0, len(tasks), jobs):
                yield from joblib.Parallel(**options)(tasks[start : start + jobs])


@contextmanager
def _backend(name: str, jobs: int) -> Iterator[None]:
    import joblib

    try:
        if name == "dask":
            from distributed import Client, KilledWorker
        elif name == "ray":
            from ray.util.joblib import register_ray
    except ModuleNotFoundError as error:
        raise MirageError(
            f"backend {name}: the package {error.name!r} is not installed; {remedy('cluster')}"
        ) from None
    if name == "local":
        watched = {"initializer": end_with, "initargs": (os.getpid(),)}
        with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1, **watched):
            yield
    elif name == "dask":
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        here = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
        with Client(address) if address else Client(**here), joblib.parallel_config("dask"):
            try:
                yield
            except KilledWorker as error:
                raise BrokenExecutor(str(error)) from error
    else:
        register_ray()
        with joblib.parallel_config("ray", n_jobs=jobs):
            yield
