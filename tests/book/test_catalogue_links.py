"""The catalogue in headless Chromium: each cell leads to its card, and a choice hides the rest."""

import json
import re

import pytest
from browser import DESK, PHONE, visit
from bs4 import BeautifulSoup
from html_pages import HTML, needs_book

from mirage.book.reports import FOLDER, LARGEST

pytestmark = [pytest.mark.book, needs_book]

PAGE = "notebooks/catalogue.html"
REPORT = HTML / FOLDER / "catalogue.html"
# Cells that are seen: those of rows and groups that are not chosen have no box.
SEEN = """cells => cells.filter(e => e.offsetParent && getComputedStyle(e).visibility === "visible")
    .map(e => e.textContent)"""


def links() -> list:
    page = BeautifulSoup((HTML / PAGE).read_text(encoding="utf-8"), "html.parser")
    return page.select(".catalogue td > a")


def cards() -> dict[str, dict]:
    page = BeautifulSoup(REPORT.read_text(encoding="utf-8"), "html.parser")
    return {card["id"]: card for card in json.loads(page.find(id="data").string)["abilities"]}


def name_of(card: dict) -> str:
    parts = (card["task"].replace("_", " "), card["family"], card["protocol"])
    return ", ".join(part for part in parts if part)


def test_every_cell_leads_to_the_card_of_its_curve_and_every_card_has_a_cell():
    found = {link["href"].partition("#")[2]: link["aria-label"] for link in links()}
    known = cards()
    assert found.keys() == known.keys()
    for card, label in found.items():
        assert label.startswith(f"{name_of(known[card])}: ")
    assert {link["href"].partition("#")[0] for link in links()} == {f"../{FOLDER}/catalogue.html"}
    assert REPORT.stat().st_size <= LARGEST


@pytest.mark.parametrize("viewport", [DESK, PHONE])
def test_a_click_on_a_cell_opens_its_card(chromium, site, viewport):
    with visit(chromium, site + PAGE, viewport) as tab:
        cells = tab.locator(".catalogue td > a")
        for i in (0, cells.count() // 2, cells.count() - 1):  # the last lies on another page
            cell = cells.nth(i)
            card = cards()[cell.get_attribute("href").partition("#")[2]]
            cell.click()
            tab.wait_for_url(f"**/catalogue.html#{card['id']}")
            assert_open(tab, card)
            tab.go_back()
            tab.wait_for_url(f"**/{PAGE}")


def assert_open(tab, card):
    """The card is open, in sight, has the focus, and is the only one."""
    row = tab.locator(f"tr:has([id='{card['id']}'])")
    assert row.locator(".task").inner_text() == card["task"]
    assert row.locator("td").nth(2).inner_text() == card["family"]
    assert row.locator(".task").get_attribute("aria-expanded") == "true"
    assert row.locator(".task").evaluate("e => e === document.activeElement")
    assert row.evaluate("e => e.getBoundingClientRect().top") < tab.viewport_size["height"] / 2
    assert tab.locator(".card").count() == 1
    assert (card["sentence"] or card["note"]) in tab.locator(".card").inner_text()
    assert tab.locator(".card a").get_attribute("href") == f"#{card['id']}"


def test_a_cell_opens_from_the_keyboard_and_a_second_link_opens_a_second_card(chromium, site):
    with visit(chromium, site + PAGE) as tab:
        cell = tab.locator(".catalogue td > a").nth(3)
        card = cell.get_attribute("href").partition("#")[2]
        cell.focus()
        tab.keyboard.press("Enter")
        tab.wait_for_url(f"**#{card}")
        assert_open(tab, cards()[card])
        # An address that is changed by hand, while a filter hides the card.
        other = next(one for one in cards().values() if one["family"] != cards()[card]["family"])
        tab.locator("#search").fill("no such task")
        assert tab.locator(".card").count() == 0
        tab.evaluate("id => { location.hash = id }", other["id"])
        tab.locator(f"tr.open [id='{other['id']}']").wait_for()
        assert tab.locator("#search").input_value() == ""


def test_a_choice_hides_the_other_cells(chromium, site):
    with visit(chromium, site + PAGE) as tab:
        cells = tab.locator(".catalogue td > a")
        every = cells.evaluate_all(SEEN)
        assert len(every) == len(links())
        label = tab.locator(".catalogue label", has_text="because of resolution")
        n = int(re.search(r"\((\d+)\)", label.inner_text())[1])
        label.click()
        assert cells.evaluate_all(SEEN) == ["R"] * n
        rows = tab.locator(".catalogue .ability:visible").evaluate_all(
            "rows => rows.map(e => e.querySelectorAll('.is-resolution').length)"
        )
        assert min(rows) >= 1, "a row without such a curve is hidden"
        group = tab.locator(".catalogue label", has_text="LaMDA 137B")
        group.click()
        fewer = cells.evaluate_all(SEEN)
        assert 0 < len(fewer) < n
        tab.locator(".catalogue label", has_text="only the family").click()
        framed = cells.evaluate_all(SEEN)
        assert 0 < len(framed) < len(fewer)
        assert tab.locator(".catalogue .ability:visible").count() == len(framed)


def test_the_picture_on_a_phone(chromium, site):
    with visit(chromium, site + PAGE, PHONE) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        sizes = tab.locator(".catalogue td > a").evaluate_all(
            "cells => cells.map(e => Math.min(e.offsetWidth, e.offsetHeight))"
        )
        assert min(sizes) >= 24  # WCAG 2.2, target size
        box, name = tab.locator(".catalogue .rows-box"), tab.locator(".ability th").first
        before = name.bounding_box()["x"]
        box.evaluate("e => { e.scrollLeft = e.scrollWidth }")
        assert name.bounding_box()["x"] == pytest.approx(before, abs=1), "the names stay in sight"
        assert before + name.bounding_box()["width"] < PHONE["width"] / 2
