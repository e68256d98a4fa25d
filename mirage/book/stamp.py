"""When an executed notebook is out of date: a stamp beside it says what it was made of.

The stamp of ``figure-11-mnist.ipynb`` is ``figure-11-mnist.stamp``: the digest of the notebook's
cells, of the code that they import, of parameters and versions; the data sets that were loaded
while it ran, each with its digest; and the SHA-256 of the executed notebook, so that a damaged one
counts as out of date.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mirage import code_digest
from mirage.files import MirageError, atomic_write, sha256


class Data(msgspec.Struct, frozen=True):
    """A data set that a notebook loaded; a line of the file that ``$MIRAGE_DATA_LOG`` names.

    Parameters
    ----------
    name, digest, description, source : str
        As :class:`mirage.datasets.Dataset` has them. Without a digest it was looked for in vain.
    module : str
        The module that reads it.
    """

    name: str
    digest: str
    description: str
    source: str
    module: str = "mirage.datasets"


class Stamp(msgspec.Struct, frozen=True):
    """What an executed notebook was made of.

    Parameters
    ----------
    key : str
        From :func:`key`.
    sha256 : str
        Of the executed notebook.
    data : tuple of Data
        The data sets that were loaded or looked for.
    """

    key: str
    sha256: str
    data: tuple[Data, ...] = ()

    @property
    def loaded(self) -> list[Data]:
        """The data sets without those that were looked for in vain."""
        return [one for one in self.data if one.digest]


def path_of(executed: Path) -> Path:
    """Return where the stamp of an executed notebook lies."""
    return executed.with_suffix(".stamp")


def read(executed: Path) -> Stamp | None:
    """Read the stamp of an executed notebook.

    Parameters
    ----------
    executed : Path
        The notebook; it need not exist.

    Returns
    -------
    Stamp or None
        None where the notebook or its stamp is absent or damaged, or one is not the other's.
    """
    try:
        stamp = msgspec.json.decode(path_of(executed).read_bytes(), type=Stamp)
        return stamp if sha256(executed) == stamp.sha256 else None
    except (FileNotFoundError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


def write(executed: Path, key: str, data: Iterable[Data]) -> None:
    """Write the stamp of a notebook that has just been executed."""
    stamp = Stamp(key, sha256(executed), tuple(data))
    with atomic_write(path_of(executed)) as file:
        file.write(msgspec.json.encode(stamp))


def read_log(log: Path) -> list[Data]:
    """Read which data sets were loaded: each once, in the order of their names.

    Parameters
    ----------
    log : Path
        The file that ``$MIRAGE_DATA_LOG`` named; absent where nothing was loaded.

    Raises
    ------
    MirageError
        A line is damaged.
    """
    if not log.exists():
        return []
    try:
        lines = log.read_bytes().splitlines()
        found = {msgspec.json.decode(line, type=Data) for line in lines}
    except (ValueError, RecursionError) as error:
        raise MirageError(f"{log} is damaged ({error}): run the notebook again") from None
    return sorted(found, key=lambda data: (data.name, data.digest))


def code_of(notebook: Path, package: Path, modules: Iterable[str] = ()) -> code_digest.Code:
    """Find the code that a notebook depends on.

    Parameters
    ----------
    notebook : Path
        Its source, not the executed one.
    package : Path
        The folder of ``mirage``.
    modules : iterable of str
        Further modules: those that read its data sets, which are found by name only.

    Raises
    ------
    ValueError
        The notebook or a module cannot be read.
    """
    code = [cell["source"] for cell in _cells(notebook) if cell["cell_type"] == "code"]
    imports = [f"import {name}" for name in sorted(set(modules))]
    return code_digest.of_source("\n".join([*code, *imports]), package)


def key(
    notebook: Path, package: Path, parameters: Mapping[str, Any], data: Iterable[Data] = ()
) -> str:
    """Hash what a notebook's results depend on, beside the content of its data.

    Parameters
    ----------
    notebook, package : Path
        As for :func:`code_of`.
    parameters : mapping
        Values that replace the notebook's own, ``profile`` among them.
    data : iterable of Data
        The data sets that it loads: the modules that read them count as imported.

    Returns
    -------
    str
        SHA-256, hexadecimal. Stored outputs and execution counts do not count.

    Raises
    ------
    ValueError
        As :func:`code_of`.
    """
    code = code_of(notebook, package, (one.module for one in data))
    content = {
        "cells": _cells(notebook),
        "code": code_digest.digest(code),
        "runtime": code_digest.runtime(code.packages),
        "parameters": dict(parameters),
    }
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def is_current(
    executed: Path, notebook: Path, package: Path, parameters: Mapping[str, Any]
) -> bool:
    """Whether running a notebook again would give the same.

    Parameters
    ----------
    executed : Path
        The executed notebook.
    notebook, package, parameters
        As for :func:`key`.

    Raises
    ------
    ValueError
        As :func:`code_of`.
    """
    stamp = read(executed)
    if stamp is None or any(data.digest != (_digest(data.name) or "") for data in stamp.data):
        return False
    try:
        return stamp.key == key(notebook, package, parameters, stamp.data)
    except ValueError:  # a module that read its data is no more; else the next line says what is
        key(notebook, package, parameters)
        return False


def _digest(name: str) -> str | None:
    """Return the digest that a data set has today; None where it is unknown or damaged."""
    from mirage import datasets
    from mirage.files import DataError

    try:
        return datasets.digest(name)
    except DataError:
        return None


def _cells(notebook: Path) -> list[dict[str, Any]]:
    """Return type, source and metadata of a notebook's cells."""
    try:
        return _read_cells(notebook.read_bytes())
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot read the notebook {notebook}: {error}") from None


@functools.cache
def _read_cells(content: bytes) -> list[dict[str, Any]]:
    cells = msgspec.json.decode(content)["cells"]
    return [
        {
            "cell_type": cell["cell_type"],
            "source": "".join(cell["source"]),
            "metadata": cell["metadata"],
        }
        for cell in cells
    ]
