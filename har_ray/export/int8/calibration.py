"""How far each value of a network goes, measured on windows it was trained on."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from har_ray.export.int8.graph import Array, Graph, Value, spread
from har_ray.export.int8.operators.layout import Reshape, Transpose

WINDOWS = 512
"""So many, spread over all of them."""
SHARES = (0.98, 0.99, 1.0)
"""Of these windows, those whose least and largest value a range may hold: what is cut off of a few makes the steps
finer for all others. Which is best depends on how far new people go beyond those of the training: validation windows
say it."""
SHARE = 0.99
"""Without validation windows."""
NEAR = 7.0
"""A logit this far below the window's largest stands for less than a thousandth of its odds (e^-7). How much less is
not held: the steps between those that count are finer so."""


class Reach:
    """The least and the largest of each value, by window.

    Args:
        graph: in float.
        windows: scaled, (N, T, C).
    """

    def __init__(self, graph: Graph, windows: Array) -> None:
        self._values, self._logits = graph.values(), _logits(graph)
        extremes = [_of_logits if value in self._logits else _of_all for value in self._values]

        def wanted(values: list[Tensor]) -> list[Tensor]:
            return [torch.stack([of(value) for of, value in zip(extremes, values, strict=True)])]

        found = [batch[0] for batch in graph.over(spread(windows, WINDOWS), wanted)]
        self._extremes = torch.cat(found).numpy().transpose(1, 2, 0)  # (values, 2, N)

    def ranges(self, share: float = SHARE) -> Mapping[Value, tuple[float, float]]:
        """The least and the largest of each value that are held, of this share of the windows."""
        held = {}
        for value, (least, largest) in zip(self._values, self._extremes, strict=True):
            part = 1.0 if value in self._logits else share  # two logits that are cut off would be equal
            held[value] = float(np.quantile(least, 1 - part)), float(np.quantile(largest, part))
        return held


def _of_all(x: Tensor) -> Tensor:
    return torch.stack([x.min(), x.max()])


def _of_logits(x: Tensor) -> Tensor:
    """Without those that lie further below the largest than anybody reads."""
    return torch.stack([torch.where(x >= x.max() - NEAR, x, x.max()).min(), x.max()])


def _logits(graph: Graph) -> set[Value]:
    """The values that hold the logits: the last, and what is only moved to become it."""
    found = {graph.sink}
    for operator in reversed(graph.operators):
        if operator.output in found and isinstance(operator, Reshape | Transpose):
            found.update(operator.inputs)
    return found
