"""Convolutions and linear layers, with the normalisation that follows them."""

from typing import Any, NamedTuple

import numpy as np
import torch

from har_ray.export.int8.graph import Array, Value
from har_ray.export.int8.lowering.arrangement import Arranged
from har_ray.export.int8.lowering.elementwise import combined
from har_ray.export.int8.lowering.walk import Call, Lowering, lowers
from har_ray.export.int8.operators.layout import Pad
from har_ray.export.int8.operators.product import Convolution, Dense, Padding, Product, same_padding

aten: Any = torch.ops.aten
PLANE = {1: (0, None, 2, 1), 2: (0, 2, 3, 1)}
"""How TensorFlow Lite lays out (B, C, T) and (B, C, H, W): one row or several, channels last."""


@lowers(aten.conv1d.default, aten.conv1d.padding, aten.conv2d.default, aten.conv2d.padding)
def convolution(lowering: Lowering, call: Call) -> Arranged:
    rank, said = len(call.shape) - 2, call.said
    weight, bias = lowering.constant(said["weight"], call), lowering.constant(said["bias"], call)
    assert weight is not None
    if rank == 1:  # (F, C, k) → (F, C, 1, k)
        weight = weight.unsqueeze(2)
    kernel = as_array(weight.permute(0, 2, 3, 1))
    stride, dilation = _pair(said["stride"], 1), _pair(said["dilation"], 1)
    value = lowering.value(lowering.held(call.input), PLANE[rank], call.layer)
    sizes = (1, *call.shape[2:])[-2:]
    if isinstance(said["padding"], str):
        scheme: Padding = "SAME" if said["padding"] == "same" else "VALID"
    else:
        geometry = _Geometry(kernel.shape[1:3], stride, dilation, _pair(said["padding"], 0), sizes)
        value, scheme = _padded(lowering, value, geometry, call.layer)
    product = Convolution(
        (value,), Value((1, *sizes, len(kernel))), call.layer, kernel, _bias(bias, len(kernel)), stride=stride,
        dilation=dilation, padding=scheme, groups=said["groups"],
    )  # fmt: skip
    return Arranged(lowering.add(product), call.shape, PLANE[rank])


def _pair(numbers: Any, beside: int) -> tuple[int, int]:
    """Of both axes; `beside`: what the one has that a convolution along time does not run along."""
    return (int(numbers[-2]) if len(numbers) > 1 else beside, int(numbers[-1]))


def as_array(tensor: torch.Tensor) -> Array:
    """A copy, which may be changed."""
    return np.array(tensor.detach().numpy(), np.float32, order="C")


def _bias(tensor: torch.Tensor | None, outputs: int) -> Array:
    return np.zeros(outputs, np.float32) if tensor is None else as_array(tensor)


class _Geometry(NamedTuple):
    """Of a convolution, along both axes; `sizes`: of what it makes."""

    kernel: tuple[int, ...]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    sizes: tuple[int, ...]


def _padded(lowering: Lowering, value: Value, geometry: _Geometry, layer: str) -> tuple[Value, Padding]:
    """The value with PyTorch's zeros around it, where TensorFlow Lite's own SAME does not put the same."""
    if geometry.padding == (0, 0):
        return value, "VALID"
    axes = list(zip(value.shape[1:3], *geometry, strict=True))
    if all(same_padding(n, k, s, d)[0] == p and -(-n // s) == out for n, k, s, d, p, out in axes):
        return value, "SAME"
    zeros = [(p, max((out - 1) * s + d * (k - 1) + 1 - n - p, 0)) for n, k, s, d, p, out in axes]
    shape = (1, *(n + sum(pair) for n, pair in zip(value.shape[1:3], zeros, strict=True)), value.shape[3])
    return lowering.add(Pad((value,), Value(shape), layer, ((0, 0), *zeros, (0, 0)))), "VALID"


@lowers(aten.linear.default)
def linear(lowering: Lowering, call: Call) -> Arranged:
    held, last = lowering.held(call.input), len(call.shape) - 1
    weight, bias = (lowering.constant(call.said[name], call) for name in ("weight", "bias"))
    assert weight is not None
    axes = (*(axis for axis in held.axes if axis is not None and axis != last), last)
    value = lowering.value(held, axes, call.layer)
    output = Value((*value.shape[:-1], len(weight)))
    dense = Dense((value,), output, call.layer, as_array(weight), _bias(bias, len(weight)))
    return Arranged(lowering.add(dense), call.shape, axes)


@lowers(aten.batch_norm.default)
def batch_norm(lowering: Lowering, call: Call) -> Arranged:
    """Folded into the product before it; where there is none, a product and a sum of their own."""
    names = ("running_mean", "running_var", "weight", "bias")
    mean, variance, weight, bias = (lowering.constant(call.said[name], call) for name in names)
    if mean is None or variance is None:
        raise call.refused("the statistics of the window itself")
    factor = torch.rsqrt(variance.double() + call.said["eps"]) * (1 if weight is None else weight.double())
    offset = (0 if bias is None else bias.double()) - mean.double() * factor
    maker = lowering.maker(call.input)
    held = lowering.held(call.input)
    if isinstance(maker, Product) and maker.fused == "NONE":
        maker.scale_outputs(as_array(factor), as_array(offset))
        return held
    shape = [-1 if axis == 1 else 1 for axis in range(len(held.shape))]
    scaled = combined(lowering, "MUL", held, Arranged.constant(factor.reshape(shape)), call.layer)
    return combined(lowering, "ADD", scaled, Arranged.constant(offset.reshape(shape)), call.layer)
