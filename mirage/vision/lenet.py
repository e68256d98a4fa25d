"""LeNets of 14 widths on MNIST (Figure 11; Figure 10 in arXiv v2).

The paper states neither the architecture nor the training. Its parameter counts, read off the
figure, are 6283 w + 264; the simplest stack with these counts is

    conv 3×3 (1 → 3) → ReLU → conv 3×3 (3 → 8) → ReLU → linear (6272 → w) → ReLU → linear (w → 10)

with padding 1, no pooling, and only w scaled. At widths 1 to 4 single seeds either learn or do not:
a hidden unit that ReLU silences for every image never comes back.

Measured on MNIST, 60 000 images, medians of 6 seeds: test accuracy .17, .38, .76, .84, .94, .95,
.95 and .95 at w = 1, 2, 3, 4, 6, 8, 16 and 64; ten of ten images right at w = 64: .63. At w = 2 to
4 seeds spread from .11 to .89. On a shared core of an AMD EPYC a network took 6 s of processor
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
    widths : tuple of int
        Sizes of the family.
    n_seeds : int
        Training runs per width; a median has a 95 % interval from 6 on.
    n_seeds_small : int
        Training runs at widths 1 to 4, where seeds differ most.
    """

    widths: tuple[int, ...]
    n_seeds: int
    n_seeds_small: int

    def seeds(self, width: int) -> range:
        """Return the training seeds of a width."""
        return range(self.n_seeds_small if width <= SMALL else self.n_seeds)


SMALL = 4
PROFILES = {
    "quick": Profile((1, 2, 3, 4, 6, 8, 16, 64), n_seeds=6, n_seeds_small=6),
    "paper": Profile(WIDTHS, n_seeds=10, n_seeds_small=30),
}


@dataclass(frozen=True)
class Config:
    """One LeNet: its width, its seed, its training.

    Parameters
    ----------
    width : int
        Hidden units w of the first linear layer.
    seed : int
        Seed of the initial weights and of the order of the batches.
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

    def hidden_units(self, images: torch.Tensor) -> torch.Tensor:
        """Map images, float32 (batch, 28, 28), to hidden units after ReLU, (batch, w)."""
        if images.device.type == "cpu":
            one, two = self.conv1, self.conv2
            x = conv3x3_relu_twice(images, one.weight, one.bias, two.weight, two.bias)
            x = torch.addmm(self.hidden.bias[:, None], self.hidden.weight, x.flatten(0, 2)).t()
        else:
            x = self.conv2(self.conv1(images.unsqueeze(1)).relu()).relu()
            x = self.hidden(x.flatten(1))
        return x.relu()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images, float32 (batch, 28, 28), to logits (batch, 10)."""
        return self.output(self.hidden_units(images))


# One epoch of plain SGD. The paper states no schedule; of ten tried (book/deviations.md), this one
# comes nearest to its curve at both ends.
SCHEDULE = Schedule("sgd", learning_rate=0.03, batch_size=64, epochs=1)


def configs(profile: Profile) -> list[Config]:
    """Return all widths with each seed, the slowest first, so that no core waits for it.

    Examples
    --------
    >>> family = configs(Profile(widths=(1, 64), n_seeds=1, n_seeds_small=2))
    >>> [(config.width, config.seed) for config in family]
    [(64, 0), (1, 0), (1, 1)]
    """
    widths = sorted(profile.widths, reverse=True)
    return [Config(width, seed, SCHEDULE) for width in widths for seed in profile.seeds(width)]


def evaluate(config: Config, data) -> list[dict]:
    """Train one LeNet and test it.

    Parameters
    ----------
    config : Config
        Width, seed, schedule.
    data : mirage.datasets.images.LabelledImages
        Images ``x_train, x_test``, uint8 (items, 28, 28), and labels ``y_train, y_test`` 0 to 9.

    Returns
    -------
    list of dict
        Rows of a score table: accuracy in [0, 1], higher is better, and subset accuracy for each K
        of ``SUBSETS``; ``loss`` is the test cross-entropy in nats, ``live_units`` the number of
        hidden units that some test image activates.
    """
    torch.manual_seed(config.seed)
    model = LeNet(config.width)
    images, labels = torch.tensor(data.x_train), torch.tensor(data.y_train).long()

    def batch_loss(index: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(normalise(images.index_select(0, index))), labels[index])

    loop.train(model, batch_loss, len(images), config.schedule, config.seed)
    tested = test(model, data.x_test, data.y_test)
    common = {
        "family": "LeNet",
        "model": f"w = {config.width}",
        "n_params": sum(p.numel() for p in model.parameters()),
        "loss": tested.loss,
        "task": "MNIST",
        "n_items": len(tested.correct),
        "seed": config.seed,
        "source": data.description,
        "width": config.width,
        "live_units": tested.live_units,
    }
    rows = [common | {"metric": "accuracy", "score": float(tested.correct.mean())}]
    for k in SUBSETS:
        score = float(subset_accuracy(tested.correct, k))
        rows.append(common | {"metric": f"subset accuracy, K = {k}", "score": score})
    return rows


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Map uint8 pixels to float32 with MNIST's mean 0 and standard deviation 1."""
    return images.float().sub_(255 * MEAN).div_(255 * STD)


class Tested(NamedTuple):
    """What a LeNet does on test images.

    Attributes
    ----------
    loss : float
        Mean cross-entropy in nats.
    correct : ndarray of bool, shape (items,)
        Whether the class of each image had the highest logit.
    live_units : int
        Hidden units that at least one image activates, from 0 to w; the others are dead.
    """

    loss: float
    correct: np.ndarray
    live_units: int


@torch.inference_mode()
def test(model: LeNet, images: np.ndarray, labels: np.ndarray) -> Tested:
    """Test a LeNet.

    Parameters
    ----------
    model : LeNet
        In float32 on the CPU.
    images : ndarray, uint8, shape (items, 28, 28)
    labels : ndarray, integer, shape (items,)

    Returns
    -------
    Tested
    """
    model.eval()
    parts = torch.tensor(images).split(100)
    hidden = torch.cat([model.hidden_units(normalise(part)) for part in parts])  # (items, w)
    logits, target = model.output(hidden), torch.tensor(labels).long()
    loss = F.cross_entropy(logits, target).item()
    correct = (logits.argmax(1) == target).numpy()
    return Tested(loss, correct, int((hidden > 0).any(0).sum()))
