"""Folded code: every cell is one line to open, and none is lost."""

import nbformat

from mirage.book.folding import fold


def cell(source: str, *tags: str, **mystnb):
    metadata = {"tags": list(tags)} | ({"mystnb": mystnb} if mystnb else {})
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def folded(*cells, injected=False):
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    return nbformat.reads(fold(nbformat.writes(notebook).encode(), injected).decode(), 4).cells


def test_every_cell_is_folded_under_a_name_of_its_own():
    figure = {"name": "fig-x", "caption": "A caption."}
    cells = folded(
        cell("n: int = 1  # seeds", "parameters"),
        cell("import numpy as np\n\nplots.use_style()", "hide-input"),
        cell("from a import b\nb.load()"),
        cell("x = 1"),
        cell("figure, ax = draw();", "hide-input", figure=figure),
        cell('record("x", claims)', "keep_output", "nbval-check-output"),
    )
    names = [one.metadata.mystnb.code_prompt_show for one in cells]
    expected = ["Parameters", "Imports", "Imports", "Code", "Code of the figure"]
    assert names == [*expected, "Code of the claims"]
    assert all(one.metadata.tags.count("hide-input") == 1 for one in cells)
    assert cells[4].metadata.mystnb.figure == figure


def test_injected_parameters_are_left_out_of_the_book_and_shown_on_a_page_of_their_own():
    (hidden,) = folded(cell("n = 5", "injected-parameters"))
    assert hidden.metadata.tags == ["injected-parameters", "remove-cell"]
    (shown,) = folded(cell("n = 5", "injected-parameters"), injected=True)
    assert shown.metadata.tags == ["injected-parameters"]


def test_text_is_left_as_it_is():
    (text,) = folded(nbformat.v4.new_markdown_cell("# Title"))
    assert text.source == "# Title"
    assert not text.metadata


def test_a_cell_hidden_with_its_output_stays_so():
    (hidden,) = folded(cell("glue()", "hide-cell"))
    assert hidden.metadata.tags == ["hide-cell"]
