"""The first page's figure in a browser: it moves, and its numbers are those of the package."""

import numpy as np
import pytest
from browser import DESK, PATIENCE, PHONE, visit
from html_pages import needs_book

from mirage import theory
from mirage.emergence import dormancy, emergence_score
from mirage.formatting import number

pytestmark = [pytest.mark.book, needs_book]

FRONT = "book/index.html"
SIZES = [3.5e8, 1.3e9, 6.7e9, 2e11]
PANELS = ("accuracy", "−token edit distance")


def expected(length, n_items):
    """Accuracy and −token edit distance of the four models, as n items show them."""
    p = theory.token_probability(SIZES)
    accuracy = theory.observed_accuracy(theory.accuracy(p, length), n_items)
    wrong = theory.observed_accuracy(1 - p, length * n_items)  # share of all tokens
    return accuracy, -length * wrong


def shown(page, name):
    return page.locator(f".mirage-hero .{name}").all_inner_texts()


def assert_numbers(page, curves):
    scores = [number(float(emergence_score(y))) for y in curves]
    assert [number(float(text.replace("∞", "inf"))) for text in shown(page, "score")] == scores
    shares = [f"{100 * dormancy(y, SIZES).share:.1f} %" for y in curves]
    assert shown(page, "share") == shares


def press(page, name, key, times):
    slider = page.get_by_role("slider", name=name)
    slider.focus()
    for _ in range(times):
        page.keyboard.press(key)
    return slider


@pytest.mark.parametrize("viewport", [DESK, PHONE])
def test_sliders_move_curve_and_numbers_by_keyboard(chromium, site, viewport):
    with visit(chromium, site + FRONT, viewport) as page:
        curve = page.locator(".hero-panel.sharp .curve")
        assert_numbers(page, expected(5, 1000))
        before = curve.get_attribute("points")
        length = press(page, "target length", "ArrowRight", 7)
        assert length.get_attribute("aria-valuetext") == "12 tokens"
        assert curve.get_attribute("points") != before
        assert_numbers(page, expected(12, 1000))
        assert shown(page, "hero-title") == ["Accuracy jumps", "Edit distance does not"]
        press(page, "test items", "ArrowLeft", 4)
        assert_numbers(page, expected(12, 100))
        press(page, "target length", "Home", 1)
        assert_numbers(page, expected(1, 100))
        assert shown(page, "hero-title") == [
            "Accuracy does not jump",
            "Edit distance does not, either",
        ]
        page.get_by_role("button", name="reset").click()
        page.wait_for_function(
            "b => document.querySelector('.hero-panel .curve').getAttribute('points') === b",
            arg=before,
        )
        assert_numbers(page, expected(5, 1000))


@pytest.mark.parametrize("length", [1, 2, 3, 8, 20])
def test_numbers_agree_on_every_number_of_items(chromium, site, length):
    with visit(chromium, site + FRONT) as page:
        page.get_by_role("slider", name="target length").fill(str(length))
        for log10_n_items in np.arange(1, 5.1, 0.5):
            page.get_by_role("slider", name="test items").fill(str(log10_n_items))
            assert_numbers(page, expected(length, round(10**log10_n_items)))


def test_the_other_pair_of_metrics(chromium, site):
    with visit(chromium, site + FRONT) as page:
        page.get_by_role("radio", name="choice grade").check()
        p = theory.token_probability(SIZES)
        grade = theory.observed_accuracy(theory.multiple_choice_grade(p, 2), 1000)
        assert_numbers(page, [grade, -theory.brier_score(p)])
        assert page.get_by_role("slider", name="target length").is_disabled()


def test_a_finger_moves_a_slider(chromium, site):
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(site + FRONT, wait_until="load")
    slider = page.get_by_role("slider", name="target length")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box["height"] >= 24, "WCAG 2.2 asks for 24 px"
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    # The browser makes the tap a click of its own, after the touch has ended.
    page.wait_for_function("e => e.value > 15", arg=slider.element_handle())
    length = int(slider.input_value())
    assert_numbers(page, expected(length, 1000))
    context.close()


@pytest.mark.parametrize("viewport", [{"width": 1400, "height": 900}, PHONE])
def test_it_is_in_sight_at_once(chromium, site, viewport):
    with visit(chromium, site + FRONT, viewport) as page:
        box = page.locator(".mirage-hero").bounding_box()
        if viewport is PHONE:  # both panels and both sliders fit one screen
            assert box["height"] <= PHONE["height"]
        else:
            assert box["y"] + box["height"] < viewport["height"]
        sizes = page.locator(".hero-panel svg text").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 11, "text in the figure keeps its size"
