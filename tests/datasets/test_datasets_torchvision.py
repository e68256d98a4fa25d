"""torchvision's own download and reading, on tiny files in its formats from a local server."""

import gzip
import http.server
import io
import pickle
import tarfile
import threading
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from toy_arrays import TOY, toy_arrays

from mirage import datasets
from mirage.datasets import cifar100, download, mnist, omniglot
from mirage.datasets.images import read_npz
from mirage.files import NetworkError


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """An empty data directory, chosen by the environment."""
    directory = tmp_path / "data"
    directory.mkdir()
    monkeypatch.setenv("MIRAGE_DATA", str(directory))
    monkeypatch.delenv("MIRAGE_SOURCE", raising=False)
    monkeypatch.setattr("mirage.datasets.directory.EMBEDDED", tmp_path / "none")
    return directory


def gzipped(array: np.ndarray) -> bytes:
    """Write the idx format: 0, 0, type 8 (uint8), number of axes, their lengths, the bytes."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return gzip.compress(head + array.tobytes())


def mnist_files(site: Path) -> None:
    for part, file in (("train", "train"), ("test", "t10k")):
        x, y = toy_arrays()[f"x_{part}"], toy_arrays()[f"y_{part}"]
        (site / f"{file}-images-idx3-ubyte.gz").write_bytes(gzipped(x))
        (site / f"{file}-labels-idx1-ubyte.gz").write_bytes(gzipped(y))


def cifar_files(site: Path) -> None:
    # The authors distribute pickles, which torchvision reads after checking their MD5; the test
    # must write what it reads. First image: red plane 1, green 2, blue 3.
    rows = np.repeat(np.uint8([[1, 2, 3], [4, 5, 6]]), 1024, axis=1)
    members = {
        "train": {"data": rows, "fine_labels": [7, 99]},
        "test": {"data": rows[:1], "fine_labels": [8]},
        "meta": {"fine_label_names": [f"class {i}" for i in range(100)]},
    }
    with tarfile.open(site / "cifar-100-python.tar.gz", "w:gz") as tar:
        for name, content in members.items():
            info, body = tarfile.TarInfo(f"cifar-100-python/{name}"), pickle.dumps(content)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))


def omniglot_files(site: Path) -> None:
    from PIL import Image

    for part, alphabets in (("background", ["Greek", "Braille"]), ("evaluation", ["Angelic"])):
        with zipfile.ZipFile(site / f"images_{part}.zip", "w") as archive:
            for alphabet in alphabets:
                for drawing in range(1, 21):
                    scan = np.ones((105, 105), bool)  # white paper
                    scan[:15, :15] = False  # ink; 105/28 = 3.75 scan pixels to one of ours
                    scan[104, 104] = drawing != 20
                    file = io.BytesIO()
                    Image.fromarray(scan).convert("1").save(file, "PNG")
                    name = f"images_{part}/{alphabet}/character01/0001_{drawing:02}.png"
                    archive.writestr(name, file.getvalue())


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Keep the test's output clean."""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder and the address at which a local server offers it; torchvision looks there."""
    from mirage import _torchvision

    folder = tmp_path / "site"
    folder.mkdir()
    handler = partial(QuietHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "_PATIENCE", 60.0)  # a busy machine may need more than 3 s
    monkeypatch.setattr(_torchvision.MNIST, "mirrors", [f"{url}/"])
    monkeypatch.setattr(_torchvision.CIFAR100, "url", f"{url}/cifar-100-python.tar.gz")
    monkeypatch.setattr(_torchvision.Omniglot, "download_url_prefix", url)
    yield folder, url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def any_md5(monkeypatch):
    """Our tiny files have other MD5s than the real ones."""
    from mirage import _torchvision

    monkeypatch.setattr(_torchvision._utils, "check_md5", lambda *_, **__: True)


def offer(monkeypatch, module, url, lengths):
    """Put a data set alone into the registry, with its first axes shortened to `lengths`."""
    arrays = {
        name: replace(array, shape=(lengths.get(name, array.shape[0]), *array.shape[1:]))
        for name, array in module.ARRAYS.items()
    }
    read = partial(read_npz, expected=arrays)
    spec = replace(module.SPEC, urls=(f"{url}/",), read_files=read)
    monkeypatch.setattr(datasets, "REGISTRY", {spec.name: spec})


def test_download_of_mnist(site, any_md5, data_dir, monkeypatch, capfd):
    mnist_files(site[0])
    offer(monkeypatch, mnist, site[1], {name: shape[0] for name, shape in TOY.items()})
    datasets.fetch("mnist")
    data = datasets.load("mnist", source="directory")
    assert data.source == "download"
    for name, array in toy_arrays().items():
        np.testing.assert_array_equal(getattr(data, name), array)
    assert {p.name for p in data_dir.iterdir()} == {"mnist.npz", "SHA256SUMS", ".mirage-lock"}
    assert capfd.readouterr().out == ""  # the progress bar goes to stderr


def test_download_of_cifar100(site, any_md5, data_dir, monkeypatch):
    cifar_files(site[0])
    offer(monkeypatch, cifar100, site[1], {"x_test": 1, "y_test": 1})
    datasets.fetch("cifar100")
    data = datasets.load("cifar100")
    np.testing.assert_array_equal(data.x_train[0], np.full((32, 32, 3), [1, 2, 3]))
    np.testing.assert_array_equal(data.x_train[1], np.full((32, 32, 3), [4, 5, 6]))
    assert data.y_train.tolist() == [7, 99]
    assert data.y_test.tolist() == [8]
    assert data.description.startswith("subset of CIFAR-100 (2 of its 50 000 training images")
    with np.load(data_dir / "cifar100.npz", allow_pickle=False) as archive:
        assert archive["label_names"][99] == "class 99"


def test_download_of_omniglot(site, any_md5, data_dir, monkeypatch):
    omniglot_files(site[0])
    offer(monkeypatch, omniglot, site[1], dict.fromkeys(omniglot.ARRAYS, 3))
    datasets.fetch("omniglot")
    data = datasets.load("omniglot")
    assert data.alphabet.tolist() == ["Braille", "Greek", "Angelic"]
    assert data.is_background.tolist() == [True, True, False]
    assert data.character.tolist() == [1, 1, 1]
    # 15 inked scan pixels are exactly 4 of ours: 15 / 3.75.
    expected = np.zeros((28, 28))
    expected[:4, :4] = 255
    np.testing.assert_array_equal(data.x[0, 0], expected)
    # Pillow's box takes a scan pixel wholly or not: 4 × 4 of them here, so 255 / 16 = 15.9.
    assert data.x[0, 19, 27, 27] == 16


def test_wrong_md5_leaves_nothing(site, data_dir, monkeypatch):
    mnist_files(site[0])  # the real MD5s are asked for: a damaged download
    offer(monkeypatch, mnist, site[1], {})
    with pytest.raises(NetworkError, match="the download of mnist failed") as caught:
        datasets.fetch("mnist")
    assert "\n" not in str(caught.value)
    assert {path.name for path in data_dir.iterdir()} == {".mirage-lock"}


def test_probe(site):
    folder, url = site
    (folder / "here").write_bytes(b"")
    here = replace(mnist.SPEC, name="here", urls=(f"{url}/gone", f"{url}/here"))
    gone = replace(mnist.SPEC, name="gone", urls=(f"{url}/gone",))
    assert download.reachable([here, gone]) == {"here"}


def test_torchvision_is_imported_in_one_place():
    root = Path(datasets.__file__).parents[1]
    importers = [p.name for p in root.rglob("*.py") if "from torchvision" in p.read_text()]
    assert importers == ["_torchvision.py"]
    import torch

    from mirage._torchvision import CIFAR100, MNIST, Omniglot

    assert [c.__name__ for c in (MNIST, CIFAR100, Omniglot)] == ["MNIST", "CIFAR100", "Omniglot"]
    assert torch.library.register_fake.__module__ == "torch.library"  # the patch is gone
