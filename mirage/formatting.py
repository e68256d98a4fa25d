"""Numbers as text, for tables, captions and reports."""

from __future__ import annotations

import math


def number(value: float | None, digits: int = 3) -> str:
    """Write a number for a table: ``digits`` significant, an en dash for none.

    Examples
    --------
    >>> number(0.95812), number(999.7), number(6154.2), number(None), number(float("inf"))
    ('0.958', '1000', '6154', '–', '∞')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    whole = round(value)  # before the choice: 999.7 would else become 1e+03
    text = f"{whole}" if abs(whole) >= 10**digits else f"{value + 0.0:.{digits}g}"  # no −0
    return text.replace("-", "−")
