"""URLs of servers: what of them may be shown, who could read what is sent, and by which proxy."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass


def public_url(url: str) -> str:
    """Return a URL without its parts that may be secret: user, password, query, fragment.

    Examples
    --------
    >>> public_url("https://me:secret@host:8000/v1?api-key=secret")
    'https://host:8000/v1'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def leaks(url: str) -> bool:
    """Whether others could read a key sent to this URL: plain HTTP to another machine.

    Examples
    --------
    >>> [leaks(f"{url}/v1") for url in ("http://127.0.0.1:80", "http://[::1]", "http://localhost",
    ...                                 "https://example.org", "http://example.org")]
    [False, False, False, False, True]
    """
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_here(parts.hostname)


def proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, None for this machine.

    ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` count, in capitals or not.
    """
    parts = urlsplit(url)
    if _is_here(parts.hostname) or proxy_bypass(parts.hostname):
        return None
    known = getproxies()
    found = known.get(parts.scheme) or known.get("all")
    return f"http://{found}" if found and "://" not in found else found


def _is_here(host: str | None) -> bool:
    if host in ("localhost", None):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
