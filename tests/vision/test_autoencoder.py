"""Autoencoders (Figure 7) and their bound: hand-computed, against PyTorch, against scikit-learn."""

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from torch import nn

from mirage import datasets
from mirage.pages import published
from mirage.training import loop
from mirage.vision import autoencoder, pca
from mirage.vision.autoencoder import Bound, Config, evaluate
from mirage.vision.stacked import SMALL, Autoencoders

SHORT = 30  # steps


def prepared(n_train=400, n_test=90, n_inputs=40, seed=0):
    """Correlated Gaussian 'images' with deviations 1, 1/2, 1/3, … in a random basis."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(n_inputs, n_inputs, generator=generator)).Q
    x = torch.randn(n_train + n_test, n_inputs, generator=generator)
    x = 3 + (x / torch.arange(1, n_inputs + 1)) @ basis
    images = pca.rotate(x[:n_train], x[n_train:])
    return autoencoder.Prepared(images, 0.003, "random images", "digest"), x[:n_train], x[n_train:]


def test_components_of_a_rectangle_by_hand():
    # Corners (±2, ±1) about (5, 5): variances 4 and 1, components the axes.
    corners = torch.tensor([[7.0, 6.0], [7.0, 4.0], [3.0, 6.0], [3.0, 4.0]])
    images = pca.rotate(corners, corners[:1])
    np.testing.assert_allclose(images.variances, [4, 1], rtol=1e-6)
    # Rank 0 leaves (2² + 1²)/2, rank 1 leaves 1²/2, rank 2 nothing.
    np.testing.assert_allclose(pca.errors(images.test, [0, 1, 2])[:, 0], [2.5, 0.5, 0], atol=1e-6)


@pytest.mark.parametrize("rank", [1, 7, 39, 40])
def test_errors_agree_with_scikit_learn(rank):
    data, train, test = prepared()
    reference = PCA(rank).fit(train.double().numpy())
    projected = reference.inverse_transform(reference.transform(test.double().numpy()))
    expected = ((test.double().numpy() - projected) ** 2).mean(1)
    np.testing.assert_allclose(pca.errors(data.images.test, [rank])[0], expected, atol=1e-6)


@given(seed=st.integers(0, 10**6), n_inputs=st.integers(1, 12), n_items=st.integers(2, 30))
def test_rotation_keeps_distances_and_errors_fall_with_rank(seed, n_inputs, n_items):
    x = torch.randn(n_items, n_inputs, generator=torch.Generator().manual_seed(seed))
    images = pca.rotate(x, x)
    z = torch.from_numpy(images.train)
    torch.testing.assert_close(z @ z.T, (x - x.mean(0)) @ (x - x.mean(0)).T, atol=1e-4, rtol=1e-4)
    errors = pca.errors(images.test, range(n_inputs + 1))
    assert (np.diff(errors, axis=0) <= 0).all()
    assert (errors[-1] == 0).all()


def test_bound_refuses_what_cannot_be():
    data, train, _ = prepared()
    with pytest.raises(ValueError, match="found 1 to 41, expected 0 to 40"):
        pca.errors(data.images.test, [1, 41])
    with pytest.raises(ValueError, match="at least 2 training images"):
        pca.rotate(train[:1], train)


def reference_of(model: Autoencoders, index: int) -> nn.Sequential:
    """One model of a stack as a tutorial would write it; tanh at range 1."""
    k, start = model.sizes[index], sum(model.sizes[:index])
    units = slice(start, start + k)
    n_inputs = model.encoder.shape[1]
    network = nn.Sequential(nn.Linear(n_inputs, k), nn.Tanh(), nn.Linear(k, n_inputs))
    with torch.no_grad():
        network[0].weight.copy_(model.encoder[units])
        network[0].bias.copy_(model.code_bias[units])
        network[2].weight.copy_(model.decoder[units].T)
        network[2].bias.copy_(model.bias[index])
    return network.double()


def stack(sizes, ranges=1.0):
    model = Autoencoders(sizes, 200, [ranges] * len(sizes), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():  # biases that are not 0, so that a lost one is seen
        for bias in (model.code_bias, model.bias):
            bias.copy_(torch.randn(bias.shape, generator=generator) / 10)
    return model.double()


@pytest.mark.parametrize("sizes", [[1, 3, 5], [SMALL, 2], [SMALL + 1, 2]])
def test_loss_errors_and_gradients_agree_with_plain_pytorch(sizes):
    model = stack(sizes)
    x = torch.randn(20, 200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    loss = model.loss(x)
    loss.backward()
    total, first_unit = 0.0, 0
    for index, k in enumerate(sizes):
        network = reference_of(model, index)
        error = (network(x) - x).square()
        torch.testing.assert_close(model.errors(x)[index], error.mean(1))
        error.mean().backward()
        units = slice(first_unit, first_unit + k)
        torch.testing.assert_close(model.encoder.grad[units], network[0].weight.grad)
        torch.testing.assert_close(model.code_bias.grad[units], network[0].bias.grad)
        torch.testing.assert_close(model.decoder.grad[units].T, network[2].weight.grad)
        torch.testing.assert_close(model.bias.grad[index], network[2].bias.grad)
        total, first_unit = total + error.mean(), first_unit + k
    torch.testing.assert_close(loss, total)


def test_neighbours_in_a_pass_change_nothing_but_rounding():
    data, _, _ = prepared()
    together, alone = (Config(ks, 3, SHORT) for ks in ((2, 5, 9), (5,)))
    x = torch.tensor(data.images.test)
    of_stack = autoencoder.fit(together, data).errors(x)[1]
    torch.testing.assert_close(
        autoencoder.fit(alone, data).errors(x)[0], of_stack, rtol=1e-3, atol=0
    )


def test_training_from_a_random_start_comes_near_the_bound_and_never_below_it():
    data, _, _ = prepared()
    model = autoencoder.fit(Config((3,), 0, n_steps=480), data)
    error = model.errors(torch.tensor(data.images.train)).mean().item()
    bound = pca.errors(data.images.train, [3]).mean()
    assert bound <= error * (1 + 1e-6)  # no network with a linear output does better
    assert error < 1.05 * bound


def test_rows_hold_what_the_images_say():
    data, _, _ = prepared()
    rows = evaluate(Bound((2,)), data)
    errors = pca.errors(data.images.test, [2])[0]
    assert rows[0]["score"] == pytest.approx(errors.mean())
    assert rows[0]["n_params"] == 6145 * 2 + 3072
    whole = [row for row in rows if "block" not in row]
    for row in whole[1:]:
        assert row["score"] == np.mean(errors < row["c"])
    blocks = [row for row in rows if "block" in row and row["metric"] == "mean squared error"]
    assert sum(row["n_items"] for row in blocks) == len(errors)
    mean = sum(row["n_items"] * row["score"] for row in blocks) / len(errors)
    assert mean == pytest.approx(errors.mean())
    trained = evaluate(Config((2, 4), 5, SHORT), data)
    assert [row["bottleneck"] for row in trained] == [2] * (len(rows)) + [4] * len(rows)
    assert {row["seed"] for row in trained} == {5}


def test_family_is_the_papers():
    paper = published.load("fig7B_mse")
    assert list(autoencoder.BOTTLENECKS) == paper["bottleneck"]
    groups = autoencoder.PROFILES["paper"].groups
    assert sorted(k for group in groups for k in group) == paper["bottleneck"]
    assert [6145 * k + 3072 for k in autoencoder.BOTTLENECKS] == paper["params"]
    assert set(autoencoder.PAPER_C) < set(autoencoder.THRESHOLDS)


@pytest.mark.parametrize("profile", autoencoder.PROFILES)
def test_configurations_are_distinct_and_can_be_hashed_for_the_cache(profile):
    found = autoencoder.configs(autoencoder.PROFILES[profile], n_seeds=2, device="cpu")
    keys = {msgspec.json.encode([type(config).__name__, config]) for config in found}
    assert len(keys) == len(found)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"activation": "swish"}, "activation: found 'swish'"),
        ({"gain": 0.0}, "gain 0.0, expected .* above 0"),
        ({"bottlenecks": ()}, "expected at least one"),
        ({"bottlenecks": (4, 0)}, "each at least 1"),
    ],
)
def test_configuration_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        Config(**{"bottlenecks": (1,), "seed": 0, "n_steps": SHORT} | wrong)


def test_device_is_the_one_asked_for():
    assert loop.device("cpu").type == "cpu"
    gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (loop.device("auto").type == "cpu") != gpu


@pytest.mark.skipif(loop.device("auto").type == "cpu", reason="needs CUDA or MPS: none here")
def test_gpu_agrees_with_cpu_within_seed_noise():
    data, _, _ = prepared()
    x = torch.tensor(data.images.test)
    place = loop.device("auto").type
    errors = {
        (device, seed): autoencoder.fit(Config((5,), seed, SHORT, device=device), data)
        .errors(x.to(device))
        .mean()
        .item()
        for device, seed in [("cpu", 0), ("cpu", 1), ("cpu", 2), (place, 0)]
    }
    noise = np.std([errors["cpu", seed] for seed in range(3)], ddof=1)
    assert abs(errors[place, 0] - errors["cpu", 0]) < 3 * noise


def test_the_papers_unit_on_real_images():
    """Images divided by these deviations make rank-1 and rank-2 errors the paper's."""
    data = datasets.load("cifar100", source="embedded")
    # The subset's 2 000 images fix two components well enough.
    images = pca.rotate(autoencoder.scaled(data.x_train), autoencoder.scaled(data.x_test))
    errors = pca.errors(images.test, [1, 2]).mean(1)
    np.testing.assert_allclose(errors, published.load("fig7B_mse")["test_mse"][:2], atol=0.004)


def test_the_matched_threshold_is_the_papers_on_real_images():
    data = datasets.load("cifar100")
    if len(data.x_train) < 20_000:
        pytest.skip("needs CIFAR-100, or half of it: 1024 components overfit fewer images")
    assert autoencoder.prepare(data).threshold == 0.003
