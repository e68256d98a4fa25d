"""Where the built book is and what its pages are, for the tests that need it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
FIGURES = "article figure img, article .cell_output img, .mirage-vega-panels svg"


def _is_redirect(path: Path) -> bool:
    return 'http-equiv="refresh"' in path.read_text(encoding="utf-8").lower()


def pages() -> list[str]:
    """Every page of the built book, relative to its root; redirects and templates left out."""
    found = (path for path in HTML.rglob("*.html") if "_static" not in path.parts)
    return sorted(str(path.relative_to(HTML)) for path in found if not _is_redirect(path))


def notebook_pages() -> list[str]:
    """The pages that were made of the repository's notebooks."""
    return sorted(f"notebooks/{path.stem}.html" for path in (ROOT / "notebooks").glob("*.ipynb"))


# `make test` builds the book before it runs pytest; only a lone `pytest` can come too early.
needs_book = pytest.mark.skipif(not pages(), reason=f"no book in {HTML}: make book first")
each_page = pytest.mark.parametrize("page", pages() or ["index.html"])
each_notebook_page = pytest.mark.parametrize("page", notebook_pages() or ["no notebook"])
