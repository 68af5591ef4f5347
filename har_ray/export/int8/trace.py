"""A network as the list of PyTorch's operations that it runs, whatever its code looks like."""

import copy
import warnings
from collections.abc import Hashable

import torch
from torch import nn
from torch.export import ExportedProgram

from har_ray.errors import ExportError
from har_ray.registry import describe

_KNOWN: dict[tuple[Hashable, tuple[int, int]], tuple[nn.Module, ExportedProgram]] = {}


def trace(network: nn.Module, shape: tuple[int, int], kind: Hashable = None) -> ExportedProgram:
    """The operations on one window of `shape` (T, C), recurrent layers whole; the network is left as it is.

    Args:
        network: in evaluation mode it does the same operations, whatever its weights are.
        kind: what networks have in common that differ in their weights alone; they are traced once, and the program of
            the last one counts. None: traced anew.

    Raises:
        ExportError: it is not a network of fixed operations: trees, or what it does depends on what it sees.
    """
    if kind is None:
        return _traced(network, shape)[1]
    if (kind, shape) not in _KNOWN:
        _KNOWN[kind, shape] = _traced(network, shape)
    module, program = _KNOWN[kind, shape]
    module.load_state_dict(network.state_dict())  # the program holds the very tensors of its module
    return program


def _traced(network: nn.Module, shape: tuple[int, int]) -> tuple[nn.Module, ExportedProgram]:
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
            return still, torch.export.export(still, (torch.zeros(1, *shape),))
        except Exception as error:
            raise ExportError(f"{name}: can't be traced on a window {list(shape)}: {describe(error)}") from error
