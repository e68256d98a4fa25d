"""Unpacking of compressed logs within bounds: a small file cannot fill the memory.

Compression says nothing about what comes out: a file of a megabyte can hold a hundred gigabytes.
Everything is therefore unpacked piece by piece, and refused as soon as

- what has to be in memory at once (a member of an archive, a line, a file that is read whole) has
  more than `LARGEST` bytes, or
- beyond the first `FREE` bytes, more than `RATIO` bytes have come out for each byte of the file, of
  all members together.

Logs of evaluations are compressed by factors of 5 to 50. Whoever trusts a file that is refused can
unpack it: files that are not compressed have no bound.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mirage.formatting import remedy
from mirage.readers.files import BadFile

LARGEST = 512 << 20
FREE = 64 << 20
RATIO = 250

_PIECE = 1 << 20
_ZSTANDARD = 93  # among the compressions of zip
_KINDS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTANDARD}
_ENCRYPTED = 1  # of a member's flags
_LOCAL_HEADER = struct.Struct("<26xHH")


class Meter:
    """Counts what comes out of one file.

    Parameters
    ----------
    packed : int
        Bytes of the file.

    Examples
    --------
    >>> meter = Meter(1000)
    >>> meter.add(FREE)
    >>> meter.add(1)
    Traceback (most recent call last):
    mirage.readers.files.BadFile: found more than 64 MiB in a compressed file of 1,000 bytes, \
expected at most 250 times its size; unpack it if you trust it
    """

    def __init__(self, packed: int):
        self.packed = packed
        self.most = max(FREE, RATIO * packed)
        self.total = 0

    def add(self, n: int) -> None:
        """Count `n` further bytes; :class:`BadFile` where there are too many."""
        self.total += n
        if self.total > self.most:
            raise BadFile(
                f"found more than {self.most >> 20} MiB in a compressed file of {self.packed:,} "
                f"bytes, expected at most {RATIO} times its size; unpack it if you trust it"
            )


def too_large(what: str) -> BadFile:
    """The fault of what is too large to be in memory at once."""
    return BadFile(
        f"{what} has more than {LARGEST >> 20} MiB when it is unpacked, expected at most that; "
        "unpack it if you trust it"
    )


class _Gunzip(io.RawIOBase):
    """The content of a gzip file, metered."""

    def __init__(self, source: Path | bytes):
        is_path = isinstance(source, Path)
        self._file = gzip.GzipFile(source) if is_path else gzip.GzipFile(fileobj=io.BytesIO(source))
        self._meter = Meter(source.stat().st_size if is_path else len(source))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            piece = self._file.read(len(buffer))
        except zlib.error as error:
            raise BadFile(f"the gzip file is damaged: {error}") from error
        self._meter.add(len(piece))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_gzip(source: Path | bytes) -> io.BufferedReader:
    """Open a gzip file, or its content, for reading piece by piece, within the bound of `RATIO`.

    Raises
    ------
    BadFile
        On reading: more comes out than the bound, or the file is damaged.
    """
    return io.BufferedReader(_Gunzip(source), 1 << 16)


def whole(file: io.BufferedReader) -> bytes:
    """Read all of an unpacked file; :class:`BadFile` beyond `LARGEST`.

    Examples
    --------
    >>> whole(io.BufferedReader(io.BytesIO(b"{}")))
    b'{}'
    """
    return _up_to(file, LARGEST, "the file")


def lines(file: io.BufferedReader) -> Iterator[bytes]:
    """Read an unpacked file line by line; :class:`BadFile` for a line beyond `LARGEST`."""
    while line := file.readline(LARGEST + 1):
        if len(line) > LARGEST:
            raise too_large("a line")
        yield line


class Archive:
    """Members of a zip archive, each read within the bounds; made by :func:`archive_of`."""

    def __init__(self, file: zipfile.ZipFile, packed: int):
        self._archive = file
        self._meter = Meter(packed)

    @property
    def names(self) -> list[str]:
        """Names of the members, in their order."""
        return self._archive.namelist()

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        Raises
        ------
        BadFile
            It is damaged, encrypted, too large, or compressed in another way than evaluation logs
            are: whole, by deflate, or by Zstandard.
        """
        try:
            info = self._archive.getinfo(name)
            if info.compress_type not in _KINDS:
                raise BadFile(f"{name} is compressed in a way that no evaluation log is")
            if info.flag_bits & _ENCRYPTED:
                raise BadFile(f"{name} is encrypted, expected a log that can be read")
            if info.file_size > LARGEST:
                raise too_large(name)
            if info.compress_type == _ZSTANDARD:
                return self._zstandard(info)
            with self._archive.open(info) as member:
                return _up_to(member, info.file_size, name, self._meter)
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError) as error:
            raise BadFile(f"the archive is damaged: {name}: {error}") from error

    def _zstandard(self, info: zipfile.ZipInfo) -> bytes:
        """The zipfile module knows Zstandard from Python 3.14 on, and asks for no bound there."""
        file = self._archive.fp
        file.seek(info.header_offset)
        try:
            skipped = sum(_LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size)))
        except struct.error as error:
            raise BadFile(f"the archive is damaged: {info.filename}: {error}") from error
        file.seek(skipped, io.SEEK_CUR)  # a name and further fields
        packed = io.BytesIO(file.read(info.compress_size))
        with _zstandard_reader(packed, info.filename) as member:
            content = _up_to(member, info.file_size, info.filename, self._meter)
        if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
            raise BadFile(
                f"the archive is damaged: {info.filename} has another content than its checksum"
            )
        return content


@contextmanager
def archive_of(source: Path | bytes) -> Iterator[Archive]:
    """Open a zip archive.

    Parameters
    ----------
    source : Path or bytes
        The file, or its content.

    Yields
    ------
    Archive

    Raises
    ------
    BadFile
        It is no zip archive, or a damaged one.

    Examples
    --------
    >>> file = io.BytesIO()
    >>> with zipfile.ZipFile(file, "w") as archive:
    ...     archive.writestr("header.json", "{}")
    >>> with archive_of(file.getvalue()) as archive:
    ...     archive.names, archive.read("header.json")
    (['header.json'], b'{}')
    """
    is_path = isinstance(source, Path)
    try:
        file = zipfile.ZipFile(source if is_path else io.BytesIO(source))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise BadFile(f"the archive is damaged: {error}") from error
    with file:
        yield Archive(file, source.stat().st_size if is_path else len(source))


def names_of(path: Path) -> list[str]:
    """Names of an archive's members; empty where it cannot be read."""
    try:
        with archive_of(path) as archive:
            return archive.names
    except (BadFile, OSError):
        return []


@contextmanager
def _zstandard_reader(packed: io.BytesIO, name: str) -> Iterator[io.BufferedIOBase]:
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        zstd = None
    if zstd:
        reader, fault = zstd.ZstdFile(packed), zstd.ZstdError
    else:
        try:
            import zstandard
        except ImportError as error:
            raise BadFile(
                "the archive is compressed with Zstandard, which this Python cannot read; "
                + remedy("logs")
            ) from error
        reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        fault = zstandard.ZstdError
    try:
        with reader:
            yield reader
    except fault as error:
        raise BadFile(f"the archive is damaged: {name}: {error}") from error


def _up_to(file, most: int, name: str, meter: Meter | None = None) -> bytes:
    """Read at most so many bytes, piece by piece; what has more is refused."""
    content = bytearray()
    while piece := file.read(min(_PIECE, most + 1 - len(content))):
        content += piece
        if meter:
            meter.add(len(piece))
        if len(content) > LARGEST:
            raise too_large(name)
        if len(content) > most:
            raise BadFile(f"the archive is damaged: {name} has more bytes than it states")
    return bytes(content)
