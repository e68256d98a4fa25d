"""The built book in headless Chromium: what a reader sees on a desk and on a phone."""

import re
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import contrast
import matplotlib
import numpy as np
import pytest
from browser import DESK, PHONE, visit
from html_pages import HTML, each_page, needs_book, notebook_pages
from PIL import Image

from mirage import theory

pytestmark = [pytest.mark.book, needs_book]

INTERACTIVE = "notebooks/figure-2-theory.html"
FIGURES = "article figure img, article .cell_output img, .mirage-vega-panels svg"
# The rows that the panels draw, as the view holds them.
ROWS = """() => {
    const view = window.mirageViews[0];
    const tables = Object.keys(view._runtime.data).map((name) => view.data(name) ?? []);
    const rows = tables.find((table) => table[0]?.accuracy !== undefined);
    return rows.map((row) => [row.n_params, row.accuracy, row.observed_accuracy]);
}"""
CURVES = (
    "[...document.querySelectorAll('.mirage-vega-panels .mark-line path')].map(p => p.outerHTML)"
)


def wait_for_figure(page):
    page.wait_for_function("() => window.mirageViews?.length === 1")


@each_page
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_page_on_a_desk(chromium, site, page, mode):
    with visit(chromium, site + page, mode=mode) as tab:
        assert tab.evaluate("document.documentElement.dataset.theme") == mode
        # The theme's header lies over what is scrolled below it, and so in its screenshot.
        tab.add_style_tag(content=".bd-header-article { visibility: hidden }")
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


@each_page
def test_page_on_a_phone(chromium, site, page):
    with visit(chromium, site + page, PHONE) as tab:
        for style in (None, WIDE, NARROW):
            if style:
                tab.add_style_tag(content=style)
                tab.evaluate("document.fonts.ready")
            width = tab.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], "the page scrolls sideways"
        # A figure may be wider than the screen only within a box that scrolls by itself.
        boxes = "e => e.closest('.mirage-figure') ?? e"
        widths = tab.locator(FIGURES).evaluate_all(
            f"all => all.map({boxes}).map(e => e.clientWidth || e.getBoundingClientRect().width)"
        )
        assert all(100 < width <= PHONE["width"] for width in widths)


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
FRONT = "book/index.html"


@pytest.mark.parametrize("page", [FRONT, *notebook_pages()])
def test_text_of_figures_is_read_on_a_phone(chromium, site, page):
    selector = ".gallery img" if page == FRONT else ".mirage-figure img"
    with visit(chromium, site + page, PHONE) as tab:
        sizes = tab.locator(selector).evaluate_all(LEAST_TEXT)
        assert all(size >= 9 for size in sizes), sizes
        hint = "e => getComputedStyle(e, '::before').content"
        for box in tab.locator(".mirage-figure").all():
            if box.evaluate("e => e.scrollWidth > e.clientWidth + 1"):
                assert "swipe" in box.evaluate(hint)
                assert box.evaluate("e => e.tabIndex") == 0, "by the keyboard, too"


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


def test_there_are_figures(chromium, site):
    with visit(chromium, site + INTERACTIVE) as tab:
        wait_for_figure(tab)
        assert tab.locator(FIGURES).count() >= 2  # one printed, one interactive


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_verdicts_can_be_read(chromium, site, mode):
    with visit(chromium, site, mode=mode) as tab:
        badges = tab.locator(".verdict")
        assert badges.count() > 0
        for badge in badges.all():
            style = "(({ color, backgroundColor }) => [color, backgroundColor])"
            colours = badge.evaluate(f"badge => {style}(getComputedStyle(badge))")
            # Three numbers are an opaque colour; a transparent one has a fourth and fails here.
            ink, ground = (np.array(re.findall(r"[\d.]+", c), float) / 255 for c in colours)
            assert contrast.ratio(ink, ground) >= contrast.TEXT


def assert_curve(page, length, n_items=100):
    n_params, accuracy, observed = np.array(page.evaluate(ROWS)).T
    expected = theory.accuracy(theory.token_probability(n_params), length)
    np.testing.assert_allclose(accuracy, expected, rtol=1e-11)
    np.testing.assert_allclose(observed, theory.observed_accuracy(expected, n_items), rtol=1e-11)


@pytest.mark.parametrize("viewport", [DESK, PHONE])
def test_length_slider_moves_the_accuracy_curve(chromium, site, viewport):
    with visit(chromium, site + INTERACTIVE, viewport) as page:
        wait_for_figure(page)
        assert_curve(page, 5)
        before = page.evaluate(CURVES)
        slider = page.get_by_role("slider", name="target length")
        slider.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("() => window.mirageViews[0].signal('target_length') === 8")
        page.wait_for_function(f"before => {CURVES}.join() !== before.join()", arg=before)
        assert_curve(page, 8)
        assert slider.get_attribute("aria-valuetext") == "8"
        page.get_by_role("button", name="reset").click()
        page.wait_for_function("() => window.mirageViews[0].signal('target_length') === 5")
        assert_curve(page, 5)


def test_every_slider_has_a_name_and_a_readable_value(chromium, site):
    with visit(chromium, site + INTERACTIVE) as page:
        wait_for_figure(page)
        sliders = page.get_by_role("slider").all()
        assert len(sliders) == 5
        words = [slider.get_attribute("aria-valuetext") for slider in sliders]
        assert words == ["5", "−0.5", "2.0 × 10⁹", "2", "100"]
        names = [slider.evaluate("e => e.labels[0].textContent") for slider in sliders]
        assert len(set(names)) == 5


def test_interactive_figure_keeps_its_values_when_the_window_narrows(chromium, site):
    with visit(chromium, site + INTERACTIVE) as page:
        wait_for_figure(page)
        items = page.get_by_role("slider", name="test items")
        items.fill("1")  # a slider of log10 n: 10 items
        page.set_viewport_size(PHONE)
        page.wait_for_function("() => document.querySelector('.mirage-vega svg').clientWidth < 375")
        page.wait_for_function("() => window.mirageViews[0].signal('log10_n_items') === 1")
        assert_curve(page, 5, n_items=10)
        assert items.get_attribute("aria-valuetext") == "10"


def test_interactive_figure_works_from_a_file(chromium):
    # Not through `visit`: the theme's icon fonts need a server, as files have no common origin.
    page = chromium.new_page()
    page.route(re.compile("^http"), lambda route: route.abort())
    page.goto((HTML / INTERACTIVE).as_uri())
    wait_for_figure(page)
    assert_curve(page, 5)
    page.close()
