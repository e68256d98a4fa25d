"""Which code of a page is folded in the book, and what its fold is called; reports as files.

A reader comes for the figure: every cell of code is one line to open. The notebook itself shows
all of it.
"""

from __future__ import annotations

import ast
from typing import Any

import msgspec

from mirage.book import panels, reports

HIDDEN, FOLDED = "remove-cell", "hide-input"  # tags that Jupyter Book knows


def fold(notebook: bytes, injected: bool = False) -> bytes:
    """Fold the code of a notebook.

    Parameters
    ----------
    notebook : bytes
        An executed notebook.
    injected : bool
        Show the cell in which papermill repeats parameters, for a page that has others than the
        notebook.

    Returns
    -------
    bytes
        The same with tags, and with the names of the folds.

    Examples
    --------
    >>> cell = b'{"cell_type": "code", "source": "1", "metadata": {"tags": ["parameters"]}}'
    >>> folded = fold(b'{"cells": [' + cell + b"]}")
    >>> b"hide-input" in folded, b"Parameters" in folded
    (True, True)
    """
    content = msgspec.json.decode(notebook)
    for cell in content["cells"]:
        if cell.get("cell_type") == "code":
            _fold_cell(cell, injected)
            if "outputs" in cell:
                # What a page kept for the gallery is no output of the page.
                shown = [one for one in cell["outputs"] if panels.MIME not in one.get("data", {})]
                cell["outputs"] = reports.of_page(shown)
    return msgspec.json.format(msgspec.json.encode(content), indent=1)


def _fold_cell(cell: dict[str, Any], injected: bool) -> None:
    metadata = cell["metadata"]
    tags = metadata.setdefault("tags", [])
    if "injected-parameters" in tags:
        tags += [HIDDEN] if not injected and HIDDEN not in tags else []
        return
    if not {FOLDED, "hide-cell", HIDDEN} & set(tags):
        tags.append(FOLDED)
    name = _name("".join(cell["source"]), set(tags), metadata.get("mystnb", {}))
    prompts = {"code_prompt_show": name, "code_prompt_hide": name}
    metadata["mystnb"] = prompts | metadata.get("mystnb", {})


def _name(source: str, tags: set[str], mystnb: dict[str, Any]) -> str:
    """Say what a cell does: its fold's line."""
    if "parameters" in tags:
        return "Parameters"
    if "figure" in mystnb:
        return "Code of the figure"
    if "keep_output" in tags:
        return "Code of the claims"
    statements = (ast.Import, ast.ImportFrom, ast.Expr)
    if "import " in source and isinstance(ast.parse(source).body[0], statements):
        return "Imports"
    return "Code"
