"""The one training loop: every model of the book is trained by :func:`train`.

The data are tensors in memory, never a ``DataLoader``: a batch is an index into them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

OPTIMIZERS = ("sgd", "adam")
DECAYS = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class Schedule:
    """How a model is trained; part of its configuration and so of its cache key.

    Parameters
    ----------
    optimizer : {"sgd", "adam"}
        SGD has Nesterov's momentum when ``momentum`` is positive.
    learning_rate : float
        Its peak, reached after ``warmup`` steps.
    batch_size : int
        Items per step.
    epochs : float
        Passes over the training set; a fraction is allowed.
    momentum : float
        SGD's; ignored by Adam.
    warmup : int
        Steps over which the learning rate rises linearly from 0.
    decay : {"constant", "linear", "cosine"}
        How it falls to 0 by the last step.
    weight_decay : float
        Adam's, decoupled from the gradient (Loshchilov and Hutter 2019): each step multiplies
        the weights by 1 − learning rate × this.
    """

    optimizer: Literal["sgd", "adam"]
    learning_rate: float
    batch_size: int
    epochs: float
    momentum: float = 0.0
    warmup: int = 0
    decay: Literal["constant", "linear", "cosine"] = "constant"
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a name that would silently mean another."""
        for name, known in (("optimizer", OPTIMIZERS), ("decay", DECAYS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name}: found {getattr(self, name)!r}, expected one of {', '.join(known)}"
                )
        if self.weight_decay and self.optimizer != "adam":
            raise ValueError(
                f"weight_decay: found {self.weight_decay} for {self.optimizer}, expected 0; "
                "only adam has it"
            )

    def n_steps(self, n_items: int) -> int:
        """Count the steps on ``n_items`` training items; at least 1.

        Examples
        --------
        >>> Schedule("sgd", 0.01, batch_size=64, epochs=1).n_steps(60_000)
        937
        """
        if n_items < self.batch_size:
            raise ValueError(
                f"found {n_items} training items, expected at least one batch of {self.batch_size}"
            )
        return max(1, int(self.epochs * (n_items // self.batch_size)))

    def factor(self, step: int, n_steps: int) -> float:
        """Return the learning rate at ``step`` (from 0) as a fraction of its peak."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, n_steps - self.warmup)
        if self.decay == "linear":
            return 1 - done
        if self.decay == "cosine":
            return (1 + math.cos(math.pi * done)) / 2
        return 1.0


def device(name: str = "auto") -> torch.device:
    """Choose where to train.

    Parameters
    ----------
    name : str
        ``"auto"``: CUDA or MPS when present, else the CPU; otherwise PyTorch's own name.

    Returns
    -------
    torch.device

    Examples
    --------
    >>> device("cpu")
    device(type='cpu')
    """
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def batches(n_items: int, schedule: Schedule, seed: int) -> Iterator[torch.Tensor]:
    """Yield the index of each batch: every epoch a new permutation, an incomplete batch dropped.

    Parameters
    ----------
    n_items : int
        Size of the training set.
    schedule : Schedule
        Gives batch size and number of steps.
    seed : int
        Of the permutations; two models with one seed see the same batches.

    Yields
    ------
    Tensor, int64, shape (batch_size,)
    """
    generator = torch.Generator().manual_seed(seed)
    per_epoch, order = n_items // schedule.batch_size, None
    for step in range(schedule.n_steps(n_items)):
        place = step % per_epoch
        if place == 0:
            order = torch.randperm(n_items, generator=generator)
        yield order[place * schedule.batch_size : (place + 1) * schedule.batch_size]


def train(
    model: nn.Module,
    loss: Callable[[torch.Tensor], torch.Tensor],
    n_items: int,
    schedule: Schedule,
    seed: int,
) -> float:
    """Train a model in place.

    Parameters
    ----------
    model : Module
        Its parameters are changed.
    loss : callable
        Maps the index of a batch, int64 of shape (batch_size,), to a scalar loss.
    n_items : int
        Training items that an index may name.
    schedule : Schedule
        Optimiser, learning rate, length.
    seed : int
        Of the order of the batches.

    Returns
    -------
    float
        Mean training loss over the last tenth of the steps (in the loss's own unit).

    Raises
    ------
    FloatingPointError
        The loss is no longer finite; the message names the step and the schedule.
    """
    n_steps, parameters = schedule.n_steps(n_items), list(model.parameters())
    peak = schedule.learning_rate
    if schedule.optimizer == "sgd":
        nesterov = schedule.momentum > 0
        optimizer = torch.optim.SGD(
            parameters, peak, momentum=schedule.momentum, nesterov=nesterov, fused=True
        )
    else:
        optimizer = torch.optim.AdamW(
            parameters, peak, weight_decay=schedule.weight_decay, fused=True
        )
    model.train()
    tail, total, counted = n_steps - max(1, n_steps // 10), 0.0, 0
    for step, index in enumerate(batches(n_items, schedule, seed)):
        for group in optimizer.param_groups:
            group["lr"] = peak * schedule.factor(step, n_steps)
        optimizer.zero_grad()
        value = loss(index)
        value.backward()
        optimizer.step()
        if step >= tail:
            total, counted = total + value.item(), counted + 1
    if not math.isfinite(total):
        raise FloatingPointError(f"the loss is {total} after {n_steps} steps of {schedule}")
    return total / counted
