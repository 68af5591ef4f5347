"""A network as the list of PyTorch's operations that it runs, whatever its code looks like."""

import copy
import warnings

import torch
from torch import nn
from torch.export import ExportedProgram

from har_ray.errors import ExportError
from har_ray.registry import describe


def trace(network: nn.Module, shape: tuple[int, int]) -> ExportedProgram:
    """The operations on one window of `shape` (T, C), recurrent layers whole; the network is left as it is.

    Raises:
        ExportError: it is not a network of fixed operations: trees, or what it does depends on what it sees.
    """
    name = type(network).__name__
    if hasattr(network, "fit"):
        raise ExportError(
            f"{name}: is fitted at once and has no layers; only networks that learn by gradients have an int8 form"
        )
    still = copy.deepcopy(network).cpu().eval()
    with warnings.catch_warnings(), torch.no_grad():
        # The flat list in which an nn.LSTM keeps its weights a second time looks to torch like something new.
        warnings.simplefilter("ignore")
        try:
            return torch.export.export(still, (torch.zeros(1, *shape),))
        except Exception as error:
            raise ExportError(f"{name}: can't be traced on a window {list(shape)}: {describe(error)}") from error
