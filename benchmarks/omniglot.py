"""The small half of the Omniglot family, one pass over the drawings, against training one by one.

- *DataLoader*: a ``Dataset`` with per-image transforms and batches of 32 sequences, PyTorch's own
  attention, one model after the other, two threads: what a tutorial teaches.
- *one by one*: our model, tensors and loop, one model after the other, two threads: what the
  processes alone are worth, which on two cores cannot be more than 2×.
- *stacked*: three seeds of a model in one vectorised pass (``torch.func``), against each alone.
- ours: ``mirage.training.sweep``, a process per core with one thread.

All train the same models at the same batch size, optimiser and schedule. Ours and *one by one* see
the same batches, so that their accuracies must agree to rounding noise. No time includes importing
torch: our workers, which stay alive between sweeps, are started by a short sweep first. Ours
includes testing and its cache.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F
from PIL import Image
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks import fastest, speedup
from mirage import datasets
from mirage._torchvision import transforms
from mirage.datasets.omniglot import N_DRAWINGS
from mirage.training import sweep
from mirage.vision import omniglot
from mirage.vision.sequences import sequences

THREADS, SEEDS, STACKED_STEPS = 2, 2, 30
SMALL = omniglot.FILTERS[: len(omniglot.FILTERS) // 2]


def run() -> list[dict]:
    """Train the small half three ways and stack a model's seeds; return rows."""
    data = datasets.load("omniglot")
    torch.set_num_threads(THREADS)
    configs = omniglot.configs(omniglot.Profile(SMALL, SEEDS))
    configs = [replace(config, passes=1) for config in configs]
    with tempfile.TemporaryDirectory() as cache:
        brief = replace(omniglot.SCHEDULE, epochs=0.01)
        warm = [omniglot.Config(1, seed, brief, passes=1) for seed in range(2 * THREADS)]
        sweep.run(omniglot.evaluate, warm, data, "start workers", cache=Path(cache))
        start = perf_counter()
        scores = sweep.run(omniglot.evaluate, configs, data, "Omniglot", cache=Path(cache))
        ours = perf_counter() - start
    whole = scores.filter(pl.col("cell").is_null(), metric="accuracy")  # not of each alphabet
    accuracies = whole["score"].to_list()
    start = perf_counter()
    rows = [omniglot.evaluate(config, data) for config in configs]
    one_by_one = perf_counter() - start
    noise = np.abs(np.subtract(accuracies, [row[0]["score"] for row in rows])).max()
    start = perf_counter()
    with patch.object(omniglot, "causal_attention", _attention):
        for config in configs:
            _data_loader(config, data)
    loader = perf_counter() - start
    what = f"Omniglot, {len(SMALL)} small sizes × {SEEDS} seeds, one pass"
    return [
        speedup(what, ours, "s", f"DataLoader, {loader:.0f} s", loader / ours, 3.0),
        speedup(what, ours, "s", f"one by one, {one_by_one:.0f} s", one_by_one / ours, None),
        *(_stacked_row(n_filters, data) for n_filters in (SMALL[0], SMALL[-1])),
        speedup(f"{what}: largest difference of accuracy", noise, "", "one by one", None, None),
    ]


class _Sequences(torch.utils.data.Dataset):
    """A sequence at a time, image by image through the transforms."""

    def __init__(self, images, table):
        self.images, self.table = images, table
        self.transform = transforms.Compose(
            [transforms.RandomCrop(28, padding=omniglot.SHIFT), transforms.PILToTensor()]
        )

    def __len__(self):
        return len(self.table)

    def __getitem__(self, number):
        items = self.table[number]
        images = [self.transform(Image.fromarray(self.images[item])) for item in items]
        return torch.cat(images), torch.tensor(items // N_DRAWINGS)


def _attention(qkv):
    """PyTorch's own, for `mirage.training.attention.causal_attention`."""
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)


def _data_loader(config, data) -> None:
    """Train and test one model in the ordinary way."""
    rng = np.random.default_rng(config.seed)
    table = sequences(data.alphabet, omniglot.TRAIN_DRAWERS, 1, rng).items
    images, schedule = data.x.reshape(-1, 28, 28), config.schedule
    loader = torch.utils.data.DataLoader(
        _Sequences(images, table), schedule.batch_size, shuffle=True, drop_last=True
    )
    model = omniglot.Transformer(config.n_filters, len(data.x))
    optimizer = torch.optim.Adam(model.parameters(), schedule.learning_rate)
    for step, (drawings, labels) in enumerate(loader):
        factor = schedule.factor(step, len(loader))
        optimizer.param_groups[0]["lr"] = schedule.learning_rate * factor
        optimizer.zero_grad()
        F.cross_entropy(model(drawings, labels).flatten(0, 1), labels.flatten()).backward()
        optimizer.step()
    held_out = sequences(data.alphabet, omniglot.TEST_DRAWERS, omniglot.TEST_PASSES, rng).items
    omniglot.test(model, torch.tensor(images), torch.tensor(held_out))


def _stacked_row(n_filters, data) -> dict:
    """Compare the forward and backward pass of three seeds at once with each alone."""
    torch.set_num_threads(1)  # as in a worker
    models = [omniglot.Transformer(n_filters, len(data.x)) for _ in range(3)]
    parameters, _ = torch.func.stack_module_state(models)
    rng = np.random.default_rng(0)
    table = sequences(data.alphabet, omniglot.TRAIN_DRAWERS, 1, rng).items
    items = torch.tensor(table[: omniglot.SCHEDULE.batch_size])
    images, labels = torch.tensor(data.x).view(-1, 28, 28)[items], items // N_DRAWINGS

    def loss(weights):
        logits = torch.func.functional_call(models[0], weights, (images, labels))
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())

    def alone():
        for model in models:
            F.cross_entropy(model(images, labels).flatten(0, 1), labels.flatten()).backward()

    def stacked():
        # The only attention that vmap vectorises on a CPU.
        with patch.object(omniglot, "causal_attention", _attention), sdpa_kernel(SDPBackend.MATH):
            torch.func.vmap(loss)(parameters).sum().backward()

    (single, _), (together, _) = (fastest(f, STACKED_STEPS) for f in (alone, stacked))
    torch.set_num_threads(THREADS)
    what = f"Omniglot, c = {n_filters}: 3 seeds stacked, one step"
    baseline = f"each alone, {single * 1e3:.0f} ms"
    return speedup(what, together * 1e3, "ms", baseline, single / together, None)
