"""Judge abilities: all metrics of a family, task and protocol together."""

from __future__ import annotations

import numpy as np

from mirage.emergence.evidence import Ability, gather
from mirage.emergence.nulls import benjamini_hochberg
from mirage.emergence.verdicts import decide, p_of_ability


def verdicts(abilities: list[Ability], rng, n_draws: int = 200) -> list[dict]:
    judged = [a for a in abilities if a.judged]
    evidence = gather(judged, rng, n_draws)
    p = np.array([p_of_ability(e) for e in evidence])
    q = benjamini_hochberg(p)
    rows = []
    for e, pj, qj in zip(evidence, p, q, strict=True):
        v = decide(e, qj)
        rows.append({"verdict": v.verdict, "sentence": v.sentence, "p_jump": pj, "q_jump": qj})
    return rows
