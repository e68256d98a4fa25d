"""Forecasts of an arithmetic family, metric by metric, in terms of exact match.

A user wants exact match, whatever metric the forecast was made under: the paper's own equations
lead from one to the other.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage.arithmetic.curves import EXACT, NEGATED, as_exact_match
from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below
from mirage.emergence.forecast import CURVE

CHANGES = "Abstract: under its metrics performance changes smoothly and predictably with scale"
CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="forecast-two-digit-multiplication",
        kind=Kind.IMPLIED,
        place=CHANGES,
        statement="Error of a forecast of our largest transformer's exact match on products of four"
        " digits: through the token probability less through exact match itself; negative if the"
        " smooth metric forecasts better.",
        rule=Below(0),
    ),
    Claim(
        id="forecast-four-digit-addition",
        kind=Kind.IMPLIED,
        place=CHANGES,
        statement="Error of a forecast of our largest transformer's exact match on sums of five"
        " digits: through the token probability less through exact match itself; negative if the"
        " smooth metric forecasts better.",
        rule=Below(0),
    ),
    Claim(
        id="forecast-gpt-3",
        kind=Kind.IMPLIED,
        place=CHANGES,
        statement="Error of a forecast of GPT-3 175B's exact match from the paper's three smaller"
        " models: through token edit distance less through exact match itself, mean over 9 curves;"
        " negative if the smooth metric forecasts better.",
        rule=Below(0),
    ),
    Claim(
        id="forecast-bigg",
        kind=Kind.OURS,
        place="Does a Brier score forecast better than accuracy? (Wei 2023 doubts it)",
        statement="BIG-G, multiple choice tasks: error of a forecast of the largest model under the"
        " top-label Brier score over that under accuracy, each relative to a forecast that nothing"
        " changes; below 1 if the Brier score forecasts better.",
        rule=Below(1),
    ),
)


def in_exact_match(forecasts: pl.DataFrame) -> pl.DataFrame:
    """Put forecasts of an arithmetic family in terms of exact match.

    Parameters
    ----------
    forecasts : polars.DataFrame
        As `mirage.emergence.forecast.forecast_largest` returns, of `curves`; each curve has one of
        exact match beside it.

    Returns
    -------
    polars.DataFrame
        The same with ``exact_match``, the forecast by `as_exact_match`, ``em_low`` and ``em_high``
        likewise, ``em_observed``, the exact match of the largest model, ``em_known``, what the
        metric of the largest model itself gives (no forecast, only the equation), and ``error``,
        ``exact_match`` − ``em_observed``.
    """
    wanted = {
        "forecast": "exact_match",
        "low": "em_low",
        "high": "em_high",
        "observed": "em_known",
    }
    parts = []
    for (metric,), part in forecasts.group_by("metric", maintain_order=True):
        ends = (-np.inf, 0) if metric == NEGATED else (0, 1)
        length = part["target_length"].to_numpy()
        columns = {
            new: pl.Series(as_exact_match(metric, part[old].to_numpy().clip(*ends), length))
            for old, new in wanted.items()
        }
        parts.append(part.with_columns(**columns))
    table = pl.concat(parts)
    key = [name for name in (*CURVE, "n_held_out") if name in table.columns and name != "metric"]
    observed = table.filter(metric=EXACT).select(*key, em_observed="observed")
    table = table.join(observed, on=key, nulls_equal=True, maintain_order="left")
    return table.with_columns(error=pl.col("exact_match") - pl.col("em_observed"))
