"""One job from its data to its result row: `run` yields a report after every epoch and one at the end.

The caller may stop asking after any report; nothing is left behind but the cell's checkpoint. What the job needs beyond
training (test scores, teacher targets) is made from the best weights, also for a cell that was finished earlier.
"""

import io
import logging
import traceback
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
import torch

from har_ray import __version__
from har_ray.data.tensors import Tensors, load_tensors
from har_ray.errors import HarRayError
from har_ray.machine import processor
from har_ray.models.architectures.deepconvlstm import SequenceAxis
from har_ray.models.attention import AttentionConfig
from har_ray.models.cost import cost, latency
from har_ray.plan.cells import Cell, Job
from har_ray.scores import score
from har_ray.store.results import ResultStore, Row
from har_ray.store.storage import Storage
from har_ray.training import targets
from har_ray.training.fit import Fit
from har_ray.training.ranks import Ranks
from har_ray.variants import Size, build

log = logging.getLogger(__name__)

CHECKPOINT, WEIGHTS = "checkpoint.pt", "weights.pt"


@dataclass(frozen=True)
class Place:
    """Where a job finds its data and leaves its results; plain values, so that it travels to any process."""

    storage: str
    grid: str
    git_commit: str | None

    @property
    def results(self) -> ResultStore:
        return ResultStore(Storage(self.storage).child(self.grid))


@dataclass(frozen=True)
class Report:
    """What a job says after an epoch, and at its end.

    Attributes:
        row: the result row as far as it is known.
        curve: the monitored validation score of every epoch so far.
        ended: the row was written and is final.
    """

    row: Row
    curve: list[float] = field(default_factory=list)
    ended: bool = False


def is_done(job: Job, row: Row | None, results: ResultStore) -> bool:
    """Whether nothing is left to do for a job, given its cell's row.

    A cell that ASHA stopped is done for the search alone.
    """
    if row is None or row["status"] == "failed":
        return False
    if row["status"] == "stopped":
        return job.stage == "search"
    tested = job.stage != "confirm" or row.get("test_f1_macro") is not None
    taught = not job.teaches or results.root.exists(results.artefact(job.cell.id, targets.FILE))
    return tested and taught


def run(job: Job, place: Place, ranks: Ranks | None = None) -> Generator[Report, None, None]:
    """Train the cell, or go on where its checkpoint is, and write what the job asks for.

    An error ends the job with a row of status `failed`; it never leaves this function.
    """
    ranks = ranks or Ranks()
    row = job.cell.columns()
    try:
        for report in _run(job, place, ranks):
            row = report.row
            yield report
    except Exception as error:
        reason = str(error) if isinstance(error, HarRayError) else traceback.format_exc()
        log.warning("cell %s failed: %s", job.cell.id, reason)
        failed = final_row(row, "failed", place, error=reason)
        if ranks.rank == 0:
            place.results.write_row(failed)
        yield Report(failed, ended=True)


def final_row(row: Row, status: str, place: Place, error: str | None = None) -> Row:
    """The row of a cell that ended."""
    return row | {
        "status": status,
        "error": error,
        "har_ray_version": __version__,
        "git_commit": place.git_commit,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _run(job: Job, place: Place, ranks: Ranks) -> Generator[Report, None, None]:
    cell, results = job.cell, place.results
    data = load_tensors(place.storage, cell.windows_id, cell.protocol)
    taught = targets.load(results, cell.teacher_id, data.train.window_id) if cell.teacher_id else None
    fit = Fit(cell, data, taught, ranks)
    _resume(fit, results)
    row = cell.columns() | costs(cell, data) | {"device": device_name(ranks.device)}
    while not fit.finished:
        fit.epoch()
        if ranks.rank == 0:
            _save(fit, results)
        yield Report(row | _progress(fit), fit.monitored)
    fit.use_best()
    row |= _progress(fit)
    if job.stage == "confirm":
        row |= _test(fit, data, results)
    if ranks.rank == 0:
        if job.teaches:
            taught_here = targets.compute(fit.network, data.train, ranks.device)
            targets.store(results, cell.id, data.train.window_id.tolist(), taught_here)
        row = final_row(row, "completed", place)
        _finish(fit, data, results, row)
    yield Report(row, fit.monitored, ended=True)


def _resume(fit: Fit, results: ResultStore) -> None:
    """Continue from the checkpoint, or from the finished weights if only test scores or targets are wanted."""
    for name in (CHECKPOINT, WEIGHTS):
        path = results.artefact(fit.cell.id, name)
        if results.root.exists(path):
            state = torch.load(io.BytesIO(results.root.read(path)), weights_only=True, map_location=fit.ranks.device)
            if name == CHECKPOINT:
                fit.load_state_dict(state)
            else:
                fit.best, fit.curve = state["state_dict"], results.curve(fit.cell.id)
            return


def _save(fit: Fit, results: ResultStore) -> None:
    buffer = io.BytesIO()
    torch.save(fit.state_dict(), buffer)
    results.root.write(results.artefact(fit.cell.id, CHECKPOINT), buffer.getvalue())


def _progress(fit: Fit) -> Row:
    best = fit.curve[fit.best_epoch - 1]
    return {
        "epochs": len(fit.curve),
        "best_epoch": fit.best_epoch,
        "val_f1_macro": best["val_f1_macro"],
        "val_accuracy": best["val_accuracy"],
        "train_seconds": sum(epoch["seconds"] for epoch in fit.curve),
    }


def costs(cell: Cell, data: Tensors) -> Row:
    """The columns that say what the cell's network costs; the same network is measured once per process."""
    return dict(_costs(cell.kind.size, data.shape, len(data.classes), cell.attention, cell.sequence_axis))


@lru_cache(maxsize=64)
def _costs(
    size: Size, shape: tuple[int, int], classes: int, attention: AttentionConfig | None, axis: SequenceAxis
) -> Row:
    with torch.random.fork_rng():
        network = build(size, shape, classes, attention, axis)
    counted, timed = cost(network, shape), latency(network, shape)
    return counted._asdict() | {
        "latency_ms": timed.median_ms,
        "latency_p95_ms": timed.p95_ms,
        "latency_device": f"{device_name(torch.device('cpu'))}, 1 thread, batch 1",
    }


def _test(fit: Fit, data: Tensors, results: ResultStore) -> Row:
    """The one look at the test set, with the weights of the best validation epoch."""
    logits = fit.predict(data.test.x).cpu()
    y = data.test.y.numpy()
    scores = score(y, logits.argmax(dim=1).numpy(), len(data.classes))
    if fit.ranks.rank == 0:
        table = pa.table(
            {
                "window_id": data.test.window_id.tolist(),
                "subject": data.test.subject.tolist(),
                "label": y.astype(np.int16),
                "logits": list(logits.numpy()),
            }
        )
        results.root.write_table(results.artefact(fit.cell.id, "predictions.parquet"), table)
    return {f"test_{name}": value for name, value in scores._asdict().items()}


def _finish(fit: Fit, data: Tensors, results: ResultStore, row: Row) -> None:
    """Curve and weights, then the row, which makes the cell count; the checkpoint is no longer needed."""
    cell, root = fit.cell, results.root
    root.write_json(results.artefact(cell.id, "curve.json"), fit.curve)
    root.write(results.artefact(cell.id, WEIGHTS), _weights(fit, data))
    results.write_row(row)
    root.delete(results.artefact(cell.id, CHECKPOINT))


def _weights(fit: Fit, data: Tensors) -> bytes:
    """All that is needed to use the finished network; `torch.load(weights_only=True)` reads it."""
    buffer = io.BytesIO()
    torch.save(
        {
            "state_dict": {name: value.cpu() for name, value in fit.best.items()},
            "mean": data.mean,
            "std": data.std,
            "size": fit.cell.kind.size,
            "shape": list(data.shape),
            "classes": list(data.classes),
            "attention": fit.cell.attention.model_dump() if fit.cell.attention else None,
            "sequence_axis": fit.cell.sequence_axis,
        },
        buffer,
    )
    return buffer.getvalue()


def device_name(device: torch.device) -> str:
    """e.g. `cpu: AMD EPYC 7763`, `cuda: NVIDIA H100`."""
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"cpu: {processor()}"
