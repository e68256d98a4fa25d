"""Ways in which a log comes: other encodings and compressions, pipes, links, our own reports."""

import bz2
import gzip
import json
import lzma
import os
import threading

import pytest

from mirage.files import DataError
from mirage.readers import read

TABLE = "model,metric,score\nquill-70m,acc,0.25\nquill-1.4b,acc,0.5\n"
LOG = json.dumps({"results": {"sums": {"acc,none": 0.25}}, "model_name": "quill-70m"})


def found(path):
    return read(path).scores["score"].to_list()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", ["scores.csv", "log.json", "scores.jsonl"])
def test_text_that_says_its_encoding(tmp_path, encoding, name):
    rows = [{"model": m, "metric": "acc", "score": y} for m, y in [("q-70m", 0.25), ("q-1b", 0.5)]]
    lines = "\n".join(map(json.dumps, rows))
    text = {"scores.csv": TABLE, "log.json": LOG, "scores.jsonl": lines}[name]
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert found(tmp_path) == ([0.25] if name == "log.json" else [0.25, 0.5])


def test_half_of_a_character_is_named(tmp_path):
    (tmp_path / "scores.csv").write_bytes(TABLE.encode("utf-16")[:-1])
    with pytest.raises(DataError, match="expected UTF-16 text, as its first bytes say"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["scores.csv", "scores.csv.gz", "scores.CSV.GZ"])
@pytest.mark.parametrize("packed", [True, False])
def test_gzip_is_known_by_its_bytes(tmp_path, name, packed):
    content = TABLE.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    assert found(tmp_path) == [0.25, 0.5]


@pytest.mark.parametrize(
    ("suffix", "pack", "command"), [("xz", lzma.compress, "xz -d"), ("bz2", bz2.compress, "bzip2")]
)
def test_other_compressions_say_what_unpacks_them(tmp_path, suffix, pack, command):
    (tmp_path / "good.csv").write_text(TABLE)
    (tmp_path / f"scores.csv.{suffix}").write_bytes(pack(TABLE.encode()))
    (tmp_path / f"weights.tar.{suffix}").write_bytes(pack(b"no log"))
    (fault,) = read(tmp_path).faults
    assert f"scores.csv.{suffix}: the file is compressed by" in fault
    assert command in fault


def test_zstandard_is_named(tmp_path):
    (tmp_path / "scores.csv").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    with pytest.raises(DataError, match="compressed by Zstandard; unpack it first: zstd -d"):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("packed", [True, False])
def test_a_pipe_is_read_once(tmp_path, packed):
    os.mkfifo(tmp_path / "pipe")
    content = gzip.compress(TABLE.encode()) if packed else TABLE.encode()
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    writer.start()
    assert found(tmp_path / "pipe") == [0.25, 0.5]
    writer.join()


def test_linked_folders_are_read_and_loops_end(tmp_path):
    logs, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    logs.mkdir()
    elsewhere.mkdir()
    (elsewhere / "scores.csv").write_text(TABLE)
    (logs / "run").symlink_to(elsewhere, target_is_directory=True)
    (logs / "again").symlink_to(elsewhere, target_is_directory=True)
    (logs / "loop").symlink_to(logs, target_is_directory=True)
    found = read(logs)
    assert found.scores["score"].to_list() == [0.25, 0.5]
    assert found.files.height == 1


def test_a_folder_that_cannot_be_listed_is_a_fault(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "scores.csv").write_text(TABLE)
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (fault,) = read(tmp_path).faults
    assert fault.endswith("a: the folder cannot be listed; may you read it?")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and more", b"\xd0\xcf\x11\xe0\xa1\xb1"])
@pytest.mark.parametrize("name", ["scores.xlsx", "scores.XLS", "scores.ods"])
def test_a_spreadsheet_is_no_file_of_another_kind(tmp_path, name, content):
    (tmp_path / "scores.csv").write_text("model,task,score\nquill-70m,sums,0.1\n")
    (tmp_path / name).write_bytes(content)
    (tmp_path / f"~${name}").write_bytes(b"of a program that has it open")
    logs = read(tmp_path)
    expected = "save the sheet with the scores as csv" if content else "the file is empty"
    assert (logs.scores.height, len(logs.faults)) == (1, 1)
    assert logs.faults[0].startswith(f"{tmp_path / name}: ")
    assert expected in logs.faults[0]
