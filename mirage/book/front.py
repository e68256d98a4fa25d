"""The book's first page: its answer in five sentences, and what this build ran on.

Each sentence is chosen by verdicts and filled with numbers of the executed notebooks, so that it
says what they found, whatever the profile and the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mirage.book import claims, stamp
from mirage.book.claims import Claim, Kind, Verdict
from mirage.formatting import number

# Claims that compare a sharp with a smooth metric of the same outputs, and what was measured.
COMPARISONS = {
    "figure-2-accuracy": "the paper's model",
    "figure-3-paper": "GPT-3's published arithmetic",
    "figure-3-times": "our transformers' products",
    "figure-7-sharper": "autoencoders",
    "figure-8-sharper": "image transformers",
    "figure-11-sharper": "convolutional networks",
}
ERRATA = "/notebooks/errata"
SUBSET = "subset"  # begins the description of such data


def answer(executed: Sequence[Path]) -> str:
    """Write the answer of the book in five sentences, from the claims of its notebooks.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks.

    Returns
    -------
    str
        Markdown: a numbered list. A sentence whose claims are absent says so.
    """
    found = {claim.id: claim for path in executed for claim in claims.read(path)}
    errata = [claim for path in executed if path.stem == "errata" for claim in claims.read(path)]
    others = [claim for claim in found.values() if claim not in errata]
    sentences = (_mirage(found), _jump(found), _open(others), _surprise(found), _slips(errata))
    return "\n".join(f"{i}. {sentence}" for i, sentence in enumerate(sentences, 1)) + "\n"


def in_one_sentence(executed: Sequence[Path]) -> str:
    """Answer the title's question in one sentence, from the claims of the notebooks.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks.

    Returns
    -------
    str
        Markdown.
    """
    found = {claim.id: claim for path in executed for claim in claims.read(path)}
    known, good = _decided(found)
    turn, real = {
        True: ("But not always", "the loss itself falls abruptly"),
        False: ("No exception here", "the loss itself falls gradually, too"),
        None: ("Perhaps not always", "it is undecided whether the loss jumps"),
    }[_holds(found, "not-a-mirage-steep")]
    often = "Often" if 2 * len(good) >= len(known) else "Sometimes"
    return (
        f"**{often if good else 'Not in this build'}:** in {len(good)} of the {len(known)}"
        " comparisons that our data decide, an all-or-nothing metric (*sharp*) begins to rise at"
        " larger sizes than one with partial credit (*smooth*) of the same outputs."
        f"\n**{turn}:** when our transformers learn addition, {real}.\n"
    )


def _decided(found: Mapping[str, Claim]) -> tuple[list[str], list[str]]:
    """Comparisons that the data decide, and those in which the sharp metric rises later."""
    known = [name for name in COMPARISONS if _holds(found, name) is not None]
    return known, [name for name in known if _holds(found, name)]


def _holds(found: Mapping[str, Claim], *ids: str) -> bool | None:
    """Whether all claims hold; None where one is absent, not attempted or undecided."""
    verdicts = {found[name].verdict if name in found else Verdict.NOT_ATTEMPTED for name in ids}
    if verdicts <= {Verdict.REPRODUCED, Verdict.DEVIATION}:
        return True
    return False if Verdict.NOT_REPRODUCED in verdicts else None


def _mirage(found: Mapping[str, Claim]) -> str:
    known, good = _decided(found)
    start = "**Often it is a mirage.** Accuracy or another sharp metric begins to rise later than a"
    listed = f": {', '.join(COMPARISONS[name] for name in good)}" if good else ""
    return (
        f"{start} smooth metric of the same outputs in {len(good)} of the {len(known)} comparisons"
        f" that our data decide{listed} ({{doc}}`/notebooks/figure-3-arithmetic`)."
    )


def _jump(found: Mapping[str, Claim]) -> str:
    steep, page = found.get("not-a-mirage-steep"), "({doc}`/notebooks/not-a-mirage`)"
    holds = _holds(found, "not-a-mirage-steep")
    if steep is None or steep.ours is None or holds is None:
        return (
            "**Some jumps may be real.** In this build it is undecided whether the loss of our"
            f" transformers itself jumps when they learn addition {page}."
        )
    does = "falls abruptly" if holds else "falls gradually"
    return (
        f"**{'Not always' if holds else 'A jump of the loss'}.** When our transformers learn"
        f" addition, the loss itself {does} between two neighbouring sizes (exponent"
        f" {number(steep.ours, 2)}, where the paper's model has 0.5), and no metric made that"
        f" {page}."
    )


def _open(found: Iterable[Claim]) -> str:
    counts = Counter(claim.verdict for claim in found)
    n = sum(counts.values())
    return (
        f"**Some of it cannot be decided:** {counts[Verdict.UNDECIDED]} of the {n} claims and"
        " questions in this book, because their interval contains the threshold, and a further"
        f" {counts[Verdict.NOT_ATTEMPTED]} for lack of data ({{doc}}`/book/claims`)."
    )


def _surprise(found: Mapping[str, Claim]) -> str:
    page = "({doc}`/notebooks/figure-9-10-rouge-bleu`)"
    if not _holds(found, "figure-9-formula", "figure-10-formula"):
        return f"**Figures 9 and 10 were rebuilt** with ROUGE-L-Sum and BLEU themselves {page}."
    return (
        "**What surprised us:** the curves published as ROUGE-L-Sum and BLEU are those of exact"
        f" match, as if the texts had no spaces {page}."
    )


def _slips(errata: Sequence[Claim]) -> str:
    wrong = {
        claim.id.split("-")[1]
        for claim in errata
        if claim.kind is Kind.PAPER and claim.verdict == Verdict.NOT_REPRODUCED
    }
    by_id = {claim.id: claim for claim in errata}
    keeps = _holds(by_id, "errata-argument")
    effect = "which leave its argument as it is" if keeps else "some of which matter"
    weaker = ""
    if keeps and "errata-argument" in by_id and "errata-11-independence" in by_id:
        weaker = "; but items of unequal difficulty make accuracy far less sharp than its model has"
    return f"**The paper has {len(wrong)} slips**, {effect}{weaker} ({{doc}}`{ERRATA}`)."


def banner(executed: Sequence[Path], profile: str) -> str:
    """Say which profile and which data a build ran on.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks with their stamps.
    profile : str
        Their profile.

    Returns
    -------
    str
        Markdown: an admonition, a warning where a data set is a subset.
    """
    stamps = [found for path in executed if (found := stamp.read(path))]
    data = {one.name: one.description for found in stamps for one in found.loaded}
    subsets = sorted(text for text in data.values() if text.startswith(SUBSET))
    kind = "warning" if subsets else "note"
    sizes = "one seed and few sizes" if profile == "quick" else "the paper's sizes and more seeds"
    lines = [
        f"```{{{kind}}}",
        f"This build ran the *{profile}* {{term}}`profile`: {sizes}.",
        f"Data sets: {len(data)}, listed in {{doc}}`/book/reproduce`.",
    ]
    for text in subsets:
        name, _, share = text.removeprefix(f"{SUBSET} of ").rstrip(")").partition(" (")
        lines.append(f"Of {name} only a part was used{f': {share}' * bool(share)}.")
    return "\n".join([*lines, "```", ""])
