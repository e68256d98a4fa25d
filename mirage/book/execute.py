"""Execute one notebook in a kernel of its own: papermill is the only executor.

What it wrote appears under its final name when it is whole, and an earlier one stays until then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirage.files import MirageError

# A kernel is given ports that are free, and takes them a second later: another program may have one
# by then, and the kernel dies with this message before any cell has run.
DIED, STARTS = "Kernel died before replying to kernel_info", 3


@dataclass(frozen=True)
class Files:
    """Where the files of one execution lie, by the executed notebook's place.

    Parameters
    ----------
    target : Path
        The executed notebook, once it is whole.
    """

    target: Path

    @property
    def working(self) -> Path:
        """The notebook while it runs."""
        return self.target.with_suffix(".running.ipynb")

    @property
    def failed(self) -> Path:
        """The notebook up to the cell that failed."""
        return self.target.with_suffix(".failed.ipynb")

    @property
    def log(self) -> Path:
        """Its progress, see :mod:`mirage.progress`."""
        return self.target.with_suffix(".log")

    @property
    def data(self) -> Path:
        """The data sets that it loaded, see :func:`mirage.book.stamp.read_log`."""
        return self.target.with_suffix(".data.jsonl")


def execute(notebook: Path, files: Files, parameters: Mapping[str, Any], folder: Path) -> float:
    """Execute a notebook.

    Parameters
    ----------
    notebook : Path
        Its source.
    files : Files
        Where the results go.
    parameters : mapping
        Values that replace the notebook's own.
    folder : Path
        Working directory of the kernel.

    Returns
    -------
    float
        Seconds it took.

    Raises
    ------
    MirageError
        A cell failed, or the kernel died; the message is one line. What ran lies in
        ``files.failed`` then, and an earlier result is left as it was.
    """
    import papermill
    from jupyter_core.utils import ensure_event_loop

    for old in (files.working, files.log, files.data):
        old.unlink(missing_ok=True)
    start = time.monotonic()
    logs = {"MIRAGE_PROGRESS": str(files.log), "MIRAGE_DATA_LOG": str(files.data)}
    fault = ""
    try:
        for attempt in range(STARTS):
            try:
                papermill.execute_notebook(
                    notebook,
                    files.working,
                    dict(parameters),
                    kernel_name="python3",
                    kernel_manager_class=_kernel(logs, folder),
                    progress_bar=False,
                    start_timeout=600,  # seconds, for a busy machine
                    extra_arguments=[
                        "--IPKernelApp.log_level=50",  # its start and end are no news
                        "--IPKernelApp.extensions=mirage.book.pictures",
                    ],
                )
                break
            except RuntimeError as error:
                if DIED not in str(error) or attempt == STARTS - 1:
                    raise
    except papermill.PapermillExecutionError as error:
        fault = f"cell {error.cell_index}: {error.ename}: {error.evalue}"
    except Exception as error:  # a kernel that died or never started
        fault = f"{type(error).__name__}: {error}"
    finally:
        ensure_event_loop().close()  # this thread's, which nobody else closes
    if fault:
        if files.working.exists():  # not if the kernel never started
            os.replace(files.working, files.failed)
        seen = f" (see {files.failed})" if files.failed.exists() else ""
        raise MirageError(f"{fault.splitlines()[0]}{seen}")
    os.replace(files.working, files.target)
    files.failed.unlink(missing_ok=True)
    return time.monotonic() - start


def _kernel(environment: Mapping[str, str], folder: Path) -> type:
    """Make a kernel manager whose kernel has variables of its own, and works in ``folder``.

    Papermill's ``cwd`` would move this process, which other notebooks run in at the same time.
    """
    from jupyter_client import AsyncKernelManager

    class Kernel(AsyncKernelManager):
        async def start_kernel(self, **options):
            # Two kernels run side by side, and their arrays are small: a second thread would mostly
            # wait, at three times the processor time. Workers of a sweep have one thread as well.
            of_kernel = {"OMP_NUM_THREADS": "1", **os.environ, **environment}
            options |= {"env": of_kernel, "cwd": str(folder)}
            await super().start_kernel(**options)

    return Kernel
