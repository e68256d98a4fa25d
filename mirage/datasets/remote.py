"""Downloads of files at pinned commits, through pooch: retried, checked, whole or absent."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mirage.files import NetworkError

_STALL = 30  # seconds without a byte after which a download counts as broken
_RETRIES = 2  # of a file; pooch waits for 1 s, then 2 s


class Remote(NamedTuple):
    """A file at a pinned commit.

    Attributes
    ----------
    file : str
        Its place, relative to the data directory.
    url : str
        Its address.
    sha256 : str
        The only content that is accepted.
    """

    file: str
    url: str
    sha256: str


def download_pinned(remotes: Sequence[Remote], folder: Path) -> None:
    """Download files under `folder`; one that is already there, and right, is left alone.

    Parameters
    ----------
    remotes : sequence of Remote
        The files.
    folder : Path
        Made where it is absent.

    Raises
    ------
    NetworkError
        Where the server does not answer, or sends another content.
    """
    import pooch
    from requests import RequestException

    pooch.get_logger().setLevel("WARNING")  # else a line on stderr for each file
    store = pooch.create(
        path=folder,
        base_url="",
        registry={remote.file: f"sha256:{remote.sha256}" for remote in remotes},
        urls={remote.file: remote.url for remote in remotes},
        retry_if_failed=_RETRIES,
    )
    downloader = pooch.HTTPDownloader(timeout=_STALL)
    for remote in remotes:
        try:
            store.fetch(remote.file, downloader=downloader)
        except (ValueError, RequestException) as error:  # ValueError: another SHA-256
            reason = " ".join(str(error).split())
            raise NetworkError(f"cannot download {remote.url}: {reason}") from error
