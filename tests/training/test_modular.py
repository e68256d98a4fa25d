"""Modular addition: the pairs, the network, what is written down while it trains."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from mirage import tables
from mirage.training import modular, sweep
from mirage.training.modular import METRICS, Adder, Config, Pairs


def test_every_unordered_pair_is_one_item():
    pairs = Pairs(5)
    found = set(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
    assert found == {(a, b) for a in range(5) for b in range(a, 5)}
    assert len(pairs.a) == 15
    assert pairs.sum.tolist() == [
        (a + b) % 5 for a, b in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)
    ]


def test_moduli_have_digests_of_their_own():
    assert Pairs(5).digest == Pairs(5).digest != Pairs(7).digest


@pytest.mark.parametrize("prime", [1, 0])
def test_a_modulus_without_sums_is_refused(prime):
    with pytest.raises(ValueError, match="expected at least 2"):
        Pairs(prime)


def test_network_by_hand():
    model = Adder(prime=2, width=1)
    model.embedding.data = torch.tensor([[1.0], [2.0]])
    model.output.data = torch.tensor([[1.0, -1.0]])
    # (1 + 2)² = 9, times 1 and −1.
    assert model(torch.tensor([0]), torch.tensor([1])).tolist() == [[9, -9]]


def test_products_of_cosines_add_exactly():
    """What the network can learn: Gromov's solution, by one frequency with eight phases."""
    prime, frequency, n = 11, 3, 8
    angle = 2 * math.pi * frequency * torch.arange(prime) / prime
    phases = 2 * math.pi * torch.arange(n) / n
    model = Adder(prime, n)
    # Of (cos(x + φ) + cos(y + φ))² cos(z + 2φ), summed over n phases φ, only the terms without φ
    # remain: n/4 (cos(2x − z) + cos(2y − z) + 2 cos(x + y − z)), which is largest at z = x + y
    # once all frequencies are added up.
    model.embedding.data = torch.cos(angle[:, None] + phases)
    model.output.data = torch.cos(angle[:, None] + 2 * phases).T
    pairs = Pairs(prime)
    logits = model(pairs.a, pairs.b).detach()
    x, y = angle[pairs.a], angle[pairs.b]
    z = angle[torch.arange(prime)]
    expected = torch.cos(2 * x[:, None] - z) + torch.cos(2 * y[:, None] - z)
    expected = n / 4 * (expected + 2 * torch.cos((x + y)[:, None] - z))
    assert logits.numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_scores_by_hand():
    model = Adder(prime=2, width=1)
    model.embedding.data = torch.zeros(2, 1)  # every answer has probability 1/2
    a, b = torch.tensor([0, 0]), torch.tensor([0, 1])
    found = modular.scores(model, a, b, torch.tensor([0, 1]))
    assert list(found) == list(METRICS)
    assert list(found.values()) == pytest.approx([0.5, -math.log(2), 0.5])


def test_steps_are_even_in_their_logarithm_and_end_at_the_end():
    steps = modular.checkpoints(3000)
    assert (steps[0], steps[-1]) == (1, 3000)
    late = np.array([step for step in steps if step > 100])
    assert np.diff(np.log10(late)) == pytest.approx(1 / modular.PER_DECADE, rel=0.1)


CONFIG = Config(width=32, trained=0.5, seed=0, batch_size=10, n_steps=200, weight_decay=1.0)


def test_training_pairs_are_learned_and_the_table_is_a_score_table():
    rows = modular.evaluate(CONFIG, Pairs(11))
    table = tables.scores(rows)
    assert table.height == len(modular.checkpoints(200)) * 2 * len(METRICS)
    assert table["step"].max() == 200
    accuracy = table.filter(metric="accuracy", split="train").sort("step")["score"]
    assert accuracy[0] < 0.5 < accuracy[-1]
    n = dict(table.select("split", "n_items").unique().rows())
    assert n == {"train": 33, "test": 33}


def test_a_seed_repeats_itself_and_another_splits_differently():
    one, again = (modular.evaluate(CONFIG, Pairs(7)) for _ in range(2))
    other = modular.evaluate(replace(CONFIG, seed=1), Pairs(7))
    assert one == again
    assert pl.DataFrame(one)["score"].to_list() != pl.DataFrame(other)["score"].to_list()


def test_the_sweep_takes_it(tmp_path):
    brief = replace(CONFIG, batch_size=5, n_steps=3)
    table = sweep.run(modular.evaluate, [brief], Pairs(5), "test", jobs=1, cache=tmp_path)
    assert table["seed"].unique().to_list() == [0]
