"""A Sphinx extension: the book's own figures are numbered within their page.

The page on the paper's Figure 3 has Plots 3.1, 3.2, …, so that no number means two things. A page
on no figure of the paper has the first letters of its name: Plot F.1 is the first of *Forecast*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def prefixes(pages: Iterable[str]) -> dict[str, str]:
    """Give each page what the numbers of its figures begin with; all differ.

    Parameters
    ----------
    pages : iterable of str
        Sphinx's document names; of two that would have one letter, the later one has two.

    Examples
    --------
    >>> list(prefixes(["notebooks/figure-3-arithmetic", "notebooks/figure-9-10-rouge"]).values())
    ['3', '9–10']
    >>> list(prefixes(["notebooks/prediction-3-length", "notebooks/forecast"]).values())
    ['P3', 'F']
    """
    found: dict[str, str] = {}
    for page in pages:
        name = page.rpartition("/")[2]
        numbered = re.match(r"(figure|prediction)((?:-\d+)+)(?:-|$)", name)
        if numbered:
            letter = "" if numbered[1] == "figure" else "P"
            found[page] = letter + "–".join(numbered[2].split("-")[1:])
        else:
            letters = name.replace("-", "")
            beginnings = (letters[:n].capitalize() for n in range(1, len(letters) + 1))
            found[page] = next(text for text in beginnings if text not in found.values())
    return found


def renumber(app: Any, env: Any) -> list[str]:
    """Put the page's own numbers in the place of Sphinx's, which run through the book."""
    numbers = env.toc_fignumbers
    figures = {page: kinds["figure"] for page, kinds in numbers.items() if "figure" in kinds}
    for page, prefix in prefixes(sorted(figures)).items():
        in_order = sorted(figures[page], key=figures[page].__getitem__)
        figures[page].update({name: (prefix, n) for n, name in enumerate(in_order, 1)})
    return []


def setup(app: Any) -> dict[str, Any]:
    """Register the extension; Sphinx calls this."""
    app.connect("env-get-updated", renumber, priority=900)  # after Sphinx has numbered them
    return {"parallel_read_safe": True, "parallel_write_safe": True}
