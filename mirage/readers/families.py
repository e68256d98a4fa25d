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
# A release at the end of a family: month and day, or year and month.
_DATE = re.compile(
    r"[-_](?:(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])|2\d(?:0[1-9]|1[0-2])|"
    r"20\d\d[-_]?(?:0[1-9]|1[0-2])(?:[-_]?\d\d)?)$"
)
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
    notes = _join_dated(rows)
    notes += _keep_apart(rows, "_owner", "{part}/{model}")
    notes += _keep_apart(rows, "_stored", "{model}/{part}")
    notes += _keep_sizes_apart(rows)
    _split_families(rows)
    notes += _lonely(rows)
    for row in rows:
        for name in _OURS:
            del row[name]
    return notes


def numberless(model: str) -> str:
    """A model's name with a star for each number: names of one series differ in numbers alone.

    Examples
    --------
    >>> numberless("sums-w12-seed0"), numberless("quill-8x1.4B")
    ('sums-w*-seed*', 'quill-*x*')
    """
    experts = re.sub(r"(?<![A-Za-z0-9])\d+x\d+(?:[._]\d+)*[mMbB]?(?![A-Za-z0-9])", "*x*", model)
    return re.sub(r"\d+(?:[._]\d+)*", "*", experts)


def _join_numbered(rows: list[dict[str, Any]]) -> None:
    """Make one family of models whose names have no size, and differ in their numbers alone.

    Their sizes are stated by the logs or the caller; three sizes are enough.
    """
    sizes = defaultdict(set)
    for row in rows:
        sizes[row["_stem"]].add(row["n_params"])
    for row in rows:
        stem = row["_stem"]
        if stem and len(sizes[stem]) >= _ENOUGH:
            row["family"] = stem


def _join_dated(rows: list[dict[str, Any]]) -> list[str]:
    """Make one family of releases of different sizes, of which none has three: OLMo-2-0425-1B."""
    sizes = defaultdict(set)
    for row in rows:
        if not row["_told"]:
            sizes[row["family"]].add(row["n_params"])
    releases = defaultdict(list)
    for family in sizes:
        releases[_DATE.sub("", family)].append(family)
    joined = {}
    for stem, found in releases.items():
        every = [size for family in found for size in sizes[family]]
        small = max(len(sizes[family]) for family in found) < _ENOUGH <= len(every)
        if small and len(found) > 1 and len(set(every)) == len(every):
            joined |= dict.fromkeys(found, stem)
    for row in rows if joined else ():
        if not row["_told"]:
            row["family"] = joined.get(row["family"], row["family"])
    stems = sorted(set(joined.values()))
    return [f"{stem}: one family, whose models differ in the date of release" for stem in stems]


def _split_families(rows: list[dict[str, Any]]) -> None:
    """Make a family of each variant, where one of several has three sizes: a curve of its own.

    Of revisions two must have three, for a revision may be that of a file, and each size have its
    own. Fewer stay together; `mirage.emergence.table` then notes that the variants are mixed.
    """
    for part in (*NAMED, "revision"):
        sizes = defaultdict(lambda: defaultdict(set))
        for row in rows:
            sizes[row["family"]][row.get(part)].add(row["n_params"])
        least = 2 if part == "revision" else 1
        split = {
            family
            for family, values in sizes.items()
            if len(values) > 1 and sum(len(n) >= _ENOUGH for n in values.values()) >= least
        }
        for row in rows:
            value = row.get(part)
            if row["family"] in split and value not in ("base", "none", "main", None):
                named = f"{part} {value}" if str(value).isdigit() else value
                row["family"] = f"{row['family']} ({named})"


def _lonely(rows: list[dict[str, Any]]) -> list[str]:
    """A hint where a task has three families, or more, of a single model each."""
    models = defaultdict(set)
    for row in rows:
        models[row["task"], row["family"]].add(row["model"])
    alone = defaultdict(set)
    for (task, family), found in models.items():
        if len(found) == 1:
            alone[task].add(family)
    most = sorted(max(alone.values(), key=len, default=()))
    if len(most) < _ENOUGH:
        return []
    more = ", …" if len(most) > _SHOWN else ""
    return [
        f"{len(most)} families of one model each ({', '.join(most[:_SHOWN])}{more}) are no curve: "
        "models of one series need one name in a column `family`"
    ]


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
