"""Which models make one series: families are joined and split, models of one name kept apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from mirage.readers.model_names import parse

NAMED = ("variant", "quantisation", "token_budget")  # parts of the protocol in a model's name
_OURS = ("_stem", "_owner", "_stored", "_told")
_ENOUGH = 3  # sizes that make a curve
_OTHER = 1.5  # times the size: another model, and not the same one counted in another way
_SHOWN = 3  # names in a note


def arrange(rows: list[dict[str, Any]]) -> list[str]:
    """Give each row its final family and model, in place.

    Parameters
    ----------
    rows : list of dict
        With ``family, model, n_params``, the parts of the protocol in `NAMED`, and, removed here:
        ``_stem``, the name without numbers or None; ``_owner`` and ``_stored``, tuples of what
        stands before and after the model in its full name; ``_told``, whether the file states the
        family.

    Returns
    -------
    list of str
        A note for each decision that the names alone do not tell.
    """
    _join_numbered(rows)
    notes = _keep_apart(rows, "_owner", "{part}/{model}")
    notes += _keep_apart(rows, "_stored", "{model}/{part}")
    notes += _keep_sizes_apart(rows)
    _split_families(rows)
    for row in rows:
        for name in _OURS:
            del row[name]
    return notes


def numberless(model: str) -> str:
    """A model's name with a star for each number: names of one series differ in numbers alone.

    Examples
    --------
    >>> numberless("sums-w12-seed0")
    'sums-w*-seed*'
    """
    return re.sub(r"\d+(?:[._]\d+)*", "*", model)


def _join_numbered(rows: list[dict[str, Any]]) -> None:
    """Make one family of models whose names have no size, and differ in their numbers alone.

    Their sizes are stated by the logs or the caller; three sizes are enough.
    """
    sizes = defaultdict(set)
    for row in rows:
        sizes[row["_stem"]].add(row["n_params"])
    for row in rows:
        stem = row["_stem"]
        if stem and len(sizes[stem]) >= 3:
            row["family"] = stem


def _split_families(rows: list[dict[str, Any]]) -> None:
    """Make a family of each variant, where one of several has three sizes: a curve of its own.

    Fewer stay together; `mirage.emergence.table` then notes that the variants are mixed.
    """
    for part in NAMED:
        sizes = defaultdict(lambda: defaultdict(set))
        for row in rows:
            sizes[row["family"]][row.get(part)].add(row["n_params"])
        split = {
            family
            for family, values in sizes.items()
            if len(values) > 1 and max(map(len, values.values())) >= 3
        }
        for row in rows:
            value = row.get(part)
            if row["family"] in split and value not in ("base", "none", None):
                row["family"] = f"{row['family']} ({value})"


def _keep_apart(rows: list[dict[str, Any]], key: str, named: str) -> list[str]:
    """Tell models of one name and different owners apart, and make a family of each owner's.

    A family is split where an owner has three sizes of it, and never one that the file states.
    """
    parts, members = defaultdict(set), defaultdict(list)
    for row in rows:
        parts[row["family"], row["model"]].add(row[key])
    clashing = {name for name, found in parts.items() if len(_longest(found)) > 1}
    for row in rows if clashing else ():
        members[row["family"]].append(row)
    notes = []
    for family in sorted({family for family, _ in clashing}):
        labels = _labels({row[key] for row in members[family]})
        sizes = defaultdict(set)
        for row in members[family]:
            row[key] = labels[row[key]]
            sizes[row[key]].add(row["n_params"])
        split = max(map(len, sizes.values())) >= _ENOUGH
        told = defaultdict(set)
        for row in members[family]:
            label, model = row[key], row["model"]
            if label and (family, model) in clashing:
                row["model"] = named.format(part=label, model=model)
            if (family, model) in clashing:
                told[model].add(row["model"])
            if label and split and not row["_told"]:
                row["family"] = f"{family} ({label})"
        shown = [" and ".join(sorted(told[model])) for model in sorted(told)]
        more = f"; and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        notes.append(f"taken for different models: {'; '.join(shown[:_SHOWN])}{more}")
    return notes


def _keep_sizes_apart(rows: list[dict[str, Any]]) -> list[str]:
    """Add its size to a name that tells none, and of which files state several."""
    sizes = defaultdict(set)
    for row in rows:
        sizes[row["family"], row["model"]].add(row["n_params"])
    several = {
        name
        for name, found in sizes.items()
        if max(found) > _OTHER * min(found) and parse(name[1]).n_params is None
    }
    for row in rows if several else ():
        if (row["family"], row["model"]) in several:
            n = row["n_params"]
            row["model"] += f" ({n / 1e9:.3g}B)" if n >= 1e9 else f" ({n / 1e6:.3g}M)"
    return [
        f"{model}: a model of each size that is stated, from {min(found):,} to {max(found):,}"
        for (family, model), found in sizes.items()
        if (family, model) in several
    ]


def _longest(parts: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Those that are no end of another: "acme" may be the end of "models/acme"."""
    found = {tuple(map(str.casefold, part)) for part in parts}
    return {part for part in found if not any(_ends(other, part) for other in found - {part})}


def _ends(whole: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return whole[len(whole) - len(part) :] == part if len(part) <= len(whole) else False


def _labels(parts: set[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """The shortest end of each that no other has; one that is the end of one other is the same."""
    longest = _longest(parts)
    same, spelt = {}, {}
    for part in sorted(parts):
        small = tuple(map(str.casefold, part))
        wholes = [whole for whole in longest if _ends(whole, small)]
        same[part] = wholes[0] if len(wholes) == 1 else small
        spelt.setdefault(small, part)
    different = set(same.values())
    n = 1
    while len({part[-n:] for part in different}) < len(different):
        n += 1
    return {part: "/".join(spelt[whole][-n:]) for part, whole in same.items()}
