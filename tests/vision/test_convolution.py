"""The two layers of 3×3 convolution agree with PyTorch's, forward and backward."""

import math

import pytest
import torch
import torch.nn.functional as F

from mirage.vision.convolution import conv3x3_relu_twice

# channels, out channels, images, height, width: odd and even, one of each, not square; rows that
# are less than a register, no multiple of it, and a multiple
SHAPES = [
    (1, 1, 1, 1, 1),
    (3, 8, 1, 5, 7),
    (3, 8, 7, 6, 4),
    (2, 1, 7, 1, 9),
    (5, 3, 64, 3, 5),
    (3, 8, 64, 28, 28),
]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def problem(n_mid, n_out, n_images, height, width):
    """Images, filters and biases of both layers; the same numbers every time."""
    generator = torch.Generator().manual_seed(0)
    shapes = (n_images, height, width), (n_mid, 1, 3, 3), (n_mid,), (n_out, n_mid, 3, 3), (n_out,)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def plain(images, weight1, bias1, weight2, bias2):
    x = F.conv2d(images.unsqueeze(1), weight1, bias1, padding=1).relu()
    return F.conv2d(x, weight2, bias2, padding=1).relu().permute(1, 2, 3, 0)


def close(found, expected):
    """Equal up to the order of float32 sums of 9 · channels (· pixels for weights) terms."""
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@each_shape
def test_forward_agrees(shape):
    tensors = problem(*shape)
    found, expected = conv3x3_relu_twice(*tensors), plain(*tensors)
    assert (expected == 0).any() or expected.numel() < 9, "ReLU must have something to cut"
    close(found, expected)


@each_shape
def test_all_gradients_agree(shape):
    images, *weights = problem(*shape)
    for tensor in weights:
        tensor.requires_grad_()
    expected = plain(images, *weights)
    upstream = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    wanted = torch.autograd.grad((expected * upstream).sum(), weights)
    found = torch.autograd.grad((conv3x3_relu_twice(images, *weights) * upstream).sum(), weights)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        close(one, other)


def test_gradients_agree_with_finite_differences():
    # loss(w + h) − loss(w − h) over 2 h, where the loss is linear in w as long as no ReLU switches
    images, weight1, bias1, weight2, bias2 = problem(2, 3, 5, 4, 3)
    bias1, bias2 = bias1 + 50, bias2 + 2000  # far from the ReLUs' corners
    weight1.requires_grad_()
    conv3x3_relu_twice(images, weight1, bias1, weight2, bias2).sum().backward()
    with torch.no_grad():
        up, down = weight1.clone(), weight1.clone()
        up[1, 0, 2, 1] += 0.5
        down[1, 0, 2, 1] -= 0.5
        sums = [
            conv3x3_relu_twice(images, weight, bias1, weight2, bias2).double().sum()
            for weight in (up, down)
        ]
    slope = (sums[0] - sums[1]).item()
    assert weight1.grad[1, 0, 2, 1].item() == pytest.approx(slope, abs=0.05)


def test_one_pixel_by_hand():
    # One pixel of 2 in a border of zeros meets the middle of the filter only:
    # 2 · 5 + 1 = 11, then 11 · 5 − 50 = 5.
    weight = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    image = torch.full((1, 1, 1), 2.0)

    def result(bias1, bias2):
        return conv3x3_relu_twice(image, weight, bias1, weight, bias2).item()

    assert result(torch.tensor([1.0]), torch.tensor([-50.0])) == 5
    assert result(torch.tensor([1.0]), torch.tensor([-60.0])) == 0, "the second ReLU"
    assert result(torch.tensor([-11.0]), torch.tensor([3.0])) == 3, "the first ReLU"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_stays_visible(value):
    images, *weights = problem(2, 3, 3, 5, 5)
    images[1, 2, 2] = value
    found, expected = conv3x3_relu_twice(images, *weights), plain(images, *weights)
    assert torch.equal(found.isfinite(), expected.isfinite())
    assert not found[..., 1].isfinite().all()
    assert found[..., [0, 2]].isfinite().all(), "other images are not touched"


def test_nan_in_a_weight_reaches_output_and_gradients():
    images, *weights = problem(1, 2, 3, 5, 5)
    weights[2][0] = math.nan
    for tensor in weights:
        tensor.requires_grad_()
    found = conv3x3_relu_twice(images, *weights)
    assert found[0].isnan().all()
    assert found[1].isfinite().all()
    found.square().sum().backward()
    assert weights[2].grad[1].isfinite().all()
    assert weights[0].grad.isnan().all()


def test_repeats_to_the_bit():
    images, *weights = problem(3, 8, 64, 28, 28)
    for tensor in weights:
        tensor.requires_grad_()
    loss = [conv3x3_relu_twice(images, *weights).square().sum() for _ in range(2)]
    one, two = (torch.autograd.grad(value, weights) for value in loss)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("position", range(5))
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
def test_other_tensors_are_refused(position, change, found):
    tensors = problem(3, 2, 4, 5, 6)
    tensors[position] = change(tensors[position])
    name = ("images", "weight1", "bias1", "weight2", "bias2")[position]
    with pytest.raises(ValueError, match=f"{name}: found {found}, expected contiguous"):
        conv3x3_relu_twice(*tensors)


@pytest.mark.parametrize(
    ("position", "shape"),
    [
        (0, (4, 1, 5, 6)),  # images with a channel axis
        (1, (3, 2, 3, 3)),  # filters of two channels for images of one
        (1, (3, 1, 5, 5)),  # 5×5 filters
        (2, (2,)),  # two biases for three channels
        (2, ()),
        (3, (2, 4, 3, 3)),  # a second layer that expects four channels of three
        (4, (3,)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(position, shape):
    tensors = problem(3, 2, 4, 5, 6)
    tensors[position] = torch.zeros(shape)
    with pytest.raises(ValueError, match="expected"):
        conv3x3_relu_twice(*tensors)


def test_images_that_need_a_gradient_are_refused():
    images, *weights = problem(3, 2, 4, 5, 6)
    with pytest.raises(ValueError, match="images: found requires_grad"):
        conv3x3_relu_twice(images.requires_grad_(), *weights)
