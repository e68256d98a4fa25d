"""Contrast as WCAG 2 defines it, and the marks of an SVG that Matplotlib drew."""

import re
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from matplotlib.colors import to_rgb

MARK, TEXT = 3.0, 4.5  # WCAG 2.1, success criteria 1.4.11 and 1.4.3
WHITE = (1.0, 1.0, 1.0)


def ratio(one, other) -> float:
    """The contrast of two colours, each RGB in [0, 1]."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(rgb) -> float:
    channel = np.asarray(rgb, dtype=float)
    linear = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def over(color, alpha, ground=WHITE) -> np.ndarray:
    """A colour of some opacity as it is seen on an opaque ground."""
    return alpha * np.asarray(to_rgb(color)) + (1 - alpha) * np.asarray(to_rgb(ground))


# hue-rotate(180deg) of the Filter Effects specification, with cos = −1 and sin = 0.
_GREY = np.array([0.213, 0.715, 0.072])
_TURN = 2 * np.tile(_GREY, (3, 1)) - np.eye(3)


def in_the_dark(rgb) -> np.ndarray:
    """A colour of a figure as reading.css shows it: invert(0.92) hue-rotate(180deg)."""
    inverted = 0.92 - 0.84 * np.asarray(rgb)
    return np.clip(_TURN @ inverted, 0, 1)


class Mark(NamedTuple):
    """A mark or a text: its name, the colours that it is drawn in, and what is behind it."""

    name: str
    is_text: bool
    colors: list[np.ndarray]
    ground: np.ndarray


def faults(mark: Mark) -> list[str]:
    """What is wrong with a mark in the light and in the dark: either fill or edge must be seen."""
    wanted = TEXT if mark.is_text else MARK
    found = []
    for mode, seen in (("light", np.asarray), ("dark", in_the_dark)):
        reached = max(ratio(seen(color), seen(mark.ground)) for color in mark.colors)
        if reached < wanted:
            found.append(f"{mark.name}: {reached:.2f} : 1 in the {mode}, {wanted} wanted")
    return found


# What need not be told from the ground, by the names that Matplotlib gives to its groups.
EXEMPT = {
    "matplotlib.axis": "grid, ticks and their labels: the labels are black by the style sheet",
    "FillBetweenPolyCollection": "a band around a line, and the line is drawn",
}


def marks(svg: str) -> list[Mark]:
    """The marks and texts of a figure.

    Left out are `EXEMPT`, the frames' own white grounds and those of texts, what is transparent,
    and rectangles that span a whole panel: they shade a part of it, and a line or a label says
    which.
    """
    return [mark for group, style in _groups(svg) for mark in _of_group(group, style)]


def _of_group(nodes, frame):
    found, rectangles, bands = [], [], set()
    for name, node, style in nodes:
        if node.tag.endswith("text"):
            place = _anchor(node)
            behind = [c for box, c in rectangles if place and _inside(place, box)]
            color = over(style.get("fill", "black"), _opacity(style, "fill"))
            found.append(Mark(f"{name} '{node.text}'", True, [color], [WHITE, *behind][-1]))
            continue
        colors = {kind: _color(style, kind) for kind in ("fill", "stroke")}
        box = _box(node.get("d", ""))
        if colors["fill"] is not None and box and name.startswith("patch"):
            rectangles.append((box, colors["fill"]))
        seen = [color for color in colors.values() if color is not None]
        if box and frame and _spans(box, frame):
            bands.add(tuple(seen[0]))
        elif seen and not all((color == WHITE).all() for color in seen):
            found.append(Mark(name, False, seen, np.array(WHITE)))
    # In the legend a band's swatch has its colour.
    return [
        mark for mark in found if not (len(mark.colors) == 1 and tuple(mark.colors[0]) in bands)
    ]


def _groups(svg):
    """The nodes of each panel with the panel's box, and those of the figure with none."""
    root = ElementTree.fromstring(svg)
    patterns = [node for node in root.iter() if node.tag.endswith("pattern")]
    grounds = {f"url(#{node.get('id')})": node[0].get("fill") for node in patterns}  # of hatches
    for figure in root.iter():
        kind = _kind(figure)
        if kind in ("axes", "figure"):
            nodes = [
                (name, node, {key: grounds.get(value, value) for key, value in style.items()})
                for name, node, style in _nodes(figure, kind, {})
            ]
            # The first patch is the panel's, or the figure's, own ground.
            has_ground = bool(nodes) and nodes[0][2].get("fill") == "#ffffff"
            frame = _box(nodes[0][1].get("d", "")) if has_ground and kind == "axes" else None
            yield nodes[has_ground:], frame


def _nodes(element, name, style):
    style = style | _style(element)
    for child in element:
        kind = _kind(child)
        if kind in ("axes", *EXEMPT) or child.tag.endswith(("defs", "clipPath", "metadata")):
            continue
        if child.tag.endswith(("path", "use", "text")):
            yield name, child, style | _style(child)
        yield from _nodes(child, child.get("id") or name, style)


def _kind(element) -> str:
    return re.sub(r"_\d+$", "", element.get("id", ""))


def _style(element) -> dict[str, str]:
    parts = (part.partition(":") for part in element.get("style", "").split(";"))
    return {key.strip(): value.strip() for key, _, value in parts if value}


def _opacity(style, kind) -> float:
    return float(style.get("opacity", 1)) * float(style.get(f"{kind}-opacity", 1))


def _color(style, kind):
    value = style.get(kind, "#000000" if kind == "fill" else "none")
    alpha = _opacity(style, kind)
    return None if value == "none" or alpha == 0 else over(value, alpha)


def _box(path: str):
    numbers = np.array(re.findall(r"-?[\d.]+(?:e-?\d+)?", path), dtype=float)
    if len(numbers) not in (8, 10) or "C" in path or "Q" in path:
        return None  # no rectangle
    x, y = numbers[::2], numbers[1::2]
    return x.min(), y.min(), x.max(), y.max()


def _anchor(node):
    if node.get("x"):
        return float(node.get("x")), float(node.get("y"))
    found = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", node.get("transform", ""))
    return (float(found[1]), float(found[2])) if found else None


def _inside(point, box) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _spans(box, frame) -> bool:
    """Whether a rectangle reaches from one side of its panel to the other."""
    wide = box[0] <= frame[0] + 0.5 and box[2] >= frame[2] - 0.5
    tall = box[1] <= frame[1] + 0.5 and box[3] >= frame[3] - 0.5
    return bool(wide or tall)
