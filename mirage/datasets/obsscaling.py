"""ObsScaling (Ruan et al. 2024), behind Figure 6: 84 open models on tasks called emergent, 2 shots.

International phonetic alphabet transliteration under exact match *and* BLEU, word unscrambling,
arithmetic, Persian question answering. Know before use:

- blanks exist: they are no rows here;
- ``n_params`` is the source's nominal size, in billions to two or three digits; of mixtures of
  experts it is the active size for some models and nearly the total for others;
- BLEU is in [0, 100];
- the number of items is not in the source. It is the one of which every score is a multiple,
  and null where a score is not (72B Qwen on transliteration: fewer items).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirage.datasets.remote import Remote, download_pinned
from mirage.datasets.spec import GITHUB, Spec
from mirage.datasets.tables import ScoreTable

COMMIT = "4d6e1e43fd2635d04654aa77d1df9d5266ea0382"
_RAW = f"{GITHUB}/ryoungj/ObsScaling/{COMMIT}/eval_results"
_REMOTES = (
    Remote(
        "scores.csv",
        f"{_RAW}/base_llm_emergent_capability_eval.csv",
        "a156beee73c39b7833c3c53535c473939105512d85e90b0143be7325e516ef7c",
    ),
    Remote(
        "sizes.csv",
        f"{_RAW}/base_llm_benchmark_eval.csv",
        "511996815735a4c46251dc585dcc525e370d148201f86561e6f927f9df2d0db8",
    ),
)
_FILE = "llm/obsscaling_emergent.csv"
_SIZE, _TOKENS, _FLOPS = "Model Size (B)", "Pretraining Data Size (T)", "FLOPs (1E21)"
_IPA = "international_phonetic_alphabet_transliterate"
# Column of the file: task, metric, number of items.
_SCORES = {
    "parsinlu_qa_2_acc": ("parsinlu_qa", "accuracy", 1050),
    "word_unscrambling_2_exact_match": ("word_unscrambling", "exact match", 2000),
    "ipa_transliterate_2_exact_match": (_IPA, "exact match", 1003),
    "ipa_transliterate_2_bleu": (_IPA, "BLEU", 1003),
    "arithmetic_3ds_2_acc": ("3-digit subtraction", "accuracy", 2000),
    "arithmetic_3da_2_acc": ("3-digit addition", "accuracy", 2000),
    "arithmetic_2dm_2_acc": ("2-digit multiplication", "accuracy", 2000),
    "arithmetic_2da_2_acc": ("2-digit addition", "accuracy", 2000),
}


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the scores.

    Parameters
    ----------
    paths : sequence of Path
        The table (csv), a row per model.

    Returns
    -------
    dict
        ``scores``: ``compute`` where it is known, extra columns ``n_tokens`` (of pretraining),
        ``shots``, ``higher_is_better``.
    """
    import polars as pl

    from mirage import tables

    wide = pl.read_csv(paths[0], infer_schema_length=None).select(
        pl.col("Model").alias("model"),
        pl.col("Model Family").alias("family"),
        (pl.col(_SIZE) * 1e9).round().cast(pl.Int64).alias("n_params"),
        (pl.col(_FLOPS) * 1e21).alias("compute"),
        (pl.col(_TOKENS) * 1e12).alias("n_tokens"),
        *_SCORES,
    )
    long = wide.unpivot(
        on=list(_SCORES),
        index=["model", "family", "n_params", "compute", "n_tokens"],
        variable_name="column",
        value_name="score",
    ).drop_nulls("score")
    labels = pl.DataFrame(
        [(column, *names) for column, names in _SCORES.items()],
        schema=["column", "task", "metric", "n_items"],
        orient="row",
    )
    correct = pl.col("score") * pl.col("n_items")
    counts = (pl.col("metric") == "BLEU") | ((correct - correct.round()).abs() < 1e-6)
    long = long.join(labels, on="column", maintain_order="left").with_columns(
        n_items=pl.when(counts).then(pl.col("n_items")),
        source=pl.lit(f"github ryoungj/ObsScaling @ {COMMIT[:8]}"),
        shots=pl.lit(2, pl.Int64),
    )
    return {"scores": tables.with_direction(tables.scores(long.drop("column")))}


def download(folder: Path) -> None:
    """Download the scores and the sizes, and join them on the model."""
    import polars as pl

    download_pinned(_REMOTES, folder)
    scores, sizes = (pl.read_csv(folder / remote.file, infer_schema=False) for remote in _REMOTES)
    sizes = sizes.select("Model", "Model Family", _SIZE, _TOKENS, _FLOPS)
    target = folder / _FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    scores.join(sizes, on="Model", maintain_order="left").write_csv(target)


SPEC = Spec(
    name="obsscaling",
    title="ObsScaling",
    licence="Apache-2.0",
    citation="Ruan, Maddison, Hashimoto (2024)",
    origin=f"github ryoungj/ObsScaling @ {COMMIT[:8]}, two tables joined on the model",
    files=(_FILE,),
    n_bytes=10_000,
    caption="ObsScaling ({models} open models, {tasks} tasks, 2 shots)",
    container=ScoreTable,
    read_files=read,
    download=download,
    urls=(f"{_RAW}/base_llm_emergent_capability_eval.csv",),
)
