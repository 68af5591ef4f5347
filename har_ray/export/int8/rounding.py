"""Weights rounded so that what they give stays what it was, where each to its nearest step would not.

A weight goes to the step above or below it, whichever makes up for what its neighbours were rounded by, and for what
came to it already rounded. One weight after the other takes the step that leaves the least squared difference to the
float output, over windows: the coordinate descent of Zhang et al. 2024, "COMQ: A Backpropagation-Free Algorithm for
Post-Training Quantization", https://arxiv.org/abs/2403.07134, here with scales that stay and from the nearest steps on.
What is left in the mean is added to the bias (bias correction, Nagel et al. 2019, https://arxiv.org/abs/1906.04721).
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from har_ray.export.int8.graph import Array, Graph, Operator, Value, spread
from har_ray.export.int8.operators.lstm import LSTM
from har_ray.export.int8.operators.product import Product
from har_ray.export.int8.quantisation import Quantisation, weights

WINDOWS = 1024
"""So many, spread over all of them: of a quarter of these, the weights of a few features fit what is peculiar."""
EXACT = 1e-3
"""A weight so near to a step, in steps, stays on it."""
SWEEPS = 3
"""So often each weight has its turn."""


def round_weights(graph: Graph, held: Mapping[Value, Quantisation], windows: Array) -> None:
    """Bring the weights of products and the kernels of LSTMs to steps that they are rounded to without further loss.

    Args:
        graph: its weights are changed.
        held: how each value is held.
        windows: scaled, (N, T, C).
    """
    source = torch.from_numpy(spread(windows, WINDOWS)).reshape(-1, *graph.source.shape)
    exact, rounded = {graph.source: source}, {graph.source: _nearest(source, held[graph.source])}
    with torch.no_grad():
        for operator in graph.operators:
            wanted = _outputs(operator, exact)
            if isinstance(operator, Product | LSTM):
                _round(operator, held[operator.inputs[0]].wide, exact, rounded)
            found = _outputs(operator, rounded)
            exact |= wanted
            rounded |= {value: _nearest(x, held[value]) if value in held else x for value, x in found.items()}


def _nearest(x: Tensor, to: Quantisation) -> Tensor:
    limits = np.iinfo(to.dtype)
    steps = (x / to.scale).round().clamp(limits.min - to.zero_point, limits.max - to.zero_point)
    return steps * to.scale


def _outputs(operator: Operator, known: Mapping[Value, Tensor]) -> dict[Value, Tensor]:
    """What it makes of all windows."""
    constants = [torch.as_tensor(value.constant) if value.constant is not None else None for value in operator.inputs]
    axes = tuple(0 if constant is None else None for constant in constants)
    inputs = [known[value] if constant is None else constant
              for value, constant in zip(operator.inputs, constants, strict=True)]  # fmt: skip
    found = torch.func.vmap(operator.compute, in_dims=axes)(*inputs)
    return dict(zip((operator.output, *operator.inner), found if isinstance(found, tuple) else (found,), strict=True))


def _round(
    operator: Product | LSTM, wide: bool, exact: Mapping[Value, Tensor], rounded: Mapping[Value, Tensor]
) -> None:
    (value,), (name, parts) = operator.inputs, next(iter(operator.rounded(wide).items()))
    weight: Array = getattr(operator, name)
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    integers, scales = weights(weight.reshape(parts, -1), np.zeros(parts), 1.0, 0)
    scale = scales.repeat(len(rows) // parts)[:, None].astype(np.float64)
    steps, bias = integers.reshape(rows.shape).astype(np.float64), operator.bias.astype(np.float64)
    taken, given = (torch.func.vmap(operator.patches)(flow[value]) for flow in (exact, rounded))  # (N, groups, …, k)
    each = len(rows) // taken.shape[1]
    for group in range(taken.shape[1]):
        part = slice(group * each, (group + 1) * each)
        x, y = (patches[:, group].reshape(-1, rows.shape[1]).numpy().astype(np.float64) for patches in (taken, given))
        _descend(steps[part], rows[part] / scale[part], x, y)
        bias[part] += rows[part] @ x.mean(axis=0) - (steps[part] * scale[part]) @ y.mean(axis=0)
    setattr(operator, name, (steps * scale).astype(np.float32).reshape(weight.shape))
    operator.bias = bias.astype(np.float32)


def _descend(steps: Array, wanted: Array, x: Array, y: Array) -> None:
    """Move `steps` (O, k) so that `steps @ y` is nearest to `wanted @ x`, but for a constant, over samples (n, k)."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    gram, aim = y.T @ y, wanted @ (x.T @ y)
    least, most = np.maximum(np.floor(wanted + EXACT), -127), np.minimum(np.ceil(wanted - EXACT), 127)
    largest = np.abs(steps) == 127  # which says what the scale is
    for _ in range(SWEEPS):
        for column in np.flatnonzero(np.diag(gram) > 0):
            now = steps[:, column]
            better = np.rint(now + (aim[:, column] - steps @ gram[:, column]) / gram[column, column])
            steps[:, column] = np.where(largest[:, column], now, np.clip(better, least[:, column], most[:, column]))
