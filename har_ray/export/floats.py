"""The network in float32 as files: ONNX, and PyTorch's own exported program. Both take windows in their own units.

A graph is traced once for each configuration of a network, and holds the very tensors of the module that it was traced
from: the weights of another cell are put into that module.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from har_ray.errors import ExportError
from har_ray.export.trained import Floats, Trained
from har_ray.models.config import ModelConfig

INPUT, OUTPUT = "window", "logits"
BATCH = 256
"""Windows per run."""


class Scaled(nn.Module):
    """A network with the scaler before it: windows (B, T, C) in the dataset's units to logits (B, K)."""

    scaler_mean: Tensor
    scaler_std: Tensor

    def __init__(self, network: nn.Module, channels: int) -> None:
        super().__init__()
        self.network = network
        # Named apart from ONNX's own names of operations, such as `mean`.
        self.register_buffer("scaler_mean", torch.zeros(channels))
        self.register_buffer("scaler_std", torch.ones(channels))

    def forward(self, window: Tensor) -> Tensor:
        return torch.as_tensor(self.network((window - self.scaler_mean) / self.scaler_std))


class Floats32(NamedTuple):
    """The files' content."""

    onnx: bytes
    pt2: bytes


class _Graph(NamedTuple):
    module: Scaled
    program: torch.export.ExportedProgram
    onnx: Any


def float_files(trained: Trained) -> Floats32:
    """Both files of a network.

    Raises:
        ExportError: it can't be traced.
    """
    graph = _graph(trained.model, trained.shape, len(trained.classes))
    graph.module.network.load_state_dict(trained.network.state_dict())
    graph.module.load_state_dict(
        {"scaler_mean": torch.from_numpy(trained.mean), "scaler_std": torch.from_numpy(trained.std)}, strict=False
    )
    with _quiet():
        saved = io.BytesIO()
        torch.export.save(graph.program, saved)
        return Floats32(_onnx_bytes(graph.onnx), saved.getvalue())


@lru_cache(maxsize=32)
def _graph(model: ModelConfig, shape: tuple[int, int], classes: int) -> _Graph:
    """The graph of a network, with weights to be filled in."""
    with torch.random.fork_rng():
        module = Scaled(model.build(shape, classes), shape[1]).eval()
    shown = (torch.zeros(2, *shape),)
    try:
        with _quiet():
            program = torch.export.export(
                module, shown, dynamic_shapes={INPUT: {0: torch.export.Dim("batch", min=1, max=2**20)}}
            )
            for node in program.graph.nodes:  # where on this machine the code lies
                node.meta.pop("stack_trace", None)
            onnx = torch.onnx.export(
                program, shown, dynamo=True, optimize=False, verbose=False, input_names=[INPUT], output_names=[OUTPUT]
            )
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ExportError(f"{model.architecture}: cannot be traced: {type(error).__name__}: {reason}") from error
    return _Graph(module, program, onnx)


def _onnx_bytes(program: Any) -> bytes:
    proto = program.model_proto
    graph = proto.graph
    for part in (proto, graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        part.doc_string = ""
        del part.metadata_props[:]  # how the exporter got there, with paths of this machine
    return bytes(proto.SerializeToString(deterministic=True))


def run_onnx(content: bytes, windows: Floats) -> Floats:
    """Logits (N, K) of windows (N, T, C), by ONNX Runtime on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run([OUTPUT], {INPUT: part})[0] for part in _batches(windows)])


def run_pt2(content: bytes, windows: Floats) -> Floats:
    """Logits (N, K) of windows (N, T, C), by PyTorch from its exported program."""
    with _quiet(), torch.no_grad():
        module = torch.export.load(io.BytesIO(content)).module()
        return np.concatenate([module(torch.from_numpy(part)).numpy() for part in _batches(windows)])


def run_float(trained: Trained, windows: Floats) -> Floats:
    """Logits (N, K) of windows (N, T, C), by the network itself: what every file is compared with."""
    scaled = (windows - trained.mean) / trained.std
    with torch.no_grad():
        return np.concatenate([trained.network(torch.from_numpy(part)).numpy() for part in _batches(scaled)])


def _batches(windows: Floats) -> list[Floats]:
    return [np.ascontiguousarray(windows[i : i + BATCH]) for i in range(0, len(windows), BATCH)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporters say of their own insides."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
