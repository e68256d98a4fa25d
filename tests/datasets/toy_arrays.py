"""Images and labels of a tiny data set in MNIST's layout."""

import numpy as np

TOY = {"x_train": (5, 28, 28), "y_train": (5,), "x_test": (3, 28, 28), "y_test": (3,)}


def toy_arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 10, shape, np.uint8) for name, shape in TOY.items()}
