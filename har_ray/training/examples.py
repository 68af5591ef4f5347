"""What a network attends to in example windows: the first validation window of each class, the same for a student and
its teacher, so that a report can lay their maps beside each other.
"""

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from har_ray.data.tensors import Part, Tensors
from har_ray.training.targets import column, compute


def examples(network: nn.Module, data: Tensors, device: torch.device) -> pa.Table | None:
    """A row for each class of which there is a validation window; None where the network has no attention maps.

    Returns:
        window_id, label (class index), x (T, C) in the dataset's units, and each map by its name.
    """
    part = _first_of_each_class(data.val)
    maps = compute(network, part, device).maps
    if not maps:
        return None
    columns = {
        "window_id": pa.array(part.window_id.tolist()),
        "label": pa.array(part.y.numpy().astype(np.int16)),
        "x": column(part.x * data.std + data.mean),
    }
    return pa.table(columns | {name: column(values) for name, values in maps.items()})


def _first_of_each_class(part: Part) -> Part:
    _, first = np.unique(part.y.numpy(), return_index=True)
    return Part(part.x[first], part.y[first], part.window_id[first], part.subject[first])
