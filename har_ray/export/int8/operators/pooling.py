"""Pooling over parts of a plane, and reduction of whole axes."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from har_ray.export.int8.emitter import Emitter, Held
from har_ray.export.int8.flatbuffer import Options
from har_ray.export.int8.graph import Operator
from har_ray.export.int8.operators.activation import UNIT
from har_ray.export.int8.operators.product import PADDINGS
from har_ray.export.int8.quantisation import INT8

POOLINGS: dict[str, Callable[..., Tensor]] = {"MAX_POOL_2D": F.max_pool2d, "AVERAGE_POOL_2D": F.avg_pool2d}


@dataclass(eq=False)
class Pooling(Operator):
    """(1, H, W, C) → (1, H', W', C), without padding; the scale stays as it is."""

    code: str
    kernel: tuple[int, int]
    stride: tuple[int, int]

    def compute(self, x: Tensor) -> Tensor:
        return POOLINGS[self.code](x.permute(0, 3, 1, 2), self.kernel, self.stride).permute(0, 2, 3, 1)

    def emit(self, emitter: Emitter) -> None:
        x = emitter.operand(self.inputs[0], emitter.quantisation(self.inputs[0]))
        emitter.write(self.code, [x.tensor], self.output, x.quantisation, pool_options(self.kernel, self.stride))


def pool_options(kernel: tuple[int, int], stride: tuple[int, int]) -> Options:
    sizes = {"filterHeight": kernel[0], "filterWidth": kernel[1], "strideH": stride[0], "strideW": stride[1]}
    return "Pool2DOptions", {"padding": PADDINGS["VALID"], **sizes}


REDUCTIONS: dict[str, Callable[..., Tensor]] = {
    "MEAN": torch.mean, "SUM": torch.sum, "REDUCE_MAX": torch.amax, "REDUCE_MIN": torch.amin,
}  # fmt: skip


@dataclass(eq=False)
class Reduction(Operator):
    """Over some axes, which are kept with one place each.

    A mean or a sum has a scale of its own, an extreme that of its input.
    """

    code: str
    axes: tuple[int, ...]

    def compute(self, x: Tensor) -> Tensor:
        return REDUCTIONS[self.code](x, dim=self.axes, keepdim=True)

    def emit(self, emitter: Emitter) -> None:
        (value,), extreme = self.inputs, self.code in ("REDUCE_MAX", "REDUCE_MIN")
        if extreme and emitter.is_wide(value) and self.axes[-1] - self.axes[0] < len(self.axes):
            return self._pool(emitter, emitter.held[value])
        x = emitter.operand(value, INT8 if extreme else emitter.quantisation(value))
        given = x.quantisation if extreme else emitter.own(self.output, x.quantisation.dtype)
        inputs = [x.tensor, emitter.indices(self.axes)]
        emitter.write(self.code, inputs, self.output, given, ("ReducerOptions", {"keepDims": True}))

    def _pool(self, emitter: Emitter, x: Held) -> None:
        """An extreme of int16, of which pooling alone has a kernel; the least is the largest of the opposites."""
        shape, graph = self.inputs[0].shape, emitter.subgraph
        first, last = self.axes[0], self.axes[-1] + 1
        before, along, after = prod(shape[:first]), prod(shape[first:last]), prod(shape[last:])

        def then(code: str, inputs: list[int], sizes: tuple[int, ...], options: Options) -> int:
            made = emitter.tensor(sizes, x.quantisation)
            graph.operator(code, inputs, [made], options)
            return made

        def opposite(tensor: int, sizes: tuple[int, ...]) -> int:
            if self.code == "REDUCE_MAX":
                return tensor
            minus = emitter.tensor((1,), UNIT, np.array([-(2**15)]))
            return then("MUL", [tensor, minus], sizes, ("MulOptions", {"fusedActivationFunction": 0}))

        whole, pooled = (1, before, along, after), (1, before, 1, after)
        plane = then("RESHAPE", [opposite(x.tensor, shape)], whole, ("ReshapeOptions", {"newShape": list(whole)}))
        largest = then("MAX_POOL_2D", [plane], pooled, pool_options((1, along), (1, along)))
        options = ("ReshapeOptions", {"newShape": list(self.output.shape)})
        emitter.write("RESHAPE", [opposite(largest, pooled)], self.output, x.quantisation, options)
