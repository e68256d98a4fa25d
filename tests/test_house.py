"""The house: which folder may import which, and what a notebook may import."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# From the ground up. A module imports modules of its own floor or of lower ones.
FLOORS = (
    (
        "__init__",
        "files",
        "progress",
        "formatting",
        "code_digest",
        "processes",
        "_check",
        "_torchvision",
        "_torchvision_guard",
    ),
    ("metrics", "statistics"),
    ("theory", "tables"),
    ("fits",),
    ("emergence",),
    ("readers",),
    ("datasets", "training"),
    ("arithmetic", "vision"),
    ("evaluation",),
    ("audit",),
    ("plots",),
    ("pages", "book"),
    ("cli",),
)
FACES = (
    "metrics",
    "statistics",
    "theory",
    "fits",
    "emergence",
    "readers",
)  # they re-export for users
SHARED_PAGES = ("published", "by_length")  # of several pages


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; a package by its own."""
    files = sorted((ROOT / "mirage").rglob("*.py"))
    names = (file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for file in files)
    return {re.sub(r"\.__init__$", "", name): file for name, file in zip(names, files, strict=True)}


MODULES = modules()
each = pytest.mark.parametrize("name", MODULES)


@cache
def imports(source: str) -> frozenset[str]:
    """Modules of the package that a source imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return frozenset(found & MODULES.keys())


def imported(name: str) -> frozenset[str]:
    return imports(MODULES[name].read_text(encoding="utf-8"))


def floor(name: str) -> int:
    room = [*name.split("."), "__init__"][1]
    found = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert found, f"{name}: give it a floor"
    return found[0]


@each
def test_imports_run_downwards(name):
    upwards = {other for other in imported(name) if floor(other) > floor(name)}
    assert not upwards


@each
def test_the_defining_module_is_imported_and_not_a_face(name):
    faces = {other for other in imported(name) if other in {f"mirage.{face}" for face in FACES}}
    assert not faces


@each
def test_only_the_command_line_and_the_press_import_pages(name):
    if name != "mirage.cli" and not name.startswith("mirage.pages"):
        assert not [other for other in imported(name) if other.startswith("mirage.pages")]


def test_no_import_circle():
    done, path = set(), []

    def visit(name):
        assert name not in path, f"a circle: {' → '.join([*path[path.index(name) :], name])}"
        if name not in done:
            path.append(name)
            # A face imports its own modules; they do not import it.
            for other in sorted(imported(name)):
                visit(other)
            path.pop()
            done.add(name)

    for name in MODULES:
        visit(name)


def names_used(node: ast.AST) -> set[str]:
    """Names in code; of texts those that are one, such as of a column or of an annotation."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.alias):
            found.add(part.name)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found |= set(re.findall(r"\w+", part.value)) if " " not in part.value else set()
    return found


def test_every_public_definition_has_a_user_outside_tests():
    """In the package, a notebook or a benchmark; or it stands on a page for those who call it."""
    sources = [file.read_text(encoding="utf-8") for file in MODULES.values()]
    sources += [file.read_text(encoding="utf-8") for file in (ROOT / "benchmarks").glob("*.py")]
    used = set().union(*(names_used(ast.parse(source)) for source in sources))
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        used |= set(re.findall(r"\w+", "\n".join(code)))
    for path in (ROOT / "book").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        code = re.findall(r"`+[^`]+`", text)
        used |= set(re.findall(r"\w+", " ".join(code)))
    used |= {"setup", "load_ipython_extension"}  # Sphinx and IPython call them by these names
    unused = [
        f"{name}.{node.name}"
        for name, file in MODULES.items()
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        # A decorator of typer's makes a command of it.
        if node.name not in used and "command" not in names_used(ast.List(node.decorator_list))
    ]
    assert not unused


def test_no_two_modules_of_the_tests_have_one_name():
    """pytest imports them by their stem alone: of two in one worker, one would hide the other."""
    names = [path.stem for path in (ROOT / "tests").rglob("*.py") if path.stem != "conftest"]
    assert sorted(set(names)) == sorted(names)


def test_at_most_a_dozen_files_at_the_root():
    assert len(list((ROOT / "mirage").glob("*.py"))) <= 12


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_notebook_imports_no_other_page_than_its_own(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    pages = {name.split(".")[2] for name in imports(code) if name.startswith("mirage.pages.")}
    stem = path.stem.replace("-", "_")
    names = {name.split(".")[2] for name in MODULES if name.startswith("mirage.pages.")}
    names = {name for name in names if stem.startswith(name)}
    parts = tuple(f"{name}_" for name in names)  # figure_2_explorer belongs to figure_2
    own = {page for page in pages if page in names or page.startswith(parts)}
    assert pages - own <= set(SHARED_PAGES)
