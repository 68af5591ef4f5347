"""A network as an int8 file."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from har_ray.export.int8.calibration import ranges
from har_ray.export.int8.emitter import emit
from har_ray.export.int8.flatbuffer import File
from har_ray.export.int8.graph import Array
from har_ray.export.int8.lowering import lower
from har_ray.export.int8.trace import trace

Scaler = tuple[Array, Array]
"""Mean and standard deviation of each channel (C,), over training windows."""


@dataclass(frozen=True)
class Int8Model:
    """Attributes:
    content: the .tflite file.
    input_scale, input_zero_point: of the scaled window, `scaled = scale * (integer - zero_point)`.
    output_scale, output_zero_point: of the logits, likewise.
    factor, offset: of each channel, float32 (C,): `integer = round(raw * factor + offset)`, at least -128 and at most
        127, which scales and quantises a sample in one step.
    """

    content: bytes
    input_scale: float
    input_zero_point: int
    output_scale: float
    output_zero_point: int
    factor: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]

    def integers(self, windows: Array) -> npt.NDArray[np.int8]:
        """What the file takes of windows (N, T, C) in their own units."""
        steps = np.rint(windows.astype(np.float32) * self.factor + self.offset)
        return np.asarray(np.clip(steps, -128, 127), np.int8)


def quantise(network: nn.Module, shape: tuple[int, int], scaler: Scaler, calibration: Array) -> Int8Model:
    """The same network, scaler and windows give the same bytes.

    Args:
        network: windows (B, T, C), scaled, to logits (B, K); it is left as it is.
        shape: (T, C).
        scaler: what windows are scaled by.
        calibration: training windows (N, T, C) in their own units, to measure ranges on.

    Raises:
        ExportError: an operation of the network has no int8 form; names it and the layer.
    """
    mean, sd = (np.asarray(one, np.float32) for one in scaler)
    graph = lower(trace(network, shape), shape)
    measured = ranges(graph, ((calibration - mean) / sd).astype(np.float32))
    file = File()
    taken, given = emit(graph, file.subgraph(), measured)
    factor = 1 / (sd.astype(np.float64) * taken.scale)
    offset = taken.zero_point - mean * factor
    return Int8Model(
        file.content(), taken.scale, taken.zero_point, given.scale, given.zero_point,
        factor.astype(np.float32), offset.astype(np.float32),
    )  # fmt: skip
