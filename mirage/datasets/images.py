"""What a data set is: its description, its arrays, and the object that a caller receives."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirage.files import DataError

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Dataset:
    """A data set in memory; its arrays belong to the caller, each load makes fresh ones.

    Attributes
    ----------
    name : str
        Key of the registry, such as ``"mnist"``.
    source : str
        ``"directory"``, ``"download"`` or ``"stand-in"``.
    description : str
        One phrase for a figure's caption; it names a stand-in as such.
    digest : str
        SHA-256 of the verified file, or of a stand-in's arrays; a key for caches.
    """

    name: str
    source: str
    description: str
    digest: str

    @property
    def is_real(self) -> bool:
        """True unless the data are a stand-in; claims on the paper's data need it."""
        return self.source != "stand-in"


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


@dataclass(frozen=True)
class DatasetSpec:
    """An entry of the registry: everything known of a data set before it is read.

    Attributes
    ----------
    name, title : str
        Key, and name in prose.
    licence, citation : str
        Terms of use, and whom to cite.
    urls : tuple of str
        Where torchvision downloads it; probed before a download, one answer suffices.
    n_bytes : int
        Approximate size of the npz file.
    arrays : mapping of str to ArraySpec
        What the npz file must hold; further arrays are kept and not read.
    caption : str
        Template of the real data's description; free axis lengths are filled in.
    stand_in_caption : str
        Description of the stand-in.
    container : type of Dataset
        What :func:`mirage.datasets.load` returns.
    convert : callable
        ``convert(folder)`` downloads through torchvision into `folder` and returns the arrays.
    stand_in : callable
        ``stand_in()`` computes the stand-in's arrays.
    """

    name: str
    title: str
    licence: str
    citation: str
    urls: tuple[str, ...]
    n_bytes: int
    arrays: Mapping[str, ArraySpec]
    caption: str
    stand_in_caption: str
    container: type[Dataset]
    convert: Callable[[Path], Arrays]
    stand_in: Callable[[], Arrays]

    @property
    def file_name(self) -> str:
        """Name of the file in a data directory."""
        return f"{self.name}.npz"

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files: this one."""
        return (self.file_name,)

    def describe(self, arrays: Mapping[str, np.ndarray]) -> str:
        """Return the caption of the real data, with the sizes of these `arrays`."""
        lengths = check_arrays(arrays, self.arrays, self.name)
        # Digits grouped by a space, the SI's way: 60 000.
        return self.caption.format(**{k: f"{n:,}".replace(",", " ") for k, n in lengths.items()})


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


def digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of arrays: names, dtypes, shapes and values.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        In any order.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> a, b = np.arange(3), np.ones((2, 2))
    >>> digest_arrays({"a": a, "b": b}) == digest_arrays({"b": b, "a": a})
    True
    >>> digest_arrays({"a": a}) == digest_arrays({"a": a.reshape(3, 1)})
    False
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
