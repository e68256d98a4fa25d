"""CIFAR-100 (Krizhevsky 2009), behind Figure 7: natural images, 32×32 RGB, 100 classes.

Its authors state no licence, so that the package embeds a part of it only: 20 training and 5 test
images of each class, packed without loss into two sheets (WebP).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mirage.datasets.images import (
    Arrays,
    ArraySpec,
    LabelledImages,
    check_arrays,
    download_npz,
    read_npz,
)
from mirage.datasets.spec import Spec

SIDE = 32
_ACROSS = 20  # images in a row of a sheet
_SHEETS = ("cifar100/train.webp", "cifar100/test.webp")
_LABELS = "cifar100/labels.npz"


def convert(folder: Path) -> Arrays:
    """Download CIFAR-100 into `folder` and return it as arrays, in its original order."""
    from mirage._torchvision import CIFAR100

    arrays = {}
    for part, train in (("train", True), ("test", False)):
        images = CIFAR100(folder, train=train, download=True)
        arrays[f"x_{part}"] = np.ascontiguousarray(images.data)
        arrays[f"y_{part}"] = np.array(images.targets, np.uint8)
    return arrays | {"label_names": np.array(images.classes)}


def pack(arrays: Arrays, folder: Path, n_train: int = 20, n_test: int = 5) -> None:
    """Write the files of the subset: the first images of each class.

    Parameters
    ----------
    arrays : dict of str to ndarray
        CIFAR-100, or a part of it.
    folder : Path
        A data directory.
    n_train, n_test : int
        Images of each class.
    """
    from PIL import Image

    labels = {"label_names": arrays["label_names"]}
    for part, n, sheet in (("train", n_train, _SHEETS[0]), ("test", n_test, _SHEETS[1])):
        y = arrays[f"y_{part}"]
        rank = np.array([np.sum(y[:i] == y[i]) for i in range(len(y))])
        first = np.flatnonzero(rank < n)  # in the order of the file, so that classes are mixed
        labels[f"y_{part}"] = y[first]
        tiles = arrays[f"x_{part}"][first].reshape(-1, _ACROSS, SIDE, SIDE, 3)
        image = Image.fromarray(tiles.swapaxes(1, 2).reshape(-1, _ACROSS * SIDE, 3))
        (folder / sheet).parent.mkdir(parents=True, exist_ok=True)
        image.save(folder / sheet, "WEBP", lossless=True, quality=100, method=6)
    with open(folder / _LABELS, "wb") as file:
        np.savez_compressed(file, **labels)


def read_sheets(paths: Sequence[Path]) -> Arrays:
    """Read the subset.

    Parameters
    ----------
    paths : sequence of Path
        The sheets of training and test images, and the labels.

    Returns
    -------
    dict of str to ndarray
        As of the whole data set.
    """
    from PIL import Image

    arrays = read_npz(paths[2:], LABELS)
    for part, path in zip(("train", "test"), paths, strict=False):
        with Image.open(path) as sheet:
            rows = np.asarray(sheet.convert("RGB")).reshape(-1, SIDE, _ACROSS, SIDE, 3)
        arrays[f"x_{part}"] = rows.swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3)
    check_arrays(arrays, ARRAYS, paths[0].parent)
    return arrays


IMAGES = {
    # A directory may hold a subset of the 50 000 training images; the caption counts them.
    "x_train": ArraySpec("uint8", ("n_train", SIDE, SIDE, 3)),
    "x_test": ArraySpec("uint8", ("n_test", SIDE, SIDE, 3)),
}
LABELS = {
    "y_train": ArraySpec("uint8", ("n_train",)),
    "y_test": ArraySpec("uint8", ("n_test",)),
    "label_names": ArraySpec("str", (100,)),
}
ARRAYS = IMAGES | LABELS
FILE = "cifar100.npz"
_SPEC = Spec(
    name="cifar100",
    title="CIFAR-100",
    licence="none stated by its authors",
    citation="Krizhevsky (2009)",
    origin="its author's archive, through torchvision",
    files=(FILE,),
    urls=("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
    n_bytes=140_000_000,
    caption=(
        "CIFAR-100 ({n_train} of its 50 000 training images, {n_test} of its 10 000 test images)"
    ),
    whole={"n_train": 50_000, "n_test": 10_000},
    container=LabelledImages,
    read_files=partial(read_npz, expected=ARRAYS),
    download=partial(download_npz, file_name=FILE, convert=convert),
)
SUBSET = replace(_SPEC, files=(*_SHEETS, _LABELS), read_files=read_sheets)
SPEC = replace(_SPEC, subset=SUBSET)
