"""Pages made from the executed notebooks: scoreboard, lists of claims, what ran on what."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mirage.book import claims, stamp
from mirage.book.claims import Claim, Kind, Verdict
from mirage.files import atomic_write

ERRATA = "errata"  # the notebook of slips in the paper, which are counted apart
# What the paper's claims were asked of: on these pages its own formulas and printed points; two
# claims of other pages are counts of parameters, by which we chose the networks.
OWN_POINTS = {
    "figure-2-theory",
    "figure-3-arithmetic",
    "figure-4-resolution",
    "figure-6-metric-change",
    "prediction-3-length",
}
BY_CHOICE = {"figure-7-parameters", "figure-11-parameters"}
SOURCES = {  # of data sets, as verbs; `mirage.datasets.load` names them
    "directory": "were read from the data folder (`$MIRAGE_DATA`)",
    "embedded": "ship with the package",
    "download": "were downloaded",
}


def verdicts_table(executed: Sequence[Path]) -> str:
    """Write the scoreboard: the verdicts on the paper's own claims, page by page.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks; one without a claim of the paper adds no row; errata are counted apart.

    Returns
    -------
    str
        Markdown: a line that counts the verdicts, a line on everything that is not counted, and a
        table whose rows link to their notebook.
    """
    pages = _by_page(executed)
    papers = _of_kind(pages, Kind.PAPER)
    slips = [claim for path in executed if path.stem == ERRATA for claim in claims.read(path)]
    errata = [claim for claim in slips if claim.kind is Kind.PAPER]
    failing = sum(claim.verdict == Verdict.NOT_REPRODUCED for claim in errata)
    others = {kind: sum(len(found) for _, found in _of_kind(pages, kind)) for kind in Kind}
    lines = [
        f"{headline(pages)} {_summary(papers)}. {_asked_of(papers)}",
        f"Counted apart: statements that the paper implies ({others[Kind.IMPLIED]}),"
        f" questions of our own ({others[Kind.OURS]}), and statements of detail, {failing} of whose"
        f" {len(errata)} checks fail ({{doc}}`/notebooks/errata`).",
        "",
        ":::{table} Verdicts on the paper's own claims, by page.",
        ":name: tab-verdicts",
        "",
        *_counts([(_link(path), found) for path, found in papers], whole=False),
        ":::",
        "",
    ]
    return "\n".join(lines)


def headline(pages: Sequence[tuple[Path, Sequence[Claim]]]) -> str:
    """Say how many of the paper's own claims are reproduced."""
    every = [claim for _, found in pages for claim in found if claim.kind is Kind.PAPER]
    return f"**Reproduced: {_reproduced(every)} of the paper's {len(every)} claims.**"


def _asked_of(papers: Sequence[tuple[Path, Sequence[Claim]]]) -> str:
    """Say how many claims are reproduced of new data, and how many of the paper's own numbers."""
    groups: dict[str, list[Claim]] = {
        "new data or networks": [],
        "the paper's own formulas and points": [],
        "counts of parameters, by which we chose the networks": [],
    }
    new, own, chosen = groups.values()
    for path, found in papers:
        for claim in found:
            asked = own if path.stem in OWN_POINTS else new
            (chosen if claim.id in BY_CHOICE else asked).append(claim)
    parts = [
        f"{what} ({_reproduced(some)} of {len(some)})" for what, some in groups.items() if some
    ]
    return f"They were asked of {'; '.join(parts)}." if parts else ""


def _reproduced(every: Sequence[Claim]) -> int:
    return sum(claim.verdict in (Verdict.REPRODUCED, Verdict.DEVIATION) for claim in every)


def failures(executed: Sequence[Path]) -> str:
    """List the paper's own claims that are not reproduced in this build.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks; the errata are counted apart.

    Returns
    -------
    str
        Markdown: a sentence that counts, and for each such claim what the paper says, what was
        checked, and what was found.
    """
    papers = _of_kind(_by_page(executed), Kind.PAPER)
    every = [claim for _, found in papers for claim in found]
    failing = [
        _failure(path, claim)
        for path, found in papers
        for claim in found
        if claim.verdict == Verdict.NOT_REPRODUCED
    ]
    good = _reproduced(every)
    still_open = len(every) - good - len(failing)
    start = (
        f"Of the paper's {len(every)} claims we reproduce {good}, leave {still_open} open"
        f" (undecided or not attempted), and could not reproduce **{len(failing)}**"
    )
    return "\n".join([f"{start}{':' if failing else '.'}", "", *failing, ""])


def _failure(path: Path, claim: Claim) -> str:
    _, paper, ours, rule, _ = claims.rows([claim])[0]
    where, _, said = claim.place.partition(": ")
    says = f" ({_cell(where)}): {_cell(said)}." if said else ":"
    published = "" if claim.published is None else f" *Paper:* {_cell(paper)}."
    return (
        f"- {_link(path)}{says} *Checked:* {_cell(claim.statement.rstrip('.'))}."
        f" *Found:* {_cell(ours)}.{published} *Rule:* {_cell(rule)}."
    )


def claims_table(executed: Sequence[Path]) -> str:
    """Write the three lists of claims: the paper's, what it implies, and what we asked.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks; one without recorded claims adds no row; the errata are left out.

    Returns
    -------
    str
        Markdown: a table for each kind, whose rows link to their notebook.
    """
    pages, lines = _by_page(executed), []
    for kind in Kind:
        chosen = _of_kind(pages, kind)
        if not chosen:
            continue
        n = sum(len(found) for _, found in chosen)
        lines += [
            f":::{{table}} {kind.title_of(n)}. Brackets: 95 % intervals; n says over what.",
            f":name: tab-claims-{kind.name.lower()}",
            ":class: claims",
            "",
            "| claim | paper | ours | verdict | where |",
            "|---|---|---|---|---|",
        ]
        for path, found in chosen:
            for claim, row in zip(found, claims.rows(found), strict=True):
                statement, paper, ours = (_cell(text) for text in row[:3])
                lines.append(
                    f"| {statement} | {paper} | {ours} | {claims.badge(claim)} | {_link(path)} |"
                )
        lines += [":::", ""]
    return "\n".join(lines)


def write_readme(readme: Path, executed: Sequence[Path], profile: str, data: str) -> None:
    """Put the scoreboard between the two comments that mark its place in the README.

    Parameters
    ----------
    readme : Path
        Changed in place.
    executed : sequence of Path
        Executed notebooks; the errata are left out.
    profile, data : str
        What they were run with.

    Raises
    ------
    ValueError
        The marks are missing.
    """
    before, start, rest = readme.read_text(encoding="utf-8").partition("<!-- results")
    _, end, after = rest.partition("<!-- end of results -->")
    if not start or not end:
        raise ValueError(
            f"{readme} has no '<!-- results' and '<!-- end of results -->'; both are expected, "
            "around the place of the scoreboard"
        )
    pages = _by_page(executed)
    papers = _of_kind(pages, Kind.PAPER)
    lines = [
        f"<!-- results: written by `mirage book --profile {profile} --readme` -->",
        f"{headline(pages)} {_summary(papers, plain=True)}"
        f" (*{profile}* profile; brackets below are 95 % intervals).",
        _asked_of(papers),
        "",
        *_counts([(_label(path), found) for path, found in papers]),
        "",
        *(line for kind in Kind for line in _folded(kind, _of_kind(pages, kind))),
        f"Data: {data}.",
        "",
    ]
    with atomic_write(readme) as file:
        file.write((before + "\n".join([*lines, end + after])).encode())


def _folded(kind: Kind, pages: Sequence[tuple[Path, Sequence[Claim]]]) -> list[str]:
    """Write one kind's claims as a table behind a fold."""
    n = sum(len(found) for _, found in pages)
    if not n:
        return []
    lines = [
        "<details>",
        f"<summary>{kind.title_of(n)}</summary>",
        "",
        "| page | claim | paper | ours | verdict |",
        "|---|---|---|---|---|",
    ]
    for path, found in pages:
        for statement, paper, ours, _, answer in claims.rows(found):
            cells = " | ".join(_cell(text) for text in (statement, paper, ours, answer))
            lines.append(f"| {_label(path)} | {cells} |")
    return [*lines, "", "</details>", ""]


def _cell(text: str) -> str:
    """Make text safe in a cell of a Markdown table: on one line, and no markup of its own."""
    return re.sub(r"([\\|<>\[\]{}`*_$])", r"\\\1", " ".join(text.split()))


def _by_page(executed: Sequence[Path]) -> list[tuple[Path, list[Claim]]]:
    """Return the claims of each notebook that has some; the errata are counted apart."""
    pages = ((path, claims.read(path)) for path in executed if path.stem != ERRATA)
    return [(path, found) for path, found in pages if found]


def _of_kind(
    pages: Sequence[tuple[Path, Sequence[Claim]]], kind: Kind
) -> list[tuple[Path, list[Claim]]]:
    """Keep one kind of claim, and the pages that have some."""
    chosen = ((path, [claim for claim in found if claim.kind is kind]) for path, found in pages)
    return [(path, found) for path, found in chosen if found]


def _summary(pages: Sequence[tuple[Path, Sequence[Claim]]], plain: bool = False) -> str:
    counts = Counter(claim.verdict for _, found in pages for claim in found)
    return ", ".join(
        f"{counts[v]} {v if plain else claims.label_of(v)}" for v in Verdict if counts[v]
    )


def _counts(pages: Sequence[tuple[str, Sequence[Claim]]], whole: bool = True) -> list[str]:
    """Write a table: how many claims each page has, and how many of each verdict, or of each
    that occurs.
    """
    every = [claim for _, found in pages for claim in found]
    given = {claim.verdict for claim in every}
    verdicts = [verdict for verdict in Verdict if whole or verdict in given]
    lines = [
        f"| page | claims | {' | '.join(verdicts)} |",
        f"|---|{'---|' * (1 + len(verdicts))}",
    ]
    for name, found in [*pages, ("**all**", every)]:
        counts = Counter(claim.verdict for claim in found)
        cells = (str(counts[verdict] or "–") for verdict in verdicts)
        lines.append(f"| {name} | {len(found)} | {' | '.join(cells)} |")
    return lines


def _link(path: Path) -> str:
    return f"{{doc}}`{_label(path)} </notebooks/{path.stem}>`"


def _label(path: Path) -> str:
    """Figure 11 for figure-11-mnist, Figures 9 and 10 for figure-9-10-rouge-bleu."""
    numbered = re.match(r"(figure|prediction)((?:-\d+)+)", path.stem)
    if not numbered:
        return path.stem.replace("-", " ").capitalize()
    numbers = numbered[2].split("-")[1:]
    return f"{numbered[1].capitalize()}{'s' * (len(numbers) > 1)} {' and '.join(numbers)}"


def runs_table(executed: Sequence[Path], profile: str) -> str:
    """Write the table of what was run: profile, data sets, notebooks, seconds, machine, commit.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks, with papermill's metadata.
    profile : str
        Their profile.

    Returns
    -------
    str
        Markdown.
    """
    stamps = [found for path in executed if (found := stamp.read(path))]
    data = {one.name: one for found in stamps for one in found.loaded}
    lines = [
        f"This book was built in the **{profile}** profile from {_commit()},"
        f" on Python {platform.python_version()}, {platform.system()} {platform.machine()}.",
        "",
        *_data_sets(sorted(data.values(), key=lambda one: one.name)),
        "Seconds are of this run; trained networks may have come from the cache, which saves most"
        " of the time.",
        "",
        "| notebook | run on | seconds in this run |",
        "|---|---|---|",
    ]
    for path in executed:
        meta = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("papermill", {})
        day = meta.get("start_time", "")[:10].replace("-", "\u2011")  # a hyphen that never breaks
        lines.append(f"| {{doc}}`/notebooks/{path.stem}` | {day} | {meta.get('duration', 0):.0f} |")
    return "\n".join([*lines, ""])


def _data_sets(data: Sequence[stamp.Data]) -> list[str]:
    """Write the table of the data sets that were loaded, and say where they came from."""
    if not data:
        return []
    sources = {one.source for one in data}
    if len(sources) == 1:
        lines = [f"All data sets {SOURCES[sources.pop()]}.", ""]
        head, ends = "| data set | content |", [""] * len(data)
    else:
        words = [f"*{name}*, those that {SOURCES[name]}" for name in SOURCES if name in sources]
        lines = [f"Sources: {'; '.join(words)}.", ""]
        head, ends = "| data set | content | source |", [f" {one.source} |" for one in data]
    rows = [
        f"| {one.name} | {_cell(one.description)} |{end}"
        for one, end in zip(data, ends, strict=True)
    ]
    return [*lines, head, "|---" * (head.count("|") - 1) + "|", *rows, ""]


def _commit() -> str:
    """Return the commit of the clone, with a mark where files differ from it."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    except FileNotFoundError:
        return "an unknown commit (git is not installed)"
    return f"commit `{done.stdout.strip()}`" if done.returncode == 0 else "an unknown commit"
