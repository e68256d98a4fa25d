"""Plans: the fewest items that would show a jump, and proposals that would not."""

import numpy as np
import pytest
from scipy.special import expit

from mirage.emergence.ability import Ability, MetricCurve
from mirage.emergence.evidence import gather
from mirage.emergence.plan import Smooth, fewest_items, plans, two_digits
from mirage.emergence.verdicts import JUMP
from mirage.fits import jump_power

SIZES = np.geomspace(1e8, 1e11, 8)
DECADES = np.log10(SIZES / 1e8)


def curve(n_items, y=None):
    y = expit(-2 + 0.5 * DECADES) if y is None else y
    n = np.full(8, float(n_items))
    return MetricCurve("exact match", SIZES, y, n, None, (0, 1), 0.0, True)


def test_the_fewest_items_have_a_power_of_80_per_cent_and_fewer_have_not():
    found = fewest_items([Smooth(curve(n), 0.1, 0.1) for n in (20, 50, 100)])
    n = found * [20, 50, 100]
    # As many items, from wherever the search starts: the power is that of 320 draws, so it is known
    # to .02, and .02 are 8 % of the items here.
    assert n == pytest.approx(n.mean(), rel=0.1)
    y = np.tile(curve(1).y, (3, 1))
    powers = jump_power(
        SIZES, y, (n.mean() * np.array([0.7, 1, 1.3]))[:, None], height=JUMP, scatter=0.1
    )
    assert powers[0] < powers[1] - 0.03
    assert powers[1] == pytest.approx(0.8, abs=0.03)
    assert powers[2] > powers[1] + 0.03


def test_no_number_of_items_helps_where_models_scatter_and_one_time_is_enough_where_they_do_not():
    found = fewest_items([Smooth(curve(100), 0.1, 1.0), Smooth(curve(1000), 0.1, 0.1)])
    assert found.tolist() == [np.inf, 1.0]


def test_plans_for_more_items_than_can_be_counted():
    smooth = Smooth(curve(2**52), least=0.1, scatter=0.2)
    assert fewest_items([smooth]).shape == (1,)


def test_plans_name_items_or_models_or_say_that_the_test_is_sharp_enough():
    rng = np.random.default_rng(0)
    few = curve(60, np.rint(60 * curve(60).y) / 60)
    ability = Ability("family", "task", "", (few,))
    evidence = gather([ability], rng)[0]
    text = plans([evidence])[0]
    assert "items for each model" in text
    assert "times as many" in text
    n = float(text.split(" items for each model")[0].split()[-1])
    assert 60 < n < 300
    assert n == two_digits(n)
    sharp = evidence.findings[0]._replace(detectable=JUMP)
    assert "already" in plans([evidence._replace(findings=(sharp,))])[0]
    scattered = evidence.findings[0]._replace(scatter=3.0)
    assert plans([evidence._replace(findings=(scattered,))])[0].endswith(
        "Neither 30 times as many items nor 4 more models would show a jump of 1.5 in log odds "
        "with 80 % power."
    )
