"""Interactive figures in headless Chromium: the control moves, and the sentence is Python's."""

import json
import re
from contextlib import ExitStack
from io import BytesIO

import contrast
import numpy as np
import polars as pl
import pytest
from browser import PHONE, visit
from html_pages import needs_book, notebook_pages
from PIL import Image

from mirage import theory
from mirage.emergence.dormancy import dormancy
from mirage.emergence.scores import emergence_score
from mirage.metrics.subsets import subset_accuracy

pytestmark = [pytest.mark.book, needs_book]

READING = {"width": 1400, "height": 900}
SENTENCE = ".mirage-vega-readout"


@pytest.fixture(scope="module")
def opened(chromium, site):
    """Opens a page in a window of some size, once for all tests, which leave it as it was."""
    tabs = {}
    with ExitStack() as stack:

        def open_page(name, viewport=READING):
            key = name, viewport["width"]
            if key not in tabs:
                tabs[key] = stack.enter_context(visit(chromium, site + name, viewport))
            tabs[key].bring_to_front()
            return tabs[key]

        yield open_page


@pytest.fixture(scope="module")
def interactive(opened):
    """Opens the page of a notebook, and waits for its interactive figure."""

    def open_page(name, viewport=READING):
        page = opened(f"notebooks/{name}.html", viewport)
        page.wait_for_function("() => window.mirageViews?.length === 1")
        return page

    return open_page


def hidden_models(rows: pl.DataFrame, log10_n_items: float) -> str:
    """Figure 4: models that would probably have no right answer."""
    n = round(10**log10_n_items)
    unseen = theory.tokens.probability_unseen(rows["accuracy"], n)
    return f"With {n:,} items {(unseen > 0.5).sum()} of {rows.height} models"


def large_scores(rows: pl.DataFrame, log10_threshold: float) -> str:
    """Figure 5: scores above the threshold."""
    above, paper = (
        (rows[column].drop_nulls() > 10**log10_threshold).sum() for column in ("score", "paper")
    )
    n = rows["score"].drop_nulls().len()
    return f": {above} of {n} finite official scores, and {paper} of the paper’s 39 metrics."


def reconstruction(rows: pl.DataFrame, threshold: int) -> str:
    """Figure 7: dormant share at the threshold, and the first size with half of the images."""
    curve = rows.filter(threshold=threshold).drop_nulls("share").sort("n_params")
    share = dormancy(curve["share"], curve["n_params"]).share
    half = curve.filter(pl.col("share") >= 0.5)["n_params"].min()
    end = (
        "no network reconstructs half of the images."
        if half is None
        else f"half of the images are reconstructed from {half:,} parameters on."
    )
    return f"c = {curve['c'][0]:g}: dormant over {share:.0%} of the sizes; {end}"


def all_right(rows: pl.DataFrame, k: int) -> str:
    """Figure 11: first size whose median network has all of k images right in half of the draws."""
    n = rows["n_items"][0]
    chance = [subset_accuracy(np.arange(n) < m, k) for m in rows["n_correct"]]
    medians = (
        rows.with_columns(chance=pl.Series(chance)).group_by("n_params").agg(pl.median("chance"))
    )
    half = medians.filter(pl.col("chance") >= 0.5)["n_params"].min()
    return f"with K = {k} " + ("at no size." if half is None else f"from {half:,} on.")


def scores_of_sizes(rows: pl.DataFrame, n_sizes: int) -> str:
    """*Limits*: emergence scores of the paper's model at n log-spaced sizes, L = 5."""
    p = theory.token_probability(np.geomspace(3.5e8, 2e11, n_sizes))
    accuracy, distance = (emergence_score(y) for y in (p**5, -5 * (1 - p)))
    return (
        f"accuracy {digits(accuracy)}, −token edit distance {digits(distance)}; a straight line"
        f" through {n_sizes} sizes: {n_sizes - 1}."
    )


def digits(value: float) -> str:
    """Three significant digits without trailing zeros, as the figure writes them."""
    return f"{float(f'{value:.3g}'):g}"


# Page, slider, its place after the keys, and what Python makes of the page's own rows there.
MOVES = [
    ("figure-4-resolution", "test items", "log10_n_items", 8, hidden_models),
    ("figure-5-meta-analysis", "score is large above", "log10_threshold", -10, large_scores),
    ("figure-7-autoencoders", "threshold c", "threshold", 9, reconstruction),
    ("figure-11-mnist", "images K", "k", -7, all_right),
    ("limits-of-the-score", "number of sizes", "n_sizes", 8, scores_of_sizes),
]


@pytest.mark.parametrize(("name", "label", "signal", "presses", "expect"), MOVES)
@pytest.mark.parametrize("viewport", [READING, PHONE], ids=["desk", "phone"])
def test_slider_moves_the_sentence_to_what_python_computes(
    interactive, viewport, name, label, signal, presses, expect
):
    page = interactive(name, viewport)
    spec = json.loads(page.locator(".mirage-vega script").first.text_content())
    rows = pl.DataFrame(spec["data"]["values"], infer_schema_length=None)
    start = page.evaluate(f"window.mirageViews[0].signal('{signal}')")
    before = page.locator(SENTENCE).text_content()
    assert expect(rows, start) in before
    slider = page.get_by_role("slider", name=label)
    slider.focus()
    for _ in range(abs(presses)):
        page.keyboard.press("ArrowRight" if presses > 0 else "ArrowLeft")
    step = next(p for p in spec["params"] if p["name"] == signal)["bind"]["step"]
    end = start + presses * step
    page.wait_for_function(f"Math.abs(window.mirageViews[0].signal('{signal}') - {end}) < 1e-9")
    page.wait_for_function(
        f"text => document.querySelector('{SENTENCE}').textContent.includes(text)",
        arg=expect(rows, end),
    )
    assert page.locator(SENTENCE).text_content() != before
    page.get_by_role("button", name="reset").click()
    page.wait_for_function(
        f"text => document.querySelector('{SENTENCE}').textContent === text", arg=before
    )


# Marks and texts of the panels as they are drawn; of the axes only the texts, as the grid is faint
# on purpose. A readout of no size is there for the sentence above the panels.
DRAWN = """() => [...document.querySelectorAll(
    '.mirage-vega-panels svg :is(path, line, rect, text)'
)].flatMap((e) => {
    const isText = e.tagName === 'text', style = getComputedStyle(e);
    const marks = e.closest('.mark-line, .mark-symbol, .mark-rect, .mark-rule, .mark-text');
    if (!marks || (!isText && e.closest('.role-axis')) || style.opacity === '0') return [];
    const [fill, stroke] = ['fill', 'stroke'].map((kind) => [
        style[kind], style.opacity * style[`${kind}-opacity`]
    ]);
    return [[marks.getAttribute('class'), isText, [fill, stroke]]];
})"""


def drawn_marks(page) -> list[contrast.Mark]:
    found = {json.dumps(one) for one in page.evaluate(DRAWN)}
    for name, is_text, paints in map(json.loads, found):
        colors = [
            contrast.over([int(v) / 255 for v in re.findall(r"\d+", color)[:3]], alpha)
            for color, alpha in paints
            if color != "none" and alpha > 0 and not color.startswith("rgba(0, 0, 0, 0")
        ]
        if colors:
            yield contrast.Mark(name, is_text, colors, np.array(contrast.WHITE))


@pytest.mark.parametrize("name", ["figure-2-theory", *(move[0] for move in MOVES)])
def test_marks_of_the_panels_can_be_seen_in_both_themes(interactive, name):
    page = interactive(name)
    found = list(drawn_marks(page))
    assert {mark.is_text for mark in found} == {True, False}
    bad = [fault for mark in found for fault in contrast.faults(mark)]
    assert not bad, bad


def corner(page, selector) -> tuple:
    """The colour of an element's lower right corner, within its border."""
    shown = page.locator(selector).screenshot(animations="disabled")
    picture = Image.open(BytesIO(shown)).convert("RGB")
    return picture.getpixel((picture.width - 4, picture.height - 4))


def test_an_interactive_figure_follows_the_switch_of_the_theme(interactive):
    page = interactive("limits-of-the-score")
    for theme, is_dark in (("dark", True), ("light", False)):
        while page.evaluate("document.documentElement.dataset.theme") != theme:
            page.locator(".theme-switch-button:visible").first.click()
        for part in (".mirage-vega", ".mirage-vega-panels"):
            ground = np.array(corner(page, part)) / 255
            assert (max(ground) < 0.2) if is_dark else (min(ground) > 0.98), (theme, part)
    ink = page.locator(SENTENCE).evaluate("e => getComputedStyle(e).color")
    assert contrast.ratio([int(v) / 255 for v in re.findall(r"\d+", ink)], (1, 1, 1)) > 4.5


def test_menu_sets_the_unit_of_counting(interactive):
    page = interactive("figure-5-meta-analysis")
    spec = json.loads(page.locator(".mirage-vega script").first.text_content())
    rows = [row for row in spec["data"]["values"] if row.get("unit") == "task file"]
    page.get_by_role("combobox", name="unit of counting").select_option("task file")
    ratio = f"Odds ratio: {rows[0]['odds_ratio']:.1f} ["
    page.wait_for_function(
        f"text => document.querySelector('{SENTENCE}').textContent.includes(text)", arg=ratio
    )
    page.get_by_role("button", name="reset").click()


@pytest.mark.parametrize("name", [move[0] for move in MOVES])
def test_panels_stack_on_a_phone_and_stand_side_by_side_on_a_desk(interactive, name):
    for viewport, stacked in ((PHONE, True), (READING, False)):
        page = interactive(name, viewport)
        titles = page.locator(".mirage-vega-panels .role-title-text").all()
        boxes = [title.bounding_box() for title in titles]
        assert len(boxes) >= 2
        steps = np.diff(sorted(box["y"] for box in boxes))
        assert (steps > 100).all() if stacked else (steps < 20).all()
        widths = page.locator(".mirage-vega-panels svg").evaluate(
            "svg => [svg.getAttribute('width'), svg.parentElement.clientWidth].map(Number)"
        )
        assert widths[0] <= 1.02 * widths[1], "the picture would be shrunk, its text with it"


# Pages of the paper's figures and of the score itself; the others have their tables on the page.
FIGURE_PAGES = "figure|prediction|forecast|not-a-mirage|limits|errata"
PAGES = [page for page in notebook_pages() if re.search(FIGURE_PAGES, page)]


@pytest.fixture(params=PAGES)
def figure_page(request, opened):
    tab = opened(request.param)
    tab.evaluate("scrollTo(0, 0)")
    return tab


def test_first_figure_is_above_the_fold(figure_page):
    figure = figure_page.locator("article figure img, article .cell_output img").first
    figure.wait_for()
    box = figure.bounding_box()
    visible = min(READING["height"], box["y"] + box["height"]) - box["y"]
    assert box["y"] < READING["height"]
    assert visible > box["height"] / 2, f"{visible:.0f} of {box['height']:.0f} pixels"


def test_page_ends_with_its_command_its_data_and_how_to_cite(figure_page):
    title = figure_page.locator("h2", has_text="Run it, take its data")
    end = figure_page.locator("section", has=title).last
    assert re.match(r"\s*mirage run \S+", end.locator("div.highlight pre").first.inner_text())
    assert end.get_by_role("link", name="How to cite").count() == 1
    link = figure_page.locator(".data-behind a").first
    with figure_page.expect_download() as download:
        link.click()
    table = pl.read_csv(download.value.path(), infer_schema_length=None)
    stated = link.evaluate("a => a.nextSibling.textContent")
    assert f"({table.height:,} row" in stated
