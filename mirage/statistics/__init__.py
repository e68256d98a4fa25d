"""Statistics of evaluations, on NumPy and SciPy alone.

Intervals that hold at 0 and 1, resampling of test items, what a number of items can resolve,
and odds ratios. Nothing here knows of tables, models or files.
"""

from mirage.statistics.bootstrap import (
    binomial_bootstrap,
    draw_accuracies,
    item_bootstrap,
    leave_one_out,
)
from mirage.statistics.intervals import (
    Interval,
    clopper_pearson_interval,
    mean_interval,
    percentile_interval,
    wilson_interval,
)
from mirage.statistics.item_counts import items_to_exceed, least_items
from mirage.statistics.odds_ratio import OddsRatio, odds_ratio, odds_ratio_at
from mirage.statistics.resolution import (
    PassUntil,
    pass_until,
    rule_of_three,
    smallest_detectable,
)

__all__ = [
    "Interval",
    "OddsRatio",
    "PassUntil",
    "binomial_bootstrap",
    "clopper_pearson_interval",
    "draw_accuracies",
    "item_bootstrap",
    "items_to_exceed",
    "least_items",
    "leave_one_out",
    "mean_interval",
    "odds_ratio",
    "odds_ratio_at",
    "pass_until",
    "percentile_interval",
    "rule_of_three",
    "smallest_detectable",
    "wilson_interval",
]
