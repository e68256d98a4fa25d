"""What every notebook of the book must look like (thin, typed, stripped, described)."""

import ast
import json
import re
import tomllib
from pathlib import Path

import nbval_options
import pytest
from nbval.plugin import get_sanitize_patterns

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CLAIMS_TAGS = {"keep_output", "nbval-check-output"}
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# Notebooks not yet rewritten to the rules that use `each_converted`, and not checked by ruff. There
# is one list, `extend-exclude` in pyproject.toml: whoever rewrites a notebook removes its line.
NOT_YET = {
    Path(name).stem
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "ruff"
    ].get("extend-exclude", [])
}
each_converted = pytest.mark.parametrize(
    "path", [p for p in NOTEBOOKS if p.stem not in NOT_YET], ids=lambda path: path.stem
)
N_CELLS, N_STATEMENTS, N_COLUMNS = 12, 10, 100
# Verdicts are computed and glued; in italics a word only names its verdict.
VERDICTS = (
    r"(?<!\*)\b(not reproduced|reproduced|not attempted|undecided|disappears|persists|reversed"
    r"|appears only under)\b(?!\*)"
)
FOR_EFFECT = (  # an expression that would be the wrong place to call something
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.BoolOp,
    ast.IfExp,
)


def cells(path: Path, kind: str) -> list[dict]:
    """Cells of one kind, their source as one string."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    found = [cell for cell in found if cell["cell_type"] == kind]
    return [{**cell, "source": "".join(cell["source"])} for cell in found]


def tags(cell: dict) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def is_figure(cell: dict) -> bool:
    """Whether a cell draws: it makes axes, calls `draw_…` of its page, or `mirage.plots`."""
    draws = r"\b(plt|figure|fig)\.\w+\(|\bplots\.(?!use_style\b)\w+\(|_explorer\("
    draws += r"|\.draw_\w+\("
    return bool(re.search(draws, cell["source"]))


def test_there_are_notebooks():
    assert NOTEBOOKS, "an empty folder would pass every other test here"


def test_each_is_in_the_table_of_contents():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"file: (notebooks/[^\s#]+)", toc))
    assert {name.removesuffix(".ipynb") for name in listed} == {
        f"notebooks/{path.stem}" for path in NOTEBOOKS
    }


@each
def test_name_and_size(path):
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", path.stem)
    assert path.stat().st_size <= 60_000, "outputs belong to the build, not to the repository"


@each
def test_starts_with_label_title_and_claim(path):
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    assert first["cell_type"] == "markdown"
    label, title, *rest = "".join(first["source"]).splitlines()
    match = re.fullmatch(r"\(([a-z]+(?:-[a-z]+)*(?:-\d+)?)\)=", label)
    assert match, f"found {label!r}, expected a label such as (figure-5)="
    assert path.stem == match[1] or path.stem.startswith(f"{match[1]}-")
    assert re.match(r"# \S", title)
    assert any("**Claim" in line for line in rest), "the first cell states the claim"


@each
def test_parameters_come_first_typed_and_commented(path):
    first = cells(path, "code")[0]
    assert tags(first) == {"parameters"}
    assert not [cell for cell in cells(path, "code")[1:] if "parameters" in tags(cell)]
    statements = ast.parse(first["source"]).body
    assert all(isinstance(statement, ast.AnnAssign) for statement in statements), "not typed"
    names = [statement.target.id for statement in statements]
    assert names[0] == "profile"
    assert ast.literal_eval(statements[0].value) == "quick"
    lines = first["source"].splitlines()
    for name, statement in zip(names, statements, strict=True):
        assert "  # " in lines[statement.end_lineno - 1], f"{name} says nothing of itself"


def statements(source: str) -> list[ast.stmt]:
    """Every statement of a cell but its imports, those inside loops too."""
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt))
    return [node for node in found if not isinstance(node, ast.Import | ast.ImportFrom)]


def test_statements_are_counted_inside_loops_and_without_imports():
    source = "import os\nfor a in b:\n    c = a\n    d(c)\nif c: d(c)"
    assert len(statements(source)) == 5


def test_list_of_notebooks_not_yet_rewritten_names_notebooks():
    assert {path.stem for path in NOTEBOOKS} >= NOT_YET


@each_converted
def test_code_is_thin(path):
    code = cells(path, "code")
    assert len(code) <= N_CELLS
    for number, cell in enumerate(code, 1):
        assert len(statements(cell["source"])) <= N_STATEMENTS, f"code cell {number}"


@each_converted
def test_lines_are_short_and_hold_one_statement(path):
    for number, cell in enumerate(cells(path, "code"), 1):
        for line in cell["source"].splitlines():
            assert len(line) <= N_COLUMNS, f"code cell {number}: {line}"
        starts = [node.lineno for node in statements(cell["source"])]
        twice = {line for line in starts if starts.count(line) > 1}
        assert not twice, f"code cell {number}: two statements in line {twice}"


@each_converted
def test_no_expression_stands_for_a_statement(path):
    for number, cell in enumerate(cells(path, "code"), 1):
        for node in statements(cell["source"]):
            where = f"code cell {number}, line {node.lineno}"
            hidden = isinstance(node, ast.Expr) and isinstance(node.value, FOR_EFFECT)
            assert not hidden, f"{where}: one statement a line, a loop in place of a comprehension"


@each_converted
def test_claims_cell_glues_nothing(path):
    (claims,) = (cell for cell in cells(path, "code") if tags(cell) & CLAIMS_TAGS)
    assert not re.search(r"\bglue\(", claims["source"]), "glue in the cell before"


@each_converted
def test_no_verdict_is_typed(path):
    _, *texts = cells(path, "markdown")  # the first cell states the paper's claim
    for cell in texts:
        prose = re.sub(r"`[^`]*`", "", cell["source"])  # roles and code
        found = re.search(VERDICTS, prose, re.IGNORECASE)
        assert not found, f"{found}: a conclusion is computed by a rule and glued"


@each
def test_defines_nothing_and_trains_nothing(path):
    for number, cell in enumerate(cells(path, "code"), 1):
        for node in ast.walk(ast.parse(cell["source"])):
            where = f"code cell {number}, line {getattr(node, 'lineno', 0)}"
            forbidden = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.While)
            assert not isinstance(node, forbidden), f"{where} belongs in the package"
            named = isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr)
            assert not (named and isinstance(node.value, ast.Lambda)), f"{where}: a def in disguise"
            if isinstance(node, ast.For):
                header = ast.unparse(node.target) + ast.unparse(node.iter)
                assert not re.search("epoch|batch|step", header), f"{where}: a training loop"
        assert not re.search(r"\.(backward|zero_grad)\(|torch\.optim", cell["source"])


@each
def test_every_figure_is_described_and_ends_quietly(path):
    for number, cell in enumerate(cells(path, "code"), 1):
        meta = cell["metadata"].get("mystnb", {})
        if not (meta or is_figure(cell)):
            continue
        figure, alt = meta.get("figure", {}), meta.get("image", {}).get("alt", "")
        assert re.fullmatch("fig-[a-z0-9-]+", figure.get("name", "")), (
            f"code cell {number}: no name"
        )
        assert len(figure.get("caption", "")) > 40, f"code cell {number}: no caption"
        if "_explorer(" in cell["source"]:
            continue  # brings its own text alternative, see mirage.book.interactive
        assert len(alt) > 60, f"code cell {number}: say what is seen"
        assert cell["source"].endswith(";"), f"code cell {number} would print an object's address"


def test_figure_names_differ():
    metadata = [cell["metadata"] for path in NOTEBOOKS for cell in cells(path, "code")]
    names = [m["mystnb"].get("figure", {}).get("name") for m in metadata if "mystnb" in m]
    assert len(set(names)) == len(names) > 0


@each
def test_only_the_claims_keep_their_output(path):
    code = cells(path, "code")
    claims = [cell for cell in code if tags(cell) & CLAIMS_TAGS]
    assert len(claims) == 1
    assert tags(claims[0]) >= CLAIMS_TAGS
    assert "record(" in claims[0]["source"]
    stored = json.dumps(claims[0]["outputs"])
    assert claims[0]["execution_count"], "nbval takes a cell without a count for one never run"
    assert "verdict" in stored or "reproduced" in stored, "run the notebook and keep this output"
    assert not [cell["outputs"] for cell in code if cell["outputs"] and cell is not claims[0]]


@each
def test_on_another_processor_numbers_may_differ_but_no_verdict(path):
    file = Path(nbval_options.options("another")[-1])
    [[regex, replace]] = get_sanitize_patterns(file.read_text(encoding="utf-8"))
    [output] = [output for cell in cells(path, "code") for output in cell["outputs"]]
    shown = {kind: "".join(text) for kind, text in output["data"].items()}
    left = {kind: re.sub(regex, replace, text) for kind, text in shown.items()}
    assert left == {"text/html": replace, "text/plain": shown["text/plain"]}
    answers = {claim["id"] for claim in output["metadata"]["mirage"]["claims"]}
    assert {line.partition(": ")[0] for line in left["text/plain"].splitlines()} == answers


@each
def test_holds_no_path_of_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|root|tmp|home|Users|mnt|opt)/|[A-Z]:\\\\", text)
