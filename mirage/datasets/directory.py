"""The data directory: where it is, its checksums, and reading a file only once they agree.

A data directory holds ``NAME.npz`` files, other tables, and ``SHA256SUMS`` in the format of
``sha256sum``. A comment line there (``sha256sum`` skips it) marks a file as downloaded.
"""

import functools
import logging
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mirage.datasets.spec import Arrays, DatasetSpec, check_arrays
from mirage.files import DataError, atomic_write, sha256

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")
_DOWNLOADED = "# {} was downloaded by mirage"

logger = logging.getLogger("mirage.datasets")


class Verified(NamedTuple):
    """A file whose SHA-256 is the one on record.

    Attributes
    ----------
    path : Path
        Where it lies.
    digest : str
        Its SHA-256.
    source : str
        ``"download"`` if ``mirage data fetch`` made it, else ``"directory"``.
    """

    path: Path
    digest: str
    source: str


class Sums(NamedTuple):
    """The content of ``SHA256SUMS``.

    Attributes
    ----------
    digests : dict of str to str
        SHA-256 by file name.
    downloaded : set of str
        Files that ``mirage data fetch`` made.
    """

    digests: dict[str, str]
    downloaded: set[str]


def data_directory() -> Path:
    """Return the data directory: ``$MIRAGE_DATA``, else a folder in the platform's cache.

    Examples
    --------
    >>> data_directory().is_absolute()
    True
    """
    if chosen := os.environ.get("MIRAGE_DATA"):
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("mirage") / "data"


def read_sums(directory: Path) -> Sums:
    """Read ``SHA256SUMS``; an absent file is an empty one.

    Raises
    ------
    DataError
        Naming a line that is neither a checksum nor a comment, or a file that cannot be read.
    """
    path = directory / SUMS
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Sums({}, set())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check $MIRAGE_DATA") from error
    sums = Sums({}, set())
    for number, line in enumerate(text.splitlines(), 1):
        if match := _LINE.fullmatch(line):
            sums.digests[match[2]] = match[1].lower()
        elif line.startswith("#"):
            sums.downloaded.update(re.findall(_DOWNLOADED.format(r"(\S+)"), line))
        elif line.strip():
            raise DataError(f"{path}: line {number} is {line!r}; expected 'SHA-256  file name'")
    return sums


def record_download(directory: Path, file_name: str, digest: str) -> None:
    """Write the checksum of a downloaded file into ``SHA256SUMS``, atomically.

    The caller holds the directory's lock. Lines of other files stay as they are.
    """
    path = directory / SUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    mark = _DOWNLOADED.format(file_name)

    def is_old(line: str) -> bool:
        match = _LINE.fullmatch(line)
        return line == mark or bool(match and match[2] == file_name)

    kept = [line for line in lines if not is_old(line)]
    with atomic_write(path) as file:
        file.write("\n".join([*kept, mark, f"{digest}  {file_name}", ""]).encode())


@functools.lru_cache(maxsize=64)
def _digest(path: Path, _size: int, _changed: int, _inode: int) -> str:
    """Hash a file once per process, and again only if it changed."""
    return sha256(path)


def digest_file(path: Path) -> str:
    """Return the SHA-256 of `path`, hashed once per process unless the file changes.

    Raises
    ------
    DataError
        Where the file cannot be read.
    """
    try:
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns, state.st_ino)
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}; make it readable or remove it"
        ) from error


def find(spec: DatasetSpec, directory: Path) -> Verified | None:
    """Find a data set's file in `directory` and verify it.

    Parameters
    ----------
    spec : DatasetSpec
        The data set.
    directory : Path
        A data directory; it need not exist.

    Returns
    -------
    Verified or None
        None where there is no such file.

    Raises
    ------
    DataError
        For a file without a checksum on record, or with another one: names file, expected, found.
    """
    path = directory / spec.file_name
    if not os.path.lexists(path):
        return None
    sums = read_sums(directory)
    expected = sums.digests.get(spec.file_name)
    if expected is None:
        raise DataError(
            f"{path} cannot be verified: {directory / SUMS} has no line for it; replace the file "
            f"by 'mirage data fetch {spec.name}', or, if you trust it, add the line that "
            f"'sha256sum {spec.file_name}' prints"
        )
    found = digest_file(path)
    if found != expected:
        raise DataError(
            f"{path} is damaged or was changed: expected SHA-256 {expected}, found {found}; "
            f"replace it by 'mirage data fetch {spec.name}'"
        )
    source = "download" if spec.file_name in sums.downloaded else "directory"
    return Verified(path, found, source)


def read_arrays(spec: DatasetSpec, path: Path) -> Arrays:
    """Read the arrays of an npz file and check names, shapes and dtypes.

    Raises
    ------
    DataError
        For a file that is no npz archive, or not this data set.
    """
    try:
        # Opened here: np.load leaves its own handle open when the archive is broken.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in spec.arrays if name in archive.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        # TypeError: a lone npy array is no archive to open.
        raise DataError(f"{path} is no readable npz archive: {error}") from error
    check_arrays(arrays, spec.arrays, path)
    return arrays


def verify_directory(directory: Path) -> Iterator[tuple[str, str | None]]:
    """Compare every file on record with its checksum, and look for npz files not on record.

    Parameters
    ----------
    directory : Path
        A data directory.

    Yields
    ------
    name : str
        A file.
    fault : str or None
        None for a file as recorded; else what was found instead.
    """
    digests = read_sums(directory).digests
    for path in sorted(directory.glob("*.npz")):
        if path.name not in digests:
            yield path.name, f"no line in {SUMS}"
    for name, expected in digests.items():
        path = directory / name
        if not path.is_file():
            yield name, "missing"
            continue
        try:
            found = digest_file(path)
        except DataError as error:
            yield name, str(error)
            continue
        yield name, None if found == expected else f"expected SHA-256 {expected}, found {found}"
