"""Contrast of what the book draws: marks at least 3 to 1, text 4.5 to 1, in light and in dark.

Read off the drawings themselves: the SVGs of the executed notebooks, in the colours of either
theme. Colours that style sheets give to drawings are read off these.
"""

import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from contrast import MARK, TEXT, WHITE, faults, in_the_dark, marks, over, ratio
from html_pages import ROOT
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mirage import plots
from mirage.book import gallery


def executed() -> list[Path]:
    """The executed notebooks of the profile that ran last."""
    folders = (ROOT / "_build" / "runs").glob("*/")
    runs = [[p for p in folder.glob("*.ipynb") if ".running" not in p.name] for folder in folders]
    newest = max(
        filter(None, runs), key=lambda run: max(p.stat().st_mtime for p in run), default=[]
    )
    return sorted(newest)


RUNS = executed()


def drawings(notebook: Path):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return ["".join(data["image/svg+xml"]) for data in outputs if "image/svg+xml" in data]


@pytest.mark.book
@pytest.mark.skipif(not RUNS, reason="no executed notebooks: mirage run first")
@pytest.mark.parametrize("notebook", RUNS, ids=lambda path: path.stem)
def test_marks_of_each_figure_can_be_seen(notebook):
    for number, svg in enumerate(drawings(notebook), 1):
        found = marks(svg)
        assert len(found) > 3
        bad = sorted({fault for mark in found for fault in faults(mark)})
        assert not bad, f"drawing {number}: " + "; ".join(bad[:5])


@pytest.mark.book
@pytest.mark.skipif(not RUNS, reason="no executed notebooks: mirage run first")
def test_marks_of_the_gallery_can_be_seen():
    for tile in gallery.tiles(RUNS):
        # Its ground is transparent and its card white; in the dark it is turned round as a whole.
        bad = [fault for mark in marks(gallery.picture([tile]).decode()) for fault in faults(mark)]
        assert not bad, f"{tile.page}: " + "; ".join(bad[:5])


@pytest.fixture
def ax():
    with plt.style.context(plots.STYLE):
        yield Figure().subplots()


def found_in(ax) -> list[str]:
    from io import BytesIO

    file = BytesIO()
    with plt.style.context(plots.STYLE):
        ax.figure.savefig(file, format="svg")
    return [fault for mark in marks(file.getvalue().decode()) for fault in faults(mark)]


PALE = "#bbbbbb"  # 1.9 to 1


@pytest.mark.parametrize(
    ("draw", "n_faults"),
    [
        (lambda ax: ax.plot([0, 1], color=PALE), 2),
        (lambda ax: ax.plot([0, 1], color=plots.SHARP, alpha=0.35), 2),
        (lambda ax: ax.plot([0, 1], color=plots.SHARP, alpha=plots.FAINT), 0),
        (lambda ax: ax.plot([0, 1], color="#777777"), 0),
        (lambda ax: ax.bar(0, 1, color=PALE), 2),
        (lambda ax: ax.bar(0, 1, color=PALE, ec=plots.EDGE), 0),
        (lambda ax: ax.axvspan(0, 1, color=PALE), 0),
        (lambda ax: ax.fill_between([0, 1], [0, 1], color=PALE), 0),
        (lambda ax: ax.text(0.5, 0.5, "x", color="#888888"), 1),  # 3.5 and, in the dark, 4.2
        (lambda ax: (ax.bar(0.5, 0.9, color="#004d40"), ax.text(0.5, 0.5, "x", color="white")), 0),
        (lambda ax: (ax.bar(0.5, 0.9, color="#004d40"), ax.text(0.5, 0.5, "x")), 2),
    ],
)
def test_a_mark_too_pale_is_found(ax, draw, n_faults):
    ax.plot([0, 1], color="black")
    draw(ax)
    found = found_in(ax)
    assert len(found) >= n_faults
    assert bool(found) == bool(n_faults), found


def test_ratio_and_the_dark_by_hand():
    assert ratio((0, 0, 0), WHITE) == pytest.approx(21)
    assert ratio((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)) == 1
    assert over("black", 0.25) == pytest.approx([0.75] * 3)
    # Of a grey only the inversion is left: 0.92 − 0.84 c.
    assert in_the_dark(WHITE) == pytest.approx([0.08] * 3)
    assert in_the_dark((0, 0, 0)) == pytest.approx([0.92] * 3)


@pytest.mark.parametrize(("sheet", "n"), [("reading.css", 1), ("custom.css", 1)])
def test_the_dark_of_the_test_is_that_of_the_style_sheets(sheet, n):
    css = (ROOT / "book" / "_static" / sheet).read_text(encoding="utf-8")
    assert css.count("filter: invert(0.92) hue-rotate(180deg);") == n


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_a_sequence_of_colours_can_be_seen(n):
    for color in plots.sequence(n)[:, :3]:
        assert ratio(color, WHITE) >= MARK
        assert ratio(in_the_dark(color), in_the_dark(WHITE)) >= MARK


def test_the_colours_of_the_style_can_be_seen():
    with plt.style.context(plots.STYLE):
        cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    for color in [*cycle, plots.SHARP, plots.SMOOTH, plots.EDGE]:
        assert ratio(to_rgb(color), WHITE) >= MARK, color
        assert ratio(in_the_dark(to_rgb(color)), in_the_dark(WHITE)) >= MARK, color
    for color in (plots.SHARP, plots.SMOOTH):
        assert ratio(over(color, plots.FAINT), WHITE) >= MARK


def variables(css: str, start: str) -> dict[str, str]:
    """The colours that a rule of a style sheet gives names to."""
    block = css[css.index(start) :].partition("}")[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,8});", block))


FRONT = (ROOT / "book" / "_static" / "front.css").read_text(encoding="utf-8")
REPORT = (ROOT / "mirage" / "audit" / "report" / "report.css").read_text(encoding="utf-8")
DRAWN = (ROOT / "mirage" / "audit" / "report" / "report.js").read_text(encoding="utf-8")
THEMES = {
    "first page, light": variables(FRONT, ".mirage-hero {"),
    "first page, dark": variables(FRONT, 'html[data-theme="dark"] .mirage-hero {'),
    "audit, light": variables(REPORT, ":root {"),
    "audit, dark": variables(REPORT, ":root {")
    | variables(REPORT[REPORT.index("@media") :], ":root {"),
}


@pytest.mark.parametrize("theme", THEMES)
def test_the_colours_of_a_style_sheet_can_be_seen(theme):
    colours = THEMES[theme]
    grounds = [colours[name] for name in ("ground", "card") if name in colours]
    for ground in map(to_rgb, grounds):
        for name in ("sharp", "smooth", "axis", "muted", "focus"):
            if name in colours:
                assert ratio(to_rgb(colours[name]), ground) >= MARK, name
        for name in ("ink", "muted", "axis", "sharp", "smooth"):  # titles are in the metric's
            if name in colours:
                assert ratio(to_rgb(colours[name]), ground) >= TEXT, name
    if theme.startswith("audit"):
        for opacity in map(float, re.findall(r"\bopacity: ([\d.]+)", DRAWN)):
            for name in ("sharp", "smooth"):
                pale = over(colours[name], opacity, colours["ground"])
                assert ratio(pale, to_rgb(colours["ground"])) >= MARK, (name, opacity)
    for chip in ("metric", "resolution", "jump", "gradual", "flat", "declines", "undecided"):
        if chip in colours:
            assert ratio(to_rgb(colours["ink"]), to_rgb(colours[chip])) >= TEXT, chip
