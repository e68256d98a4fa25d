"""The first page says what the notebooks found, and what they ran on."""

import msgspec
import nbformat
import pytest

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
    ("ours", "words"),
    [
        (4.0, ["1 of the 2", "But not always", "falls abruptly"]),
        (-1.0, ["No exception here:", "gradually, too"]),
        (None, ["Perhaps not always:", "undecided"]),
    ],
)
def test_one_sentence_follows_the_verdicts(tmp_path, ours, words):
    page = notebook(
        tmp_path,
        "figure-7",
        claim("figure-2-accuracy", 0.3),
        claim("figure-7-sharper", -0.8),
        claim("not-a-mirage-steep", ours),
    )
    text = front.in_one_sentence([page])
    assert text.startswith("**Often:**")
    assert all(word in text for word in words)
    late = [claim(name, -0.1) for name in ("figure-3-paper", "figure-3-times")]
    few = notebook(tmp_path, "few", claim("figure-2-accuracy", 0.3), *late)
    assert front.in_one_sentence([few]).startswith("**Sometimes:** in 1 of the 3")
    assert "Not in this build:** in 0 of the 0" in front.in_one_sentence(
        [notebook(tmp_path, "empty")]
    )


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
    assert "the paper's model, autoencoders" in mirage
    assert "exponent 4.2" in jump
    assert "decided:** 0 of the 7 claims and questions" in undecided
    assert "a further 1 for lack of data" in undecided
    assert "exact match" in surprise
    assert "2 slips**, which leave its argument as it is (" in slips


@pytest.mark.parametrize(("ours", "start"), [(4.0, "Not always"), (-1.0, "A jump of the loss")])
def test_a_gradual_loss_is_no_jump(tmp_path, ours, start):
    path = notebook(tmp_path, "not-a-mirage", claim("not-a-mirage-steep", ours))
    assert f"**{start}.**" in front.answer([path]).splitlines()[1]


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
