"""Pooling over parts of a plane, and reduction of whole axes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from har_ray.export.int8.emitter import Emitter
from har_ray.export.int8.graph import Operator
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
        options = {
            "padding": PADDINGS["VALID"],
            "filterHeight": self.kernel[0],
            "filterWidth": self.kernel[1],
            "strideH": self.stride[0],
            "strideW": self.stride[1],
        }
        emitter.write(self.code, [x.tensor], self.output, x.quantisation, ("Pool2DOptions", options))


REDUCTIONS: dict[str, Callable[..., Tensor]] = {
    "MEAN": torch.mean, "SUM": torch.sum, "REDUCE_MAX": torch.amax, "REDUCE_MIN": torch.amin,
}  # fmt: skip


@dataclass(eq=False)
class Reduction(Operator):
    """Over some axes, which are kept with one place each.

    A mean or a sum has a scale of its own; an extreme, which has an int8 kernel alone, has that of its input.
    """

    code: str
    axes: tuple[int, ...]

    def compute(self, x: Tensor) -> Tensor:
        return REDUCTIONS[self.code](x, dim=self.axes, keepdim=True)

    def emit(self, emitter: Emitter) -> None:
        (value,), extreme = self.inputs, self.code in ("REDUCE_MAX", "REDUCE_MIN")
        x = emitter.operand(value, INT8 if extreme else emitter.quantisation(value))
        given = x.quantisation if extreme else emitter.own(self.output, x.quantisation.dtype)
        inputs = [x.tensor, emitter.indices(self.axes)]
        emitter.write(self.code, inputs, self.output, given, ("ReducerOptions", {"keepDims": True}))
