"""Figures in a kernel of the book: one format each, and no more drawing than that takes."""

import json
import os
import subprocess
import sys

KERNEL = """
import json
from ipykernel.zmqshell import ZMQInteractiveShell
from mirage.book import pictures

shell, shown = ZMQInteractiveShell.instance(), []
pictures.load_ipython_extension(shell)
shell.display_pub.publish = lambda data, *_, **__: shown.append(sorted(data))
shell.run_cell("import matplotlib.pyplot as plt")
shell.run_cell("from matplotlib.figure import Figure; draws, draw = [], Figure.draw")
shell.run_cell("Figure.draw = lambda *a, **k: (draws.append(1), draw(*a, **k))")
shell.run_cell("figure, ax = plt.subplots(figsize=(2, 1)); ax.plot([0, 1]);")
light = len(shell.user_ns["draws"])
shell.run_cell("figure, ax = plt.subplots(figsize=(2, 1)); ax.plot(range(3000), 'o');")
shell.run_cell("1;")
print(json.dumps([shown, light]))
"""


def test_a_figure_is_drawn_once_and_in_one_format():
    inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    done = subprocess.run(
        [sys.executable, "-c", KERNEL],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | inline,
    )
    shown, light = json.loads(done.stdout.splitlines()[-1])
    assert shown == [["image/svg+xml", "text/plain"], ["image/png", "text/plain"]]
    assert light == 2, "one to measure what is cropped away, and one to draw"
