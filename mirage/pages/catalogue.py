"""The catalogue of claimed emergent abilities: Wei's list under `mirage audit`."""

from __future__ import annotations

from mirage.book.claims import Claim
from mirage.book.rules import Below, Exceeds

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="catalogue-public",
        place="Wei's list of emergent abilities names a task and the model that first shows it",
        statement="Wei's list: share of its pairs of a task and a model family for which scores of"
        " at least five models of that family are public (BIG-G for LaMDA).",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="catalogue-jump",
        place="Wei's list says emergent, the paper says mirage: what does a test of jumps say?",
        statement="Abilities of Wei's list with a public curve of at least five models: share that"
        " jump, under every metric at hand, in at least one family of models.",
        rule=Below(0.5),
    ),
    Claim(
        id="catalogue-mirage",
        place="The paper's thesis, asked of every claimed ability with public scores",
        statement="Curves of Wei's abilities that look emergent (verdicts jump, metric and"
        " resolution): share that the metric or the resolution explains.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="catalogue-undecided",
        place="Claims of emergence rest on few models, few items and one metric",
        statement="Curves of Wei's abilities with at least five models: share on which the public"
        " scores decide nothing.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="catalogue-listed",
        place="Were the abilities on the list chosen for jumps?",
        statement="Official scores of BIG-G at temperature 0: odds of a jump on tasks of Wei's list"
        " over the odds on other tasks.",
        rule=Exceeds(1),
    ),
)
