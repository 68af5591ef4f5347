"""Sums, differences and products of two values, which may be broadcast."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from har_ray.export.int8.emitter import Emitter
from har_ray.export.int8.graph import Operator
from har_ray.export.int8.operators.activation import FUSED, Fused
from har_ray.export.int8.quantisation import INT8, INT16

Arithmetic = Literal["ADD", "SUB", "MUL"]
ARITHMETIC: dict[Arithmetic, Callable[[Tensor, Tensor], Tensor]] = {
    "ADD": torch.add, "SUB": torch.sub, "MUL": torch.mul,
}  # fmt: skip


@dataclass(eq=False)
class Elementwise(Operator):
    """Both in the type of the larger one: a vector is converted for a plane's sake, not the other way round."""

    code: Arithmetic
    fused: Fused = "NONE"

    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return FUSED[self.fused][1](ARITHMETIC[self.code](a, b))

    def emit(self, emitter: Emitter) -> None:
        sizes = [value.size if value.constant is None else 0 for value in self.inputs]
        largest = [value for value, size in zip(self.inputs, sizes, strict=True) if size == max(sizes)]
        dtype = INT16 if any(emitter.is_wide(value) for value in largest) else INT8
        operands = [emitter.operand(value, dtype).tensor for value in self.inputs]
        options = (f"{self.code.title()}Options", {"fusedActivationFunction": FUSED[self.fused][0]})
        emitter.write(self.code, operands, self.output, emitter.own(self.output, dtype), options)
