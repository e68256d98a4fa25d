"""The data directory: where it is, its checksums, and reading a file only once they agree.

A data directory holds ``NAME.npz`` files, other tables, and ``SHA256SUMS`` in the format of
``sha256sum``. A comment line there (``sha256sum`` skips it) marks a file as downloaded.
"""

import functools
import hashlib
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mirage.datasets.spec import Spec
from mirage.files import DataError, atomic_write, sha256

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")
_DOWNLOADED = "# {} was downloaded by mirage"
_DATA = {".npz", ".csv", ".json", ".jsonl", ".parquet", ".gz", ".zip"}

EMBEDDED = Path(__file__).parent / "embedded"  # real data of the package, as in a data directory

logger = logging.getLogger("mirage.datasets")


class Verified(NamedTuple):
    """The files of a data set, whose SHA-256 are those on record.

    Attributes
    ----------
    paths : tuple of Path
        Where they lie.
    digest : str
        The SHA-256 of the file, or that of the list of them all.
    source : str
        ``"embedded"`` for files of the package, ``"download"`` if ``mirage data fetch`` made them,
        else ``"directory"``.
    """

    paths: tuple[Path, ...]
    digest: str
    source: str

    @property
    def path(self) -> Path:
        """The file, or the folder of several."""
        return self.paths[0] if len(self.paths) == 1 else self.paths[0].parent

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(path.stat().st_size for path in self.paths)


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


# Two changes within a tick of a file system's clock have one time; the coarsest, FAT's, has 2 s.
_TICK = 2_000_000_000  # nanoseconds


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
        if time.time_ns() - state.st_mtime_ns < _TICK:
            return sha256(path)
        return _digest(path, state.st_size, state.st_mtime_ns, state.st_ino)
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}; make it readable or remove it"
        ) from error


def find(spec: Spec, directory: Path) -> Verified | None:
    """Find a data set's files in `directory` and verify them.

    Parameters
    ----------
    spec : Spec
        The data set.
    directory : Path
        A data directory; it need not exist.

    Returns
    -------
    Verified or None
        None where there is none of its files.

    Raises
    ------
    DataError
        For a file without a checksum on record, or with another one: names file, expected, found.
        For some of the files without the others: names those.
    """
    missing = [name for name in spec.files if not os.path.lexists(directory / name)]
    if len(missing) == len(spec.files):
        return None
    if missing:
        raise DataError(
            f"{directory / missing[0]} is not there, but other files of {spec.name} are "
            f"({len(missing)} of {len(spec.files)} missing); {_advice(spec, directory)}"
        )
    sums = read_sums(directory)
    digests = [_verify(spec, directory, name, sums) for name in spec.files]
    downloaded = set(spec.files) <= sums.downloaded
    lines = "".join(f"{d}  {name}\n" for d, name in zip(digests, spec.files, strict=True))
    digest = digests[0] if len(digests) == 1 else hashlib.sha256(lines.encode()).hexdigest()
    paths = tuple(directory / name for name in spec.files)
    source = "download" if downloaded else "directory"
    return Verified(paths, digest, "embedded" if directory == EMBEDDED else source)


def find_embedded(spec: Spec) -> tuple[Spec, Verified] | None:
    """Find the files of a data set, or of its subset, that ship with the package.

    Returns
    -------
    (Spec, Verified) or None
        The data set or its subset, and the files; None where it is not embedded.

    Raises
    ------
    DataError
        As :func:`find`.
    """
    for candidate in (spec, spec.subset):
        if candidate and (file := find(candidate, EMBEDDED)):
            return candidate, file
    return None


def _verify(spec: Spec, directory: Path, name: str, sums: Sums) -> str:
    """Return the SHA-256 of one file, if it is the one on record."""
    path = directory / name
    expected = sums.digests.get(name)
    if expected is None:
        raise DataError(
            f"{path} cannot be verified: {directory / SUMS} has no line for it; "
            f"{_advice(spec, directory)}, or, if you trust it, add the line that "
            f"'sha256sum {name}' prints"
        )
    found = digest_file(path)
    if found != expected:
        raise DataError(
            f"{path} is damaged or was changed: expected SHA-256 {expected}, found {found}; "
            f"{_advice(spec, directory)}"
        )
    return found


def _advice(spec: Spec, directory: Path) -> str:
    """Say how to replace a data set's files."""
    if directory == EMBEDDED:
        return "install the package again"
    if spec.download:
        return f"replace it by 'mirage data fetch {spec.name}'"
    return f"replace it from where you have it ({spec.name} cannot be downloaded)"


def verify_directory(directory: Path) -> Iterator[tuple[str, str | None]]:
    """Compare every file on record with its checksum, and look for data files not on record.

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
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
        if path.suffix in _DATA and not hidden and path.is_file() and name not in digests:
            yield name, f"no line in {SUMS}"
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
