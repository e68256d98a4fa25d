"""Verdicts in words, for the terminal, the report and the summary file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

# Verdicts, and what `kind` says of an empty one; in the order in which to look at them.
VERDICTS = {
    "jump": "jump under every metric",
    "metric": "because of the metric",
    "resolution": "because of resolution",
    "undecided": "undecided",
    "gradual": "gradual",
    "declines": "declines",
    "flat": "without a rise",
    "never-above-chance": "never above chance",
    "": "not judged",
}
EMERGENT = ("jump", "metric", "resolution")  # a score that stays low and then rises
GLOSSARY = {
    "jump": "The scores jump between two sizes under every metric at hand: more than a smooth trend"
    " and the scatter between models explain.",
    "metric": "One metric stays low and then rises, another metric of the same answers rises from"
    " the start, and no jump is found under the smooth metric.",
    "resolution": "The zeros at small sizes are what a smooth curve gives on so few test items.",
    "undecided": "The data allow more than one of these; the card says what would decide.",
    "gradual": "The scores rise, and a jump of 1.5 logits would have been found with 80 % power.",
    "declines": "The scores fall with scale.",
    "flat": "The scores do not rise with scale, so that there is no emergence to explain, and it is"
    " not known that they are at chance. The verdict is left empty.",
    "never-above-chance": "No model is distinguishable from chance.",
    "": "The models do not form a curve, for the reason in the note.",
}
LIMITS = (
    "A verdict describes these models, items and metrics. It assumes that only scale differs within"
    " a curve, that items are independent, and that the smooth trend is linear or quadratic in log"
    " size on the link scale. Two rises in one curve can look like a jump."
)
_BLOCKS = "▁▂▃▄▅▆▇█"


def kind(verdict: str | None, sentence: str | None) -> str:
    """Return the key of ``VERDICTS`` for a row: a judged ability without a verdict does not rise.

    Examples
    --------
    >>> kind("jump", "The score jumps."), kind("", "The acc does not rise."), kind("", "")
    ('jump', 'flat', '')
    """
    return verdict or ("flat" if sentence else "")


def counted(n: int, noun: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> counted(1, "ability"), counted(2, "ability"), counted(0, "file")
    ('1 ability', '2 abilities', '0 files')
    """
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{n} {noun if n == 1 else plural}"


def headline(verdicts: Iterable[str]) -> str:
    """Sum up an audit in one sentence.

    Parameters
    ----------
    verdicts : iterable of str
        Keys of ``VERDICTS``, one for each ability, as `kind` gives them.

    Returns
    -------
    str

    Examples
    --------
    >>> headline(["metric", "gradual", "gradual", "undecided"])
    '4 abilities: 1 looks emergent (1 because of the metric), 1 undecided, 2 gradual.'
    >>> headline(["", "gradual"])
    '2 abilities: none looks emergent, 1 gradual, 1 not judged.'
    """
    counts = Counter(verdicts)
    emergent = [f"{counts[v]} {VERDICTS[v]}" for v in EMERGENT if counts[v]]
    n = sum(counts[v] for v in EMERGENT)
    looks = f"{n or 'none'} look{'s' if n < 2 else ''} emergent"
    parts = [looks + (f" ({', '.join(emergent)})" if emergent else "")]
    parts += [f"{counts[v]} {VERDICTS[v]}" for v in VERDICTS if v not in EMERGENT and counts[v]]
    return f"{counted(counts.total(), 'ability')}: {', '.join(parts)}."


def spark(scores: Sequence[float]) -> str:
    """Draw scores as a line of blocks, lowest to highest.

    Examples
    --------
    >>> spark([0, 0, 0.5, 1]), spark([0.3, 0.3])
    ('▁▁▅█', '▁▁')
    """
    y = np.asarray(scores, dtype=float)
    span = float(np.ptp(y)) if len(y) else 0.0
    heights = (y - y.min()) / span if span > 0 else np.zeros(len(y))
    return "".join(_BLOCKS[round(h * (len(_BLOCKS) - 1))] for h in heights)
