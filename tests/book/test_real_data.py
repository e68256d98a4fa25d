"""Figure 11 on real MNIST: the verdicts that hold whatever the seeds.

What the book says about the paper's own data set is checked here: MNIST is embedded whole.
"""

import shutil

import pytest

from mirage.book import claims
from mirage.book import run as runner
from mirage.book.claims import Verdict
from mirage.book.run import notebooks, run, runs_folder

REPRODUCED = {Verdict.REPRODUCED}
NEAR = {Verdict.REPRODUCED, Verdict.UNDECIDED}
# Which verdicts a claim may have, and why no other is possible. Claims on widths 1 and 3 are left
# out: a hidden unit that dies takes its share of so small a network, and few seeds decide.
ROBUST = {
    "figure-11-parameters": REPRODUCED,  # counts, no training
    # w = 64: eight seeds gave 0.939 to 0.961, around the band 0.958 ± 0.01.
    "figure-11-largest": NEAR,
    # The same eight gave 0.53 to 0.67, around the band 0.657 ± 0.03.
    "figure-11-subset": NEAR,
    # The difference of dormant shares is 0.21 [0.16, 0.26] over six seeds, the threshold 0.
    "figure-11-sharper": REPRODUCED,
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The claims of Figure 11 in the quick profile; a fresh run of `make test` is not repeated."""
    folder = tmp_path_factory.mktemp("runs")
    for path in runs_folder("quick").glob("figure-11-mnist.*"):
        shutil.copy(path, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRAGE_SOURCE", "embedded")
        patch.setattr(runner, "runs_folder", lambda profile: folder)
        (path,) = notebooks(["figure-11"])
        *_, (_, result) = run([path], "quick")
    assert not result.error
    return {claim.id: claim for claim in claims.read(folder / path.name)}


pytestmark = pytest.mark.real_data


def test_everything_was_attempted(recorded):
    assert set(recorded) >= set(ROBUST)
    for claim in recorded.values():
        assert claim.verdict is not Verdict.NOT_ATTEMPTED, claim


@pytest.mark.parametrize("name", ROBUST)
def test_verdict_holds(recorded, name):
    assert recorded[name].verdict in ROBUST[name], recorded[name]


def test_trained_claims_rest_on_seeds_and_have_intervals(recorded):
    for claim in recorded.values():
        if claim.n_of == "seeds" and claim.interval:
            low, high = claim.interval
            assert claim.n >= 2
            assert low <= claim.ours <= high


def test_wider_networks_are_better(recorded):
    ours = {name: recorded[f"figure-11-{name}"].ours for name in ("smallest", "third", "largest")}
    # Means over three seeds: about 0.16, 0.60 and 0.95; single seeds never close these gaps.
    assert ours["smallest"] < ours["third"] < ours["largest"]
