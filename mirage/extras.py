"""How to install the extras of the package, for messages: it is on no index of packages."""

from __future__ import annotations


def remedy(extra: str) -> str:
    """Say how to install an extra.

    Parameters
    ----------
    extra : str
        Name of the extra in ``pyproject.toml``.

    Returns
    -------
    str
        A phrase without a full stop.

    Examples
    --------
    >>> remedy("llm")
    "in a clone of the book: pip install '.[llm]'"
    """
    return f"in a clone of the book: pip install '.[{extra}]'"
