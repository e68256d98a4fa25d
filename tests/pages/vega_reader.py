"""What Vega computes of an interactive figure, without a browser."""

import copy
import json
import re

import numpy as np
import vl_convert


def compiled(spec: dict, sliders: dict, version: str = "6.4") -> dict:
    """Return the Vega specification with its sliders moved; a name that is none is an error."""
    vega = copy.deepcopy(vl_convert.vegalite_to_vega(spec, vl_version=version))
    signals = {signal["name"]: signal for signal in vega["signals"]}
    for name, value in sliders.items():
        signals[name]["value"] = value
    return vega


def evaluate(
    spec: dict, sliders: dict, columns: list[str], version: str = "6.4"
) -> dict[str, np.ndarray]:
    """Let Vega compute the chart's table: its marks become texts that hold the rows.

    The table is the first that computes the last of the columns.
    """
    vega = compiled(spec, sliders, version)
    table = next(
        data["name"]
        for data in vega["data"]
        if any(step.get("as") == columns[-1] for step in data.get("transform", []))
    )
    row = ", ".join(f"datum.{name}" for name in columns)
    text = {"signal": f"join([{row}], ' ')"}
    mark = {"type": "text", "from": {"data": table}, "encode": {"update": {"text": text}}}
    reader = {key: vega[key] for key in ("$schema", "signals", "data")} | {"marks": [mark]}
    found = re.findall(r'"text": ?"([^"]+)"', json.dumps(vl_convert.vega_to_scenegraph(reader)))
    rows = np.array([line.split() for line in found], dtype=float)
    return dict(zip(columns, rows.T, strict=True))


def sentence(spec: dict, sliders: dict) -> str:
    """Return what the figure writes of itself."""

    def search(node):
        if isinstance(node, dict):
            if str(node.get("name")).startswith("readout"):  # Altair adds a number
                yield from (item["text"] for item in node["items"])
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                yield from search(part)

    (text,) = search(vl_convert.vega_to_scenegraph(compiled(spec, sliders)))
    return text
