"""The autoencoders of Figure 7: large ones against the matrix-product peak, small ones in a pass.

- *Large:* training steps at k = 512, 768 and 1024, with everything a step does (gathering the
  batch, five matrix products, Adam), against this machine's float32 matrix product.
- *Small half:* the ten smallest bottlenecks in one pass, against one model after the other written
  as a tutorial would, from the same weights on the same batches; their errors must agree.

All on one thread, as in a worker of the sweep, and in processor time, which others on the machine
disturb less.
"""

from time import process_time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks import fastest, matmul_peak, speedup
from mirage import datasets
from mirage.training import loop as training
from mirage.training.loop import Schedule
from mirage.vision import autoencoder
from mirage.vision.stacked import Autoencoders

LARGE = (512, 768, 1024)
SMALL = autoencoder.BOTTLENECKS[:10]
BATCH = 256
N_STEPS = {"large": 10, "small": 60}


def run() -> list[dict]:
    """Train on CIFAR-100 or a subset of it; return rows, and print the errors side by side."""
    data = autoencoder.prepare(datasets.load("cifar100"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    images = torch.tensor(data.images.train)
    try:
        peak = matmul_peak(clock=process_time)
        rates = {k: _rate(k, images, data) for k in LARGE}
        stacked, ours = fastest(lambda: _in_one_pass(images, data), clock=process_time)
        loop, plain = fastest(lambda: _one_after_the_other(images, data), clock=process_time)
    finally:
        torch.set_num_threads(threads)
    test = torch.tensor(data.images.test[:1000])
    with torch.inference_mode():
        errors = ours.errors(test).mean(1).tolist()
        expected = [F.mse_loss(model(test), test).item() for model in plain]
    print(f"test errors on {data.description} after {N_STEPS['small']} steps, k = {SMALL}")
    for name, values in (("one pass", errors), ("one after the other", expected)):
        print(f"  {name:20s}", " ".join(f"{value:.4f}" for value in values))
    if not np.allclose(errors, expected, rtol=0.01):
        raise RuntimeError("the two ways disagree: the benchmark compares different quantities")
    against = f"float32 matrix product, {peak / 1e9:.0f} GFLOP/s"
    rows = [
        speedup(
            f"autoencoder, k = {k}: training", rate / 1e9, "GFLOP/s", against, rate / peak, 0.45
        )
        for k, rate in rates.items()
    ]
    baseline = f"one model after the other, {loop:.2f} s"
    return [*rows, speedup("autoencoders, small half", stacked, "s", baseline, loop / stacked, 3.0)]


class _Tutorial(nn.Module):
    """One autoencoder of two ``nn.Linear`` layers, with the initial weights of ours."""

    def __init__(self, ours: Autoencoders):
        super().__init__()
        k, n_inputs = ours.encoder.shape
        self.encoder, self.decoder = nn.Linear(n_inputs, k), nn.Linear(k, n_inputs)
        self.range = ours.range
        with torch.no_grad():
            self.encoder.weight.copy_(ours.encoder)
            self.decoder.weight.copy_(ours.decoder.T)
            self.encoder.bias.zero_()
            self.decoder.bias.zero_()

    def forward(self, x):
        return self.decoder(self.range * torch.tanh(self.encoder(x) / self.range))


def _plan(data, n_steps: int) -> Schedule:
    epochs = (n_steps + 0.5) / (len(data.images.train) // BATCH)
    return Schedule("adam", 1e-3, batch_size=BATCH, epochs=epochs)


def _stack(bottlenecks, data) -> Autoencoders:
    ranges = [20 * float(np.mean(data.images.variances[:k])) ** 0.5 for k in bottlenecks]
    return Autoencoders(bottlenecks, autoencoder.N_INPUTS, ranges)


def _rate(k: int, images: torch.Tensor, data) -> float:
    """Floating-point operations per second of training one autoencoder."""
    plan = _plan(data, N_STEPS["large"])
    model = _stack([k], data)

    def steps():
        training.train(
            model, lambda i: model.loss(images.index_select(0, i)), len(images), plan, seed=0
        )

    seconds, _ = fastest(steps, clock=process_time)
    # Forward: encoder, decoder. Backward: the weights of both, and the codes. 2 per multiply-add.
    return 5 * 2 * k * autoencoder.N_INPUTS * BATCH * plan.n_steps(len(images)) / seconds


def _in_one_pass(images: torch.Tensor, data) -> Autoencoders:
    model, plan = _stack(SMALL, data), _plan(data, N_STEPS["small"])
    training.train(
        model, lambda i: model.loss(images.index_select(0, i)), len(images), plan, seed=0
    )
    return model


def _one_after_the_other(images: torch.Tensor, data) -> list[_Tutorial]:
    models, plan = [], _plan(data, N_STEPS["small"])
    for k in SMALL:
        model = _Tutorial(_stack([k], data))

        def loss(index, model=model):
            x = images[index]
            return F.mse_loss(model(x), x)

        training.train(model, loss, len(images), plan, seed=0)
        models.append(model)
    return models
