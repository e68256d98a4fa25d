"""Compressed logs: what would fill the memory is refused early, whatever compressed it."""

import bz2
import gzip
import io
import json
import lzma
import random
import struct
import tracemalloc
import zipfile
import zlib
from functools import cache

import polars as pl
import pytest

from mirage.files import DataError
from mirage.readers import bigbench, files, unpack
from mirage.readers.files import BadFile
from mirage.readers.logs import read

MIB = 1 << 20
SCORES = "model,task,metric,score\n" + "".join(f"toy-{n}M,sums,acc,0.5\n" for n in (70, 160, 410))


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch):
    """The bounds divided by 64: the rules are the same, and a test needs no gigabyte."""
    monkeypatch.setattr(unpack, "LARGEST", 8 * MIB)
    monkeypatch.setattr(unpack, "FREE", MIB)


def zeros(n: int):
    """So many bytes, a mebibyte at a time."""
    return (bytes(MIB) for _ in range(n // MIB))


@cache
def deflated(n: int, wbits: int) -> bytes:
    packer = zlib.compressobj(6, wbits=wbits)
    return b"".join([*map(packer.compress, zeros(n)), packer.flush()])


@cache
def zstandard(n: int) -> bytes:
    packer = pytest.importorskip("zstandard").ZstdCompressor(level=1).compressobj()
    return b"".join([*map(packer.compress, zeros(n)), packer.flush()])


def archive(members: dict[str, tuple[int, bytes, int]]) -> bytes:
    """A zip archive of packed contents, each with its kind and the size that it states."""
    body, directory = b"", b""
    for name, (kind, packed, size) in members.items():
        crc = zlib.crc32(bytes(size) if size == MIB else b"" if kind else packed)
        fields = struct.pack("<HHHHHIIIHH", 20, 0, kind, 0, 0, crc, len(packed), size, len(name), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + fields
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name.encode()
        body += b"PK\3\4" + fields + name.encode() + packed
    n = len(members)
    return (
        body
        + directory
        + b"PK\5\6"
        + struct.pack("<HHHHIIH", 0, 0, n, n, len(directory), len(body), 0)
    )


def peak(work) -> tuple[str, int]:
    """The message of the fault, and the largest number of bytes that were held."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as found:
            work()
        return str(found.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


BOMB = 64 * MIB


@pytest.mark.parametrize("name", ["scores.csv.gz", "samples_sums.jsonl.gz", "results.json.gz"])
@pytest.mark.parametrize("start", [b"", b'{"a": "', b"model,task,metric,score\n", b"[\n"])
def test_a_gzip_bomb_is_a_fault_and_not_the_end(tmp_path, name, start):
    path = tmp_path / name
    path.write_bytes(gzip.compress(start) + deflated(BOMB, 31))
    assert path.stat().st_size < MIB
    message, held = peak(lambda: read(path))
    said = ("found more than", "has more than 8 MiB when it is") if start else ("expected one of",)
    assert any(text in message for text in said), message
    assert held < 48 * MIB


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, 93])
@pytest.mark.parametrize("stated", [1000, BOMB, 2**32 - 1])
@pytest.mark.parametrize("member", ["header.json", "samples/1_epoch_1.json"])
def test_a_bomb_in_an_inspect_log_is_a_fault(tmp_path, kind, stated, member):
    packed = deflated(BOMB, -15) if kind == zipfile.ZIP_DEFLATED else zstandard(BOMB)
    header = b'{"eval": {"task": "sums", "model": "toy-70m"}, "status": "success"}'
    members = {"header.json": (0, header, len(header))} | {member: (kind, packed, stated)}
    path = tmp_path / "log.eval"
    path.write_bytes(archive(members))
    message, held = peak(lambda: read(path))
    said = f"{member} has more than 8 MiB", f"the archive is damaged: {member}"
    assert f"log.eval: {said[stated == 1000]}" in message
    assert held < 48 * MIB


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_no_log_has_are_refused_unread(tmp_path, kind):
    """Of a few kilobytes of these, zipfile unpacks gigabytes in one piece."""
    packed = (bz2 if kind == zipfile.ZIP_BZIP2 else lzma).compress(bytes(MIB))
    path = tmp_path / "log.eval"
    path.write_bytes(archive({"header.json": (kind, packed, MIB)}))
    with pytest.raises(DataError, match=r"header\.json is compressed in a way that no evaluation"):
        read(path)


def test_many_members_share_one_bound(tmp_path):
    """Each member is small; all of them together come out of almost nothing."""
    packed = deflated(MIB, -15)
    path = tmp_path / "all.zip"
    path.write_bytes(archive({f"scores_{i}.json": (8, packed, MIB) for i in range(400)}))
    contents = []

    def read_all():
        with unpack.archive_of(path) as found:
            for name in found.names:
                contents.append(found.read(name))

    with pytest.raises(BadFile, match="expected at most 250 times its size"):
        read_all()
    assert len(contents) == unpack.RATIO * path.stat().st_size // MIB < 400
    with pytest.raises(DataError, match="no BIG-bench scores"):
        bigbench.read(path)


def test_an_encrypted_log_is_named(tmp_path):
    path = tmp_path / "log.eval"
    content = bytearray(archive({"header.json": (0, b"{}", 2)}))
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"header\.json is encrypted"):
        read(path)


def test_damage_of_a_gzip_file_is_a_fault_of_this_file(tmp_path):
    (tmp_path / "good.csv").write_text(SCORES)
    packed = bytearray(gzip.compress((SCORES * 100).encode()))
    packed[40:60] = bytes(20)
    (tmp_path / "bad.csv.gz").write_bytes(packed)
    (tmp_path / "torn.csv.gz").write_bytes(gzip.compress((SCORES * 100).encode())[:60])
    logs = read(tmp_path)
    assert logs.scores.height == 3
    assert sorted(fault.split(":")[0].rsplit("/")[-1] for fault in logs.faults) == [
        "bad.csv.gz",
        "torn.csv.gz",
    ]


@pytest.mark.parametrize("repeats", [1, 2000])
def test_well_compressed_logs_are_read(tmp_path, repeats):
    """The same prompt in every row: the tables compress far better than text does."""
    rng = random.Random(0)
    long = "prompt " * 20
    rows = [
        f"toy-{n}M,sums{i},{rng.random():.3f},{long}" for i in range(repeats) for n in (70, 410)
    ]
    text = "model,task,score,note\n" + "\n".join(rows)
    (tmp_path / "plain.csv").write_text(text)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(text.encode()))
    plain, packed = (read(tmp_path / name).scores for name in ("plain.csv", "packed.csv.gz"))
    columns = ["model", "task", "score"]
    assert packed.select(columns).equals(plain.select(columns))
    assert plain.height == 2 * repeats


def test_a_line_has_a_bound_and_a_file_of_lines_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "LARGEST", 4000)
    rng = random.Random(0)
    lines = [json.dumps({"x": rng.randbytes(900).hex()}).encode() + b"\n" for _ in range(100)]
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"".join(lines)))
    with unpack.open_gzip(path) as file:
        assert list(unpack.lines(file)) == lines
    path.write_bytes(gzip.compress(b"".join(lines) + b"x" * 4001))
    with unpack.open_gzip(path) as file, pytest.raises(BadFile, match="a line has more than"):
        list(unpack.lines(file))


def test_a_table_that_looks_like_text_is_not_unpacked_by_polars(tmp_path):
    """Polars unpacks a csv that begins like zlib's output; here the header is in sight, too."""
    header = b"model,score," + b"x" * 0x3FF0 + b"\n"
    block = header + b"a,1,2\n" * ((0x4020 - len(header)) // 6)
    block += b"\n" * (0x4020 - len(block))
    stored = b"\x78\x01\x00" + struct.pack("<HH", 0x4020, 0xFFFF ^ 0x4020) + block
    path = tmp_path / "scores.csv"
    path.write_bytes(stored + deflated(MIB, -15) + b"\0" * 4)
    with pytest.raises(DataError, match="expected one of"):
        read(path)


def test_a_parquet_table_of_billions_of_equal_values_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CELLS", 10_000)
    table = pl.read_csv(io.StringIO(SCORES))
    table.write_parquet(tmp_path / "small.parquet")
    assert read(tmp_path / "small.parquet").scores.height == 3
    pl.concat([table] * 1000).write_parquet(tmp_path / "large.parquet")
    with pytest.raises(DataError, match="3,000 rows and 4 columns, expected at most 10,000"):
        read(tmp_path / "large.parquet")
