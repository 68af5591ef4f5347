"""Quantisation-aware fine-tuning: the network learns to say in integers what it says in float.

While it learns, every value and every weight is rounded as it will be in the file, and the gradient passes as if it had
not been (straight-through estimator, Bengio et al. 2013, https://arxiv.org/abs/1308.3432; for networks of integers
Jacob et al. 2018, https://arxiv.org/abs/1712.05877). It learns from what it says itself in float, and, where these are
known, by the losses that it was trained by, its teacher's targets among them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from har_ray.export.int8.graph import Array, Graph, Operator, Value
from har_ray.export.int8.quantisation import Quantisation

LEARNING_RATE = 3e-4
BATCH = 64


Loss = Callable[[Tensor, Tensor], Tensor]
"""What is lessened: a number, of logits (B, K) and the rows (B,) of their windows among those that it learns from."""


def own_logits(graph: Graph, held: Mapping[Value, Quantisation], windows: Array) -> Loss:
    """How far logits are from what the graph gives now, on windows (N, T, C), but for what their range cuts off."""
    wanted = _within(torch.from_numpy(graph.logits(windows)), held[graph.sink])
    return lambda logits, rows: F.mse_loss(logits, wanted[rows])


def tune(graph: Graph, held: Mapping[Value, Quantisation], windows: Array, epochs: int, loss: Loss) -> None:
    """Change the graph's weights so that, rounded, it gives what lessens a loss, on windows (N, T, C).

    Args:
        held: how each value is held.
    """
    weights = _Weights(graph, held)
    sink, seen = graph.values().index(graph.sink), _rounding(held)
    compute = torch.func.vmap(lambda window: graph.compute(window[None], seen)[sink].flatten())
    optimiser = torch.optim.Adam(weights.free, lr=LEARNING_RATE)
    batches = epochs * -(-len(windows) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, batches)
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        shuffled = torch.randperm(len(windows), generator=order)
        for start in range(0, len(windows), BATCH):
            rows = shuffled[start : start + BATCH]
            weights.round()
            lessened = loss(compute(torch.from_numpy(windows[rows.numpy()])), rows)
            optimiser.zero_grad()
            torch.autograd.backward(lessened)
            optimiser.step()
            schedule.step()
    weights.keep()


class _Weights:
    """All weights of a graph: `free` as they learn, and rounded in their operators' place."""

    def __init__(self, graph: Graph, held: Mapping[Value, Quantisation]) -> None:
        self._places: list[tuple[Operator, str, int]] = [
            (operator, name, parts)
            for operator in graph.operators
            for name, parts in operator.rounded(held[operator.inputs[0]].wide).items()
        ]
        self.free = [torch.tensor(getattr(op, name), requires_grad=True) for op, name, _ in self._places]

    def round(self) -> None:
        self._set(_in_steps(weight, parts) if parts else weight for weight, (_, _, parts) in self._pairs())

    def keep(self) -> None:
        """End with what was learned, in float as before."""
        self._set(weight.detach().numpy() for weight in self.free)

    def _pairs(self) -> Any:
        return zip(self.free, self._places, strict=True)

    def _set(self, weights: Any) -> None:
        for weight, (operator, name, _) in zip(weights, self._places, strict=True):
            setattr(operator, name, weight)


def _in_steps(weight: Tensor, parts: int) -> Tensor:
    """Each part in 127 steps to both sides."""
    rows = weight.reshape(parts, -1)
    scale = rows.detach().abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return _straight_through(rows, (rows / scale).round() * scale).reshape(weight.shape)


def _rounding(held: Mapping[Value, Quantisation]) -> Any:
    """What those who read a value see of it: the nearest of what can be held."""

    def seen(value: Value, x: Tensor) -> Tensor:
        if value not in held:
            return x
        to = held[value]
        within = _within(x, to)
        return _straight_through(within, (within / to.scale).round() * to.scale)

    return seen


def _within(x: Tensor, to: Quantisation) -> Tensor:
    """Cut off where its range ends."""
    limits = np.iinfo(to.dtype)
    return x.clamp((limits.min - to.zero_point) * to.scale, (limits.max - to.zero_point) * to.scale)


def _straight_through(x: Tensor, rounded: Tensor) -> Tensor:
    """`rounded`, with the gradient of `x`."""
    return x + (rounded - x).detach()
