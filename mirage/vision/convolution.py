"""Two layers of 3×3 convolution + ReLU for a handful of channels, the batch innermost.

Library convolutions vectorise over channels. The paper's LeNet has 1 → 3 → 8 of them, so most of
each vector register stays empty, and the gradient with respect to the input is slower still.
Here the images of a batch lie side by side in memory and fill the registers whatever the number
of channels. On one core of an AMD EPYC with AVX-512, with warm caches, both layers forward and
backward took 0.95 ms per batch of 64, those of ``torch.nn.functional.conv2d`` 4.5 ms;
``benchmarks/lenet.py`` measures the gain in training.

Everything is built from two row kernels: ``_add_taps`` (nine multiply-adds per pixel, for two
output channels at once, so that each value loaded is used twice) and ``_add_products`` (nine
dot products, the gradient with respect to the weights). Arrays are padded by one pixel of zeros
on each side, so a row of B images and all its shifts are contiguous. The backward pass takes both
layers row by row, so that no gradient with respect to pixels ever leaves the cache.
"""

from __future__ import annotations

import numba
import numpy as np
import torch

from mirage.training.numba_options import OPTIONS

_ROW = "f4[::1]"
_ROWS = "f4[:,:,::1]"  # (channels, height, width · images); also weights: (out, in, 9)


@numba.njit(**OPTIONS)
def _response(w, above, here, below, j, n_images):
    """Return a 3×3 filter's response at place ``j`` of a row."""
    k = j + n_images + n_images
    upper = w[0] * above[j] + w[1] * above[j + n_images] + w[2] * above[k]
    middle = w[3] * here[j] + w[4] * here[j + n_images] + w[5] * here[k]
    return upper + middle + w[6] * below[j] + w[7] * below[j + n_images] + w[8] * below[k]


@numba.njit(**OPTIONS)
def _in_registers(w):
    return w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]


# The main loops below run over whole registers of 16 floats, and the rest of a row reads its
# weights from memory: with a remainder of its own to vectorise, LLVM keeps every weight in two
# registers, for whole and for single floats, and spills most of them inside the loop.
@numba.njit(f"void({', '.join([_ROW] * 7)}, u8)", **OPTIONS)
def _add_taps(p, q, above, here, below, w, v, n_images):
    """Add a 3×3 filter's response to one row: ``w`` to output row ``p``, ``v`` to row ``q``."""
    w_taps, v_taps = _in_registers(w), _in_registers(v)
    size = numba.uint64(p.size)  # unsigned: a negative index would need a branch
    whole = size & ~numba.uint64(15)
    for j in range(whole):
        s = _response(w_taps, above, here, below, j, n_images)
        t = _response(v_taps, above, here, below, j, n_images)
        p[j] += s
        q[j] += t
    for j in range(whole, size):
        p[j] += _response(w, above, here, below, j, n_images)
        q[j] += _response(v, above, here, below, j, n_images)


@numba.njit(f"void({', '.join([_ROW] * 5)}, u8)", **OPTIONS)
def _add_taps_once(p, above, here, below, w, n_images):
    """As :func:`_add_taps`, for the last of an odd number of channels."""
    w_taps, size = _in_registers(w), numba.uint64(p.size)
    whole = size & ~numba.uint64(15)
    for j in range(whole):
        p[j] += _response(w_taps, above, here, below, j, n_images)
    for j in range(whole, size):
        p[j] += _response(w, above, here, below, j, n_images)


@numba.njit(f"void({', '.join([_ROW] * 7)}, u8)", **OPTIONS)
def _add_products(p, q, above, here, below, dw, dv, n_images):
    """Add the gradient of a 3×3 filter from one row: of ``p`` into ``dw``, of ``q`` into ``dv``."""
    right = n_images + n_images
    w0 = w1 = w2 = w3 = w4 = w5 = w6 = w7 = w8 = np.float32(0)
    v0 = v1 = v2 = v3 = v4 = v5 = v6 = v7 = v8 = np.float32(0)
    for j in range(numba.uint64(p.size)):
        a, b, c = above[j], above[j + n_images], above[j + right]
        d, e, f = here[j], here[j + n_images], here[j + right]
        g, h, i = below[j], below[j + n_images], below[j + right]
        s, t = p[j], q[j]
        w0, w1, w2 = w0 + s * a, w1 + s * b, w2 + s * c
        w3, w4, w5 = w3 + s * d, w4 + s * e, w5 + s * f
        w6, w7, w8 = w6 + s * g, w7 + s * h, w8 + s * i
        v0, v1, v2 = v0 + t * a, v1 + t * b, v2 + t * c
        v3, v4, v5 = v3 + t * d, v4 + t * e, v5 + t * f
        v6, v7, v8 = v6 + t * g, v7 + t * h, v8 + t * i
    for k, value in enumerate((w0, w1, w2, w3, w4, w5, w6, w7, w8)):
        dw[k] += value
    for k, value in enumerate((v0, v1, v2, v3, v4, v5, v6, v7, v8)):
        dv[k] += value


@numba.njit(f"void({_ROWS}, i8)", **OPTIONS)
def _clear_border(x, n_images):
    """Zero the one-pixel border, so that the rest of a fresh array need not be."""
    for c in range(x.shape[0]):
        x[c, 0] = 0
        x[c, -1] = 0
        x[c, :, :n_images] = 0
        x[c, :, x.shape[2] - n_images :] = 0


@numba.njit(f"void({_ROW}, {_ROW})", **OPTIONS)
def _put_relu(row, values):
    """Copy a row through the ReLU; NaN stays NaN."""
    for j in range(row.size):
        row[j] = np.float32(0) if values[j] < 0 else values[j]


@numba.njit(f"f4({_ROW}, {_ROW}, {_ROW})", **OPTIONS)
def _put_masked(row, gradient, active):
    """Copy a row of the gradient where the ReLU was active, else 0, elsewhere; return its sum."""
    total = np.float32(0)
    for j in range(row.size):
        value = gradient[j] if active[j] > 0 else np.float32(0)
        row[j] = value
        total += value
    return total


@numba.njit(f"void({_ROWS}, {_ROWS}, {_ROWS}, {_ROW}, i8)", **OPTIONS)
def _convolve(y, x, weight, bias, n_images):
    """``y``'s interior = ReLU of the convolution of padded ``x``; ``y`` may hold the padding."""
    n_rows, n_row = x.shape[1] - 2, x.shape[2] - 2 * n_images
    pad = (y.shape[1] - n_rows) // 2
    if pad:
        _clear_border(y, n_images)
    n_out, start, shift = weight.shape[0], pad * n_images, numba.uint64(n_images)
    # Summed in rows of their own: rows of two channels of y can lie a multiple of 4096 bytes
    # apart, which the processor mistakes for the same address.
    scratch = np.empty((2, n_row + 48), np.float32)
    p, q = scratch[0, :n_row], scratch[1, :n_row]
    for r in range(n_rows):
        for o in range(0, n_out, 2):
            paired = o + 1 < n_out
            p[:] = bias[o]
            q[:] = bias[o + 1] if paired else np.float32(0)
            for c in range(weight.shape[1]):
                above, here, below = x[c, r], x[c, r + 1], x[c, r + 2]
                if paired:
                    _add_taps(p, q, above, here, below, weight[o, c], weight[o + 1, c], shift)
                else:
                    _add_taps_once(p, above, here, below, weight[o, c], shift)
            _put_relu(y[o, r + pad, start : start + n_row], p)
            if paired:
                _put_relu(y[o + 1, r + pad, start : start + n_row], q)


@numba.njit(f"void({_ROWS}, f4[:,:,::1])", **OPTIONS)
def _put_images(x, images):
    """Lay images (items, height, width) side by side into the one channel of ``x``."""
    n_images, height, width = images.shape
    _clear_border(x, n_images)
    for i in range(height):
        for j in range(width):
            for n in range(n_images):
                x[0, i + 1, (j + 1) * n_images + n] = images[n, i, j]


@numba.njit(f"void({', '.join([_ROWS] * 4 + [_ROWS, _ROW] * 2)})", **OPTIONS)
def _forward(x1, x2, y, images, weight1, bias1, weight2, bias2):
    """Fill the padded ``x1``, the images, and ``x2`` and ``y``, what the layers make of them."""
    _put_images(x1, images)
    _convolve(x2, x1, weight1, bias1, len(images))
    _convolve(y, x2, weight2, bias2, len(images))


@numba.njit(**OPTIONS)
def _turned(weight):
    """Filters that carry a gradient back: (out, in, 9) to (in, out, 9), each by half a turn."""
    n_out, n_in, _ = weight.shape
    turned = np.empty((n_in, n_out, 9), np.float32)
    for o in range(n_out):
        for c in range(n_in):
            turned[c, o] = weight[o, c, ::-1]
    return turned


@numba.njit(**OPTIONS)
def _add_row_products(dweight, dy, start, x, r, n_images):
    """Add the weights' gradient from row ``r``; that of the output begins at ``dy[:, start]``."""
    n_out, n_row = dweight.shape[0], x.shape[2] - 2 * n_images
    shift, unused = numba.uint64(n_images), np.empty(9, np.float32)
    for o in range(0, n_out, 2):
        paired = o + 1 < n_out
        p, q = dy[o, start : start + n_row], dy[o + paired, start : start + n_row]
        for c in range(dweight.shape[1]):
            dv = dweight[o + 1, c] if paired else unused
            _add_products(p, q, x[c, r], x[c, r + 1], x[c, r + 2], dweight[o, c], dv, shift)


@numba.njit(f"void({', '.join([_ROWS, _ROW] * 2 + [_ROWS] * 5)}, i8)", **OPTIONS)
def _backward(dweight1, dbias1, dweight2, dbias2, dy, y, x2, x1, weight2, n_images):
    """Sum the gradients of both layers' weights; ``x1, x2`` are what the layers were given."""
    n_out, n_rows, n_row = dy.shape
    n_mid, start, shift = x2.shape[0], n_images, numba.uint64(n_images)
    turned = _turned(weight2)
    ring = np.zeros((3, n_out, x2.shape[2]), np.float32)  # three padded rows of dy, masked
    dx = np.empty((2, n_mid + n_mid % 2, n_row + 48), np.float32)  # one row, bare and masked
    for r in range(n_rows + 1):
        above, here, below = ring[(r + 1) % 3], ring[(r + 2) % 3], ring[r % 3]
        if r < n_rows:
            for o in range(n_out):
                dbias2[o] += _put_masked(below[o, start : start + n_row], dy[o, r], y[o, r])
            _add_row_products(dweight2, below, start, x2, r, n_images)
        else:
            below[:] = 0
        if r == 0:
            continue
        for c in range(0, n_mid, 2):  # row r - 1 of the gradient with respect to x2
            p, q = dx[0, c, :n_row], dx[0, c + 1, :n_row]
            p[:] = 0
            q[:] = 0
            for o in range(n_out):
                if c + 1 < n_mid:
                    v = turned[c + 1, o]
                    _add_taps(p, q, above[o], here[o], below[o], turned[c, o], v, shift)
                else:
                    _add_taps_once(p, above[o], here[o], below[o], turned[c, o], shift)
        for c in range(n_mid):
            active = x2[c, r, start : start + n_row]
            dbias1[c] += _put_masked(dx[1, c, :n_row], dx[0, c, :n_row], active)
        _add_row_products(dweight1, dx[1], 0, x1, r - 1, n_images)


class _TwoLayers(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, weight1, bias1, weight2, bias2):
        n_images, height, width = images.shape
        x1 = torch.empty(1, height + 2, (width + 2) * n_images)
        x2 = torch.empty(weight1.shape[0], *x1.shape[1:])
        y = torch.empty(weight2.shape[0], height, width * n_images)
        tensors = x1, x2, y, images, weight1.flatten(2), bias1, weight2.flatten(2), bias2
        _forward(*(t.detach().numpy() for t in tensors))
        ctx.save_for_backward(x1, x2, y, weight2)
        ctx.n_images = n_images
        return y.view(y.shape[0], height, width, n_images)

    @staticmethod
    def backward(ctx, dy):
        x1, x2, y, weight2 = ctx.saved_tensors
        n_out, n_mid = weight2.shape[:2]
        gradients = (
            torch.zeros(n_mid, 1, 9),
            torch.zeros(n_mid),
            torch.zeros(n_out, n_mid, 9),
            torch.zeros(n_out),
        )
        given = dy.contiguous().view_as(y), y, x2, x1, weight2.flatten(2)
        _backward(*(t.detach().numpy() for t in (*gradients, *given)), ctx.n_images)
        dweight1, dbias1, dweight2, dbias2 = gradients
        return None, dweight1.view(n_mid, 1, 3, 3), dbias1, dweight2.view_as(weight2), dbias2


def conv3x3_relu_twice(
    images: torch.Tensor,
    weight1: torch.Tensor,
    bias1: torch.Tensor,
    weight2: torch.Tensor,
    bias2: torch.Tensor,
) -> torch.Tensor:
    """Convolve with 3×3 filters, add the bias, apply ReLU, twice; on the CPU.

    Differentiable in weights and biases, not in the images.

    Parameters
    ----------
    images : Tensor, float32, shape (images, height, width)
        Of one channel.
    weight1 : Tensor, float32, shape (channels, 1, 3, 3)
    bias1 : Tensor, float32, shape (channels,)
    weight2 : Tensor, float32, shape (out channels, channels, 3, 3)
    bias2 : Tensor, float32, shape (out channels,)

    Returns
    -------
    Tensor, float32, shape (out channels, height, width, images)
        With the batch innermost. Equal to
        ``relu(conv2d(relu(conv2d(images, weight1, bias1)), weight2, bias2))``, both with
        ``padding=1``, up to the order of float32 sums.

    Raises
    ------
    ValueError
        Another dtype, device or memory layout, or shapes that do not fit; images that require a
        gradient.

    Examples
    --------
    >>> ones, zero = torch.ones(1, 1, 3, 3), torch.zeros(1)
    >>> conv3x3_relu_twice(torch.ones(5, 1, 3), ones, zero, ones, zero)[0, :, :, 0]
    tensor([[5., 7., 5.]])
    """
    tensors = {
        "images": images,
        "weight1": weight1,
        "bias1": bias1,
        "weight2": weight2,
        "bias2": bias2,
    }
    for name, t in tensors.items():
        if t.dtype != torch.float32 or t.device.type != "cpu" or not t.is_contiguous():
            found = f"{'contiguous' if t.is_contiguous() else 'strided'} {t.dtype} on {t.device}"
            raise ValueError(f"{name}: found {found}, expected contiguous torch.float32 on cpu")
    n_mid, n_out = bias1.numel(), bias2.numel()
    shapes = [tuple(t.shape) for t in tensors.values()]
    expected = [(n_mid, 1, 3, 3), (n_mid,), (n_out, n_mid, 3, 3), (n_out,)]
    if images.ndim != 3 or shapes[1:] != expected:
        raise ValueError(
            f"found {dict(zip(tensors, shapes, strict=True))}; expected (images, height, width),"
            " (channels, 1, 3, 3), (channels,), (out, channels, 3, 3), (out,)"
        )
    if images.requires_grad:
        raise ValueError("images: found requires_grad, expected none: no gradient is computed")
    return _TwoLayers.apply(images, weight1, bias1, weight2, bias2)
