"""Claims that are asked from both bases of a rise hold only where both say so."""

import numpy as np
import pytest

from mirage.book.claims import Found
from mirage.book.rules import Exceeds, Verdict
from mirage.pages.bases import FIRST, GUESS, LEFT, Shares, compared, spanning
from mirage.statistics.intervals import Interval


@pytest.mark.parametrize(
    ("guess", "first", "verdict"),
    [
        ((0.1, 0.3), (0.2, 0.4), Verdict.REPRODUCED),
        ((-0.3, -0.1), (-0.2, 0.0), Verdict.NOT_REPRODUCED),
        ((-0.3, -0.1), (0.1, 0.3), Verdict.UNDECIDED),
        ((-0.1, 0.1), (0.1, 0.3), Verdict.UNDECIDED),
        ((-0.1, 0.1), (-0.3, -0.1), Verdict.UNDECIDED),
    ],
)
def test_bases_that_disagree_decide_nothing(guess, first, verdict):
    ours, other = (Found(sum(ends) / 2, ends) for ends in (guess, first))
    for pair in ((ours, other), (other, ours)):
        found = spanning(*pair, FIRST)
        assert Exceeds(0).verdict(None, found.ours, found.interval) == verdict
        assert found.ours == pair[0].ours


def test_a_number_without_interval_counts_as_it_stands():
    nothing = Interval(np.nan, np.nan)
    found = spanning(Found(0.2, nothing, reason="seen"), Found(-0.1), GUESS)
    assert found.interval == (-0.1, 0.2)
    assert found.reason == "seen; from the level of a guess −0.1; the interval holds both bases"


def test_no_comparison_where_nothing_rises_or_all_has_risen():
    risen, some, never = Shares(0, 0), Shares(0.2, 0), Shares(np.nan, 0.1)
    assert compared(some, risen, GUESS, 4, "sizes") == LEFT
    assert compared(risen, some, GUESS, 4, "sizes") == LEFT
    assert compared(some, some, GUESS, 4, "sizes").ours == 0.2
    assert compared(some, never, GUESS, 4, "sizes") == "a metric does not rise on these sizes"
