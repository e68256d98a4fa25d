"""Data sets: one cache, three sources, said aloud.

``load`` reads the verified file of the data directory, or computes the embedded stand-in.
``fetch`` downloads. The sources and their order are in the docstring of :func:`load`.
"""

import functools
import os
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

import numpy as np

from mirage.datasets import cifar100, download, mnist, omniglot
from mirage.datasets.directory import Verified, data_directory, find, logger, read_arrays
from mirage.datasets.spec import (
    Arrays,
    ArraySpec,
    Characters,
    Dataset,
    DatasetSpec,
    LabelledImages,
    digest_arrays,
)
from mirage.files import DataError

__all__ = [
    "REGISTRY",
    "SOURCES",
    "ArraySpec",
    "Characters",
    "Dataset",
    "DatasetSpec",
    "LabelledImages",
    "data_directory",
    "fetch",
    "get_spec",
    "load",
]

REGISTRY: Mapping[str, DatasetSpec] = MappingProxyType(
    {spec.name: spec for spec in (mnist.SPEC, cifar100.SPEC, omniglot.SPEC)}
)
SOURCES = ("auto", "real", "stand-in")


def get_spec(name: str) -> DatasetSpec:
    """Return a registry entry.

    Raises
    ------
    DataError
        For an unknown name; lists what there is.

    Examples
    --------
    >>> get_spec("mnist").licence
    'CC BY-SA 3.0'
    >>> get_spec("minst")
    Traceback (most recent call last):
    mirage.files.DataError: no data set 'minst'; there are mnist, cifar100, omniglot
    """
    if name not in REGISTRY:
        raise DataError(f"no data set '{name}'; there are {', '.join(REGISTRY)}")
    return REGISTRY[name]


def load(name: str, source: str | None = None) -> Dataset:
    """Load a data set; the source is logged, and named in ``description``.

    Never downloads: that is :func:`fetch`, or ``mirage data fetch NAME``.

    Parameters
    ----------
    name : str
        ``"mnist"``, ``"cifar100"`` or ``"omniglot"``.
    source : str, optional
        ``"auto"``: the file in the data directory if there, else the stand-in.
        ``"real"``: the file, or an error.
        ``"stand-in"``: the stand-in.
        By default ``$MIRAGE_SOURCE``, else ``"auto"``.

    Returns
    -------
    LabelledImages or Characters
        Fresh arrays, with ``source``, ``is_real``, ``description`` and ``digest``.

    Raises
    ------
    DataError
        For an unknown name or source, an absent file with ``"real"``, and a file that is
        damaged or not on record, which is refused even with ``"auto"``.

    Examples
    --------
    >>> digits = load("mnist", source="stand-in")
    >>> digits.x_test.shape, digits.is_real
    ((400, 28, 28), False)
    >>> digits.description
    "stand-in: scikit-learn's 8×8 digits enlarged to 28×28, not MNIST"
    """
    spec = get_spec(name)
    source = source or os.environ.get("MIRAGE_SOURCE") or "auto"
    if source not in SOURCES:
        raise DataError(f"no data source '{source}'; expected {', '.join(SOURCES)}")
    if source == "stand-in":
        return _stand_in(spec, "asked for")
    directory = data_directory()
    if verified := find(spec, directory):
        return _real(spec, verified)
    if source == "real":
        raise DataError(
            f"{directory / spec.file_name} is not there; 'mirage data fetch {name}' downloads it"
        )
    return _stand_in(
        spec, f"{directory} has no {spec.file_name}; 'mirage data fetch {name}' downloads it"
    )


def fetch(name: str) -> None:
    """Make sure that a verified file lies in the data directory; download it if need be.

    Parameters
    ----------
    name : str
        A data set.

    Raises
    ------
    DataError, NetworkError, DiskError
        See :func:`mirage.datasets.download.fetch`.
    """
    download.fetch([get_spec(name)], data_directory())


def _real(spec: DatasetSpec, file: Verified) -> Dataset:
    """Read a verified file."""
    arrays = read_arrays(spec, file.path)
    logger.info("%s: %s, %s", spec.name, file.source, file.path)
    return _build(spec, file.source, spec.describe(arrays), file.digest, arrays)


def _stand_in(spec: DatasetSpec, reason: str) -> Dataset:
    """Give out the stand-in, computed once per process."""
    arrays, digest = _computed(spec.name)
    logger.warning("%s: %s (%s)", spec.name, spec.stand_in_caption, reason)
    copies = {name: array.copy() for name, array in arrays.items()}
    return _build(spec, "stand-in", spec.stand_in_caption, digest, copies)


@functools.cache
def _computed(name: str) -> tuple[Arrays, str]:
    arrays = REGISTRY[name].stand_in()
    return arrays, digest_arrays(arrays)


def _build(
    spec: DatasetSpec, source: str, description: str, digest: str, arrays: Mapping[str, np.ndarray]
) -> Dataset:
    own = {f.name for f in fields(spec.container)} - {f.name for f in fields(Dataset)}
    chosen = {name: arrays[name] for name in own}
    return spec.container(spec.name, source, description, digest, **chosen)
