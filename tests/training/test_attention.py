"""Causal attention over a dozen tokens agrees with PyTorch's, forward and backward."""

import math

import pytest
import torch
import torch.nn.functional as F

from mirage.training.attention import causal_attention


@pytest.mark.parametrize("shape", [(2, 5, 3, 1, 3), (3, 15, 3, 4, 8), (1, 1, 3, 2, 1)])
def test_attention_is_pytorchs_with_its_gradients(shape):
    torch.manual_seed(0)
    ours = torch.randn(shape, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    q, k, v = theirs.permute(2, 0, 3, 1, 4)
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
    found = causal_attention(ours)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    direction = torch.randn(found.shape)
    (found * direction).sum().backward()
    (expected * direction).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def test_attention_by_hand():
    # q₂·k = (0, ln 3)/√1, so token 2 gives weights 1/4 and 3/4 to the values 4 and 8: 7.
    qkv = torch.zeros(1, 2, 3, 1, 1)
    qkv[0, 1, 0], qkv[0, 1, 1] = 1.0, math.log(3)
    qkv[0, :, 2, 0, 0] = torch.tensor([4.0, 8.0])
    torch.testing.assert_close(causal_attention(qkv).flatten(), torch.tensor([4.0, 7.0]))


def test_a_diverged_model_is_seen_to_diverge():
    qkv = torch.zeros(1, 3, 3, 1, 2)
    qkv[0, 1, 1, 0, 0] = float("nan")
    assert causal_attention(qkv)[0, 1:].isnan().all()


def test_attention_in_another_precision_is_pytorchs():
    qkv = torch.randn(2, 4, 3, 2, 4, dtype=torch.float64)
    torch.testing.assert_close(causal_attention(qkv).float(), causal_attention(qkv.float()))
