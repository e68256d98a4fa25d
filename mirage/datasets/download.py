"""Downloads: images through torchvision, converted to npz; tables from pinned commits.

Each file is checked and its checksum recorded before it takes its name.
"""

import functools
import http.client
import os
import shutil
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mirage.datasets import bigbench_download
from mirage.datasets.directory import Verified, find, logger, read_sums, record_download
from mirage.datasets.images import DatasetSpec, check_arrays
from mirage.datasets.tables import TableSpec
from mirage.files import DataError, NetworkError, atomic_write, disk_faults, locked, sha256

_PATIENCE = 3.0  # seconds for a server's first answer
_LOCK = ".mirage-lock"


def reachable(specs: Iterable[DatasetSpec | TableSpec]) -> set[str]:
    """Tell which data sets have a server that answers, within about 3 seconds in all.

    Parameters
    ----------
    specs : iterable of DatasetSpec or TableSpec
        Their first bytes are asked for (HTTP HEAD), all at once.

    Returns
    -------
    set of str
        Names of the data sets that can be downloaded now.
    """
    answered: set[str] = set()

    def ask(name: str, url: str) -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE):
                answered.add(name)
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            logger.info("%s: no answer from %s: %s", name, url, error)

    # Daemon threads: a name server that does not answer may hold one for longer than we wait.
    probes = [
        threading.Thread(target=ask, args=(spec.name, url), daemon=True)
        for spec in specs
        for url in spec.urls
    ]
    deadline = time.monotonic() + _PATIENCE
    for probe in probes:
        probe.start()
    for probe in probes:
        probe.join(max(0.0, deadline - time.monotonic()))
    return set(answered)


def fetch(specs: Sequence[DatasetSpec | TableSpec], directory: Path) -> None:
    """Make sure that a verified file of each data set lies in `directory`.

    A file that is there and verified is left alone, without a look at the network.
    Otherwise the data are downloaded; a damaged or unknown file is replaced.
    A second fetch of the same directory waits for the first.

    Parameters
    ----------
    specs : sequence of DatasetSpec or TableSpec
        The data sets; one that fails does not stop the others.
    directory : Path
        A data directory; made where it is absent.

    Raises
    ------
    NetworkError
        Where no server answers, or one stops answering: after the others are done.
    DataError
        Where a download is not the data set, ``SHA256SUMS`` is unreadable, or a data set is
        nowhere to be downloaded.
    DiskError
        Where the directory is read-only or the disk full; nothing half-written stays.
    """
    absent = [spec for spec in specs if not verified(spec, directory)]
    if not absent:
        return
    for spec in absent:
        if isinstance(spec, TableSpec) and spec.download is None:
            raise DataError(
                f"{spec.name} cannot be downloaded ({spec.origin}): put {', '.join(spec.files)} "
                f"and their lines of SHA256SUMS into {directory}"
            )
    with locked(directory / _LOCK):
        absent = [spec for spec in specs if not verified(spec, directory)]  # another was quicker
        online = reachable(absent)
        unreached = [spec for spec in absent if spec.name not in online]
        faults = [_unreachable(unreached, directory)] if unreached else []
        for spec in absent:
            if spec.name in online:
                try:
                    if isinstance(spec, TableSpec):
                        _install(spec, directory, spec.download)
                    else:
                        _download(spec, directory)
                except NetworkError as error:
                    faults.append(str(error))
    if faults:
        raise NetworkError("; ".join(faults))


def _unreachable(specs: Sequence[DatasetSpec | TableSpec], directory: Path) -> str:
    """Say in one line which data sets cannot be downloaded, and what to do."""
    names = ", ".join(spec.name for spec in specs)
    hosts = ", ".join(dict.fromkeys(urllib.parse.urlsplit(u).netloc for s in specs for u in s.urls))
    return (
        f"cannot download {names}: no answer within {_PATIENCE:.0f} s from {hosts}; check the "
        f"network, or point $MIRAGE_DATA at a directory that has them (now {directory})"
    )


def verified(spec: DatasetSpec | TableSpec, directory: Path) -> Verified | None:
    """Return the verified file, or None where it is absent, damaged or unknown.

    Raises
    ------
    DataError
        Where ``SHA256SUMS`` itself is unreadable: no download mends that.
    """
    read_sums(directory)
    try:
        return find(spec, directory)
    except DataError as error:
        logger.info("%s: %s", spec.name, error)
        return None


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """Make an empty folder and remove it afterwards; what a killed fetch left goes first."""
    with disk_faults(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(spec: DatasetSpec | TableSpec, directory: Path) -> None:
    """Download into a temporary folder, convert, and write the file with its checksum."""
    from mirage._torchvision import quiet_download

    target = directory / spec.file_name
    with _temporary(directory / f".{spec.name}.partial") as partial:
        try:
            with disk_faults(partial), quiet_download():
                arrays = spec.convert(partial)
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            # torchvision: RuntimeError if all mirrors fail or an MD5 is wrong, else URLError.
            reason = " ".join(str(error).split())
            raise NetworkError(f"the download of {spec.name} failed: {reason}") from error
    check_arrays(arrays, spec.arrays, f"the download of {spec.name}")
    with atomic_write(target) as file:
        np.savez_compressed(file, **arrays)
        file.flush()
        # The checksum first: a kill between the two then leaves no file, not an unknown one.
        record_download(directory, target.name, sha256(file.name))
    logger.info("%s: downloaded to %s", spec.name, target)


def fetch_clone(clone: Path, directory: Path) -> None:
    """Put the score files of a clone of google/BIG-bench into `directory`, without a network.

    Parameters
    ----------
    clone : Path
        The clone.
    directory : Path
        A data directory; made where it is absent.

    Raises
    ------
    DataError
        Where the clone has no score file, or none that can be read.
    DiskError
        As :func:`fetch`.
    """
    from mirage.datasets.bigbench import SPEC

    with locked(directory / _LOCK):
        _install(SPEC, directory, functools.partial(bigbench_download.pack_clone, clone))


def _install(spec: TableSpec, directory: Path, make: Callable[[Path], None]) -> None:
    """Make a table's files in a folder that outlives a failure, read them, and put them in place.

    What a stopped download has finished is still there the next time.
    """
    partial = directory / f".{spec.name}.partial"
    with disk_faults(partial):
        partial.mkdir(parents=True, exist_ok=True)
        make(partial)
        spec.load([partial / name for name in spec.files])
        for name in spec.files:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            record_download(directory, name, sha256(partial / name))
            os.replace(partial / name, directory / name)
        shutil.rmtree(partial, ignore_errors=True)
    logger.info("%s: downloaded to %s", spec.name, directory / spec.files[0])
