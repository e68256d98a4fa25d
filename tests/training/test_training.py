"""The one training loop: its batches, its learning rate, and what it refuses."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mirage.training.loop import Schedule, batches, train


def schedule(**changes) -> Schedule:
    options = {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": 4, "epochs": 1}
    return Schedule(**(options | changes))


@given(st.integers(1, 40), st.integers(1, 10), st.integers(1, 3), st.integers(0, 5))
def test_each_epoch_is_a_permutation_less_the_incomplete_batch(n_items, size, epochs, seed):
    if n_items < size:
        return
    made = list(batches(n_items, schedule(batch_size=size, epochs=epochs), seed))
    per_epoch = n_items // size
    assert len(made) == epochs * per_epoch
    for epoch in range(epochs):
        items = torch.cat(made[epoch * per_epoch : (epoch + 1) * per_epoch]).tolist()
        assert len(items) == per_epoch * size
        assert len(set(items)) == len(items), "no item twice in an epoch"
        assert set(items) <= set(range(n_items))


def test_epochs_differ_and_seeds_repeat():
    twice = schedule(batch_size=50, epochs=2)
    first, second = batches(50, twice, seed=0)
    assert first.tolist() != second.tolist()
    again, _ = batches(50, twice, seed=0)
    other, _ = batches(50, twice, seed=1)
    assert first.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize(
    ("n_items", "epochs", "n_steps"),
    [
        (8, 1, 2),
        (11, 1, 2),  # three items are left over
        (8, 2.5, 5),  # half an epoch more
        (8, 0.1, 1),  # at least one step
        (4, 3, 3),
    ],
)
def test_number_of_steps_by_hand(n_items, epochs, n_steps):
    assert schedule(epochs=epochs).n_steps(n_items) == n_steps
    assert len(list(batches(n_items, schedule(epochs=epochs), seed=0))) == n_steps


@pytest.mark.parametrize("n_items", [0, 3])
def test_fewer_items_than_a_batch_are_refused(n_items):
    expected = f"found {n_items} training items, expected at least one batch of 4"
    with pytest.raises(ValueError, match=expected):
        next(batches(n_items, schedule(), seed=0))
    with pytest.raises(ValueError, match=expected):
        train(nn.Linear(1, 1), lambda _: torch.tensor(0.0), n_items, schedule(), seed=0)


@pytest.mark.parametrize(
    ("options", "factors"),
    [  # of six steps
        ({}, [1, 1, 1, 1, 1, 1]),
        ({"warmup": 4}, [0.25, 0.5, 0.75, 1, 1, 1]),  # (step + 1) / 4
        ({"decay": "linear"}, [1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        ({"decay": "linear", "warmup": 2}, [0.5, 1, 1, 0.75, 0.5, 0.25]),
        # (1 + cos(π · done)) / 2 at done = 0, 1/4, 1/2, 3/4 with √½ = 0.70711
        ({"decay": "cosine", "warmup": 2}, [0.5, 1, 1, 0.853553, 0.5, 0.146447]),
    ],
    ids=str,
)
def test_learning_rate_by_hand(options, factors):
    made = [schedule(**options).factor(step, n_steps=6) for step in range(6)]
    assert made == pytest.approx(factors, abs=1e-6)


@given(st.sampled_from(["constant", "linear", "cosine"]), st.integers(0, 20), st.integers(1, 50))
def test_learning_rate_never_exceeds_its_peak(decay, warmup, n_steps):
    made = [schedule(decay=decay, warmup=warmup).factor(i, n_steps) for i in range(n_steps)]
    assert all(0 < factor <= 1 for factor in made)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "sdg"}, "optimizer: found 'sdg', expected one of sgd, adam"),
        ({"decay": "step"}, "decay: found 'step', expected one of constant, linear, cosine"),
    ],
)
def test_misspelt_schedule_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        schedule(**options)


class Scalar(nn.Module):
    def __init__(self, value: float = 0.0):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))


def test_sgd_by_hand():
    # loss = (v − 1)², gradient 2(v − 1), rate 0.1 falling linearly over two steps (1, then ½).
    # v: 0 → 0 + 0.1·2 = 0.2 → 0.2 + 0.05·1.6 = 0.28. The last tenth is the last step: 0.8² = 0.64.
    model = Scalar()
    returned = train(model, lambda _: (model.value - 1) ** 2, 8, schedule(decay="linear"), seed=0)
    assert model.value.item() == pytest.approx(0.28)
    assert returned == pytest.approx(0.64)


def test_nesterov_by_hand():
    # gradient 1: m ← 0.9 m + 1 = 1, then 1.9; the step is 0.1 (1 + 0.9 m): 0.19, then 0.271.
    model = Scalar()
    train(model, lambda _: model.value * 1, 8, schedule(momentum=0.9), seed=0)
    assert model.value.item() == pytest.approx(-0.461)


def test_adam_by_hand():
    # Adam's first steps are the sign of the gradient times the rate: 0.1 each.
    model = Scalar()
    train(model, lambda _: 7 * model.value, 8, schedule(optimizer="adam"), seed=0)
    assert model.value.item() == pytest.approx(-0.2, abs=1e-5)


def test_loss_is_the_mean_over_the_last_tenth():
    # 20 steps of 1 item: losses 0 to 19, of which the last two are 18 and 19.
    model, calls = Scalar(), iter(range(20))
    loss = train(model, lambda _: model.value * 0 + next(calls), 20, schedule(batch_size=1), 0)
    assert loss == 18.5


def test_loss_sees_the_batches():
    seen = []

    def loss(index):
        seen.append(index.tolist())
        return model.value * 0

    model = Scalar()
    train(model, loss, 10, schedule(), seed=3)
    assert seen == [index.tolist() for index in batches(10, schedule(), seed=3)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_loss_that_is_not_finite_is_an_error(value):
    model = Scalar()
    with pytest.raises(FloatingPointError, match=r"after 2 steps of Schedule\(optimizer='sgd'"):
        train(model, lambda _: model.value * 0 + value, 8, schedule(), seed=0)


def test_diverging_model_is_an_error():
    # loss = v⁴ with a rate far too high: |v| grows past float32 within a few steps.
    model = Scalar(10.0)
    with pytest.raises(FloatingPointError, match="learning_rate=100"):
        train(model, lambda _: model.value**4, 80, schedule(learning_rate=100.0), seed=0)
