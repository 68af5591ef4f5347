"""What a model costs: parameters, multiply-adds, the published FLOPs, latency.

Convention: `macs` are the multiply-adds of matrix products at batch 1: convolutions, the LSTM's two products per step,
linear layers. Element-wise work (ReLU, gates, pooling, bias, the product with an attention map) is not counted, as in
fvcore. fvcore counts 0 for `aten::lstm` unless told how; an operation that it can't count is an error here, not a 0.
`flops_published` is the publication's count, kept for comparison only: convolutions alone, 2 per multiply-add and one
per output for a bias; LSTM and linear layers are missing from it.
"""

import time
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn

from har_ray.models.architectures.deepconvlstm import DeepConvLSTM

ELEMENTWISE = {
    "aten::add", "aten::amax", "aten::lift_fresh", "aten::mean", "aten::mul", "aten::relu", "aten::sigmoid",
    "aten::sum", "aten::zeros",
}  # fmt: skip
"""Operations without a matrix product, left out of `macs` by convention."""


class Cost(NamedTuple):
    """Parameters (a count), multiply-adds and published FLOPs of one window."""

    params: int
    macs: int
    flops_published: int


class Latency(NamedTuple):
    """Milliseconds of one forward pass at batch 1."""

    median_ms: float
    p95_ms: float


def cost(model: DeepConvLSTM, shape: tuple[int, int]) -> Cost:
    """Count what `model` costs for one window of `shape` (T, C).

    Raises:
        ValueError: the model holds an operation that can't be counted.
    """
    return Cost(sum(p.numel() for p in model.parameters()), count_macs(model, shape), published_flops(model, shape))


def count_macs(model: nn.Module, shape: tuple[int, int]) -> int:
    """The multiply-adds of one window, counted by fvcore along the traced graph."""
    training = model.training
    analysis = FlopCountAnalysis(model.eval(), torch.zeros(1, *shape, device=next(model.parameters()).device))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    analysis.set_op_handle("aten::lstm", _lstm_macs)
    macs = int(analysis.total())
    model.train(training)
    uncounted = set(analysis.unsupported_ops()) - ELEMENTWISE
    if uncounted:
        raise ValueError(f"the cost of {', '.join(sorted(uncounted))} is not known; teach har_ray/models/cost.py")
    return macs


def _lstm_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """Both matrix products of every layer and step: batch · steps · (numbers in the weight matrices)."""
    batch_steps = prod(inputs[0].type().sizes()[:2])
    weights = [value.type().sizes() for value in inputs[2].node().inputs()]
    return int(batch_steps * sum(prod(size) for size in weights if len(size) == 2))


def closed_form_macs(model: DeepConvLSTM, shape: tuple[int, int]) -> int:
    """The multiply-adds by formula, to check the count against. Source: the topology in `deepconvlstm.py`."""
    window, channels = shape
    macs = sum(m for m, _ in _convolutions(model, shape))
    lstm = model.lstm
    steps = channels if model.sequence_axis == "channels" else window - 16
    macs += steps * 4 * lstm.hidden_size * (lstm.input_size + 3 * lstm.hidden_size)
    macs += model.head.in_features * model.head.out_features
    if model.attention and model.attention.channel:
        pooled = 2  # the average- and the max-pooled vector
        macs += pooled * sum(p.numel() for p in model.attention.channel.mlp.parameters() if p.ndim == 2)
    return macs


def published_flops(model: DeepConvLSTM, shape: tuple[int, int]) -> int:
    """The convolutions' FLOPs as the publication counts them, the spatial attention's among them."""
    return sum(2 * macs + bias for macs, bias in _convolutions(model, shape))


def _convolutions(model: DeepConvLSTM, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Multiply-adds and bias additions of each convolution."""
    window, channels = shape
    counts = []
    for position, conv in enumerate(model.convolutions, start=1):
        plane = (window - 4 * position) * channels
        weight, bias = (p.numel() for p in conv.parameters())
        counts.append((plane * weight, plane * bias))
        if model.attention and model.attention.spatial and position == model.attention_position:
            counts.append((plane * model.attention.spatial.conv.weight.numel(), 0))
    return counts


def latency(model: nn.Module, shape: tuple[int, int], repeats: int = 100, warm_up: int = 10) -> Latency:
    """Time single windows on the CPU with one thread, as a watch would run them, after a warm-up."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = model.cpu().eval()
    window = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            seconds = [_seconds(model, window) for _ in range(warm_up + repeats)][warm_up:]
    finally:
        torch.set_num_threads(threads)
    return Latency(float(np.median(seconds)) * 1e3, float(np.percentile(seconds, 95)) * 1e3)


def _seconds(model: nn.Module, window: Tensor) -> float:
    start = time.perf_counter()
    model(window)
    return time.perf_counter() - start
