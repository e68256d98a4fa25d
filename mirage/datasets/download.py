"""Downloads: torchvision fetches, we convert to npz, verify and record the checksum."""

import http.client
import shutil
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mirage.datasets.directory import Verified, find, logger, read_sums, record_download
from mirage.datasets.spec import DatasetSpec, check_arrays
from mirage.files import DataError, NetworkError, atomic_write, disk_faults, locked, sha256

_PATIENCE = 3.0  # seconds for a server's first answer
_LOCK = ".mirage-lock"


def reachable(specs: Iterable[DatasetSpec]) -> set[str]:
    """Tell which data sets have a server that answers, within about 3 seconds in all.

    Parameters
    ----------
    specs : iterable of DatasetSpec
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


def fetch(specs: Sequence[DatasetSpec], directory: Path) -> None:
    """Make sure that a verified file of each data set lies in `directory`.

    A file that is there and verified is left alone, without a look at the network.
    Otherwise the data are downloaded; a damaged or unknown file is replaced.
    A second fetch of the same directory waits for the first.

    Parameters
    ----------
    specs : sequence of DatasetSpec
        The data sets; one that fails does not stop the others.
    directory : Path
        A data directory; made where it is absent.

    Raises
    ------
    NetworkError
        Where no server answers, or one stops answering: after the others are done.
    DataError
        Where a download is not the data set, or ``SHA256SUMS`` is unreadable.
    DiskError
        Where the directory is read-only or the disk full; nothing half-written stays.
    """
    if not [spec for spec in specs if not verified(spec, directory)]:
        return
    with locked(directory / _LOCK):
        absent = [spec for spec in specs if not verified(spec, directory)]  # another was quicker
        online = reachable(absent)
        unreached = [spec for spec in absent if spec.name not in online]
        faults = [_unreachable(unreached, directory)] if unreached else []
        for spec in absent:
            if spec.name in online:
                try:
                    _download(spec, directory)
                except NetworkError as error:
                    faults.append(str(error))
    if faults:
        raise NetworkError("; ".join(faults))


def _unreachable(specs: Sequence[DatasetSpec], directory: Path) -> str:
    """Say in one line which data sets cannot be downloaded, and what to do."""
    names = ", ".join(spec.name for spec in specs)
    hosts = ", ".join(dict.fromkeys(urllib.parse.urlsplit(u).netloc for s in specs for u in s.urls))
    return (
        f"cannot download {names}: no answer within {_PATIENCE:.0f} s from {hosts}; check the "
        f"network, or point $MIRAGE_DATA at a directory that has them (now {directory})"
    )


def verified(spec: DatasetSpec, directory: Path) -> Verified | None:
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


def _download(spec: DatasetSpec, directory: Path) -> None:
    """Download into a temporary folder, convert, and write the file with its checksum."""
    from mirage.datasets._torchvision import quiet_download

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
