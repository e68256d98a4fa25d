"""The arithmetic family: training, scoring and generation, against plain PyTorch.

- Training, the quick profile on both tasks, the first steps. *One model at a time*:
  GPT-2 as a textbook writes it (``scaled_dot_product_attention``, logits at every place), AdamW,
  two threads. It starts from the same weights and sees the same batches, so that the losses
  agree but for rounding, which training amplifies. Ours: ``mirage.training.sweep``, a process
  per core with one thread. Neither time includes importing torch or drawing the problems; both
  include the loss of 100 held-out ones.
- Scoring 100 000 held-out sums by teacher forcing, a model of 27 thousand parameters, one thread.
- Greedy generation with a cache of keys and values, against a loop that reads all again for each
  character; same model, same batches, one thread. The answers must agree.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks import fastest
from mirage.arithmetic import family, problems, scoring, tasks, train
from mirage.arithmetic.model import Transformer
from mirage.training import loop, sweep

THREADS = 2
N_STEPS = 300  # a tenth of the profile's: one step takes as long as another
TASKS = ("two-digit-multiplication", "four-digit-addition")
WIDTH = 32  # 26 thousand parameters
N_SCORED, N_GENERATED = 100_000, 10_000


def run() -> list[dict]:
    """Measure all three; return their rows."""
    return [_training(), *_inference()]


def _training() -> dict:
    data = {name: problems.load(name) for name in TASKS}
    profile = replace(family.PROFILES["quick"], n_steps=N_STEPS)
    ours, losses = _sweep(data, profile)
    plain, expected = _one_at_a_time(data, profile)
    difference = np.abs(np.subtract(losses, expected)).max()
    print(f"training: {ours:.1f} s, one model at a time {plain:.1f} s")
    print(f"  largest difference of a held-out loss: {difference:.4f} nats an item")
    what = f"{len(losses)} transformers, {profile.n_steps} steps"
    baseline = f"one at a time, {THREADS} threads, {plain:.1f} s"
    return _row(what, ours, "s", baseline, plain / ours, "at least 2×", plain / ours >= 2)


def only_train(config: train.Config, data: problems.Problems) -> list[dict]:
    """Train as :func:`mirage.arithmetic.family.evaluate` does; the score is one held-out loss."""
    score = _loss(train.fit(config, data), data)
    row = {"family": "benchmark", "model": f"D = {config.width}", "n_params": 1}
    row |= {"task": data.task.name, "source": "benchmark", "seed": config.seed}
    return [row | {"metric": "loss", "score": score}]


def _loss(model, data) -> float:
    """Return the mean loss of 100 held-out problems, nats an item."""
    forced = scoring.teacher_forced(model, data.task, data.held_out[:100])
    return float(-forced.log_likelihood.mean())


def _sweep(data, profile):
    brief = family.Profile(widths=(3, 4), n_seeds=2, n_steps=2)
    with tempfile.TemporaryDirectory() as cache:
        options = {"jobs": THREADS, "cache": Path(cache)}
        for split in data.values():
            sweep.run(only_train, family.configs(brief, split), split, "start workers", **options)
        start, losses = perf_counter(), []
        for name, split in data.items():
            chosen = family.configs(profile, split)
            losses += sweep.run(only_train, chosen, split, name, **options)["score"].to_list()
        return perf_counter() - start, losses


def _one_at_a_time(data, profile):
    torch.set_num_threads(THREADS)
    start, losses = perf_counter(), []
    for split in data.values():
        encoded = problems.encode(split.task, split.train)
        tokens, answer = map(torch.tensor, encoded)
        for config in family.configs(profile, split):
            torch.manual_seed(config.seed)
            model = Transformer(config.width, problems.n_positions(split.task))
            _plain_training(model, tokens.long(), answer, config)
            losses.append(_loss(model, split))
    return perf_counter() - start, losses


def _plain_training(model, tokens, answer, config):
    schedule, n_items = config.schedule, len(tokens)
    n_steps = schedule.n_steps(n_items)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=schedule.weight_decay)
    for step, index in enumerate(loop.batches(n_items, schedule, config.seed)):
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate * schedule.factor(step, n_steps)
        row = tokens[index]
        target = row[:, 1:].masked_fill(~answer[index], -100)  # what cross_entropy leaves out
        optimizer.zero_grad()
        F.cross_entropy(
            _plain_logits(model, row[:, :-1]).flatten(0, 1), target.flatten()
        ).backward()
        optimizer.step()


def _plain_logits(model, tokens):
    """GPT-2 as a textbook writes it, with the weights of ours."""
    n_batch, n_tokens = tokens.shape
    x = model.token(tokens) + model.position.weight[:n_tokens]
    for block in model.blocks:
        qkv = block.attend(block.before_attend(x)).view(n_batch, n_tokens, 3, block.n_heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + block.mix(heads.transpose(1, 2).flatten(2))
        x = x + block.down(F.gelu(block.up(block.before_up(x))))
    return F.linear(model.last(x), model.token.weight)


def _inference() -> list[dict]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        task = tasks.get("four-digit-addition")
        torch.manual_seed(0)
        model = Transformer(WIDTH, problems.n_positions(task))
        chosen = problems.load(task.name).held_out[:N_SCORED]
        scored, _ = fastest(lambda: scoring.teacher_forced(model, task, chosen))
        chosen = chosen[:N_GENERATED]
        cached, answers = fastest(lambda: scoring.completions(model, task, chosen, 0.0))
        plain, expected = fastest(lambda: _without_cache(model, task, chosen))
    finally:
        torch.set_num_threads(threads)
    same = np.mean([a == b for a, b in zip(answers, expected, strict=True)])
    if same < 0.999:  # two likeliest characters may tie to rounding
        raise RuntimeError(f"only {same:.3f} of the answers agree: the benchmark compares apples")
    what, baseline = f"greedy answers to {N_GENERATED} sums", f"no cache, {plain:.1f} s"
    return [
        _row(f"{N_SCORED} sums scored", scored, "s", "–", None, "at most 10 s", scored <= 10),
        _row(what, cached, "s", baseline, plain / cached, "at least 5×", plain / cached >= 5),
    ]


@torch.inference_mode()
def _without_cache(model, task, chosen) -> list[str]:
    tokens = torch.from_numpy(problems.encode(task, chosen).tokens).long()
    n_read, texts = problems.n_read(task), []
    for part in tokens[:, :n_read].split(scoring.CHUNK):
        for _ in range(task.target_lengths[-1] + 1):
            next_one = _plain_logits(model, part)[:, -1].argmax(dim=-1, keepdim=True)
            part = torch.cat([part, next_one], dim=1)
        texts += problems.decode(task, part[:, n_read:].numpy())
    return texts


def _row(benchmark, value, unit, baseline, ratio, target, met) -> dict:
    return {
        "benchmark": f"arithmetic: {benchmark}",
        "value": float(value),
        "unit": unit,
        "baseline": baseline,
        "ratio": ratio,
        "target": target,
        "met": bool(met),
    }
