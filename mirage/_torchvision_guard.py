"""``import torchvision`` works beside a CPU-only torch, for whoever imports it, transformers too.

PyPI's torchvision for Linux stops there at ``operator torchvision::nms does not exist``.
Once this module is imported, the first import of torchvision is that of `mirage._torchvision`,
which leaves the registration out. Python imports this module at each start of an environment with
the file that `write_hook` writes; ``make setup`` does so where torchvision does not import.
It imports nothing that Python has not loaded by then: each start of that environment pays for it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False  # typing itself takes longer to import than the rest
if TYPE_CHECKING:
    from pathlib import Path

HOOK = "mirage-torchvision.pth"


class _Guard:
    """Finds torchvision, and nothing else, unless `mirage._torchvision` is importing it."""

    def find_spec(self, name, path=None, target=None):
        if name != "torchvision" or "mirage._torchvision" in sys.modules:
            return None
        found = PathFinder.find_spec(name, path)
        if found is None:
            return None
        spec = ModuleSpec(name, self, origin=found.origin, is_package=True)
        spec.submodule_search_locations[:] = found.submodule_search_locations
        return spec

    def create_module(self, spec):
        import_module("mirage._torchvision")
        return sys.modules[spec.name]

    def exec_module(self, module):
        """Nothing is left to do: `create_module` ran it."""


def install() -> None:
    """Put the guard before Python's own finders, once."""
    if not any(isinstance(finder, _Guard) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Guard())


def write_hook(folder: Path) -> Path:
    """Write the file by which Python installs the guard at each start; return its path."""
    path, name = folder / HOOK, "mirage._torchvision_guard"
    # Of an environment whose package was taken away, nothing is said at each start.
    there = f"u.find_spec('mirage') and u.find_spec('{name}')"
    path.write_text(
        f"import importlib.util as u; {there} and __import__('{name}')\n", encoding="utf-8"
    )
    return path


install()

if __name__ == "__main__":
    import sysconfig
    from pathlib import Path

    print(write_hook(Path(sysconfig.get_path("purelib"))))
