"""The 3×3 convolution agrees with PyTorch's, forward and backward."""

import math

import pytest
import torch
import torch.nn.functional as F

from mirage.vision.convolution import conv3x3_relu

# in channels, out channels, images, height, width: odd and even, one of each, not square
SHAPES = [
    (1, 3, 1, 5, 7),
    (3, 8, 7, 6, 4),
    (2, 1, 7, 1, 9),
    (1, 1, 1, 1, 1),
    (4, 5, 64, 3, 5),
    (3, 2, 64, 28, 28),
]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
padded_or_not = pytest.mark.parametrize("padded", [False, True], ids=["bare", "padded"])


def problem(n_in, n_out, n_images, height, width):
    """Images in PyTorch's layout, a filter and a bias; the same numbers every time."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    images = draw(n_images, n_in, height, width)
    return images, draw(n_out, n_in, 3, 3), draw(n_out)


def fast(images, weight, bias, padded=False):
    """Go to the layout of `conv3x3_relu` and back; autograd follows."""
    x = F.pad(images.permute(1, 2, 3, 0), (0, 0, 1, 1, 1, 1)).contiguous()
    y = conv3x3_relu(x, weight, bias, padded)
    return y.permute(3, 0, 1, 2)


def plain(images, weight, bias):
    return F.conv2d(images, weight, bias, padding=1).relu()


def close(found, expected):
    """Equal up to the order of float32 sums of 9 · channels (· pixels for weights) terms."""
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@padded_or_not
@each_shape
def test_forward_agrees(shape, padded):
    images, weight, bias = problem(*shape)
    found, expected = fast(images, weight, bias, padded), plain(images, weight, bias)
    if padded:
        inner = found[:, :, 1:-1, 1:-1]
        assert found.count_nonzero() == inner.count_nonzero(), "the border is zero"
        found = inner
    assert (expected == 0).any() or expected.numel() < 9, "ReLU must have something to cut"
    close(found, expected)


@padded_or_not
@each_shape
def test_all_gradients_agree(shape, padded):
    tensors = [t.requires_grad_() for t in problem(*shape)]
    expected = plain(*tensors)
    upstream = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    wanted = torch.autograd.grad((expected * upstream).sum(), tensors)
    found = fast(*tensors, padded)
    if padded:  # what flows into the border must not flow on
        upstream = F.pad(upstream, (1, 1, 1, 1), value=5.0)
    for name, one, other in zip(
        ("images", "weight", "bias"),
        torch.autograd.grad((found * upstream).sum(), tensors),
        wanted,
        strict=True,
    ):
        assert one.shape == other.shape, name
        close(one, other)


def test_gradients_agree_with_finite_differences():
    # loss(w + h) − loss(w − h) over 2 h, where the loss is linear in w as long as no ReLU switches
    images, weight, bias = problem(2, 3, 5, 4, 3)
    bias += 30  # far from the ReLU's corner
    weight.requires_grad_()
    fast(images, weight, bias).sum().backward()
    with torch.no_grad():
        up, down = weight.clone(), weight.clone()
        up[1, 0, 2, 1] += 0.5
        down[1, 0, 2, 1] -= 0.5
        slope = fast(images, up, bias).sum() - fast(images, down, bias).sum()
    assert weight.grad[1, 0, 2, 1].item() == pytest.approx(slope.item(), abs=0.05)


def test_one_pixel_by_hand():
    # One pixel of 2 in a border of zeros meets the middle of the filter only: 2 · 5 + 1 = 11.
    weight = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    image = torch.full((1, 1, 1, 1), 2.0)
    assert fast(image, weight, torch.tensor([1.0])).item() == 11
    assert fast(image, weight, torch.tensor([-11.0])).item() == 0, "ReLU"


def test_two_layers_in_a_row():
    images, weight, bias = problem(1, 3, 7, 6, 5)
    _, weight2, bias2 = problem(3, 8, 1, 1, 1)
    x = F.pad(images.permute(1, 2, 3, 0), (0, 0, 1, 1, 1, 1)).contiguous()
    hidden = conv3x3_relu(x, weight, bias, padded=True)
    found = conv3x3_relu(hidden, weight2, bias2).permute(3, 0, 1, 2)
    close(found, plain(plain(images, weight, bias), weight2, bias2))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_stays_visible(value):
    images, weight, bias = problem(1, 2, 3, 5, 5)
    images[1, 0, 2, 2] = value
    found = fast(images, weight, bias)
    expected = plain(images, weight, bias)
    assert torch.equal(found.isfinite(), expected.isfinite())
    assert not found[1].isfinite().all()
    assert found[[0, 2]].isfinite().all(), "other images are not touched"


def test_nan_in_a_weight_reaches_output_and_gradients():
    images, weight, bias = problem(1, 2, 3, 5, 5)
    weight[0] = math.nan
    tensors = [t.requires_grad_() for t in (images, weight, bias)]
    found = fast(*tensors)
    assert found[:, 0].isnan().all()
    assert found[:, 1].isfinite().all()
    (found * found).sum().backward()
    assert weight.grad[1].isfinite().all()


def test_repeats_to_the_bit():
    tensors = [t.requires_grad_() for t in problem(3, 8, 64, 28, 28)]
    one, two = (torch.autograd.grad(fast(*tensors).square().sum(), tensors) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("name", ["x", "weight", "bias"])
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda t: t.double(), "contiguous torch.float64 on cpu"),
        (lambda t: t.half(), "contiguous torch.float16 on cpu"),
        (lambda t: t.to("meta"), "contiguous torch.float32 on meta"),
        (lambda t: torch.stack([t, t], -1)[..., 0], "strided torch.float32 on cpu"),
    ],
    ids=["float64", "float16", "device", "layout"],
)
def test_other_tensors_are_refused(name, change, found):
    images, weight, bias = problem(2, 3, 4, 5, 6)
    tensors = {"x": images.permute(1, 2, 3, 0).contiguous(), "weight": weight, "bias": bias}
    tensors[name] = change(tensors[name])
    with pytest.raises(ValueError, match=f"{name}: found {found}, expected contiguous"):
        conv3x3_relu(**tensors)


@pytest.mark.parametrize(
    ("x", "weight", "bias"),
    [
        ((2, 4, 4, 1), (1, 1, 3, 3), (1,)),  # two channels for a filter of one
        ((1, 4, 4, 1), (1, 1, 5, 5), (1,)),  # a 5×5 filter
        ((1, 4, 4, 1), (2, 1, 3, 3), (1,)),  # one bias for two channels
        ((4, 4, 1), (1, 1, 3, 3), (1,)),  # no channel axis
    ],
)
def test_shapes_that_do_not_fit_are_refused(x, weight, bias):
    with pytest.raises(ValueError, match="expected"):
        conv3x3_relu(torch.zeros(x), torch.zeros(weight), torch.zeros(bias))
