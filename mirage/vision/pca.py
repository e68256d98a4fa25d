"""Principal components: the best a linear decoder can do, and without training (Figure 7's bound).

An autoencoder with a linear output puts every reconstruction into an affine subspace of as many
dimensions as its bottleneck has units, whatever its encoder computes. Of all such subspaces the
leading principal components leave the smallest squared error on the images they were fitted to
(Bourlard and Kamp 1988). On test images they are no longer exactly a bound, but very nearly one.

One eigendecomposition turns all images into the basis of the components. There the error of rank
k is the energy of the coordinates from k on, so that every rank comes from one cumulative sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Rotated:
    """Images minus the mean training image, in the basis of the training images' components.

    Attributes
    ----------
    train, test : ndarray, float32, shape (items, inputs)
        Coordinates, by descending variance of the training images.
    variances : ndarray, float32, shape (inputs,)
        Variance of the training images along each component, in the squared unit of the images.
    """

    train: np.ndarray
    test: np.ndarray
    variances: np.ndarray


def rotate(train: torch.Tensor, test: torch.Tensor) -> Rotated:
    """Rotate images into the basis of the training images' principal components.

    A shift and an orthogonal change of basis: distances between images stay what they are.

    Parameters
    ----------
    train, test : Tensor, float32, shape (items, inputs)
        On the CPU.

    Returns
    -------
    Rotated

    Raises
    ------
    ValueError
        Fewer than 2 training images, or training and test images of different sizes.

    Examples
    --------
    Four points on a line through (0, 0), 45° up: variance 2 · 1.25 along it, none across.

    >>> train = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    >>> line = rotate(train, torch.tensor([[1.0, 2.0]]))
    >>> line.variances.round(3), abs(line.test).round(3)    # (1, 2) lies 1/√2 beside the mean
    (array([2.5, 0. ], dtype=float32), array([[0.   , 0.707]], dtype=float32))
    """
    if len(train) < 2 or train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"found train of shape {tuple(train.shape)} and test of {tuple(test.shape)}, expected"
            " (items, inputs) with the same inputs and at least 2 training images"
        )
    mean = train.mean(0)
    train, test = train - mean, test - mean
    variances, vectors = torch.linalg.eigh(train.T @ train / len(train))  # ascending
    vectors, variances = vectors.flip(1), variances.flip(0).clamp_min(0)
    return Rotated((train @ vectors).numpy(), (test @ vectors).numpy(), variances.numpy())


def errors(coordinates: np.ndarray, ranks: Sequence[int]) -> np.ndarray:
    """Squared error of each image's projection, averaged over its inputs.

    Parameters
    ----------
    coordinates : ndarray, float32, shape (items, inputs)
        ``train`` or ``test`` of :class:`Rotated`.
    ranks : sequence of int
        Numbers of components to keep, from 0 to the number of inputs.

    Returns
    -------
    ndarray of float64, shape (ranks, items)
        Σ_{j > rank} z_j² / inputs; at least 0, lower is better, non-increasing in the rank.

    Raises
    ------
    ValueError
        A rank out of range.

    Examples
    --------
    >>> errors(np.array([[3.0, 2.0, 1.0]], np.float32), ranks=[0, 1, 3])   # 14/3, 5/3, 0
    array([[4.66666667],
           [1.66666667],
           [0.        ]])
    """
    n_inputs = coordinates.shape[1]
    if not all(0 <= rank <= n_inputs for rank in ranks):
        found = f"ranks: found {min(ranks)} to {max(ranks)}"
        raise ValueError(f"{found}, expected 0 to {n_inputs}, the number of inputs")
    # Energy from each coordinate to the last: float64, because the tail is a small part of it.
    squares = torch.tensor(coordinates).square_().flip(1)
    tail = F.pad(squares.cumsum(1, dtype=torch.float64), (1, 0))
    return (tail[:, [n_inputs - rank for rank in ranks]].T / n_inputs).numpy()
