"""Grokking: accuracy jumps late in training; does a smooth metric rise before it?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from mirage.book.claims import Claim, Found
from mirage.book.rules import Below, Exceeds, Verdict
from mirage.emergence.dormancy import dormancy
from mirage.formatting import number
from mirage.pages.bases import FIRST, spanning
from mirage.statistics.intervals import mean_interval
from mirage.training.modular import METRICS

ACCURACY, LOG_LIKELIHOOD, PROBABILITY = METRICS
LEARNED = 0.9  # share of pairs that are right
APPENDIX = "Camera-ready, Appendix C (grokking)"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="grokking-late",
        place="Power et al. (2022): networks can generalise long after they know their training"
        " set",
        statement="Networks trained on modular addition: training steps until 90 % of the test"
        " pairs are right over steps until 90 % of the training pairs are (geometric mean over"
        " seeds).",
        rule=Exceeds(3),
    ),
    Claim(
        id="grokking-sharper",
        place=f"{APPENDIX}: is the jump of accuracy one of the metric?",
        statement="Test accuracy stays at its base longer, on a log axis of the training steps,"
        " than the mean log-probability of the right answers to the same pairs: difference of"
        " dormant shares, from the level of a guess and from the first scores.",
        rule=Exceeds(0),
    ),
    Claim(
        id="grokking-probability",
        place=f"{APPENDIX}: the same, for a smooth metric between 0 and 1",
        statement="Test accuracy stays at its base longer, on a log axis of the training steps,"
        " than the mean probability of the right answers to the same pairs: difference of dormant"
        " shares, from the level of a guess and from the first scores.",
        rule=Exceeds(0),
    ),
    Claim(
        id="grokking-smooth",
        place=f"{APPENDIX}: a smooth metric that rises from the start would forecast the jump",
        statement="The mean log-probability of the right answers to test pairs rises above that of"
        " a guess from the first training steps on: dormant share of the steps, on a log axis.",
        rule=Below(0.1),
    ),
    Claim(
        id="grokking-worse",
        place=f"{APPENDIX}: does the smooth metric change for the better only?",
        statement="While the training pairs are learned, the mean loss on test pairs is worse than"
        " that of a guess: its highest value less log p, in nats.",
        rule=Exceeds(0),
    ),
    Claim(
        id="grokking-turn",
        place=f"{APPENDIX}: does the smooth metric change for the better before the jump?",
        statement="The mean log-probability of the right answers to test pairs is lowest before"
        " test accuracy leaves the level of a guess: steps of the second over steps of the first"
        " (geometric mean over seeds).",
        rule=Exceeds(1),
    ),
)


def curve(scores: pl.DataFrame, metric: str, split: str = "test") -> pl.DataFrame:
    """Scores of one metric and split over the steps, a column per seed.

    Parameters
    ----------
    scores : polars.DataFrame
        Score table of `mirage.training.modular.evaluate`.
    metric : str
        One of `mirage.training.modular.METRICS`.
    split : {"test", "train"}

    Returns
    -------
    polars.DataFrame
        Columns ``step``, ascending, then ``0``, ``1``, … by seed.
    """
    chosen = scores.filter(metric=metric, split=split).sort("seed")
    return chosen.pivot(on="seed", index="step", values="score").sort("step")


def guess(metric: str, prime: int) -> float:
    """Return what a network scores that gives each of p answers the probability 1/p.

    Examples
    --------
    >>> round(guess("log likelihood", 59), 2), guess("accuracy", 50)
    (-4.08, 0.02)
    """
    return float(-np.log(prime)) if metric == LOG_LIKELIHOOD else 1 / prime


def by_seed(scores: pl.DataFrame, prime: int) -> pl.DataFrame:
    """What the claims ask of each network.

    Parameters
    ----------
    scores : polars.DataFrame
        Score table of `mirage.training.modular.evaluate`.
    prime : int
        Modulus p.

    Returns
    -------
    polars.DataFrame
        A row per seed: ``seed``; the dormant share of each metric on test pairs under its name,
        with a guess as the base, and under its name with ", first" with its first score as the
        base, both 1 where it does not rise; ``train`` and ``test``, steps until
        `LEARNED` of the pairs are right, null if they never are; ``worst``, the highest test loss
        less log p (nats), and ``turn``, its step; ``onset``, the step at which accuracy leaves
        the level of a guess.
    """
    columns = {}
    for metric in METRICS:
        table = curve(scores, metric)
        steps, values = table["step"].to_numpy(), table.drop("step").to_numpy().T
        for name, base in (("", np.full(len(values), guess(metric, prime))), (", first", None)):
            share = dormancy(values, steps, base).share
            columns[f"{metric}{name}"] = np.nan_to_num(share, nan=1.0)
        if metric == ACCURACY:  # the steps are even in their logarithm, from 1 on
            columns["onset"] = steps[-1] ** columns[metric]
        if metric == LOG_LIKELIHOOD:
            columns["worst"] = -values.min(axis=1) - np.log(prime)
            columns["turn"] = steps[values.argmin(axis=1)]
    seeds = [int(name) for name in table.columns[1:]]
    learned = scores.filter(pl.col("metric") == ACCURACY, pl.col("score") >= LEARNED)
    first = learned.group_by("seed", "split").agg(pl.col("step").min())
    for split in ("train", "test"):
        found = dict(first.filter(split=split).select("seed", "step").rows())
        columns[split] = [found.get(seed) for seed in seeds]
    schema = {"train": pl.Int64, "test": pl.Int64}
    return pl.DataFrame({"seed": seeds} | columns, schema_overrides=schema)


def findings(table: pl.DataFrame) -> dict[str, Found | str]:
    """What the claims of this page need.

    Parameters
    ----------
    table : polars.DataFrame
        Of `by_seed`.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    found: dict[str, Found | str] = {
        "grokking-sharper": _later(table, LOG_LIKELIHOOD),
        "grokking-probability": _later(table, PROBABILITY),
        "grokking-turn": _ratio(table["onset"], table["turn"]),
        "grokking-smooth": _mean(table[LOG_LIKELIHOOD]),
        "grokking-worse": _mean(table["worst"]),
        "grokking-late": "some networks never get 90 % of the pairs right",
    }
    if not table.select("train", "test").null_count().sum_horizontal().item():
        found["grokking-late"] = _ratio(table["test"], table["train"])
    return found


def _later(table: pl.DataFrame, metric: str) -> Found:
    """How much longer accuracy is dormant than another metric, from both bases."""
    guess, first = (
        _mean(table[f"{ACCURACY}{name}"] - table[f"{metric}{name}"]) for name in ("", ", first")
    )
    return spanning(guess, first, FIRST)


def _ratio(steps: pl.Series, earlier: pl.Series) -> Found:
    """Geometric mean over seeds of one number of steps over another."""
    log = _mean((steps / earlier).log())
    ends = log.interval and tuple(np.exp(log.interval))
    return log._replace(ours=np.exp(log.ours), interval=ends)


def _mean(values: pl.Series) -> Found:
    return Found(values.mean(), mean_interval(values.to_numpy()), len(values), "seeds")


def conclusions(claims: Sequence[Claim]) -> dict[str, str]:
    """Sentences of the page that follow from its verdicts, by the name they are glued under."""
    verdict = {claim.id: claim.verdict for claim in claims}
    unknown = "is not decided by these networks"
    late = {
        Verdict.REPRODUCED: "is late",
        Verdict.NOT_REPRODUCED: "is not late",
    }
    sharper = {
        Verdict.REPRODUCED: "begins to rise before accuracy does",
        Verdict.NOT_REPRODUCED: "does not begin to rise before accuracy does",
        Verdict.UNDECIDED: "may or may not begin to rise before accuracy does",
    }
    smooth = {
        Verdict.REPRODUCED: "rises from the first steps on",
        Verdict.NOT_REPRODUCED: "does not rise from the first steps on",
    }
    return {
        "grokking-late-text": late.get(verdict["grokking-late"], unknown),
        "grokking-sharper-text": sharper[verdict["grokking-sharper"]],
        "grokking-smooth-text": smooth.get(verdict["grokking-smooth"], unknown),
    }


def numbers(table: pl.DataFrame) -> dict[str, str]:
    """Numbers of the page's text, by the name under which they are glued; medians over seeds.

    Parameters
    ----------
    table : polars.DataFrame
        Of `by_seed`.

    Returns
    -------
    dict of str to str
    """
    texts = {f"grokking-{name}": _steps(table[name]) for name in ("train", "test", "turn", "onset")}
    texts["grokking-worst"] = f"{table['worst'].median():.1f}"
    for name, metric in (("accuracy", ACCURACY), ("loglik", LOG_LIKELIHOOD), ("p", PROBABILITY)):
        texts[f"grokking-dormant-{name}"] = f"{100 * table[metric].median():.0f} %"
    for end, base in (("", ""), ("-first", ", first")):
        difference = (table[f"{ACCURACY}{base}"] - table[f"{LOG_LIKELIHOOD}{base}"]).mean()
        texts[f"grokking-difference{end}"] = number(difference, 2)
    return texts


def _steps(steps: pl.Series) -> str:
    return "no number of" if steps.null_count() else f"{steps.median():,.0f}"
