"""Convolutions and dense layers: int8 weights, a bias of int32 (int64 with an input of int16), an activation fused."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from har_ray.export.int8.emitter import Emitter, Held
from har_ray.export.int8.graph import Array, Operator
from har_ray.export.int8.operators.activation import FUSED, Fused
from har_ray.export.int8.quantisation import INT8, biases, weights

Padding = Literal["SAME", "VALID"]
PADDINGS: dict[Padding, int] = {"SAME": 0, "VALID": 1}


@dataclass(eq=False)
class Product(Operator):
    """Attributes:
    weight: float32, its outputs along the first axis.
    bias: (outputs,).
    fused: the activation that it ends in.
    """

    weight: Array
    bias: Array
    fused: Fused = "NONE"

    def scale_outputs(self, factor: Array, offset: Array) -> None:
        """Multiply each output and add to it: what a batch normalisation after it does."""
        self.weight = self.weight * factor.reshape(-1, *[1] * (self.weight.ndim - 1))
        self.bias = self.bias * factor + offset

    def rounded(self, wide: bool) -> dict[str, int]:
        return {"weight": len(self.weight), "bias": 0}

    @abstractmethod
    def patches(self, x: Tensor) -> Tensor:
        """What each row of the weight is multiplied by: (groups, samples, numbers in a row)."""

    def _write(self, emitter: Emitter, code: str, x: Held, weight: Array, axis: int | None, options: Any) -> None:
        """With `weight` as the kernel wants it, a scale for each place along `axis`."""
        integers, scales = weights(weight, self.bias, x.quantisation.scale, axis)
        bias, steps = biases(self.bias, x.quantisation.scale, scales)
        graph = emitter.subgraph
        tensors = [
            x.tensor,
            graph.tensor(integers.shape, np.int8, scales, axis=axis or 0, data=integers),
            graph.tensor(bias.shape, np.int64 if x.quantisation.wide else np.int32, steps, data=bias),
        ]
        emitter.write(code, tensors, self.output, emitter.own(self.output, x.quantisation.dtype), options)

    def _taken(self, emitter: Emitter) -> Held:
        return emitter.operand(self.inputs[0], emitter.quantisation(self.inputs[0]))


@dataclass(eq=False)
class Convolution(Product):
    """(1, H, W, C) → (1, H', W', F), weight (F, h, w, C / groups).

    Where every input channel is a group of its own it is a depthwise convolution.
    """

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding = "VALID"
    groups: int = 1

    @property
    def depthwise(self) -> bool:
        return self.groups == self.inputs[0].shape[-1] > 1

    def scale_inputs(self, factor: Array) -> None:
        """Multiply each input channel (C,)."""
        width = self.weight.shape[3]
        outputs = len(self.weight) // self.groups
        for group in range(self.groups):
            self.weight[group * outputs : (group + 1) * outputs] *= factor[group * width : (group + 1) * width]

    def compute(self, x: Tensor) -> Tensor:
        weight = torch.as_tensor(self.weight).permute(0, 3, 1, 2)
        made = F.conv2d(self._planes(x), weight, torch.as_tensor(self.bias), self.stride, 0, self.dilation, self.groups)
        return FUSED[self.fused][1](made.permute(0, 2, 3, 1))

    def patches(self, x: Tensor) -> Tensor:
        _, height, width, channels = self.weight.shape
        found = F.unfold(self._planes(x), (height, width), self.dilation, 0, self.stride)[0]  # (C·h·w, samples)
        parts = found.reshape(self.groups, channels, height * width, -1)
        return parts.permute(0, 3, 2, 1).flatten(2)

    def _planes(self, x: Tensor) -> Tensor:
        """Channels first, with the zeros around."""
        planes = x.permute(0, 3, 1, 2)
        if self.padding == "SAME":
            planes = F.pad(planes, [n for axis in (1, 0) for n in self._around(x.shape[1 + axis], axis)])
        return planes

    def _around(self, size: int, axis: int) -> tuple[int, int]:
        """The zeros before and after that TensorFlow Lite's SAME adds."""
        return same_padding(size, self.weight.shape[1 + axis], self.stride[axis], self.dilation[axis])

    def emit(self, emitter: Emitter) -> None:
        options = {
            "padding": PADDINGS[self.padding],
            "strideH": self.stride[0],
            "strideW": self.stride[1],
            "dilationHFactor": self.dilation[0],
            "dilationWFactor": self.dilation[1],
            "fusedActivationFunction": FUSED[self.fused][0],
        }
        x = self._taken(emitter)
        if self.depthwise:
            weight = self.weight.transpose(3, 1, 2, 0)  # (1, h, w, F)
            options["depthMultiplier"] = len(self.weight) // self.groups
            self._write(emitter, "DEPTHWISE_CONV_2D", x, weight, 3, ("DepthwiseConv2DOptions", options))
        else:
            self._write(emitter, "CONV_2D", x, self.weight, 0, ("Conv2DOptions", options))


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """The zeros before and after an axis that TensorFlow Lite's SAME adds."""
    needed = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return needed // 2, needed - needed // 2


@dataclass(eq=False)
class Dense(Product):
    """(…, I) → (…, O), weight (O, I). A scale for each output where the input is int8, as the kernel has it."""

    def rounded(self, wide: bool) -> dict[str, int]:
        return super().rounded(wide) | ({"weight": 1} if wide else {})

    def patches(self, x: Tensor) -> Tensor:
        return x.reshape(1, -1, x.shape[-1])

    def compute(self, x: Tensor) -> Tensor:
        made = F.linear(x, torch.as_tensor(self.weight), torch.as_tensor(self.bias))
        return FUSED[self.fused][1](made.reshape(self.output.shape))

    def emit(self, emitter: Emitter) -> None:
        x = self._taken(emitter)
        options = {"fusedActivationFunction": FUSED[self.fused][0], "keepNumDims": len(self.output.shape) > 2}
        axis = 0 if x.quantisation.dtype == INT8 else None
        self._write(emitter, "FULLY_CONNECTED", x, self.weight, axis, ("FullyConnectedOptions", options))
