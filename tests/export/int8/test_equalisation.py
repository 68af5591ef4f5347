"""Filters of one reach: the same function, and less rounding where one filter reaches much further than the others."""

import numpy as np
import torch
from torch import nn

from har_ray.export.int8 import model as int8_model
from har_ray.export.int8.equalisation import equalise
from har_ray.export.int8.lowering import lower
from har_ray.export.int8.operators.product import Convolution
from har_ray.export.int8.trace import trace
from tests.export.int8.small import CHANNELS, STEPS, Ends, both, random_windows


def uneven():
    """A convolution one of whose filters reaches a hundred times as far as another, a depthwise one and a pointwise."""
    torch.manual_seed(0)
    first, depthwise = nn.Conv1d(CHANNELS, 8, 5), nn.Conv1d(8, 16, 3, groups=8, padding=1, stride=2)
    layers = nn.Sequential(first, nn.ReLU(), depthwise, nn.ReLU(), nn.Conv1d(16, 4, 1, groups=2))
    with torch.no_grad():
        reach = torch.logspace(-1, 1, 8)
        first.weight.mul_(reach[:, None, None])
        depthwise.weight.div_(reach.repeat_interleave(2)[:, None, None])
    return Ends(layers, channels_first=True).eval()


def test_it_stays_the_same_function():
    windows = random_windows()
    graph = lower(trace(uneven(), (STEPS, CHANNELS)), (STEPS, CHANNELS))
    before = graph.logits(windows)
    first = next(op for op in graph.operators if isinstance(op, Convolution))
    equalise(graph, windows)
    assert np.abs(graph.logits(windows) - before).max() <= 1e-5
    reach = np.abs(first.weight).sum(axis=(1, 2, 3))
    assert reach.max() / reach.min() < 10  # of a hundred


def test_less_is_rounded(monkeypatch):
    _, found, wanted = both(uneven(), random_windows())
    monkeypatch.setattr(int8_model, "equalise", lambda graph, windows: None)
    _, plain, _ = both(uneven(), random_windows())
    assert np.abs(found - wanted).mean() < 0.5 * np.abs(plain - wanted).mean()
