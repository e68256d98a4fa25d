"""The LeNet family, all 14 widths, one seed, one epoch, against two ordinary ways of training it.

- *DataLoader*: a torchvision-style ``Dataset`` with per-sample transforms, ``DataLoader`` with
  batches of 64, ``conv2d``, one model after the other, two threads: what a tutorial teaches.
- *tensor loop*: the data as one tensor, sliced by index; otherwise the same, two threads.
- ours: ``mirage.training.sweep`` over ``mirage.vision.lenet``, a process per core with one thread.

All three start from the same weights, with the same batch size, optimiser and schedule; ours and
the tensor loop also see the same batches, so that their accuracies must agree to rounding noise.
No time includes importing torch: the baselines run where it is imported, and our workers, which
stay alive between sweeps, are started by a short sweep first. Writing the cache counts.
"""

import dataclasses
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from benchmarks import matmul_peak, speedup
from mirage import datasets
from mirage._torchvision import transforms
from mirage.training import loop, sweep
from mirage.vision import lenet

THREADS = 2


def run() -> list[dict]:
    """Train the family three ways; return rows, and print the accuracies side by side."""
    data = datasets.load("mnist")
    torch.set_num_threads(THREADS)
    peak = matmul_peak()
    configs = lenet.configs(lenet.Profile(lenet.WIDTHS, n_seeds=1, n_seeds_small=1))
    with tempfile.TemporaryDirectory() as cache:
        brief = dataclasses.replace(lenet.SCHEDULE, epochs=0.01)
        warm = [lenet.Config(1, seed, brief) for seed in range(2 * THREADS)]
        sweep.run(lenet.evaluate, warm, data, "start workers", cache=Path(cache))
        start = perf_counter()
        scores = sweep.run(lenet.evaluate, configs, data, "LeNet", cache=Path(cache))
        ours = perf_counter() - start
    print(f"ours: {ours:.1f} s", flush=True)
    accuracies = {"ours": scores.filter(metric="accuracy").sort("width")["score"].to_list()}
    tensor, accuracies["tensor loop"] = _timed(_tensor_loop, data)
    loader, accuracies["DataLoader"] = _timed(_data_loader, data)
    print(f"test accuracy on {data.description}, w = {lenet.WIDTHS}")
    for name, values in accuracies.items():
        print(f"  {name:12s}", " ".join(f"{value:.3f}" for value in values))
    noise = np.abs(np.subtract(accuracies["ours"], accuracies["tensor loop"])).max()
    n_images = lenet.SCHEDULE.n_steps(len(data.x_train)) * lenet.SCHEDULE.batch_size
    flop = sum(map(_flop_per_image, lenet.WIDTHS)) * n_images
    what = "LeNet family, 14 widths, one epoch"
    return [
        speedup(what, ours, "s", f"DataLoader, {loader:.0f} s", loader / ours, 8.0),
        speedup(what, ours, "s", f"tensor loop, {tensor:.0f} s", tensor / ours, 2.5),
        speedup(
            f"{what}: arithmetic",
            flop / ours / 1e9,
            "GFLOP/s",
            f"float32 matrix product, {peak / 1e9:.0f} GFLOP/s",
            flop / ours / peak,
            None,
        ),
        speedup(f"{what}: largest difference of accuracy", noise, "", "tensor loop", None, None),
    ]


def _timed(train_family, data):
    start = perf_counter()
    accuracies = train_family(data)
    seconds = perf_counter() - start
    print(f"{train_family.__name__.strip('_')}: {seconds:.1f} s", flush=True)
    return seconds, accuracies


def _ordinary(width: int) -> nn.Module:
    """The network as a tutorial would write it, with the initial weights of ours."""
    torch.manual_seed(0)
    ours = lenet.LeNet(width)
    conv1, conv2, hidden, output = ours.conv1, ours.conv2, ours.hidden, ours.output
    relu = nn.ReLU
    return nn.Sequential(conv1, relu(), conv2, relu(), nn.Flatten(), hidden, relu(), output)


def _tensor_loop(data) -> list[float]:
    images = lenet.normalise(torch.tensor(data.x_train)).unsqueeze(1)
    labels = torch.tensor(data.y_train).long()
    accuracies = []
    for width in lenet.WIDTHS:
        model = _ordinary(width)
        optimizer = torch.optim.SGD(model.parameters(), lenet.SCHEDULE.learning_rate)
        for index in loop.batches(len(images), lenet.SCHEDULE, seed=0):
            optimizer.zero_grad()
            F.cross_entropy(model(images[index]), labels[index]).backward()
            optimizer.step()
        accuracies.append(_accuracy(model, data))
    return accuracies


def _data_loader(data) -> list[float]:
    transform = transforms.Compose(
        [
            transforms.ToTensor(),
            transforms.Normalize((lenet.MEAN,), (lenet.STD,)),
        ]
    )
    dataset = _Digits(data.x_train, data.y_train, transform)
    accuracies = []
    for width in lenet.WIDTHS:
        model = _ordinary(width)
        optimizer = torch.optim.SGD(model.parameters(), lenet.SCHEDULE.learning_rate)
        for images, labels in torch.utils.data.DataLoader(
            dataset, batch_size=lenet.SCHEDULE.batch_size, shuffle=True, drop_last=True
        ):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        accuracies.append(_accuracy(model, data))
    return accuracies


class _Digits(torch.utils.data.Dataset):
    """As ``torchvision.datasets.MNIST``: an image and a label at a time."""

    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = torch.tensor(images), labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, item):
        return self.transform(Image.fromarray(self.images[item].numpy())), int(self.labels[item])


@torch.inference_mode()
def _accuracy(model, data) -> float:
    images = lenet.normalise(torch.tensor(data.x_test)).unsqueeze(1)
    predicted = torch.cat([model(part) for part in images.split(500)]).argmax(1)
    return (predicted == torch.tensor(data.y_test)).double().mean().item()


def _flop_per_image(width: int) -> int:
    """Two per multiply-add; forward, and backward to weights and inputs (not to the image)."""
    conv1, conv2 = 9 * 3 * 28 * 28, 27 * 8 * 28 * 28
    linear = 6272 * width + 10 * width
    return 2 * (2 * conv1 + 3 * conv2 + 3 * linear)
