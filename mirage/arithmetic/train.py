"""Train one transformer of the family on a task."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from mirage.arithmetic import scoring
from mirage.arithmetic.model import Transformer
from mirage.arithmetic.problems import SPLITS, Problems, encode, n_positions
from mirage.training import loop
from mirage.training.loop import Schedule


@dataclass(frozen=True)
class Config:
    """One transformer: its size, its seed, its training.

    Parameters
    ----------
    width : int
        Dimensions.
    seed : int
        Of the initial weights and of the order of the problems.
    schedule : Schedule
        Its epoch is over the training split.
    """

    width: int
    seed: int
    schedule: Schedule


def fit(config: Config, data: Problems) -> Transformer:
    """Train a transformer on the answers: the characters of the questions cost nothing.

    Parameters
    ----------
    config : Config
    data : Problems

    Returns
    -------
    mirage.arithmetic.model.Transformer
        On the CPU.

    Raises
    ------
    FloatingPointError
        The loss is no longer finite.
    """
    device = loop.device()
    torch.manual_seed(config.seed)
    model = Transformer(config.width, n_positions(data.task)).to(device)
    tokens, answer = (torch.tensor(part).to(device) for part in encode(data.task, data.train))

    def batch_loss(index: torch.Tensor) -> torch.Tensor:
        row, wanted = tokens[index].long(), answer[index]
        return F.cross_entropy(model(row[:, :-1], wanted), row[:, 1:][wanted])

    loop.train(model, batch_loss, len(tokens), config.schedule, config.seed)
    return model.cpu()


NAME = "character transformer"
N_TEST = 10_000  # items scored of each split, where it has so many


def evaluate(config: Config, data: Problems) -> list[dict]:
    """Train one transformer and score it on problems it has seen, and on others.

    Parameters
    ----------
    config : mirage.arithmetic.train.Config
    data : Problems

    Returns
    -------
    list of dict
        Rows of a score table with further columns ``split`` ("train", "held-out"),
        ``temperature`` (0 or 1), ``target_length`` (None: all together), ``width`` and, in the
        first row, ``weights``. See :func:`mirage.arithmetic.scoring.scores`.
    """
    model = fit(config, data)
    noise = config.seed * 10_000 + config.width  # samples of the sizes are drawn independently
    n_params = sum(p.numel() for p in model.parameters())
    n_tokens = config.schedule.n_steps(len(data.train)) * config.schedule.batch_size
    common = {
        "family": NAME,
        "model": f"D = {config.width}",
        "n_params": n_params,
        "compute": 6.0 * n_params * n_tokens * n_positions(data.task),
        "task": data.task.name,
        "seed": config.seed,
        "source": data.description,
        "width": config.width,
    }
    rows = [
        common | {"split": split} | row
        for split in SPLITS
        for row in scoring.scores(model, data.task, data.split(split)[:N_TEST], noise)
    ]
    return [rows[0] | {"weights": pack(model)}, *rows[1:]]


def pack(model: Transformer) -> str:
    """Return the weights as text: float32, little-endian, in base64.

    Examples
    --------
    >>> len(pack(Transformer(3, n_positions=10)))
    1984
    """
    vector = parameters_to_vector(model.parameters()).detach().numpy()
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def unpack(text: str, width: int, n_positions: int) -> Transformer:
    """Return the transformer whose weights :func:`pack` wrote."""
    model = Transformer(width, n_positions)
    vector = np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
    vector_to_parameters(torch.from_numpy(vector), model.parameters())
    return model
