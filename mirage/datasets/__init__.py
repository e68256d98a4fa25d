"""Data sets: one cache, three sources, said aloud.

``load`` reads the verified file of the data directory, or computes the embedded stand-in.
``fetch`` downloads. The sources and their order are in the docstring of :func:`load`.
"""

import functools
import os
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np

from mirage.datasets import (
    bigbench,
    bigg,
    cifar100,
    download,
    expemergence,
    gpt3_tasks,
    human_eval,
    inverse_scaling,
    lm_eval,
    mnist,
    obsscaling,
    omniglot,
    pythia_arithmetic,
    wei_emergent,
)
from mirage.datasets.directory import Verified, data_directory, find, logger, read_arrays
from mirage.datasets.images import (
    ArraySpec,
    Characters,
    Dataset,
    DatasetSpec,
    LabelledImages,
    digest_arrays,
)
from mirage.datasets.tables import ItemTable, ScoreTable, TableSpec, digest_tables
from mirage.files import DataError

__all__ = [
    "REGISTRY",
    "SOURCES",
    "ArraySpec",
    "Characters",
    "Dataset",
    "DatasetSpec",
    "ItemTable",
    "LabelledImages",
    "ScoreTable",
    "TableSpec",
    "data_directory",
    "fetch",
    "get_spec",
    "load",
]

IMAGES = (mnist.SPEC, cifar100.SPEC, omniglot.SPEC)
TABLES = (
    bigbench.SPEC,
    bigg.SPEC,
    bigg.SHOTS_SPEC,
    human_eval.SPEC,
    wei_emergent.SPEC,
    obsscaling.SPEC,
    expemergence.SPEC,
    inverse_scaling.SPEC,
    lm_eval.SPEC,
    pythia_arithmetic.SPEC,
    gpt3_tasks.SPEC,
)
REGISTRY: Mapping[str, DatasetSpec | TableSpec] = MappingProxyType(
    {spec.name: spec for spec in (*IMAGES, *TABLES)}
)
SOURCES = ("auto", "real", "stand-in")


def get_spec(name: str) -> DatasetSpec | TableSpec:
    """Return a registry entry.

    Raises
    ------
    DataError
        For an unknown name; lists what there is.

    Examples
    --------
    >>> get_spec("mnist").licence
    'CC BY-SA 3.0'
    >>> get_spec("minst")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    mirage.files.DataError: no data set 'minst'; there are mnist, cifar100, omniglot, bigbench, ...
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
        A data set, such as ``"mnist"`` or ``"bigg"``; ``mirage data list`` names them all.
    source : str, optional
        ``"auto"``: the file in the data directory if there, else the stand-in.
        ``"real"``: the file, or an error.
        ``"stand-in"``: the stand-in.
        By default ``$MIRAGE_SOURCE``, else ``"auto"``.

    Returns
    -------
    LabelledImages, Characters, ScoreTable or ItemTable
        Fresh arrays or tables, with ``source``, ``is_real``, ``description`` and ``digest``.

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
        raise DataError(f"{directory / spec.files[0]} is not there; {_how(spec)}")
    return _stand_in(spec, f"{directory} has no {spec.files[0]}; {_how(spec)}")


def _how(spec: DatasetSpec | TableSpec) -> str:
    """Say how to get a data set."""
    if isinstance(spec, TableSpec) and spec.download is None:
        return f"it cannot be downloaded: {spec.origin}"
    return f"'mirage data fetch {spec.name}' downloads it"


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


def _real(spec: DatasetSpec | TableSpec, file: Verified) -> Dataset:
    """Read verified files."""
    table = isinstance(spec, TableSpec)
    content = spec.load(file.paths) if table else read_arrays(spec, file.path)
    logger.info("%s: %s, %s", spec.name, file.source, file.path)
    for fault in content.get("faults", ()):
        logger.warning("%s: %s", spec.name, fault)
    return _build(spec, file.source, spec.describe(content), file.digest, content)


def _stand_in(spec: DatasetSpec | TableSpec, reason: str) -> Dataset:
    """Give out the stand-in, computed once per process."""
    content, digest = _computed(spec.name)
    logger.warning("%s: %s (%s)", spec.name, spec.stand_in_caption, reason)
    copies = {
        name: value.copy() if isinstance(value, np.ndarray) else value  # a frame never changes
        for name, value in content.items()
    }
    return _build(spec, "stand-in", spec.stand_in_caption, digest, copies)


@functools.cache
def _computed(name: str) -> tuple[dict[str, Any], str]:
    spec = REGISTRY[name]
    content = spec.stand_in()
    digest = digest_tables if isinstance(spec, TableSpec) else digest_arrays
    return content, digest(content)


def _build(
    spec: DatasetSpec | TableSpec,
    source: str,
    description: str,
    digest: str,
    content: Mapping[str, Any],
) -> Dataset:
    own = {f.name for f in fields(spec.container)} - {f.name for f in fields(Dataset)}
    chosen = {name: content[name] for name in own if name in content}
    return spec.container(spec.name, source, description, digest, **chosen)
