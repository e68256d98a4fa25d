"""Data sets: verified or refused, sources in their order, downloads whole or absent."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from toy_arrays import TOY, toy_arrays

from mirage import datasets
from mirage.datasets import download, mnist
from mirage.datasets.directory import EMBEDDED, read_sums, record_download, verify_directory
from mirage.datasets.images import ArraySpec, read_npz
from mirage.files import DataError, DiskError, NetworkError, sha256


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """An empty data directory, chosen by the environment."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("MIRAGE_DATA", str(folder))
    monkeypatch.delenv("MIRAGE_SOURCE", raising=False)
    return folder


@pytest.fixture
def nothing_embedded(monkeypatch, tmp_path):
    """The package brings no data."""
    monkeypatch.setattr("mirage.datasets.directory.EMBEDDED", tmp_path / "none")


@pytest.fixture
def toy(data_dir, nothing_embedded, monkeypatch):
    """MNIST of five training and three test images, of which a verified file lies in data_dir."""
    arrays = {name: ArraySpec("uint8", shape) for name, shape in TOY.items()}
    spec = replace(
        mnist.SPEC,
        read_files=partial(read_npz, expected=arrays),
        download=lambda folder: np.savez(folder / "mnist.npz", **toy_arrays()),
    )
    monkeypatch.setattr(datasets, "REGISTRY", {"mnist": spec})
    path = data_dir / "mnist.npz"
    np.savez(path, **toy_arrays())
    (data_dir / "SHA256SUMS").write_text(f"{sha256(path)}  mnist.npz\n")
    return spec


def answer(specs):
    return {spec.name for spec in specs}


def test_verified_file_is_read(toy, data_dir):
    data = datasets.load("mnist")
    assert (data.source, data.is_subset) == ("directory", False)
    assert data.digest == sha256(data_dir / "mnist.npz")
    for name, array in toy_arrays().items():
        np.testing.assert_array_equal(getattr(data, name), array)


def test_each_load_gives_fresh_arrays(toy):
    first = datasets.load("mnist")
    before = first.x_train.copy()
    first.x_train[:] = 7
    np.testing.assert_array_equal(datasets.load("mnist").x_train, before)


@pytest.mark.parametrize("source", ["auto", "directory"])
def test_flipped_bit_is_refused(toy, data_dir, source):
    path = data_dir / "mnist.npz"
    datasets.load("mnist")  # a good read before must not hide the fault after
    expected, content = sha256(path), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        datasets.load("mnist", source=source)
    for part in (str(path), expected, sha256(path), "mirage data fetch mnist"):
        assert part in str(caught.value)


def test_a_change_within_one_tick_of_the_clock_is_seen(toy, data_dir):
    path = data_dir / "mnist.npz"
    datasets.load("mnist")
    content, state = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(DataError, match="is damaged"):
        datasets.load("mnist")


def test_truncated_file_is_refused(toy, data_dir):
    path = data_dir / "mnist.npz"
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DataError, match="is damaged or was changed"):
        datasets.load("mnist")


def test_file_off_the_record_is_refused(toy, data_dir):
    (data_dir / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match=r"has no line for it.*sha256sum mnist\.npz"):
        datasets.load("mnist")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 no archive", "no readable npz archive"),
        (b"", "no readable npz archive"),
        (np.zeros(3), "no readable npz archive"),  # a lone npy array
        ({"x_train": np.zeros((5, 28, 28), "u1")}, "no array 'y_train'; found x_train"),
        (toy_arrays() | {"y_test": np.zeros(2, "u1")}, r"'y_test' is uint8 \(2,\); expected"),
        (toy_arrays() | {"x_test": np.zeros(TOY["x_test"])}, "'x_test' is float64"),
        (toy_arrays() | {"y_test": np.array([{}] * 3)}, "no readable npz archive"),  # pickled
    ],
)
def test_file_on_record_but_not_the_data_set(toy, data_dir, content, message):
    path = data_dir / "mnist.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, dict):
        np.savez(path, **content)
    else:
        with path.open("wb") as file:
            np.save(file, content)
    (data_dir / "SHA256SUMS").write_text(f"{sha256(path)}  mnist.npz\n")
    with pytest.raises(DataError, match=message):
        datasets.load("mnist")


def test_malformed_record_is_named(toy, data_dir):
    (data_dir / "SHA256SUMS").write_text("# ours\n\nabc  mnist.npz\n")
    for action in (datasets.load, datasets.fetch):
        with pytest.raises(DataError, match=r"line 3 is 'abc  mnist\.npz'; expected"):
            action("mnist")


def test_sources(data_dir, monkeypatch):
    assert datasets.load("omniglot").source == "embedded"
    with pytest.raises(
        DataError, match=r"omniglot\.npz is not there; 'mirage data fetch omniglot'"
    ):
        datasets.load("omniglot", source="directory")
    path = data_dir / "omniglot.npz"
    shutil.copy(EMBEDDED / "omniglot.npz", path)
    (data_dir / "SHA256SUMS").write_text(f"{sha256(path)}  omniglot.npz\n")
    assert datasets.load("omniglot").source == "directory"  # it comes first
    assert datasets.load("omniglot", source="embedded").source == "embedded"
    monkeypatch.setenv("MIRAGE_SOURCE", "embedded")
    assert datasets.load("omniglot").source == "embedded"
    assert datasets.load("omniglot", source="directory").source == "directory"  # it wins
    path.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"omniglot\.npz is damaged"):
        datasets.load("omniglot", source="auto")  # the embedded one does not replace it silently
    with pytest.raises(DataError, match="no data set 'cifar10'; there are mnist"):
        datasets.load("cifar10")
    monkeypatch.setenv("MIRAGE_SOURCE", "reel")
    with pytest.raises(DataError, match="'reel'; expected auto, directory, embedded"):
        datasets.load("mnist")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("inverse_scaling", r"it has no download \(hundreds of result files .*\$MIRAGE_DATA names"),
        ("gpt3_tasks", "'mirage data fetch gpt3_tasks' downloads it"),
        ("bigbench", "'mirage data fetch bigbench' downloads it"),
    ],
)
def test_what_cannot_be_embedded_is_absent_and_says_how_to_get_it(data_dir, name, remedy):
    assert not datasets.available(name)
    with pytest.raises(DataError, match=remedy):
        datasets.load(name)


def test_loading_is_logged_for_whoever_asks(toy, data_dir, tmp_path, monkeypatch):
    log = tmp_path / "log.jsonl"
    datasets.load("mnist")
    assert not log.exists()
    monkeypatch.setenv("MIRAGE_DATA_LOG", str(log))
    loaded = [datasets.load("mnist"), datasets.load("mnist", source="directory")]
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert lines == [
        {key: getattr(data, key) for key in ("name", "digest", "description", "source")}
        | {"module": "mirage.datasets.mnist"}
        for data in loaded
    ]


def test_digest_and_availability_need_no_reading(toy, data_dir):
    assert datasets.available("mnist")
    assert datasets.digest("mnist") == sha256(data_dir / "mnist.npz")
    (data_dir / "mnist.npz").unlink()
    assert not datasets.available("mnist")
    assert not datasets.available("imagenet")


def test_what_was_looked_for_in_vain_is_logged_too(toy, data_dir, tmp_path, monkeypatch):
    log = tmp_path / "log.jsonl"
    (data_dir / "mnist.npz").unlink()
    monkeypatch.setenv("MIRAGE_DATA_LOG", str(log))
    assert not datasets.available("mnist")
    assert not datasets.available("imagenet"), "which nobody can add"
    [line] = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    assert (line["name"], line["digest"], line["module"]) == ("mnist", "", "mirage.datasets.mnist")


def test_one_data_set_imports_no_other():
    script = (
        "import sys, mirage.datasets as d; d.get_spec('mnist'); "
        "print(sorted({m.split('.')[2] for m in sys.modules if m.startswith('mirage.datasets.')}"
        " & set(d.REGISTRY)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "['mnist']\n"


def test_verify_directory(toy, data_dir):
    (data_dir / "new.npz").write_bytes(b"")
    with (data_dir / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64} *gone.csv\n")
    assert dict(verify_directory(data_dir)) == {
        "mnist.npz": None,
        "new.npz": "no line in SHA256SUMS",
        "gone.csv": "missing",
    }


def test_record_keeps_other_lines_and_sha256sum_agrees(toy, data_dir):
    (data_dir / "SHA256SUMS").write_text(f"# mine\n{'0' * 64}  mnist.npz\n{'1' * 64}  b.csv\n")
    record_download(data_dir, "mnist.npz", sha256(data_dir / "mnist.npz"))
    sums = read_sums(data_dir)
    assert sums.downloaded == {"mnist.npz"}
    assert sums.digests == {"mnist.npz": sha256(data_dir / "mnist.npz"), "b.csv": "1" * 64}
    assert (data_dir / "SHA256SUMS").read_text().startswith("# mine\n")


# Downloads -------------------------------------------------------------------------------------


def test_present_file_needs_no_network(toy, monkeypatch):
    monkeypatch.setattr(download, "reachable", lambda s: pytest.fail("asked") if s else set())
    (done,) = datasets.fetch("mnist")
    assert (done.name, done.downloaded, done.fault) == ("mnist", False, "")


@pytest.mark.parametrize("damage", [b"", b"x" * 1000])
def test_fetch_replaces_a_damaged_file(toy, data_dir, monkeypatch, damage):
    monkeypatch.setattr(download, "reachable", answer)
    (data_dir / "mnist.npz").write_bytes(damage)
    datasets.fetch("mnist")
    data = datasets.load("mnist")
    assert data.source == "download"
    np.testing.assert_array_equal(data.x_test, toy_arrays()["x_test"])


def test_no_network_is_one_line_within_seconds(toy, data_dir, monkeypatch):
    (data_dir / "mnist.npz").unlink()
    # A reserved name that never resolves (RFC 2606).
    spec = replace(toy, urls=("https://mirage.invalid/mnist.gz",))
    monkeypatch.setattr(datasets, "REGISTRY", {"mnist": spec})
    with pytest.raises(NetworkError) as caught:
        datasets.fetch("mnist")
    assert "mirage.invalid" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (data_dir / "mnist.npz").exists()


def test_probe_gives_up_on_a_server_that_never_answers(monkeypatch):
    monkeypatch.setattr(download, "_PATIENCE", 0.2)
    monkeypatch.setenv("no_proxy", "*")
    done = threading.Event()

    def hang(*_, **__):
        done.wait()
        raise TimeoutError

    monkeypatch.setattr(download.urllib.request, "urlopen", hang)
    assert download.reachable([mnist.SPEC]) == set()  # returns although the probes still wait
    done.set()


@pytest.mark.parametrize(("step", "error"), [("fsync", 28), ("replace", 30), ("replace", 28)])
def test_full_or_read_only_disk_leaves_nothing(toy, data_dir, monkeypatch, step, error):
    (data_dir / "mnist.npz").unlink()
    (data_dir / "SHA256SUMS").unlink()
    monkeypatch.setattr(download, "reachable", answer)

    def fail(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(DiskError, match=os.strerror(error)):
        datasets.fetch("mnist")
    assert {path.name for path in data_dir.iterdir()} == {".mirage-lock"}


def test_disk_that_fills_during_the_download(toy, data_dir, monkeypatch):
    (data_dir / "mnist.npz").unlink()

    def fill(folder):
        (folder / "half").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datasets, "REGISTRY", {"mnist": replace(toy, download=fill)})
    monkeypatch.setattr(download, "reachable", answer)
    with pytest.raises(DiskError, match="No space left on device; free some space"):
        datasets.fetch("mnist")
    assert {path.name for path in data_dir.iterdir()} == {".mirage-lock", "SHA256SUMS"}


def test_failed_replacement_keeps_the_record_of_a_file_that_is_not_there(
    toy, data_dir, monkeypatch
):
    # The checksum is written first: if the rename then fails, there is a line and no file.
    (data_dir / "mnist.npz").unlink()
    monkeypatch.setattr(download, "reachable", answer)
    rename = os.replace

    def fail_on_data(source, target):
        if Path(target).suffix == ".npz":
            raise OSError(30, os.strerror(30))
        rename(source, target)

    monkeypatch.setattr(os, "replace", fail_on_data)
    with pytest.raises(DiskError):
        datasets.fetch("mnist")
    with pytest.raises(DataError, match="is not there"):  # absent, not damaged
        datasets.load("mnist")


def test_wrong_download_is_refused(toy, data_dir, monkeypatch):
    (data_dir / "mnist.npz").unlink()
    content = toy_arrays() | {"y_train": np.zeros(4, "u1")}
    wrong = replace(toy, download=lambda folder: np.savez(folder / "mnist.npz", **content))
    monkeypatch.setattr(datasets, "REGISTRY", {"mnist": wrong})
    monkeypatch.setattr(download, "reachable", answer)
    with pytest.raises(DataError, match="array 'y_train'"):
        datasets.fetch("mnist")
    assert not (data_dir / "mnist.npz").exists()


FETCH = """
import sys, time
from dataclasses import replace
from functools import partial
from pathlib import Path
import numpy as np
from mirage.datasets import download, mnist
from mirage.datasets.images import ArraySpec, download_npz, read_npz

directory, name, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])

def make(folder):
    (folder / "archive").write_bytes(b"half")
    with (directory / "log").open("a") as log:
        log.write(name + " ")
    time.sleep(seconds)
    np.savez(folder / name, x=np.arange(9))

download.reachable = lambda specs: {spec.name for spec in specs}
read = partial(read_npz, expected={"x": ArraySpec("int64", (9,))})
spec = replace(mnist.SPEC, name=name, files=(f"{name}.npz",), read_files=read, download=make)
download.fetch([spec], directory)
"""


def start_fetch(directory: Path, name: str, seconds: float) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", FETCH, str(directory), name, str(seconds)])


def test_fetches_at_once_and_after_a_kill(data_dir):
    killed = start_fetch(data_dir, "a", 60)
    log = data_dir / "log"
    while not (log.exists() and log.read_text()):  # a busy machine stops between the two
        assert killed.poll() is None, "the fetch ended before it was killed"
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert (data_dir / ".a.partial").exists()
    # Three at once: two of the same set, one of another.
    fetches = [start_fetch(data_dir, name, 0.3) for name in "aab"]
    assert [fetch.wait() for fetch in fetches] == [0, 0, 0]
    # Once by the killed one, once for each set by those after it: no work done twice.
    assert sorted((data_dir / "log").read_text().split()) == ["a", "a", "b"]
    assert dict(verify_directory(data_dir)) == {"a.npz": None, "b.npz": None}
    names = {path.name for path in data_dir.iterdir()}
    assert names == {"a.npz", "b.npz", "SHA256SUMS", "log", ".mirage-lock"}
