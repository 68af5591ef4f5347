"""A network as an int8 file."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from har_ray.export.int8.calibration import SHARE, SHARES, Reach
from har_ray.export.int8.emitter import emit, quantisations
from har_ray.export.int8.equalisation import equalise
from har_ray.export.int8.flatbuffer import File
from har_ray.export.int8.graph import Array, Value, spread
from har_ray.export.int8.lowering import lower
from har_ray.export.int8.quantisation import Quantisation
from har_ray.export.int8.rounding import round_weights
from har_ray.export.int8.runtime import run
from har_ray.export.int8.trace import trace
from har_ray.export.int8.tuning import Loss, own_logits, tune
from har_ray.metrics.f1_macro import MacroF1
from har_ray.store.exports import Activations

Scaler = tuple[Array, Array]
"""Mean and standard deviation of each channel (C,), over training windows."""
MAY_LOSE = 0.005
"""Macro F1 that rounding alone may cost: half a point."""
OWN = 10.0
"""How much the distance to the network's own logits counts in fine-tuning, beside the losses that it was trained by."""
CHOICE_WINDOWS = 256
"""Validation windows by which ranges are chosen, spread over all of them."""


@dataclass(frozen=True)
class Int8Model:
    """Attributes:
    content: the .tflite file.
    input_scale, input_zero_point: of the scaled window, `scaled = scale * (integer - zero_point)`.
    output_scale, output_zero_point: of the logits, likewise.
    factor, offset: of each channel, float32 (C,): `integer = round(raw * factor + offset)`, at least and at most what
        `activations` holds, which scales and quantises a sample in one step.
    activations: what values are held in, those that go in and come out included; weights are int8.
    tuned: it was fine-tuned after rounding.
    """

    content: bytes
    input_scale: float
    input_zero_point: int
    output_scale: float
    output_zero_point: int
    factor: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]
    activations: Activations = "int8"
    tuned: bool = False

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the largest integer that goes in or comes out."""
        found = np.iinfo(self.activations)
        return int(found.min), int(found.max)

    @property
    def least(self) -> float:
        """The least logit that the file gives: what is lower makes no difference, see `calibration.NEAR`."""
        return self.output_scale * (self.limits[0] - self.output_zero_point)

    def integers(self, windows: Array) -> npt.NDArray[np.int8 | np.int16]:
        """What the file takes of windows (N, T, C) in their own units."""
        steps = np.rint(windows.astype(np.float32) * self.factor + self.offset)
        return np.asarray(np.clip(steps, *self.limits), self.activations)


class Calibrated:
    """A network as operators in float, with how far its values went on training windows; see `quantise`."""

    def __init__(
        self,
        network: nn.Module,
        shape: tuple[int, int],
        scaler: Scaler,
        calibration: Array,
        activations: Activations = "int8",
        kind: Hashable = None,
    ) -> None:
        self.activations = activations
        self.mean, self.sd = (np.asarray(one, np.float32) for one in scaler)
        self.windows = ((calibration - self.mean) / self.sd).astype(np.float32)
        self.graph = lower(trace(network, shape, kind), shape)
        equalise(self.graph, self.windows)
        self.reach = Reach(self.graph, self.windows)

    def share(self, windows: Array, in_float: Array) -> float:
        """Of `SHARES` the one with which the file's probabilities are nearest to the network's.

        Args:
            windows: validation windows (N, T, C) in their own units.
            in_float: the network's logits (N, K) of them.
        """
        if self.activations == "int16":
            return 1.0  # there is room for all
        chosen, logits = spread(windows, CHOICE_WINDOWS), spread(in_float, CHOICE_WINDOWS)

        def off(share: float) -> float:
            model = self.file(share)
            return float(np.square(_odds(run(model.content, model.integers(chosen))) - _odds(logits)).mean())

        return min(SHARES, key=off)

    def round(self, share: float) -> None:
        """Let the weights take the steps that cost least."""
        round_weights(self.graph, self._held(share), self.windows)

    def tune(self, share: float, epochs: int, training_loss: Loss | None = None, own: float = OWN) -> None:
        """Fine-tune the weights while everything is rounded.

        Args:
            training_loss: what is lessened beside the distance to the network's own logits; its rows are those of the
                calibration windows.
            own: how much that distance counts.
        """
        held = self._held(share)
        to_own = own_logits(self.graph, held, self.windows)

        def loss(logits: Tensor, rows: Tensor) -> Tensor:
            distance = own * to_own(logits, rows)
            return distance if training_loss is None else distance + training_loss(logits, rows)

        tune(self.graph, held, self.windows, epochs, loss)

    def _held(self, share: float) -> dict[Value, Quantisation]:
        return quantisations(self.graph, File().subgraph(), self.reach.ranges(share), np.dtype(self.activations))

    def file(self, share: float, tuned: bool = False) -> Int8Model:
        """With the weights as they are now, each at its nearest step."""
        file = File()
        taken, given = emit(self.graph, file.subgraph(), self.reach.ranges(share), np.dtype(self.activations))
        factor = 1 / (self.sd.astype(np.float64) * taken.scale)
        offset = taken.zero_point - self.mean * factor
        return Int8Model(
            file.content(), taken.scale, taken.zero_point, given.scale, given.zero_point,
            factor.astype(np.float32), offset.astype(np.float32), self.activations, tuned,
        )  # fmt: skip


def _odds(logits: Array) -> Array:
    """Probabilities (N, K) of logits (N, K)."""
    return torch.softmax(torch.from_numpy(logits), dim=1).numpy()


def quantise(
    network: nn.Module,
    shape: tuple[int, int],
    scaler: Scaler,
    calibration: Array,
    activations: Activations = "int8",
    qat_epochs: int = 0,
) -> Int8Model:
    """The same network, scaler and windows give the same bytes.

    Args:
        network: windows (B, T, C), scaled, to logits (B, K); it is left as it is.
        shape: (T, C).
        scaler: what windows are scaled by.
        calibration: training windows (N, T, C) in their own units, to measure ranges on and to round weights by.
        activations: what values are held in.
        qat_epochs: so often it sees all of these in quantisation-aware fine-tuning; 0: its weights are only rounded.

    Raises:
        ExportError: an operation of the network has no int8 form; names it and the layer.
    """
    return _made(Calibrated(network, shape, scaler, calibration, activations), SHARE, qat_epochs)


def _made(calibrated: Calibrated, share: float, qat_epochs: int, training_loss: Loss | None = None) -> Int8Model:
    if qat_epochs:
        calibrated.tune(share, qat_epochs, training_loss)
    else:
        calibrated.round(share)
    return calibrated.file(share, tuned=qat_epochs > 0)


def fitted(
    network: nn.Module,
    shape: tuple[int, int],
    scaler: Scaler,
    calibration: Array,
    validation: tuple[Array, Array, Array],
    activations: Activations = "int8",
    qat_epochs: int = 0,
    training_loss: Loss | None = None,
    kind: Hashable = None,
) -> Int8Model:
    """As `quantise`, with the ranges that suit validation windows; fine-tuned where rounding alone loses more than
    `MAY_LOSE` of macro F1 on them, and that loses less.

    Args:
        validation: windows (N, T, C) in their own units, labels (N,), and the network's logits (N, K) of them in float.
        qat_epochs: of fine-tuning, where it is needed.
        training_loss: see `Calibrated.tune`.
        kind: see `trace`.
    """
    windows, labels, in_float = validation
    score = MacroF1()
    given = network, shape, scaler, calibration, activations, kind
    calibrated = Calibrated(*given)
    share = calibrated.share(windows, in_float)
    plain = _made(calibrated, share, 0)

    def lost(model: Int8Model) -> float:
        return score(labels, in_float) - score(labels, run(model.content, model.integers(windows)))

    if not qat_epochs or lost(plain) <= MAY_LOSE:
        return plain
    return min(plain, _made(Calibrated(*given), share, qat_epochs, training_loss), key=lost)
