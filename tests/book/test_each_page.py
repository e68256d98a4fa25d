"""What holds of every page, in light, in dark and on a phone; each is opened once for all of it.

axe-core checks contrast of text, names of buttons and images, order of headings, tables, focus and
more: https://dequeuniversity.com/rules/axe/. Moderate and minor findings are not held here.
"""

import gzip
import re
from base64 import b64encode
from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import PHONE, visit
from html_pages import FIGURES, HTML, needs_book, pages
from PIL import Image

pytestmark = [pytest.mark.book, needs_book]

MODES = [(page, mode) for page in pages() for mode in ("light", "dark")]


@pytest.fixture(scope="module", params=MODES, ids=[f"{mode}-{page}" for page, mode in MODES])
def desk(request, chromium, site):
    """A page on a desk: its tab, its name and its mode."""
    page, mode = request.param
    with visit(chromium, site + page, mode=mode) as tab:
        yield tab, page, mode


@pytest.fixture(scope="module", params=pages())
def phone(request, chromium, site):
    with visit(chromium, site + request.param, PHONE) as tab:
        yield tab


BUNDLES = re.compile("vega-bundle|mathjax")  # loaded once for all pages, where they are used


@cache
def sent(path: Path) -> int:
    """Bytes of a file as most servers send it: GitHub Pages and others compress text."""
    return len(gzip.compress(path.read_bytes(), 6))


def test_a_page_weighs_at_most_a_megabyte(desk, site):
    tab, page, _ = desk
    names = "performance.getEntriesByType('resource').map(entry => entry.name)"
    loaded = {url.partition("?")[0] for url in [site + page, *tab.evaluate(names)]}
    paths = {HTML / url.removeprefix(site) for url in loaded if not BUNDLES.search(url)}
    sizes = [sent(path) for path in paths if path.is_file()]
    assert len(sizes) > 5
    assert sum(sizes) <= 1_000_000


def test_the_icons_of_a_page_are_in_the_style_sheet(desk):
    glyph = "e => getComputedStyle(e, '::before').content"
    assert desk[0].locator(".fa-bars").first.evaluate(glyph) not in ("none", "normal")


def test_figures_have_the_ground_of_the_theme(desk):
    tab, _, mode = desk
    assert tab.evaluate("document.documentElement.dataset.theme") == mode
    # The theme's header lies over what is scrolled below it, and so in its screenshot.
    header = tab.add_style_tag(content=".bd-header-article { visibility: hidden }")
    for figure in tab.locator(FIGURES).all():
        assert figure.evaluate("e => e.tagName === 'svg' || e.naturalWidth > 0")
        picture = Image.open(BytesIO(figure.screenshot())).convert("RGB")
        width, height = picture.size
        assert min(width, height) > 100
        _, ground = max(picture.getcolors(width * height))
        if mode == "light":
            assert min(ground) > 250, f"the ground is {ground}, not white"
        else:
            assert max(ground) < 60, f"the ground is {ground}, not dark"
    header.evaluate("e => e.remove()")


def test_what_is_wider_than_its_box_says_so(desk):
    tab, _, _ = desk
    hint = "all => all.map(e => getComputedStyle(e, '::before').content)"
    said = tab.locator(".bd-article .mirage-scrolls:not(pre, span)").evaluate_all(hint)
    assert all("scroll for the rest" in text for text in said), said


HELD = {"serious", "critical"}
# Moderate in axe's count, and asked for all the same.
ALSO_HELD = {"heading-order", "landmark-one-main", "page-has-heading-one"}
# axe-core measures the contrast of each text by itself, which takes it half a minute for an index.
# A text's colours follow from what it and those around it are: their names, classes, attributes
# and, in tables with stripes, whether their place is even. What has a twin before it is marked.
MARK_TWINS = """() => {
    const seen = new Set(), looks = new Map([[document.documentElement, '']]);
    const look = (e) => {
        if (!looks.has(e)) {
            const place = [...e.parentElement.children].indexOf(e) % 2;
            const own = [...e.attributes].filter((a) => !['id', 'href', 'title'].includes(a.name));
            const attributes = own.map((a) => `${a.name}=${a.value}`).join();
            looks.set(e, `${look(e.parentElement)}>${e.tagName}[${attributes}]${place}`);
        }
        return looks.get(e);
    };
    const repeats = (e) => {  // whether it and all within it have been seen
        const fresh = !seen.has(look(e));
        seen.add(look(e));
        const within = [...e.children].map(repeats);
        within.forEach((again, i) => again && e.children[i].setAttribute('data-twin', ''));
        return !fresh && within.every((again) => again);
    };
    repeats(document.body);
}"""
# Hidden they keep their place, and are not measured; left out by a selector they take as long.
WITHOUT_TWINS = "[data-twin] { visibility: hidden !important }"


def barriers(tab, only_contrast=False) -> list[str]:
    """What axe-core finds, by all rules or by that of contrast: the rule, where, and what to do."""
    # It would fetch style sheets once more, for a rule on turned phones, some by a wrong address.
    options, found = {"resultTypes": ["violations"], "preload": False}, []
    if not only_contrast:
        rest = options | {"rules": {"color-contrast": {"enabled": False}}}
        found += Axe().run(tab, options=rest).response["violations"]
    tab.evaluate(MARK_TWINS)
    style = tab.add_style_tag(content=WITHOUT_TWINS)
    contrast = options | {"runOnly": ["color-contrast"]}
    found += Axe().run(tab, options=contrast).response["violations"]
    style.evaluate("e => e.remove()")
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in HELD or rule["id"] in ALSO_HELD
        for node in rule["nodes"]
    ]


def test_no_serious_barrier(desk):
    tab, _, mode = desk
    found = barriers(tab, only_contrast=mode == "dark")  # the light page in other colours
    assert not found, f"{len(found)} barriers, the first: " + "\n".join(found[:3])


def test_axe_finds_a_barrier_where_there_is_one(chromium):
    tab = chromium.new_page()
    tab.set_content("<main><h1>x</h1><p style='color: #ccc'>pale</p><button></button></main>")
    assert {text.partition(":")[0] for text in barriers(tab)} >= {"color-contrast", "button-name"}
    tab.close()


def test_contrast_is_measured_once_for_each_look(chromium):
    tab = chromium.new_page()
    tab.set_content(
        "<style>.pale, li:nth-child(even) { color: #ccc }</style><main><ul>"
        + "<li>dark</li><li>pale by its place</li>" * 3
        + "</ul>"
        + "<p>dark</p><i></i><p>dark <b>bold</b></p><i></i><p>dark <b class='pale'>pale</b></p>"
        + "</main>"
    )
    found = barriers(tab, only_contrast=True)
    tab.close()
    assert len(found) == 2
    assert "its place" in found[0]
    assert "class=" in found[1]


# CSS pixels of the least text of an SVG by Matplotlib, whose units are points; of a PNG that the
# style's 110 pixels an inch give to 9 points. Exponents within a label are smaller.
LEAST_TEXT = r"""async (images) => Promise.all(images.map(async (image) => {
    const shown = image.getBoundingClientRect().width;
    if (image.src.endsWith('.png')) return 9 / 72 * 110 * shown / image.naturalWidth;
    const text = await (await fetch(image.src)).text();
    const sizes = [...text.matchAll(/<text[^>]*font-size: ([\d.]+)px/g)].map((m) => +m[1]);
    const width = +text.match(/viewBox="[\d.-]+ [\d.-]+ ([\d.]+)/)[1];
    return Math.min(...sizes) * shown / width;
}))"""


def test_text_of_figures_is_read_on_a_phone(phone):
    sizes = phone.locator(".gallery img, .mirage-figure img").evaluate_all(LEAST_TEXT)
    assert all(size >= 9 for size in sizes), sizes
    hint = "e => getComputedStyle(e, '::before').content"
    for box in phone.locator(".mirage-figure").all():
        if box.evaluate("e => e.scrollWidth > e.clientWidth + 1"):
            assert "swipe" in box.evaluate(hint)
            assert box.evaluate("e => e.tabIndex") == 0, "by the keyboard, too"


def fonts(text: str, code: str, percent: int) -> str:
    """A style sheet that sets all text, and all code in a `percent` of its size, in fonts that
    Matplotlib brings; icons and formulas keep theirs. What a reader's machine has plays no part.
    """

    def face(name, file):
        font = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{file}.ttf").read_bytes()
        source = f"url(data:font/ttf;base64,{b64encode(font).decode()})"
        adjust = f"size-adjust: {percent}%" if name == "code" else ""
        return f"@font-face {{ font-family: {name}; src: {source}; {adjust} }}"

    every = "body *:not([class*=fa-], mjx-container, mjx-container *)"
    typed = "body :is(pre, code, kbd, samp, .sig, .sig *, pre *, code *)"
    return "\n".join(
        [
            face("text", text),
            face("code", code),
            f"{every} {{ font-family: text !important }}",
            f"{typed} {{ font-family: code !important }}",
        ]
    )


# As wide as Verdana in bold; as narrow as Times beside a condensed typewriter face.
WIDE = fonts("DejaVuSans-Bold", "DejaVuSansMono-Bold", 100)
NARROW = fonts("STIXGeneral", "DejaVuSansMono", 75)


def test_fonts_of_the_test_differ_in_width(chromium):
    page = chromium.new_page()
    widths = []
    for style in (NARROW, WIDE):
        page.set_content(f"<style>{style}</style><span>Emergent</span> <code>abilities</code>")
        page.evaluate("document.fonts.ready")
        spans = page.locator("span, code").evaluate_all("all => all.map(e => e.offsetWidth)")
        widths.append(np.array(spans))
    page.close()
    assert all(widths[1] > 1.25 * widths[0]), "else a wide font shows nothing"


def test_no_page_scrolls_sideways_on_a_phone(phone):
    """Whatever the reader's fonts are; the last test of a page, since it sets others."""
    for style in (None, WIDE, NARROW):
        if style:
            phone.add_style_tag(content=style)
            phone.evaluate("document.fonts.ready")
        width = phone.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], "the page scrolls sideways"
    # A figure may be wider than the screen only within a box that scrolls by itself.
    boxes = "e => e.closest('.mirage-figure') ?? e"
    widths = phone.locator(FIGURES).evaluate_all(
        f"all => all.map({boxes}).map(e => e.clientWidth || e.getBoundingClientRect().width)"
    )
    assert all(100 < width <= PHONE["width"] for width in widths)
