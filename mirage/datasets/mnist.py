"""MNIST (LeCun et al. 1998), behind Figure 11: handwritten digits, 28×28, 10 classes.

Stand-in: scikit-learn's 1 797 handwritten digits of 8×8 pixels.
They are enlarged to MNIST's own geometry, a 20×20 box centred in 28×28.
"""

from functools import partial
from pathlib import Path

import numpy as np

from mirage.datasets.images import Arrays, ArraySpec, LabelledImages, download_npz, read_npz
from mirage.datasets.spec import Spec

N_TEST = 400  # stand-in: leaves 1 397 originals for training
_SHIFTS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]  # 9 × 1 397 = 12 573 images


def convert(folder: Path) -> Arrays:
    """Download MNIST into `folder` and return it as arrays, in its original order."""
    from mirage._torchvision import MNIST

    arrays = {}
    for part, train in (("train", True), ("test", False)):
        images = MNIST(folder, train=train, download=True)
        arrays[f"x_{part}"] = images.data.numpy()
        arrays[f"y_{part}"] = images.targets.numpy().astype(np.uint8)
    return arrays


def stand_in() -> Arrays:
    """Compute the stand-in: 12 573 training images, 400 test images.

    A fixed seed parts the 1 797 digits into training and test.
    Each training digit then appears at nine positions, shifted by at most one pixel, so that a
    short schedule has enough to train on; test digits appear once, and in no shift in training.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = _enlarge(digits.images[order])  # (1797, 28, 28)
    labels = digits.target[order].astype(np.uint8)
    train = np.concatenate([np.roll(images[N_TEST:], shift, axis=(1, 2)) for shift in _SHIFTS])
    # MNIST is in no order of class or shift, and a sliced subset of it is fair: so here.
    mixed = np.random.default_rng(1).permutation(len(train))
    return {
        "x_train": train[mixed],
        "y_train": np.tile(labels[N_TEST:], len(_SHIFTS))[mixed],
        "x_test": images[:N_TEST],
        "y_test": labels[:N_TEST],
    }


def _enlarge(images: np.ndarray) -> np.ndarray:
    """Enlarge (n, 8, 8) in [0, 16] to (n, 28, 28) in [0, 255], linearly, with a margin of 4."""
    # Position of each of 20 pixel centres on the grid of 8: (i + ½)·8/20 − ½.
    position = np.clip((np.arange(20) + 0.5) * 8 / 20 - 0.5, 0, 7)
    weight = np.maximum(0, 1 - np.abs(position[:, None] - np.arange(8)))  # (20, 8), rows sum to 1
    large = weight @ (images * (255 / 16)) @ weight.T
    return np.pad(np.rint(large).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))


ARRAYS = {
    "x_train": ArraySpec("uint8", (60_000, 28, 28)),
    "y_train": ArraySpec("uint8", (60_000,)),
    "x_test": ArraySpec("uint8", (10_000, 28, 28)),
    "y_test": ArraySpec("uint8", (10_000,)),
}
FILE = "mnist.npz"
SPEC = Spec(
    name="mnist",
    title="MNIST",
    licence="CC BY-SA 3.0",
    citation="LeCun, Bottou, Bengio, Haffner (1998)",
    origin="its authors' files, through torchvision",
    files=(FILE,),
    urls=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
        "http://yann.lecun.com/exdb/mnist/train-images-idx3-ubyte.gz",
    ),
    n_bytes=11_500_000,
    caption="MNIST (60 000 training, 10 000 test images)",
    stand_in_caption="stand-in: scikit-learn's 8×8 digits enlarged to 28×28, not MNIST",
    container=LabelledImages,
    read_files=partial(read_npz, expected=ARRAYS),
    download=partial(download_npz, file_name=FILE, convert=convert),
    stand_in=stand_in,
)
