"""What a model costs: parameters, multiply-adds, the published FLOPs, bytes, latency.

Convention: `macs` are the multiply-adds of matrix products at batch 1: convolutions, both products of a recurrent
layer's step, linear layers. Element-wise work (ReLU, gates, pooling, normalisation, bias, the product with an attention
map) is not counted. fvcore counts 0 for recurrent layers without a handler; an operation that it can't count is an
error here, not a 0. Where an architecture knows its count by formula, both must agree. `flops_published` is the
publication's count where an architecture has one, for comparison only.
"""

import time
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn

from har_ray.errors import ExtensionError
from har_ray.registry import describe

RECURRENT = ("aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu")
PADDED = "aten::_convolution_mode"
"""A convolution with `padding="same"`, which fvcore does not know."""
NORMALISATION = ("aten::batch_norm", "aten::layer_norm", "aten::group_norm", "aten::instance_norm")
"""fvcore counts these; they multiply element by element, so by the convention they are not counted."""
ELEMENTWISE = {
    *NORMALISATION, "aten::abs", "aten::adaptive_avg_pool1d", "aten::adaptive_avg_pool2d", "aten::adaptive_max_pool1d",
    "aten::add", "aten::add_", "aten::amax", "aten::amin", "aten::avg_pool1d", "aten::avg_pool2d", "aten::clamp",
    "aten::diff", "aten::div", "aten::exp", "aten::gelu", "aten::hardswish", "aten::hardtanh", "aten::leaky_relu",
    "aten::lift_fresh", "aten::max", "aten::max_pool1d", "aten::max_pool2d", "aten::mean", "aten::mul", "aten::mul_",
    "aten::relu", "aten::relu_", "aten::sigmoid", "aten::silu", "aten::softmax", "aten::std", "aten::sub", "aten::sum",
    "aten::tanh", "aten::zeros",
}  # fmt: skip
"""Operations without a matrix product, left out of `macs` by convention."""


class Cost(NamedTuple):
    """What one network costs.

    Attributes:
        params: a count; None for trees, which have none.
        macs: multiply-adds of one window; None for trees.
        flops_published: of one window; None where no count was published.
        bytes: of all that the network keeps, as it keeps it: float32 for a network's parameters and buffers.
    """

    params: int | None
    macs: int | None
    flops_published: int | None
    bytes: int


class Latency(NamedTuple):
    """Milliseconds of one forward pass at batch 1."""

    median_ms: float
    p95_ms: float


def cost(model: nn.Module, shape: tuple[int, int]) -> Cost:
    """Count what `model` costs for one window of `shape` (T, C).

    Raises:
        ExtensionError: the model holds an operation that can't be counted, its `closed_form_macs` gives another number
            than is counted, or a formula of its fails.
    """
    size = sum(kept.numel() * kept.element_size() for kept in model.state_dict().values())
    if hasattr(model, "fit"):
        return Cost(None, None, None, size)
    params, macs = sum(p.numel() for p in model.parameters()), count_macs(model, shape)
    expected = _by_formula(model, "closed_form_macs", shape)
    if expected not in (None, macs):
        raise ExtensionError(
            f"{_name(model)}: {macs:,} multiply-adds counted for a window {list(shape)}, {expected:,} by its "
            "closed_form_macs; correct the formula, or see har_ray/models/cost.py for what is counted"
        )
    return Cost(params, macs, _by_formula(model, "published_flops", shape), size)


def _by_formula(model: nn.Module, formula: str, shape: tuple[int, int]) -> int | None:
    """What a formula that an architecture may offer gives; None where it does not offer it."""
    if not hasattr(model, formula):
        return None
    try:
        return int(getattr(model, formula)(shape))
    except Exception as error:
        reason = f"{formula} failed for a window {list(shape)}: {describe(error)}"
        raise ExtensionError(f"{_name(model)}: {reason}") from error


def _name(model: nn.Module) -> str:
    return f"{type(model).__module__}:{type(model).__qualname__}"


def count_macs(model: nn.Module, shape: tuple[int, int]) -> int:
    """The multiply-adds of one window, counted by fvcore along the traced graph."""
    training = model.training
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    analysis = FlopCountAnalysis(model.eval(), torch.zeros(1, *shape, device=device))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    for operation in RECURRENT:
        analysis.set_op_handle(operation, _recurrent_macs)
    for operation in NORMALISATION:
        analysis.set_op_handle(operation, lambda inputs, outputs: 0)
    analysis.set_op_handle(PADDED, _convolution_macs)
    macs = int(analysis.total())
    model.train(training)
    uncounted = set(analysis.unsupported_ops()) - ELEMENTWISE
    if uncounted:
        raise ExtensionError(
            f"{_name(model)}: the cost of {', '.join(sorted(uncounted))} is not known; add it to har_ray/models/cost.py"
        )
    return macs


def _convolution_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """The numbers of the kernel for each place of the output plane; of one group, that reads its own inputs only."""
    return int(prod(inputs[1].type().sizes()) * prod(outputs[0].type().sizes()[2:]) * inputs[0].type().sizes()[0])


def _recurrent_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """The matrix products of every layer and step: batch · steps · (numbers in the weight matrices)."""
    batch_steps = prod(inputs[0].type().sizes()[:2])
    # The parameters stand third for each of them: (input, initial state, parameters, …).
    sizes = [value.type().sizes() for value in inputs[2].node().inputs()]
    return int(batch_steps * sum(prod(size) for size in sizes if len(size) == 2))


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
