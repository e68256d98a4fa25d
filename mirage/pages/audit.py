"""The page that audits real logs: what it asks, computes and reads aloud."""

from __future__ import annotations

from mirage.book.claims import Claim
from mirage.book.rules import Exceeds

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="audit-chance",
        place="A dashboard draws such curves without saying that they are noise about chance",
        statement="Pythia without examples on the 57 subjects of MMLU: share on which no model"
        " scores above chance, 0.25.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="audit-addition",
        place="The paper's arithmetic, on models that the paper did not ask",
        statement="Pythia on additions with 2, 4, 8 and 16 examples: share of the curves that jump"
        " between two sizes under exact match, the only metric at hand.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="audit-olmo",
        place="The paper's thesis on runs with several metrics of the same answers",
        statement="OLMo ladder against training compute: share of tasks that rise gradually, where"
        " a jump of 1.5 in log odds would have been found.",
        rule=Exceeds(0.5),
    ),
)
