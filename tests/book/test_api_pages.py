"""Every public module of the package stands on one of the API pages, once."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_module_is_documented_once():
    files = (ROOT / "mirage").rglob("*.py")
    names = {f.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for f in files}
    # Commands are documented by --help.
    public = {n for n in names if not re.search(r"\._|\.cli$", n)}
    pages = (ROOT / "book").glob("api-*.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    documented = Counter(re.findall(r"automodule:: (\S+)", text))
    assert set(documented) >= public, f"not on an API page: {sorted(public - set(documented))}"
    names |= {name.removesuffix(".__init__") for name in names}
    assert set(documented) <= names, f"no such module: {sorted(set(documented) - names)}"
    assert max(documented.values()) == 1
