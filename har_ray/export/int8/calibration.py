"""How far each value of a network goes, measured on windows it was trained on."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from har_ray.export.int8.graph import Array, Graph, Value
from har_ray.export.int8.operators.layout import Reshape, Transpose

WINDOWS = 512
"""So many, spread over all of them."""
SHARE = 0.99
"""Of these windows, those whose least and largest value a range holds: with one window in a hundred cut off, the steps
are finer for all others. Chosen on SPAR's validation people."""


def ranges(graph: Graph, windows: Array) -> Mapping[Value, tuple[float, float]]:
    """The least and the largest of each value over scaled windows (N, T, C)."""
    chosen = windows[np.linspace(0, len(windows) - 1, min(WINDOWS, len(windows))).astype(int)]
    found = torch.cat([batch[0] for batch in graph.over(chosen, _extremes)]).numpy()  # (N, values, 2)
    logits, measured = _logits(graph), {}
    for value, (least, largest) in zip(graph.values(), found.transpose(1, 2, 0), strict=True):
        share = 1.0 if value in logits else SHARE  # two logits that are cut off would be equal
        measured[value] = float(np.quantile(least, 1 - share)), float(np.quantile(largest, share))
    return measured


def _extremes(values: list[Tensor]) -> list[Tensor]:
    return [torch.stack([torch.stack([value.min(), value.max()]) for value in values])]


def _logits(graph: Graph) -> set[Value]:
    """The values that hold the logits: the last, and what is only moved to become it."""
    found = {graph.sink}
    for operator in reversed(graph.operators):
        if operator.output in found and isinstance(operator, Reshape | Transpose):
            found.update(operator.inputs)
    return found
