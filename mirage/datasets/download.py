"""Downloads into a data directory: only what is absent, each file checked before it takes its name.

A data set's own module knows how its files are made (``Spec.download``).
"""

import functools
import http.client
import os
import shutil
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mirage.datasets import bigbench_download
from mirage.datasets.directory import (
    Verified,
    find,
    find_embedded,
    logger,
    read_sums,
    record_download,
)
from mirage.datasets.spec import Spec
from mirage.files import DataError, MirageError, NetworkError, disk_faults, locked, sha256

_PATIENCE = 3.0  # seconds for a server's first answer
_LOCK = ".mirage-lock"


class Fetched(NamedTuple):
    """What a fetch did about one data set.

    Attributes
    ----------
    name : str
        The data set.
    file : Verified or None
        Its files; None where they could not be downloaded.
    downloaded : bool
        False where they were there before.
    fault : str
        Why it could not be downloaded; empty otherwise.
    """

    name: str
    file: Verified | None
    downloaded: bool = False
    fault: str = ""


def reachable(specs: Iterable[Spec]) -> set[str]:
    """Find the data sets that have a server that answers, within about 3 seconds in all.

    Parameters
    ----------
    specs : iterable of Spec
        Probed with HTTP HEAD requests, in parallel.

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


def fetch(specs: Sequence[Spec], directory: Path) -> list[Fetched]:
    """Make sure that each data set lies in `directory`, unless the package has it whole.

    A file that is there and verified is left alone, without a look at the network.
    Otherwise the data are downloaded; a damaged or unknown file is replaced.
    A second fetch of the same directory waits for the first.

    Parameters
    ----------
    specs : sequence of Spec
        The data sets; one that fails does not stop the others.
    directory : Path
        A data directory; made where it is absent.

    Returns
    -------
    list of Fetched
        What was done, in the order of `specs`. A network that fails is a ``fault`` there.

    Raises
    ------
    DataError
        Where a download is not the data set, ``SHA256SUMS`` is unreadable, or a data set has no
        download.
    DiskError
        Where the directory is read-only or the disk full; nothing half-written stays.
    """
    done = {spec.name: Fetched(spec.name, _there(spec, directory)) for spec in specs}
    absent = [spec for spec in specs if not done[spec.name].file]
    for spec in absent:
        if spec.download is None:
            raise DataError(f"{spec.name} is not in {directory}; {spec.how_to_get}")
    online = reachable(absent)
    for spec in absent:
        if spec.name not in online:
            done[spec.name] = Fetched(spec.name, None, fault=_unreachable(spec, directory))
    # Without a network the directory is not touched: it may be read-only.
    if online:
        with locked(directory / _LOCK):
            for spec in absent:
                if spec.name in online:
                    done[spec.name] = _fetch_one(spec, directory)
    return list(done.values())


def _there(spec: Spec, directory: Path) -> Verified | None:
    """Return the files of the whole data set, in `directory` or in the package."""
    if file := verified(spec, directory):
        return file
    candidate, file = find_embedded(spec) or (None, None)
    return file if candidate is spec else None


def _fetch_one(spec: Spec, directory: Path) -> Fetched:
    """Download a data set, unless another process was quicker."""
    if file := verified(spec, directory):
        return Fetched(spec.name, file)
    try:
        install(spec, directory, spec.download)
    except NetworkError as error:
        return Fetched(spec.name, None, fault=str(error))
    return Fetched(spec.name, find(spec, directory), downloaded=True)


def _unreachable(spec: Spec, directory: Path) -> str:
    """Say in one line that a data set cannot be downloaded, and what to do."""
    hosts = ", ".join(dict.fromkeys(urllib.parse.urlsplit(url).netloc for url in spec.urls))
    return (
        f"cannot download {spec.name}: no answer within {_PATIENCE:.0f} s from {hosts}; check the "
        f"network, or set $MIRAGE_DATA to a directory that has it (now {directory})"
    )


def verified(spec: Spec, directory: Path) -> Verified | None:
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
        install(SPEC, directory, functools.partial(bigbench_download.pack_clone, clone))


def install(spec: Spec, directory: Path, make: Callable[[Path], None]) -> None:
    """Make a data set's files in a folder of their own, read them, and put them in place.

    The caller holds the directory's lock.

    Parameters
    ----------
    spec : Spec
        The data set.
    directory : Path
        A data directory.
    make : callable
        ``make(folder)`` puts ``spec.files`` under `folder`.

    Raises
    ------
    NetworkError, DataError, DiskError
        As :func:`fetch`. What a stopped download has finished stays only where
        ``spec.by_name_only``, since it is then resumed.
    """
    partial = directory / f".{spec.name}.partial"
    try:
        with disk_faults(partial):
            if not spec.by_name_only:
                shutil.rmtree(partial, ignore_errors=True)  # what a killed fetch left
            partial.mkdir(parents=True, exist_ok=True)
            _make(spec, partial, make)
            spec.read([partial / name for name in spec.files])
            for name in spec.files:
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                # The checksum first: a kill between the two leaves no file, not an unknown one.
                record_download(directory, name, sha256(partial / name))
                os.replace(partial / name, directory / name)
            shutil.rmtree(partial, ignore_errors=True)
    finally:
        if not spec.by_name_only:
            shutil.rmtree(partial, ignore_errors=True)
    logger.info("%s: downloaded to %s", spec.name, directory / spec.files[0])


def _make(spec: Spec, partial: Path, make: Callable[[Path], None]) -> None:
    """Call `make`; a fault of the network is a :class:`NetworkError` of one line."""
    try:
        with disk_faults(partial):
            make(partial)
    except MirageError:
        raise
    except (RuntimeError, OSError, http.client.HTTPException) as error:
        # torchvision: RuntimeError if all mirrors fail or an MD5 is wrong, else URLError.
        reason = " ".join(str(error).split())
        raise NetworkError(f"the download of {spec.name} failed: {reason}") from error
