"""The catalogue's picture: every claimed ability and every family of models at one glance.

A table of letters and colours, because each cell is a link to the card of its curve, which a
picture of pixels cannot be. What a reader chooses to see is left to the style sheet alone, so that
the choice works without a script, in the book and in a notebook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from mirage.audit.cards import anchor
from mirage.book.reports import card_link
from mirage.pages.catalogue_tables import SHOWN

# Letter, ground and ink; letters alone distinguish the verdicts in grey, too.
LOOKS = {
    "jump": ("J", "#117733", "#fff"),
    "metric": ("M", "#c24e00", "#fff"),
    "resolution": ("R", "#ddaa33", "#000"),
    "undecided": ("?", "#cfc8ea", "#000"),
    "gradual": ("G", "#66aadd", "#000"),
    "declines": ("D", "#cc79a7", "#000"),
    "flat": ("F", "#999999", "#000"),
    "never-above-chance": ("C", "#dddddd", "#000"),
    "": ("–", "#ffffff", "#000"),
}
EDGE = "#767676"  # of pale cells, on white and on the book's dark ground
REPORT = "catalogue"  # name of the report that holds the cards

_STYLE = """
.catalogue fieldset {
  border: 0; display: flex; flex-wrap: wrap; gap: .2rem .9rem; margin: 0 0 .6rem; padding: 0;
}
.catalogue legend { font-size: .9rem; font-weight: 600; margin: 0; }
.catalogue label {
  align-items: center; display: inline-flex; font-size: .9rem; gap: .35rem; margin: 0;
  min-height: 1.75rem;
}
.catalogue .rows-box { max-width: 100%; overflow-x: auto; padding-bottom: .3rem; }
.catalogue table {
  border-collapse: separate; border-spacing: 0; font-size: .85rem; line-height: 1.2; margin: 0;
}
.catalogue table tr { background: none; }
.catalogue :is(th, td) {
  border: 1px solid transparent; font-weight: 400; padding: 0; text-align: center;
  vertical-align: middle;
}
.catalogue :is(thead, tfoot) th span {
  display: inline-block; padding: .3rem 0; transform: rotate(180deg); white-space: nowrap;
  writing-mode: vertical-rl;
}
.catalogue thead th { vertical-align: bottom; }
.catalogue tfoot th { vertical-align: top; }
.catalogue tbody th {
  background: var(--pst-color-background, #fff); left: 0; max-width: 11rem; min-width: 11rem;
  overflow-wrap: break-word; padding: 0 .5rem 0 0; position: sticky; text-align: right; z-index: 1;
}
.catalogue tbody th[scope=rowgroup] {
  border-top-color: currentcolor; font-weight: 600; padding: .35rem 0 .2rem; text-align: left;
}
.catalogue tbody th[scope=rowgroup] + td { border-top-color: currentcolor; }
.catalogue td > :is(a, i), .catalogue label > i {
  border: 1px solid EDGE; box-sizing: border-box; display: grid; font-style: normal;
  height: 1.5rem; margin: auto; place-items: center; print-color-adjust: exact;
  text-decoration: none; width: 1.5rem;
}
.catalogue label > i { height: 1.3rem; margin: 0; width: 1.3rem; }
.catalogue .framed { box-shadow: inset 0 0 0 2px currentcolor; }
.catalogue td > a[href]:hover { text-decoration: underline; text-decoration-thickness: 2px; }
.catalogue td > a[href]:focus-visible {
  outline: 3px solid var(--pst-color-primary, #1159c4); outline-offset: 1px;
}
@media (max-width: 600px) {
  .catalogue tbody th { hyphens: auto; max-width: 7.5rem; min-width: 7.5rem; }
}
"""


@dataclass(frozen=True)
class Picture:
    """A table as a notebook shows it; made by :func:`picture`.

    Parameters
    ----------
    markup : str
        HTML without blank lines.
    text : str
        In its place where no HTML is shown.
    """

    markup: str
    text: str

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.markup, "text/plain": self.text}


def picture(
    table: pl.DataFrame, listed: pl.DataFrame, tasks: Sequence[str], families: Sequence[str]
) -> Picture:
    """Lay out a cell for each ability and family with public scores: its verdict.

    Parameters
    ----------
    table : polars.DataFrame
        Of `mirage.pages.catalogue_tables.curves`.
    listed : polars.DataFrame
        Of `mirage.pages.catalogue_tables.claimed`: their cells have a frame.
    tasks, families : sequence of str
        Rows and columns, of `mirage.pages.catalogue_tables.order`.

    Returns
    -------
    Picture
        Where the report named `REPORT` is on the page, the book makes each cell a link to its card.
    """
    shown = table.filter(pl.col("task").is_in(tasks), pl.col("family").is_in(families))
    curves: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in shown.iter_rows(named=True):
        curves.setdefault((row["task"], row["family"]), []).append(row)
    claims = set(listed.select("task", "family").iter_rows())
    models = list(dict.fromkeys(listed.filter(pl.col("task").is_in(tasks))["model"]))
    counts = dict(shown.group_by("kind").len().iter_rows())
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in families)
    groups = []
    for i, model in enumerate(models):
        names = [task for task in tasks if task in listed.filter(model=model)["task"]]
        rows = [_row(task, families, curves, claims) for task in names]
        title = f'<th scope="rowgroup">{escape(model)}</th><td colspan="{len(families)}"></td>'
        groups.append(f'<tbody class="group-{i}"><tr>{title}</tr>\n' + "\n".join(rows) + "</tbody>")
    caption = "Rows: abilities, below the model at which each is called emergent. Columns: families"
    caption += " of models. An empty place: no public scores of three sizes or more."
    style = _STYLE.replace("EDGE", EDGE) + _choices(counts, len(models))
    parts = [
        f'<div class="catalogue"><style>{style}</style>',
        _verdicts(counts, shown.height),
        _groups(models),
        f"<p>{caption}</p>",
        '<div class="rows-box" tabindex="0" role="region" aria-label="Verdicts, a link each">',
        "<table>",
        f"<thead><tr><td></td>{head}</tr></thead>",
        *groups,
        f'<tfoot aria-hidden="true"><tr><td></td>{head}</tr></tfoot>',
        "</table></div></div>",
    ]
    text = ", ".join(f"{SHOWN[kind]}: {n}" for kind, n in sorted(counts.items()))
    return Picture("\n".join(part.strip("\n") for part in parts), text)


def _row(
    task: str,
    families: Sequence[str],
    curves: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    claims: Set[tuple[str, str]],
) -> str:
    name = escape(task.replace("_", " "))
    cells = []
    for family in families:
        claimed = (task, family) in claims
        links = [_link(row, claimed) for row in curves.get((task, family), ())]
        if claimed and not links:
            said = f"{name}, {escape(family)}: the claim is about this family, no public scores"
            links = [f'<i class="framed" role="img" aria-label="{said}" title="{said}"></i>']
        start = '<td class="claimed">' if claimed else "<td>"
        cells.append(f"{start}{''.join(links)}</td>")
    return f'<tr class="ability"><th scope="row">{name}</th>{"".join(cells)}</tr>'


def _link(row: Mapping[str, Any], claimed: bool) -> str:
    kind = row["kind"]
    said = f"{row['task'].replace('_', ' ')}, {row['family']}"
    said += f", {row['protocol']}" if row["protocol"] else ""
    said += f": {SHOWN[kind]}, {row['n_models']} models"
    said += "; the claim is about this family" if claimed else ""
    card = card_link(REPORT, anchor(row["family"], row["task"], row["protocol"]))
    look = f"{_name(kind)}{' framed' if claimed else ''}"
    said = escape(said)
    return f'<a {card} class="{look}" aria-label="{said}" title="{said}">{LOOKS[kind][0]}</a>'


def _name(kind: str) -> str:
    """Class of a verdict's cells."""
    return f"is-{kind or 'not-judged'}"


def _verdicts(counts: Mapping[str, int], n: int) -> str:
    """The legend, in which one verdict can be chosen."""
    choices = [_radio("verdict", "", f"all {n} curves", True)]
    for kind, (letter, *_) in LOOKS.items():
        if counts.get(kind):
            swatch = f'<i class="{_name(kind)}" aria-hidden="true">{letter}</i>'
            choices.append(
                _radio("verdict", _name(kind), f"{swatch} {SHOWN[kind]} ({counts[kind]})")
            )
    return f"<fieldset><legend>Verdict of the audit</legend>{''.join(choices)}</fieldset>"


def _groups(models: Sequence[str]) -> str:
    choices = [_radio("group", "", "every model", True)]
    choices += [_radio("group", f"group-{i}", escape(model)) for i, model in enumerate(models)]
    framed = '<label><input type="checkbox" value="claimed"> <i class="framed"></i>'
    return (
        f"<fieldset><legend>Called emergent at</legend>{''.join(choices)}</fieldset>\n"
        f"<fieldset>{framed} only the family that the claim is about</label></fieldset>"
    )


def _radio(group: str, value: str, content: str, checked: bool = False) -> str:
    state = " checked" if checked else ""
    start = f'<label><input type="radio" name="catalogue-{group}" value="{value}"{state}>'
    return f"{start} {content}</label>"


def _choices(counts: Mapping[str, int], n_groups: int) -> str:
    """Colours of the verdicts, and rules that hide what is not chosen, from the keyboard, too."""
    rules = []
    for kind, (_, ground, ink) in LOOKS.items():
        name, chosen = _name(kind), _if(_name(kind))
        rules.append(f".catalogue .{name}, .catalogue td > a.{name} {{ ")
        rules[-1] += f"background: {ground}; color: {ink}; }}"
        if counts.get(kind):
            rules += [
                f"{chosen} td > :not(.{name}) {{ visibility: hidden; }}",
                f"{chosen} :is(.ability, tbody):not(:has(.{name})) {{ display: none; }}",
                f"{chosen}:has(input[value=claimed]:checked) :is(.ability, tbody)"
                f":not(:has(.claimed > .{name})) {{ display: none; }}",
            ]
    rules.append(f"{_if('claimed')} td:not(.claimed) > * {{ visibility: hidden; }}")
    for i in range(n_groups):
        rules.append(f"{_if(f'group-{i}')} tbody:not(.group-{i}) {{ display: none; }}")
    return "\n".join(rules)


def _if(value: str) -> str:
    return f".catalogue:has(input[value={value}]:checked)"
