"""How far each value of a network goes, measured on windows it was trained on."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from har_ray.export.int8.graph import Array, Graph, Value

WINDOWS = 512
"""So many, spread over all of them."""
SHARE = 0.99
"""Of the windows, those whose least and largest value a range holds."""


def ranges(graph: Graph, windows: Array, share: float = SHARE) -> Mapping[Value, tuple[float, float]]:
    """The least and the largest of each value over scaled windows (N, T, C)."""
    chosen = windows[np.linspace(0, len(windows) - 1, min(WINDOWS, len(windows))).astype(int)]
    found = torch.cat([batch[0] for batch in graph.over(chosen, _extremes)]).numpy()  # (N, values, 2)
    measured = {}
    for value, (least, largest) in zip(graph.values(), found.transpose(1, 2, 0), strict=True):
        held = 1.0 if value is graph.sink else share  # two logits at the end of a scale would be equal
        measured[value] = float(np.quantile(least, 1 - held)), float(np.quantile(largest, held))
    return measured


def _extremes(values: list[Tensor]) -> list[Tensor]:
    return [torch.stack([torch.stack([value.min(), value.max()]) for value in values])]
