"""The first page says what the notebooks found, and what they ran on."""

import pkgutil
import re
from importlib import import_module

import msgspec
import nbformat
import pytest

from mirage import pages
from mirage.book import front, landing, stamp
from mirage.book.claims import Claim, Kind, record
from mirage.book.rules import Exceeds


def notebook(folder, stem, *claims, data=()):
    """An executed notebook with recorded claims and a stamp."""
    nb = nbformat.v4.new_notebook()
    if claims:
        content, metadata = record(stem, claims)._repr_mimebundle_()
        output = nbformat.v4.new_output("execute_result", data=content, metadata=metadata)
        nb.cells.append(nbformat.v4.new_code_cell(outputs=[output]))
    path = folder / f"{stem}.ipynb"
    nbformat.write(nb, path)
    stamp.write(path, "key", data)
    return path


def claim(name, ours, kind=Kind.OURS):
    return Claim(id=name, kind=kind, statement="It rises.", rule=Exceeds(0), ours=ours)


def test_five_sentences_even_without_any_claim(tmp_path):
    text = front.answer([notebook(tmp_path, "empty")])
    assert [line[:3] for line in text.splitlines()] == ["1. ", "2. ", "3. ", "4. ", "5. "]
    assert not set(text.split()) & {"nan", "inf", "None", "–"}


@pytest.mark.parametrize(
    ("late", "sharper", "words"),
    [
        (1.0, -1.0, ["in 2 of the 4", "But not always", "does not rise before"]),
        (1.0, 1.0, ["in 3 of the 4", "No exception here:", "rises before accuracy there, too"]),
        (1.0, None, ["in 2 of the 3", "Perhaps not always:", "undecided"]),
        (-1.0, -1.0, ["in 2 of the 4", "Perhaps not always:", "undecided"]),  # nothing is late
    ],
)
def test_one_sentence_follows_the_verdicts(tmp_path, late, sharper, words):
    page = notebook(
        tmp_path,
        "figure-7",
        claim("figure-2-accuracy", 0.3),
        claim("figure-7-sharper", -0.8),
        claim("figure-6-loss", 0.8),
        claim("grokking-late", late),
        claim("grokking-sharper", sharper),
    )
    text = front.in_one_sentence([page])
    assert "turns before accuracy rises" not in text
    assert text.startswith("**Often:**")
    assert all(word in text for word in words)
    assert "of others in 1 of 1, and 6 are open" in text
    late = [claim(name, -0.1) for name in ("figure-3-paper", "figure-3-times")]
    few = notebook(tmp_path, "few", claim("figure-2-accuracy", 0.3), *late)
    assert front.in_one_sentence([few]).startswith("**Sometimes:** in 1 of the 3")
    assert "Not in this build:** in 0 of the 0" in front.in_one_sentence(
        [notebook(tmp_path, "empty")]
    )


def test_a_metric_that_turns_early_but_far_down_is_said_to(tmp_path):
    names = ("late", "turn", "worse")
    known = [claim(f"grokking-{name}", 2.0) for name in names]
    page = notebook(tmp_path, "grokking", *known, claim("grokking-sharper", None))
    assert "turns before accuracy rises, but from below" in front.in_one_sentence([page])


def test_the_claims_that_are_not_reproduced_are_named(tmp_path):
    good = claim("figure-7-a", 0.3, Kind.PAPER)
    told = {"place": "Figure 7C: it is small", "statement": "Share of x_y", "rule": Exceeds(0.5)}
    bad = msgspec.structs.replace(claim("figure-7-b", 0.2, Kind.PAPER), **told)
    ours = claim("figure-7-c", -1.0)  # fails, and is no claim of the paper
    path = notebook(tmp_path, "figure-7-x", good, bad, ours, claim("figure-7-d", None, Kind.PAPER))
    slips = notebook(tmp_path, "errata", claim("errata-01-x", -1, Kind.PAPER))
    first, _, item = landing.failures([path, slips]).splitlines()
    assert "the paper's 3 claims we reproduce 1, leave 1 open" in first
    assert first.endswith("could not reproduce **1**:")
    assert "(Figure 7C): it is small. *Checked:* Share of x\\_y." in item
    assert "*Found:* 0.2. *Rule:* above 0.5." in item
    assert "{doc}`Figure 7 </notebooks/figure-7-x>`" in item
    assert landing.failures([slips]).endswith("could not reproduce **0**.\n\n")


def test_sentences_follow_the_verdicts(tmp_path):
    figure = notebook(
        tmp_path,
        "figure-7",
        claim("figure-2-accuracy", 0.3),
        claim("figure-7-sharper", 0.8),
        claim("figure-8-sharper", -0.1),
        claim("figure-11-sharper", None),
        claim("not-a-mirage-steep", 4.2),
        claim("figure-9-formula", 0.7),
        claim("figure-10-formula", 0.7),
    )
    wrong = [claim(f"errata-0{i}-x", -1, Kind.PAPER) for i in (1, 2)]
    errata = notebook(tmp_path, "errata", *wrong, claim("errata-argument", 0.1))
    mirage, jump, undecided, surprise, slips = front.answer([figure, errata]).splitlines()
    assert "in 2 of the 3 comparisons" in mirage
    assert ": 1 of 1 as calculated from the paper's model (on accuracy a theorem), 1 of" in mirage
    assert "trained; 18 are open" in mirage
    assert "the loss itself jumps" in jump
    assert "decided:** 0 of the 7 claims and questions" in undecided
    assert "a further 1 is not attempted (" in undecided
    assert "exact match" in surprise
    assert "2 slips**, which leave its argument as it is (" in slips


@pytest.mark.parametrize(
    ("ours", "single", "words"),
    [
        (4.0, 3.0, "the loss itself jumps between two neighbouring sizes"),
        (-1.0, 3.0, "the loss itself falls gradually with size"),
        (None, 3.0, "of each single run falls steeply between two neighbouring sizes, but which"),
        (None, None, "it is undecided whether the loss itself jumps"),
    ],
)
def test_a_loss_that_jumps_in_single_runs_only_is_no_jump_with_size(tmp_path, ours, single, words):
    found = claim("not-a-mirage-steep", ours), claim("not-a-mirage-schedule", single)
    assert words in front.answer([notebook(tmp_path, "not-a-mirage", *found)]).splitlines()[1]


def test_what_is_not_attempted_says_why(tmp_path):
    reasons = ["this profile trains 5 sizes", "one seed has no interval", "the data are not here"]
    missing = [
        msgspec.structs.replace(claim(f"figure-7-{i}", None), reason=reason)
        for i, reason in enumerate(reasons)
    ]
    text = front.answer([notebook(tmp_path, "figure-7", *missing)]).splitlines()[2]
    assert "a further 3 are not attempted, 2 of them because this profile trains too little" in text


def test_every_comparison_of_a_sharp_with_a_smooth_metric_counts():
    """Chosen by a rule, not by what came of them: all that say so, but for the errata."""
    stays = re.compile(r"stays at (its base longer|the level of a guess over more)|^The same comp")
    names = [module.name for module in pkgutil.iter_modules(pages.__path__, f"{pages.__name__}.")]
    claims = [one for name in names for one in getattr(import_module(name), "CLAIMS", ())]
    said = {one.id for one in claims if stays.search(one.statement)}
    said = {name for name in said if not name.startswith("errata-")}
    listed = [name for names in front.COMPARISONS.values() for name in names]
    assert said == set(listed)
    assert len(listed) == len(said) == 21


def test_banner_warns_of_a_subset(tmp_path):
    real = stamp.Data("mnist", "1", "MNIST", "embedded")
    few = "subset of CIFAR-100 (2 000 of its 50 000 training images)"
    part = msgspec.structs.replace(real, name="cifar100", description=few)
    path = notebook(tmp_path, "figure-11", data=[real])
    assert front.banner([path], "quick").startswith("```{note}")
    path = notebook(tmp_path, "figure-11", data=[real, part])
    text = front.banner([path], "paper")
    assert text.startswith("```{warning}")
    assert "Of CIFAR-100 only a part was used: 2 000 of its 50 000 training images." in text
    assert "Data sets: 2" in text
