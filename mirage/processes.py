"""Processes that do not outlive the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress


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
