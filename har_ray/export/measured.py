"""What exported files score, weigh and need where they run: over all test windows, in their own runtimes."""

import platform
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.errors import ExportError
from har_ray.export import int8
from har_ray.export.floats import Floats32, run_float, run_onnx, run_pt2
from har_ray.export.trained import Floats, Trained
from har_ray.metrics.accuracy import Accuracy
from har_ray.metrics.f1_macro import MacroF1
from har_ray.store.exports import RUNTIMES
from har_ray.store.results import Row

TOLERANCE = 1e-4
"""How far a logit of a float file may be from the network's."""


class Measured(NamedTuple):
    """Attributes:
    row: the columns `MEASURED` of `har_ray.store.exports`.
    logits: float32 (N, K), of the float network, and of the int8 file.
    """

    row: Row
    float_logits: Floats
    int8_logits: Floats


def measure(trained: Trained, quantised: "int8.Int8Model", floats: Floats32) -> Measured:
    """Run every file.

    Raises:
        ExportError: a float file's logits are not the network's.
    """
    windows, labels, reference = trained.test.x, trained.test.y, run_float(trained, trained.test.x)
    found = {
        "int8": int8.run(quantised.content, quantised.integers(windows)),
        "onnx": run_onnx(floats.onnx, windows),
        "pt2": run_pt2(floats.pt2, windows),
    }
    row: Row = {}
    for runtime in RUNTIMES:
        least = quantised.least if runtime == "int8" else -np.inf
        scores = _scores(labels, found[runtime], reference, least)
        row |= {f"{runtime}_{name}": value for name, value in scores.items()}
        if runtime != "int8" and not row[f"{runtime}_logit_error"] <= TOLERANCE:
            raise ExportError(
                f"cell {trained.row['cell_id']}: the logits of its {runtime} file differ from the network's by up to "
                f"{row[f'{runtime}_logit_error']:.2g}, more than {TOLERANCE:g}"
            )
    row |= {"activations": quantised.activations, "flash_bytes": len(quantised.content)}
    row |= {"arena_bytes": int8.arena_bytes(quantised.content)}
    return Measured(row | {"measured_on": measured_on()}, reference, found["int8"])


def _scores(labels: npt.NDArray[np.int64], logits: Floats, reference: Floats, least: float) -> dict[str, float]:
    """`least`: the lowest logit that there can be."""
    return {
        "f1_macro": MacroF1()(labels, logits),
        "accuracy": Accuracy()(labels, logits),
        "agreement": float((logits.argmax(axis=1) == reference.argmax(axis=1)).mean()),
        "logit_error": float(np.abs(logits - np.maximum(reference, least)).max()),
    }


def measured_on() -> str:
    """Where flash and working memory were measured: no watch, and not said to be one."""
    return f"TensorFlow Lite Micro {version('tflite-micro')}, {platform.system()} {platform.machine()}"
