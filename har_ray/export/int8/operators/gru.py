"""One layer of a GRU, one way, as a loop: TensorFlow Lite Micro has no operator for it, but one for loops.

So its size does not grow with the number of steps, as that of an unrolled one does. What is carried from step to step
is int16 throughout.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from har_ray.export.int8.emitter import Emitter
from har_ray.export.int8.flatbuffer import Subgraph
from har_ray.export.int8.graph import Array, Operator, Value
from har_ray.export.int8.operators.activation import GATE, UNIT
from har_ray.export.int8.quantisation import INT16, Quantisation, biases, weights

DIFFERENCE = Quantisation(INT16, 2.0**-14)
"""Of two numbers from -1 to 1."""
INDEX = np.int32
NO_ACTIVATION = {"fusedActivationFunction": 0}


@dataclass(eq=False)
class GRU(Operator):
    """(1, T, I) → (1, T, U), from a state of zeros.

    Attributes:
        kernel: (3·U, I), the gates reset, update, new one after the other, as PyTorch has them.
        recurrent: (3·U, U).
        bias, recurrent_bias: (3·U,).
        backwards: from the last step to the first.
    """

    kernel: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array
    backwards: bool = False

    @classmethod
    def of(cls, x: Value, layer: str, weights: tuple[Array, Array, Array, Array], backwards: bool) -> "GRU":
        steps, units = x.shape[1], weights[1].shape[1]
        projected, recurrent = Value((steps, 3 * units)), Value((steps, 3 * units))
        return cls((x,), Value((1, steps, units)), layer, *weights, backwards, inner=(projected, recurrent))

    @property
    def units(self) -> int:
        return int(self.recurrent.shape[1])

    def rounded(self, wide: bool) -> dict[str, int]:
        return {"kernel": 1, "recurrent": 1, "bias": 0, "recurrent_bias": 0}

    def compute(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The output and both products at every step, with their biases."""
        projected = x[0] @ torch.as_tensor(self.kernel).T + torch.as_tensor(self.bias)  # (T, 3·U)
        weight, bias = torch.as_tensor(self.recurrent), torch.as_tensor(self.recurrent_bias)
        hidden = x.new_zeros(self.units)
        outputs, products = [], []
        steps = projected.unbind(dim=0)
        for step in reversed(steps) if self.backwards else steps:
            product = weight @ hidden + bias
            reset, update = torch.sigmoid(step + product)[: 2 * self.units].chunk(2)
            new = torch.tanh(step[2 * self.units :] + reset * product[2 * self.units :])
            hidden = new + update * (hidden - new)
            outputs.append(hidden)
            products.append(product)
        if self.backwards:
            outputs.reverse()
        return torch.stack(outputs)[None], projected, torch.stack(products)

    def emit(self, emitter: Emitter) -> None:
        graph, (steps, units) = emitter.subgraph, self.output.shape[1:]
        x = emitter.operand(self.inputs[0], INT16)
        projection, product = (emitter.own(value, INT16) for value in self.inner)
        projected = _dense(graph, x.tensor, x.quantisation, self.kernel, self.bias, (steps, 3 * units), projection)
        loop = _Loop(self, graph.file.subgraph(), projection, product)
        condition = _condition(graph.file.subgraph(), self, projection)
        start = _index(graph, steps - 1 if self.backwards else 0)
        zeros = [graph.tensor(shape, INT16, UNIT.scale, data=np.zeros(shape)) for shape in ((1, units), (steps, units))]
        carried = _carried(graph, self, projection)
        subgraphs = {"condSubgraphIndex": _number(condition), "bodySubgraphIndex": _number(loop.graph)}
        graph.operator("WHILE", [start, projected, *zeros], carried, ("WhileOptions", subgraphs))
        emitter.write("RESHAPE", [carried[-1]], self.output, UNIT, ("ReshapeOptions", {"newShape": [1, steps, units]}))


def _number(subgraph: Subgraph) -> int:
    return subgraph.file.subgraphs.index(subgraph)


def _index(graph: Subgraph, step: int) -> int:
    """Where a step begins in (T, …)."""
    return graph.tensor([2], INDEX, data=np.array([step, 0]))


def _carried(graph: Subgraph, gru: GRU, projection: Quantisation) -> list[int]:
    """What the loop carries: the place of the step, the projected inputs, the state, the output."""
    (steps, units) = gru.output.shape[1:]
    return [
        graph.tensor([2], INDEX),
        graph.tensor((steps, 3 * units), INT16, projection.scale),
        graph.tensor((1, units), INT16, UNIT.scale),
        graph.tensor((steps, units), INT16, UNIT.scale),
    ]


def _condition(graph: Subgraph, gru: GRU, projection: Quantisation) -> Subgraph:
    """Whether there is a step left."""
    carried = _carried(graph, gru, projection)
    step, left = graph.tensor([1], INDEX), graph.tensor([1], bool)
    first, one = graph.tensor([1], INDEX, data=np.zeros(1)), graph.tensor([1], INDEX, data=np.ones(1))
    graph.operator("SLICE", [carried[0], first, one], [step], ("SliceOptions", {}))
    end = graph.tensor([1], INDEX, data=np.array([-1 if gru.backwards else gru.output.shape[1]]))
    code, name = ("GREATER", "GreaterOptions") if gru.backwards else ("LESS", "LessOptions")
    graph.operator(code, [step, end], [left], (name, {}))
    graph.ends(carried, [left])
    return graph


def _dense(
    graph: Subgraph, x: int, held: Quantisation, weight: Array, bias: Array, shape: tuple[int, int], to: Quantisation
) -> int:
    integers, scales = weights(weight, bias, held.scale, None)
    offset, steps = biases(bias, held.scale, scales)
    output = graph.tensor(shape, INT16, to.scale)
    tensors = [
        x,
        graph.tensor(integers.shape, np.int8, scales, data=integers),
        graph.tensor(offset.shape, np.int64, steps, data=offset),
    ]
    graph.operator("FULLY_CONNECTED", tensors, [output], ("FullyConnectedOptions", NO_ACTIVATION))
    return output


class _Loop:
    """The body: one step."""

    def __init__(self, gru: GRU, graph: Subgraph, projection: Quantisation, product: Quantisation) -> None:
        self.graph, self.units = graph, gru.units
        at, projected, hidden, outputs = carried = _carried(graph, gru, projection)
        step = graph.tensor((1, 3 * self.units), INT16, projection.scale)
        graph.operator("SLICE", [projected, at, _pair(graph, 1, 3 * self.units)], [step], ("SliceOptions", {}))
        recurrent = _dense(graph, hidden, UNIT, gru.recurrent, gru.recurrent_bias, (1, 3 * self.units), product)
        gates = self._add(self._part(step, 0, 2, projection), self._part(recurrent, 0, 2, product), GATE, 2)
        opened = self._curve("LOGISTIC", gates, 2)
        reset, update = (self._part(opened, i, i + 1, UNIT) for i in range(2))
        kept = self._binary("MUL", reset, self._part(recurrent, 2, 3, product), product)
        new = self._curve("TANH", self._add(self._part(step, 2, 3, projection), kept, GATE), 1)
        change = self._binary("MUL", update, self._binary("SUB", hidden, new, DIFFERENCE), DIFFERENCE)
        state = self._add(new, change, UNIT)
        _, _, _, written = ends = _carried(graph, gru, projection)
        graph.operator("DYNAMIC_UPDATE_SLICE", [outputs, state, at], [written])
        further = graph.tensor([2], INDEX, data=np.array([-1 if gru.backwards else 1, 0]))
        graph.operator("ADD", [at, further], [ends[0]], ("AddOptions", NO_ACTIVATION))
        graph.ends(carried, [ends[0], projected, state, written])

    def _binary(self, code: str, a: int, b: int, to: Quantisation, parts: int = 1) -> int:
        output = self.graph.tensor((1, parts * self.units), INT16, to.scale)
        self.graph.operator(code, [a, b], [output], (f"{code.title()}Options", NO_ACTIVATION))
        return output

    def _add(self, a: int, b: int, to: Quantisation, parts: int = 1) -> int:
        return self._binary("ADD", a, b, to, parts)

    def _curve(self, code: str, x: int, parts: int) -> int:
        output = self.graph.tensor((1, parts * self.units), INT16, UNIT.scale)
        self.graph.operator(code, [x], [output])
        return output

    def _part(self, x: int, first: int, end: int, held: Quantisation) -> int:
        """Some gates of all."""
        output = self.graph.tensor((1, (end - first) * self.units), INT16, held.scale)
        begin, size = _pair(self.graph, 0, first * self.units), _pair(self.graph, 1, (end - first) * self.units)
        self.graph.operator("SLICE", [x, begin, size], [output], ("SliceOptions", {}))
        return output


def _pair(graph: Subgraph, row: int, column: int) -> int:
    return graph.tensor([2], INDEX, data=np.array([row, column]))
