"""UKP on-emergence (Lu et al. 2024): exact match, BERTScore and edit distance of the same outputs.

5 055 runs of GPT-2, GPT-J, davinci, T5, LLaMA and Falcon, and of models tuned from them on
instructions, on 23 tasks, most of which Wei et al. call emergent. Know before use:

- at most 4 sizes in a family (GPT), 2 in most;
- ``prompt``: ``closed`` lists the options, ``closed-adv`` lists them and asks for the letter,
  ``open`` lists none;
- the temperature is 0.01, for OpenAI's models 0: as good as greedy. ``seed`` (three values; null
  for OpenAI's) is that of the run, so that its standard deviation is not one of training;
- exact match is a share of items. ``edit distance`` is in characters, between output and target,
  averaged over the items: it grows with the length of the output, so that a model that goes on
  after the answer is worse. ``BERTScore`` is the mean F1 of output and target. ``BERTScore
  accuracy`` counts an item whose right option is nearest to the output by BERTScore;
- where a score was not computed there is no row (in the file it is −100);
- three runs come twice: the later one counts;
- ``n_params`` is nominal. GPT-4 and code-davinci-002, whose size is not known, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirage.datasets.spec import Spec
from mirage.datasets.tables import ScoreTable

# Name in the file: family, name, parameters.
_MODELS = {
    "gpt2": ("GPT", "GPT-2", 124e6),
    "gpt2-xl": ("GPT", "GPT-2 XL", 1.5e9),
    "EleutherAI/gpt-j-6b": ("GPT", "GPT-J", 6e9),
    "davinci": ("GPT", "davinci", 175e9),
    "Rachneet/gpt2-alpaca": ("GPT, instructed", "GPT-2 Alpaca", 124e6),
    "Rachneet/gpt2-xl-alpaca": ("GPT, instructed", "GPT-2 XL Alpaca", 1.5e9),
    "togethercomputer/GPT-JT-6B-v1": ("GPT, instructed", "GPT-JT", 6e9),
    "text-davinci-001": ("GPT, instructed", "text-davinci-001", 175e9),
    "text-davinci-003": ("GPT-3.5", "text-davinci-003", 175e9),
    "t5-small": ("T5", "T5 small", 60e6),
    "t5-large": ("T5", "T5 large", 770e6),
    "google/flan-t5-small": ("Flan-T5", "Flan-T5 small", 80e6),
    "google/flan-t5-large": ("Flan-T5", "Flan-T5 large", 780e6),
    "tiiuae/falcon-7b": ("Falcon", "Falcon 7B", 7e9),
    "tiiuae/falcon-40b": ("Falcon", "Falcon 40B", 40e9),
    "tiiuae/falcon-7b-instruct": ("Falcon, instructed", "Falcon 7B instruct", 7e9),
    "tiiuae/falcon-40b-instruct": ("Falcon, instructed", "Falcon 40B instruct", 40e9),
    "models--llama/7B": ("LLaMA", "LLaMA 7B", 6.7e9),
    "models--llama/13B": ("LLaMA", "LLaMA 13B", 13e9),
    "models--llama/30B": ("LLaMA", "LLaMA 30B", 32.5e9),
    "chavinlo/alpaca-native": ("Alpaca", "Alpaca 7B", 6.7e9),
    "chavinlo/alpaca-13b": ("Alpaca", "Alpaca 13B", 13e9),
}
_METRICS = {
    "exact_match_accuracy": ("exact match", True),
    "single_bert_score": ("BERTScore", True),
    "bert_score_accuracy": ("BERTScore accuracy", True),
    "edit_distance": ("edit distance", False),
}
_MISSING = -100.0


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the scores.

    Parameters
    ----------
    paths : sequence of Path
        The table (csv, compressed), a row per run.

    Returns
    -------
    dict
        ``scores``: extra columns ``prompt``, ``shots``, ``temperature``, ``higher_is_better``.
    """
    import polars as pl

    from mirage import tables

    wide = pl.read_csv(paths[0], infer_schema_length=None)
    wide = wide.filter(pl.col("model").is_in(list(_MODELS))).sort("run_id", maintain_order=True)
    families, names, sizes = ({key: m[i] for key, m in _MODELS.items()} for i in range(3))
    wide = wide.select(
        *_METRICS,
        family=pl.col("model").replace_strict(families),
        model=pl.col("model").replace_strict(names),
        n_params=pl.col("model").replace_strict(sizes).cast(pl.Int64),
        task=pl.col("filename").str.split("/").list.first(),
        seed=pl.col("seed").replace("None", None).cast(pl.Int64),
        n_items="number_of_data",
        prompt="prompt_type",
        shots="number_of_shots",
        temperature="temperature",
    )
    key = [name for name in wide.columns if name not in _METRICS]
    wide = wide.unique(key, keep="last", maintain_order=True)
    long = wide.unpivot(on=list(_METRICS), index=key, variable_name="column", value_name="score")
    long = long.filter(pl.col("score") != _MISSING)
    labels = pl.DataFrame(
        [(column, *label) for column, label in _METRICS.items()],
        schema=["column", "metric", "higher_is_better"],
        orient="row",
    )
    long = long.join(labels, on="column", maintain_order="left").drop("column")
    long = long.with_columns(source=pl.lit("github UKPLab/on-emergence @ f791b653"))
    return {"scores": tables.scores(long)}


SPEC = Spec(
    name="ukp_on_emergence",
    title="UKP on-emergence",
    licence="CC BY-SA 4.0",
    citation="Lu et al. (2024)",
    origin="github UKPLab/on-emergence @ f791b653, evaluation_scores.csv",
    files=("logs/ukp_on_emergence/evaluation_scores.csv.gz",),
    n_bytes=261_000,
    caption="UKP on-emergence ({models} models, {tasks} tasks, three metrics of the same outputs)",
    container=ScoreTable,
    read_files=read,
)
