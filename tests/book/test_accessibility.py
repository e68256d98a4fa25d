"""Every page in light and in dark: axe-core finds no serious or critical barrier.

axe-core checks contrast of text, names of buttons and images, order of headings, tables, focus and
more: https://dequeuniversity.com/rules/axe/. Moderate and minor findings are not held here.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import visit
from html_pages import each_page, needs_book

pytestmark = [pytest.mark.book, needs_book]

HELD = {"serious", "critical"}
# Moderate in axe's count, and asked for all the same.
ALSO_HELD = {"heading-order", "landmark-one-main", "page-has-heading-one"}


# An API page repeats one template hundreds of times, and axe-core takes minutes for all of it.
REPEATED = {"exclude": ["section section section:nth-of-type(n + 4)"]}


def barriers(tab, context=None, rules=None) -> list[str]:
    """What axe-core finds, by all rules or by some: the rule, where, and what to do."""
    # It would fetch style sheets once more, for a rule on turned phones, some by a wrong address.
    options = {"resultTypes": ["violations"], "preload": False} | (
        {"runOnly": rules} if rules else {}
    )
    found = Axe().run(tab, context=context, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in HELD or rule["id"] in ALSO_HELD
        for node in rule["nodes"]
    ]


@each_page
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_serious_barrier(chromium, site, page, mode):
    with visit(chromium, site + page, mode=mode) as tab:
        # The dark page is the light one in other colours.
        rules = ["color-contrast"] if mode == "dark" else None
        found = barriers(tab, REPEATED if "/api-" in page else None, rules)
    assert not found, f"{len(found)} barriers, the first: " + "\n".join(found[:3])


def test_axe_finds_a_barrier_where_there_is_one(chromium):
    tab = chromium.new_page()
    tab.set_content("<main><h1>x</h1><p style='color: #ccc'>pale</p><button></button></main>")
    assert {text.partition(":")[0] for text in barriers(tab)} >= {"color-contrast", "button-name"}
    tab.close()
