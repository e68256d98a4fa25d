"""A decoder-only transformer on characters: GPT-2's architecture, of two blocks.

Only the width is scaled, so that one number tells two models of the family apart. Nothing differs
from GPT-2 (:mod:`mirage.arithmetic.export` writes it as such) but the initial weights: theirs, a
deviation of 0.02 for any width, are too small for models this narrow.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from mirage.arithmetic.problems import CHARACTERS
from mirage.training.attention import causal_attention

DEPTH = 2  # blocks
MAX_HEADS = 4

KeysValues = torch.Tensor  # of a block, float32, (batch, tokens, 2, heads, width / heads)


class Block(nn.Module):
    """Causal self-attention, then two linear layers with GELU; LayerNorm before each.

    Parameters
    ----------
    width : int
        Dimensions D; the block has 12 D² + 13 D parameters.
    """

    def __init__(self, width: int):
        super().__init__()
        self.n_heads = math.gcd(width, MAX_HEADS)
        self.before_attend, self.before_up = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        for layer in (self.attend, self.up):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        for layer in (self.mix, self.down):  # so that the sum over blocks has a variance near 1
            nn.init.normal_(layer.weight, std=(2 * DEPTH * layer.in_features) ** -0.5)
        for layer in (self.attend, self.mix, self.up, self.down):
            nn.init.zeros_(layer.bias)

    def forward(
        self, x: torch.Tensor, past: KeysValues | None = None, wanted: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, KeysValues]:
        """Let the tokens attend to each other, then map each by itself.

        Parameters
        ----------
        x : Tensor, float32, shape (batch, tokens, width)
            One token a row if there is a past.
        past : Tensor, float32, shape (batch, tokens before, 2, heads, width / heads), optional
            Keys and values of the tokens before.
        wanted : Tensor, bool, shape (batch, tokens), optional
            Where the result is needed, default everywhere.

        Returns
        -------
        (Tensor, Tensor)
            The new x, of shape (wanted, width) where places were chosen; keys and values so far.
        """
        n_batch, n_tokens, _ = x.shape
        qkv = self.attend(self.before_attend(x)).view(n_batch, n_tokens, 3, self.n_heads, -1)
        kept = qkv[:, :, 1:] if past is None else torch.cat([past, qkv[:, :, 1:]], dim=1)
        if past is None:
            heads = causal_attention(qkv)
        else:
            q, k, v = (part.transpose(1, 2) for part in (qkv[:, :, 0], *kept.unbind(2)))
            heads = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        heads = heads.flatten(2)
        if wanted is not None:
            x, heads = x[wanted], heads[wanted]
        x = x + self.mix(heads)
        return x + self.down(F.gelu(self.up(self.before_up(x)))), kept


class Transformer(nn.Module):
    """The family's model.

    Parameters
    ----------
    width : int
        Dimensions D, at least 1; the number of heads is its greatest common divisor with 4.
    n_positions : int
        Tokens that it reads at most.

    Notes
    -----
    2 (12 D² + 13 D) + (16 + n_positions) D parameters: the embedding of the 14 characters is also
    the output layer, as in GPT-2.

    Examples
    --------
    >>> [sum(p.numel() for p in Transformer(d, n_positions=15).parameters()) for d in (3, 128)]
    [387, 400512]
    """

    def __init__(self, width: int, n_positions: int):
        super().__init__()
        if width < 1:
            raise ValueError(f"width: found {width}, expected at least 1")
        self.width, self.n_positions = width, n_positions
        self.token = nn.Embedding(len(CHARACTERS), width)
        self.position = nn.Embedding(n_positions, width)
        for table in (self.token, self.position):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.blocks = nn.ModuleList(Block(width) for _ in range(DEPTH))
        self.last = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor, wanted: torch.Tensor | None = None) -> torch.Tensor:
        """Predict each next token.

        Parameters
        ----------
        tokens : Tensor, int64, shape (batch, tokens)
            At most ``n_positions`` of them.
        wanted : Tensor, bool, shape (batch, tokens), optional
            After which tokens; the last block computes no others.

        Returns
        -------
        Tensor, float32, shape (batch, tokens, characters) or (wanted, characters)
            Logits.
        """
        return self._run(tokens, None, wanted)[0]

    def step(
        self, tokens: torch.Tensor, cache: list[KeysValues] | None = None
    ) -> tuple[torch.Tensor, list[KeysValues]]:
        """Predict the token after the last one, continuing from a cache if there is one.

        Parameters
        ----------
        tokens : Tensor, int64, shape (batch, tokens)
            With a cache, one token a row.
        cache : list of Tensor, optional
            What the last call returned.

        Returns
        -------
        (Tensor, list of Tensor)
            Logits of shape (batch, characters), and the cache to continue from.
        """
        last = torch.zeros(tokens.shape, dtype=torch.bool)
        last[:, -1] = True
        return self._run(tokens, cache, last)

    def _run(self, tokens, cache, wanted):
        n_read = 0 if cache is None else cache[0].shape[1]
        x = self.token(tokens) + self.position.weight[n_read : n_read + tokens.shape[1]]
        kept = []
        for i, block in enumerate(self.blocks):
            last = i == len(self.blocks) - 1
            x, now = block(x, cache and cache[i], wanted if last else None)
            kept.append(now)
        return F.linear(self.last(x), self.token.weight), kept


@torch.inference_mode()
def generate(
    model: Transformer,
    prompt: torch.Tensor,
    n_new: int,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Continue prompts of one length, with a cache of keys and values.

    Parameters
    ----------
    model : Transformer
    prompt : Tensor, int64, shape (batch, tokens)
    n_new : int
        Tokens to generate; a row that has ended is continued all the same.
    temperature : float
        0 takes the likeliest token, 1 samples from the model's distribution.
    generator : torch.Generator, optional
        Of the samples.

    Returns
    -------
    Tensor, int64, shape (batch, n_new)
    """
    if temperature < 0:
        raise ValueError(f"temperature: found {temperature}, expected 0 or more")
    model.eval()
    tokens, cache, new = prompt, None, []
    for _ in range(n_new):
        logits, cache = model.step(tokens, cache)
        if temperature == 0:
            tokens = logits.argmax(dim=-1, keepdim=True)
        else:
            chances = torch.softmax(logits / temperature, dim=-1)
            tokens = torch.multinomial(chances, 1, generator=generator)
        new.append(tokens)
    return torch.cat(new, dim=1)
