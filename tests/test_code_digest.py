"""What invalidates a cached result, and what does not."""

import os
import sys

import pytest

from mirage import code_digest
from mirage.code_digest import digest, of_module, of_source, runtime

WHOLE = '''"""A module."""
from __future__ import annotations
import numpy as np
import pack.part
from pack.sub import deep
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from pack import hints

def f(x):
    """Return twice x."""
    from pack import late
    return 2 * x + pack.part.SHIFT
'''
FILES = {
    "__init__.py": "from pack import face_only\n",
    "whole.py": WHOLE,
    "part.py": 'from .near import X\nSHIFT = open("numbers.json")\n',
    "near.py": "X = 1\n",
    "late.py": "import torch\n",
    "hints.py": "",
    "face_only.py": "",
    "stranger.py": "",
    "numbers.json": "[1]",
    "sub/__init__.py": "from pack.sub import deep, other\n",
    "sub/deep.py": "",
    "sub/other.py": "",
}


@pytest.fixture
def pack(tmp_path, monkeypatch):
    folder = tmp_path / "pack"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    assert "pack" not in sys.modules, "nothing was imported"


def test_what_a_module_depends_on(pack):
    code = of_module("pack.whole")
    expected = {"whole", "part", "near", "late", "sub.deep", "part:numbers.json"}
    assert set(code.files) == {f"pack.{name}" for name in expected}
    assert code.packages == {"__future__", "numpy", "torch", "typing"}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("whole.py", "2 * x", "3 * x"),
        ("part.py", "SHIFT", "SHIFT2"),
        ("near.py", "1", "2"),
        ("late.py", "torch", "math"),
        ("numbers.json", "1", "2"),
    ],
)
def test_what_changes_the_digest(pack, file, old, new):
    before = digest(of_module("pack.whole"))
    change(pack / file, old, new)
    assert digest(of_module("pack.whole")) != before


@pytest.mark.parametrize("file", ["near.py", "numbers.json"])
def test_a_change_within_one_tick_of_the_clock_counts(pack, file):
    before, state = digest(of_module("pack.whole")), (pack / file).stat()
    change(pack / file, "1", "2")
    os.utime(pack / file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert digest(of_module("pack.whole")) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("whole.py", "A module.", "The module, described at length."),
        ("whole.py", "Return twice x.", "Twice x."),
        ("whole.py", '    """Return twice x."""\n', ""),
        ("whole.py", "2 * x", "(2\n            * x)"),
        ("whole.py", "SHIFT\n", "SHIFT  # a remark\n"),
        ("__init__.py", "face_only", "stranger"),
        ("hints.py", "", "class Hint: ..."),
        ("stranger.py", "", "x = 1"),
        ("sub/__init__.py", "deep, ", ""),
        ("sub/other.py", "", "x = 1"),
    ],
)
def test_what_does_not(pack, file, old, new):
    before = digest(of_module("pack.whole"))
    change(pack / file, old, new)
    assert digest(of_module("pack.whole")) == before


def change(path, old, new):
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")


def test_a_face_counts_where_it_is_imported_by_name(pack):
    (pack / "stranger.py").write_text("from pack.sub import anything", encoding="utf-8")
    files = set(of_module("pack.stranger").files)
    assert files == {"pack.stranger", "pack.sub", "pack.sub.deep", "pack.sub.other"}
    assert set(of_source("import pack", pack).files) == {"pack", "pack.face_only"}


def test_code_of_a_notebook(pack):
    code = of_source("import polars as pl\nfrom pack import near", pack)
    assert set(code.files) == {"pack.near"}
    assert code.packages == {"polars"}


def test_modules_left_out_are_not_followed(pack):
    code = of_module("pack.whole", without={"pack.part"})
    assert set(code.files) == {"pack.whole", "pack.late", "pack.sub.deep"}


def test_a_missing_package_makes_nothing_shorter(pack, monkeypatch):
    before = digest(of_module("pack.whole"))
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it raises
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert digest(of_module("pack.whole")) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"import pack.absent", r"imports pack\.absent, which has no file"),
        (b"from pack.absent import x", r"imports pack\.absent, which has no file"),
        (b"def f(:", "cannot read the source .*near.py"),
        (b"# coding: utf-8\nx = '\xff'", "cannot read the source .*near.py"),
        (b"x = '\0'", "cannot read the source .*near.py"),
    ],
)
def test_what_cannot_be_read_is_an_error(pack, content, said):
    (pack / "near.py").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        of_module("pack.whole")


def test_code_that_does_not_parse_is_an_error(pack):
    with pytest.raises(ValueError, match="does not parse"):
        of_source("%matplotlib inline", pack)


@pytest.mark.parametrize("name", ["pack.absent", "no_such_module", "sys", "__main__"])
def test_module_without_source_is_an_error(pack, name):
    with pytest.raises(ValueError, match=f"no source of module '{name}'"):
        of_module(name)


def test_runtime_names_versions_of_what_is_imported(monkeypatch):
    monkeypatch.setattr(code_digest, "version", {"numpy": "2.0", "torch": "2.5"}.__getitem__)
    monkeypatch.setattr(code_digest, "_device", lambda: "cuda")
    assert runtime(["numpy", "polars"]) == {"numpy": "2.0"}
    assert runtime(["torch", "numpy"]) == {"numpy": "2.0", "torch": "2.5", "device": "cuda"}


def test_runtime_of_an_absent_package_is_said(monkeypatch):
    def absent(name):
        raise code_digest.PackageNotFoundError(name)

    monkeypatch.setattr(code_digest, "version", absent)
    assert runtime(["torch"]) == {"torch": "none"}
