"""Family and size of a model, read off its name."""

from __future__ import annotations

import re

# Number, unit, decimals: 70m, 1.4b, 7b1. Not the "v1.1" of a version, not the "16" of bf16.
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([mMbB])(\d*)(?![A-Za-z0-9])")
_UNITS = {"m": 1e6, "b": 1e9}
_FAMILIES = {"pythia-v1.1": "Pythia", "pythia": "Pythia", "opt": "OPT", "bloom": "BLOOM"}


def size_of(model: str) -> int | None:
    """Read a model's nominal size off its name.

    Parameters
    ----------
    model : str
        Such as ``"bloom-7b1"``.

    Returns
    -------
    int or None
        Parameters; None where the name tells none.

    Examples
    --------
    >>> [size_of(name) for name in ("pythia-v1.1-70m", "bloom-7b1", "opt-1.3b", "gpt2")]
    [70000000, 7100000000, 1300000000, None]
    """
    found = _SIZE.search(model)
    if not found:
        return None
    number, unit, decimals = found.groups()
    return round(float(f"{number}.{decimals}" if decimals else number) * _UNITS[unit.lower()])


def family_of(model: str) -> str:
    """Return what stands before the size: ``Llama-2`` of ``Llama-2-7b-hf``."""
    found = _SIZE.search(model)
    stem = model[: found.start()].rstrip("-_.") if found else model
    return _FAMILIES.get(stem, stem or model)
