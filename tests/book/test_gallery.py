"""The gallery of the first page: what pages keep, and how it is drawn."""

from io import BytesIO

import msgspec
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mirage.book import card, gallery, panels
from mirage.book.claims import Claim, Kind, record
from mirage.book.meta import description, site, tags
from mirage.book.rules import Exceeds


def axes():
    """A panel with a curve, the paper's points, an interval and a line across it."""
    ax = Figure().subplots()
    x = np.geomspace(1e6, 1e9, 400)
    ax.plot(x, np.linspace(0, 1, 400), color="#c24e00")
    ax.plot([1e6, 1e9], [0, np.nan], "o", mfc="none", mec="black")
    ax.errorbar([1e7], [0.3], yerr=[0.1], fmt="^", capsize=3)
    ax.axhline(0.25)
    ax.set_title(r"$\bf{C}$  Accuracy jumps", loc="left")
    ax.set_xscale("log")
    return ax


def test_a_panel_is_what_was_drawn():
    found = panels.panel([axes()])
    assert (found.message, found.xscale, found.yscale) == ("Accuracy jumps", "log", "linear")
    curve, paper, measured = found.series
    assert (len(curve.x), curve.color, curve.hollow) == (panels.MOST, "#c24e00", False)
    assert (curve.x[0], curve.x[-1], curve.y[-1]) == (1e6, 1e9, 1.0)
    assert (paper.x, paper.y, paper.hollow, paper.color) == ([1e6], [0.0], True, "#000000")
    assert (measured.marker, measured.x) == ("^", [1e7]), "the interval's caps are left out"


def test_names_of_rows_are_kept():
    ax = Figure().subplots()
    ax.plot([1, 2], [0, 1], "o")
    assert panels.panel([ax]).rows == {}
    ax.set_yticks([0, 1], ["exact match", "Brier score"])
    assert panels.panel([ax]).rows == {"exact match": 0, "Brier score": 1}


def executed(folder, stem, kept, *claims):
    content, metadata = record(stem, claims)._repr_mimebundle_()
    outputs = [nbformat.v4.new_output("execute_result", data=content, metadata=metadata)]
    data = {panels.MIME: msgspec.to_builtins(kept)}
    outputs.append(nbformat.v4.new_output("display_data", data=data))
    cells = [nbformat.v4.new_markdown_cell(f"(x)=\n# Title of {stem}\n\n**Claim.** It rises.")]
    cells.append(nbformat.v4.new_code_cell(outputs=outputs))
    path = folder / f"{stem}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def claim(ours, kind=Kind.PAPER, name="x"):
    return Claim(id=name, kind=kind, statement="It rises.", rule=Exceeds(0), ours=ours)


def test_tiles_link_their_pages_and_count_the_papers_claims(tmp_path):
    kept = msgspec.structs.replace(panels.panel([axes()]), key="Triangles: measured.")
    one = executed(
        tmp_path, "figure-7", kept, claim(1), claim(-1, name="y"), claim(-1, Kind.OURS, "z")
    )
    found = gallery.contents([one])
    assert list(found) == ["book/_generated/gallery/figure-7.svg", "book/_generated/gallery.md"]
    text = found["book/_generated/gallery.md"].decode()
    assert ":link: /notebooks/figure-7\n" in text
    assert "Title of figure-7" in text
    assert "1 of 2 reproduced" in text
    told = "Accuracy jumps. Triangles: measured. The paper's points are hollow, ours filled."
    assert f":img-alt: Small picture. {told}\n\nTriangles: measured.\n\n" in text
    assert gallery.contents([one]) == found, "the same bytes on every run"


def test_points_are_called_hollow_only_where_some_are():
    kept = panels.panel([axes()])
    hollow, filled = (
        msgspec.structs.replace(kept, series=[one for one in kept.series if one.hollow == side])
        for side in (True, False)
    )
    said = {name: gallery.alt_text(gallery.Tile("x", "X", [one], [])) for name, one in
            (("all", hollow), ("none", filled))}  # fmt: skip
    assert said["all"].endswith(" The paper's points are hollow.")
    assert said["none"].endswith(" All points are ours.")


def test_the_axes_of_a_tile_are_named():
    ax = axes()
    ax.set(xlabel="parameters", ylabel="accuracy")
    first, second = panels.panel([ax]), panels.panel([axes()])  # the second shares the labels
    assert (first.xlabel, first.ylabel) == ("parameters", "accuracy")
    text = gallery.picture([gallery.Tile("x", "X", [first, second], [])]).decode()
    assert text.count("parameters") == text.count("accuracy") == 2


@pytest.mark.parametrize(
    ("ours", "style"),
    [
        ([1, 1], "reproduced"),
        ([1, -1], "deviation"),
        ([-1, -1], "not-reproduced"),
        ([None], "not-attempted"),
        ([1, None], "deviation"),
    ],
)
def test_the_chip_has_the_colour_of_its_count(ours, style):
    found = [claim(value, name=str(i)) for i, value in enumerate(ours)]
    good = sum(value == 1 for value in ours)
    words = f">{good} of {len(ours)} reproduced<"
    assert f"verdict-{style}" in gallery.chip(found)
    assert words in gallery.chip(found)


def test_the_picture_of_the_readme_has_every_tile(tmp_path):
    kept = panels.panel([axes()])
    paths = [executed(tmp_path, f"figure-{i}", kept, claim(1)) for i in (2, 3, 4)]
    gallery.write_picture(tmp_path, paths)
    text = (tmp_path / gallery.NAME).read_text(encoding="utf-8")
    assert all(f"Title of figure-{i}" in text for i in (2, 3, 4))
    before = (tmp_path / gallery.NAME).stat().st_ino  # a file that is written has a new one
    gallery.write_picture(tmp_path, [])
    assert (tmp_path / gallery.NAME).stat().st_ino == before, "nothing kept, nothing drawn"


def test_a_page_says_what_it_claims():
    assert description(["First.", "Claim. It\n rises."]) == "It rises."
    assert description([]) == ""
    assert len(description(["abc " * 100])) <= 201
    base = site("https://github.com/owner/name")
    found = tags('A "title"', "It rises.", f"{base}x.html", base)
    assert '<meta property="og:title" content="A &quot;title&quot;" />' in found
    assert 'content="https://owner.github.io/name/_static/card.png"' in found


def test_the_social_card_has_the_size_that_is_asked_for():
    with Image.open(BytesIO(card.picture())) as picture:
        assert picture.size == (1200, 630)
