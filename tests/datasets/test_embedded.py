"""The embedded files are the published ones, within the size that a clone may have."""

import hashlib
import shutil

import numpy as np
import pytest

from mirage import datasets
from mirage.datasets import cifar100
from mirage.datasets.directory import EMBEDDED, read_sums, verify_directory
from mirage.files import DataError

OURS = {"SHA256SUMS", "README.md", "LICENSES", "make.py"}


def test_all_files_are_on_record_and_as_recorded():
    assert not {name: fault for name, fault in verify_directory(EMBEDDED) if fault}
    files = {p.relative_to(EMBEDDED).as_posix() for p in EMBEDDED.rglob("*") if p.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert files == OURS | read_sums(EMBEDDED).digests.keys()


def test_they_take_less_than_20_mb():
    assert sum(path.stat().st_size for path in EMBEDDED.rglob("*") if path.is_file()) < 20e6


@pytest.mark.parametrize("name", ["LICENSES", "README.md"])
def test_each_file_has_a_licence_and_a_line_on_how_it_was_made(name):
    text = (EMBEDDED / name).read_text(encoding="utf-8")
    for file in read_sums(EMBEDDED).digests:
        assert file in text or f"{file.rpartition('/')[0]}/*" in text, file


def test_mnist_is_the_published_one():
    data = datasets.load("mnist", source="embedded")
    assert data.description == "MNIST (60 000 training, 10 000 test images)"
    # The published number of each digit in the training set.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_train).tolist() == counts
    # MD5 of the published train-images-idx3-ubyte: a head of 16 bytes, then the pixels.
    head = np.array([2051, 60_000, 28, 28], ">i4").tobytes()
    digest = hashlib.md5(head + data.x_train.tobytes(), usedforsecurity=False).hexdigest()
    assert digest == "6bbc9ace898e44ae57da46a324031adb"


def test_omniglot_is_whole():
    data = datasets.load("omniglot", source="embedded")
    assert data.is_background.sum() == 964
    assert len(set(data.alphabet)) == 50
    assert len(set(data.alphabet[data.is_background])) == 30
    assert 0.05 < (data.x > 127).mean() < 0.2  # ink is bright, and less than the paper


def test_cifar100_is_a_subset_and_says_so():
    data = datasets.load("cifar100", source="embedded")
    assert (data.is_subset, data.is_whole) == (True, False)
    assert data.description.startswith("subset of CIFAR-100 (2 000 of its 50 000 training images")
    assert np.bincount(data.y_train).tolist() == [20] * 100
    assert np.bincount(data.y_test).tolist() == [5] * 100
    per_channel = data.x_train.reshape(-1, 3).mean(axis=0) / 255
    # The means that every CIFAR-100 recipe prints; those of an image deviate by about .15, so
    # that the mean of 2 000 has a standard error of .003.
    np.testing.assert_allclose(per_channel, [0.5071, 0.4865, 0.4409], atol=0.015)
    assert len(np.unique(data.x_train.reshape(2000, -1), axis=0)) == 2000


def test_cifar100_subset_holds_the_images_of_the_whole():
    if not datasets.available("cifar100", source="directory"):
        pytest.skip("the data directory has no CIFAR-100")
    whole = datasets.load("cifar100", source="directory")
    part = datasets.load("cifar100", source="embedded")
    for name in ("train", "test"):
        theirs = zip(getattr(whole, f"x_{name}"), getattr(whole, f"y_{name}"), strict=True)
        labels = {image.tobytes(): label for image, label in theirs}
        found = [labels[image.tobytes()] for image in getattr(part, f"x_{name}")]
        assert found == getattr(part, f"y_{name}").tolist()


def test_packing_loses_nothing(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {f"x_{p}": rng.integers(0, 256, (80, 32, 32, 3), np.uint8) for p in ("train", "test")}
    arrays |= {f"y_{p}": np.tile(np.arange(20, dtype=np.uint8), 4) for p in ("train", "test")}
    arrays["label_names"] = np.array([f"class {i}" for i in range(100)])
    cifar100.pack(arrays, tmp_path, n_train=2, n_test=1)
    read = cifar100.read_sheets([tmp_path / name for name in cifar100.SUBSET.files])
    np.testing.assert_array_equal(read["x_train"], arrays["x_train"][:40])
    np.testing.assert_array_equal(read["x_test"], arrays["x_test"][:20])
    np.testing.assert_array_equal(read["y_test"], np.arange(20))


def test_a_damaged_package_is_not_read(tmp_path, monkeypatch):
    for file in ("omniglot.npz", "SHA256SUMS"):
        shutil.copy(EMBEDDED / file, tmp_path)
    (tmp_path / "omniglot.npz").write_bytes(b"damaged")
    monkeypatch.setattr("mirage.datasets.directory.EMBEDDED", tmp_path)
    with pytest.raises(DataError, match=r"omniglot\.npz is damaged.*install the package"):
        datasets.load("omniglot", source="embedded")
