"""CIFAR-100 (Krizhevsky 2009), behind Figure 7: natural images, 32×32 RGB, 100 classes.

Stand-in: 32×32 patches of scikit-learn's two sample photographs, a temple and a flower.
"""

from functools import partial
from pathlib import Path

import numpy as np

from mirage.datasets.images import Arrays, ArraySpec, LabelledImages, download_npz, read_npz
from mirage.datasets.spec import Spec

SIDE = 32
_STRIP = 128  # width of the photographs' strips: 5 to each, taken in turn for training and test
_N_TRAIN, _N_TEST = 10_000, 2_000  # stand-in: more than the 1 024 that rank-1024 PCA needs


def convert(folder: Path) -> Arrays:
    """Download CIFAR-100 into `folder` and return it as arrays, in its original order."""
    from mirage._torchvision import CIFAR100

    arrays = {}
    for part, train in (("train", True), ("test", False)):
        images = CIFAR100(folder, train=train, download=True)
        arrays[f"x_{part}"] = np.ascontiguousarray(images.data)
        arrays[f"y_{part}"] = np.array(images.targets, np.uint8)
    return arrays | {"label_names": np.array(images.classes)}


def stand_in() -> Arrays:
    """Compute the stand-in: 10 000 training patches, 2 000 test patches.

    Each photograph (427×640) is cut into five strips, 128 pixels wide.
    Training patches lie wholly in strips 1, 3 and 5, test patches in strips 2 and 4, so the two
    sets share no pixel.
    The class is the photograph and the height of the patch in it, in 50 bands: 100 classes, all
    present in both sets.
    """
    from sklearn.datasets import load_sample_images

    photographs = np.stack(load_sample_images().images)  # (2, 427, 640, 3)
    rng = np.random.default_rng(0)
    x_train, y_train = _patches(photographs, (0, 2, 4), _N_TRAIN, rng)
    x_test, y_test = _patches(photographs, (1, 3), _N_TEST, rng)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _patches(
    photographs: np.ndarray, strips: tuple[int, ...], n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n` different patches that lie wholly within the given strips, and their classes."""
    tops = photographs.shape[1] - SIDE + 1
    lefts = np.concatenate([s * _STRIP + np.arange(_STRIP - SIDE + 1) for s in strips])
    places = rng.choice(len(photographs) * tops * len(lefts), n, replace=False)
    photo, top, left = np.unravel_index(places, (len(photographs), tops, len(lefts)))
    windows = np.lib.stride_tricks.sliding_window_view(photographs, (SIDE, SIDE), axis=(1, 2))
    patches = windows[photo, top, lefts[left]]  # (n, 3, 32, 32)
    return np.moveaxis(patches, 1, 3).copy(), (50 * photo + 50 * top // tops).astype(np.uint8)


ARRAYS = {
    # A directory may hold a subset of the 50 000 training images; the caption counts them.
    "x_train": ArraySpec("uint8", ("n_train", SIDE, SIDE, 3)),
    "y_train": ArraySpec("uint8", ("n_train",)),
    "x_test": ArraySpec("uint8", (10_000, SIDE, SIDE, 3)),
    "y_test": ArraySpec("uint8", (10_000,)),
    "label_names": ArraySpec("str", (100,)),
}
FILE = "cifar100.npz"
SPEC = Spec(
    name="cifar100",
    title="CIFAR-100",
    licence="none stated by its authors",
    citation="Krizhevsky (2009)",
    origin="its author's archive, through torchvision",
    files=(FILE,),
    urls=("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
    n_bytes=140_000_000,
    caption="CIFAR-100 ({n_train} of its 50 000 training images, 10 000 test images)",
    stand_in_caption=(
        "stand-in: 32×32 patches of scikit-learn's two sample photographs, not CIFAR-100"
    ),
    container=LabelledImages,
    read_files=partial(read_npz, expected=ARRAYS),
    download=partial(download_npz, file_name=FILE, convert=convert),
    stand_in=stand_in,
)
