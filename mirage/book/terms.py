"""A Sphinx extension: the glossary's definitions as a script, for a note beside each term.

``mirage-front.js`` shows them where the pointer or the keyboard's focus is on the link of a term.
They come as a script and not as a page to fetch, so that a book opened from a folder has them too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes

SCRIPT = "mirage-terms.js"
LONGEST = 320  # characters of a note


def note(text: str) -> str:
    """Return the beginning of a definition: as many whole sentences as a note can hold.

    Examples
    --------
    >>> note("A share. In [0, 1].")
    'A share. In [0, 1].'
    >>> note("First sentence. Word" + " word" * 80)
    'First sentence.'
    """
    text = " ".join(text.split())
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", text)
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(kept) + len(sentence) >= LONGEST:
            break
        kept += f" {sentence}"
    return kept


def definitions(doctree: nodes.document) -> dict[str, str]:
    """Return the note of each term of the glossaries of a page, by the term's anchor."""
    found = {}
    for glossary in doctree.findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            text = " ".join(part.astext() for part in item.findall(nodes.definition))
            found |= {name: note(text) for term in item.findall(nodes.term) for name in term["ids"]}
    return found


def write(app: Any, exception: Exception | None) -> None:
    """Write the script beside the others, once the pages are built; Sphinx calls this."""
    if exception is not None or app.builder.format != "html":
        return
    found = {}
    for page in sorted(app.env.found_docs):
        if "glossary" in page:
            found |= definitions(app.env.get_doctree(page))
    text = json.dumps(found, ensure_ascii=False, sort_keys=True)
    path = Path(app.outdir, "_static", SCRIPT)
    path.write_text(f"window.mirageTerms = {text};\n", encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Register the extension; Sphinx calls this."""
    app.add_js_file(SCRIPT)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
