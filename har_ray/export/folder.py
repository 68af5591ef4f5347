"""A trained cell as a folder of files that run elsewhere, measured in their own runtimes and kept with the results."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from har_ray import __version__
from har_ray.errors import ExportError
from har_ray.export.c_array import model_data
from har_ray.export.card import FILES, card
from har_ray.export.floats import float_files, run_float
from har_ray.export.int8 import fitted
from har_ray.export.int8.tuning import Loss
from har_ray.export.measured import Measured, measure
from har_ray.export.model_json import describe
from har_ray.export.trained import Trained, load_trained
from har_ray.export.training_loss import training_loss
from har_ray.provenance import now, source
from har_ray.spec.grid import Export
from har_ray.store.results import WEIGHTS, ResultStore, Row
from har_ray.temporary import TemporaryFolder

EXAMPLES = ("example.py", "example.c", "classifier.h", "classifier.cc")
TEST_WINDOWS = "test_windows.npz"


def export(
    results: ResultStore, row: Row, info: Row, how: Export, out: Path | None = None, with_windows: bool = False
) -> Row:
    """Export a completed confirm cell; returns what was measured of its files.

    Args:
        row: the cell's.
        info: the grid's `run.json`.
        how: it becomes int8.
        out: a folder for a copy of the files.
        with_windows: write the test windows too.

    Raises:
        ExportError: it has no int8 form, its windows are not what they were, or `out` can't be written.
        StorageError: its weights or windows can't be read, or the files can't be written.
    """
    if out is not None:
        with _said(out):
            out.mkdir(parents=True, exist_ok=True)
    trained = load_trained(results, row, info)
    loss = training_loss(results, info, trained) if how.qat_epochs else None
    commit, dirty = source()
    made_by = {"har_ray_version": __version__, "git_commit": commit, "git_dirty": dirty, "exported_at": now()}
    with TemporaryFolder("export") as folder:
        measured = _write(trained, how, loss, made_by, folder, with_windows)
        record = {"cell_id": row["cell_id"], "qat_epochs": how.qat_epochs} | measured.row | made_by
        results.exports.write(record, row["files"][WEIGHTS][1], folder, _table(trained, measured))
        if out is not None:
            with _said(out):
                shutil.copytree(folder, out, dirs_exist_ok=True)
    return record


@contextmanager
def _said(out: Path) -> Iterator[None]:
    """What is wrong with a folder of the user's, in a line."""
    try:
        yield
    except OSError as error:
        raise ExportError(f"{out} can't be written: {error.strerror or error}") from error


def _write(
    trained: Trained, how: Export, loss: Loss | None, made_by: Row, folder: Path, with_windows: bool
) -> Measured:
    """Write the files; returns what was measured of them."""
    validation = (trained.val.x, trained.val.y, run_float(trained, trained.val.x))
    scaler = (trained.mean, trained.std)
    kind = trained.model, len(trained.classes)
    quantised = fitted(
        trained.network, trained.shape, scaler, trained.train.x, validation, how.activations, how.qat_epochs, loss, kind
    )
    floats = float_files(trained)
    measured = measure(trained, quantised, floats)
    about = describe(trained, quantised, measured.row)
    contents = {
        "model.tflite": quantised.content,
        "model.onnx": floats.onnx,
        "model.pt2": floats.pt2,
        "model.json": (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode(),
        "model_data.h": model_data(about, quantised.content).encode(),
        "MODEL_CARD.md": card(trained, measured, about, how, made_by, with_windows).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for name in EXAMPLES:
        shutil.copy(FILES / name, folder / name)
    if with_windows:
        test = trained.test
        np.savez_compressed(folder / TEST_WINDOWS, x=test.x, y=test.y, subject=test.subject, window_id=test.window_id)
    return measured


def _table(trained: Trained, measured: Measured) -> pa.Table:
    """The int8 file's logits, as a cell's predictions are stored."""
    test = trained.test
    return pa.table(
        {
            "window_id": test.window_id.tolist(),
            "subject": test.subject.tolist(),
            "label": test.y.astype(np.int16),
            "logits": list(measured.int8_logits),
        }
    )
