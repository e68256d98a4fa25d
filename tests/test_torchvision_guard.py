"""Whoever imports torchvision in the project's environment gets it, transformers too."""

import importlib.util
import subprocess
import sys

import pytest

from mirage import _torchvision_guard

for name, extra in (("torchvision", "train"), ("transformers", "llm")):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"the extra [{extra}] is not installed", allow_module_level=True)

IMPORTS = """
import importlib.util, site, sys
site.addsitedir(sys.argv[1])  # as Python does at each start with the environment's own folder
assert "torch" not in sys.modules  # it costs nothing until then
import torchvision.ops, torchvision
from torchvision.datasets import MNIST
from transformers import GPT2LMHeadModel
assert importlib.util.find_spec("torchvision.io")
assert sys.modules["torchvision"] is torchvision and torchvision.transforms.ToTensor
print(torchvision.__name__, torchvision.__version__ == torchvision.version.__version__)
"""


def test_torchvision_and_transformers_import_under_the_hook(tmp_path):
    path = _torchvision_guard.write_hook(tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORTS, tmp_path], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("torchvision True\n", "")
    assert path.read_text().count("\n") == 1  # Python runs each line on its own


def test_the_hook_of_a_package_that_is_gone_says_nothing(tmp_path):
    _torchvision_guard.write_hook(tmp_path)
    code = "import site, sys; site.addsitedir(sys.argv[1])"
    done = subprocess.run(  # without any folder of packages
        [sys.executable, "-I", "-S", "-c", code, tmp_path], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_without_torchvision_python_says_so_itself():
    code = (
        "import mirage._torchvision_guard, importlib.machinery as m; "
        "m.PathFinder.find_spec = lambda *_, **__: None\n"
        "try: import torchvision\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "No module named 'torchvision'\n"
