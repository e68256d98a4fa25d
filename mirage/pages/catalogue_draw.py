"""Drawing of the catalogue: every claimed ability and every family of models at one glance."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from mirage.audit.words import VERDICTS

# Letter and colour; letters alone distinguish the verdicts in grey, too.
LOOKS = {
    "jump": ("J", "#117733"),
    "metric": ("M", "#c24e00"),
    "resolution": ("R", "#ddaa33"),
    "undecided": ("?", "#cfc8ea"),
    "gradual": ("G", "#66aadd"),
    "declines": ("D", "#cc79a7"),
    "flat": ("F", "#999999"),
    "never-above-chance": ("C", "#dddddd"),
    "": ("–", "#ffffff"),
}
_DARK = ("jump", "metric")


def draw_catalogue(
    ax: Axes, table: pl.DataFrame, listed: pl.DataFrame, tasks: list[str], families: list[str]
) -> Axes:
    """Draw a cell for each ability and family with public scores: its verdict.

    Parameters
    ----------
    ax : Axes
        Drawn on, and returned.
    table : polars.DataFrame
        Of `mirage.pages.catalogue_tables.curves`.
    listed : polars.DataFrame
        Of `mirage.pages.catalogue_tables.claimed`: their cells have a frame.
    tasks, families : list of str
        Rows and columns, of `mirage.pages.catalogue_tables.order`.

    Returns
    -------
    Axes
    """
    place = {task: i for i, task in enumerate(tasks)}
    column = {family: i for i, family in enumerate(families)}
    shown = table.filter(pl.col("task").is_in(tasks), pl.col("family").is_in(families))
    for task, family, kind in shown.select("task", "family", "kind").iter_rows():
        letter, color = LOOKS[kind]
        x, y = column[family], place[task]
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fc=color, ec="white", lw=1))
        ink = "white" if kind in _DARK else "black"
        ax.text(x, y, letter, ha="center", va="center", fontsize=9, color=ink)
    for task, family in listed.select("task", "family").iter_rows():
        x, y = column[family], place[task]
        ax.add_patch(Rectangle((x - 0.45, y - 0.45), 0.9, 0.9, fc="none", ec="black", lw=1.2))
    models = listed["model"].to_list()
    for i in range(1, len(models)):
        if models[i] != models[i - 1]:
            ax.axhline(i - 0.5, color="black", lw=0.6)
    names = [task.replace("_", " ") for task in tasks]
    ax.set_xticks(range(len(families)), families, rotation=60, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(tasks)), names)
    ax.tick_params(labelsize=9, length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.set(xlim=(-0.5, len(families) - 0.5), ylim=(len(tasks) - 0.5, -0.5))
    ax.grid(visible=False)
    return ax


def draw_groups(ax: Axes, listed: pl.DataFrame) -> Axes:
    """Write right of the rows at which model each group of abilities is called emergent.

    Parameters
    ----------
    ax : Axes
        Of `draw_catalogue`; returned.
    listed : polars.DataFrame
        Of `mirage.pages.catalogue_tables.claimed`.

    Returns
    -------
    Axes
    """
    groups = listed.with_row_index("row").group_by("model", maintain_order=True)
    right = ax.get_xlim()[1] + 0.3
    ax.text(right, -1, "called emergent at", va="bottom", fontsize=9, style="italic", clip_on=False)
    for (model,), rows in groups:
        ax.text(right, rows["row"].mean(), model, va="center", fontsize=9, clip_on=False)
    return ax


def legend(ax: Axes, table: pl.DataFrame) -> Axes:
    """Add a legend with the number of cells of each verdict below the picture."""
    shown = table.filter("is_listed")
    counts = dict(shown.group_by("kind").len().iter_rows())
    handles = [
        Patch(fc=color, ec="grey", label=f"{letter}  {VERDICTS[kind]} ({counts[kind]})")
        for kind, (letter, color) in LOOKS.items()
        if counts.get(kind)
    ]
    handles.append(Patch(fc="none", ec="black", label="the family that the claim is about"))
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.4, -0.01), ncols=2, fontsize=9)
    return ax
