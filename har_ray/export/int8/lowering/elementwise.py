"""Functions of one number and arithmetic of two."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from har_ray.export.int8.graph import Operator, Value
from har_ray.export.int8.lowering.arrangement import Arranged, Axes
from har_ray.export.int8.lowering.walk import Call, Lowering, lowers
from har_ray.export.int8.operators.activation import Curve, Fused, Rectifier, Softmax, SquareRoot
from har_ray.export.int8.operators.elementwise import Arithmetic, Elementwise
from har_ray.export.int8.operators.product import Product

aten: Any = torch.ops.aten


def _of_one(lowering: Lowering, call: Call, operator: Callable[[Value, Value], Operator]) -> Arranged:
    """A function of one number: the axes lie where they lay."""
    held = lowering.held(call.input)
    return Arranged(lowering.add(operator(held.value, Value(held.value.shape))), held.shape, held.axes)


LIMITS: dict[tuple[Any, Any], Fused] = {(0, None): "RELU", (0, 6): "RELU6"}
"""What is let through, from and to, by the operators that do so."""
RELU6 = (aten.relu6.default, aten.relu6_.default)


@lowers(
    aten.relu.default, aten.relu_.default, *RELU6, aten.hardtanh.default, aten.hardtanh_.default, aten.clamp.default,
    aten.clamp_min.default,
)  # fmt: skip
def relu(lowering: Lowering, call: Call) -> Arranged:
    default = (0, 6) if call.operation in RELU6 else (0, None)
    limits = tuple(
        call.said.get(name, call.said.get(f"{name}_val", default[i])) for i, name in enumerate(("min", "max"))
    )
    code = LIMITS.get((limits[0], limits[1]))
    if code is None:
        raise call.refused(f"the limits {limits[0]} and {limits[1]}")
    maker = lowering.maker(call.input)
    if isinstance(maker, Product | Elementwise) and maker.fused == "NONE":
        maker.fused = code
        return lowering.held(call.input)
    return _of_one(lowering, call, lambda x, y: Rectifier((x,), y, call.layer, code))


RECTIFIERS = {
    aten.leaky_relu.default: "LEAKY_RELU", aten.leaky_relu_.default: "LEAKY_RELU", aten.elu.default: "ELU",
    aten.elu_.default: "ELU", aten.hardswish.default: "HARD_SWISH", aten.hardswish_.default: "HARD_SWISH",
    aten.abs.default: "ABS",
}  # fmt: skip


@lowers(*RECTIFIERS)
def rectifier(lowering: Lowering, call: Call) -> Arranged:
    code, said = RECTIFIERS[call.operation], call.said
    if code == "ELU" and (said["alpha"], said["scale"], said["input_scale"]) != (1, 1, 1):
        raise call.refused("an alpha or a scale other than 1")
    return _of_one(lowering, call, lambda x, y: Rectifier((x,), y, call.layer, code, said.get("negative_slope")))


CURVES = {
    aten.sigmoid.default: "LOGISTIC", aten.sigmoid_.default: "LOGISTIC", aten.tanh.default: "TANH",
    aten.tanh_.default: "TANH",
}  # fmt: skip


@lowers(*CURVES)
def curve(lowering: Lowering, call: Call) -> Arranged:
    return _of_one(lowering, call, lambda x, y: Curve((x,), y, call.layer, CURVES[call.operation]))


@lowers(aten.silu.default, aten.silu_.default)
def silu(lowering: Lowering, call: Call) -> Arranged:
    gate = _of_one(lowering, call, lambda x, y: Curve((x,), y, call.layer, "LOGISTIC"))
    return combined(lowering, "MUL", lowering.held(call.input), gate, call.layer)


@lowers(aten.sqrt.default)
def square_root(lowering: Lowering, call: Call) -> Arranged:
    return _of_one(lowering, call, lambda x, y: SquareRoot((x,), y, call.layer))


@lowers(aten.softmax.int, aten._softmax.default)
def softmax(lowering: Lowering, call: Call) -> Arranged:
    held = lowering.held(call.input)
    axis = call.said["dim"] % len(held.shape)
    axes: Axes = (None, *(other for other in held.order() if other != axis), axis)
    value = lowering.value(held, axes, call.layer)
    return Arranged(lowering.add(Softmax((value,), Value(value.shape), call.layer)), held.shape, axes)


ARITHMETIC: dict[Any, Arithmetic] = {
    aten.add.Tensor: "ADD", aten.add_.Tensor: "ADD", aten.sub.Tensor: "SUB", aten.sub_.Tensor: "SUB",
    aten.mul.Tensor: "MUL", aten.mul_.Tensor: "MUL",
}  # fmt: skip


@lowers(*ARITHMETIC)
def arithmetic(lowering: Lowering, call: Call) -> Arranged:
    if call.said.get("alpha", 1) != 1:
        raise call.refused(f"alpha={call.said['alpha']}")
    first, second = lowering.held(call.said["self"]), lowering.held(call.said["other"])
    return combined(lowering, ARITHMETIC[call.operation], first, second, call.layer)


@lowers(aten.div.Tensor, aten.div_.Tensor)
def divided(lowering: Lowering, call: Call) -> Arranged:
    """By a constant, which is a product."""
    divisor = call.said["other"]
    divisor = lowering.known[divisor] if isinstance(divisor, Node) else torch.tensor([float(divisor)])
    if not isinstance(divisor, Tensor):
        raise call.refused("a divisor that depends on the window")
    inverse = Arranged.constant(1 / divisor.detach().double())
    return combined(lowering, "MUL", lowering.held(call.input), inverse, call.layer)


@lowers(aten.neg.default)
def negated(lowering: Lowering, call: Call) -> Arranged:
    return combined(lowering, "MUL", lowering.held(call.input), lowering.held(-1.0), call.layer)


@lowers(aten.square.default)
def square(lowering: Lowering, call: Call) -> Arranged:
    return combined(lowering, "MUL", lowering.held(call.input), lowering.held(call.input), call.layer)


def combined(lowering: Lowering, code: Arithmetic, a: Arranged, b: Arranged, layer: str) -> Arranged:
    """Two tensors, broadcast as PyTorch does, in the order of the larger one."""
    shape = tuple(torch.broadcast_shapes(a.shape, b.shape))  # type: ignore[no-untyped-call]
    a, b = (_of_rank(one, len(shape)) for one in (a, b))
    larger, other = sorted((a, b), key=lambda one: (one.value.constant is not None, -one.value.size))
    whole = all(axis in larger.axes for axis in other.order())
    axes: Axes = larger.axes if whole else tuple(range(len(shape)))
    values = [_broadcastable(lowering, one, axes, layer) for one in (a, b)]
    output = Value(tuple(1 if axis is None else shape[axis] for axis in axes))
    return Arranged(lowering.add(Elementwise((values[0], values[1]), output, layer, code)), shape, axes)


def _of_rank(held: Arranged, rank: int) -> Arranged:
    """With axes of one place in front, up to this many."""
    more = rank - len(held.shape)
    return held.renamed((*[1] * more, *held.shape), {axis: axis + more for axis in range(len(held.shape))})


def _broadcastable(lowering: Lowering, held: Arranged, axes: Axes, layer: str) -> Value:
    """A value in this order; axes of one place in front may be missing, as kernels broadcast from the right."""
    wanted = tuple(1 if axis is None else held.shape[axis] for axis in axes)
    if held.value.constant is not None:
        turned = held.value.constant.transpose(_turning(held, axes))
        return Value(wanted, turned.reshape(wanted).copy())
    if held.order() == held.order(axes) and _trimmed(held.value.shape) == _trimmed(wanted):
        return held.value
    return lowering.value(held, axes, layer)


def _turning(held: Arranged, axes: Axes) -> list[int]:
    """The places of a value in the order of `axes`, those that are not among them in front."""
    places = [held.axes.index(axis) for axis in axes if axis is not None and axis in held.axes]
    return [*(place for place in range(len(held.axes)) if place not in places), *places]


def _trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the axes of one place in front."""
    first = next((i for i, size in enumerate(shape) if size > 1), len(shape))
    return shape[first:]
