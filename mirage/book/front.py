"""The book's first page: its answer in five sentences, and what this build ran on.

Each sentence is chosen by verdicts and filled with numbers of the executed notebooks, so that it
says what they found, whatever the profile and the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mirage.book import claims, stamp
from mirage.book.claims import Claim, Kind, Verdict

# Every claim that a metric which the paper calls sharp begins to rise later than a smooth metric of
# the same outputs, whatever came of it, by what was measured; a test holds the list complete. The
# errata, which repeat Figure 2, are left out.
COMPARISONS = {
    "as calculated from the paper's model (on accuracy a theorem)": (
        "figure-2-accuracy",
        "figure-2-grade",
        "figure-2-grids",
        "figure-9-sharp",
        "figure-10-sharp",
    ),
    "on GPT-3's published arithmetic": ("figure-3-paper",),
    "on networks that we trained": (
        "figure-3-times",
        "figure-3-plus",
        "figure-7-sharper",
        "figure-8-sharper",
        "figure-8-sharper-width",
        "figure-11-sharper",
    ),
    "on other language models": (
        "figure-6-arithmetic",
        "figure-6-persian",
        "figure-6-ipa",
        "figure-6-edit-distance",
        "figure-6-bertscore",
        "figure-6-loss",
        "figure-6-olmo-probability",
    ),
    "in grokking": ("grokking-sharper", "grokking-probability"),
}
OTHERS = "on other language models"  # the material nearest to the paper's thesis
PROFILE = re.compile(r"\b(profile|one seed)\b")  # in a reason: a larger profile would attempt it
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
    known, good = _decided(found, *COMPARISONS)
    others, hold = _decided(found, OTHERS)
    still_open = len(COMPARISONS[OTHERS]) - len(others)
    is_real = _grokking_is_real(found)
    turn, real = {
        True: ("But not always", "the smooth metric does not rise before accuracy does"),
        False: ("No exception here", "the smooth metric rises before accuracy there, too"),
        None: ("Perhaps not always", "it is undecided whether the smooth metric rises first"),
    }[is_real]
    if is_real is None and _holds(found, "grokking-turn", "grokking-worse"):
        real += ": it turns before accuracy rises, but from below the level of a guess"
    often = "Often" if 2 * len(good) >= len(known) else "Sometimes"
    return (
        f"**{often if good else 'Not in this build'}:** in {len(good)} of the {len(known)}"
        " comparisons that our data decide, a metric that the paper calls *sharp* begins to rise"
        " later than a *smooth* one, with partial credit, of the same outputs; on language models"
        f" of others in {len(hold)} of {len(others)}, and {still_open} are open."
        f"\n**{turn}:** in grokking, a jump late in training rather than with size, {real}.\n"
    )


def _decided(found: Mapping[str, Claim], *materials: str) -> tuple[list[str], list[str]]:
    """Comparisons that the data decide, and those in which the sharp metric rises later."""
    listed = [name for material in materials for name in COMPARISONS[material]]
    known = [name for name in listed if _holds(found, name) is not None]
    return known, [name for name in known if _holds(found, name)]


def _grokking_is_real(found: Mapping[str, Claim]) -> bool | None:
    """Whether a late jump in training is one under the smooth metric, too; None where open."""
    late, sharper = (_holds(found, f"grokking-{name}") for name in ("late", "sharper"))
    return not sharper if late and sharper is not None else None


def _holds(found: Mapping[str, Claim], *ids: str) -> bool | None:
    """Whether all claims hold; None where one is absent, not attempted or undecided."""
    verdicts = {found[name].verdict if name in found else Verdict.NOT_ATTEMPTED for name in ids}
    if verdicts <= {Verdict.REPRODUCED, Verdict.DEVIATION}:
        return True
    return False if Verdict.NOT_REPRODUCED in verdicts else None


def _mirage(found: Mapping[str, Claim]) -> str:
    known, good = _decided(found, *COMPARISONS)
    parts = []
    for material in COMPARISONS:
        decided, hold = _decided(found, material)
        if decided:
            parts.append(f"{len(hold)} of {len(decided)} {material}")
    still_open = sum(map(len, COMPARISONS.values())) - len(known)
    often = "Often" if 2 * len(good) >= len(known) else "Sometimes"
    return (
        f"**{often if good else 'Not in this build'} it is a mirage.** A sharp metric begins to"
        " rise later than a smooth metric of the same outputs in"
        f" {len(good)} of the {len(known)} comparisons that our data decide"
        f"{': ' * bool(parts)}{', '.join(parts)}; {still_open} are open ({{doc}}`/book/claims`)."
    )


def _jump(found: Mapping[str, Claim]) -> str:
    pages = "({doc}`/notebooks/grokking`, {doc}`/notebooks/not-a-mirage`)"
    start, grokking = {
        True: ("Not always", "does not begin to rise before accuracy does"),
        False: ("Nor is grokking an exception", "begins to rise before accuracy does"),
        None: ("Some jumps may be real", "is not known to begin to rise first"),
    }[_grokking_is_real(found)]
    loss = {
        True: "the loss itself jumps between two neighbouring sizes",
        False: "the loss itself falls gradually with size",
        None: "it is undecided whether the loss itself jumps between two neighbouring sizes",
    }[_holds(found, "not-a-mirage-steep")]
    if "not-a-mirage-steep" in found and PROFILE.search(found["not-a-mirage-steep"].reason):
        loss = "more seeds than this profile has would tell whether the loss itself jumps"
    if _holds(found, "not-a-mirage-steep") is None and _holds(found, "not-a-mirage-schedule"):
        loss = "the loss of each single run falls steeply between two neighbouring sizes, but which"
        loss += " two depends on the seed"
    return (
        f"**{start}.** In grokking, a jump late in training rather than with size, the"
        f" log-probability of the same answers {grokking}. When our transformers"
        f" learn addition, {loss} {pages}."
    )


def _open(found: Iterable[Claim]) -> str:
    found = list(found)
    missing = [claim for claim in found if claim.verdict == Verdict.NOT_ATTEMPTED]
    undecided = sum(claim.verdict == Verdict.UNDECIDED for claim in found)
    small = sum(bool(PROFILE.search(claim.reason)) for claim in missing)
    further = f"{'a further ' * bool(missing)}{len(missing)} {'is' if len(missing) == 1 else 'are'}"
    why = f", {small} of them because this profile trains too little" if small else ""
    return (
        f"**Some of it cannot be decided:** {undecided} of the {len(found)} claims and questions"
        f" in this book, because their interval contains the threshold; {further} not attempted"
        f"{why} ({{doc}}`/book/claims`)."
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
