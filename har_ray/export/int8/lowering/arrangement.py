"""How PyTorch's axes lie in a value.

PyTorch has channels first and moves axes about freely; TensorFlow Lite has channels last, and each move costs an
operator. So an axis that PyTorch moves is moved on paper: `axes` says where each lies, and numbers are moved only where
an operator wants them elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from har_ray.export.int8.graph import Operator, Value
from har_ray.export.int8.operators.layout import Reshape, Transpose

Axes = tuple[int | None, ...]
Add = Callable[[Operator], Value]


@dataclass(frozen=True)
class Arranged:
    """A tensor of PyTorch's as it lies in a value.

    Attributes:
        shape: as PyTorch sees it.
        axes: which of its axes each axis of the value is; None: one with one place that it does not have. One of its
            axes that has one place need not be there.
    """

    value: Value
    shape: tuple[int, ...]
    axes: Axes

    @classmethod
    def plain(cls, value: Value, shape: Sequence[int] | None = None) -> "Arranged":
        """As PyTorch would lay it out."""
        shape = value.shape if shape is None else tuple(shape)
        return cls(value, shape, tuple(range(len(shape))))

    @classmethod
    def constant(cls, tensor: Tensor) -> "Arranged":
        return cls.plain(Value(tuple(tensor.shape), tensor.detach().float().contiguous().numpy()))

    def place(self, axis: int) -> int | None:
        """Where one of its axes lies."""
        axis %= len(self.shape)
        return self.axes.index(axis) if axis in self.axes else None

    def renamed(self, shape: Sequence[int], names: dict[int, int | None]) -> "Arranged":
        """The same value for a tensor with other axes: what each of those of now is called there."""
        axes = tuple(None if axis is None else names.get(axis) for axis in self.axes)
        return replace(self, shape=tuple(shape), axes=axes)

    def order(self, axes: Axes | None = None) -> list[int]:
        """The axes that have more than one place, as they lie."""
        return [axis for axis in (self.axes if axes is None else axes) if axis is not None and self.shape[axis] > 1]


def arrange(held: Arranged, axes: Axes, layer: str, add: Add) -> Value:
    """The value with its axes in this order; None: an axis with one place."""
    target = tuple(1 if axis is None else held.shape[axis] for axis in axes)
    value = held.value
    if held.order() != held.order(axes):
        order = _permutation(held, axes)
        turned = tuple(value.shape[place] for place in order)
        value = add(Transpose((value,), Value(turned), layer, order))
    if value.shape != target:
        value = add(Reshape((value,), Value(target), layer))
    return value


def _permutation(held: Arranged, axes: Axes) -> tuple[int, ...]:
    """The value's places in the order of `axes`, those with one place wherever the target has one."""
    single = [place for place, size in enumerate(held.value.shape) if size == 1]
    order = []
    for axis in axes:
        if axis is not None and held.shape[axis] > 1:
            order.append(held.axes.index(axis))
        elif single:
            order.append(single.pop(0))
    return (*single, *order)
