"""Transformers that classify sequences of Omniglot characters (Figure 8).

One convolution embeds each image; a decoder-only causal transformer reads pairs of image and
class label, (image 1, label 1, …, image 5), and at each image predicts its label out of all
characters. The answer to a sequence of length L is right if all of its L labels are.

A sequence holds different characters of one alphabet by one drawer; the test drawings of an
alphabet are by other drawers than its training drawings. The paper states neither the grouping nor
the number of classes nor the training: ``book/deviations.md`` gives our reasons.

Two families share the model and the loop. In the *width* family 5 blocks grow in width and are
trained well. In the *depth* family 1 to 16 blocks of one width are trained briefly, which is what
the paper's parameter counts suggest: they are linear in a whole number n = 1, 2, 2, 3, 4, 16.

Measured on Omniglot, one seed, accuracy per image: width family .05, .38, .56 (c = 1, 2, 3), .77
and .76 (c = 12, 16); depth family .21, .33, .43, .57 with 1, 2, 4 and 16 blocks. On a shared core
of an AMD EPYC 1 and 2 blocks took 31 and 50 s of processor time, c = 1, 2, 3 took 23, 29 and 38 s.
The whole width family, three seeds, took about ten minutes on two cores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mirage.datasets.omniglot import N_DRAWINGS, SIDE
from mirage.training import loop
from mirage.training.attention import causal_attention
from mirage.training.loop import Schedule
from mirage.vision.sequences import LENGTH, cell_scores, sequence_scores, sequences

FILTERS = (1, 2, 3, 4, 5, 6, 8, 12, 16)  # 0.044 to 4.4 million parameters, as the paper's largest
DEPTH = 5  # blocks of the width family: with 256 dimensions they have 3.9 million parameters
BLOCKS = (1, 2, 3, 4, 16)  # of the depth family, as the paper's parameter counts suggest
DEPTH_FILTERS = (
    8  # filters of the depth family: 128 dimensions, about 0.2 million parameters a block
)
HEAD = 16  # dimensions of an attention head; the smallest model has one head
KERNEL, STRIDE, PLACES = 10, 6, 16  # 4 × 4 places cover 28 × 28 pixels exactly, 4 overlapping
TRAIN_DRAWERS, TEST_DRAWERS = tuple(range(15)), tuple(range(15, N_DRAWINGS))
TEST_PASSES = 2  # each test drawing is judged twice, in two groupings
SHIFT = 1  # pixels, at most, by which a training image is moved; 15 drawings of a class are few
MEAN, STD = 0.0806, 0.2366  # of Omniglot's pixels, in [0, 1]

# Found on the real data; deviations.md lists what was tried. 32 sequences are 160 images.
SCHEDULE = Schedule("adam", learning_rate=3e-3, batch_size=32, epochs=1, warmup=100, decay="cosine")
# A sixth of that rate: small models then stay far from what they could learn, as in the paper, and
# depth matters. No schedule that was tried gives the paper's whole curve (book/deviations.md).
BRIEF = Schedule("adam", learning_rate=5e-4, batch_size=32, epochs=1, warmup=100, decay="cosine")
PASSES = 10


@dataclass(frozen=True)
class Profile:
    """How much of Figure 8 to run.

    Parameters
    ----------
    filters : tuple of int
        Sizes of the width family.
    n_seeds : int
        Training runs per size of the width family.
    blocks : tuple of int
        Sizes of the depth family.
    n_seeds_depth : int
        Training runs per size of the depth family.
    """

    filters: tuple[int, ...]
    n_seeds: int
    blocks: tuple[int, ...] = ()
    n_seeds_depth: int = 0


# 16 blocks take as long as all other models of their family together, and the four widest models
# four fifths of the time of theirs: the quick profile stops below them.
PROFILES = {
    "quick": Profile((1, 2, 3, 5), n_seeds=1, blocks=(1, 2), n_seeds_depth=1),
    "paper": Profile(FILTERS, n_seeds=3, blocks=BLOCKS, n_seeds_depth=2),
}


@dataclass(frozen=True)
class Config:
    """One transformer: its size, its seed, its training.

    Parameters
    ----------
    n_filters : int
        Filters c of the convolution; the transformer has 16 c dimensions.
    seed : int
        Seed of the initial weights, the sequences, their order and the shifts.
    schedule : Schedule
        ``SCHEDULE`` or ``BRIEF``; its epoch is over all ``passes``.
    passes : int
        Passes over the training drawings, each grouping them anew.
    precision : {"float32", "bfloat16"}
        Precision of the matrix products in training; weights and tests are always float32.
    n_blocks : int
        Blocks of attention and feed-forward layers.
    family : {"width", "depth"}
        Family that the model belongs to.
    """

    n_filters: int
    seed: int
    schedule: Schedule
    passes: int
    precision: Literal["float32", "bfloat16"] = "float32"
    n_blocks: int = DEPTH
    family: Literal["width", "depth"] = "width"


def configs(profile: Profile) -> list[Config]:
    """Return the configurations of a profile, the slowest first, so that no core waits for it.

    Examples
    --------
    >>> chosen = configs(Profile(filters=(1, 4), n_seeds=1, blocks=(1, 16), n_seeds_depth=1))
    >>> [(config.family, config.n_filters, config.n_blocks) for config in chosen]
    [('depth', 8, 16), ('width', 4, 5), ('depth', 8, 1), ('width', 1, 5)]
    """
    wide = [
        Config(c, seed, SCHEDULE, PASSES, fastest_precision(c))
        for c in profile.filters
        for seed in range(profile.n_seeds)
    ]
    precision = fastest_precision(DEPTH_FILTERS)
    deep = [
        Config(DEPTH_FILTERS, seed, BRIEF, PASSES, precision, n_blocks, "depth")
        for n_blocks in profile.blocks
        for seed in range(profile.n_seeds_depth)
    ]
    return sorted(wide + deep, key=lambda config: -config.n_blocks * config.n_filters**2)


def fastest_precision(n_filters: int) -> Literal["float32", "bfloat16"]:
    """Return bfloat16 where it is faster: for wide models on a processor with bfloat16 products."""
    device = loop.device()
    if device.type == "cpu":
        # Without the instruction bfloat16 is emulated, and slower; older PyTorch cannot tell.
        has = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    else:
        has = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return "bfloat16" if has and n_filters >= 8 else "float32"


class Block(nn.Module):
    """Causal self-attention, then two linear layers with GELU; LayerNorm before each.

    LayerNorm has no weights of its own: the linear layer after it can absorb them.

    Parameters
    ----------
    width : int
        Dimensions D; the block has 12 D² + 9 D parameters.
    n_blocks : int
        Blocks of the model, which the size of the initial weights depends on.
    """

    def __init__(self, width: int, n_blocks: int = DEPTH):
        super().__init__()
        self.attend, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        for layer in (self.attend, self.up):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        for layer in (self.mix, self.down):  # so that the sum over blocks has a variance near 1
            nn.init.normal_(layer.weight, std=(2 * n_blocks * layer.in_features) ** -0.5)

    def forward(self, x: torch.Tensor, step: int = 1) -> torch.Tensor:
        """Map (batch, tokens, width) to the same, for every ``step``-th token only."""
        n_batch, n_tokens, width = x.shape
        qkv = self.attend(F.layer_norm(x, (width,)))
        heads = causal_attention(qkv.view(n_batch, n_tokens, 3, -1, HEAD)).flatten(2)
        x = x[:, ::step] + self.mix(heads[:, ::step])
        return x + self.down(F.gelu(self.up(F.layer_norm(x, (width,)))))


class Transformer(nn.Module):
    """The family's model: 16 c dimensions for c filters.

    Parameters
    ----------
    n_filters : int
        Filters c, at least 1.
    n_classes : int
        Characters to choose from.
    n_blocks : int
        Blocks n, at least 1.

    Notes
    -----
    With D = 16 c: (n_classes + 2·5 − 1) D + n_classes + 101 c + n (12 D² + 9 D) parameters.
    The label embedding is also the output layer, as is usual in language models.

    Examples
    --------
    >>> sum(p.numel() for p in Transformer(16, n_classes=1623).parameters())
    4364711
    """

    def __init__(self, n_filters: int, n_classes: int, n_blocks: int = DEPTH):
        super().__init__()
        for name, value in (("n_filters", n_filters), ("n_blocks", n_blocks)):
            if value < 1:
                raise ValueError(f"{name}: found {value}, expected at least 1")
        self.width = PLACES * n_filters
        self.embed = nn.Conv2d(1, n_filters, KERNEL, STRIDE)
        self.label = nn.Embedding(n_classes, self.width)
        nn.init.normal_(self.label.weight, std=self.width**-0.5)
        self.position = nn.Parameter(torch.randn(2 * LENGTH - 1, self.width) * 0.1)
        self.blocks = nn.ModuleList(Block(self.width, n_blocks) for _ in range(n_blocks))
        self.bias = nn.Parameter(torch.zeros(n_classes))

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Predict the label of each image from it and the pairs before it.

        Parameters
        ----------
        images : Tensor, uint8, shape (batch, length, 28, 28)
            At most 5 in a sequence.
        labels : Tensor, int64, shape (batch, length)
            The last one is not read.

        Returns
        -------
        Tensor, float32 or bfloat16, shape (batch, length, n_classes)
            Logits.
        """
        n_batch, length = labels.shape
        pixels = images.float().sub_(255 * MEAN).div_(255 * STD)
        seen = self.embed(pixels.view(-1, 1, SIDE, SIDE)).relu().view(n_batch, length, self.width)
        seen = F.layer_norm(seen, (self.width,))
        label = self.label(labels[:, :-1]) * math.sqrt(self.width)  # each number of variance 1
        pairs = torch.stack([seen[:, :-1], label], dim=2).flatten(1, 2)
        tokens = torch.cat([pairs, seen[:, -1:]], dim=1)  # (batch, 2 · length − 1, width)
        tokens = tokens + self.position[: 2 * length - 1]
        for block in self.blocks[:-1]:
            tokens = block(tokens)
        at_images = F.layer_norm(self.blocks[-1](tokens, step=2), (self.width,))
        return F.linear(at_images, self.label.weight, self.bias)


def evaluate(config: Config, data) -> list[dict]:
    """Train one transformer and test it on the drawings of other people.

    Parameters
    ----------
    config : Config
        Size, seed, training.
    data : mirage.datasets.images.Characters
        ``x``, uint8 (characters, 20, 28, 28), and ``alphabet`` of each character.

    Returns
    -------
    list of dict
        Rows of a score table: see :func:`mirage.vision.sequences.sequence_scores` and
        :func:`mirage.vision.sequences.cell_scores`; ``loss`` is the test cross-entropy in nats per
        image, ``n_items`` the number of test sequences.
    """
    device = loop.device()
    torch.manual_seed(config.seed)
    rng, offsets = np.random.default_rng(config.seed), torch.Generator().manual_seed(config.seed)
    model = Transformer(config.n_filters, len(data.x), config.n_blocks).to(device)
    images = torch.tensor(data.x).view(-1, SIDE, SIDE).to(device)
    padded = F.pad(images, (SHIFT,) * 4)
    table = torch.tensor(sequences(data.alphabet, TRAIN_DRAWERS, config.passes, rng).items)
    low, dtype = config.precision == "bfloat16", torch.bfloat16

    def batch_loss(index: torch.Tensor) -> torch.Tensor:
        items = table[index]
        labels = (items // N_DRAWINGS).to(device)
        with torch.autocast(device.type, dtype, enabled=low):
            logits = model(shifted(padded, items, offsets), labels)
        return F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())

    loop.train(model, batch_loss, len(table), config.schedule, config.seed)
    held_out = sequences(data.alphabet, TEST_DRAWERS, TEST_PASSES, np.random.default_rng(0))
    loss, correct = test(model, images, torch.tensor(held_out.items))
    deep = config.family == "depth"
    common = {
        "family": config.family,
        "model": f"n = {config.n_blocks}" if deep else f"c = {config.n_filters}",
        "n_params": sum(p.numel() for p in model.parameters()),
        "loss": loss,
        "task": "Omniglot",
        "n_items": len(correct),
        "seed": config.seed,
        "source": data.description,
    }
    rows = sequence_scores(correct, held_out.cell) + cell_scores(correct, held_out.cell)
    return [common | row for row in rows]


def shifted(padded: torch.Tensor, items: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Cut images out of padded ones, each at a random place at most ``SHIFT`` from the middle.

    Parameters
    ----------
    padded : Tensor, uint8, shape (images, 28 + 2 · SHIFT, 28 + 2 · SHIFT)
    items : Tensor, int64, shape (batch, length)
        Which images.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor, uint8, shape (batch, length, 28, 28)
    """
    row, column = torch.randint(0, 2 * SHIFT + 1, (2, *items.shape), generator=generator)
    side = padded.shape[-1]
    corner = (items * side + row) * side + column
    # Line by line, each 28 pixels in a row: a window indexed as such is copied pixel by pixel.
    starts = corner.unsqueeze(-1) + side * torch.arange(SIDE)
    lines = padded.flatten().unfold(0, SIDE, 1)  # a view: 28 pixels from each on
    chosen = lines.index_select(0, starts.flatten().to(padded.device))
    return chosen.view(*items.shape, SIDE, SIDE)


@torch.inference_mode()
def test(model: Transformer, images: torch.Tensor, items: torch.Tensor) -> tuple[float, np.ndarray]:
    """Test a transformer; each prediction sees the true labels of the images before it.

    Parameters
    ----------
    model : Transformer
    images : Tensor, uint8, shape (images, 28, 28)
        On the model's device.
    items : Tensor, int64, shape (sequences, length)
        Which images form each sequence.

    Returns
    -------
    (float, ndarray of bool, shape (sequences, length))
        Mean cross-entropy in nats per image, and whether the true label had the highest logit.
    """
    model.eval()
    losses, correct = [], []
    for part in items.split(256):
        labels = (part // N_DRAWINGS).to(images.device)
        logits = model(images[part.to(images.device)], labels)
        losses.append(F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum"))
        correct.append(logits.argmax(-1) == labels)
    return sum(losses).item() / items.numel(), torch.cat(correct).cpu().numpy()
