"""Small networks of single layers, made into int8 and run, for tests."""

import numpy as np
import torch
from torch import nn

from har_ray.export.int8 import quantise, run

STEPS, CHANNELS = 24, 6


class Ends(nn.Module):
    """A layer, flattened: what it makes are the logits."""

    def __init__(self, layer, *, planes=False, channels_first=False):
        super().__init__()
        self.layer, self.planes, self.channels_first = layer, planes, channels_first

    def forward(self, x):  # (B, T, C)
        x = x.unsqueeze(1) if self.planes else x.transpose(1, 2) if self.channels_first else x
        found = self.layer(x)
        return (found[0] if isinstance(found, tuple) else found).flatten(1)


class Does(nn.Module):
    """A function as a layer."""

    def __init__(self, does):
        super().__init__()
        self.does = does

    def forward(self, x):
        return self.does(x)


def random_windows(count=64, steps=STEPS, channels=CHANNELS, seed=0):
    """Windows (N, T, C) that are smooth in time, of unit scale."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(size=(count, steps, channels)), axis=1).astype(np.float32) / np.sqrt(steps)


def unscaled(channels=CHANNELS):
    """The scaler that leaves windows as they are."""
    return np.zeros(channels, np.float32), np.ones(channels, np.float32)


def both(network, windows):
    """The file, its logits and the network's."""
    model = quantise(network, windows.shape[1:], unscaled(windows.shape[2]), windows)
    with torch.no_grad():
        wanted = network.eval()(torch.from_numpy(windows)).numpy()
    return model, run(model.content, model.integers(windows)), wanted
