"""One layer of an LSTM in one operator, whose gates and cell are int16 within.

https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/micro/kernels/lstm_eval_common.cc
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from har_ray.export.int8.emitter import Emitter
from har_ray.export.int8.graph import Array, Operator, Value
from har_ray.export.int8.operators.activation import UNIT
from har_ray.export.int8.quantisation import HEADROOM, INT8, INT16, Quantisation, biases, float32, weights

TANH = 4
"""The number of the cell's activation in the schema's `ActivationFunctionType`."""
CELL_EXPONENTS = (-15, -9)
"""The kernel wants a power of two as the cell's scale; with 2^-9 it reaches to 64, with 2^-15 to 1."""


@dataclass(eq=False)
class LSTM(Operator):
    """(1, T, I) → (1, T, U), from a state of zeros.

    The state is a variable of the file: whoever runs it resets the interpreter between two windows.

    Attributes:
        kernel: (4·U, I), the gates input, forget, cell, output one after the other, as PyTorch has them.
        recurrent: (4·U, U).
        bias: (4·U,).
    """

    kernel: Array
    recurrent: Array
    bias: Array

    @classmethod
    def of(cls, x: Value, layer: str, kernel: Array, recurrent: Array, bias: Array) -> "LSTM":
        units = recurrent.shape[1]
        output, cell = (Value((1, x.shape[1], units)) for _ in range(2))
        return cls((x,), output, layer, kernel, recurrent, bias, inner=(cell,))

    def rounded(self, wide: bool) -> dict[str, int]:
        return {"kernel": 4, "recurrent": 4, "bias": 0}

    def patches(self, x: Tensor) -> Tensor:
        """What each row of the kernel is multiplied by: (1, T, I)."""
        return x

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The output and the cell at every step."""
        kernel, recurrent = torch.as_tensor(self.kernel), torch.as_tensor(self.recurrent)
        projected = x @ kernel.T + torch.as_tensor(self.bias)  # (1, T, 4·U)
        hidden = cell = x.new_zeros(1, recurrent.shape[1])
        outputs, cells = [], []
        for step in projected.unbind(dim=1):
            entered, forgotten, new, shown = (step + hidden @ recurrent.T).chunk(4, dim=1)
            cell = torch.sigmoid(forgotten) * cell + torch.sigmoid(entered) * torch.tanh(new)
            hidden = torch.sigmoid(shown) * torch.tanh(cell)
            outputs.append(hidden)
            cells.append(cell)
        return torch.stack(outputs, dim=1), torch.stack(cells, dim=1)

    def emit(self, emitter: Emitter) -> None:
        x, graph = emitter.operand(self.inputs[0], emitter.dtype), emitter.subgraph
        hidden, cell = self._hidden(emitter), self._cell(emitter)
        kernels, recurrents, offsets = [], [], []
        gates = (np.split(gate, 4) for gate in (self.kernel, self.recurrent, self.bias))
        for kernel, recurrent, bias in zip(*gates, strict=True):
            integers, scales = weights(kernel, bias, x.quantisation.scale, None)
            kernels.append(graph.tensor(integers.shape, np.int8, scales, data=integers))
            offset, steps = biases(bias, x.quantisation.scale, scales)
            offsets.append(
                graph.tensor(offset.shape, np.int64 if x.quantisation.wide else np.int32, steps, data=offset)
            )
            integers, scales = weights(recurrent, np.zeros_like(bias), hidden.scale, None)
            recurrents.append(graph.tensor(integers.shape, np.int8, scales, data=integers))
        state = [graph.tensor((1, self.recurrent.shape[1]), q.dtype, q.scale, variable=True) for q in (hidden, cell)]
        absent = [-1]
        inputs = [x.tensor, *kernels, *recurrents, *absent * 3, *offsets, *absent * 2, *state, *absent * 4]
        options = {"fusedActivationFunction": TANH, "cellClip": 0.0, "projClip": 0.0, "timeMajor": False}
        graph.operator(
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            inputs,
            [emitter.result(self.output, hidden)],
            ("UnidirectionalSequenceLSTMOptions", options),
        )

    def _hidden(self, emitter: Emitter) -> Quantisation:
        """Symmetric, since a state of zeros is where it begins."""
        if emitter.dtype == INT16:
            return UNIT
        return Quantisation(INT8, float32(max(map(abs, emitter.ranges[self.output])) / 127) or 1 / 127)

    def _cell(self, emitter: Emitter) -> Quantisation:
        largest = max(map(abs, emitter.ranges[self.inner[0]]))
        exponent = math.ceil(math.log2(HEADROOM * largest / 2**15)) if largest else CELL_EXPONENTS[0]
        return Quantisation(INT16, 2.0 ** min(max(exponent, CELL_EXPONENTS[0]), CELL_EXPONENTS[1]))
