"""The verdict of an ability, by rules on its evidence, and one sentence that says why.

The rules are asked in the order of `RULES`; the first that applies decides. They were set by
reasoning on simulations with a known answer (``benchmarks/decisions.py``), not on real data.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mirage.emergence.ability_jumps import (
    FALSE_SHARE,
    JUMP,
    LEVEL,
    QUIET,
    is_near,
    joint_p,
    q_is_near,
)
from mirage.emergence.evidence import Evidence, Finding
from mirage.fits.jump import FEWEST
from mirage.formatting import counted, number
from mirage.statistics.resolution import rule_of_three, smallest_detectable

VERDICTS = (
    "never-above-chance",
    "declines",
    "gradual",
    "metric",
    "resolution",
    "jump",
    "undecided",
)
DORMANT = 0.1  # share of the sizes from which a curve looks emergent
UNSEEN = 3.0  # expected successes below which a score of 0 is no surprise: exp(-3) = 5 %
CLEAR = 0.2  # share of the range above chance that a test must be able to see, to deny it
ONLY = "the only metric at hand"  # of a jump that no second metric could deny


class Verdict(NamedTuple):
    """What an ability is, and why.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`; empty for scores that do not rise, of which there is nothing to decide.
    sentence : str
        One plain sentence with its numbers.
    """

    verdict: str
    sentence: str


def p_of_ability(evidence: Evidence) -> float:
    """Probability that smooth curves show a jump under every metric that could show it.

    Parameters
    ----------
    evidence : Evidence
        Of `mirage.emergence.evidence.gather`.

    Returns
    -------
    float
        The largest p-value of the metrics, in (0, 1]; NaN with fewer than 5 models. A metric
        takes no part if the jump that another metric shows is below what it can detect.
    """
    found = evidence.findings
    return joint_p(
        *([getattr(f, name) for f in found] for name in ("p_jump", "height", "detectable"))
    )


def decide(evidence: Evidence, q_jump: float) -> Verdict:
    """Apply the rules to one ability.

    Parameters
    ----------
    evidence : Evidence
        Of `mirage.emergence.evidence.gather`.
    q_jump : float
        `p_of_ability`, corrected for all abilities of the table; NaN if there is none.

    Returns
    -------
    Verdict

    Notes
    -----
    In this order:

    - *never-above-chance*: no model is above a guess, and an accuracy of 20 % of the range above
      it would have been seen with 95 % power;
    - *declines*: the 95 % interval of the slope lies below 0;
    - *undecided* with fewer than 5 models;
    - *jump*: p ≤ .05 and q ≤ .25, under every metric that could show the jump;
    - *metric*: the headline metric is dormant over a tenth of the sizes or more, longer than a
      smooth metric of the same answers (95 % interval of the difference above 0), and the smooth
      metric does not jump (p > .05) but rises; or the headline jumps where the smooth metric
      would have shown as large a jump and does not;
    - *resolution*: the headline metric is dormant from a smallest model that scores 0, does not
      jump, and a smooth curve expects fewer than 3 successes in all models that score 0 together,
      wherever they are: a zero above models that have successes is otherwise no lack of items;
    - *gradual*: the 95 % interval of the slope lies above 0, no metric is near to a jump
      (p > .2), and one of 1.5 in log odds would have been found with 80 % power;
    - no verdict, as there is no rise: the same, but the interval of the slope contains 0 and
      excludes a rise of 1.5 in log odds over all sizes;
    - *undecided* otherwise, and where a p-value lies so near a level on which the verdict hangs
      that the draws do not tell the side (`mirage.emergence.ability_jumps.is_near`).

    Scores that fall, and those that never leave chance, have their verdicts first; what does not
    rise is above chance, or its chance level is unknown.

    Of 2 000 simulated abilities (``python -m benchmarks decisions``) 82 % get a verdict other than
    *undecided*, and 2.5 % of the abilities without a jump are called *jump*. Of true gradual curves
    59 % stay undecided, most of them where models scatter by .3 in log odds or have few items.
    """
    found = _by_rules(evidence, q_jump)
    p_joint = p_of_ability(evidence)
    for i, one in enumerate(evidence.findings):
        for level in (LEVEL, QUIET):
            if is_near(one.p_jump, level, one.n_draws):
                moved = list(evidence.findings)
                moved[i] = one._replace(p_jump=_beyond(level, one.p_jump))
                other = _by_rules(evidence._replace(findings=tuple(moved)), q_jump)
                if other.verdict != found.verdict:
                    return _hangs_on_draws(one, "p", one.p_jump, level)
        if one.p_jump == p_joint and q_is_near(q_jump, p_joint, one.n_draws):
            other = _by_rules(evidence, _beyond(FALSE_SHARE, q_jump))
            if other.verdict != found.verdict:
                return _hangs_on_draws(one, "q", q_jump, FALSE_SHARE)
    return found


def _beyond(level: float, value: float) -> float:
    """A value on the other side of a level."""
    return np.nextafter(level, 1) if value <= level else level


def _by_rules(evidence: Evidence, q_jump: float) -> Verdict:
    for rule in RULES:
        if found := rule(evidence, q_jump):
            return found
    return _undecided(evidence)


def _hangs_on_draws(finding: Finding, name: str, value: float, level: float) -> Verdict:
    """Undecided, since more draws might lead to another verdict."""
    seen = f"the {finding.curve.spoken} seems to jump by {number(finding.height)} in log odds"
    if level == QUIET:
        seen = "no jump is found"
    return Verdict(
        "undecided",
        f"Undecided: {seen}, but whether {name} = {number(value)} lies above {number(level)} is "
        f"still open after {finding.n_draws} draws.",
    )


def _never_above_chance(evidence: Evidence, _) -> Verdict | None:
    head = evidence.findings[0]
    if head.above_chance is not False:
        return None
    chance, most = head.curve.chance or 0.0, float(head.curve.n_items.max())
    visible = smallest_detectable(most, chance)
    if not visible <= chance + CLEAR * (1 - chance):
        n = counted(round(most), "item")
        reason = f"no model is above chance, but {n} cannot show less than "
        return Verdict("undecided", f"Undecided: {reason}{number(visible)}.")
    late = any(f.trend[0] > 0 for f in evidence.findings[1:])
    other = "; another metric of the same answers does rise" if late else ""
    if chance == 0:  # none right, or it were above
        return Verdict(
            "never-above-chance", f"No model has a right answer on {most:.0f} items{other}."
        )
    return Verdict(
        "never-above-chance",
        f"No model scores above chance ({number(chance)}), up to {number(head.curve.y.max())} "
        f"on {most:.0f} items{other}.",
    )


def _declines(evidence: Evidence, _) -> Verdict | None:
    head = evidence.findings[0]
    low, high = head.trend
    if not high < 0 or head.curve.y[-1] >= head.curve.y[0]:
        return None
    return Verdict(
        "declines",
        f"The {head.curve.spoken} falls with size, by {number(-(low + high) / 2)} in log odds per "
        f"decade [{number(-high)}, {number(-low)}].",
    )


def _too_few(evidence: Evidence, _) -> Verdict | None:
    head = evidence.findings[0]
    if len(head.curve.x) >= FEWEST:
        return None
    reason = f"{len(head.curve.x)} models cannot tell a jump from a steep rise"
    if (difference := evidence.difference) is not None and difference.low > 0:
        smooth = evidence.findings[evidence.smooth].curve.spoken
        reason += (
            f"; on the same items the {head.curve.spoken} stays at its base over "
            f"{number(difference.difference)} more of the sizes than the {smooth}"
        )
    return Verdict("undecided", f"Undecided: {reason}.")


def _jump(evidence: Evidence, q_jump: float) -> Verdict | None:
    if not (p_of_ability(evidence) <= LEVEL and q_jump <= FALSE_SHARE):
        return None
    shown = max(evidence.findings, key=lambda f: (f.p_jump <= LEVEL, not f.curve.sharp))
    count = sum(f.p_jump <= LEVEL for f in evidence.findings)
    which = ONLY if len(evidence.findings) == 1 else "every metric at hand"
    if count < len(evidence.findings):
        which = f"{count} of {len(evidence.findings)} metrics, the others could not show it"
    return Verdict(
        "jump",
        f"The score jumps by {number(shown.height)} in log odds ({number(shown.score_height)} of "
        f"{shown.curve.spoken}) between {size(shown.gap[0])} and {size(shown.gap[1])}, under "
        f"{which} (q = {number(q_jump)}).",
    )


def _metric(evidence: Evidence, _) -> Verdict | None:
    if evidence.smooth is None:
        return None
    head, smooth = evidence.findings[0], evidence.findings[evidence.smooth]
    if smooth.p_jump <= LEVEL or not smooth.trend[0] > 0:
        return None
    difference = evidence.difference
    name, other = head.curve.spoken, smooth.curve.spoken
    if difference is not None and difference.low > 0 and head.dormancy.share >= DORMANT:
        return Verdict(
            "metric",
            f"The {name} stays at its base over {number(difference.a.share)} of the sizes; the "
            f"{other} of the same answers rises from {number(difference.b.share)} on "
            f"(difference {number(difference.difference)} [{number(difference.low)}, "
            f"{number(difference.high)}]) without a jump (p = {number(smooth.p_jump)})."
            + _predicted(evidence),
        )
    if head.p_jump <= LEVEL and smooth.detectable <= head.height:
        return Verdict(
            "metric",
            f"The {name} jumps by {number(head.height)} in log odds, but the {other} of the same "
            f"answers does not, where {number(smooth.detectable)} would have been found with 80 % "
            f"power." + _predicted(evidence),
        )
    return None


def _predicted(evidence: Evidence) -> str:
    """Whether the probabilities of the answers predict the headline metric, in one sentence."""
    found = evidence.prediction
    if found is None:
        return ""
    name, p = evidence.findings[0].curve.spoken, number(found.p_value)
    if found.p_value > LEVEL:
        return f" The probabilities of the answers predict the observed {name} (χ², p = {p})."
    return (
        f" The probabilities of the answers predict another {name}, by up to "
        f"{number(abs(found.largest))} (χ², p = {p}), as they may where answers are not sampled."
    )


def _resolution(evidence: Evidence, _) -> Verdict | None:
    head = evidence.findings[0]
    n, y = head.curve.n_items, head.curve.y
    if n is None or head.p_jump <= LEVEL or not head.dormancy.share >= DORMANT:
        return None
    zeros = y == 0
    if head.curve.chance or not zeros[0] or not (n * head.expected)[zeros].sum() < UNSEEN:
        return None
    k, items = int(zeros.sum()), float(n[zeros].min())
    if zeros[:k].all():
        where = f"The zeros of the {k} smallest" if k > 1 else "The zero of the smallest"
    else:
        where = f"The zeros at {k}"
    return Verdict(
        "resolution",
        f"{where} of {len(y)} models {'are' if k > 1 else 'is'} what a smooth curve gives on "
        f"{items:.0f} items: none right of {items:.0f} still allows an accuracy of up to "
        f"{number(rule_of_three(items))}.",
    )


def _gradual(evidence: Evidence, _) -> Verdict | None:
    if any(f.p_jump <= QUIET for f in evidence.findings):
        return None
    sharpest = min(evidence.findings, key=lambda f: f.detectable)
    if not sharpest.detectable <= JUMP:
        return None
    head = evidence.findings[0]
    found = f"a jump of {number(sharpest.detectable)} in log odds would have been found with 80 %"
    low, high = head.trend
    if low > 0:
        return Verdict("gradual", f"The {head.curve.spoken} rises gradually: {found} power.")
    decades = float(np.log10(head.curve.x[-1] / head.curve.x[0]))
    if high * decades >= JUMP:
        return None
    late = any(f.trend[0] > 0 for f in evidence.findings[1:])
    other = " (another metric of the same answers does)" if late else ""
    return Verdict(
        "",
        f"The {head.curve.spoken} does not rise with size{other}: its slope is "
        f"{number((low + high) / 2)} [{number(low)}, {number(high)}] in log odds per decade, and "
        f"{found} power.",
    )


def _undecided(evidence: Evidence) -> Verdict:
    jumping = [f for f in evidence.findings if f.p_jump <= LEVEL]
    if jumping:
        shown = jumping[0]
        return Verdict(
            "undecided",
            f"Undecided: the {shown.curve.spoken} seems to jump by {number(shown.height)} in log "
            f"odds (p = {number(shown.p_jump)}), but not under every metric, or no more than so "
            f"many tests show by accident.",
        )
    least = min((f.detectable for f in evidence.findings), default=np.inf)
    if least <= JUMP:
        return Verdict("undecided", f"Undecided: no jump is found, but {_not_gradual(evidence)}.")
    sight = "none of any height"
    if np.isfinite(least):
        sight = f"none of less than {number(least)} in log odds"
    return Verdict(
        "undecided", f"Undecided: no jump is found, and {sight} would be found with 80 % power."
    )


def _not_gradual(evidence: Evidence) -> str:
    """Why a curve on which a jump would have been found is not gradual."""
    nearest = min(evidence.findings, key=lambda f: np.nan_to_num(f.p_jump, nan=np.inf))
    if nearest.p_jump <= QUIET:
        return (
            f"the {nearest.curve.spoken} is too near to one to be called gradual "
            f"(p = {number(nearest.p_jump)})"
        )
    head = evidence.findings[0]
    low, high = head.trend
    return (
        f"whether the {head.curve.spoken} rises at all is open: its slope is "
        f"{number((low + high) / 2)} [{number(low)}, {number(high)}] in log odds per decade"
    )


def size(value: float) -> str:
    """Write a size as model names do.

    Examples
    --------
    >>> size(1.3e9), size(4.1e8), size(3e22)
    ('1.3B', '410M', '3e+22')
    """
    for unit, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if unit <= value < 1e15:
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}"


RULES = (_never_above_chance, _declines, _too_few, _jump, _metric, _resolution, _gradual)


def informative(findings: tuple[Finding, ...]) -> Finding:
    """The finding that could show the smallest jump."""
    return min(findings, key=lambda f: np.nan_to_num(f.detectable, nan=np.inf))
