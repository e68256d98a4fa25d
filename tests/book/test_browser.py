"""The built book in headless Chromium: what a reader sees on a desk and on a phone."""

import re

import contrast
import numpy as np
import pytest
from browser import DESK, PATIENCE, PHONE, visit
from html_pages import FIGURES, HTML, needs_book
from playwright.sync_api import expect

from mirage import theory

pytestmark = [pytest.mark.book, needs_book]

INTERACTIVE = "notebooks/figure-2-theory.html"
# The rows that the panels draw, as the view holds them once it has computed them.
ROWS = """async () => {
    const view = await window.mirageViews[0].runAsync();
    const tables = Object.keys(view._runtime.data).map((name) => view.data(name) ?? []);
    const rows = tables.find((table) => table[0]?.accuracy !== undefined);
    return rows.map((row) => [row.n_params, row.accuracy, row.observed_accuracy]);
}"""
CURVES = (
    "[...document.querySelectorAll('.mirage-vega-panels .mark-line path')].map(p => p.outerHTML)"
)


def wait_for_figure(page):
    page.wait_for_function("() => window.mirageViews?.length === 1")


def test_there_are_figures(chromium, site):
    with visit(chromium, site + INTERACTIVE) as tab:
        wait_for_figure(tab)
        assert tab.locator(FIGURES).count() >= 2  # one printed, one interactive


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_verdicts_can_be_read(chromium, site, mode):
    with visit(chromium, site + "book/index.html", mode=mode) as tab:
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
        expect(slider).to_have_attribute("aria-valuetext", "8")
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
        page.wait_for_function("() => window.mirageViews[0].signal('log10_n_items') === 1")
        page.evaluate("() => { window.wide = window.mirageViews[0] }")
        page.set_viewport_size(PHONE)
        page.wait_for_function("() => window.mirageViews[0] !== window.wide")
        assert page.evaluate("document.querySelector('.mirage-vega svg').clientWidth") < 375
        assert page.evaluate("window.mirageViews[0].signal('log10_n_items')") == 1
        assert_curve(page, 5, n_items=10)
        expect(items).to_have_attribute("aria-valuetext", "10")


def test_interactive_figure_works_from_a_file(chromium):
    # Not through `visit`: the theme's icon fonts need a server, as files have no common origin.
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    page.route(re.compile("^http"), lambda route: route.abort())
    page.goto((HTML / INTERACTIVE).as_uri())
    wait_for_figure(page)
    assert_curve(page, 5)
    page.close()
