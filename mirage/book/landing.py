"""Pages made from the executed notebooks: the landing page's claims, and what ran on what."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mirage.book import claims
from mirage.files import atomic_write

ERRATA = "errata"  # the notebook of statements that are counted apart


def verdicts_table(executed: Sequence[Path]) -> str:
    """Count the verdicts, page by page.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks; one without recorded claims adds no row; errata are counted apart.

    Returns
    -------
    str
        Markdown: a line that counts all verdicts, and a table whose rows link to their notebook.
    """
    pages = _by_page(executed)
    every = [claim for _, found in pages for claim in found]
    errata = [claim for path in executed if path.stem == ERRATA for claim in claims.read(path)]
    counts = Counter(claim.verdict for claim in every)
    summary = ", ".join(f"{counts[v]} {claims.badge(v)}" for v in claims.Verdict if counts[v])
    failing = sum(claim.verdict == claims.Verdict.NOT_REPRODUCED for claim in errata)
    lines = [
        f"Of {len(every)} claims: {summary}.",
        f"Of {len(errata)} further statements of the paper, {failing} fail their check:"
        " {doc}`/notebooks/errata`.",
        "",
        ":::{table} How many claims of each page have which verdict.",
        ":name: tab-verdicts",
        "",
        *_counts([(_link(path), found) for path, found in pages]),
        ":::",
        "",
    ]
    return "\n".join(lines)


def claims_table(executed: Sequence[Path]) -> str:
    """Write the "paper vs ours" table of all notebooks.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks; one without recorded claims adds no row; the errata are left out.

    Returns
    -------
    str
        Markdown: a table whose rows link to their notebook.
    """
    lines = [
        ":::{table} The paper's claims beside what this book computes."
        " Brackets: 95 % intervals; n says what they rest on.",
        ":name: tab-claims",
        ":class: claims",
        "",
        "| claim | paper | ours | verdict | where |",
        "|---|---|---|---|---|",
    ]
    for path, found in _by_page(executed):
        for claim, row in zip(found, claims.rows(found), strict=True):
            statement, paper, ours, _, _ = (" ".join(c.replace("|", "\\|").split()) for c in row)
            badge = claims.badge(claim.verdict)
            lines.append(f"| {statement} | {paper} | {ours} | {badge} | {_link(path)} |")
    return "\n".join([*lines, ":::", ""])


def write_readme(readme: Path, executed: Sequence[Path], profile: str, data: str) -> None:
    """Put the table of claims between the two comments that mark its place in the README.

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
    before, start, rest = readme.read_text().partition("<!-- results")
    _, end, after = rest.partition("<!-- end of results -->")
    if not start or not end:
        raise ValueError(f"{readme}: found no '<!-- results' and '<!-- end of results -->'")
    pages = _by_page(executed)
    n_claims = sum(len(found) for _, found in pages)
    lines = [
        f"<!-- results: written by `mirage book --profile {profile} --readme` -->",
        f"Verdicts in the *{profile}* profile; *not reproduced* is a result, not an omission.",
        "",
        *_counts([(_label(path), found) for path, found in pages]),
        "",
        "<details>",
        f"<summary>All {n_claims} claims, with 95 % intervals in brackets</summary>",
        "",
        f"Data: {data}.",
        "",
        "| | claim | paper | ours | verdict |",
        "|---|---|---|---|---|",
    ]
    for path, found in pages:
        for statement, paper, ours, _, verdict in claims.rows(found):
            cells = (cell.replace("|", "\\|") for cell in (statement, paper, ours, verdict))
            lines.append(f"| {_label(path)} | {' | '.join(cells)} |")
    lines += ["", "</details>"]
    with atomic_write(readme) as file:
        file.write((before + "\n".join([*lines, end + after])).encode())


def _by_page(executed: Sequence[Path]) -> list[tuple[Path, list[claims.Claim]]]:
    """Return the claims of each notebook that has some; the errata are counted apart."""
    pages = ((path, claims.read(path)) for path in executed if path.stem != ERRATA)
    return [(path, found) for path, found in pages if found]


def _counts(pages: Sequence[tuple[str, Sequence[claims.Claim]]]) -> list[str]:
    """Write a table: how many claims each page has, and how many of each verdict."""
    every = [claim for _, found in pages for claim in found]
    lines = [
        f"| | claims | {' | '.join(claims.Verdict)} |",
        f"|---|{'---|' * (1 + len(claims.Verdict))}",
    ]
    for name, found in [*pages, ("**all**", every)]:
        counts = Counter(claim.verdict for claim in found)
        cells = (str(counts[verdict] or "–") for verdict in claims.Verdict)
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
    """Write the table of what was run: notebook, parameters, seconds, machine, commit.

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
    lines = [
        f"This book was built in the **{profile}** profile from {_commit()},"
        f" on Python {platform.python_version()}, {platform.system()} {platform.machine()}.",
        "",
        "| notebook | run on | seconds |",
        "|---|---|---|",
    ]
    for path in executed:
        meta = json.loads(path.read_text())["metadata"].get("papermill", {})
        day = meta.get("start_time", "")[:10]
        lines.append(f"| {{doc}}`/notebooks/{path.stem}` | {day} | {meta.get('duration', 0):.0f} |")
    return "\n".join([*lines, ""])


def _commit() -> str:
    """Return the commit of the clone, with a mark where files differ from it."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "an unknown commit (git is not installed)"
    return f"commit `{done.stdout.strip()}`" if done.returncode == 0 else "an unknown commit"
