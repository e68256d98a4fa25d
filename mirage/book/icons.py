"""A Sphinx extension: of the theme's icon font, only the icons that the book shows.

The theme loads all of Font Awesome on every page, as fonts and once more as a script of 1.5 MB;
the book shows some thirty icons. They go into the style sheet itself, so that a book opened from a
folder has them too: browsers load no font file from there.
"""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

RULE = re.compile(r'((?:\.fa-[a-z0-9-]+:{1,2}before,?)+)\{content:"\\([0-9a-f]+)"\}')
FACE = re.compile(r"@font-face\{[^}]*\}")
# Tags by which a page loads the whole of it.
LOADS = re.compile(
    r'\s*<link rel="preload" as="font"[^>]*fontawesome[^>]*>'
    r"|\s*<script[^>]*fontawesome[^>]*></script>"
)
FONTS = {  # file: family and weight
    "fa-solid-900.ttf": ("Font Awesome 6 Free", 900),
    "fa-regular-400.ttf": ("Font Awesome 6 Free", 400),
    "fa-brands-400.ttf": ("Font Awesome 6 Brands", 400),
}


def only_used(css: str, names: set[str], codes: set[int]) -> tuple[str, set[int]]:
    """Leave out the rules of icons that are not used, and all fonts.

    Parameters
    ----------
    css : str
        Font Awesome's style sheet.
    names : set of str
        Classes in use, such as ``fa-list``.
    codes : set of int
        Characters that other style sheets use.

    Returns
    -------
    (str, set of int)
        The style sheet, and all characters in use.

    Examples
    --------
    >>> css = '.fa-a:before,.fa-b:before{content:"\\\\f001"}.fa-c:before{content:"\\\\f002"}'
    >>> shown, codes = only_used(css, {"fa-b"}, {0xf003})
    >>> shown == css.partition(".fa-c")[0], sorted(codes) == [0xf001, 0xf003]
    (True, True)
    """
    used = set(codes)

    def keep(rule: re.Match[str]) -> str:
        if not names & set(re.findall(r"fa-[a-z0-9-]+", rule[1])):
            return ""
        used.add(int(rule[2], 16))
        return rule[0]

    return RULE.sub(keep, FACE.sub("", css)), used


def face(font: Path, codes: set[int]) -> str:
    """Return a font with some characters only, as a rule that holds it."""
    from fontTools import subset

    family, weight = FONTS[font.name]
    with subset.load_font(font, subset.Options()) as whole:
        cutter = subset.Subsetter()
        cutter.populate(unicodes=codes)
        cutter.subset(whole)
        whole.flavor = "woff"
        file = io.BytesIO()
        whole.save(file)
    data = base64.b64encode(file.getvalue()).decode()
    source = f'url("data:font/woff;base64,{data}")format("woff")'
    return f'@font-face{{font-family:"{family}";font-weight:{weight};src:{source}}}'


def slim(app: Any, exception: Exception | None) -> None:
    """Put the icons in use in the place of all icons; Sphinx calls this at the end."""
    folders = list(Path(app.outdir, "_static", "vendor", "fontawesome").glob("*"))
    if exception is not None or len(folders) != 1:
        return
    (folder,) = folders
    static = Path(app.outdir, "_static")
    pages = [path for path in Path(app.outdir).rglob("*.html") if static not in path.parents]
    texts = {path: path.read_text(encoding="utf-8") for path in pages}
    scripts = [path.read_text(encoding="utf-8") for path in static.glob("scripts/*.js")]
    names = set(re.findall(r"fa-[a-z0-9-]+", " ".join([*texts.values(), *scripts])))
    styles = " ".join(path.read_text(encoding="utf-8") for path in static.rglob("styles/*.css"))
    # Written as a code or as the character itself.
    codes = {int(code, 16) for code in re.findall(r"\\(f[0-9a-f]{3})\b", styles)}
    codes |= {ord(character) for character in re.findall("[\ue000-\uf8ff]", styles)}
    sheet = folder / "css" / "all.min.css"
    css, codes = only_used(sheet.read_text(encoding="utf-8"), names, codes)
    faces = [face(folder / "webfonts" / name, codes) for name in FONTS]
    sheet.write_text("".join([*faces, css]), encoding="utf-8")
    for path, text in texts.items():
        path.write_text(LOADS.sub("", text), encoding="utf-8")
    for path in [*folder.glob("js/*.js"), *folder.glob("webfonts/*")]:
        path.unlink()


def setup(app: Any) -> dict[str, Any]:
    """Register the extension; Sphinx calls this."""
    app.connect("build-finished", slim, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
