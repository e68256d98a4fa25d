"""Causal self-attention over a dozen tokens, for the CPU.

Library kernels are made for long sequences and wide heads. For 64 problems of 15 characters and 4
heads of 8 dimensions, forward and backward took 0.66 ms here and 2.1 ms with
``scaled_dot_product_attention``, on one core of an AMD EPYC with AVX-512: half of a training step.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import torch
import torch.nn.functional as F

from mirage.training.numba_options import OPTIONS

_QKV, _HEADS = "f4[:,:,:,:,::1]", "f4[:,:,:,::1]"


@numba.njit(f"void({_HEADS}, {_HEADS}, {_QKV})", **OPTIONS)
def _forward(out, weights, qkv):
    """``weights[b, h, t, s]`` = softmax over s ≤ t of q·k/√d; ``out`` = its mean of v."""
    n_batch, n_tokens, _, n_heads, d = qkv.shape
    scale = np.float32(1 / math.sqrt(d))
    for b in range(n_batch):
        for h in range(n_heads):
            for t in range(n_tokens):
                row, mean = weights[b, h, t], out[b, t, h]
                top, total = np.float32(-np.inf), np.float32(0)
                for s in range(t + 1):
                    x = np.float32(0)
                    for e in range(d):
                        x += qkv[b, t, 0, h, e] * qkv[b, s, 1, h, e]
                    row[s] = x * scale
                    top = max(top, row[s])
                for s in range(t + 1):
                    row[s] = np.exp(row[s] - top)
                    total += row[s]
                mean[:] = 0
                for s in range(t + 1):
                    row[s] /= total
                    for e in range(d):
                        mean[e] += row[s] * qkv[b, s, 2, h, e]


@numba.njit(f"void({_QKV}, {_HEADS}, {_HEADS}, {_QKV})", **OPTIONS)
def _backward(dqkv, dout, weights, qkv):
    """Add the gradients of q, k and v, given that of the output."""
    n_batch, n_tokens, _, n_heads, d = qkv.shape
    scale = np.float32(1 / math.sqrt(d))
    dweights = np.empty(n_tokens, np.float32)
    for b in range(n_batch):
        for h in range(n_heads):
            for t in range(n_tokens):
                mean = np.float32(0)
                for s in range(t + 1):
                    x, p = np.float32(0), weights[b, h, t, s]
                    for e in range(d):
                        x += dout[b, t, h, e] * qkv[b, s, 2, h, e]
                        dqkv[b, s, 2, h, e] += p * dout[b, t, h, e]
                    dweights[s] = x
                    mean += x * p
                for s in range(t + 1):
                    x = scale * weights[b, h, t, s] * (dweights[s] - mean)
                    for e in range(d):
                        dqkv[b, t, 0, h, e] += x * qkv[b, s, 1, h, e]
                        dqkv[b, s, 1, h, e] += x * qkv[b, t, 0, h, e]


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv):
        n_batch, n_tokens, _, n_heads, d = qkv.shape
        out = torch.empty(n_batch, n_tokens, n_heads, d)
        weights = torch.empty(n_batch, n_heads, n_tokens, n_tokens)
        _forward(out.numpy(), weights.numpy(), qkv.detach().numpy())
        ctx.save_for_backward(qkv, weights)
        return out

    @staticmethod
    def backward(ctx, dout):
        qkv, weights = ctx.saved_tensors
        dqkv = torch.zeros_like(qkv)
        parts = (dqkv, dout.contiguous(), weights, qkv.detach())
        _backward(*(part.numpy() for part in parts))
        return dqkv


def causal_attention(qkv: torch.Tensor) -> torch.Tensor:
    """Let each token attend to itself and those before it; differentiable.

    Parameters
    ----------
    qkv : Tensor, float, shape (batch, tokens, 3, heads, dimensions)
        Queries, keys and values; contiguous.

    Returns
    -------
    Tensor, shape (batch, tokens, heads, dimensions)
        ``scaled_dot_product_attention`` up to the order of float32 sums; it is what computes
        another dtype, or on another device.

    Examples
    --------
    The first token sees only itself, and the second, with equal scores, the mean of both values.

    >>> qkv = torch.zeros(1, 2, 3, 1, 1)
    >>> qkv[0, :, 2, 0, 0] = torch.tensor([1.0, 3.0])
    >>> causal_attention(qkv).flatten()
    tensor([1., 2.])
    """
    if qkv.device.type == "cpu" and qkv.dtype == torch.float32:
        return _Attention.apply(qkv.contiguous())
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
