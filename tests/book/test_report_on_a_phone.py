"""The report of an audit in a narrow window: nothing lies over anything else, no button breaks."""

import polars as pl
import pytest

from mirage.audit import audit

TASKS = ("crows_pairs_french_sexual_orientation", "high_school_government_and_politics" * 2)


@pytest.fixture(scope="module")
def report() -> str:
    rows = [
        {"family": "toy", "model": f"m{i}", "n_params": 10 ** (7 + i), "task": task}
        | {"metric": "acc", "score": 0.2 + 0.01 * i, "n_items": 50, "source": "test"}
        for task in TASKS
        for i in range(6)
    ]
    return audit(pl.DataFrame(rows), chance={"*": 0.25}).html()


@pytest.mark.parametrize("width", [390, 479, 700, 950])
def test_a_verdict_does_not_lie_over_the_name_of_its_task(chromium, report, width):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.set_content(report)
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("table.abilities td .task")].map((task) => {
          const verdict = task.closest("tr").querySelector(".verdict");
          return [verdict, task].map((node) => node.getBoundingClientRect().toJSON());
        })"""
    )
    assert len(boxes) == len(TASKS)
    for verdict, task in boxes:
        apart = verdict["right"] <= task["left"] or verdict["bottom"] <= task["top"]
        assert apart
        assert task["right"] <= width
        if width < 480:
            assert verdict["bottom"] <= task["top"], "a task has a line of its own"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_buttons_stay_on_one_line(chromium, report):
    page = chromium.new_page(viewport={"width": 390, "height": 900})
    page.set_content(report)
    heights = page.eval_on_selector_all(
        ".pager button, .toggle",
        """(buttons) => buttons.map((one) => {
          const range = document.createRange();
          range.selectNodeContents(one);
          return [one.textContent, range.getClientRects().length];
        })""",
    )
    assert heights == [["Logarithmic scores", 1], ["Previous", 1], ["Next", 1]]
    page.close()
