"""Functions of one number: those that a product or a sum may end in, and those that are operators of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from har_ray.export.int8.emitter import Emitter
from har_ray.export.int8.graph import Operator
from har_ray.export.int8.quantisation import INT8, INT16, Quantisation

Fused = Literal["NONE", "RELU", "RELU6"]
FUSED: dict[Fused, tuple[int, Callable[[Tensor], Tensor]]] = {
    "NONE": (0, lambda x: x),
    "RELU": (1, F.relu),
    "RELU6": (3, F.relu6),
}
"""By name: their number in the schema's `ActivationFunctionType`, and what they do."""

GATE = Quantisation(INT16, 2.0**-12)
"""What the int16 kernels of sigmoid and tanh take without rounding, ±8; further out both are flat."""
UNIT = Quantisation(INT16, 2.0**-15)
"""What they give."""

CURVES: dict[str, tuple[Callable[[Tensor], Tensor], Quantisation]] = {
    "LOGISTIC": (torch.sigmoid, Quantisation(INT8, 2.0**-8, -128)),
    "TANH": (torch.tanh, Quantisation(INT8, 2.0**-7)),
}
"""By name: what they do, and what their int8 kernels give."""


@dataclass(eq=False)
class Curve(Operator):
    """Sigmoid or tanh, whose kernels give a scale of their own."""

    code: str

    def compute(self, x: Tensor) -> Tensor:
        return CURVES[self.code][0](x)

    def emit(self, emitter: Emitter) -> None:
        (x,), wide = self.inputs, emitter.is_wide(*self.inputs)
        taken, given = (GATE, UNIT) if wide else (emitter.quantisation(x), CURVES[self.code][1])
        emitter.write(self.code, [emitter.operand(x, taken).tensor], self.output, given)


@dataclass(eq=False)
class Softmax(Operator):
    """Over the last axis; in int16, since a weight of one step among fifty is small."""

    def compute(self, x: Tensor) -> Tensor:
        return torch.softmax(x, dim=-1)

    def emit(self, emitter: Emitter) -> None:
        x = emitter.operand(self.inputs[0], INT16)
        emitter.write("SOFTMAX", [x.tensor], self.output, UNIT, ("SoftmaxOptions", {"beta": 1.0}))


RECTIFIERS: dict[str, tuple[Callable[..., Tensor], tuple[Any, ...]]] = {
    "RELU": (F.relu, (INT8, INT16)),
    "RELU6": (F.relu6, (INT8, INT16)),
    "LEAKY_RELU": (F.leaky_relu, (INT8, INT16)),
    "ELU": (F.elu, (INT8,)),
    "HARD_SWISH": (F.hardswish, (INT8,)),
    "ABS": (torch.abs, (INT8, INT16)),
}
"""By name: what they do, and in which types there is a kernel."""


@dataclass(eq=False)
class Rectifier(Operator):
    """A function of one number whose result has a scale of its own; `slope`: of a leaky ReLU below 0."""

    code: str
    slope: float | None = None

    def compute(self, x: Tensor) -> Tensor:
        return RECTIFIERS[self.code][0](x, *([] if self.slope is None else [self.slope]))

    def emit(self, emitter: Emitter) -> None:
        (x,), types = self.inputs, RECTIFIERS[self.code][1]
        taken = emitter.operand(x, INT16 if INT16 in types and emitter.is_wide(x) else INT8)
        options = None if self.slope is None else ("LeakyReluOptions", {"alpha": self.slope})
        emitter.write(
            self.code, [taken.tensor], self.output, emitter.own(self.output, taken.quantisation.dtype), options
        )


@dataclass(eq=False)
class SquareRoot(Operator):
    """Of a handful of numbers, in float between two conversions: there is no kernel in integers."""

    def compute(self, x: Tensor) -> Tensor:
        return torch.sqrt(x)

    def emit(self, emitter: Emitter) -> None:
        x, graph = emitter.operand(self.inputs[0], INT16), emitter.subgraph
        real, root = (graph.tensor(self.output.shape, "float32") for _ in range(2))
        graph.operator("DEQUANTIZE", [x.tensor], [real])
        graph.operator("SQRT", [real], [root])
        emitter.write("QUANTIZE", [root], self.output, emitter.own(self.output, INT16))


@dataclass(eq=False)
class Widened(Operator):
    """The same in int16, for what follows to be computed in int16."""

    def compute(self, x: Tensor) -> Tensor:
        return x.clone()

    def emit(self, emitter: Emitter) -> None:
        emitter.held[self.output] = emitter.operand(self.inputs[0], INT16)
