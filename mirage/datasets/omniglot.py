"""Omniglot (Lake, Salakhutdinov, Tenenbaum 2015), behind Figure 8: 1 623 characters, 20 drawings.

Stand-in: letters of 15 alphabets from matplotlib's DejaVu Sans, each redrawn 20 times with a
random affine jitter.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mirage.datasets.images import Arrays, ArraySpec, Characters, download_npz, read_npz
from mirage.datasets.spec import Spec

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.path import Path as Outline

SIDE, N_DRAWINGS = 28, 20

# Stand-in: name, code points of the letters, whether the alphabet is in the background set.
_ALPHABETS: list[tuple[str, list[tuple[int, int]], bool]] = [
    ("Latin", [(0x41, 0x5A), (0x61, 0x7A)], True),
    ("Greek", [(0x391, 0x3A9), (0x3B1, 0x3C9)], True),
    ("Cyrillic", [(0x410, 0x44F)], True),
    ("Armenian", [(0x531, 0x556), (0x561, 0x586)], True),
    ("Hebrew", [(0x5D0, 0x5EA)], False),
    ("Arabic", [(0x621, 0x63A), (0x641, 0x64A)], True),
    ("N'Ko", [(0x7CA, 0x7EA)], False),
    ("Lao", [(0xE81, 0xEAE)], False),
    ("Georgian", [(0x10A0, 0x10C5), (0x10D0, 0x10F0)], False),
    ("Canadian Aboriginal", [(0x1401, 0x1676)], True),
    ("Ogham", [(0x1681, 0x169A)], False),
    ("Tifinagh", [(0x2D30, 0x2D65)], False),
    ("Lisu", [(0xA4D0, 0xA4F7)], False),
    ("Old Italic", [(0x10300, 0x1031E)], False),
    ("Phonetic", [(0x250, 0x2AF)], False),
]
_SAME = 0.97  # cosine of two enlarged glyphs above which they are one shape: Latin A, Greek Α


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
    return _table(rows)


def _shrink(path: Path) -> np.ndarray:
    """Read a scan (105×105, 1 bit, ink 0) as 28×28 grey values by a box filter, ink 255."""
    from PIL import Image

    with Image.open(path) as scan:
        grey = scan.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return 255 - np.asarray(grey)


def _table(rows: Iterable[tuple[str, int, bool, np.ndarray]]) -> Arrays:
    """Turn rows (alphabet, character, is_background, drawings) into arrays."""
    alphabet, character, is_background, drawings = zip(*rows, strict=True)
    return {
        "x": np.stack(drawings),
        "alphabet": np.array(alphabet),
        "character": np.array(character, np.int16),
        "is_background": np.array(is_background),
    }


def stand_in() -> Arrays:
    """Compute the stand-in: about 950 characters of 15 alphabets, 20 drawings each.

    Of letters that share one shape, such as Latin A and Greek Α, only the first is kept.
    Each drawing is the outline turned, sheared, stretched and moved at random, with a fixed seed,
    and then filled: no two drawings of a character are alike.
    """
    from matplotlib.backends.backend_agg import RendererAgg

    renderer = RendererAgg(SIDE, SIDE, 72)
    rng = np.random.default_rng(0)
    rows = []
    for *name, outline in _distinct(renderer, list(_letters())):
        fit = _fit(outline)
        drawings = [_fill(renderer, outline, _jitter(rng, fit)) for _ in range(N_DRAWINGS)]
        rows.append((*name, np.stack(drawings)))
    return _table(rows)


def _letters() -> Iterator[tuple[str, int, bool, "Outline"]]:
    """Give (alphabet, number, is_background, outline) of each letter that the font has."""
    from matplotlib import get_data_path
    from matplotlib.font_manager import FontProperties, get_font
    from matplotlib.textpath import TextPath

    file = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    known = get_font(str(file)).get_charmap()
    for alphabet, ranges, background in _ALPHABETS:
        codes = [code for first, last in ranges for code in range(first, last + 1) if code in known]
        for number, code in enumerate(codes, 1):
            yield (
                alphabet,
                number,
                background,
                TextPath((0, 0), chr(code), 20, FontProperties(fname=file)),
            )


def _distinct(renderer: "RendererAgg", letters: list[tuple]) -> list[tuple]:
    """Drop each letter whose shape, at equal size, an earlier one has."""
    masks = np.stack([_fill(renderer, outline, _fit(outline)) for *_, outline in letters])
    shapes = masks.reshape(len(masks), -1) / np.linalg.norm(masks, axis=(1, 2))[:, None]
    alike = np.tril(shapes @ shapes.T > _SAME, -1)  # (letter, earlier letter)
    return [letter for letter, earlier in zip(letters, alike, strict=True) if not earlier.any()]


def _fit(outline: "Outline") -> np.ndarray:
    """Return the 2×3 affine map that enlarges `outline` to a box of 20 pixels, centred."""
    low, high = outline.get_extents().get_points()
    scale = 20 / max(high - low)
    shift = SIDE / 2 - scale * (low + high) / 2
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def _jitter(rng: np.random.Generator, fit: np.ndarray) -> np.ndarray:
    """Return `fit` followed by a random turn, shear, stretch and move about the centre."""
    turn, shear = rng.uniform(-0.2, 0.2, 2)  # radians; the tangent of the slant
    stretch = np.diag(rng.uniform(0.8, 1.1, 2))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = rotation @ np.array([[1, shear], [0, 1]]) @ stretch
    jittered = linear @ fit
    jittered[:, 2] += SIDE / 2 - linear @ np.full(2, SIDE / 2) + rng.uniform(-1.5, 1.5, 2)
    return jittered


def _fill(renderer: "RendererAgg", outline: "Outline", affine: np.ndarray) -> np.ndarray:
    """Return the filled outline, anti-aliased, as (28, 28) uint8 with ink 255."""
    from matplotlib.transforms import Affine2D

    renderer.clear()
    pen = renderer.new_gc()
    pen.set_linewidth(0)
    renderer.draw_path(pen, outline, Affine2D(np.vstack([affine, [0, 0, 1]])), (0, 0, 0))
    return np.asarray(renderer.buffer_rgba())[:, :, 3].copy()


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
    n_bytes=3_000_000,
    caption="Omniglot (1 623 characters, 20 drawings each, reduced to 28×28)",
    stand_in_caption=(
        "stand-in: letters of matplotlib's DejaVu font, 20 jittered drawings each, not Omniglot"
    ),
    container=Characters,
    read_files=partial(read_npz, expected=ARRAYS),
    download=partial(download_npz, file_name=FILE, convert=convert),
    stand_in=stand_in,
)
