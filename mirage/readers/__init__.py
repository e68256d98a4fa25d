"""Read evaluation logs of any tool into the two tables of `mirage.tables`."""

from typing import Any

__all__ = ["Logs", "read"]


def __getattr__(name: str) -> Any:
    """Import the readers, and polars with them, when they are asked for."""
    if name in __all__:
        from mirage.readers import logs

        return getattr(logs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
