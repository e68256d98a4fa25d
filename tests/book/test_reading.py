"""Helps for a reader of the built book: notes on terms, large figures, search, neighbours."""

import json
import re

import pytest
from browser import DESK, PHONE, visit
from html_pages import HTML, each_notebook_page, each_page, needs_book
from test_book_html import soup

pytestmark = [pytest.mark.book, needs_book]

FRONT = "book/index.html"
FIGURE = "notebooks/figure-2-theory.html"
# Words that a reader may search for, and the page that answers.
SEARCHED = {
    "pca": "notebooks/figure-7-autoencoders",
    "wei": "notebooks/figure-5-meta-analysis",
    "passuntil": "notebooks/figure-4-resolution",
}


def test_a_term_shows_its_definition_on_pointer_and_on_focus(chromium, site):
    with visit(chromium, site + FRONT) as page:
        term = page.locator("a.mirage-term", has_text="dormant share").first
        note = page.get_by_role("tooltip")
        term.hover()
        note.wait_for()
        assert note.inner_text().startswith("Share of the range of sizes")
        page.keyboard.press("Escape")
        note.wait_for(state="hidden")
        term.focus()
        note.wait_for()
        assert term.get_attribute("aria-describedby") == note.get_attribute("id")
        box = note.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= DESK["width"]
        page.evaluate(
            "new Promise(done => { onscrollend = done; scrollBy({top: 60, behavior: 'instant'}) })"
        )
        assert note.bounding_box()["y"] == pytest.approx(box["y"] - 60, abs=1), "it moves along"
        page.mouse.move(0, 0)
        page.evaluate("new Promise(done => setTimeout(done, 300))")  # it would go after 150 ms
        assert note.is_visible(), "its term has the focus"
        page.evaluate("document.activeElement.blur()")
        note.wait_for(state="hidden")


@each_page
def test_every_term_has_a_note(page):
    script = (HTML / "_static" / "mirage-terms.js").read_text(encoding="utf-8")
    terms = json.loads(script.removeprefix("window.mirageTerms = ").rstrip(";\n"))
    links = [name.parent["href"] for name in soup(page).select("a.reference > .std-term")]
    assert not [link for link in links if not terms.get(link.partition("#")[2])]


@pytest.mark.parametrize("viewport", [DESK, PHONE])
def test_a_figure_opens_in_full_size_and_closes(chromium, site, viewport):
    with visit(chromium, site + FIGURE, viewport) as page:
        button = page.locator("button.mirage-enlarge").first
        button.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Enlarged figure")
        dialog.wait_for()
        large = dialog.locator("img").bounding_box()["width"]
        assert large > 1.2 * button.bounding_box()["width"]
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")
        assert button.evaluate("e => e === document.activeElement"), "focus returns"


@pytest.mark.parametrize(("word", "page"), SEARCHED.items())
def test_search_finds_the_page_that_answers(word, page):
    text = (HTML / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    found = index["terms"].get(word, [])
    names = [index["docnames"][i] for i in (found if isinstance(found, list) else [found])]
    assert page in names


@pytest.mark.parametrize("word", SEARCHED)
def test_prose_comes_before_the_api_in_a_search(chromium, site, word):
    with visit(chromium, f"{site}search.html?q={word}") as page:
        first = page.locator("#search-results li a").first
        first.wait_for()
        assert "/api-" not in first.get_attribute("href")


@each_notebook_page
def test_neighbours_are_named_by_what_they_show(page):
    titles = [tag.get_text(strip=True) for tag in soup(page).select(".prev-next-title")]
    assert len(titles) == 2
    assert all(len(title.split()) >= 2 or title in ("Data", "Errata") for title in titles), titles


@each_page
def test_a_shared_link_has_a_card(page):
    if page in ("genindex.html", "search.html", "py-modindex.html"):
        return  # made by Sphinx, without a text of their own
    found = {tag["property"]: tag["content"] for tag in soup(page).select("meta[property^='og:']")}
    assert len(found["og:description"]) > 20
    assert found["og:title"]
    assert re.match(r"https://[^/]+/.*_static/card\.png$", found["og:image"])
    assert (HTML / "_static" / "card.png").is_file()


PAPER = {"width": 703, "height": 1000}  # pixels between margins of 12 mm on A4


def test_a_page_on_paper(chromium, site):
    """In light colours, without folds that nobody can open, and nothing wider than the paper."""
    with visit(chromium, f"{site}notebooks/figure-3-arithmetic.html", PAPER, "dark") as tab:
        assert tab.locator("details.above-input").count() > 2
        tab.emulate_media(media="print")
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert tab.evaluate("document.documentElement.dataset.theme") == "light"
        assert tab.locator("details.above-input:not([open]) >> visible=true").count() == 0
        rows = "details.rows table"
        assert tab.locator(rows).count() > 0
        assert tab.locator(rows).evaluate_all("all => all.every(e => e.checkVisibility())")
        wide = "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
        assert tab.locator("article :is(img, table, pre)").evaluate_all(wide) <= PAPER["width"]
        tab.evaluate("dispatchEvent(new Event('afterprint'))")
        assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
