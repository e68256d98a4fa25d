"""MNIST (LeCun et al. 1998), behind Figure 11: handwritten digits, 28×28, 10 classes."""

from functools import partial
from pathlib import Path

import numpy as np

from mirage.datasets.images import Arrays, ArraySpec, LabelledImages, download_npz, read_npz
from mirage.datasets.spec import Spec


def convert(folder: Path) -> Arrays:
    """Download MNIST into `folder` and return it as arrays, in its original order."""
    from mirage._torchvision import MNIST

    arrays = {}
    for part, train in (("train", True), ("test", False)):
        images = MNIST(folder, train=train, download=True)
        arrays[f"x_{part}"] = images.data.numpy()
        arrays[f"y_{part}"] = images.targets.numpy().astype(np.uint8)
    return arrays


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
    n_bytes=9_500_000,
    caption="MNIST (60 000 training, 10 000 test images)",
    container=LabelledImages,
    read_files=partial(read_npz, expected=ARRAYS),
    download=partial(download_npz, file_name=FILE, convert=convert),
)
