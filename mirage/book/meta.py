"""A Sphinx extension: what a page says of itself to search engines and where its link is shared.

Each page gets a description and a social card: its title, its claim or first paragraph, and the
picture of the book. The picture's address is absolute, as those who show cards want it. The address
of the whole book is the one that people share, so the page there, which leads on to the first page,
has the first page's card, and the book's icon.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes

PICTURE = "card.png"  # in book/_static; the build draws it
ENTRANCE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="{icon}">
<meta http-equiv="refresh" content="0; url={page}">
{tags}
</head>
<body><p><a href="{page}">{title}</a></p></body>
</html>
"""
LONGEST = 200  # characters of a description: more is cut off where it is shown


def site(repository: str) -> str:
    """Return where GitHub publishes the book of a repository, with a slash at its end.

    Examples
    --------
    >>> site("https://github.com/mirage-book/mirage")
    'https://mirage-book.github.io/mirage/'
    """
    owner, _, name = urlsplit(repository).path.strip("/").partition("/")
    return f"https://{owner}.github.io/{name}/"


def description(paragraphs: list[str]) -> str:
    """Return a page's claim, or else its first paragraph, cut at a word.

    Examples
    --------
    >>> description(["Where we differ.", "Claim. Accuracy jumps."])
    'Accuracy jumps.'
    >>> description(["word " * 50])[-10:]
    'word word…'
    """
    text = next((text for text in paragraphs if text.startswith("Claim.")), (paragraphs or [""])[0])
    text = " ".join(text.removeprefix("Claim.").split())
    if len(text) <= LONGEST:
        return text
    return re.sub(r"\W*\s\S*$", "…", text[:LONGEST])


def tags(title: str, about: str, address: str, base: str) -> str:
    """Return the meta elements of a page."""
    properties = {
        "og:type": "article",
        "og:site_name": "Are emergent abilities a mirage?",
        "og:title": title,
        "og:description": about,
        "og:url": address,
        "og:image": f"{base}_static/{PICTURE}",
        "og:image:alt": "Accuracy jumps, token edit distance of the same outputs does not.",
    }
    names = {"description": about, "twitter:card": "summary_large_image"}
    lines = [
        f'<meta property="{key}" content="{escape(text)}" />' for key, text in properties.items()
    ]
    lines += [f'<meta name="{key}" content="{escape(text)}" />' for key, text in names.items()]
    return "\n".join(lines)


def add(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Add a page's meta elements; Sphinx calls this for each page that it writes."""
    if doctree is None:  # the index and the search page
        return
    base = site(app.config.html_theme_options.get("repository_url", ""))
    paragraphs = [node.astext() for node in doctree.findall(nodes.paragraph)]
    title = re.sub("<[^>]+>", "", context.get("title", ""))
    about = description(paragraphs)
    card = tags(title, about, f"{base}{page}.html", base)
    context["metatags"] = context.get("metatags", "") + "\n" + card
    if page == app.config.root_doc and app.builder.format == "html":
        icon = f"_static/{Path(app.config.html_favicon).name}"
        entrance = ENTRANCE.format(title=title, icon=icon, page=f"{page}.html", tags=card)
        Path(app.outdir, "index.html").write_text(entrance, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Register the extension; Sphinx calls this."""
    app.connect("html-page-context", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
