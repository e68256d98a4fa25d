"""lm-evaluation-harness and Inspect themselves, over checkpoints of the family, then an audit.

Sums are asked of five sizes, products of one, since those are written from the last digit. Scores,
answers and verdicts must be those of our own evaluation of the same checkpoints.
"""

import csv
import json

import polars as pl
import pytest
from typer.testing import CliRunner

from mirage.arithmetic import problems
from mirage.arithmetic.export import POSITIONS, export
from mirage.arithmetic.family import Profile, configs
from mirage.arithmetic.train import fit
from mirage.audit import audit
from mirage.cli import app
from mirage.evaluation.huggingface import Checkpoint
from mirage.evaluation.protocol import Questions, evaluate, items

pytestmark = pytest.mark.clients

SUMS, PRODUCTS = "two-digit-addition", "two-digit-multiplication"
N_ITEMS = 200
METRICS = {"exact match": "exact_match", "token edit distance": "token_edit_distance"}
# Digits in the order of writing are aligned at the last one: of products, another token accuracy.
ALL = METRICS | {"token accuracy": "token_accuracy"}
VERDICT = ("task", "n_models", "verdict", "dormant_share", "rise_width")


def trained(task, widths, n_steps, folder):
    """Checkpoints after a training that leaves something to be wrong about, by ascending size."""
    data = problems.load(task)
    found = {
        config.width: export(fit(config, data), data.task, folder / f"{task}-w{config.width}")
        for config in configs(Profile(widths=widths, n_seeds=1, n_steps=n_steps), data)
    }
    return [found[width] for width in sorted(found)]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    sums = trained(SUMS, (8, 12, 16, 24, 32), 320, folder)
    return {SUMS: sums, PRODUCTS: trained(PRODUCTS, (16,), 300, folder)}


def questions(task):
    return Questions(task, N_ITEMS, shots=0, temperatures=(0.0,), held_out=True, max_tokens=5)


@pytest.fixture(scope="module")
def ours(checkpoints, tmp_path_factory):
    """Our own outcomes; the file, too, which an audit reads like the logs of others."""
    path = tmp_path_factory.mktemp("ours") / "outcomes.parquet"
    for task, folders in checkpoints.items():
        table = evaluate([Checkpoint(str(f), "family") for f in folders], [questions(task)], path)
    return table.with_columns(pl.col("model").str.split("/").list.last()), path


@pytest.fixture(scope="module")
def sizes(ours, tmp_path_factory):
    path = tmp_path_factory.mktemp("sizes") / "sizes.csv"
    ours[0].select("model", "n_params").unique().write_csv(path)
    return path


def rows(task):
    """The items as both tools want them; the digits of a product in the order of writing."""
    order = -1 if task == PRODUCTS else 1
    return [
        {"id": i, "input": item.prompt, "target": item.answer[::order]}
        for i, item in enumerate(items(questions(task)))
    ]


def harness_task(folder, name, task, tokens):
    """A task of the harness, and its items."""
    path = folder / f"{task}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows(task))))
    (folder / f"{name}.yaml").write_text(f"""
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {path}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{input}}}}"
doc_to_target: "{{{{target}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: {tokens}, do_sample: false}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
""")


def agree(theirs, ours, tasks):
    """Scores of each metric and outcomes of each item are ours."""
    table, path = ours
    for name, task in tasks.items():
        mine = table.filter(pl.col("task") == task).sort("n_params", "item")
        assert 0 < mine["exact_match"].mean() < 1  # else it says little that they agree
        for metric, column in (METRICS if task == PRODUCTS else ALL).items():
            spelt = pl.col("metric").str.replace_all("_", " ") == metric
            found = theirs.scores.filter(spelt, pl.col("task") == name).sort("n_params")
            means = mine.group_by("n_params", maintain_order=True).agg(pl.col(column).mean())
            assert found["n_params"].to_list() == means["n_params"].to_list()
            assert found["score"].to_list() == pytest.approx(means[column].to_list(), abs=1e-12)
            assert found["n_items"].unique().to_list() == [N_ITEMS]
            part = theirs.outcomes.filter(pl.col("task") == name).sort("n_params", "item")
            logged = next(c for c in (column, metric) if c in part.columns)
            assert part[logged].to_list() == pytest.approx(mine[column].to_list(), abs=1e-6)
    # The verdict on the curve is the same, too.
    expected = audit(path).verdicts.filter(task=SUMS).select(VERDICT).row(0)
    assert expected[1] == 5
    assert theirs.verdicts.filter(task=SUMS).select(VERDICT).row(0) == expected


def test_lm_evaluation_harness(run_tool, checkpoints, ours, tmp_path):
    out, most = tmp_path / "out", POSITIONS - problems.n_read(problems.load(PRODUCTS).task)
    # However much room it reserves for an answer, the prompt is not cut.
    tasks = {SUMS: SUMS, f"{PRODUCTS}-5": PRODUCTS, f"{PRODUCTS}-{most}": PRODUCTS}
    for name, task in tasks.items():
        harness_task(tmp_path, name, task, most if name.endswith(str(most)) else 5)
    asked = [f"{name}={folder}" for name, task in tasks.items() for folder in checkpoints[task]]
    run_tool("lm_eval", tmp_path, out, *asked)
    agree(audit(out), ours, tasks)
    done = CliRunner().invoke(app, ["audit", str(out), "--out", str(tmp_path / "report")])
    assert done.exit_code == 0, done.output
    with (tmp_path / "report" / "verdicts.csv").open(newline="") as file:
        written = {row["task"]: row["verdict"] for row in csv.DictReader(file)}
    assert written[SUMS] == audit(ours[1]).verdicts.filter(task=SUMS)["verdict"].item()


def test_inspect(run_tool, checkpoints, ours, sizes, tmp_path):
    out = tmp_path / "logs"
    for task in checkpoints:
        (tmp_path / f"{task}.jsonl").write_text("\n".join(map(json.dumps, rows(task))))
    asked = [f"{task}:5={folder}" for task in checkpoints for folder in checkpoints[task]]
    run_tool("inspect", tmp_path, out, *asked)
    # Its logs do not say how large a model is.
    agree(audit(out, n_params=sizes), ours, {task: task for task in checkpoints})
