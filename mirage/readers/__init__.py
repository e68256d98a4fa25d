"""Read evaluation logs of any tool into the two tables of `mirage.tables`."""

from mirage.readers.logs import Logs, read

__all__ = ["Logs", "read"]
