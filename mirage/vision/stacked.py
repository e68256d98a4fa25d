"""Autoencoders side by side: the code units of all are the rows of one matrix.

The products with the images, which cost most, are then a few large ones for all models. The loss is
a sum over models and shares no parameter, so that under Adam or SGD each trains as if alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import nn

SMALL = 128  # up to this bottleneck a Gram matrix is cheaper than the batch of reconstructions
ACTIVATIONS = {"identity": lambda u: u, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu}


class Autoencoders(nn.Module):
    """Networks inputs → linear → k codes r f(·/r) → linear → inputs, of several bottlenecks k.

    Parameters
    ----------
    bottlenecks : sequence of int
        Code units k of each model, at least 1.
    n_inputs : int
        Inputs of each model.
    ranges : sequence of float
        Range r of each model's codes, in the unit of the inputs; tanh keeps the codes in ±r.
    activation : {"tanh", "identity", "relu", "gelu"}
        Activation f of the codes.
    seed : int
        Seed of the initial weights, uniform in ±1/√inputs, with biases of 0. A model's weights
        depend on it and on k, not on its neighbours.

    Examples
    --------
    >>> model = Autoencoders([5], 3072, ranges=[1.0])
    >>> sum(p.numel() for p in model.parameters()) == 6145 * 5 + 3072
    True
    """

    def __init__(
        self,
        bottlenecks: Sequence[int],
        n_inputs: int,
        ranges: Sequence[float],
        activation: str = "tanh",
        seed: int = 0,
    ):
        super().__init__()
        self.sizes, self.activation = list(bottlenecks), ACTIVATIONS[activation]
        starts = [_start(k, n_inputs, seed) for k in self.sizes]
        encoder, decoder = (torch.cat(part) for part in zip(*starts, strict=True))
        self.encoder, self.decoder = nn.Parameter(encoder), nn.Parameter(decoder)  # (units, inputs)
        self.code_bias = nn.Parameter(torch.zeros(len(encoder)))
        self.bias = nn.Parameter(torch.zeros(len(self.sizes), n_inputs))
        of_units = torch.tensor(ranges).repeat_interleave(torch.tensor(self.sizes))
        self.register_buffer("range", of_units)

    def codes(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (batch, inputs) to the codes of all models, (batch, units)."""
        u = F.linear(x, self.encoder, self.code_bias)
        return self.range * self.activation(u / self.range)

    def _models(self, *of_units: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
        """Yield each model's part of tensors (batch, units), its decoder, its bias."""
        parts = [tensor.split(self.sizes, 1) for tensor in of_units]
        return zip(*parts, self.decoder.split(self.sizes), self.bias, strict=True)

    def errors(self, x: torch.Tensor) -> torch.Tensor:
        """Mean squared error of each image (batch, inputs) under each model, (models, batch)."""
        models = self._models(self.codes(x))
        return torch.stack([(x - torch.addmm(b, h, d)).square().mean(1) for h, d, b in models])

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Sum over models of the mean squared error of a batch (batch, inputs).

        Where all models are small, ‖x − hD − b‖² is expanded into
        ‖x − b‖² − 2⟨h, xDᵀ⟩ + 2⟨h, bDᵀ⟩ + ⟨hᵀh, DDᵀ⟩, so that no reconstruction is formed and one
        product of x with all decoders serves every model.
        """
        codes = self.codes(x)
        if max(self.sizes) > SMALL:
            models = self._models(codes)
            errors = [(x - torch.addmm(b, h, d)).square().sum() for h, d, b in models]
            return sum(errors) / x.numel()
        squares, sums, total = torch.linalg.vector_norm(x) ** 2, x.sum(0), 0.0
        for h, xd, d, b in self._models(codes, F.linear(x, self.decoder)):
            total = total + squares - 2 * (sums @ b) + len(x) * (b @ b)
            total = total - 2 * (h * xd).sum() + 2 * (h.sum(0) @ (d @ b))
            total = total + ((h.T @ h) * (d @ d.T)).sum()
        return total / x.numel()


def _start(k: int, n_inputs: int, seed: int) -> torch.Tensor:
    """Return encoder and decoder, (2, k, inputs); they depend on nothing else of the group."""
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.rand(2, k, n_inputs, generator=generator) - 1) / n_inputs**0.5
