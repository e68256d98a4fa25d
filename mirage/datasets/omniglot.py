"""Omniglot (Lake et al. 2015), behind Figure 8: 1 623 characters of 50 alphabets, 20 drawings."""

from functools import partial
from pathlib import Path

import numpy as np

from mirage.datasets.images import Arrays, ArraySpec, Characters, download_npz, read_npz
from mirage.datasets.spec import Spec

SIDE, N_DRAWINGS = 28, 20


def convert(folder: Path) -> Arrays:
    """Download Omniglot into `folder`; return it at 28×28, ink = 255, background set first."""
    from mirage._torchvision import Omniglot

    rows = []
    for background in (True, False):
        # Not through its items: they do not tell the alphabet.
        root = Path(Omniglot(folder, background=background, download=True).target_folder)
        for character in sorted(root.glob("*/character*")):
            drawings = np.stack([_shrink(path) for path in sorted(character.glob("*.png"))])
            number = int(character.name.removeprefix("character"))
            rows.append((character.parent.name, number, background, drawings))
    alphabet, character, is_background, drawings = zip(*rows, strict=True)
    return {
        "x": np.stack(drawings),
        "alphabet": np.array(alphabet),
        "character": np.array(character, np.int16),
        "is_background": np.array(is_background),
    }


def _shrink(path: Path) -> np.ndarray:
    """Read a scan (105×105, 1 bit, ink 0) as 28×28 grey values by a box filter, ink 255."""
    from PIL import Image

    with Image.open(path) as scan:
        grey = scan.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return 255 - np.asarray(grey)


ARRAYS = {
    "x": ArraySpec("uint8", (1623, N_DRAWINGS, SIDE, SIDE)),
    "alphabet": ArraySpec("str", (1623,)),
    "character": ArraySpec("int16", (1623,)),
    "is_background": ArraySpec("bool", (1623,)),
}
FILE = "omniglot.npz"
SPEC = Spec(
    name="omniglot",
    title="Omniglot",
    licence="MIT",
    citation="Lake, Salakhutdinov, Tenenbaum (2015)",
    origin="its authors' archives, through torchvision, reduced to 28×28 by a box filter",
    files=(FILE,),
    urls=("https://raw.githubusercontent.com/brendenlake/omniglot/master/README.md",),
    n_bytes=2_300_000,
    caption="Omniglot (1 623 characters, 20 drawings each, reduced to 28×28)",
    container=Characters,
    read_files=partial(read_npz, expected=ARRAYS),
    download=partial(download_npz, file_name=FILE, convert=convert),
)
