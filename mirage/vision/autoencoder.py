"""Shallow autoencoders with 19 bottlenecks on CIFAR-100 (Figure 7).

    x (3072) → linear → k codes, r tanh(·/r) → linear → x̂ (3072),   6145 k + 3072 parameters

The paper states neither activation nor training. Its errors are means over the 3072 inputs of
images divided by the channel deviations below: principal components then give its test errors at
k = 1 and 2. No such network beats them on its training images, see :mod:`mirage.vision.pca`.

The family starts at the principal components, in a random rotation of the codes, with a range r
so wide that tanh is nearly linear there; smaller models are also trained from a random start.
All see the images in the basis of their principal components. That leaves every error and the
family of networks as they are, but Adam, which scales each coordinate by itself, meets
uncorrelated inputs: a random start at k = 256 then ends 1 % above the bound, not 41 %.

Models of one ``Config`` train in one pass (:mod:`mirage.vision.stacked`), each as if alone.
Against one model after the other that is several times faster for the small half, and the large
models run near the peak of the float32 matrix product: ``benchmarks/autoencoder.py`` has both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from mirage.metrics.images import reconstruction
from mirage.training import loop
from mirage.training.loop import Schedule
from mirage.vision import pca
from mirage.vision.stacked import ACTIVATIONS, STARTS, Autoencoders

BOTTLENECKS = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 196, 256, 384, 512, 768, 1024)
# Trained together; the longest pass comes first, so that two workers finish at about one time.
GROUPS = ((1024,), (768,), (512,), (384,), (196, 256), BOTTLENECKS[:13])
STD = (0.2470, 0.2435, 0.2616)  # of the channels, pixels in [0, 1]; CIFAR-10's, as errors reveal
N_INPUTS = 32 * 32 * 3
PAPER_C = (0.003, 0.004)  # Figure 7C
# Ten thresholds a decade: from below the errors of k = 1024 to above those of k = 1.
THRESHOLDS = tuple(sorted({*PAPER_C, *(float(f"{c:.3g}") for c in np.geomspace(1e-3, 1, 31))}))
# (activation, gain) from a random start; a larger gain drives the codes further from the origin.
ABLATION = (("identity", 0.05), ("tanh", 0.5), ("gelu", 0.5), ("relu", 0.5))


@dataclass(frozen=True)
class Profile:
    """How much of Figure 7 to run.

    Parameters
    ----------
    n_seeds, n_seeds_gpu : int
        Training runs per bottleneck on a CPU, and where there is a GPU.
    epochs : float
        Passes over the training images from the principal start.
    random : tuple of tuple of int
        Groups of bottlenecks that are also trained from a random start.
    ablation : tuple of int
        Bottlenecks at which other activations are tried.
    """

    n_seeds: int
    n_seeds_gpu: int
    epochs: float
    random: tuple[tuple[int, ...], ...]
    ablation: tuple[int, ...]


PROFILES = {
    "quick": Profile(1, n_seeds_gpu=3, epochs=0.5, random=(BOTTLENECKS[:9],), ablation=(8,)),
    "paper": Profile(3, n_seeds_gpu=10, epochs=3, random=GROUPS[-2:], ablation=(8, 64)),
}


@dataclass(frozen=True)
class Config:
    """Autoencoders that train side by side, each as if alone.

    Parameters
    ----------
    bottlenecks : tuple of int
        Code units k of each.
    seed : int
        Of the initial weights and of the order of the batches.
    schedule : Schedule
        See :func:`schedule`.
    start : {"principal", "random"}
        Weights: principal components in a random rotation, or uniform in ±1/√inputs.
    activation : {"tanh", "identity", "relu", "gelu"}
        Of the codes, as r f(u/r); the output is linear.
    gain : float
        Root mean square of u/r if the codes were the k leading principal components.
    device : str
        Where to train.
    """

    bottlenecks: tuple[int, ...]
    seed: int
    schedule: Schedule
    start: str = "principal"
    activation: str = "tanh"
    gain: float = 0.05  # tanh then adds about 0.1 % to the error at k = 512
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse what no network has."""
        for name, known in (("start", STARTS), ("activation", ACTIVATIONS)):
            if (found := getattr(self, name)) not in known:
                raise ValueError(f"{name}: found {found!r}, expected one of {', '.join(known)}")
        if not self.bottlenecks or min(self.bottlenecks) < 1 or self.gain <= 0:
            found = f"found bottlenecks {self.bottlenecks} and gain {self.gain}"
            raise ValueError(f"{found}, expected at least one, each at least 1, and a gain above 0")


@dataclass(frozen=True)
class Bound:
    """Principal components on the test images, in place of trained autoencoders.

    Parameters
    ----------
    bottlenecks : tuple of int
        Ranks.
    """

    bottlenecks: tuple[int, ...]


@dataclass(frozen=True)
class Prepared:
    """CIFAR-100 in the basis of its principal components.

    Attributes
    ----------
    images : pca.Rotated
        Training and test images.
    description, digest : str
        Of the data set.
    """

    images: pca.Rotated
    description: str
    digest: str


def schedule(start: str, epochs: float) -> Schedule:
    """Return how to train from a start: small steps from a good one, large ones from none."""
    rate = 2e-5 if start == "principal" else 1e-2
    return Schedule("adam", rate, batch_size=256, epochs=epochs, warmup=20, decay="cosine")


def configs(profile: str, n_seeds: int = 0, device: str = "auto") -> list[Config | Bound]:
    """List what Figure 7 computes: the family, the ablation and the bound.

    Parameters
    ----------
    profile : str
        Key of ``PROFILES``.
    n_seeds : int
        Training seeds per model; 0 means the profile's.
    device : str
        See :func:`mirage.training.loop.device`.

    Returns
    -------
    list of Config and Bound
        For :func:`mirage.training.sweep.run` with :func:`evaluate` and :func:`prepare`.
    """
    chosen, place = PROFILES[profile], loop.device(device).type
    seeds = range(n_seeds or (chosen.n_seeds if place == "cpu" else chosen.n_seeds_gpu))
    near, far = schedule("principal", chosen.epochs), schedule("random", epochs=6)
    found = [Config(group, seed, near, device=place) for group in GROUPS for seed in seeds]
    for seed in seeds:
        found += [Config(group, seed, far, "random", device=place) for group in chosen.random]
        found += [Config(chosen.ablation, seed, far, "random", *a, place) for a in ABLATION]
    return [*found, Bound(BOTTLENECKS)]


def prepare(data) -> Prepared:
    """Scale the images and turn them into their principal components' basis.

    Parameters
    ----------
    data : mirage.datasets.LabelledImages
        CIFAR-100 or its stand-in.

    Returns
    -------
    Prepared
        What :func:`evaluate` needs, computed once for all models.
    """
    images = pca.rotate(scaled(data.x_train), scaled(data.x_test))
    return Prepared(images, data.description, data.digest)


def scaled(images: np.ndarray) -> torch.Tensor:
    """Divide uint8 pixels, shape (items, 32, 32, 3), by 255 and their channel's deviation.

    Examples
    --------
    A white pixel's red is 1/.2470.

    >>> x = scaled(np.full((1, 32, 32, 3), 255, np.uint8))
    >>> x.shape, round(x[0, 0].item(), 4)
    (torch.Size([1, 3072]), 4.0486)
    """
    per_level = 1 / (255 * torch.tensor(STD))
    return torch.tensor(images).float().mul_(per_level).flatten(1)


def fit(config: Config, data: Prepared) -> Autoencoders:
    """Train the autoencoders of a configuration, on its device.

    Parameters
    ----------
    config : Config
        Bottlenecks, seed, schedule, activation.
    data : Prepared
        Of its images the training set.

    Returns
    -------
    Autoencoders
    """
    variances = data.images.variances
    spreads = [float(np.mean(variances[:k])) ** 0.5 for k in config.bottlenecks]
    model = Autoencoders(
        config.bottlenecks,
        len(variances),
        ranges=[spread / config.gain for spread in spreads],
        activation=config.activation,
        start=config.start,
        seed=config.seed,
    ).to(config.device)
    images = torch.tensor(data.images.train, device=config.device)

    def batch_loss(index: torch.Tensor) -> torch.Tensor:
        return model.loss(images.index_select(0, index.to(images.device)))

    loop.train(model, batch_loss, len(images), config.schedule, config.seed)
    return model.eval()


def evaluate(config: Config | Bound, data: Prepared) -> list[dict]:
    """Train the autoencoders of a configuration and test each; or test principal components.

    Parameters
    ----------
    config : Config or Bound
        What to train.
    data : Prepared
        From :func:`prepare`.

    Returns
    -------
    list of dict
        Rows of a score table for each bottleneck: mean squared error (at least 0, lower is better)
        and reconstruction at each of ``THRESHOLDS`` (in [0, 1], higher is better). ``loss`` is the
        test error once more, for the progress bar; not nats.
    """
    if isinstance(config, Bound):
        errors = pca.errors(data.images.test, config.bottlenecks)
        common = {"family": "principal components"}
    else:
        model, test = fit(config, data), torch.tensor(data.images.test)
        with torch.inference_mode():
            parts = [model.errors(part.to(config.device)).cpu() for part in test.split(500)]
        errors = torch.cat(parts, 1).double().numpy()
        common = {"family": "autoencoder", "seed": config.seed, "gain": config.gain}
        common |= {"activation": config.activation, "start": config.start}
    models = zip(config.bottlenecks, errors, strict=True)
    return [row for k, of_model in models for row in _rows(common, k, of_model, data.description)]


def _rows(common: dict, k: int, errors: np.ndarray, source: str) -> Iterator[dict]:
    mse = float(errors.mean())
    common = common | {
        "model": f"k = {k}",
        "n_params": (2 * N_INPUTS + 1) * k + N_INPUTS,
        "loss": mse,
        "task": "CIFAR-100",
        "n_items": len(errors),
        "source": source,
        "bottleneck": k,
    }
    yield common | {"metric": "mean squared error", "score": mse}
    for c in THRESHOLDS:
        score = float(reconstruction(errors, c).mean())
        yield common | {"metric": f"reconstruction, c = {c:g}", "score": score, "c": c}
