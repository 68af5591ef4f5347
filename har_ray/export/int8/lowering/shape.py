"""Operations that move axes, take parts or put parts together."""

from typing import Any

import torch

from har_ray.export.int8.graph import Value
from har_ray.export.int8.lowering.arrangement import Arranged
from har_ray.export.int8.lowering.walk import Call, Lowering, lowers
from har_ray.export.int8.operators.layout import Concatenation, Reshape, Slice

aten: Any = torch.ops.aten


@lowers(
    aten.dropout.default, aten.feature_dropout.default, aten.contiguous.default, aten.clone.default,
    aten.detach.default, aten.detach_.default, aten.alias.default, aten.to.device, aten.to.dtype, aten.to.dtype_layout,
    aten._assert_tensor_metadata.default, aten.lift_fresh_copy.default,
)  # fmt: skip
def same(lowering: Lowering, call: Call) -> Any:
    return lowering.known[call.input]


@lowers(aten.permute.default)
def permute(lowering: Lowering, call: Call) -> Arranged:
    held = lowering.held(call.input)
    order = [axis % len(held.shape) for axis in call.said["dims"]]
    return held.renamed(call.shape, {old: new for new, old in enumerate(order)})


@lowers(aten.transpose.int, aten.t.default)
def transpose(lowering: Lowering, call: Call) -> Arranged:
    held = lowering.held(call.input)
    order = list(range(len(held.shape)))
    first, second = call.said.get("dim0", 0), call.said.get("dim1", -1)
    order[first], order[second] = order[second], order[first]
    return held.renamed(call.shape, {old: new for new, old in enumerate(order)})


@lowers(aten.unsqueeze.default)
def unsqueeze(lowering: Lowering, call: Call) -> Arranged:
    held, new = lowering.held(call.input), call.said["dim"] % len(call.shape)
    return held.renamed(call.shape, {axis: axis + (axis >= new) for axis in range(len(held.shape))})


@lowers(aten.squeeze.dim, aten.squeeze.dims, aten.squeeze.default)
def squeeze(lowering: Lowering, call: Call) -> Arranged:
    held = lowering.held(call.input)
    gone = axes_of(call.said.get("dim"), held)
    return without(held, [axis for axis in gone if held.shape[axis] == 1])


def axes_of(dim: Any, held: Arranged) -> list[int]:
    """Axes as PyTorch is told them: one, some or, without saying, all."""
    if dim is None or dim == []:
        return list(range(len(held.shape)))
    return [axis % len(held.shape) for axis in ([dim] if isinstance(dim, int) else dim)]


def without(held: Arranged, gone: list[int]) -> Arranged:
    """Without some axes that have one place each."""
    kept = [axis for axis in range(len(held.shape)) if axis not in gone]
    return held.renamed([held.shape[axis] for axis in kept], {old: new for new, old in enumerate(kept)})


@lowers(aten.view.default, aten.reshape.default, aten.flatten.using_ints, aten.unflatten.int)
def reshape(lowering: Lowering, call: Call) -> Arranged:
    held = lowering.held(call.input)
    plain = lowering.value(held, tuple(range(len(held.shape))), call.layer)
    if plain.shape != call.shape:
        plain = lowering.add(Reshape((plain,), Value(call.shape), call.layer))
    return Arranged.plain(plain)


@lowers(aten.select.int)
def select(lowering: Lowering, call: Call) -> Arranged:
    held = lowering.held(call.input)
    axis = call.said["dim"] % len(held.shape)
    index = call.said["index"] % held.shape[axis]
    return without(part(lowering, held, axis, index, 1, call.layer), [axis])


@lowers(aten.slice.Tensor, aten.narrow.default)
def slices(lowering: Lowering, call: Call) -> Arranged:
    held, start = lowering.held(call.input), call.said["start"] or 0
    axis = call.said["dim"] % len(held.shape)
    start = max(start + held.shape[axis], 0) if start < 0 else start
    return part(lowering, held, axis, start, call.shape[axis], call.layer, call.said.get("step", 1))


def part(
    lowering: Lowering, held: Arranged, axis: int, start: int, size: int, layer: str, step: int = 1
) -> Arranged:  # fmt: skip
    """Some places along an axis."""
    place = held.place(axis)
    if place is None or held.shape[axis] == size:
        return held
    shape = tuple(size if i == place else n for i, n in enumerate(held.value.shape))
    value = lowering.add(Slice((held.value,), Value(shape), layer, place, start, step))
    return Arranged(value, tuple(size if i == axis else n for i, n in enumerate(held.shape)), held.axes)


@lowers(aten.cat.default)
def concatenate(lowering: Lowering, call: Call) -> Arranged:
    parts = [lowering.held(one) for one in call.input]
    return joined(lowering, parts, call.said["dim"] % len(call.shape), call.layer)


@lowers(aten.stack.default)
def stack(lowering: Lowering, call: Call) -> Arranged:
    axis = call.said["dim"] % len(call.shape)
    parts = []
    for one in call.input:
        held = lowering.held(one)
        shape = [*held.shape[:axis], 1, *held.shape[axis:]]
        parts.append(held.renamed(shape, {i: i + (i >= axis) for i in range(len(held.shape))}))
    return joined(lowering, parts, axis, call.layer)


def joined(lowering: Lowering, parts: list[Arranged], axis: int, layer: str) -> Arranged:
    """One behind the other along an axis."""
    if len(parts) == 1:
        return parts[0]
    axes = _with_place_for(axis, parts)
    place = axes.index(axis)
    values = [lowering.value(one, tuple(axes), layer) for one in parts]
    size = sum(one.shape[axis] for one in parts)
    shape = tuple(size if i == place else n for i, n in enumerate(values[0].shape))
    value = lowering.add(Concatenation(tuple(values), Value(shape), layer, place))
    return Arranged(value, tuple(size if i == axis else n for i, n in enumerate(parts[0].shape)), tuple(axes))


def _with_place_for(axis: int, parts: list[Arranged]) -> list[int | None]:
    """The order in which the first part lies, where `axis`, if it is not there, takes the place of one that is none."""
    axes = list(parts[0].axes)
    if axis not in axes and None in axes:
        axes[len(axes) - 1 - axes[::-1].index(None)] = axis
    elif axis not in axes:
        axes.insert(next((i for i, other in enumerate(axes) if other is not None and other > axis), len(axes)), axis)
    return axes
