"""Networks for tests."""

import numpy as np

from har_ray.models.architectures import build
from har_ray.models.architectures.deepconvlstm import DeepConvLSTM
from har_ray.models.config import AttentionConfig, ModelConfig
from har_ray.variants import SIZES


def model(size, attention=None, axis="channels"):
    """The configuration of a DeepConvLSTM of a size."""
    return ModelConfig(options=SIZES[size], attention=attention, sequence_axis=axis)


def network(size, shape, classes, attention=None, axis="channels"):
    return build(model(size, attention, axis), shape, classes)


CBAM = AttentionConfig(kind="cbam", ratio=2, kernel=3, position=2)
ATTENTIONS = [
    None,
    AttentionConfig(kind="channel", ratio=2, position=1),
    AttentionConfig(kind="spatial", kernel=5, position=4),
    AttentionConfig(kind="cbam", ratio=2, kernel=7, position=2),
]
"""None, each kind by itself and both, after different convolutions."""


class Miscounted(DeepConvLSTM):
    """A network whose formula forgets a multiply-add."""

    def __init__(self, window, channels, classes):
        super().__init__(window, channels, classes, filters=4, units=8)

    def closed_form_macs(self, shape):
        return super().closed_form_macs(shape) - 1


def feature_layer(w, name, x):
    """In numpy, windows (B, T, C) → (B, units), from the weights of ours."""
    found = [x.mean(1), x.std(1), x.min(1), x.max(1), np.abs(x[:, 1:] - x[:, :-1]).mean(1)]
    scaled = np.concatenate(found, axis=1) - w[f"{name}.0.running_mean"]
    scaled /= np.sqrt(w[f"{name}.0.running_var"] + 1e-5)
    mean, var, gain, bias = (w[f"{name}.2.{key}"] for key in ("running_mean", "running_var", "weight", "bias"))
    return np.maximum((scaled @ w[f"{name}.1.weight"].T - mean) / np.sqrt(var + 1e-5) * gain + bias, 0)
