"""A network as an int8 file."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from har_ray.export.int8.calibration import ranges
from har_ray.export.int8.emitter import emit
from har_ray.export.int8.equalisation import equalise
from har_ray.export.int8.flatbuffer import File
from har_ray.export.int8.graph import Array
from har_ray.export.int8.lowering import lower
from har_ray.export.int8.runtime import run
from har_ray.export.int8.trace import trace
from har_ray.export.int8.tuning import tune
from har_ray.metrics.f1_macro import MacroF1

Scaler = tuple[Array, Array]
"""Mean and standard deviation of each channel (C,), over training windows."""
MAY_LOSE = 0.005
"""Macro F1 that rounding alone may cost: half a point."""


@dataclass(frozen=True)
class Int8Model:
    """Attributes:
    content: the .tflite file.
    input_scale, input_zero_point: of the scaled window, `scaled = scale * (integer - zero_point)`.
    output_scale, output_zero_point: of the logits, likewise.
    factor, offset: of each channel, float32 (C,): `integer = round(raw * factor + offset)`, at least -128 and at most
        127, which scales and quantises a sample in one step.
    tuned: it was fine-tuned after rounding.
    """

    content: bytes
    input_scale: float
    input_zero_point: int
    output_scale: float
    output_zero_point: int
    factor: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]
    tuned: bool = False

    def integers(self, windows: Array) -> npt.NDArray[np.int8]:
        """What the file takes of windows (N, T, C) in their own units."""
        steps = np.rint(windows.astype(np.float32) * self.factor + self.offset)
        return np.asarray(np.clip(steps, -128, 127), np.int8)


def quantise(
    network: nn.Module, shape: tuple[int, int], scaler: Scaler, calibration: Array, qat_epochs: int = 0
) -> Int8Model:
    """The same network, scaler and windows give the same bytes.

    Args:
        network: windows (B, T, C), scaled, to logits (B, K); it is left as it is.
        shape: (T, C).
        scaler: what windows are scaled by.
        calibration: training windows (N, T, C) in their own units, to measure ranges on.
        qat_epochs: so often it sees all of these in quantisation-aware fine-tuning; 0: it is rounded as it is.

    Raises:
        ExportError: an operation of the network has no int8 form; names it and the layer.
    """
    mean, sd = (np.asarray(one, np.float32) for one in scaler)
    windows = ((calibration - mean) / sd).astype(np.float32)
    graph = lower(trace(network, shape), shape)
    equalise(graph, windows)
    measured = ranges(graph, windows)
    if qat_epochs:
        tune(graph, measured, windows, qat_epochs)
    file = File()
    taken, given = emit(graph, file.subgraph(), measured)
    factor = 1 / (sd.astype(np.float64) * taken.scale)
    offset = taken.zero_point - mean * factor
    return Int8Model(
        file.content(), taken.scale, taken.zero_point, given.scale, given.zero_point,
        factor.astype(np.float32), offset.astype(np.float32), tuned=qat_epochs > 0,
    )  # fmt: skip


def tuned_where_needed(
    network: nn.Module,
    shape: tuple[int, int],
    scaler: Scaler,
    calibration: Array,
    validation: tuple[Array, Array, Array],
    qat_epochs: int,
) -> Int8Model:
    """As `quantise`; fine-tuned where rounding alone loses more than `MAY_LOSE` of macro F1, and that loses less.

    Args:
        validation: windows (N, T, C) in their own units, labels (N,), and the network's logits (N, K) of them in float.
        qat_epochs: of fine-tuning, where it is needed.
    """
    windows, labels, in_float = validation
    score = MacroF1()
    plain = quantise(network, shape, scaler, calibration)

    def lost(model: Int8Model) -> float:
        return score(labels, in_float) - score(labels, run(model.content, model.integers(windows)))

    if not qat_epochs or lost(plain) <= MAY_LOSE:
        return plain
    return min(plain, quantise(network, shape, scaler, calibration, qat_epochs), key=lost)
