"""Page of errata: enumeration by hand, the argument with slips mended, and the headline."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mirage.book.claims import Claim, Kind, Verdict, judged
from mirage.book.rules import Exceeds
from mirage.pages import errata, errata_check


@pytest.fixture(scope="module")
def argument():
    return errata_check.argument(5000, np.random.default_rng(0))


def test_simulated_answers_have_the_expected_scores():
    found = errata_check.simulate(0.9, 20_000, np.random.default_rng(0))
    # L ε = .5 and (1 − ε)^5 = .59049; five standard errors: .67/√20000 and .49/√20000 times 5.
    assert found.distance.mean() == pytest.approx(0.5, abs=0.024)
    assert found.match.mean() == pytest.approx(0.59049, abs=0.018)


def test_edit_distance_may_lie_below_hamming_s():
    # 1234 to 2341: delete the first token, append it: 2 edits, 4 mismatches.
    found = errata_check.string_pairs()
    assert found.n_pairs == (4 + 16 + 64 + 256) ** 2
    assert found.least == -2
    assert found.n_outside == 0


def test_smallest_steps():
    assert errata_check.smallest_steps(4, 3) == (1 / 4, 1 / 12)


def test_the_published_variant_is_figure_2(argument):
    first = argument.filter(variant="as published")["difference"].round(2).to_list()
    assert first == [0.28, 0.19]


def test_unequal_items_shorten_the_wait(argument):
    by_variant = dict(argument[:5].select("variant", "sharp").rows())
    assert by_variant["items of unequal difficulty"] < by_variant["as published"] / 2


def test_findings_answer_every_claim(argument):
    answers = errata_check.simulate(0.9, 5000, np.random.default_rng(0))
    steps = errata_check.smallest_steps(2, 2)
    found = errata.findings(answers, errata_check.Pairs(4, -2, 0.5, 0), steps, argument)
    claims = {claim.id: claim for claim in judged(errata.CLAIMS, found)}
    assert claims["errata-05-triplets"].ours == pytest.approx(np.log10(88_000))
    assert claims["errata-10-panels"].ours == 0
    assert claims["errata-12-surplus"].ours == pytest.approx(2.93, abs=0.01)  # PAPER: 2.93 at L = 1
    assert claims["errata-argument"].ours == argument["difference"][1:5].min()
    assert errata.slips(claims.values()) == 9  # 03, 11 and 12 the paper concedes itself


@pytest.mark.parametrize(
    ("accuracy", "choices", "start"),
    [(1, 1, "none of them changes the argument"), (1, -1, "none"), (-1, 1, "some of them")],
)
def test_the_headline_follows_the_verdicts(accuracy, choices, start):
    claims = [
        Claim(id=f"errata-{name}", kind=Kind.OURS, statement="It is.", rule=Exceeds(0), ours=y)
        for name, y in (("argument", accuracy), ("argument-choices", choices))
    ]
    assert errata.conclusion(claims).startswith(start)
    assert claims[0].verdict in (Verdict.REPRODUCED, Verdict.NOT_REPRODUCED)


def test_the_grade_is_open_where_the_bases_disagree(argument):
    """Found by an outside reader: the claim was asked from the first scores alone."""
    answers = errata_check.simulate(0.9, 5000, np.random.default_rng(0))
    steps = errata_check.smallest_steps(2, 2)
    found = errata.findings(answers, errata_check.Pairs(4, -2, 0.5, 0), steps, argument)
    claims = judged(errata.CLAIMS, found)
    choices = next(claim for claim in claims if claim.id == "errata-argument-choices")
    assert choices.interval == pytest.approx((-0.10, 0.03), abs=0.005)
    assert choices.verdict == Verdict.UNDECIDED
    assert errata.conclusion(claims).endswith("and that on multiple choice is open")


def test_draws(argument):
    assert len(errata.draw_argument(Figure().subplots(), argument).get_yticks()) == 8
    axes = errata.draw_panels(Figure().subplots(1, 2))
    assert len(axes[0].lines) == 5
