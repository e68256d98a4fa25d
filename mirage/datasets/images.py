"""Data sets of images: what a caller receives, and their files (npz)."""

import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirage.datasets.spec import Dataset
from mirage.files import DataError, atomic_write

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class LabelledImages(Dataset):
    """Images with a class each, in a training and a test set.

    Attributes
    ----------
    x_train, x_test : ndarray, shape (n, height, width[, 3]), uint8
        Pixels in [0, 255].
    y_train, y_test : ndarray, shape (n,), uint8
        Class of each image.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @staticmethod
    def counts(content: Mapping[str, Any]) -> dict[str, int]:
        """Return the numbers of training and test images."""
        return {f"n_{part}": len(content[f"x_{part}"]) for part in ("train", "test")}


@dataclass(frozen=True)
class Characters(Dataset):
    """Characters of several alphabets, each drawn 20 times.

    Attributes
    ----------
    x : ndarray, shape (n_characters, 20, 28, 28), uint8
        Drawings; ink is 255, paper 0.
    alphabet : ndarray, shape (n_characters,), str
        Alphabet of each character.
    character : ndarray, shape (n_characters,), int16
        Number of the character in its alphabet, from 1.
    is_background : ndarray, shape (n_characters,), bool
        True for the alphabets of the background set, False for the evaluation set.
    """

    x: np.ndarray
    alphabet: np.ndarray
    character: np.ndarray
    is_background: np.ndarray


@dataclass(frozen=True)
class ArraySpec:
    """What an array of the file must look like.

    Attributes
    ----------
    dtype : str
        NumPy dtype, or ``"str"`` for text of any width.
    shape : tuple of int or str
        Length of each axis; a name stands for a length that is free but the same throughout.
    """

    dtype: str
    shape: tuple[int | str, ...]


def check_arrays(
    arrays: Mapping[str, np.ndarray], expected: Mapping[str, ArraySpec], where: object
) -> dict[str, int]:
    """Check names, shapes and dtypes of a data set's arrays.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        What was read.
    expected : mapping of str to ArraySpec
        What it must be; further arrays are ignored.
    where : object
        Named in the message, such as the file's path.

    Returns
    -------
    dict of str to int
        Length of each free axis.

    Raises
    ------
    DataError
        Naming the array, what was found and what was expected.

    Examples
    --------
    >>> spec = {"x": ArraySpec("uint8", ("n", 2)), "y": ArraySpec("uint8", ("n",))}
    >>> check_arrays({"x": np.zeros((3, 2), "u1"), "y": np.zeros(3, "u1")}, spec, "toy.npz")
    {'n': 3}
    >>> check_arrays({"x": np.zeros((3, 2), "u1"), "y": np.zeros(4, "u1")}, spec, "toy.npz")
    Traceback (most recent call last):
    mirage.files.DataError: toy.npz: array 'y' is uint8 (4,); expected uint8 (n,) with n = 3
    """
    lengths: dict[str, int] = {}
    for name, spec in expected.items():
        if name not in arrays:
            raise DataError(f"{where}: no array '{name}'; found {', '.join(arrays) or 'none'}")
        array = arrays[name]
        right = array.dtype.kind == "U" if spec.dtype == "str" else array.dtype == spec.dtype
        if not (right and _shape_fits(array.shape, spec.shape, lengths)):
            raise DataError(
                f"{where}: array '{name}' is {array.dtype} {_show(array.shape)}; "
                f"expected {spec.dtype} {_show(spec.shape)}"
                + "".join(f" with {a} = {lengths[a]}" for a in spec.shape if a in lengths)
            )
    return lengths


def _shape_fits(shape: tuple, expected: tuple, lengths: dict[str, int]) -> bool:
    """Compare axis by axis; a named axis takes the first length it meets."""
    if len(shape) != len(expected):
        return False
    named = {axis: n for n, axis in zip(shape, expected, strict=True) if isinstance(axis, str)}
    wanted = [lengths.get(axis, named.get(axis, axis)) for axis in expected]
    if list(shape) != wanted:
        return False
    lengths.update(named)
    return True


def _show(shape: tuple) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def read_npz(paths: Sequence[Path], expected: Mapping[str, ArraySpec]) -> Arrays:
    """Read the arrays of an npz file and check names, shapes and dtypes.

    Parameters
    ----------
    paths : sequence of Path
        The file.
    expected : mapping of str to ArraySpec
        What it must hold; further arrays are not read.

    Returns
    -------
    dict of str to ndarray
        Its arrays.

    Raises
    ------
    DataError
        For a file that is no npz archive, or holds other arrays.
    """
    (path,) = paths
    try:
        # Opened here: np.load leaves its own handle open when the archive is broken.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in expected if name in archive.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        # TypeError: a lone npy array is no archive to open.
        raise DataError(f"{path} is no readable npz archive: {error}") from error
    check_arrays(arrays, expected, path)
    return arrays


def download_npz(folder: Path, file_name: str, convert: Callable[[Path], Arrays]) -> None:
    """Download a data set through torchvision and keep its arrays as an npz file.

    Parameters
    ----------
    folder : Path
        Receives the archives as their authors publish them, and the file.
    file_name : str
        Of the npz file.
    convert : callable
        ``convert(folder)`` downloads through torchvision, and returns the arrays.
    """
    from mirage._torchvision import quiet_download

    with quiet_download():
        arrays = convert(folder)
    with atomic_write(folder / file_name) as file:
        np.savez_compressed(file, **arrays)
