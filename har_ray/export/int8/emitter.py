"""From operators in float to the file: which integers a value is held in, and what stands between two that differ."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from har_ray.export.int8.flatbuffer import Options, Subgraph
from har_ray.export.int8.graph import Array, Graph, Value
from har_ray.export.int8.quantisation import Quantisation, of_range

Ranges = Mapping[Value, tuple[float, float]]


class Held(NamedTuple):
    """A tensor of the file and how its integers are read."""

    tensor: int
    quantisation: Quantisation


class Emitter:
    """Writes operators into a subgraph.

    Args:
        subgraph: where to.
        ranges: least and largest value of all that depends on the window.
        dtype: what values are held in where an operator asks for nothing else, int8 or int16.
    """

    def __init__(self, subgraph: Subgraph, ranges: Ranges, dtype: np.dtype[Any]) -> None:
        self.subgraph, self.ranges, self.dtype = subgraph, ranges, dtype
        self.held: dict[Value, Held] = {}
        self._converted: dict[tuple[Value, Quantisation], int] = {}

    def own(self, value: Value, dtype: Any) -> Quantisation:
        """The finest that holds what the value was seen to be."""
        if value.constant is not None:
            return of_range(float(value.constant.min()), float(value.constant.max()), dtype)
        return of_range(*self.ranges[value], dtype)

    def quantisation(self, value: Value) -> Quantisation:
        """What a value is held in; a constant is held in whatever it is asked in."""
        return self.held[value].quantisation if value.constant is None else self.own(value, self.dtype)

    def is_wide(self, *values: Value) -> bool:
        """Whether all of them are held in int16, constants aside."""
        return all(self.quantisation(value).wide for value in values if value.constant is None)

    def operand(self, value: Value, wanted: Quantisation | np.dtype[Any]) -> Held:
        """A value in what an operator takes: a type, or exactly this scale; converted where it is held otherwise."""
        if isinstance(wanted, Quantisation):
            quantisation = wanted
        elif value.constant is None and self.quantisation(value).dtype == wanted:
            quantisation = self.quantisation(value)
        else:
            quantisation = self.own(value, wanted)
        if value.constant is None and self.quantisation(value) == quantisation:
            return self.held[value]
        if (value, quantisation) not in self._converted:
            self._converted[value, quantisation] = self._convert(value, quantisation)
        return Held(self._converted[value, quantisation], quantisation)

    def _convert(self, value: Value, to: Quantisation) -> int:
        if value.constant is not None:
            return self.tensor(value.shape, to, to.integers(value.constant))
        tensor = self.tensor(value.shape, to)
        self.subgraph.operator("QUANTIZE", [self.held[value].tensor], [tensor])
        return tensor

    def tensor(self, shape: Sequence[int], quantisation: Quantisation, data: Array | None = None) -> int:
        q = quantisation
        return self.subgraph.tensor(shape, q.dtype, q.scale, q.zero_point, data=data)

    def indices(self, numbers: Sequence[int]) -> int:
        """A constant of int32: axes, sizes, a permutation."""
        return self.subgraph.tensor([len(numbers)], np.int32, data=np.asarray(numbers))

    def result(self, value: Value, quantisation: Quantisation) -> int:
        """The tensor for what an operator makes."""
        self.held[value] = Held(self.tensor(value.shape, quantisation), quantisation)
        return self.held[value].tensor

    def write(
        self, code: str, inputs: Sequence[int], value: Value, quantisation: Quantisation, options: Options | None = None
    ) -> None:
        """An operator with one result."""
        self.subgraph.operator(code, inputs, [self.result(value, quantisation)], options)


def emit(graph: Graph, subgraph: Subgraph, ranges: Ranges, dtype: np.dtype[Any]) -> tuple[Quantisation, Quantisation]:
    """Write the whole graph, with values of `dtype`; how its input and its output are read."""
    held = quantisations(graph, subgraph, ranges, dtype)
    return held[graph.source], held[graph.sink]


def quantisations(graph: Graph, subgraph: Subgraph, ranges: Ranges, dtype: np.dtype[Any]) -> dict[Value, Quantisation]:
    """Write the whole graph, with values of `dtype`; how each value is read."""
    emitter = Emitter(subgraph, ranges, dtype)
    taken = emitter.own(graph.source, dtype)
    source = emitter.result(graph.source, taken)
    for operator in graph.operators:
        operator.emit(emitter)
    sink = emitter.operand(graph.sink, dtype)
    subgraph.ends([source], [sink.tensor])
    return {value: held.quantisation for value, held in emitter.held.items()} | {graph.sink: sink.quantisation}
