"""An int8 file in TensorFlow Lite Micro's own interpreter, as the wheel `tflite-micro` has it for this machine."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tflite_micro.python.tflite_micro import runtime

from har_ray.export.int8.graph import Array
from har_ray.export.int8.quantisation import Quantisation

ARENA = 16 * 2**20
"""Working memory that is offered; what is used of it is measured."""
USED = re.compile(r"Arena allocation total (\d+) bytes")


def run(content: bytes, windows: Array) -> Array:
    """The logits, float32 (N, K), of windows (N, T, C) in the integers that the file takes.

    The state of recurrent layers begins anew with each.
    """
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA)
    shape = interpreter.get_input_details(0)["shape"]
    given = _quantisation(interpreter.get_output_details(0))
    logits = []
    for window in windows:
        interpreter.reset()
        interpreter.set_input(np.ascontiguousarray(window.reshape(shape)), 0)
        interpreter.invoke()
        logits.append(given.real(interpreter.get_output(0)[0]))
    return np.stack(logits)


def _quantisation(details: dict[str, Any]) -> Quantisation:
    read = details["quantization_parameters"]
    return Quantisation(np.dtype(details["dtype"]), float(read["scales"][0]), int(read["zero_points"][0]))


def arena_bytes(content: bytes) -> int:
    """The working memory that a run takes here: an upper bound for a watch, whose pointers are half as long."""
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA)
    interpreter.invoke()
    with _stderr() as said:
        interpreter.print_allocations()
        found = USED.search(said.read_text())
    assert found is not None, "the interpreter of this version of tflite-micro does not say what it uses"
    return int(found[1])


@contextmanager
def _stderr() -> Iterator[Path]:
    """A file to which the process's standard error goes meanwhile, that of C++ too."""
    with tempfile.NamedTemporaryFile() as file:
        kept = os.dup(2)
        try:
            os.dup2(file.fileno(), 2)
            yield Path(file.name)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
