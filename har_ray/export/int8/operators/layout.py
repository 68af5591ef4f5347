"""Operators that move numbers and leave them as they are: the scale stays, too."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from har_ray.export.int8.emitter import Emitter, Held
from har_ray.export.int8.graph import Operator
from har_ray.export.int8.quantisation import INT16, Quantisation

SMALL = 512
"""Numbers in a value that may be held in int16 where one scale of int8 is too coarse for it: 1 kB at most."""
COARSER = 2.0
"""So much wider than its own may the scale be that a part shares with others in int8: one bit of eight."""


def _as_it_is(operator: Operator, emitter: Emitter) -> Held:
    (value,) = operator.inputs
    return emitter.operand(value, emitter.quantisation(value))


@dataclass(eq=False)
class Reshape(Operator):
    def compute(self, x: Tensor) -> Tensor:
        return x.reshape(self.output.shape)

    def emit(self, emitter: Emitter) -> None:
        x = _as_it_is(self, emitter)
        options = ("ReshapeOptions", {"newShape": list(self.output.shape)})
        emitter.write("RESHAPE", [x.tensor], self.output, x.quantisation, options)


@dataclass(eq=False)
class Transpose(Operator):
    order: tuple[int, ...]

    def compute(self, x: Tensor) -> Tensor:
        return x.permute(self.order)

    def emit(self, emitter: Emitter) -> None:
        x = _as_it_is(self, emitter)
        emitter.write("TRANSPOSE", [x.tensor, emitter.indices(self.order)], self.output, x.quantisation)


@dataclass(eq=False)
class Pad(Operator):
    """Zeros before and after each axis."""

    around: tuple[tuple[int, int], ...]

    def compute(self, x: Tensor) -> Tensor:
        return F.pad(x, [n for pair in reversed(self.around) for n in pair])

    def emit(self, emitter: Emitter) -> None:
        x = _as_it_is(self, emitter)
        around = emitter.subgraph.tensor([len(self.around), 2], "int32", data=torch.tensor(self.around).numpy())
        emitter.write("PAD", [x.tensor, around], self.output, x.quantisation)


@dataclass(eq=False)
class Slice(Operator):
    """Along one axis, from `start`, as many places as the output has, every `step`th."""

    axis: int
    start: int
    step: int = 1

    def compute(self, x: Tensor) -> Tensor:
        stop = self.start + (self.output.shape[self.axis] - 1) * self.step + 1
        return x[(slice(None),) * self.axis + (slice(self.start, stop, self.step),)]

    def emit(self, emitter: Emitter) -> None:
        x, rank = _as_it_is(self, emitter), len(self.output.shape)
        start = [self.start if i == self.axis else 0 for i in range(rank)]
        length = (self.output.shape[self.axis] - 1) * self.step + 1
        stop = [self.start + length if i == self.axis else size for i, size in enumerate(self.output.shape)]
        step = [self.step if i == self.axis else 1 for i in range(rank)]
        inputs = [x.tensor, *(emitter.indices(numbers) for numbers in (start, stop, step))]
        emitter.write("STRIDED_SLICE", inputs, self.output, x.quantisation, ("StridedSliceOptions", {}))


@dataclass(eq=False)
class Concatenation(Operator):
    """All in one scale; of int16 where int8 would be too coarse for one of them and the whole is small."""

    axis: int

    def compute(self, *parts: Tensor) -> Tensor:
        return torch.cat(parts, dim=self.axis)

    def emit(self, emitter: Emitter) -> None:
        shared = self._shared(emitter)
        parts = [emitter.operand(part, shared).tensor for part in self.inputs]
        emitter.write("CONCATENATION", parts, self.output, shared, ("ConcatenationOptions", {"axis": self.axis}))

    def _shared(self, emitter: Emitter) -> Quantisation:
        held = {emitter.quantisation(part) for part in self.inputs}
        if len(held) == 1:
            return held.pop()
        together = emitter.own(self.output, emitter.dtype)
        too_coarse = any(one.wide or together.scale > COARSER * one.scale for one in held)
        return emitter.own(self.output, INT16) if too_coarse and self.output.size <= SMALL else together


@dataclass(eq=False)
class Reverse(Operator):
    """Along one axis."""

    axis: int

    def compute(self, x: Tensor) -> Tensor:
        return x.flip(self.axis)

    def emit(self, emitter: Emitter) -> None:
        x = _as_it_is(self, emitter)
        emitter.write("REVERSE_V2", [x.tensor, emitter.indices([self.axis])], self.output, x.quantisation)
