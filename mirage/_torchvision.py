"""The one place that imports torchvision: its data-set classes, for downloads.

PyPI's torchvision for Linux is built against CUDA.
Beside a CPU-only torch its compiled operators do not load, and its import then stops at
``operator torchvision::nms does not exist``, when it registers their shape-only ("fake") kernels.
We need only the data-set classes, which use none of these operators.
So the registration of ``torchvision::*`` is skipped during the import, and only then.
"""

import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch


def _skip_torchvision(register_fake: Callable) -> Callable:
    """Wrap ``torch.library.register_fake`` to leave ``torchvision::*`` unregistered."""

    def register(op: Any, func: Callable | None = None, /, **options: Any) -> Callable:
        if isinstance(op, str) and op.startswith("torchvision::"):
            return func if func is not None else lambda kernel: kernel
        return register_fake(op, func, **options)

    return register


with mock.patch.object(
    torch.library, "register_fake", _skip_torchvision(torch.library.register_fake)
):
    from torchvision import transforms
    from torchvision.datasets import CIFAR100, MNIST, Omniglot
    from torchvision.datasets import utils as _utils

__all__ = ["CIFAR100", "MNIST", "Omniglot", "quiet_download", "transforms"]

_STALL = 30  # seconds without a byte after which a download counts as broken


class _RichBar:
    """The few methods of tqdm that torchvision's download calls, drawn by rich."""

    def __init__(self, total: int | None = None, **_: Any):
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

        columns = ("  downloading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> "_RichBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, n: int) -> None:
        self._progress.advance(self._task, n)


@contextmanager
def quiet_download() -> Iterator[None]:
    """Download and read through torchvision with our progress bar, and without hanging.

    torchvision sets no timeout and draws with tqdm; both are mended here, for the body only.
    Deprecation warnings are silenced: they concern torchvision's way of reading its own fixed,
    MD5-checked archives (tarfile's filter, NumPy's dtype of 2009), and no reader can act on them.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALL)
    try:
        with mock.patch.object(_utils, "tqdm", _RichBar), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.filterwarnings("ignore", message=".*align should be passed")
            yield
    finally:
        socket.setdefaulttimeout(before)
