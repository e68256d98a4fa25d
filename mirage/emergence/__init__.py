"""How sharply a score rises with scale, and whether that could be an accident.

`scores` computes the paper's emergence score and its variants from arrays; `table` judges
every curve of a score table; `same_items`, `metric_change` and `forecast` compare metrics.
"""

from mirage.emergence.judge import table
from mirage.emergence.nulls import null_scores, p_value
from mirage.emergence.scores import (
    emergence_score,
    linearity,
    noise_floor,
    normalized_emergence_score,
    pad,
    spaced_emergence_score,
)

__all__ = [
    "emergence_score",
    "linearity",
    "noise_floor",
    "normalized_emergence_score",
    "null_scores",
    "p_value",
    "pad",
    "spaced_emergence_score",
    "table",
]
