"""From real numbers to integers: `real = scale * (integer - zero_point)`.

The scheme is TensorFlow Lite's (https://ai.google.dev/edge/litert/models/quantization_spec): activations of int8 have a
zero point, those of int16, weights and biases have none; weights of int8 may have a scale for each output.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from har_ray.export.int8.graph import Array

INT8, INT16 = np.dtype(np.int8), np.dtype(np.int16)
HEADROOM = 2.0
"""So much further than the calibration windows does int16 reach: it has bits to spare, and others move harder."""
BIAS_LIMIT = 2.0**30
"""A bias uses half of int32, so that products are added to it without overflow."""
NOTHING = 1 / 128
"""The scale of what is always 0: any will do."""


@dataclass(frozen=True)
class Quantisation:
    """How the values of one tensor are held."""

    dtype: np.dtype[Any]
    scale: float
    zero_point: int = 0

    @property
    def wide(self) -> bool:
        return self.dtype == INT16

    def integers(self, real: Array) -> Array:
        """The nearest integers, at most the type's least and largest."""
        limits = np.iinfo(self.dtype)
        steps = np.rint(np.asarray(real, np.float64) / self.scale) + self.zero_point
        return np.asarray(np.clip(steps, limits.min, limits.max), self.dtype)

    def real(self, integers: Array) -> Array:
        return ((integers.astype(np.float32) - self.zero_point) * np.float32(self.scale)).astype(np.float32)


def of_range(low: float, high: float, dtype: np.dtype[Any]) -> Quantisation:
    """For values from `low` to `high`; 0 is among what can be held, exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return Quantisation(dtype, NOTHING)
    if dtype == INT16:
        return Quantisation(dtype, float32(HEADROOM * max(-low, high) / np.iinfo(dtype).max))
    scale = float32((high - low) / 255)
    return Quantisation(dtype, scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def float32(value: float) -> float:
    """As the file will hold it, so that everything is computed with the same number."""
    return float(np.float32(value))


def weights(real: Array, bias: Array, input_scale: float, axis: int | None) -> tuple[Array, Array]:
    """Symmetric int8 weights and their scales: one along `axis` for each output, or one for all.

    A scale is larger than the weights need where the bias (O,), in steps of input scale times weight scale, would not
    fit otherwise: next to such a bias the weights hardly matter.
    """
    others = tuple(i for i in range(real.ndim) if i != axis) if axis is not None else None
    largest = np.atleast_1d(np.abs(real).max(axis=others))
    least = np.abs(bias) / (input_scale * BIAS_LIMIT)
    scales = np.maximum(largest / 127, least if axis is not None else least.max(initial=0.0)).astype(np.float32)
    scales[scales == 0] = NOTHING
    shape = [-1 if i == axis else 1 for i in range(real.ndim)]
    integers = np.rint(real / scales.reshape(shape).astype(np.float64))
    return np.clip(integers, -127, 127).astype(np.int8), scales


def biases(real: Array, input_scale: float, scales: Array) -> tuple[Array, Array]:
    """Integers (int64) and their scales: what a product of input and weight is a step of."""
    steps = (np.float64(input_scale) * scales.astype(np.float64)).astype(np.float32)
    return np.rint(real / steps.astype(np.float64)).astype(np.int64), steps
