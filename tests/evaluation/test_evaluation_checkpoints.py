"""Checkpoints through transformers and through a real server.

The checkpoint is one of the family, trained for a few seconds on sums of two digits until some
of its answers are right, and exported.
"""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

pytest.importorskip("transformers", reason="the extra [llm] is not installed")

import torch
from typer.testing import CliRunner

from mirage.arithmetic import problems, scoring
from mirage.arithmetic.export import export
from mirage.arithmetic.family import Profile, configs
from mirage.arithmetic.train import fit
from mirage.evaluation.cli import app
from mirage.evaluation.huggingface import Checkpoint, import_transformers
from mirage.evaluation.messages import Request, UnknownModelError
from mirage.evaluation.protocol import Questions, evaluate
from mirage.evaluation.server import Server
from mirage.files import MirageError

TASK = "two-digit-addition"
# Four tokens are three digits and the end.
QUESTIONS = Questions(TASK, n_items=60, held_out=True, max_tokens=4)
# PyPI's torchvision does not import beside a CPU-only torch: see mirage/_torchvision.py.
PRELUDE = "import mirage._torchvision; "
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def trained():
    data = problems.load(TASK)
    return fit(configs(Profile(widths=(32,), n_seeds=1, n_steps=320), data)[0], data), data


@pytest.fixture(scope="session")
def folder(trained, tmp_path_factory):
    model, data = trained
    return export(model, data.task, tmp_path_factory.mktemp("checkpoints") / "width-32")


@pytest.fixture(scope="session")
def ours(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("ours") / "a.parquet"
    return evaluate([Checkpoint(str(folder))], [QUESTIONS], out)


def test_an_exported_checkpoint_answers_as_the_model_does(trained, ours):
    model, data = trained
    chosen = data.held_out[:60]
    greedy = ours.filter(temperature=0.0)
    assert 0.05 < greedy["exact_match"].mean() < 0.95  # else the comparisons below say little
    assert greedy["prediction"].to_list() == scoring.completions(model, data.task, chosen, 0.0)
    forced = scoring.teacher_forced(model, data.task, chosen)
    assert greedy["exact_match"].to_list() == forced.exact_match.tolist()
    # Ours leaves the end out, which the family's own likelihood includes.
    lengths = greedy["target_length"].to_list()
    digits = [forced.log_probs[i, :length].sum() for i, length in enumerate(lengths)]
    np.testing.assert_allclose(greedy["log_likelihood"], digits, rtol=1e-5, atol=1e-5)


def test_an_answer_does_not_depend_on_what_else_is_asked(folder, ours, tmp_path):
    alone = evaluate([Checkpoint(str(folder), batch=1)], [QUESTIONS], tmp_path / "a.parquet")
    exact = pl.exclude("log_likelihood")  # the last bits depend on the batch
    assert_frame_equal(alone.select(exact), ours.select(exact))
    np.testing.assert_allclose(alone["log_likelihood"], ours["log_likelihood"], rtol=1e-4)


def test_a_resumed_run_asks_only_what_is_missing(folder, ours, tmp_path, monkeypatch):
    out, asked = tmp_path / "a.parquet", []
    answer = Checkpoint.answer

    def count(self, requests, record):
        asked.append(len(requests))
        answer(self, requests, record)

    monkeypatch.setattr(Checkpoint, "answer", count)
    evaluate([Checkpoint(str(folder))], [Questions(TASK, 20, 2, held_out=True, max_tokens=4)], out)
    table = evaluate([Checkpoint(str(folder))], [QUESTIONS], out)
    assert asked == [20 * 3, 40 * 3]
    exact = pl.exclude("log_likelihood")
    assert_frame_equal(table.select(exact), ours.select(exact))


def test_temperature_1_samples_the_model_whatever_the_checkpoint_prefers(folder, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    preferences = json.loads((copy / "generation_config.json").read_text())
    preferences |= {"do_sample": True, "top_k": 1, "temperature": 0.1, "repetition_penalty": 5.0}
    (copy / "generation_config.json").write_text(json.dumps(preferences))
    model, prompt, n = Checkpoint(str(copy), batch=1000), "Q: What is 7 plus 85?\n\nA:", 4000
    answers = {}
    model.answer(
        [Request(str(seed), prompt, " 92", 1.0, seed, 1) for seed in range(n)],
        lambda *new: answers.update({answer.key: answer.completion for answer in new}),
    )
    tokenizer = import_transformers().AutoTokenizer.from_pretrained(copy)
    network = import_transformers().AutoModelForCausalLM.from_pretrained(copy)
    with torch.inference_mode():
        tokens = tokenizer(prompt, return_tensors="pt").input_ids
        p = network(tokens).logits[0, -1].softmax(-1).numpy()
    drawn = list(answers.values())
    counts = np.array([drawn.count(problems.CHARACTERS[i]) for i in range(10)])
    # Ten cells, each within 4 standard errors; the seeds are fixed, so that this holds or not.
    assert (abs(counts - n * p[:10]) <= 4 * np.sqrt(n * p[:10] * (1 - p[:10])) + 1).all()
    assert (counts > 0).sum() > 2


def test_what_cannot_be_asked_is_an_error_of_its_items(folder):
    answers = []
    long = Request("long", f"Q: What is {10**20} plus {10**20}?\n\nA:", " 1", 0.0, 0, 4)
    good = Request("good", "Q: What is 1 plus 2?\n\nA:", " 3", 0.0, 0, 4)
    Checkpoint(str(folder)).answer([long, good], lambda *new: answers.extend(new))
    found = {answer.key: answer for answer in answers}
    assert "the model reads 32" in found["long"].error
    assert found["good"].error is None


def test_products_are_read_and_written_from_the_last_digit(tmp_path):
    data = problems.load("two-digit-multiplication")
    config = configs(Profile(widths=(16,), n_seeds=1, n_steps=100), data)[0]
    model = fit(config, data)
    folder, answers = export(model, data.task, tmp_path), {}
    chosen = data.held_out[:20]
    prompts = [data.task.question(a, b) for a, b in chosen.tolist()]
    targets = [data.task.completion(a, b) for a, b in chosen.tolist()]
    asked = [
        Request(f"{kind}{i}", prompt, target, temperature, 0, 5)
        for kind, temperature in (("greedy", 0.0), ("scored", None))
        for i, (prompt, target) in enumerate(zip(prompts, targets, strict=True))
    ]
    Checkpoint(str(folder)).answer(asked, lambda *new: answers.update({a.key: a for a in new}))
    said = scoring.completions(model, data.task, chosen, 0.0)
    assert [answers[f"greedy{i}"].completion for i in range(20)] == said
    forced = scoring.teacher_forced(model, data.task, chosen)
    for i, target in enumerate(targets):
        digits = forced.log_probs[i, : len(target.strip())].sum()
        assert answers[f"scored{i}"].log_likelihood == pytest.approx(digits, rel=1e-4)


def test_a_target_that_shares_a_token_with_the_prompt_has_a_reason(tmp_path):
    transformers = import_transformers()
    from tokenizers import Tokenizer, models

    merged = Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]))
    transformers.PreTrainedTokenizerFast(tokenizer_object=merged).save_pretrained(tmp_path)
    config = transformers.GPT2Config(vocab_size=3, n_positions=8, n_embd=4, n_layer=1, n_head=1)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path)
    answers = []
    Checkpoint(str(tmp_path)).answer(
        [Request("k", "a", "b", None, 0, 1)], lambda *new: answers.extend(new)
    )
    assert answers[0].log_likelihood is None
    assert "spans the end of the prompt" in answers[0].reason


def test_a_retrained_checkpoint_is_asked_again(trained, tmp_path):
    folder = export(trained[0], trained[1].task, tmp_path / "a")
    before = Checkpoint(str(folder)).identity
    assert Checkpoint(str(folder)).identity == before
    (folder / "model.safetensors").write_bytes(
        (folder / "model.safetensors").read_bytes()[:-1] + b"\0"
    )
    assert Checkpoint(str(folder)).identity != before


def test_n_params_is_counted_without_reading_weights(folder):
    network = import_transformers().AutoModelForCausalLM.from_pretrained(folder)
    assert Checkpoint(str(folder)).n_params == sum(p.numel() for p in network.parameters())


def test_unknown_checkpoint(folder):
    with pytest.raises(UnknownModelError, match=r"checkpoints in .*: width-32"):
        Checkpoint(str(folder.parent / "width-33"))
    ran = CliRunner().invoke(
        app, ["evaluate", "--task", TASK, "--model", f"hf:{folder.parent / 'width-33'}"]
    )
    assert ran.exit_code == 2
    assert "width-32" in ran.output


def absent(folder):
    (folder / "model.safetensors").unlink()


def truncated(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def of_other_shapes(folder):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"n_positions": 16}))


def no_text_model(folder):
    (folder / "config.json").write_text('{"model_type": "clip"}')


def no_tokenizer(folder):
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')


@pytest.mark.parametrize(
    "damage", [absent, truncated, of_other_shapes, no_text_model, no_tokenizer]
)
def test_a_damaged_checkpoint_is_one_line_with_its_name(damage, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "damaged")
    damage(copy)
    question = Request("k", "Q: What is 1 plus 2?\n\nA:", " 3", 0.0, 0, 4)
    with pytest.raises(MirageError, match=f"cannot load the model '{copy}': "):
        Checkpoint(str(copy)).answer([question], lambda *new: None)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MirageError, match=r"in a clone of the book: pip install '\.\[llm\]'"):
        import_transformers()


@pytest.fixture(scope="session")
def transformers_server(folder, tmp_path_factory):
    """`transformers serve` with the exported checkpoint, on a free port of loopback."""
    missing = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"transformers serve needs {', '.join(missing)}: transformers[serving]")
    code = PRELUDE + "from transformers.cli.transformers import app; app()"
    path = tmp_path_factory.mktemp("server") / "log.txt"
    # Held until the end: the server starts for seconds, in which somebody else could be given it.
    with socket.socket() as port, path.open("w+") as log:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # uvicorn sets it, too
        port.bind(("127.0.0.1", 0))
        number = port.getsockname()[1]
        options = ["--port", str(number), "--host", "127.0.0.1", "--device", "cpu"]
        server = subprocess.Popen(
            [sys.executable, "-c", code, "serve", folder, *options],
            env=os.environ | OFFLINE,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(f"http://127.0.0.1:{number}/health", server, path)
            yield f"http://127.0.0.1:{number}/v1"
        finally:
            server.terminate()
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(url, server, log):
    for _ in range(1500):  # five minutes or more
        if server.poll() is not None:
            pytest.fail(f"transformers serve ended: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(url, timeout=10).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"transformers serve does not answer: {log.read_text()[-2000:]}")


def test_both_doors_give_the_same_outcomes(transformers_server, folder, ours, tmp_path):
    greedy = Questions(TASK, 60, temperatures=(0.0,), held_out=True, max_tokens=4)
    server = Server(transformers_server, str(folder), n_params=ours["n_params"][0], family="gpt2")
    table = evaluate([server], [greedy], tmp_path / "a.parquet")
    assert table["error"].null_count() == 60
    same = pl.exclude("log_likelihood", "reason")
    assert_frame_equal(table.select(same), ours.filter(temperature=0.0).select(same))
    # This server ignores "logprobs".
    assert table["log_likelihood"].null_count() == 60
    assert table["reason"].unique().to_list() == ["the server gives no log-probabilities"]
