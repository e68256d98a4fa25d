"""Figures of a page as the book shows them: SVG where it is light, else PNG.

Papermill's kernel draws both (`mirage.book.execute`). SVG stays sharp however far a reader
enlarges it and turns dark with the page; with thousands of points it is heavier than a PNG.
"""

from __future__ import annotations

from typing import Any

from mirage.book import panels

SVG, PNG = "image/svg+xml", "image/png"
HEAVIEST = 160_000  # bytes of an SVG that is shown


def of_page(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a cell's outputs as a page shows them.

    Parameters
    ----------
    outputs : list of dict
        As in the notebook's JSON. Of a picture one format is kept; what was kept for the gallery
        is no output of the page.

    Examples
    --------
    >>> light = {"data": {"image/svg+xml": "<svg/>", "image/png": "iVBO"}}
    >>> heavy = {"data": {"image/svg+xml": ["<svg>", " " * 10**6], "image/png": "iVBO"}}
    >>> [list(output["data"]) for output in of_page([light, heavy, {"data": {panels.MIME: {}}}])]
    [['image/svg+xml'], ['image/png']]
    """
    return [_one_format(output) for output in outputs if panels.MIME not in output.get("data", {})]


def _one_format(output: dict[str, Any]) -> dict[str, Any]:
    data = output.get("data", {})
    if not (SVG in data and PNG in data):
        return output
    is_light = len("".join(data[SVG]).encode()) <= HEAVIEST
    left_out = PNG if is_light else SVG
    return output | {"data": {kind: value for kind, value in data.items() if kind != left_out}}
