"""Weights that are rounded together, ranges that validation windows choose, logits that nobody reads."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from har_ray.export.int8 import fitted, quantise, run
from har_ray.export.int8.calibration import NEAR, Reach
from har_ray.export.int8.emitter import quantisations
from har_ray.export.int8.flatbuffer import File
from har_ray.export.int8.lowering import lower
from har_ray.export.int8.model import Calibrated
from har_ray.export.int8.quantisation import INT8
from har_ray.export.int8.rounding import round_weights
from har_ray.export.int8.trace import trace
from tests.export.int8.small import CHANNELS, STEPS, Does, Ends, random_windows, unscaled

SHAPE = (STEPS, CHANNELS)
CONVOLUTIONS = nn.Sequential(
    nn.Conv1d(CHANNELS, 8, 5, padding=2), nn.ReLU(), nn.Conv1d(8, 16, 3, groups=8), nn.ReLU(),
    nn.Conv1d(16, 6, 3, groups=2),
)  # fmt: skip
NETWORKS = {
    "convolutions, also in groups": Ends(CONVOLUTIONS, channels_first=True),
    "padded by a step": Ends(nn.Conv1d(CHANNELS, 8, 5, stride=2, padding=2), channels_first=True),
    "dense, over time": Ends(nn.Linear(STEPS, 9), channels_first=True),
    "lstm": Ends(nn.LSTM(STEPS, 8, batch_first=True), channels_first=True),
}


def coarse(network):
    """One weight of each row is eight times as large as the others, which are left with few steps."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.copy_(torch.randn(parameter.shape) / 8)
                parameter.flatten(1)[:, 0] = 1.0
    return network.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_layer_gives_stays_nearer_than_with_the_nearest_steps(name):
    """In float, with the weights in their steps: on windows that it was not rounded by."""
    network, windows, others = coarse(NETWORKS[name]), random_windows(128), random_windows(64, seed=1)
    graph = lower(trace(network, SHAPE), SHAPE)
    exact = graph.logits(others)
    held = quantisations(graph, File().subgraph(), Reach(graph, windows).ranges(), INT8)
    operators: list[Any] = [op for op in graph.operators if op.rounded(False)]
    before = {op: (name := next(iter(op.rounded(False))), getattr(op, name), op.bias) for op in operators}
    for op, (attribute, weight, _) in before.items():
        setattr(op, attribute, np.rint(weight / step(op, weight)).astype(np.float32) * step(op, weight))
    nearest = np.abs(graph.logits(others) - exact).mean()
    for op, (attribute, weight, bias) in before.items():
        setattr(op, attribute, weight)
        op.bias = bias
    round_weights(graph, held, windows)
    assert np.abs(graph.logits(others) - exact).mean() < 0.9 * nearest
    for op, (attribute, weight, _) in before.items():
        steps = getattr(op, attribute) / step(op, weight)
        assert np.abs(steps - np.rint(steps)).max() < 1e-3
        assert np.abs(steps - weight / step(op, weight)).max() < 1.001  # the step above or below


def step(operator, weight):
    """Of each weight: the largest of its row, or of its gate, is 127 of them."""
    rows = weight.reshape(operator.rounded(False)[next(iter(operator.rounded(False)))], -1)
    largest = np.abs(rows).max(axis=1, keepdims=True) / 127
    return np.broadcast_to(largest, rows.shape).reshape(weight.shape).astype(np.float32)


def test_what_lies_far_below_the_best_logit_is_cut_off():
    """By hand: the logits are 0, -1 and -20, or 5, -1 and -20; -20 is never within e^-7, -1 is of the first."""

    def logits(x):
        return torch.stack([x[:, 0, 0], x[:, 0, 0] * 0 - 1, x[:, 0, 0] * 0 - 20], dim=1)

    windows = np.zeros((8, *SHAPE), np.float32)
    windows[::2] = 5
    made = quantise(Does(logits), SHAPE, unscaled(), windows)
    assert made.least == pytest.approx(-1, abs=2 * made.output_scale)
    assert made.output_scale == pytest.approx(6 / 255, rel=0.01)
    found = run(made.content, made.integers(windows))
    assert np.abs(found - np.array([5, -1, -1]))[::2].max() <= 2 * made.output_scale
    assert NEAR == 7


def test_validation_windows_choose_how_far_ranges_reach():
    network, windows = coarse(Ends(nn.Linear(CHANNELS, 9))), random_windows(400)
    windows[::100] *= 30  # one in a hundred goes far
    calibrated = Calibrated(network, SHAPE, unscaled(), windows)
    for validation, expected in ((random_windows(64, seed=1), {0.98, 0.99}), (20 * random_windows(64, seed=1), {1.0})):
        with torch.no_grad():
            assert calibrated.share(validation, network(torch.from_numpy(validation)).numpy()) in expected


def test_networks_of_a_kind_are_traced_once_and_keep_their_own_weights(monkeypatch):
    first, second = (coarse(Ends(nn.Sequential(nn.Linear(CHANNELS, 4), nn.ReLU(), nn.Linear(4, 3)))) for _ in range(2))
    with torch.no_grad():
        second.layer[0].weight.mul_(-1)
    windows = random_windows(32)
    alone = [quantise(one, SHAPE, unscaled(), windows).content for one in (first, second)]
    traced, export = [], torch.export.export

    def counted(*given):
        traced.append(given)
        return export(*given)

    monkeypatch.setattr(torch.export, "export", counted)
    together = []
    for one in (first, second, first):
        ready = Calibrated(one, SHAPE, unscaled(), windows, kind="a test")
        ready.round(0.99)
        together.append(ready.file(0.99).content)
    assert together == [*alone, alone[0]]
    assert len(traced) == 1


def test_the_same_windows_choose_the_same_bytes():
    network, windows = coarse(NETWORKS["convolutions, also in groups"]), random_windows(64)
    with torch.no_grad():
        logits = network(torch.from_numpy(windows)).numpy()
    validation = windows, logits.argmax(axis=1), logits
    first, second = (fitted(network, SHAPE, unscaled(), windows, validation).content for _ in range(2))
    assert first == second
