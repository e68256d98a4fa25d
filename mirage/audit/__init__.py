"""`mirage audit`: is it the metric, too few items, too few models, or the model?"""

from typing import Any

__all__ = ["Audit", "audit"]


def __getattr__(name: str) -> Any:
    """Import what computes when it is asked for: the command line shall start at once."""
    if name in __all__:
        from mirage.audit import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
