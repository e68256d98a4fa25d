"""The stand-ins are what their docstrings say; the real data are the published ones."""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from mirage import datasets
from mirage.datasets import cifar100, mnist, omniglot
from mirage.datasets.images import digest_arrays


@pytest.fixture(scope="module", params=["mnist", "cifar100", "omniglot"])
def stand_in(request):
    return datasets.load(request.param, source="stand-in")


def test_form_is_that_of_the_real_data(stand_in):
    module = {"mnist": mnist, "cifar100": cifar100, "omniglot": omniglot}[stand_in.name]
    for name, spec in module.ARRAYS.items():
        if name != "label_names":
            array = getattr(stand_in, name)
            assert array.dtype.kind == "U" if spec.dtype == "str" else array.dtype == spec.dtype
            assert array.shape[1:] == spec.shape[1:]


def test_caption_names_the_stand_in(stand_in):
    title = datasets.REGISTRY[stand_in.name].title
    assert stand_in.description.startswith("stand-in: ")
    assert stand_in.description.endswith(f"not {title}")
    assert not stand_in.is_real


def test_deterministic(stand_in):
    again = datasets.REGISTRY[stand_in.name].stand_in()
    assert digest_arrays(again) == stand_in.digest


def test_enlargement_by_hand():
    flat = mnist._enlarge(np.full((1, 8, 8), 16.0))[0]
    assert (flat[4:24, 4:24] == 255).all()
    assert flat.sum() == 255 * 20 * 20  # the margin is empty
    # Pixel 10 of 20 lies at (10 + ½)·8/20 − ½ = 3.7; a ramp j there is 3.7·255/16 = 58.97.
    ramp = mnist._enlarge(np.tile(np.arange(8.0), (1, 8, 1)))[0]
    assert ramp[14, 14] == 59


def test_mnist_trains_and_tests_on_different_digits():
    data = datasets.load("mnist", source="stand-in")
    assert (len(data.x_train), len(data.x_test)) == (9 * 1397, 400)
    train = {image.tobytes() for image in data.x_train}
    shifts = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    for shift in shifts:
        assert not train & {i.tobytes() for i in np.roll(data.x_test, shift, axis=(1, 2))}
    assert np.bincount(data.y_test).min() >= 25  # ten classes, about 40 each
    assert set(data.y_train[:100]) == set(range(10))  # in no order of class


def test_mnist_labels_belong_to_the_images():
    data = datasets.load("mnist", source="stand-in")
    nearest = KNeighborsClassifier(1)
    nearest.fit(data.x_train.reshape(-1, 784)[:3000], data.y_train[:3000])
    assert nearest.score(data.x_test.reshape(-1, 784), data.y_test) > 0.9


def test_cifar_patches_share_no_pixel():
    # Photographs whose pixels say where they are: column (two bytes), and row, halved.
    row, column = np.mgrid[:427, :640]
    where = np.stack([column >> 8, column & 255, row // 2], axis=-1).astype(np.uint8)
    photographs = np.stack([where, where])
    rng = np.random.default_rng(0)

    def columns(strips):
        patches, labels = cifar100._patches(photographs, strips, 500, rng)
        across = patches[..., 0].astype(int) * 256 + patches[..., 1]  # (n, 32, 32)
        assert (np.diff(across, axis=2) == 1).all()  # contiguous pixels, rows and columns in place
        assert (across[:, :1] == across).all()
        # The class: 50 bands of the top's 396 places, and 50 more for the second photograph.
        band = 50 * (2 * patches[:, 0, 0, 2].astype(int)) // 396
        assert (np.abs(labels % 50 - band) <= 1).all()  # the row is known to one pixel only
        return set(across.ravel().tolist())

    train, test = columns((0, 2, 4)), columns((1, 3))
    assert not train & test
    assert train | test <= set(range(640))


def test_cifar_classes_are_in_both_sets():
    data = datasets.load("cifar100", source="stand-in")
    assert set(data.y_train) == set(data.y_test) == set(range(100))
    assert len(np.unique(data.x_train.reshape(len(data.x_train), -1), axis=0)) > 9_900


def test_omniglot_characters_can_be_told_apart():
    data = datasets.load("omniglot", source="stand-in")
    n = 200
    flat = data.x[:n].reshape(n, 20, -1).astype(float)
    assert all(len(np.unique(drawings, axis=0)) == 20 for drawings in flat)
    nearest = KNeighborsClassifier(1).fit(flat[:, :10].reshape(n * 10, -1), np.arange(n).repeat(10))
    accuracy = nearest.score(flat[:, 10:].reshape(n * 10, -1), np.arange(n).repeat(10))
    assert accuracy > 0.5  # chance is 1/200


def test_omniglot_alphabets_lie_in_one_set_each():
    data = datasets.load("omniglot", source="stand-in")
    sets = {(a, b) for a, b in zip(data.alphabet, data.is_background, strict=True)}
    assert len(sets) == len(set(data.alphabet)) == 15
    assert 0.5 < data.is_background.mean() < 0.7  # Omniglot: 964 / 1623 = .594
    latin = data.character[data.alphabet == "Latin"]
    assert latin[:3].tolist() == [1, 2, 3]
    assert (data.x.max(axis=(2, 3)) > 200).all()  # each drawing has ink


def real(name):
    directory = os.environ.get("MIRAGE_DATA")
    if not directory or not Path(directory, f"{name}.npz").exists():
        pytest.skip(f"$MIRAGE_DATA has no {name}.npz")
    return datasets.load(name, source="real")


@pytest.mark.real_data
def test_real_mnist():
    data = real("mnist")
    assert data.is_real
    assert data.description == "MNIST (60 000 training, 10 000 test images)"
    # The published number of each digit in the training set.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_train).tolist() == counts
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]  # the original order


@pytest.mark.real_data
def test_real_cifar100():
    data = real("cifar100")
    assert np.bincount(data.y_test).tolist() == [100] * 100
    assert f"({len(data.x_train):,} of its".replace(",", " ") in data.description
    per_channel = data.x_train.reshape(-1, 3).mean(axis=0) / 255
    # The means that every CIFAR-100 recipe prints; a random half moves them by less than .005.
    np.testing.assert_allclose(per_channel, [0.5071, 0.4865, 0.4409], atol=0.005)


@pytest.mark.real_data
def test_real_omniglot():
    data = real("omniglot")
    assert data.is_background.sum() == 964
    assert len(set(data.alphabet)) == 50
    assert len(set(data.alphabet[data.is_background])) == 30
    assert 0.05 < (data.x > 127).mean() < 0.2  # ink is bright, and less than the paper
