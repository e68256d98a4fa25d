"""The LeNets of Figure 11: their size, their fast path, and their scores."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from polars.testing import assert_frame_equal

from mirage import datasets, tables
from mirage.training import sweep
from mirage.vision import lenet
from mirage.vision.lenet import Config, LeNet


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As the sweep sets it; two threads on two busy cores wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def digits():
    """A fifth of MNIST, so that training takes seconds."""
    whole = datasets.load("mnist")
    n = {"train": 12_500, "test": 400}
    return dataclasses.replace(
        whole, **{f"{a}_{p}": getattr(whole, f"{a}_{p}")[: n[p]] for a in "xy" for p in n}
    )


@pytest.fixture(scope="module")
def rows(digits):
    return lenet.evaluate(Config(width=8, seed=0, schedule=lenet.SCHEDULE), digits)


def plain(model: LeNet, images: torch.Tensor) -> torch.Tensor:
    """The same network through PyTorch's own convolution."""
    x = model.conv2(model.conv1(images.unsqueeze(1)).relu()).relu()
    return model.output(model.hidden(x.flatten(1)).relu())


@pytest.mark.parametrize("width", lenet.WIDTHS)
def test_parameter_count(width):
    # conv 1·3·9 + 3 = 30, conv 3·8·9 + 8 = 224, linear 6272 w + w, linear 10 w + 10: 6283 w + 264
    n_params = sum(parameter.numel() for parameter in LeNet(width).parameters())
    assert n_params == 30 + 224 + 6272 * width + width + 10 * width + 10 == 6283 * width + 264


def test_there_are_the_papers_widths():
    assert len(lenet.WIDTHS) == len(set(lenet.WIDTHS)) == 14
    assert list(lenet.WIDTHS) == sorted(lenet.WIDTHS)


@pytest.mark.parametrize("width", [0, -1])
def test_no_width_is_refused(width):
    with pytest.raises(ValueError, match=f"width: found {width}, expected at least 1"):
        LeNet(width)


@pytest.mark.parametrize("n_images", [1, 7, 64])
@pytest.mark.parametrize("width", [1, 5])
def test_fast_path_agrees_with_plain_pytorch(width, n_images):
    torch.manual_seed(0)
    model = LeNet(width)
    images = lenet.normalise(torch.randint(0, 256, (n_images, 28, 28), dtype=torch.uint8))
    labels = torch.arange(n_images) % 10
    results = []
    for network in (model, lambda images: plain(model, images)):
        model.zero_grad()
        logits = network(images)
        F.cross_entropy(logits, labels).backward()
        results.append([logits.detach(), *(p.grad.clone() for p in model.parameters())])
    for fast, slow in zip(*results, strict=True):
        # float32 sums of 6272 terms in another order
        torch.testing.assert_close(fast, slow, rtol=1e-3, atol=1e-5)


def test_normalise_by_hand():
    # MNIST's 33.3285 of 255 is its mean, 0.1307; white is (1 − 0.1307) / 0.3081 = 2.8215.
    pixels = torch.tensor([0, 255], dtype=torch.uint8)
    assert lenet.normalise(pixels).tolist() == pytest.approx([-0.42421, 2.82149], abs=1e-4)
    assert pixels.tolist() == [0, 255], "the data are not changed"


def test_rows_are_a_score_table(rows, digits):
    table = tables.scores(rows)
    assert table.height == 1 + len(lenet.SUBSETS)
    assert set(table["n_params"]) == {6283 * 8 + 264}
    assert set(table["n_items"]) == {len(digits.y_test)}
    assert set(table["source"]) == {digits.description}
    assert table["score"].is_between(0, 1).all()
    assert (table["loss"] > 0).all()


def test_subset_of_one_is_the_accuracy_and_more_is_harder(rows):
    scores = {row["metric"]: row["score"] for row in rows}
    subsets = [scores[f"subset accuracy, K = {k}"] for k in lenet.SUBSETS]
    assert subsets[0] == pytest.approx(scores["accuracy"], abs=1e-12)
    assert subsets == sorted(subsets, reverse=True)
    assert scores["accuracy"] > 0.2, "it has learnt: chance is a tenth"


def test_test_agrees_with_counting(digits):
    torch.manual_seed(0)
    model = LeNet(3)
    loss, correct, live_units = lenet.test(model, digits.x_test, digits.y_test)
    with torch.inference_mode():
        logits = plain(model, lenet.normalise(torch.tensor(digits.x_test))).double().numpy()
    assert np.array_equal(correct, logits.argmax(1) == digits.y_test)
    log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    expected = -log_probs[np.arange(len(logits)), digits.y_test].mean()
    assert loss == pytest.approx(expected, rel=1e-4)
    assert 0 <= live_units <= 3


def test_dead_units_are_counted_by_hand(digits):
    torch.manual_seed(0)
    model = LeNet(5)
    with torch.no_grad():
        model.hidden.bias[:] = torch.tensor([1e3, -1e3, 1e3, -1e3, -1e3])  # 2 of 5 always active
    assert lenet.test(model, digits.x_test[:50], digits.y_test[:50]).live_units == 2


def test_small_widths_have_more_seeds():
    family = lenet.configs(lenet.PROFILES["paper"])
    assert {len([c for c in family if c.width == w]) for w in (1, 2, 3, 4)} == {30}
    assert {len([c for c in family if c.width == w]) for w in lenet.WIDTHS[4:]} == {10}


def test_quick_is_part_of_paper():
    quick, paper = (set(lenet.configs(lenet.PROFILES[name])) for name in ("quick", "paper"))
    assert quick <= paper, "the paper profile finds the quick one's models in the cache"


def test_a_seed_decides_everything(digits, rows):
    config = Config(width=8, seed=0, schedule=lenet.SCHEDULE)
    torch.manual_seed(123)  # whatever went before
    assert lenet.evaluate(config, digits) == rows, "to the bit"
    other = lenet.evaluate(dataclasses.replace(config, seed=1), digits)
    assert other[0]["loss"] != rows[0]["loss"]


def test_sweep_does_not_depend_on_jobs(digits, tmp_path):
    few = dataclasses.replace(digits, x_train=digits.x_train[:640], y_train=digits.y_train[:640])
    configs = [Config(width, 0, lenet.SCHEDULE) for width in (1, 2)]
    one, two = (
        sweep.run(lenet.evaluate, configs, few, "LeNet", jobs=jobs, cache=tmp_path / str(jobs))
        for jobs in (1, 2)
    )
    assert_frame_equal(one, two, check_exact=True)
