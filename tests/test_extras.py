"""How an extra is installed: from a clone, since no index of packages has this one."""

import re
import tomllib
from pathlib import Path

from mirage.formatting import remedy

ROOT = Path(__file__).parents[1]


def test_no_message_or_page_asks_an_index_for_the_package():
    files = [*(ROOT / "mirage").rglob("*.py"), *(ROOT / "book").rglob("*.md")]
    files += [*(ROOT / "notebooks").glob("*.ipynb"), ROOT / "README.md"]
    asked = [str(path) for path in files if "install 'mirage-book" in path.read_text("utf-8")]
    assert asked == []


def test_every_remedy_names_an_extra_that_there_is():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = set()
    for path in (ROOT / "mirage").rglob("*.py"):
        named |= set(re.findall(r"remedy\(['\"](\w+)['\"]\)", path.read_text("utf-8")))
    assert named == {"llm", "logs", "cluster"}
    assert named <= project["optional-dependencies"].keys()
    assert remedy("llm") == "in a clone of the book: pip install '.[llm]'"
