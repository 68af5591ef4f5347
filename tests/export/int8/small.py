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
    return (np.cumsum(rng.normal(size=(count, steps, channels)), axis=1) / np.sqrt(steps)).astype(np.float32)


def unscaled(channels=CHANNELS):
    """The scaler that leaves windows as they are."""
    return np.zeros(channels, np.float32), np.ones(channels, np.float32)


@torch.no_grad()
def exact_(network):
    """Give a network weights that int8 holds exactly, whether an output has a scale of its own or not.

    What is left of the difference between the file and the network is then what each operator rounds.
    """
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        if parameter.ndim > 1:
            steps = torch.randint(-127, 128, parameter.shape, generator=generator)
            steps.flatten(1)[:, 0] = 127
            parameter.copy_(steps / 512)
        else:
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    return network


def both(network, windows, activations="int8"):
    """The file, its logits, and the network's on what the file takes for the windows, cut off where the file's are."""
    model = quantise(network, windows.shape[1:], unscaled(windows.shape[2]), windows, activations)
    integers = model.integers(windows)
    taken = (integers.astype(np.float32) - model.input_zero_point) * np.float32(model.input_scale)
    with torch.no_grad():
        wanted = network.eval()(torch.from_numpy(taken)).numpy()
    return model, run(model.content, integers), np.maximum(wanted, model.least)


def steps_off(network, windows):
    """The largest difference between the file and the network, in steps of the file's output."""
    model, found, wanted = both(network, windows)
    assert np.ptp(wanted) > 20 * model.output_scale, "there is nothing to see"
    return float(np.abs(found - wanted).max() / model.output_scale)
