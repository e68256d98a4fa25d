"""Text is read and written as UTF-8 whatever the locale: each call names its encoding."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(p for name in ("mirage", "benchmarks") for p in (ROOT / name).rglob("*.py"))
# Openers of bytes, or of no file.
OPENERS = {"os", "gzip", "Image", "tarfile", "zipfile", "_archive", "webbrowser"}


def nameless(call: ast.Call) -> bool:
    """Whether a call handles text without naming an encoding."""
    function, given = call.func, {keyword.arg for keyword in call.keywords}
    name = getattr(function, "attr", getattr(function, "id", ""))
    if "encoding" in given:
        return False
    if name == "read_text":
        return not call.args  # its first argument is the encoding
    if name == "write_text":
        return len(call.args) < 2
    if name in ("run", "Popen", "check_output"):
        return "text" in given or "universal_newlines" in given
    owner = getattr(function, "value", None)
    owner = getattr(owner, "id", getattr(owner, "attr", ""))
    if name != "open" or owner in OPENERS:
        return False
    values = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    modes = [v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]
    return not any("b" in mode for mode in modes)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("path.read_text()", True),
        ("path.read_text('utf-8')", False),
        ("open(path)", True),
        ("path.open('w', newline='')", True),
        ("path.open('rb')", False),
        ("open(path, mode='ab')", False),
        ("os.open(path, os.O_RDONLY)", False),
        ("path.write_text(text)", True),
        ("path.write_text(text, encoding='utf-8')", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command)", False),
    ],
)
def test_what_counts(code, expected):
    assert nameless(ast.parse(code).body[0].value) is expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_names_its_encoding(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [call.lineno for call in calls if nameless(call)] == []
