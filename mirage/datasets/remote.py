"""Downloads of small files at pinned commits: plain HTTPS, retried, checked."""

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from mirage.datasets.tables import Remote
from mirage.files import NetworkError, atomic_write

_STALL = 30  # seconds without a byte after which a download counts as broken
_WAITS = (1.0, 4.0)  # seconds before the second and the third attempt
_BUSY = {403, 408, 425, 429, 500, 502, 503, 504}  # answers that may change; GitHub limits with 403


def get(url: str, waits: Sequence[float] = _WAITS) -> bytes:
    """Download a small file into memory; try again where that may help.

    Parameters
    ----------
    url : str
        HTTP or HTTPS.
    waits : sequence of float
        Seconds before each further attempt.

    Returns
    -------
    bytes
        The whole body.

    Raises
    ------
    NetworkError
        Naming the address and what the last attempt met.
    """
    for wait in (*waits, None):
        try:
            with urllib.request.urlopen(url, timeout=_STALL) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            fault, again = f"HTTP {error.code} {error.reason}", error.code in _BUSY
            error.close()
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            fault, again = str(error) or type(error).__name__, True
        if wait is None or not again:
            break
        time.sleep(wait)
    raise NetworkError(f"cannot download {url}: {fault}")


def download_all(remotes: Sequence[Remote], folder: Path) -> None:
    """Download files under `folder`; one that is already there, and right, is left alone.

    Parameters
    ----------
    remotes : sequence of Remote
        The files.
    folder : Path
        Made where it is absent.

    Raises
    ------
    NetworkError
        Where a file cannot be had, or something else came in its place.
    """
    for remote in remotes:
        target = folder / remote.file
        if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == remote.sha256:
            continue
        content = get(remote.url)
        found = hashlib.sha256(content).hexdigest()
        if found != remote.sha256:
            raise NetworkError(f"{remote.url}: expected SHA-256 {remote.sha256}, found {found}")
        with atomic_write(target) as file:
            file.write(content)
