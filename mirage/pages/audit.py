"""The page that audits real logs: what it asks, computes and reads aloud."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from mirage.audit import Audit
from mirage.audit.words import VERDICTS
from mirage.book.claims import Claim, Found, share
from mirage.book.rules import Exceeds
from mirage.emergence.verdicts import size
from mirage.formatting import number
from mirage.pages.figure_6_models import olmo

MMLU = "hendrycksTest-*"
SHOTS = ("shots 2", "shots 4", "shots 8", "shots 16")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="audit-chance",
        place="A dashboard draws such curves without saying that they are noise about chance",
        statement="Pythia without examples on the 57 subjects of MMLU: share on which no model"
        " scores above chance, 0.25.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="audit-addition",
        place="The paper's arithmetic, on models that the paper did not ask",
        statement="Pythia on additions with 2, 4, 8 and 16 examples: share of the curves that jump"
        " between two sizes under exact match, the only metric at hand.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="audit-olmo",
        place="The paper's thesis on runs with several metrics of the same answers",
        statement="OLMo ladder against training compute: share of tasks that rise gradually, where"
        " a jump of 1.5 in log odds would have been found.",
        rule=Exceeds(0.5),
    ),
)


def arithmetic(scores: pl.DataFrame) -> pl.DataFrame:
    """Pythia on addition and multiplication at the end of training, as a table anyone might have.

    Parameters
    ----------
    scores : polars.DataFrame
        Of the data set ``pythia_arithmetic``: a task for each operand.

    Returns
    -------
    polars.DataFrame
        ``model, task, shots, metric, score, n_items, chance``: the operands' items together.
    """
    last = scores.filter(pl.col("step") == pl.col("step").max())
    sizes = last["n_params"].unique().to_list()
    names = {n: f"pythia-{size(n).lower()}-deduped" for n in sizes}
    last = last.with_columns(model=pl.col("n_params").replace_strict(names), task="operation").sort(
        "task", "shots", "n_params"
    )
    table = last.group_by("model", "task", "shots", maintain_order=True).agg(
        score=pl.mean("score").round(6), n_items=pl.sum("n_items")
    )
    return table.with_columns(metric=pl.lit("exact match"), chance=pl.lit(0.0)).select(
        "model", "task", "shots", "metric", "score", "n_items", "chance"
    )


def folder(data: Mapping[str, Any], path: Path) -> Path:
    """Lay out a folder as a researcher has it: the harness's result files, and a table.

    Parameters
    ----------
    data : mapping of str to ScoreTable
        ``lm_eval`` and ``pythia_arithmetic``.
    path : Path
        An empty folder.

    Returns
    -------
    Path
        The same.
    """
    for file in map(Path, sorted(set(data["lm_eval"].scores["file"]))):
        if file.name.startswith("pythia"):
            (path / file.name).write_bytes(file.read_bytes())
    arithmetic(data["pythia_arithmetic"].scores).write_csv(path / "pythia-arithmetic.csv")
    return path


def ladder(data: Mapping[str, Any]) -> pl.DataFrame:
    """The 25 runs of the OLMo ladder: training compute is their scale, tokens and size vary."""
    return olmo(data).drop("split", "budget", "rerun", "n_tokens")


def findings(logs: Audit, runs: Audit) -> dict[str, Found | str]:
    """What the claims of this page need.

    Parameters
    ----------
    logs, runs : Audit
        Of `folder`, and of `ladder`.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    subjects = logs.verdicts.filter(pl.col("task").str.starts_with(MMLU[:-1]))
    additions = logs.verdicts.filter(pl.col("protocol").is_in(SHOTS), task="addition")
    return {
        "audit-chance": _share(subjects, "never-above-chance", "subjects"),
        "audit-addition": _share(additions, "jump", "curves"),
        "audit-olmo": _share(runs.verdicts, "gradual", "tasks"),
    }


def _share(verdicts: pl.DataFrame, wanted: str, n_of: str) -> Found | str:
    return share(verdicts.filter(verdict=wanted).height, verdicts.height, n_of)


def one(found: Audit, task: str, protocol: str = "") -> Audit:
    """The audit of one ability: its card is open in the report."""
    return found.where(pl.col("task") == task, pl.col("protocol") == protocol)


def read_aloud(found: Audit, prefix: str) -> dict[str, str]:
    """Numbers of a card, for sentences that explain it.

    Parameters
    ----------
    found : Audit
        Of one ability.
    prefix : str
        Of the names.

    Returns
    -------
    dict of str to str
        Verdict, sentence, metric, sizes of the gap, the highest score below it, the first and the
        lowest later one above it, and the p-value.
    """
    (row,), (evidence,) = found.verdicts.to_dicts(), found.evidence
    (shade,) = found.shades
    head = evidence.findings[0]
    x, y = head.curve.x, head.curve.y
    after = int((x <= head.gap[0]).sum())
    later = after + 1 + int(y[after + 1 :].argmin())  # a jump lies two models before the end
    texts = {
        "verdict": VERDICTS[shade],
        "sentence": row["sentence"],
        "metric": head.curve.spoken,
        "models": str(len(x)),
        "below": size(x[after - 1]),
        "above": size(x[after]),
        "most-below": number(float(y[:after].max())),
        "score-above": number(float(y[after])),
        "later": size(x[later]),
        "score-later": number(float(y[later])),
        "first": number(float(y[0])),
        "last": number(float(y[-1])),
        "p": number(float(row["p_jump"])),
        "detectable": number(float(row["smallest_detectable_jump"])),
        "dormant": number(float(row["dormant_share"] or 0)),
        "metrics": str(len(evidence.findings)),
    }
    return {f"{prefix}-{name}": text for name, text in texts.items()}


def numbers(logs: Audit, runs: Audit) -> dict[str, str]:
    """Numbers of the page's text, by the name under which they are glued.

    Parameters
    ----------
    logs, runs : Audit
        As for `findings`.

    Returns
    -------
    dict of str to str
    """
    undecided = logs.verdicts.filter(verdict="undecided")
    texts = {
        "summary": logs.summary,
        "runs": runs.summary,
        "files": str(len(logs.files)),
        "undecided": str(undecided.height),
        "planned": str(undecided.filter(~pl.col("plan").str.contains("Neither")).height),
    }
    texts = {f"audit-{name}": text for name, text in texts.items()}
    texts |= read_aloud(one(logs, "addition", "shots 2"), "audit-a")
    return texts | read_aloud(one(runs, "hellaswag"), "audit-b")
