"""The paper's mathematical model, and its extensions.

`tokens` is the model of Figure 2; `choices` a coherent model of multiple choice; `references`
the scores against several references; `texts` simulates such texts.
"""

from mirage.theory.choices import coherent_choices
from mirage.theory.tokens import (
    accuracy,
    brier_score,
    cross_entropy,
    multiple_choice_grade,
    observed_accuracy,
    probability_unseen,
    token_edit_distance,
    token_probability,
)

__all__ = [
    "accuracy",
    "brier_score",
    "coherent_choices",
    "cross_entropy",
    "multiple_choice_grade",
    "observed_accuracy",
    "probability_unseen",
    "token_edit_distance",
    "token_probability",
]
