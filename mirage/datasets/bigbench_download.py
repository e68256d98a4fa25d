"""Getting the BIG-bench score files: from google/BIG-bench at a pinned commit, or from a clone.

The repository has many gigabytes of logs beside some megabytes of scores. So its tree is listed
once, and only the score files are downloaded, each checked against the hash git has for it.
A fetch that was stopped goes on where it was: finished files lie under their hash.

Not through pooch: it knows no git hashes, downloads one file after another, and tries again after
a 404 as after a 429.
"""

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import msgspec

from mirage.datasets.spec import GITHUB
from mirage.files import DataError, NetworkError, atomic_write
from mirage.readers.bigbench import TASKS, find, short_name

COMMIT = "092b196c1f8f14a54bbc62f24759d43bde46dd3b"  # the last one: archived in April 2026
ARCHIVE = "bigbench/scores.zip"
API = "https://api.github.com"
RAW = GITHUB
PROBE = f"{GITHUB}/google/BIG-bench/{COMMIT}/README.md"
_SCORES = re.compile(rf"{TASKS}[^/]+/results/scores_[^/]*\.json")
_N_THREADS = 16  # small files: the wait for an answer dominates
_STALL = 30  # seconds without a byte after which a download counts as broken
_WAITS = (1, 4, 15, 60)  # seconds; of thousands of requests some are turned away for a while
_BUSY = {403, 408, 425, 429, 500, 502, 503, 504}  # answers that may change; GitHub limits with 403


class Blob(NamedTuple):
    """A file of the repository.

    Attributes
    ----------
    path : str
        Its place, below the folder of tasks.
    sha1 : str
        The hash that git has for its content.
    """

    path: str
    sha1: str


class _Entry(msgspec.Struct):
    path: str
    type: str
    sha: str


class _Tree(msgspec.Struct):
    tree: list[_Entry]
    truncated: bool = False


def list_blobs() -> list[Blob]:
    """Ask GitHub for the score files at the pinned commit.

    Returns
    -------
    list of Blob
        Sorted by path.

    Raises
    ------
    NetworkError
        Where it does not answer, or with something else.
    DataError
        Where the list is not whole, or has no score files.
    """
    url = f"{API}/repos/google/BIG-bench/git/trees/{COMMIT}?recursive=1"
    try:
        tree = msgspec.json.decode(get(url), type=_Tree)
    except msgspec.DecodeError as error:
        raise NetworkError(f"{url} gave no list of files: {error}") from error
    blobs = [
        Blob(entry.path.removeprefix(TASKS), entry.sha)
        for entry in tree.tree
        if entry.type == "blob" and _SCORES.fullmatch(entry.path)
    ]
    if tree.truncated or not blobs:
        what = "only a part of the list" if tree.truncated else "no score files"
        raise DataError(
            f"{url} gave {what}; clone google/BIG-bench and use "
            "'mirage data fetch bigbench --clone FOLDER'"
        )
    return sorted(blobs)


def get(url: str) -> bytes:
    """Download a small file into memory; try again where that may help.

    Parameters
    ----------
    url : str
        HTTP or HTTPS.

    Returns
    -------
    bytes
        The whole body.

    Raises
    ------
    NetworkError
        Naming the address and what the last attempt met.
    """
    for wait in (*_WAITS, None):
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


def download(folder: Path) -> None:
    """Download the score files into an archive under `folder`; go on where a stopped one was.

    Parameters
    ----------
    folder : Path
        Keeps finished files, by their hash, until the archive is whole.

    Raises
    ------
    NetworkError
        Where files are missing in the end, or something else came in their place: how many, and
        the first reason.
    """
    blobs = list_blobs()
    store = folder / "blobs"
    absent = {blob.sha1: blob for blob in blobs if not _is_there(store, blob)}
    _download_blobs(list(absent.values()), store, len(blobs))
    pack(((blob.path, store / blob.sha1) for blob in blobs), folder / ARCHIVE, COMMIT)


def _download_blobs(blobs: list[Blob], store: Path, n_all: int) -> None:
    """Download several files at once; a few that fail do not stop the others.

    The workers count the faults themselves: when as many downloads as there are workers have
    failed, the network is gone, and no worker begins another one.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    faults = []

    def work(blob: Blob) -> None:
        if len(faults) >= _N_THREADS:
            return
        try:
            _download_blob(blob, store)
        except NetworkError as error:
            faults.append(str(error))
        else:
            bar.advance(task)

    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as bar,
        ThreadPoolExecutor(_N_THREADS) as pool,
    ):
        task = bar.add_task("  score files", total=n_all, completed=n_all - len(blobs))
        futures = [pool.submit(work, blob) for blob in blobs]
        try:
            for future in as_completed(futures):
                future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    if faults:
        n_here = sum(_is_there(store, blob) for blob in blobs) + n_all - len(blobs)
        raise NetworkError(
            f"{n_here} of {n_all} score files are here, {faults[0]}; "
            "'mirage data fetch bigbench' goes on from there"
        )


def _download_blob(blob: Blob, store: Path) -> None:
    """Download one file, check it, and keep it under its hash."""
    url = f"{RAW}/google/BIG-bench/{COMMIT}/{urllib.parse.quote(TASKS + blob.path)}"
    content = get(url)
    if (found := git_hash(content)) != blob.sha1:
        raise NetworkError(f"{url}: expected git hash {blob.sha1}, found {found}")
    with atomic_write(store / blob.sha1) as file:
        file.write(content)


def _is_there(store: Path, blob: Blob) -> bool:
    """Tell whether a file was downloaded; it was checked then, and written whole."""
    return (store / blob.sha1).is_file()


def git_hash(content: bytes) -> str:
    """Return the hash that git gives a file's content.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    str
        40 hexadecimal digits.

    Examples
    --------
    >>> git_hash(b"")  # as printed by: git hash-object /dev/null
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def pack_clone(clone: Path, folder: Path) -> None:
    """Put the score files of a clone into an archive under `folder`.

    Parameters
    ----------
    clone : Path
        A clone of google/BIG-bench.
    folder : Path
        The archive's folder.

    Raises
    ------
    DataError
        Where the clone has none.
    """
    files = find(clone)
    if not files:
        raise DataError(f"{clone} has no score files; expected {TASKS}<task>/results/scores_*.json")
    pack(((short_name(file), file) for file in files), folder / ARCHIVE, "a clone")


def pack(files: Iterable[tuple[str, Path]], archive: Path, origin: str) -> None:
    """Write files into a zip archive, the same bytes each time.

    Parameters
    ----------
    files : iterable of (str, Path)
        Name in the archive, and the file.
    archive : Path
        Appears whole or not at all.
    origin : str
        The commit, or other source; becomes the archive's comment.
    """
    with (
        atomic_write(archive) as target,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        out.comment = f"google/BIG-bench, {origin}".encode()
        for name, file in files:
            info = zipfile.ZipInfo(name)  # dated 1980: no clock in the bytes
            info.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(info, file.read_bytes())
