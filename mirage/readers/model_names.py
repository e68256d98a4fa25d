"""Family, size and variant of a model, read off its name; sizes as people write them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

# Number, unit, decimals: 70m, 1.4b, 1,4b, 7b1, 1_6b. Not the "v1.1" of a version, nor bf16's 16.
_SIZE = re.compile(
    r"(?<![A-Za-z0-9.,])((?<=-)\d+_\d+|\d+(?:[.,]\d+)?)([mMbB])(\d*)(?![A-Za-z0-9])"
    r"(?![-_ ]*(?:tokens?|toks?)\b)"
)
_UNITS = {"": 1, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "million": 1e6, "billion": 1e9}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([kmbt]|million|billion)?", re.IGNORECASE)
# A comma, low line or blank before every three digits: 6,900,000,000. Any other comma is decimal.
_THOUSANDS = re.compile(r"\d{1,3}(?:([,_ \u00a0\u2009\u202f'])\d{3})(?:\1\d{3})*(?!\d)")
_FAMILIES = {"pythia-v1.1": "Pythia", "pythia": "Pythia", "opt": "OPT", "bloom": "BLOOM"}
_BUDGET = re.compile(r"\d+(?:\.\d+)?xC", re.IGNORECASE)  # Chinchilla's, in multiples
_TOKENS = re.compile(r"(\d+(?:\.\d+)?)([mbt])(?:t?ok(?:en)?s?|t)?", re.IGNORECASE)
# What a size counts that comes right after it: always, and before another name.
_COUNTED = re.compile(r"(?<![a-z0-9])(?:budget|tokens?|toks?)[-_ ]*$", re.IGNORECASE)
_DATA = re.compile(
    r"(?<![a-z0-9])(?:babylm|fineweb(?:-edu)?|dclm|c4|(?:mini|the)?pile|(?:slim|red)pajama|slimpj|"
    r"dolma|openwebtext|owt|refinedweb|tinystories|data)[-_ ]*$",
    re.IGNORECASE,
)
_REVISION = re.compile(r"(?:(?:global-?)?step|iter|ckpt|checkpoint)-?\d+k?", re.IGNORECASE)
_STEP = re.compile(r"\b(step|iter|ckpt|checkpoint)[-_](\d+)", re.IGNORECASE)
_QUANTISED = re.compile(
    r"(?:[2-8]bit|int[2-8]|nf4|fp[48]|gptq|awq|gguf|ggml|exl2|bnb|hqq|w\da\d+|[iq]+[2-8](?:_\w+)*)",
    re.IGNORECASE,
)
# How weights are stored, not what they are; "base" is what a name without a suffix means.
_SAME = {"hf", "base", "pt", "bf16", "fp16", "fp32", "float16", "bfloat16", "float32", "final"}
_TOKEN_WORDS = {"token", "tokens", "tok", "toks"}
_WORDS = re.compile(r"[-_](?:nano|tiny|mini|small|base|medium|large|huge|x+l|\dxl)$", re.IGNORECASE)
# Last folders of a path that name no model: kinds and states of files, and hashes.
_STORED = re.compile(
    r"hf|hf[-_]?(?:model|checkpoint|ckpt|format)|final|main|last|latest|best|model|weights|"
    r"(?:final|last|latest|best)[-_](?:model|checkpoint|ckpt)|snapshots|checkpoints?|ckpts?|"
    r"[0-9a-f]{40}|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}",
    re.IGNORECASE,
)
_BACKENDS = {"hf", "huggingface", "vllm", "sglang", "ollama"}  # of Inspect: no owners
_VERSION = re.compile(r"v?\d+(?:\.\d+)*", re.IGNORECASE)


class ModelName(NamedTuple):
    """What a model's name says.

    Attributes
    ----------
    family : str
        What stands before the size, else after it; "*" where a name is nothing but a size.
    n_params : int or None
        Nominal size; None where the name tells none.
    variant : str
        Suffixes such as "chat" or "deduped"; "base" without any.
    quantisation : str
        Such as "4bit"; "none" without any.
    token_budget, revision : str or None
        Such as "5xC" or "100B", and "step1000"; None without any.
    """

    family: str
    n_params: int | None
    variant: str = "base"
    quantisation: str = "none"
    token_budget: str | None = None
    revision: str | None = None


class Place(NamedTuple):
    """Where a model's name stands in its full name.

    Attributes
    ----------
    model : str
        The name itself.
    owner : tuple of str
        The parts before it: an owner, or folders.
    stored : tuple of str
        The parts after it: folders such as "hf", "final", and the hash of a snapshot.
    """

    model: str
    owner: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()


def parse(model: str) -> ModelName:
    """Read a model's name.

    Parameters
    ----------
    model : str
        Without its owner.

    Returns
    -------
    ModelName

    Examples
    --------
    >>> parse("pythia-410m-deduped")
    ModelName(family='Pythia', n_params=410000000, variant='deduped', quantisation='none', \
token_budget=None, revision=None)
    >>> parse("quill-ladder-1B-5xC").token_budget, parse("quill-7b-chat-4bit")[2:4]
    ('5xC', ('chat', '4bit'))
    """
    found = _find(model)
    if not found:
        stem = _WORDS.sub("", model) or model
        return ModelName(_FAMILIES.get(stem, stem), None)
    size = _size(found)
    stem = model[: found.start()].rstrip("-_.:")
    variant, budgets, known = [], [], {}
    rest = _STEP.sub(r"\1\2", model[found.end() :])
    for part in re.split(r"(?<!\d)\.|\.(?!\d)|[-,\s@:/]+|_(?=chat|instruct|it\b)", rest):
        if _BUDGET.fullmatch(part):
            known["token_budget"] = part
        elif _REVISION.fullmatch(part):
            known["revision"] = part
        elif (tokens := _TOKENS.fullmatch(part)) and _count(*tokens.groups()) > size:
            budgets.append(part)
        elif budgets and part.lower() in _TOKEN_WORDS:
            continue
        elif _QUANTISED.fullmatch(part.strip("_")):
            known["quantisation"] = part.lower()
        elif part and part.lower() not in _SAME and not _VERSION.fullmatch(part):
            variant.append(part)
    if budgets:
        known.setdefault("token_budget", "-".join(budgets))
    if not stem:  # "70M", "350M-ours"
        return ModelName("-".join(variant) or "*", size, **known)
    suffix = "-".join(variant).lower() or "base"
    return ModelName(_FAMILIES.get(stem, stem), size, suffix, **known)


def _find(model: str) -> re.Match[str] | None:
    """The size in a name: the first that does not count what the model was trained on.

    Of a mixture of experts the largest: the other counts active parameters.
    """
    found = list(_SIZE.finditer(model))
    if len(found) > 1 and "moe" in model.lower():
        return max(found, key=_size)
    for size, after in pairwise(found):
        before, between = model[: size.start()], model[size.end() : after.start()]
        of_data = _DATA.search(before) and re.search("[A-Za-z]", between)
        if not (of_data or _COUNTED.search(before)):
            return size
    return found[-1] if found else None


def _size(found: re.Match[str]) -> int:
    number, unit, decimals = found.groups()
    number = number.replace("_", ".").replace(",", ".")
    return _count(f"{number}.{decimals}" if decimals else number, unit)


def _count(number: str, unit: str) -> int:
    return round(float(number) * _UNITS[unit.lower()])


def has_several_sizes(model: str) -> bool:
    """Whether a name holds more than one number that may be its size.

    Examples
    --------
    >>> [has_several_sizes(name) for name in ("quill-1B-20B", "quill-1B-5xC", "mixtral-8x7B")]
    [True, False, False]
    """
    return len(_SIZE.findall(model)) > 1


def place(path: str) -> Place:
    """Split a model's full name into its own and what stands before and after it.

    A checkpoint is named with its model.

    Parameters
    ----------
    path : str
        A name on a hub, or a path of any system.

    Returns
    -------
    Place

    Examples
    --------
    >>> place("acme/quill-70m/final")
    Place(model='quill-70m', owner=('acme',), stored=('final',))
    >>> place("C:\\\\runs\\\\quill-1b\\\\checkpoint-500").model
    'quill-1b-checkpoint-500'
    """
    parts = [part for part in re.split(r"[/\\]", path) if part.strip(".")]
    hub = next((i for i, part in enumerate(parts) if part.startswith("models--")), None)
    if hub is not None:  # Hugging Face's cache: models--OWNER--NAME/snapshots/<sha>
        parts = [part for part in parts[hub].split("--")[1:] if part] + parts[hub + 1 :]
    if not parts:
        return Place(path)
    # "acme/model" is a name on a hub, and no folder of a model "acme".
    least = 1 if hub is not None or path[0] in "/\\.~" or _find(parts[0]) else 2
    stored = _stored(parts, least)
    model = parts.pop()
    if parts and _REVISION.fullmatch(model.replace("_", "-")):
        stored = _stored(parts, least) + stored
        model = f"{parts.pop()}-{model}"
    backend = bool(parts) and parts[0] in _BACKENDS
    return Place(model, tuple(parts[backend:]), tuple(stored))


def _stored(parts: list[str], least: int) -> list[str]:
    """Take off the last folders that say how, or in which state, a model is stored."""
    n = len(parts)
    while n > least and _STORED.fullmatch(parts[n - 1]):
        n -= 1
    stored = parts[n:]
    del parts[n:]
    return stored


def number_of(text: object) -> int | None:
    """Read a number of parameters as people write it.

    Parameters
    ----------
    text : object
        A number, or text such as "70M", "1.4B", "1,4B", "7e9", "6,900,000,000", "1.3 billion".

    Returns
    -------
    int or None
        None for what is no positive number, and for a fraction without a unit: 1.4 is 1.4 billion
        in some tables, and never 1.

    Examples
    --------
    >>> [number_of(size) for size in ("70M", "1.4B", "1,4B", "7e9", 410_000_000, "large", -1)]
    [70000000, 1400000000, 1400000000, 7000000000, 410000000, None, None]
    >>> [number_of(size) for size in (1.4, 0.07, "70.000.000", "6,900,000,000")]
    [None, None, 70000000, 6900000000]
    """
    if isinstance(text, bool) or text is None:
        return None
    if isinstance(text, int | float):
        whole = text >= 1e6 or text == round(text)  # an estimate may have decimals
        return round(text) if 1 <= text < 1e18 and whole else None
    found = _WRITTEN.fullmatch(_plain(str(text).strip()))
    if not found:
        return None
    size = float(found[1]) * _UNITS[(found[2] or "").lower()]
    return round(size) if 1 <= size < 1e18 and (found[2] or size == round(size)) else None


def _plain(text: str) -> str:
    """A number without marks of thousands, and with a decimal point."""
    found = _THOUSANDS.match(text)
    if found and "." not in found[0]:
        return re.sub(r"[,_ \u00a0\u2009\u202f']", "", found[0]) + text[found.end() :]
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3}){2,}", text):  # 70.000.000, as in Germany
        return text.replace(".", "")
    return text.replace("_", "").replace(",", ".", 1)
