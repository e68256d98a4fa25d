"""Verdicts in words, for the terminal, the report and the summary file."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from mirage.emergence.ability_jumps import FALSE_SHARE, LEVEL, STAGES
from mirage.emergence.verdicts import ONLY
from mirage.formatting import counted

# Verdicts, and what `kind` and `shade` say of some; in the order in which to look at them.
VERDICTS = {
    "jump": "jump under every metric",
    "jump-alone": "jump, one metric only",
    "metric": "because of the metric",
    "resolution": "because of resolution",
    "undecided": "undecided",
    "gradual": "gradual",
    "declines": "declines",
    "flat": "without a rise",
    "never-above-chance": "never above chance",
    "": "not judged",
}
EMERGENT = ("jump", "jump-alone", "metric", "resolution")  # a score that stays low, then rises
_COUNTED = VERDICTS | {"jump-alone": "jump with only one metric at hand"}
GLOSSARY = {
    "jump": "The scores jump between two sizes under every metric at hand: more than a smooth trend"
    " and the scatter between models explain.",
    "jump-alone": "The same, but there is one metric only: whether another metric of the same"
    " answers would show the jump is not known.",
    "metric": "One metric stays low and then rises, another metric of the same answers rises from"
    " the start, and no jump is found under the smooth metric.",
    "resolution": "The zeros at small sizes are what a smooth curve gives on so few test items.",
    "undecided": "The data allow more than one of these; the card names what would decide, where"
    " there is something simple.",
    "gradual": "The scores rise, and a jump of 1.5 in log odds would have been found with 80 %"
    " power.",
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
JUMPS = (  # when one is named, in any number of abilities
    f"Jumps are named at p ≤ {LEVEL:g} and q ≤ {FALSE_SHARE:g}: up to a quarter of those in one"
    " table may be false. q counts all abilities in the table, and ten curves of a family or more"
    " share a least scatter, so a curve's verdict can change when others join it."
)
DRAWS = (
    "Probabilities are shares of simulated curves: a few hundred for each, up to"
    f" {STAGES[-1]} where one lies near a level on which the verdict hangs. If it is still too near"
    " to it then, the ability is undecided."
)
_NAMED = 5  # tasks that one sentence lists
_BLOCKS = "▁▂▃▄▅▆▇█"


def kind(verdict: str | None, sentence: str | None) -> str:
    """Return the key of ``VERDICTS`` for a row: a judged ability without a verdict does not rise.

    Examples
    --------
    >>> kind("jump", "The score jumps."), kind("", "The acc does not rise."), kind("", "")
    ('jump', 'flat', '')
    """
    return verdict or ("flat" if sentence else "")


def shade(verdict: str | None, sentence: str | None) -> str:
    """Return the key of ``VERDICTS`` to show: as `kind`, but a jump of a lone metric has its own.

    Examples
    --------
    >>> shade("jump", "The score jumps, under the only metric at hand."), shade("jump", "It jumps.")
    ('jump-alone', 'jump')
    """
    found = kind(verdict, sentence)
    return "jump-alone" if found == "jump" and ONLY in (sentence or "") else found


def headline(verdicts: Iterable[str]) -> str:
    """Sum up an audit in one sentence.

    Parameters
    ----------
    verdicts : iterable of str
        Keys of ``VERDICTS``, one for each ability, as `shade` gives them.

    Returns
    -------
    str

    Examples
    --------
    >>> headline(["metric", "gradual", "gradual", "undecided"])
    '4 abilities: 1 looks emergent (1 because of the metric), 1 undecided, 2 gradual.'
    >>> headline(["jump", "jump-alone"])
    '2 abilities: 2 look emergent (1 jump under every metric, 1 jump with only one metric at hand).'
    >>> headline(["", "gradual"])
    '2 abilities: none looks emergent, 1 gradual, 1 not judged.'
    """
    counts = Counter(verdicts)
    emergent = [f"{counts[v]} {_COUNTED[v]}" for v in EMERGENT if counts[v]]
    n = sum(counts[v] for v in EMERGENT)
    looks = f"{n or 'none'} look{'s' if n < 2 else ''} emergent"
    parts = [looks + (f" ({', '.join(emergent)})" if emergent else "")]
    parts += [f"{counts[v]} {VERDICTS[v]}" for v in VERDICTS if v not in EMERGENT and counts[v]]
    return f"{counted(counts.total(), 'ability')}: {', '.join(parts)}."


def chance_unknown(tasks: Sequence[str]) -> str:
    """Say of which tasks the score of a guess is not known, and how to state it.

    Examples
    --------
    >>> chance_unknown(["riddles"])
    'Chance is not known for: riddles. State it with `--chance riddles=0.25`; the height of a jump \
depends on it.'
    """
    if not tasks:
        return ""
    named = ", ".join(tasks[:_NAMED])
    if left := len(tasks[_NAMED:]):
        named += f" and {left} more"
    option = shlex.quote(f"{tasks[0]}=0.25")
    return (
        f"Chance is not known for: {named}. State it with `--chance {option}`; the height of a jump"
        " depends on it."
    )


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
