"""Official BIG-bench scores under each task's preferred metric (behind Figure 5), of six families.

Two published copies of BIG-bench's own score files, joined:

- ``collection = "Lite"``: 24 tasks of BIG-bench Lite, 51 models of BIG-G (T = 0, T = 1, sparse),
  GPT-3, Gopher and PaLM, in full precision (github smolix/benchmark-selection @ f339e73f);
- ``collection = "multiple choice"``: 89 tasks with a multiple choice grade on the 12 sizes of BIG-G
  at T = 0, 3 shots, printed to four decimals (github PeterPonyu/calibration-traps @ f055de2f). Not
  selected by score. The 13 tasks that Lite has too are left out: one row for each measurement.

Know before use:

- Lite holds the first entry of each file: for six tasks a subtask, which ``task`` names
  (``parent_task`` is the task itself);
- the number of shots is the largest there is: 3; 5 for PaLM and Gopher is assumed by the source;
- ``n_params`` is nominal for GPT-3, Gopher and PaLM, and flop-matched for BIG-G;
- Gopher has 7 tasks, the others 24;
- ROUGE is in percent;
- BIG-bench evaluates at most 1 024 items of a task. ``n_items`` of Lite is that number where every
  score of the family on the task is a whole number of items, and null elsewhere;
- the four decimals are undone where k / n_items is the only fraction that they can stand for; in
  nine tasks they stand for none, so that an item counts for less than 1 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage.datasets.bigg import SIZES
from mirage.datasets.spec import Spec
from mirage.datasets.tables import ScoreTable

if TYPE_CHECKING:
    import polars as pl

_CAP = 1024  # items of a task that BIG-bench evaluates
_ROUNDED = 5.01e-5  # half of the fourth decimal, and rounding errors of the division
_NAMES = {n_params: name for name, n_params in SIZES.items()}


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read both tables.

    Parameters
    ----------
    paths : sequence of Path
        Scores of BIG-bench Lite, scores of the multiple-choice tasks, and the task metrics, whose
        numbers of items Lite's scores are compared with (csv).

    Returns
    -------
    dict
        ``scores``: extra columns ``collection``, ``parent_task``, ``shots``, ``temperature`` (null
        where it is not known), ``chance`` (null where it is not known), ``higher_is_better``.
    """
    import polars as pl

    from mirage import tables

    choices = _choices(paths[1])
    lite = _lite(paths[0], paths[2])
    chance = choices.select("task", "chance").unique()
    lite = lite.join(chance, on="task", how="left", maintain_order="left")
    new = choices.join(lite.select("task").unique(), on="task", how="anti", maintain_order="left")
    table = pl.concat([lite, new], how="diagonal").with_columns(higher_is_better=True)
    return {"scores": tables.scores(table)}


def _lite(path: Path, metrics: Path) -> pl.DataFrame:
    """Read Lite's scores, with numbers of items where the scores count items."""
    import polars as pl

    entries = pl.read_csv(metrics, infer_schema_length=None).select(
        task=pl.concat_str("task", "subtask", separator=":", ignore_nulls=True),
        n_items=pl.min_horizontal("n_examples", _CAP),
    )
    table = pl.read_csv(path, infer_schema_length=None).select(
        "family",
        "model",
        pl.col("x").round().cast(pl.Int64).alias("n_params"),
        "metric",
        "shots",
        "score",
        task="subtask",
        parent_task="task",
        collection=pl.lit("Lite"),
        temperature=pl.col("family").str.extract(r"T=(\d)").cast(pl.Float64),
        source=pl.lit("github smolix/benchmark-selection @ f339e73f"),
    )
    table = table.join(entries, on="task", how="left", maintain_order="left")
    correct = pl.col("score") * pl.col("n_items")
    whole = ((correct - correct.round()).abs() < 1e-6).all().over("family", "task")
    return table.with_columns(n_items=pl.when(whole).then(pl.col("n_items")))


def _choices(path: Path) -> pl.DataFrame:
    """Read the multiple choice grades, as whole numbers of items where they are."""
    import polars as pl

    table = pl.read_csv(path, infer_schema_length=None)
    score, n = pl.col("score"), pl.col("n_eval_cap")
    fraction = (score * n).round() / n
    size = pl.col("params").round().cast(pl.Int64)
    return table.select(
        "family",
        "task",
        "metric",
        "shots",
        n_params=size,
        model=size.replace_strict(_NAMES),
        parent_task="task",
        score=pl.when((score - fraction).abs() <= _ROUNDED).then(fraction).otherwise(score),
        n_items=n,
        chance="low_score",
        collection=pl.lit("multiple choice"),
        temperature=pl.lit(0.0),
        source=pl.lit("github PeterPonyu/calibration-traps @ f055de2f"),
    )


SPEC = Spec(
    name="official_bigbench",
    title="official BIG-bench scores",
    licence="Apache-2.0 (Lite), MIT (multiple choice)",
    citation="Srivastava et al. (2022)",
    origin=(
        "BIG-bench's score files as published at github smolix/benchmark-selection @ f339e73f and "
        "github PeterPonyu/calibration-traps @ f055de2f"
    ),
    files=(
        "bigbench/official_lite_scores.csv",
        "bigbench/official_bigg_t0_3shot.csv",
        "bigbench/task_metrics.csv",
    ),
    n_bytes=373_000,
    caption="official BIG-bench scores ({tasks} tasks; BIG-G, GPT-3, Gopher, PaLM: {rows} scores)",
    container=ScoreTable,
    read_files=read,
)
