"""Exported checkpoints: stock transformers compute what we do, and read GPT-3's wording."""

import json

import numpy as np
import pytest
import torch

from mirage.arithmetic import export, family, problems, scoring, tasks
from mirage.arithmetic.model import Transformer, generate
from mirage.arithmetic.tasks import TASKS

pytest.importorskip("transformers", reason="the extra [llm] is not installed")
from mirage.evaluation.huggingface import import_transformers

NAMES = ("two-digit-multiplication", "four-digit-addition")


def untrained(task, width) -> Transformer:
    torch.manual_seed(0)
    model = Transformer(width, problems.n_positions(task))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):  # zero at the start, and then no test of where they go
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def load(folder):
    transformers = import_transformers()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [3, 4, 6, 32])
@torch.inference_mode()
def test_transformers_computes_the_same_logits(name, width, tmp_path):
    task = TASKS[name]
    model = untrained(task, width)
    theirs, _ = load(export.export(model, task, tmp_path))
    assert type(theirs).__name__ == "GPT2LMHeadModel"
    spare = width * (export.POSITIONS - model.n_positions)
    ours = sum(p.numel() for p in model.parameters())
    assert sum(p.numel() for p in theirs.parameters()) == ours + spare
    chosen = tasks.sample(task, 200, np.random.default_rng(0))
    tokens = torch.tensor(problems.encode(task, chosen).tokens[:, :-1]).long()
    if width > 3:  # a LayerNorm of three nearly equal numbers enlarges rounding a hundredfold
        torch.testing.assert_close(theirs(tokens).logits, model(tokens), rtol=0, atol=1e-5)
    found, expected = theirs.double()(tokens).logits, model.double()(tokens)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shots", [0, 2])
def test_the_tokenizer_reads_gpt_3s_wording(name, shots, tmp_path):
    task = TASKS[name]
    _, tokenizer = load(export.export(untrained(task, 4), task, tmp_path))
    rng = np.random.default_rng(0)
    chosen = np.concatenate([tasks.sample(task, 50, rng), [[0, 7], [54, 4]]])
    n_read = problems.n_read(task)
    rows = problems.encode(task, chosen).tokens
    for (a, b), row in zip(chosen.tolist(), rows, strict=True):
        question = task.prompt(a, b, shots, rng)
        assert tokenizer(question)["input_ids"] == row[:n_read].tolist()
        both = tokenizer(question + task.completion(a, b))["input_ids"]
        assert tokenizer.decode(both[n_read:]) == str(task.answer(a, b))


@pytest.mark.parametrize("before", ["", "1*2=2\n", "12*34=408\n99*99=9801\n"])
def test_the_tokenizer_reads_symbols(before, tmp_path):
    task = TASKS["two-digit-multiplication"]
    _, tokenizer = load(export.export(untrained(task, 4), task, tmp_path))
    ids = tokenizer(before + "54*4=216")["input_ids"]
    assert tokenizer.decode(ids) == "54*04=216"


def test_transformers_writes_the_same_answers_and_stops_at_the_end(tmp_path):
    task = TASKS["two-digit-addition"]
    model = untrained(task, 16)
    theirs, tokenizer = load(export.export(model, task, tmp_path))
    chosen = tasks.sample(task, 40, np.random.default_rng(0))
    ours = scoring.completions(model, task, chosen, temperature=0.0)
    questions = [task.question(a, b) for a, b in chosen.tolist()]
    batch = tokenizer(questions, return_tensors="pt", return_token_type_ids=False)
    written = theirs.generate(**batch, max_new_tokens=4, do_sample=False)[
        :, problems.n_read(task) :
    ]
    assert tokenizer.batch_decode(written, skip_special_tokens=True) == ours


def test_safetensors_are_what_the_library_writes(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="the extra [llm] is missing")
    model = untrained(TASKS["two-digit-addition"], 6)
    tensors = export.weights(model)
    again = safetensors.load(export.safetensors(tensors))
    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in tensors.items())
    assert again["transformer.h.0.attn.c_attn.weight"].shape == (6, 18)


def test_a_checkpoint_replaces_an_older_one(tmp_path):
    task = TASKS["two-digit-addition"]
    export.export(untrained(task, 4), task, tmp_path)
    export.export(untrained(task, 8), task, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["n_embd"] == 8
    assert load(tmp_path)[0].config.n_embd == 8
    assert len(list(tmp_path.iterdir())) == 6  # no temporary file stays


def test_a_family_becomes_a_folder_of_checkpoints(tmp_path):
    profile = family.Profile(widths=(3, 4), n_seeds=1, n_steps=2)
    trained = family.train("two-digit-addition", profile, jobs=1, cache=tmp_path / "cache")
    folders = export.export_family(trained, tmp_path / "models")
    expected = ["two-digit-addition-w3-seed0", "two-digit-addition-w4-seed0"]
    assert [folder.name for folder in folders] == expected
    ids = torch.tensor([[1, 2, 10, 3, 4, 12]])
    for folder, one in zip(folders, trained.models, strict=True):
        theirs, _ = load(folder)
        written = theirs.generate(ids, max_new_tokens=1, do_sample=False)[:, 6:]
        assert torch.equal(written, generate(one.model, ids, 1))


@pytest.mark.parametrize("name", NAMES)
def test_a_harness_that_reserves_room_for_an_answer_cuts_no_prompt(name, tmp_path):
    # The lm-evaluation-harness keeps the last max_length − max_gen_toks tokens of a prompt.
    task = TASKS[name]
    model, tokenizer = load(export.export(untrained(task, 4), task, tmp_path))
    max_length, max_gen_toks = model.config.n_positions, task.target_lengths[-1] + 1
    assert max_length - max_gen_toks >= problems.n_read(task)
    assert tokenizer.model_max_length == max_length
    # Answers that go on over the end of what was trained are no error.
    prompt = tokenizer(task.question(1, 2), return_tensors="pt").input_ids
    rest = max_length - prompt.shape[1]
    assert model.generate(prompt, max_new_tokens=rest, min_new_tokens=rest).shape[1] == max_length


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two-digit-multiplication", ["`54*4=`", "`612` for 216", "max_gen_toks: 5", "| reverse"]),
        ("four-digit-addition", ["`5407+86=`", "as one reads them, `5493`", "max_gen_toks: 6"]),
    ],
)
def test_the_card_says_what_the_checkpoint_expects(name, words, tmp_path):
    folder = export.export(untrained(TASKS[name], 4), TASKS[name], tmp_path)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert all(word in card for word in words)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert ("answer_order" in config) == (name == "two-digit-multiplication")


def test_a_checkpoint_of_products_writes_the_last_digit_first(tmp_path):
    task = TASKS["two-digit-multiplication"]
    model = untrained(task, 16)
    theirs, tokenizer = load(export.export(model, task, tmp_path))
    chosen = tasks.sample(task, 40, np.random.default_rng(0))
    ours = scoring.completions(model, task, chosen, temperature=0.0)
    questions = [task.question(a, b) for a, b in chosen.tolist()]
    batch = tokenizer(questions, return_tensors="pt", return_token_type_ids=False)
    written = theirs.generate(**batch, max_new_tokens=5, do_sample=False)[:, 6:]
    texts = tokenizer.batch_decode(written, skip_special_tokens=True)
    assert [text[::-1] for text in texts] == ours
