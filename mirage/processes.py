"""Processes that do not outlive the one that started them, and work in parts on many of them.

Work in parts is done by joblib, on this machine or on the workers of a Dask cluster, or by Ray's
tasks. Training (`mirage.training.sweep`) and audits (`mirage.emergence.work`) share it.
"""

from __future__ import annotations

import logging
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

from mirage.files import MirageError
from mirage.formatting import remedy

RETRIES = 3  # of a task whose worker died, on Ray; as many as Dask makes


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
        Worker processes, one thread each. A cluster at an address has workers of its own: all of
        them work.
    backend : {"local", "dask", "ray"}
        Dask connects to ``$DASK_SCHEDULER_ADDRESS`` and Ray to ``$RAY_ADDRESS`` where they are set,
        and start on this machine otherwise.

    Raises
    ------
    MirageError
        The backend's package is not installed, or Ray's cluster cannot be reached.

    Notes
    -----
    A worker process that dies raises ``concurrent.futures.BrokenExecutor``; on a cluster its task
    is first given to others, four workers in all.
    """
    if backend == "ray":
        yield from _on_ray(tasks, jobs)
        return
    import joblib

    # One task a batch: a kill costs what is in flight, which must not be a batch of finished ones.
    options = {"batch_size": 1, "max_nbytes": "1M"}
    with warnings.catch_warnings(), _backend(backend, jobs):
        # What a full disk ends leaves results unused, which joblib would remark on.
        warnings.filterwarnings("ignore", ".*You could benefit from adjusting", UserWarning)
        yield from joblib.Parallel(return_as="generator_unordered", **options)(tasks)


@contextmanager
def _backend(name: str, jobs: int) -> Iterator[None]:
    import joblib

    if name == "local":
        watched = {"initializer": end_with, "initargs": (os.getpid(),)}
        with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1, **watched):
            yield
        return
    try:
        from distributed import Client, KilledWorker
    except ModuleNotFoundError as error:
        raise _missing(name, error) from None
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    here = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with Client(address) if address else Client(**here), joblib.parallel_config("dask"):
        try:
            yield
        except KilledWorker as error:
            raise BrokenExecutor(str(error)) from error


def _missing(backend: str, error: ModuleNotFoundError) -> MirageError:
    return MirageError(
        f"backend {backend}: the package {error.name!r} is not installed; {remedy('cluster')}"
    )


def _on_ray(tasks: Sequence[Any], jobs: int) -> Iterator[Any]:
    """Yield results of Ray's tasks as they finish.

    Not by joblib's backend for Ray: a worker that dies takes a whole call with it there, and
    nothing is returned before all is done.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise _missing("ray", error) from None
    call = ray.remote(num_cpus=1, max_retries=RETRIES)(_call)
    sent: dict[int, Any] = {}  # what many tasks share travels once; `tasks` keeps the ids valid

    def send(value: Any) -> Any:
        if id(value) not in sent:
            sent[id(value)] = ray.put(value)
        return sent[id(value)]

    with _connected_to_ray(ray, jobs):
        waiting = [
            call.remote(function, options, *map(send, values))
            for function, values, options in tasks
        ]
        try:
            while waiting:
                (done,), waiting = ray.wait(waiting)
                yield ray.get(done)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise BrokenExecutor(str(error)) from error


def _call(function, options, *values):
    return function(*values, **options)


@contextmanager
def _connected_to_ray(ray, jobs: int) -> Iterator[None]:
    if ray.is_initialized():  # by whoever calls us
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address:  # workers of our own: for nobody else, nothing of them is told or left behind
        options |= {"num_cpus": jobs, "include_dashboard": False}
        import secrets  # here, for the sake of `mirage --help`

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Else Ray writes one into the home folder.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        ray.init(address or "local", **options)
    except Exception as error:  # Ray raises no narrower one
        at = f"no cluster answers at {address} (RAY_ADDRESS)" if address else "Ray did not start"
        raise MirageError(f"backend ray: {at}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()
