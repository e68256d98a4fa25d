"""Figure 6 as published: LaMDA under the multiple choice grade and under the Brier score.

The points were read by eye. Each statistic carries the interval of that reading error; there is
none over items, since neither their number nor their scores are published.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Exceeds
from mirage.emergence.metric_change import noise_of
from mirage.fits.curve import fit
from mirage.metrics import catalogue
from mirage.pages import published
from mirage.statistics.intervals import percentile_interval

_PLACE = "Section 4, Figure 6: under the Brier score the emergent abilities of LaMDA disappear"
_IMPLIED = "Section 4: with a smooth metric of the same outputs the emergent ability disappears"


def _published(task: str, name: str) -> Claim:
    return Claim(
        id=f"figure-6-{name}",
        kind=Kind.PAPER,
        place=_PLACE,
        statement=f"Under −Brier score LaMDA's {task} does not rise sharply at its largest model:"
        " slope of the last step, in slopes of a straight line over the whole rise.",
        rule=Below(2),
    )


def _sharper(name: str, statement: str) -> Claim:
    return Claim(
        id=f"figure-6-{name}",
        kind=Kind.IMPLIED,
        place=_IMPLIED,
        statement=f"{statement}: difference of dormant shares.",
        rule=Exceeds(0),
    )


def _most(name: str, statement: str, place: str = _IMPLIED, kind: Kind = Kind.IMPLIED) -> Claim:
    return Claim(
        id=f"figure-6-{name}", kind=kind, place=place, statement=statement, rule=Exceeds(0.5)
    )


CLAIMS: tuple[Claim, ...] = (
    _published("irony identification", "irony"),
    _published("sports understanding", "sports"),
    _published("logical args", "logical"),
    _published("swahili english proverbs", "swahili"),
    _sharper(
        "arithmetic",
        "Accuracy of open models on BIG-bench arithmetic stays at its base longer than their"
        " −Brier score of the right answer",
    ),
    _sharper(
        "persian",
        "Accuracy of open models on Persian question answering stays at its base longer than"
        " their −Brier score of the right answer",
    ),
    _sharper(
        "ipa",
        "Exact match of open models on IPA transliteration stays at its base longer than BLEU of"
        " the same outputs",
    ),
    _most(
        "edit-distance",
        "Free answers of GPT-2, GPT-J and davinci, and of their instruction-tuned variants, on"
        " tasks whose exact match rises by 0.1 or more: share of curves in which exact match stays"
        " at its base longer than −edit distance.",
    ),
    _most(
        "bertscore",
        "The same curves: share in which exact match stays at its base longer than BERTScore.",
    ),
    _most(
        "loss",
        "Tasks of the inverse-scaling pipeline on which accuracy of GPT-2 or GPT-3 rises: share in"
        " which accuracy stays at its base longer than the log-probability of the right answer,"
        " with an interval above 0.",
    ),
    _most(
        "olmo-probability",
        "OLMo ladder against compute: share of tasks on which accuracy stays at its base longer"
        " than minus bits per byte of the right answer.",
    ),
    _most(
        "olmo-correlation",
        "OLMo ladder: share of tasks on which accuracy has a lower rank correlation with compute"
        " than minus bits per byte of the right answer.",
        "Schaeffer et al. (2024): each step from likelihood to accuracy loses correlation",
        Kind.OURS,
    ),
    _most(
        "disappears",
        "Real models under two metrics, all data sets of this page: of the jumps under the first"
        " metric whose outcome is decided, the share that disappears under the second.",
    ),
)


READING_ERROR = 0.01  # of each point, in the unit of its axis


def lamda() -> pl.DataFrame:
    """Figure 6 as published: four tasks, two metrics, two numbers of shots, six sizes.

    Returns
    -------
    polars.DataFrame
        ``task, shots, metric, n_params, score``, read by eye to ± 0.01, and ``chance``, what a
        uniform guess scores: 1/K, and −(K − 1)/K² under the (negated) Brier score.

    Examples
    --------
    >>> lamda().filter(task="logical_args", metric="negative Brier score")["chance"].unique().item()
    -0.16
    """
    figure, rows = published.load("fig6_by_eye_pm0.01"), []
    for metric, key in (("multiple choice grade", "mcg"), ("negative Brier score", "neg_brier")):
        for shots in (2, 3):
            for task, scores in figure[f"{key}_shot{shots}"].items():
                k = 1 / figure["chance_mcg"][task]
                chance = 1 / k if key == "mcg" else -(k - 1) / k**2
                for n_params, score in zip(figure["params"], scores, strict=True):
                    row = {"task": task, "shots": shots, "metric": metric, "n_params": n_params}
                    rows.append(row | {"score": score, "chance": round(chance, 12)})
    return pl.DataFrame(rows).with_columns(pl.col("n_params").cast(int))


def reading(n_draws: int, rng: np.random.Generator) -> pl.DataFrame:
    """What Figure 6 says of each task and metric, within the error of reading it.

    Parameters
    ----------
    n_draws : int
        Draws of the reading errors, uniform and independent.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    polars.DataFrame
        One row per task and metric. Three statistics, each with its ends ``_low`` and ``_high``
        over the draws; scores are averaged over both numbers of shots:

        - ``steepness`` of the last step: its share of the whole change over its share of the log
          axis. 1 for a straight line in log size; NaN where the score falls over all sizes;
        - ``last``: the change from the second largest model to the largest;
        - ``first``: the smallest model's score less that of a uniform guess.

    Examples
    --------
    >>> table = reading(100, np.random.default_rng(0)).filter(task="swahili_english_proverbs")
    >>> table.select("metric", pl.col("last").round(4)).rows()
    [('multiple choice grade', 0.072), ('negative Brier score', -0.0435)]
    """
    rows = []
    for (task, metric), one in lamda().group_by(["task", "metric"], maintain_order=True):
        sizes = one["n_params"].unique().sort().to_numpy()
        y = one.sort("shots", "n_params")["score"].to_numpy().reshape(-1, len(sizes))
        errors = rng.uniform(-READING_ERROR, READING_ERROR, (n_draws, *y.shape))
        drawn = (y + errors).mean(axis=1)  # (draws, sizes)
        found = _statistics(y.mean(axis=0), sizes, one["chance"][0])
        ends = _statistics(drawn, sizes, one["chance"][0])
        row = {"task": task, "metric": metric}
        for name, value in found.items():
            low, high = percentile_interval(ends[name])
            row |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pl.DataFrame(rows)


def _statistics(y: np.ndarray, sizes: np.ndarray, chance: float) -> dict[str, np.ndarray]:
    log = np.log(sizes)
    axis = (log[-1] - log[-2]) / (log[-1] - log[0])
    last, whole = y[..., -1] - y[..., -2], y[..., -1] - y[..., 0]
    steepness = np.where(whole > 0, last / np.where(whole > 0, whole, 1), np.nan) / axis
    return {"steepness": steepness, "last": last, "first": y[..., 0] - chance}


@dataclass(frozen=True)
class Pair:
    """Two metrics of one task.

    Attributes
    ----------
    data : str
        Name of the score table for `mirage.datasets.load`.
    task : str
        Task in that table.
    label : str
        What the figures call it.
    old, new : str
        The nonlinear metric, a share of right items, and the one it is changed to.
    """

    data: str
    task: str
    label: str
    old: str
    new: str

    @property
    def bounds(self) -> tuple[float, float]:
        """Range of the new metric, turned so that higher is better."""
        metric = catalogue.get(self.new)
        return metric.bounds if metric.higher_is_better else catalogue.get(f"−{self.new}").bounds


PAIRS = (
    Pair("expemergence", "arithmetic", "arithmetic", "accuracy", "target Brier score"),
    Pair("expemergence", "parsinlu_qa", "Persian QA", "accuracy", "target Brier score"),
    Pair(
        "obsscaling",
        "international_phonetic_alphabet_transliterate",
        "IPA transliteration",
        "exact match",
        "BLEU",
    ),
)


BIGG = ("accuracy", "top-label Brier score, normalised")
BRIER = catalogue.get(f"−{BIGG[1]}").bounds  # turned so that higher is better


def fitted(
    table: pl.DataFrame, side: str, models: list[str], bounds: tuple[float, float]
) -> pl.DataFrame:
    """Fitted curves of one task under one metric, for drawing.

    Parameters
    ----------
    table : polars.DataFrame
        Of `paired`, one task.
    side : {"old", "new"}
        Which metric.
    models : list of str
        Names in `mirage.fits.MODELS`.
    bounds : (float, float)
        Range of the new metric.

    Returns
    -------
    polars.DataFrame
        ``x``, 200 points over the range, and one column per model.
    """
    x, noise = table["x"].to_numpy(), noise_of(side, table["n_items"].to_numpy(), bounds)
    at = np.geomspace(x.min(), x.max(), 200)
    curves = {m: fit(x, table[side].to_numpy(), m, **noise).predict(at) for m in models}
    return pl.DataFrame({"x": at} | curves)
