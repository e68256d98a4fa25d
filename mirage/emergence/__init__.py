"""How sharply a score rises with scale, and whether that could be an accident.

`dormancy` measures how long a curve stays at its base, and how wide its rise is; `scores` computes
the paper's emergence score and its variants from arrays; `table` judges every curve of a score
table; `same_items`, `metric_change` and `forecast` compare metrics.
"""

from mirage.emergence.dormancy import Dormancy, dormancy
from mirage.emergence.dormancy_bootstrap import (
    DormancyDifference,
    DormancyInterval,
    dormancy_difference,
    dormancy_interval,
)
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
    "Dormancy",
    "DormancyDifference",
    "DormancyInterval",
    "dormancy",
    "dormancy_difference",
    "dormancy_interval",
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
