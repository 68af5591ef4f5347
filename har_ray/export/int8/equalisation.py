"""Filters brought to one reach before they share a scale.

In int8 all filters of a convolution share one scale, so one that reaches far makes the steps coarse for the others.
What a filter gives may be divided by a factor where the convolution after it multiplies by the same: the network stays
the same function, as a ReLU between them only passes the factor on. Nagel et al. 2019, "Data-Free Quantization Through
Weight Equalization and Bias Correction", https://arxiv.org/abs/1906.04721; here by the reach that is measured, not by
weights.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from har_ray.export.int8.graph import Array, Graph, spread
from har_ray.export.int8.operators.layout import Pad
from har_ray.export.int8.operators.product import Convolution, Product

WINDOWS = 256
"""So many, spread over all of them."""
SHARE = 0.99
"""Of these windows, those whose largest value the reach holds."""
LEAST = 0.01
"""The smallest factor: a filter that hardly ever responds is not made as large as the others."""


def equalise(graph: Graph, windows: Array) -> None:
    """Change the graph's weights so that the filters of a convolution reach equally far, over windows (N, T, C)."""
    pairs = list(_pairs(graph))
    if not pairs:
        return
    places = [graph.values().index(first.output) for first, _ in pairs]
    batches = list(graph.over(spread(windows, WINDOWS), lambda values: [_reach(values[place]) for place in places]))
    for number, (first, second) in enumerate(pairs):
        reach = np.quantile(torch.cat([batch[number] for batch in batches]).numpy(), SHARE, axis=0)
        if reach.max() == 0:
            continue
        # A depthwise convolution has a scale for each filter, so nothing is lost there. Another one shares its scale
        # among its inputs: half of the way is left to it.
        factor = np.maximum(reach / reach.max(), LEAST) ** (1 if second.depthwise else 0.5)
        first.scale_outputs((1 / factor).astype(np.float32), np.zeros_like(first.bias))
        second.scale_inputs(factor.astype(np.float32))


def _reach(values: Tensor) -> Tensor:
    """How far each filter goes, (F,)."""
    return values.abs().reshape(-1, values.shape[-1]).amax(dim=0)


def _pairs(graph: Graph) -> Iterator[tuple[Product, Convolution]]:
    """Each product with the convolution after it that alone reads it."""
    for first in graph.operators:
        if not isinstance(first, Product) or first.fused == "RELU6":
            continue
        readers = [op for op in graph.operators if first.output in op.inputs]
        if len(readers) == 1 and isinstance(readers[0], Pad):
            readers = [op for op in graph.operators if readers[0].output in op.inputs]
        if len(readers) == 1 and isinstance(readers[0], Convolution) and graph.sink is not first.output:
            yield first, readers[0]
