"""Data sets: :func:`load` one by its name; ``mirage data list`` shows them all.

The sources and their order are in the docstring of :func:`load`; ``fetch`` downloads.
"""

import importlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mirage.datasets import download
from mirage.datasets.directory import (
    EMBEDDED,
    Verified,
    data_directory,
    find,
    find_embedded,
    logger,
)
from mirage.datasets.download import Fetched
from mirage.datasets.images import Characters, LabelledImages
from mirage.datasets.spec import Dataset, Spec
from mirage.datasets.tables import ItemTable, ScoreTable
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
    "State",
    "available",
    "data_directory",
    "digest",
    "fetch",
    "get_spec",
    "load",
    "states",
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
    "official_bigbench": "official_bigbench.SPEC",
    "bigbench_task_metrics": "bigbench_task_metrics.SPEC",
    "olmo_ladder": "olmo_ladder.SPEC",
    "ukp_on_emergence": "ukp_on_emergence.SPEC",
}
SOURCES = ("auto", "directory", "embedded")


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
    """Load a data set; the source is logged.

    Never downloads: that is :func:`fetch`, or ``mirage data fetch NAME``.
    Where ``$MIRAGE_DATA_LOG`` names a file, a line of JSON is appended to it: ``name``,
    ``digest``, ``description``, ``source``, and ``module``, which reads the data set.

    Parameters
    ----------
    name : str
        A data set, such as ``"mnist"`` or ``"bigg"``; ``mirage data list`` names them all.
    source : str, optional
        ``"auto"``: the files in the data directory if there, else those of the package.
        ``"directory"``: the files in the data directory.
        ``"embedded"``: those of the package, whatever is in the data directory.
        By default ``$MIRAGE_SOURCE``, else ``"auto"``.

    Returns
    -------
    LabelledImages, Characters, ScoreTable or ItemTable
        Fresh arrays or tables, with ``source``, ``is_subset``, ``description`` and ``digest``.

    Raises
    ------
    DataError
        For an unknown name or source; for a data set that is in none of these places, with how to
        get it; and for a file that is damaged or not on record, which nothing replaces silently.

    Examples
    --------
    >>> letters = load("omniglot", source="embedded")
    >>> letters.x.shape, letters.is_subset
    ((1623, 20, 28, 28), False)
    >>> load("cifar100", source="embedded").description
    'subset of CIFAR-100 (2 000 of its 50 000 training images, 500 of its 10 000 test images)'
    """
    spec, file = _find(get_spec(name), source)
    content = spec.read(file.paths)
    logger.info("%s: %s, %s", spec.name, file.source, file.path)
    for fault in content.get("faults", ()):
        logger.warning("%s: %s", spec.name, fault)
    data = spec.build(file.source, file.digest, content)
    _record(data.name, data.digest, data.description, data.source)
    return data


def available(name: str, source: str | None = None) -> bool:
    """Return whether :func:`load` finds the data set, without reading it.

    That it was looked for in vain is recorded like what is loaded, with an empty digest: a page
    made without it is out of date once it is there.

    Parameters
    ----------
    name, source : str
        As for :func:`load`.

    Examples
    --------
    >>> available("mnist"), available("imagenet")
    (True, False)
    """
    try:
        spec = get_spec(name)
    except DataError:
        return False
    try:
        _find(spec, source)
    except DataError:
        _record(spec.name, "", "not there", "none")
        return False
    return True


def digest(name: str, source: str | None = None) -> str:
    """Return what ``load(name, source).digest`` is, without reading the data.

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
    >>> digest("omniglot", "embedded") == load("omniglot", "embedded").digest
    True
    """
    return _find(get_spec(name), source)[1].digest


def fetch(*names: str, strict: bool = True) -> list[Fetched]:
    """Make sure that verified files lie in the data directory; download what is absent.

    Parameters
    ----------
    *names : str
        Data sets; by default those with a download that takes seconds and that the package does
        not have whole.
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
    chosen = names or [
        name
        for name, spec in REGISTRY.items()
        if spec.download and not spec.by_name_only and not find(spec, EMBEDDED)
    ]
    done = download.fetch([get_spec(name) for name in dict.fromkeys(chosen)], data_directory())
    faults = [one.fault for one in done if one.fault]
    if faults and strict:
        raise NetworkError("; ".join(faults))
    return done


class State(NamedTuple):
    """Where a data set lies.

    Attributes
    ----------
    spec : Spec
        The data set.
    source : str
        ``"embedded"``, ``"embedded subset"``, ``"directory"``, ``"download"``, ``"absent"``, or
        ``"refused"`` for files that are damaged or not on record.
    file : Verified or None
        Its files.
    fault : str
        Why they are refused; empty otherwise.
    """

    spec: Spec
    source: str
    file: Verified | None = None
    fault: str = ""


def states() -> list[State]:
    """Look for the files of every data set and verify them.

    Returns
    -------
    list of State
        In the order of the registry.

    Examples
    --------
    >>> "mnist" in {state.spec.name for state in states()}
    True
    """
    return [_state(spec) for spec in REGISTRY.values()]


def _state(spec: Spec) -> State:
    try:
        if file := find(spec, data_directory()):
            return State(spec, file.source, file)
        if found := find_embedded(spec):
            part = "" if found[0] is spec else " subset"
            return State(spec, f"embedded{part}", found[1])
    except DataError as error:
        return State(spec, "refused", fault=str(error))
    return State(spec, "absent")


def _find(spec: Spec, source: str | None) -> tuple[Spec, Verified]:
    """Find the files of a data set, or of its subset, in the places that the source allows."""
    source = source or os.environ.get("MIRAGE_SOURCE") or "auto"
    if source not in SOURCES:
        raise DataError(f"no data source '{source}'; expected {', '.join(SOURCES)}")
    directory = data_directory()
    if source != "embedded" and (file := find(spec, directory)):
        return spec, file
    if source != "directory" and (found := find_embedded(spec)):
        return found
    where = EMBEDDED if source == "embedded" else directory
    raise DataError(f"{spec.name}: {where / spec.files[0]} is not there; {spec.how_to_get}")


def _record(name: str, digest: str, description: str, source: str) -> None:
    """Append a line about a data set to the file that ``$MIRAGE_DATA_LOG`` names."""
    if log := os.environ.get("MIRAGE_DATA_LOG"):
        line = {"name": name, "digest": digest, "description": description, "source": source}
        line["module"] = f"mirage.datasets.{_HOMES.get(name, name).split('.')[0]}"
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
