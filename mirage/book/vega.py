"""The Vega bundle: one JavaScript file that draws every interactive figure without a network."""

from __future__ import annotations

from pathlib import Path

from mirage.files import atomic_write

BUNDLE = "vega-bundle.js"


def write_bundle(static_dir: str | Path) -> Path:
    """Write Vega, Vega-Lite and vega-embed as one script, so that the book reads offline.

    Parameters
    ----------
    static_dir : str or Path
        The book's ``_static`` folder, which must exist.

    Returns
    -------
    Path
        The script, about 0.9 MB; left untouched where it is already the same.

    Raises
    ------
    FileNotFoundError
        If `static_dir` is no folder.
    """
    import vl_convert

    static_dir = Path(static_dir)
    if not static_dir.is_dir():
        raise FileNotFoundError(f"no folder '{static_dir}' for {BUNDLE}: create it first")
    # Wrapped, because the bundle declares hundreds of short names that would become global.
    script = "(() => {" + vl_convert.javascript_bundle() + "})();\n"
    path = static_dir / BUNDLE
    content = script.encode()
    if not path.exists() or path.read_bytes() != content:
        with atomic_write(path) as file:
            file.write(content)
    return path
