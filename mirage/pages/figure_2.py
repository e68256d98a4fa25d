"""Figure 2: six metrics of one smooth model, and when each of them begins to rise.

The paper's model is p(N) = exp(−(N/c)^α) (Section 2); its panels are functions of p alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from mirage import plots
from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Below, Exceeds
from mirage.emergence.dormancy import dormancy
from mirage.emergence.scores import emergence_score
from mirage.pages.bases import GUESS, Shares, compared
from mirage.theory import tokens

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="figure-2-points",
        kind=Kind.PAPER,
        place="Section 2, Figure 2: six curves that follow from one scaling law",
        statement="The 24 points of Figure 2 follow from the paper's formulas with c = 2e9,"
        " α = −0.5, L = 5 and K = 2: largest distance, as a share of its panel's range.",
        rule=Below(1e-3),
    ),
    Claim(
        id="figure-2-accuracy",
        kind=Kind.PAPER,
        place="Section 2, Figures 2C and 2E: accuracy jumps, token edit distance does not",
        statement="On the paper's four sizes, accuracy on 5 tokens stays at its base longer than"
        " −token edit distance of the same outputs: difference of dormant shares.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-2-grade",
        kind=Kind.PAPER,
        place="Section 2, Figures 2D and 2F: multiple choice grade jumps, Brier score does not",
        statement="On the paper's four sizes, multiple choice grade stays at its base longer than"
        " −Brier score of the same probabilities: difference of dormant shares, from the first"
        " scores and from the level of a guess.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-2-grids",
        kind=Kind.IMPLIED,
        place="Section 2: the metric makes the ability emerge, whichever sizes are trained",
        statement="Accuracy on 5 tokens also stays at its base longer than −token edit distance on"
        " 12 sizes of the same range, and on 12 and 50 sizes from 1e8 to 1e11 parameters:"
        " smallest difference of dormant shares.",
        rule=Exceeds(0),
    ),
)


class Panel(NamedTuple):
    """One panel of the figure: the metric on its vertical axis, and how it is drawn."""

    metric: str
    label: str
    name: str  # as the subject of the panel's title
    color: str


MODEL = "#444444"
PANELS = {
    "A": Panel("cross_entropy", "cross-entropy (nats per token)", "Loss", MODEL),
    "B": Panel("token_probability", "token probability", "Token probability", MODEL),
    "C": Panel("accuracy", "accuracy", "Accuracy", plots.SHARP),
    "D": Panel("multiple_choice_grade", "multiple choice grade", "Choice grade", plots.SHARP),
    "E": Panel("edit_distance", "−token edit distance (tokens)", "Edit distance", plots.SMOOTH),
    "F": Panel("brier_score", "−Brier score", "Brier score", plots.SMOOTH),
}
PAIRS = {"accuracy": "CE", "grade": "DF"}  # a sharp and a smooth metric of the same outputs


def curves(
    sizes: ArrayLike, c: float = 2e9, alpha: float = -0.5, length: int = 5, n_choices: int = 2
) -> pl.DataFrame:
    """Compute the six curves of the figure.

    Parameters
    ----------
    sizes : array_like, shape (models,)
        Numbers of parameters.
    c, alpha : float
        The scaling law's scale (parameters) and exponent.
    length, n_choices : int
        Target length L in tokens, and number of choices K.

    Returns
    -------
    polars.DataFrame
        ``n_params`` and one column per metric of ``PANELS``. Edit distance (tokens) and Brier
        score are negative, so that higher is better in all but the cross-entropy (nats).

    Examples
    --------
    >>> curves([2e9])["accuracy"].round(6).item()  # p = 1/e
    0.006738
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    p = tokens.token_probability(sizes, c, alpha)
    return pl.DataFrame(
        {
            "n_params": sizes,
            "cross_entropy": tokens.cross_entropy(sizes, c, alpha),
            "token_probability": p,
            "accuracy": tokens.accuracy(p, length),
            "multiple_choice_grade": tokens.multiple_choice_grade(p, n_choices),
            "edit_distance": -tokens.token_edit_distance(p, length),
            "brier_score": -tokens.brier_score(p),
        }
    )


def grids(paper: Sequence[float]) -> dict[str, np.ndarray]:
    """Return sets of model sizes by name: the paper's four, and three evenly spaced ones.

    Examples
    --------
    >>> [len(sizes) for sizes in grids([3.5e8, 1.3e9, 6.7e9, 2e11]).values()]
    [4, 12, 12, 50]
    """
    return {
        "the paper's 4 sizes": np.asarray(paper),
        "12 sizes, same range": np.geomspace(paper[0], paper[-1], 12),
        "12 sizes, 1e8 to 1e11": np.geomspace(1e8, 1e11, 12),
        "50 sizes, 1e8 to 1e11": np.geomspace(1e8, 1e11, 50),
    }


def onsets(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Compare when accuracy and token edit distance begin to rise, on several sets of sizes.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        :func:`curves` by the name of the set.

    Returns
    -------
    polars.DataFrame
        ``sizes``; the dormant shares ``accuracy`` and ``edit_distance``, their ``difference``;
        ``score_ratio``, the emergence score of accuracy over that of −token edit distance.

    Examples
    --------
    >>> sizes = grids([3.5e8, 1.3e9, 6.7e9, 2e11])
    >>> table = onsets({name: curves(of) for name, of in sizes.items()})
    >>> table["difference"].round(2).to_list(), table["score_ratio"].round(2).to_list()[:2]
    ([0.28, 0.33, 0.39, 0.4], [3.43, 0.92])
    """
    rows = []
    for name, table in tables.items():
        pair = table.select("accuracy", "edit_distance").to_numpy().T
        accuracy, distance = np.asarray(dormancy(pair, table["n_params"]).share).tolist()
        sharp, smooth = emergence_score(pair)
        row = {"sizes": name, "accuracy": accuracy, "edit_distance": distance}
        rows.append(row | {"difference": accuracy - distance, "score_ratio": float(sharp / smooth)})
    return pl.DataFrame(rows)


def shares(table: pl.DataFrame) -> dict[str, float]:
    """Dormant share, in [0, 1], of each rising panel of a table of :func:`curves`.

    Examples
    --------
    >>> {k: round(v, 2) for k, v in shares(curves([3.5e8, 1.3e9, 6.7e9, 2e11])).items()}
    {'B': 0.04, 'C': 0.32, 'D': 0.22, 'E': 0.04, 'F': 0.03}
    """
    rising = {name: panel.metric for name, panel in PANELS.items() if name != "A"}
    y = table.select(rising.values()).to_numpy().T
    found = np.asarray(dormancy(y, table["n_params"]).share)
    return dict(zip(rising, found.tolist(), strict=True))


def shares_from_a_guess(table: pl.DataFrame, n_choices: int = 2) -> dict[str, float]:
    """Dormant share of multiple choice grade and −Brier score (D, F) above the level of a guess.

    Parameters
    ----------
    table : polars.DataFrame
        Of :func:`curves`.
    n_choices : int
        Number of choices K; a guess gives the right one the probability 1/K.

    Examples
    --------
    >>> found = shares_from_a_guess(curves([3.5e8, 1.3e9, 6.7e9, 2e11]))
    >>> {k: round(v, 2) for k, v in found.items()}
    {'D': 0.22, 'F': 0.25}
    """
    y = table.select("multiple_choice_grade", "brier_score").to_numpy().T
    guess = [1 / n_choices, -tokens.brier_score(1 / n_choices)]
    found = np.asarray(dormancy(y, table["n_params"], guess).share)
    return dict(zip("DF", found.tolist(), strict=True))


def distances(table: pl.DataFrame, points: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Largest distance of a published point from the formula, as a share of its panel's range.

    Parameters
    ----------
    table : polars.DataFrame
        :func:`curves` at the paper's sizes.
    points : mapping of str to sequence of float
        The published values by panel.

    Returns
    -------
    dict of str to float
        By panel, at least 0.
    """
    y = {name: table[panel.metric].to_numpy() for name, panel in PANELS.items()}
    return {
        name: float(np.abs(found - points[name]).max() / np.ptp(found)) for name, found in y.items()
    }


def findings(
    table: pl.DataFrame,
    points: Mapping[str, Sequence[float]],
    by_grid: pl.DataFrame,
    guess: Mapping[str, float],
) -> dict[str, Found | str]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    table : polars.DataFrame
        :func:`curves` at the paper's sizes.
    points : mapping of str to sequence of float
        The published values by panel.
    by_grid : polars.DataFrame
        :func:`onsets`, the paper's sizes first.
    guess : mapping of str to float
        :func:`shares_from_a_guess` of `table`.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    found: dict[str, Found | str] = {}
    worst = max(distances(table, points).values())
    found["figure-2-points"] = Found(worst, n=len(PANELS) * table.height, n_of="points")
    share = shares(table)
    first, above = (Shares(*map(base.get, "DF")) for base in (share, guess))
    found["figure-2-grade"] = compared(first, above, GUESS, table.height, "sizes")
    accuracy = share["C"] - share["E"]  # of an edit distance a guess is not defined
    found["figure-2-accuracy"] = (
        "a metric does not rise on these sizes"
        if np.isnan(accuracy)
        else Found(accuracy, n=table.height, n_of="sizes")
    )
    others = by_grid["difference"][1:].min()
    found["figure-2-grids"] = Found(others, n=by_grid.height - 1, n_of="sets of sizes")
    return found


def messages(share: Mapping[str, float], guess: Mapping[str, float]) -> dict[str, str]:
    """Title of each panel; a metric "jumps" where its rise begins after its smooth partner's.

    Parameters
    ----------
    share, guess : mapping of str to float
        :func:`shares` and :func:`shares_from_a_guess` of one table.

    Examples
    --------
    >>> share = {"C": 0.3, "D": 0.2, "E": 0.0, "F": 0.0}
    >>> titles = messages(share, {"D": 0.2, "F": 0.3})
    >>> titles["C"], titles["D"], titles["F"]
    ('Accuracy jumps', 'Choice grade: base decides', 'Brier score: base decides')
    """
    titles = {name: panel.name for name, panel in PANELS.items()}
    titles |= {"A": "Loss falls steadily", "B": "Token probability rises"}
    for sharp, smooth in PAIRS.values():
        jumps = [
            base[sharp] > base[smooth] + 0.01
            for base in (share, guess)
            if {sharp, smooth} <= {*base}
        ]
        if any(jumps) and not all(jumps):
            ends = ": base decides", ": base decides"
        elif jumps[0]:
            ends = " jumps", " does not"  # a line or a parabola in p
        else:
            ends = " does not jump", " does not, either"
        titles[sharp] += ends[0]
        titles[smooth] += ends[1]
    return titles


def draw_panels(
    axes: Sequence[Axes],
    dense: pl.DataFrame,
    table: pl.DataFrame,
    points: Mapping[str, Sequence[float]],
    share: Mapping[str, float],
    guess: Mapping[str, float],
) -> Sequence[Axes]:
    """Draw the six panels: model, the paper's points, and the dormant part of the sizes shaded.

    Parameters
    ----------
    axes : sequence of Axes
        Six, in the order A, C, D, B, E, F: the model left, sharp metrics above smooth ones.
    dense, table : polars.DataFrame
        :func:`curves` on many sizes, and at the paper's.
    points : mapping of str to sequence of float
        The published values by panel.
    share, guess : mapping of str to float
        :func:`shares` and :func:`shares_from_a_guess` of `table`.

    Returns
    -------
    sequence of Axes
    """
    low, high = table["n_params"].min(), table["n_params"].max()
    titles = messages(share, guess)
    for ax, name in zip(axes, "ACDBEF", strict=True):
        panel = PANELS[name]
        ax.plot(dense["n_params"], dense[panel.metric], color=panel.color, label="model")
        ax.plot(table["n_params"], table[panel.metric], "s", color=panel.color, ms=4)
        plots.published(ax, table["n_params"], points[name], label="paper's points")
        if share.get(name, 0) > 0:
            end = low * (high / low) ** share[name]
            ax.axvspan(low, end, color=panel.color, alpha=0.15, lw=0, label="dormant")
        scale = "log" if name == "A" else "linear"
        ax.set(xscale="log", yscale=scale, ylabel=panel.label, xlabel="parameters")
        plots.letter(ax, name, titles[name])
        ax.legend(loc="best", fontsize=9)
    return axes
