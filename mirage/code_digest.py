"""What a piece of code depends on, as a digest: the modules it imports, and the versions below.

Caches of results are named by it. Two codes that compute the same have the same digest: comments,
docstrings and layout do not count, since what is hashed is the syntax tree. Modules are found by
their path, never by importing them, so that a missing package cannot make the list shorter.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

# Packages whose version can change a number; torch's device can, too.
NUMERICAL = ("numba", "numpy", "scipy", "torch")


class Code(NamedTuple):
    """The files that a piece of code depends on.

    Parameters
    ----------
    files : dict of str to Path
        Modules of one package by their dotted names, and the data files beside them that they
        name (``mirage.plots:paper.mplstyle``).
    packages : frozenset of str
        Every other package that these modules import, e.g. ``numpy``.
    """

    files: dict[str, Path]
    packages: frozenset[str]


class _Facts(NamedTuple):
    """What one file says of what it depends on."""

    imports: frozenset[tuple[int, str, str]]  # dots before it, module, name imported from it or ""
    strings: frozenset[str]  # that may name a file
    digest: str


def of_module(module: str, without: Collection[str] = ()) -> Code:
    """Find the files that a module depends on, in its own package.

    Parameters
    ----------
    module : str
        Dotted name, e.g. ``mirage.vision.lenet``.
    without : collection of str
        Modules that do not count, nor what only they import.

    Returns
    -------
    Code
        A package's ``__init__`` counts only where it is imported by name: ``import a.b`` and
        ``from a import b``, with ``b`` a module, do not count that of ``a``.

    Raises
    ------
    ValueError
        The module, or one that it imports, has no source file or cannot be read.

    Examples
    --------
    >>> sorted(of_module("mirage.formatting").files)
    ['mirage.formatting']
    """
    root = _root(module)
    if not _file(module, root):
        raise ValueError(f"found no source of module {module!r}; move it into a file")
    return _follow([(module, "", "the caller")], root, module.split(".")[0], without)


def of_source(source: str, package: Path) -> Code:
    """Find the files of a package that a piece of code depends on.

    Parameters
    ----------
    source : str
        Python code, such as that of a notebook.
    package : Path
        The package's folder.

    Returns
    -------
    Code
        As :func:`of_module`; without a file for the source itself.

    Raises
    ------
    ValueError
        The source does not parse, or a module that it imports cannot be found or read.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"the code does not parse: {error}") from None
    imports = _absolute(_imports(tree), "")
    waiting = [(*one, "the code") for one in imports]
    code = _follow(waiting, package, package.name, ())
    return code._replace(packages=code.packages | _packages(imports, package.name))


def digest(code: Code) -> str:
    """Hash the code's syntax trees without docstrings, and its data files.

    Returns
    -------
    str
        SHA-256, hexadecimal.

    Raises
    ------
    ValueError
        A file cannot be read.
    """
    parts = (f"{name} {_facts(path).digest}" for name, path in sorted(code.files.items()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _syntax(tree: ast.Module) -> str:
    """Write a syntax tree without its docstrings."""
    for node in ast.walk(tree):
        has_docstring = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, has_docstring) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def runtime(packages: Iterable[str]) -> dict[str, str]:
    """Say what else changes a number: versions of the numerical packages, and the device.

    Parameters
    ----------
    packages : iterable of str
        What the code imports; only those of ``NUMERICAL`` count.

    Returns
    -------
    dict of str to str
        Version by package, "none" where it is not installed; ``device`` is cpu, cuda or mps, where
        torch is among them.
    """
    found = {name: _version(name) for name in sorted(set(packages) & set(NUMERICAL))}
    return {**found, "device": _device()} if found.get("torch", "none") != "none" else found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


@cache
def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _follow(
    waiting: list[tuple[str, str, str]], root: Path, top: str, without: Collection[str]
) -> Code:
    """Visit (module, name, importer) and all that these import, in the package at ``root``."""
    files, packages = {}, set()
    while waiting:
        module, name, importer = waiting.pop()
        if module.split(".")[0] != top:
            continue
        inner = f"{module}.{name}"
        chosen = inner if name and _file(inner, root) else module
        if chosen in files or chosen in without:
            continue
        path = _file(chosen, root)
        if path is None:
            raise ValueError(f"{importer} imports {chosen}, which has no file in {root}")
        files[chosen] = path
        facts = _facts(path)
        # A relative import starts from the package that the module is, or is in.
        above = chosen if path.name == "__init__.py" else chosen.rpartition(".")[0]
        imports = _absolute(facts.imports, above)
        waiting += [(*one, str(path)) for one in imports]
        packages |= _packages(imports, top)
        for text in facts.strings:
            if text != path.name and (path.parent / text).is_file():
                files[f"{chosen}:{text}"] = path.parent / text
    return Code(files, frozenset(packages))


def _packages(imports: Iterable[tuple[str, str]], top: str) -> frozenset[str]:
    return frozenset(module.split(".")[0] for module, _ in imports) - {top}


def _absolute(imports: Iterable[tuple[int, str, str]], package: str) -> set[tuple[str, str]]:
    """Resolve relative imports: (module, name imported from it or "")."""
    parts, found = package.split("."), set()
    for level, module, name in imports:
        above = parts[: len(parts) - level + 1] if level else []
        found.add((".".join([*above, *filter(None, [module])]), name))
    return found


def _root(module: str) -> Path:
    """Return the folder of a module's package, or the file of a module that is in none."""
    top = module.split(".")[0]
    # A top-level name: this imports nothing. A script's __main__ is found under no name of its own.
    spec = importlib.util.find_spec(top) if top != "__main__" else None
    if spec is None or not (spec.origin or "").endswith(".py"):
        raise ValueError(f"found no source of module {module!r}; move it into a file")
    return Path(spec.submodule_search_locations[0] if "." in module else spec.origin)


def _file(module: str, root: Path) -> Path | None:
    """Return the file of a module of the package at ``root``; None where there is none."""
    parts = module.split(".")[1:]
    if root.is_file():
        return None if parts else root
    folder = root.joinpath(*parts)
    choices = [folder / "__init__.py", folder.parent / f"{folder.name}.py"]
    return next((path for path in choices if path.is_file()), None)


def _facts(path: Path) -> _Facts:
    """Read a file; it is parsed once as long as it does not change."""
    try:
        # Its content says whether it changed: the clock of a file system may tick too seldom.
        content = path.read_bytes()
        if path.suffix == ".py":
            return _parse(content)
        return _Facts(frozenset(), frozenset(), hashlib.sha256(content).hexdigest())
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"cannot read the source {path}: {error}") from None


@cache
def _parse(content: bytes) -> _Facts:
    tree = ast.parse(content)
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    files = frozenset(text for text in strings if re.fullmatch(r"[\w./-]+\.\w+", text))
    digest = hashlib.sha256(_syntax(tree).encode()).hexdigest()
    return _Facts(_imports(tree), files, digest)


def _imports(tree: ast.Module) -> frozenset[tuple[int, str, str]]:
    """Collect what is imported, inside functions too."""
    found = set()
    for node in _running(tree):
        if isinstance(node, ast.Import):
            found |= {(0, alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.level, node.module or "", alias.name) for alias in node.names}
    return frozenset(found)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk over what runs: not what stands under ``if TYPE_CHECKING``."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)
