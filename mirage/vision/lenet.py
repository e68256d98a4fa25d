"""LeNets of 14 widths on MNIST (Figure 11; Figure 10 in arXiv v2).

The paper states neither the architecture nor the training. Its parameter counts, read off the
figure, are 6283 w + 264; the simplest stack with these counts is

    conv 3×3 (1 → 3) → ReLU → conv 3×3 (3 → 8) → ReLU → linear (6272 → w) → ReLU → linear (w → 10)

with padding 1, no pooling, and only w scaled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mirage.metrics.subsets import subset_accuracy
from mirage.training import loop
from mirage.training.loop import Schedule
from mirage.vision.convolution import conv3x3_relu_twice

WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64)  # the paper's, Figure 11B
SUBSETS = tuple(range(1, 11))  # K of Figure 11C
MEAN, STD = 0.1307, 0.3081  # of MNIST's training pixels, in [0, 1]


@dataclass(frozen=True)
class Profile:
    """How much of Figure 11 to run.

    Parameters
    ----------
    n_seeds : int
        Training runs per width; 2 give an interval, 3 a usable one.
    """

    n_seeds: int


PROFILES = {"quick": Profile(n_seeds=3), "paper": Profile(n_seeds=10)}


@dataclass(frozen=True)
class Config:
    """One LeNet: its width, its seed, its training.

    Parameters
    ----------
    width : int
        Hidden units w of the first linear layer.
    seed : int
        Of the initial weights and of the order of the batches.
    schedule : Schedule
        See ``SCHEDULE``.
    """

    width: int
    seed: int
    schedule: Schedule


class LeNet(nn.Module):
    """The paper's network with w hidden units.

    Parameters
    ----------
    width : int
        Hidden units, at least 1.

    Examples
    --------
    >>> sum(p.numel() for p in LeNet(5).parameters()) == 6283 * 5 + 264
    True
    """

    def __init__(self, width: int):
        super().__init__()
        if width < 1:
            raise ValueError(f"width: found {width}, expected at least 1")
        self.conv1 = nn.Conv2d(1, 3, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(3, 8, kernel_size=3, padding=1)
        self.hidden = nn.Linear(8 * 28 * 28, width)
        self.output = nn.Linear(width, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images, float32 (batch, 28, 28), to logits (batch, 10)."""
        if images.device.type == "cpu":
            one, two = self.conv1, self.conv2
            x = conv3x3_relu_twice(images, one.weight, one.bias, two.weight, two.bias)
            x = torch.addmm(self.hidden.bias[:, None], self.hidden.weight, x.flatten(0, 2)).t()
        else:
            x = self.conv2(self.conv1(images.unsqueeze(1)).relu()).relu()
            x = self.hidden(x.flatten(1))
        return self.output(x.relu())


# One epoch of plain SGD. The paper states no schedule; of ten tried (see deviations), this one
# comes nearest to its curve at both ends.
SCHEDULE = Schedule("sgd", learning_rate=0.03, batch_size=64, epochs=1)


def configs(n_seeds: int) -> list[Config]:
    """Return all widths with each seed, the slowest first, so that no core waits for it.

    Examples
    --------
    >>> family = configs(n_seeds=2)
    >>> len(family), family[0].width, family[-1].width
    (28, 64, 1)
    """
    widths = sorted(WIDTHS, reverse=True)
    return [Config(width, seed, SCHEDULE) for width in widths for seed in range(n_seeds)]


def evaluate(config: Config, data) -> list[dict]:
    """Train one LeNet and test it.

    Parameters
    ----------
    config : Config
        Width, seed, schedule.
    data : mirage.datasets.Dataset
        Images ``x_train, x_test``, uint8 (items, 28, 28), and labels ``y_train, y_test`` 0 to 9.

    Returns
    -------
    list of dict
        Rows of a score table: accuracy in [0, 1], higher is better, and subset accuracy for each K
        of ``SUBSETS``; ``loss`` is the test cross-entropy in nats.
    """
    torch.manual_seed(config.seed)
    model = LeNet(config.width)
    images, labels = torch.tensor(data.x_train), torch.tensor(data.y_train).long()

    def batch_loss(index: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(normalise(images.index_select(0, index))), labels[index])

    loop.train(model, batch_loss, len(images), config.schedule, config.seed)
    loss, correct = test(model, data.x_test, data.y_test)
    common = {
        "family": "LeNet",
        "model": f"w = {config.width}",
        "n_params": sum(p.numel() for p in model.parameters()),
        "loss": loss,
        "task": "MNIST",
        "n_items": len(correct),
        "seed": config.seed,
        "source": data.description,
        "width": config.width,
    }
    rows = [common | {"metric": "accuracy", "score": float(correct.mean())}]
    for k in SUBSETS:
        score = float(subset_accuracy(correct, k))
        rows.append(common | {"metric": f"subset accuracy, K = {k}", "score": score})
    return rows


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Map uint8 pixels to float32 with MNIST's mean 0 and standard deviation 1."""
    return images.float().sub_(255 * MEAN).div_(255 * STD)


@torch.inference_mode()
def test(model: LeNet, images: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Test a LeNet.

    Parameters
    ----------
    model : LeNet
        In float32 on the CPU.
    images : ndarray, uint8, shape (items, 28, 28)
    labels : ndarray, integer, shape (items,)

    Returns
    -------
    (float, ndarray of bool)
        Mean cross-entropy in nats, and for each item whether its class had the highest logit.
    """
    model.eval()
    parts = torch.tensor(images).split(100)
    logits = torch.cat([model(normalise(part)) for part in parts])
    target = torch.tensor(labels).long()
    return F.cross_entropy(logits, target).item(), (logits.argmax(1) == target).numpy()
