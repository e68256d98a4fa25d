"""Outcomes of models whose log-probabilities a test chooses."""

import numpy as np
import polars as pl

from mirage.arithmetic.tasks import TASKS

MULTIPLICATION = TASKS["two-digit-multiplication"]
MODEL = {"family": "toy", "task": MULTIPLICATION.name}


def toy_outcomes(log_probs, n_params=(1,), **columns):
    """A row per model and item; all models have these log-probabilities, (items, characters)."""
    log_probs = np.asarray(log_probs, dtype=float)
    common = MODEL | {"seed": 0, "target_length": log_probs.shape[1] - 1} | columns
    return pl.DataFrame(
        common
        | {"model": f"{n}", "n_params": n, "item": item, "a": 0, "b": item}
        | {"log_likelihood": float(p.sum()), "log_probs": p.tolist()}
        for n in n_params
        for item, p in enumerate(log_probs)
    )
