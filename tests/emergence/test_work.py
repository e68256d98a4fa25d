"""Work in parts: remembered by content, reported, and stopped without losing what is done."""

from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

import joblib
import numpy as np
import pytest

from mirage import processes
from mirage.emergence.work import in_parts, key_of, working
from mirage.files import MirageError

MODULE = "mirage.fits.jump"


def test_parts_are_computed_once_and_come_in_order(tmp_path):
    calls, told = [], []

    def square(x):
        calls.append(x)
        return {"y": np.array([x**2])}

    def run(xs):
        with working(tmp_path, lambda *step: told.append(step)):
            found = in_parts("squares", square, xs, [key_of(x) for x in xs], MODULE)
        return [part["y"].item() for part in found]

    assert run([3, 1, 2]) == [9, 1, 4]
    assert sorted(calls) == [1, 2, 3]
    assert run([2, 3, 4]) == [4, 9, 16]  # one of them is new
    assert sorted(calls) == [1, 2, 3, 4]
    assert [step for step in told if step[1] == step[2]] == [("squares", 3, 3)] * 2
    damaged = next(tmp_path.glob("*.npz"))
    damaged.write_bytes(b"no archive")
    assert run([1, 2, 3, 4]) == [1, 4, 9, 16]
    assert len(calls) == 5


def test_parts_on_workers_are_remembered_and_come_in_order(tmp_path, monkeypatch):
    """In threads here; `tests/audit/test_audit.py` has workers of Dask."""
    monkeypatch.setattr(
        processes, "_backend", lambda _, n: joblib.parallel_config("threading", n_jobs=n)
    )
    calls, told = [], []

    def square(x):
        calls.append(x)
        return {"y": np.array([x**2])}

    def run(xs):
        with working(tmp_path, lambda *step: told.append(step), "dask"):
            found = in_parts("squares", square, xs, [key_of(x) for x in xs], MODULE)
        return [part["y"].item() for part in found]

    assert run([3, 1, 2]) == [9, 1, 4]
    assert run([2, 3, 4]) == [4, 9, 16]
    assert run([4, 3]) == [16, 9]
    assert sorted(calls) == [1, 2, 3, 4]
    assert told[-1] == ("squares", 2, 2)


def test_a_worker_that_dies_is_said_and_what_is_done_is_kept(tmp_path, monkeypatch):
    @contextmanager
    def dying(_, n):
        with joblib.parallel_config("threading", n_jobs=1):
            yield
            raise BrokenExecutor("a worker was killed")

    monkeypatch.setattr(processes, "_backend", dying)
    with working(tmp_path, backend="dask"), pytest.raises(MirageError, match="finished tests are"):
        in_parts("parts", lambda x: {"y": np.array([x])}, [1], [key_of(1)], MODULE)
    assert len(list(tmp_path.glob("*.npz"))) == 1


def test_what_is_done_before_an_interruption_is_kept(tmp_path):
    def fail(x):
        if x == 2:
            raise KeyboardInterrupt
        return {"y": np.array([x])}

    with working(tmp_path), pytest.raises(KeyboardInterrupt):
        in_parts("parts", fail, [0, 1, 2], [key_of(x) for x in range(3)], MODULE)
    assert list(tmp_path.glob("*.npz"))
    assert not list(tmp_path.glob("*.tmp*"))


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_parts("parts", lambda x: {"y": np.array([x])}, [1], [key_of(1)], MODULE)
    assert not list(tmp_path.iterdir())


def test_keys_tell_arrays_numbers_and_generators_apart():
    a = np.array([1.0, 2.0])
    keys = {
        key_of(a),
        key_of(a.astype(np.float32)),
        key_of(a[:, None]),
        key_of((a, None)),
        key_of(None),
        key_of(1),
        key_of("1"),
        key_of(np.random.default_rng(0)),
        key_of(np.random.default_rng(1)),
        key_of(np.random.default_rng(0).spawn(1)[0]),
    }
    assert len(keys) == 10
    assert key_of((a, None)) == key_of((a.copy(), None))
