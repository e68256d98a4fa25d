"""Metrics of reconstructed images: squared error and the paper's reconstruction.

The mean squared error changes smoothly with the size of an autoencoder; counting the
images below a threshold of it makes an ability appear (Fig 7).
"""

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import first, numbers


def mean_squared_error(images: ArrayLike, reconstructions: ArrayLike) -> np.ndarray:
    """Squared difference of each image and its reconstruction, averaged over its values.

    Parameters
    ----------
    images : array_like, shape (items, ...)
        Images in any unit, with the same axes as the reconstructions.
    reconstructions : array_like, shape (items, ...)
        What the model made of each image.

    Returns
    -------
    ndarray of float64, shape (items,)
        At least 0, in the squared unit of the images, lower is better.

    Raises
    ------
    ValueError
        If the shapes differ, there are no items, only one axis, or a value is not finite.

    Notes
    -----
    (1/D) Σ_d (x_d − x̂_d)² with D values per image. This is the ‖·‖² of the paper's Fig 7:
    its published errors are a mean over 3072 inputs, not a sum.

    Examples
    --------
    (1² + 3²) / 2 = 5.

    >>> mean_squared_error([[0, 0], [1, 1]], [[1, 3], [1, 1]])
    array([5., 0.])
    """
    images, reconstructions = np.asarray(images), np.asarray(reconstructions)
    if images.shape != reconstructions.shape:
        found = f"images of shape {images.shape} and reconstructions of {reconstructions.shape}"
        raise ValueError(f"found {found}, expected equal shapes")
    if images.ndim < 2 or images.size == 0:
        raise ValueError(
            f"images: found shape {images.shape}, expected (items, values…), not empty"
        )
    # float64 before the difference: uint8 would wrap around.
    with np.errstate(invalid="ignore"):  # inf − inf is found by the check below
        difference = np.subtract(images, reconstructions, dtype=np.float64).reshape(len(images), -1)
    errors = np.einsum("id,id->i", difference, difference) / difference.shape[1]
    if not np.isfinite(errors).all():
        where = first(~np.isfinite(errors))
        raise ValueError(f"found NaN or inf in the item at {where}, expected finite images")
    return errors


def reconstruction(errors: ArrayLike, c: float) -> np.ndarray:
    """Whether each image is reconstructed with an error below the threshold c.

    Parameters
    ----------
    errors : array_like, shape (items,) or (models, items)
        Mean squared error of each image; inf (a diverged model) is legal.
    c : float
        Threshold, positive, in the unit of the errors; .003 and .004 in Fig 7.

    Returns
    -------
    ndarray of float64, the shape of `errors`
        1 or 0, higher is better.

    Raises
    ------
    ValueError
        If there are no errors, an error is NaN or negative, or c is not positive and finite.

    Notes
    -----
    1[‖x − x̂‖² < c], strictly; its mean over the items is the paper's Reconstruction_c
    (Section 5, Fig 7C).

    Examples
    --------
    >>> reconstruction([0.001, 0.003, 0.2], c=0.003)
    array([1., 0., 0.])
    """
    errors = numbers("errors", errors, {1, 2}, "(items,) or (models, items)")
    if (errors < 0).any():
        found = f"found {errors[errors < 0][0]:g} at {first(errors < 0)}"
        raise ValueError(f"errors: {found}, expected squared errors, at least 0")
    if not 0 < c < np.inf:
        raise ValueError(f"c: found {c!r}, expected a positive, finite threshold")
    return (errors < c).astype(np.float64)
