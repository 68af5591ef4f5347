"""LSTM and GRU, whole: a layer and a direction at a time."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from har_ray.export.int8.graph import Array, Value
from har_ray.export.int8.lowering.arrangement import Arranged
from har_ray.export.int8.lowering.shape import joined, part, without
from har_ray.export.int8.lowering.walk import Call, Lowering, lowers
from har_ray.export.int8.operators.gru import GRU
from har_ray.export.int8.operators.layout import Reverse
from har_ray.export.int8.operators.lstm import LSTM

aten: Any = torch.ops.aten
Weights = tuple[Array, Array, Array, Array]
"""Of one layer and direction: input to gates, state to gates, and their biases."""


@lowers(aten.lstm.input, aten.gru.input)
def recurrent(lowering: Lowering, call: Call) -> list[Arranged]:
    """The outputs at every step, and the last of each layer and direction; an LSTM's cell is not to be had."""
    said = call.said
    if 2 in call.used or not _begins_at_zero(lowering, said["hx"]):
        raise call.refused("its cell as a result" if 2 in call.used else "a state to begin with other than zeros")
    ways = 2 if said["bidirectional"] else 1
    weights = _by_layer(lowering, call)
    batch, steps = (0, 1) if said["batch_first"] else (1, 0)
    held = Arranged.plain(lowering.value(lowering.held(call.input), (batch, steps, 2), call.layer))
    last: list[Arranged] = []
    for number in range(said["num_layers"]):
        found = [_one(lowering, call, held, weights[number * ways + way], way == 1) for way in range(ways)]
        if 1 in call.used:
            ends = [
                part(lowering, one, 1, (one.shape[1] - 1) * (1 - way), 1, call.layer) for way, one in enumerate(found)
            ]
            last.extend(without(end, [1]).renamed((1, 1, end.shape[2]), {0: 1, 1: 2}) for end in ends)
        held = joined(lowering, found, 2, call.layer)
    output = held.renamed([held.shape[axis] for axis in (batch, steps, 2)], {0: batch, 1: steps, 2: 2})
    return [output, joined(lowering, last, 0, call.layer)] if last else [output]


def _begins_at_zero(lowering: Lowering, states: Any) -> bool:
    known = [lowering.known[state] for state in (states if isinstance(states, list | tuple) else [states])]
    return all(isinstance(state, Tensor) and not bool(state.any()) for state in known)


def _by_layer(lowering: Lowering, call: Call) -> list[Weights]:
    found = [lowering.constant(one, call) for one in call.said["params"]]
    arrays = [np.ascontiguousarray(one.numpy(), np.float32) for one in found if one is not None]
    if call.said["has_biases"]:
        return list(zip(*(arrays[i::4] for i in range(4)), strict=True))
    nothing = [np.zeros(len(kernel), np.float32) for kernel in arrays[::2]]
    return list(zip(arrays[::2], arrays[1::2], nothing, nothing, strict=True))


def _one(lowering: Lowering, call: Call, x: Arranged, weights: Weights, backwards: bool) -> Arranged:
    """One layer in one direction, (1, T, I) → (1, T, U)."""
    if call.operation == aten.gru.input:
        return Arranged.plain(lowering.add(GRU.of(x.value, call.layer, weights, backwards)))
    kernel, recurrent, bias, recurrent_bias = weights
    turned = lowering.add(Reverse((x.value,), Value(x.value.shape), call.layer, 1)) if backwards else x.value
    made = lowering.add(LSTM.of(turned, call.layer, kernel, recurrent, bias + recurrent_bias))
    return Arranged.plain(lowering.add(Reverse((made,), Value(made.shape), call.layer, 1)) if backwards else made)
