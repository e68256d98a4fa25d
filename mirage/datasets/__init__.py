"""Data sets: :func:`load` one by its name; ``mirage data list`` shows them all.

``load`` reads the verified file of the data directory, or computes the stand-in.
``fetch`` downloads. The sources and their order are in the docstring of :func:`load`.
"""

import functools
import importlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mirage.datasets import download
from mirage.datasets.directory import Verified, data_directory, find, logger
from mirage.datasets.download import Fetched
from mirage.datasets.images import Characters, LabelledImages, digest_arrays
from mirage.datasets.spec import Dataset, Spec
from mirage.datasets.tables import ItemTable, ScoreTable, digest_tables
from mirage.files import DataError, NetworkError

__all__ = [
    "REGISTRY",
    "SOURCES",
    "Characters",
    "Dataset",
    "Fetched",
    "ItemTable",
    "LabelledImages",
    "ScoreTable",
    "Spec",
    "available",
    "data_directory",
    "digest",
    "fetch",
    "get_spec",
    "load",
]

_HOMES = {
    "mnist": "mnist.SPEC",
    "cifar100": "cifar100.SPEC",
    "omniglot": "omniglot.SPEC",
    "bigbench": "bigbench.SPEC",
    "bigg": "bigg.SPEC",
    "bigg_shots": "bigg.SHOTS_SPEC",
    "human_eval": "human_eval.SPEC",
    "wei_emergent": "wei_emergent.SPEC",
    "obsscaling": "obsscaling.SPEC",
    "expemergence": "expemergence.SPEC",
    "inverse_scaling": "inverse_scaling.SPEC",
    "lm_eval": "lm_eval.SPEC",
    "pythia_arithmetic": "pythia_arithmetic.SPEC",
    "gpt3_tasks": "gpt3_tasks.SPEC",
}
SOURCES = ("auto", "real", "stand-in")


class _Registry(Mapping[str, Spec]):
    """All data sets by name; the module of one is imported when it is asked for."""

    def __getitem__(self, name: str) -> Spec:
        module, variable = _HOMES[name].split(".")
        return getattr(importlib.import_module(f"mirage.datasets.{module}"), variable)

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


REGISTRY: Mapping[str, Spec] = _Registry()


def get_spec(name: str) -> Spec:
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
    Where ``$MIRAGE_DATA_LOG`` names a file, a line of JSON is appended to it: ``name``,
    ``digest``, ``description``, ``source``, and ``module``, which reads the data set.

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
    file = _find(spec, source)
    data = _real(spec, file) if file else _stand_in(spec)
    _record(data)
    return data


def available(name: str, source: str | None = None) -> bool:
    """Return whether :func:`load` can give real data, without reading them.

    Parameters
    ----------
    name, source : str
        As for :func:`load`.

    Examples
    --------
    >>> available("mnist", source="stand-in")
    False
    """
    try:
        return _find(get_spec(name), source) is not None
    except DataError:
        return False


def digest(name: str, source: str | None = None) -> str:
    """Return what ``load(name, source).digest`` is, without reading real data.

    Parameters
    ----------
    name, source : str
        As for :func:`load`.

    Raises
    ------
    DataError
        As :func:`load`.

    Examples
    --------
    >>> digest("mnist", "stand-in") == load("mnist", "stand-in").digest
    True
    """
    spec = get_spec(name)
    file = _find(spec, source)
    return file.digest if file else _computed(name)[1]


def fetch(*names: str, strict: bool = True) -> list[Fetched]:
    """Make sure that verified files lie in the data directory; download what is absent.

    Parameters
    ----------
    *names : str
        Data sets; by default all that can be downloaded in seconds.
    strict : bool
        False: a network that fails is reported in the result only.

    Returns
    -------
    list of Fetched
        What was done about each data set.

    Raises
    ------
    DataError, NetworkError, DiskError
        See :func:`mirage.datasets.download.fetch`; a NetworkError after the others are done.
    """
    chosen = names or [n for n, spec in REGISTRY.items() if spec.download and not spec.by_name_only]
    done = download.fetch([get_spec(name) for name in dict.fromkeys(chosen)], data_directory())
    faults = [one.fault for one in done if one.fault]
    if faults and strict:
        raise NetworkError("; ".join(faults))
    return done


def _find(spec: Spec, source: str | None) -> Verified | None:
    """Find the files that the source allows; None for the stand-in."""
    source = source or os.environ.get("MIRAGE_SOURCE") or "auto"
    if source not in SOURCES:
        raise DataError(f"no data source '{source}'; expected {', '.join(SOURCES)}")
    if source == "stand-in":
        return None
    directory = data_directory()
    file = find(spec, directory)
    if file is None and source == "real":
        raise DataError(f"{directory / spec.files[0]} is not there; {spec.how_to_get}")
    return file


def _real(spec: Spec, file: Verified) -> Dataset:
    """Read verified files."""
    content = spec.read(file.paths)
    logger.info("%s: %s, %s", spec.name, file.source, file.path)
    for fault in content.get("faults", ()):
        logger.warning("%s: %s", spec.name, fault)
    return spec.build(file.source, spec.describe(content), file.digest, content)


def _stand_in(spec: Spec) -> Dataset:
    """Give out the stand-in, computed once per process."""
    content, digest = _computed(spec.name)
    logger.warning("%s: %s (%s)", spec.name, spec.stand_in_caption, spec.how_to_get)
    copies = {
        name: value.copy() if isinstance(value, np.ndarray) else value  # a frame never changes
        for name, value in content.items()
    }
    return spec.build("stand-in", spec.stand_in_caption, digest, copies)


@functools.cache
def _computed(name: str) -> tuple[dict[str, Any], str]:
    content = REGISTRY[name].stand_in()
    arrays = {key: value for key, value in content.items() if isinstance(value, np.ndarray)}
    return content, digest_arrays(arrays) if arrays else digest_tables(content)


def _record(data: Dataset) -> None:
    """Append a line about a loaded data set to the file that ``$MIRAGE_DATA_LOG`` names."""
    if log := os.environ.get("MIRAGE_DATA_LOG"):
        line = {key: getattr(data, key) for key in ("name", "digest", "description", "source")}
        line["module"] = f"mirage.datasets.{_HOMES.get(data.name, data.name).split('.')[0]}"
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
