"""The claims stored in the notebooks are what running them on the embedded data gives.

`make test` runs each notebook on the embedded data, then this, then again those whose data are
others on this machine. So nothing runs twice to be compared.
"""

import os

import nbformat
import pytest

from mirage.book import run, stamp

PAGES = run.notebooks()


def claims_of(path):
    """What the cell of the claims shows: a table, and the same as text."""
    cells = nbformat.read(path, as_version=4).cells
    [cell] = [one for one in cells if "keep_output" in one.metadata.get("tags", [])]
    [output] = cell.outputs
    return output.data


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_stored_claims_are_those_of_a_run(path):
    executed = run.runs_folder("quick") / path.name
    made_of = stamp.read(executed)
    if made_of is None:
        if os.environ.get("CI"):
            pytest.fail(f"{path.stem} has not run: MIRAGE_SOURCE=embedded mirage run")
        pytest.skip("not run yet: MIRAGE_SOURCE=embedded mirage run")
    if others := [one.name for one in made_of.loaded if one.source != "embedded"]:
        pytest.skip(f"made from other data than the embedded ones: {', '.join(others)}")
    stored, found = claims_of(path), claims_of(executed)
    assert stored["text/plain"].splitlines() == found["text/plain"].splitlines()
    assert stored["text/html"].splitlines() == found["text/html"].splitlines()
