"""The gallery of the first page: each figure of the paper, its points beside ours, as a link.

Drawn from what the pages kept (`mirage.book.panels`); the README shows all of it in one picture.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mirage import plots
from mirage.book import claims, panels
from mirage.book.claims import Claim, Kind, Verdict
from mirage.book.panels import Panel
from mirage.files import atomic_write

NAME = "gallery.svg"  # in book/_static, for the README
FOLDER = "book/_generated/gallery"
SIZE = (3.6, 2.2)  # inches of one picture: at 96 px an inch, as wide as half the page or a phone
TEXT = 9
KEY = 0.4  # inches below a tile for its key, where the picture is all there is
SMALL = TEXT - 1  # of axes and keys


class Tile(msgspec.Struct, frozen=True):
    """One figure of the gallery.

    Parameters
    ----------
    page : str
        The notebook's name.
    title : str
        The page's title.
    panels : list of Panel
        What it kept.
    claims : list of Claim
        The paper's claims on it.
    """

    page: str
    title: str
    panels: list[Panel]
    claims: list[Claim]

    @property
    def key(self) -> str:
        """What its marks and lines mean, besides hollow for the paper's points."""
        return " ".join(panel.key for panel in self.panels if panel.key)


def tiles(executed: Sequence[Path]) -> list[Tile]:
    """Return a tile for each executed notebook that kept panels."""
    return [
        Tile(
            path.stem,
            _title(path),
            kept,
            [claim for claim in claims.read(path) if claim.kind is Kind.PAPER],
        )
        for path in executed
        if (kept := panels.read(path))
    ]


def contents(executed: Sequence[Path]) -> dict[str, bytes]:
    """Return the gallery's sources by their place in the stage: a picture each, and Markdown."""
    found = tiles(executed)
    made = {f"{FOLDER}/{tile.page}.svg": picture([tile]) for tile in found}
    return made | {"book/_generated/gallery.md": markdown(found).encode()}


def markdown(found: Sequence[Tile]) -> str:
    """Write the gallery: a grid of cards, each a link to its page."""
    lines = ["::::{grid} 1 2 2 2", ":gutter: 2", ":class-container: gallery", ""]
    for tile in found:
        lines += [
            f":::{{grid-item-card}} {tile.title}",
            f":link: /notebooks/{tile.page}",
            ":link-type: doc",
            f":img-top: _generated/gallery/{tile.page}.svg",
            f":img-alt: {alt_text(tile)}",
            "",
            *([tile.key, ""] if tile.key else []),
            chip(tile.claims),
            ":::",
            "",
        ]
    return "\n".join([*lines, "::::", ""])


def alt_text(tile: Tile) -> str:
    """Say what a tile shows: its panels' messages, its key, and whose points are there."""
    messages = "; ".join(panel.message for panel in tile.panels if panel.message)
    hollow = [one.hollow for panel in tile.panels for one in panel.series]
    whose = "The paper's points are hollow" if any(hollow) else "All points are ours"
    both = any(hollow) and not all(hollow)
    told = [f"Small picture. {messages}.", tile.key, f"{whose}{', ours filled' * both}."]
    return " ".join(filter(None, told))


def chip(found: Sequence[Claim]) -> str:
    """Return how many of the paper's claims on a page are reproduced, as a label.

    Examples
    --------
    >>> from mirage.book.rules import Exceeds
    >>> one = Claim(id="x", kind=Kind.PAPER, statement="It rises.", rule=Exceeds(0), ours=1)
    >>> chip([one])
    '<span class="verdict verdict-reproduced">1 of 1 reproduced</span>'
    """
    if not found:
        return claims.label_of(Verdict.NOT_ATTEMPTED, "no claim of the paper")
    verdicts = [claim.verdict for claim in found]
    good = sum(one in (Verdict.REPRODUCED, Verdict.DEVIATION) for one in verdicts)
    whole = Verdict.REPRODUCED if good == len(found) else Verdict.DEVIATION
    worst = Verdict.NOT_REPRODUCED if Verdict.NOT_REPRODUCED in verdicts else verdicts[0]
    return claims.label_of(whole if good else worst, f"{good} of {len(found)} reproduced")


def picture(found: Sequence[Tile], columns: int = 1) -> bytes:
    """Draw tiles into one SVG, the same bytes on every run.

    Parameters
    ----------
    found : sequence of Tile
        At least one.
    columns : int
        Tiles in a row; with more than one each tile has its title and its key.
    """
    rows = -(-len(found) // columns)
    titled = columns > 1
    width, height = SIZE[0] * columns, (SIZE[1] + (0.3 + KEY) * titled) * rows
    with plt.style.context(plots.STYLE):
        figure = plt.figure(figsize=(width, height))
        parts = figure.subfigures(rows, columns, squeeze=False).flat
        for part, tile in zip(parts, found, strict=False):
            if titled:
                title = textwrap.fill(tile.title, 44)
                part.suptitle(title, fontsize=TEXT, x=0.02, ha="left", weight="bold")
                part.supxlabel(textwrap.fill(tile.key, 56), fontsize=SMALL, x=0.02, ha="left")
            _draw(part, tile.panels)
        text = _svg(figure, transparent=not titled)  # the README's page may be dark
        plt.close(figure)
    return text


def _draw(part: Figure, kept: Sequence[Panel]) -> None:
    for ax, panel in zip(part.subplots(1, len(kept), squeeze=False).flat, kept, strict=True):
        for one in panel.series:
            color = "black" if one.hollow and one.line == "None" else one.color
            style = {"ls": one.line, "marker": one.marker, "color": color, "alpha": one.alpha}
            style |= {"ms": 4, "lw": 1.3} if one.alpha == 1 else {"ms": 3, "lw": 0.7}
            ax.plot(one.x, one.y, mfc="none" if one.hollow else color, **style)
        ax.set(xscale=panel.xscale, yscale=panel.yscale)
        _quiet(ax)
        # One label may stand for a row or a column of panels.
        xlabel, ylabel = (
            next(filter(None, [getattr(one, name) for one in (panel, *kept)]), "")
            for name in ("xlabel", "ylabel")
        )
        ax.set_xlabel(xlabel, fontsize=SMALL)
        ax.set_ylabel(textwrap.fill(_unbroken(ylabel), 24), fontsize=SMALL)
        if panel.rows:
            ax.set_yticks(list(panel.rows.values()), list(panel.rows))
            ax.margins(y=0.25)
            ax.invert_yaxis()
        message = _unbroken(panel.message)
        width = 17 if len(kept) > 1 else 30
        ax.set_title(textwrap.fill(message, width), loc="left", fontsize=TEXT)


def _unbroken(text: str) -> str:
    """Keep a number with its sign on one line."""
    return re.sub(r" (?=%)| (?==)|(?<==) ", "\N{NO-BREAK SPACE}", text)


def _quiet(ax: Axes) -> None:
    """Few and small labels: the picture is less than four inches wide."""
    ax.tick_params(labelsize=SMALL, which="both")
    ax.minorticks_off()
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "linear":
            ax.locator_params(axis=axis.axis_name, nbins=4)
        else:
            axis.get_major_locator().set_params(numticks=4)


def _svg(figure: Figure, transparent: bool) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, transparent=transparent)
    return file.getvalue()


def _title(path: Path) -> str:
    """Return the first heading of a notebook."""
    cells = msgspec.json.decode(path.read_bytes())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    found = re.search(r"(?m)^# (.+)$", text)
    return found[1] if found else path.stem


def write_picture(folder: Path, executed: Sequence[Path]) -> None:
    """Write the README's picture of the whole gallery into a folder.

    Parameters
    ----------
    folder : Path
        ``book/_static``.
    executed : sequence of Path
        Executed notebooks; without kept panels an earlier picture is left.
    """
    if found := tiles(executed):
        with atomic_write(folder / NAME) as file:
            file.write(picture(found, columns=2))
