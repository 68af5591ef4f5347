"""Pooling, and means, sums, extremes and spreads over whole axes."""

from math import prod
from typing import Any

import torch

from har_ray.export.int8.graph import Value
from har_ray.export.int8.lowering.arrangement import Arranged
from har_ray.export.int8.lowering.elementwise import combined
from har_ray.export.int8.lowering.product import PLANE
from har_ray.export.int8.lowering.shape import axes_of, part, without
from har_ray.export.int8.lowering.walk import Call, Lowering, lowers
from har_ray.export.int8.operators.activation import SquareRoot, Widened
from har_ray.export.int8.operators.pooling import Pooling, Reduction

aten: Any = torch.ops.aten
POOLINGS = {
    aten.max_pool1d.default: "MAX_POOL_2D", aten.max_pool2d.default: "MAX_POOL_2D",
    aten.avg_pool1d.default: "AVERAGE_POOL_2D", aten.avg_pool2d.default: "AVERAGE_POOL_2D",
}  # fmt: skip


@lowers(*POOLINGS)
def pooling(lowering: Lowering, call: Call) -> Arranged:
    said, rank = call.said, len(call.shape) - 2
    own_divisor = said.get("divisor_override") is not None
    if any(said["padding"]) or said["ceil_mode"] or own_divisor or set(said.get("dilation", [1])) != {1}:
        raise call.refused("padding, dilation, rounding up or a divisor of its own")
    kernel, stride = said["kernel_size"], said["stride"] or said["kernel_size"]
    value = lowering.value(lowering.held(call.input), PLANE[rank], call.layer)
    output = Value((1, *(1, *call.shape[2:])[-2:], value.shape[-1]))
    code = POOLINGS[call.operation]
    pool = Pooling((value,), output, call.layer, code, _pair(kernel, rank), _pair(stride, rank))
    return Arranged(lowering.add(pool), call.shape, PLANE[rank])


def _pair(numbers: Any, rank: int) -> tuple[int, int]:
    """Of both axes; along time there is one row."""
    return (1 if rank == 1 else int(numbers[0]), int(numbers[-1]))


@lowers(aten.adaptive_avg_pool1d.default, aten.adaptive_avg_pool2d.default)
def mean_of_all(lowering: Lowering, call: Call) -> Arranged:
    return _of_planes(lowering, call, "MEAN")


@lowers(aten.adaptive_max_pool1d.default, aten.adaptive_max_pool2d.default)
def largest_of_all(lowering: Lowering, call: Call) -> list[Arranged]:
    return _values_alone(call, _of_planes(lowering, call, "REDUCE_MAX"))


def _of_planes(lowering: Lowering, call: Call, code: str) -> Arranged:
    if any(size != 1 for size in call.said["output_size"]):
        raise call.refused(f"an output of {call.said['output_size']}")
    held = lowering.held(call.input)
    rank = len(call.said["output_size"])
    return reduced(lowering, code, held, list(range(len(held.shape)))[-rank:], True, call.layer)


def _values_alone(call: Call, values: Arranged) -> list[Arranged]:
    """Of extremes and where they are, the extremes."""
    if 1 in call.used:
        raise call.refused("the place of the extreme")
    return [values]


REDUCTIONS = {
    aten.mean.dim: "MEAN", aten.mean.default: "MEAN", aten.sum.dim_IntList: "SUM", aten.sum.default: "SUM",
    aten.amax.default: "REDUCE_MAX", aten.amin.default: "REDUCE_MIN",
}  # fmt: skip


@lowers(*REDUCTIONS)
def reduction(lowering: Lowering, call: Call) -> Arranged:
    held, keep = lowering.held(call.input), call.said.get("keepdim", False)
    return reduced(lowering, REDUCTIONS[call.operation], held, axes_of(call.said.get("dim"), held), keep, call.layer)


@lowers(aten.max.dim, aten.min.dim)
def extreme(lowering: Lowering, call: Call) -> list[Arranged]:
    held, code = lowering.held(call.input), "REDUCE_MAX" if call.operation == aten.max.dim else "REDUCE_MIN"
    axes = axes_of(call.said["dim"], held)
    return _values_alone(call, reduced(lowering, code, held, axes, call.said["keepdim"], call.layer))


def reduced(lowering: Lowering, code: str, held: Arranged, axes: list[int], keep: bool, layer: str) -> Arranged:
    """Over some axes, each of which keeps one place where `keep`."""
    places = tuple(sorted(held.axes.index(axis) for axis in axes if held.shape[axis] > 1))
    value = held.value
    if places:
        output = Value(tuple(1 if place in places else size for place, size in enumerate(value.shape)))
        value = lowering.add(Reduction((value,), output, layer, code, places))
    kept = Arranged(value, tuple(1 if axis in axes else size for axis, size in enumerate(held.shape)), held.axes)
    return kept if keep else without(kept, axes)


@lowers(aten.std.correction, aten.std.dim, aten.var.correction, aten.var.dim)
def spread(lowering: Lowering, call: Call) -> Arranged:
    """Standard deviation or variance, in int16: the square of what is small is very small."""
    layer, held = call.layer, widened(lowering, lowering.held(call.input), call.layer)
    axes = axes_of(call.said["dim"], held)
    deviation = combined(lowering, "SUB", held, reduced(lowering, "MEAN", held, axes, True, layer), layer)
    squares = combined(lowering, "MUL", deviation, deviation, layer)
    variance = reduced(lowering, "MEAN", squares, axes, call.said["keepdim"], layer)
    count = prod(held.shape[axis] for axis in axes)
    correction = call.said.get("correction", call.said.get("unbiased"))
    correction = 1 if correction is None else correction
    if correction:
        variance = combined(lowering, "MUL", variance, lowering.held(count / (count - correction)), layer)
    if call.operation in (aten.var.correction, aten.var.dim):
        return variance
    root = lowering.add(SquareRoot((variance.value,), Value(variance.value.shape), layer))
    return Arranged(root, variance.shape, variance.axes)


def widened(lowering: Lowering, held: Arranged, layer: str) -> Arranged:
    """In int16, made once for all that want it."""
    made = (op for op in lowering.graph.operators if isinstance(op, Widened) and op.inputs == (held.value,))
    operator = next(made, None)
    if operator is None:
        operator = Widened((held.value,), Value(held.value.shape), layer)
        lowering.add(operator)
    return Arranged(operator.output, held.shape, held.axes)


@lowers(aten.diff.default)
def difference(lowering: Lowering, call: Call) -> Arranged:
    """Of neighbours, in int16: it is small where the values are large."""
    said, held = call.said, widened(lowering, lowering.held(call.input), call.layer)
    if said["n"] != 1 or said["prepend"] is not None or said["append"] is not None:
        raise call.refused("n other than 1, or something put before or behind")
    axis = said["dim"] % len(held.shape)
    later, earlier = (part(lowering, held, axis, start, held.shape[axis] - 1, call.layer) for start in (1, 0))
    return combined(lowering, "SUB", later, earlier, call.layer)
