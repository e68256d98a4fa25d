"""A report inside a notebook: the same page that `mirage audit` writes, in a frame of its own."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Frame:
    """A report as the output of a notebook cell.

    The frame is sandboxed: its script sees nothing of the page around it.

    Parameters
    ----------
    html : str
        The report.
    title : str
        Name of the frame for screen readers, and text in its place where nothing is shown.
    height : int
        Pixels.
    name : str
        Lower-case letters, digits and hyphens. The book keeps a report with a name as a file, so
        that its cards can be linked (`mirage.book.reports`).

    Examples
    --------
    >>> Frame("<p>a & b</p>", "report", 100)._repr_html_()[:59]
    '<iframe srcdoc="&lt;p&gt;a &amp; b&lt;/p&gt;" title="report'
    """

    html: str
    title: str
    height: int = 640
    name: str = ""

    def _repr_html_(self) -> str:
        style = f"width:100%;height:{self.height}px;border:1px solid #b8bec6;border-radius:4px"
        name = f'name="{escape(self.name)}" ' if self.name else ""
        return (
            f'<iframe {name}srcdoc="{escape(self.html)}" title="{escape(self.title)}" '
            f'loading="lazy" sandbox="allow-scripts" style="{style}"></iframe>'
        )

    def __repr__(self) -> str:
        """Text for output that shows no HTML."""
        return self.title
