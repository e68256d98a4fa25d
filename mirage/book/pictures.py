"""Figures as the kernel of a page draws them: SVG where it is light, else PNG.

`mirage.book.execute` has the kernel load this module as an extension of IPython. SVG stays sharp
however far a reader enlarges it and turns dark with the page; with thousands of points it is
heavier than a PNG. Drawing takes seconds, so that only what the page shows is drawn.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG, PNG = "image/svg+xml", "image/png"
HEAVIEST = 160_000  # bytes of an SVG that is shown


def load_ipython_extension(shell: Any) -> None:
    """Have a kernel draw Matplotlib's figures by :func:`draw`."""
    shell.config.InlineBackend.figure_formats = set()  # else each is drawn once more
    bundles = shell.display_formatter.mimebundle_formatter
    bundles.for_type_by_name("matplotlib.figure", "Figure", draw)
    shell.events.register("post_execute", _nothing_is_stale)


def _nothing_is_stale() -> None:
    """Keep pyplot from drawing each open figure, for nobody, at the end of a cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    for number in pyplot.get_fignums() if pyplot else ():
        pyplot.figure(number).stale = False


def draw(figure: Figure) -> dict[str, str]:
    """Draw a figure in the one format that a page shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Cropped to what is drawn.

    Returns
    -------
    dict of str to str
        SVG, or PNG in base 64, by its MIME type; empty for a figure without axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(2, 1))
    >>> ax = figure.subplots()
    >>> _ = ax.plot([0, 1])
    >>> list(draw(figure))
    ['image/svg+xml']
    >>> _ = ax.plot(range(3000), "o")
    >>> list(draw(figure))
    ['image/png']
    >>> draw(Figure())
    {}
    """
    from IPython.core.pylabtools import print_figure

    svg = print_figure(figure, "svg")
    if svg is None:
        return {}
    if len(svg.encode()) <= HEAVIEST:
        return {SVG: svg}
    return {PNG: print_figure(figure, "png", base64=True)}
