"""One job from its data to its result row: `run` yields a report after every epoch and one at the end.

The caller may stop asking after any report; only the cell's checkpoint remains. What the job needs beyond
training (test scores, teacher targets) is made from the best weights, also for a cell that was finished earlier.
"""

import copy
import io
import json
import logging
import socket
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from har_ray.data.tensors import Tensors, load_tensors
from har_ray.errors import DamagedError, HarRayError, StorageError
from har_ray.machine import processor
from har_ray.metrics import Metric, load_metrics, scores
from har_ray.models.architectures import fitted_at_once
from har_ray.models.config import ModelConfig
from har_ray.models.cost import cost, latency
from har_ray.plan.cells import Cell, Job
from har_ray.store.results import CLASSES, Files, ResultStore, Row, now
from har_ray.store.stores import Stores
from har_ray.training import targets
from har_ray.training.examples import examples
from har_ray.training.ranks import Ranks
from har_ray.training.trainer import Taught, Trainer
from har_ray.training.trainers import trainer_of

log = logging.getLogger(__name__)

CHECKPOINT_EVERY_S = 15.0
"""So much of a cell's training may be done again after a crash. After its last epoch there always is a checkpoint."""


@dataclass(frozen=True)
class Report:
    """What a job says after an epoch, and at its end.

    Attributes:
        row: the result row as far as it is known.
        curve: the monitored validation score of every epoch so far.
        ended: the row was written and is final.
        paused: the job has reached the epoch at which it pauses; its checkpoint was written.
        storage_error: why the storage was given up; the job has ended, and its row was not written.
    """

    row: Row
    curve: list[float] = field(default_factory=list)
    ended: bool = False
    paused: bool = False
    storage_error: str | None = None

    @property
    def last(self) -> bool:
        """The job will report no more."""
        return self.ended or self.paused


def run(job: Job, stores: Stores, ranks: Ranks | None = None) -> Generator[Report, None, None]:
    """Train the cell, or go on where its checkpoint is, and write what the job asks for.

    An error ends the job with a row of status `failed`. Of the storage it is raised: it says nothing about the cell.
    """
    ranks = ranks or Ranks()
    row = job.cell.columns() | {"node": socket.gethostname(), "started_at": now()}
    try:
        for report in _run(job, row, stores, ranks):
            row = report.row
            yield report
    except StorageError:
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, HarRayError) else traceback.format_exc()
        log.warning("cell %s failed: %s", job.cell.id, reason)
        failed = stores.results.final_row(row, "failed", error=reason)
        if ranks.rank == 0:
            stores.results.write_row(failed)
        yield Report(failed, ended=True)


def _run(job: Job, row: Row, stores: Stores, ranks: Ranks) -> Generator[Report, None, None]:
    cell, results = job.cell, stores.results
    data = load_tensors(stores.storage, cell.windows_id, cell.protocol).only(cell.channels)
    metrics = load_metrics(job.metrics)
    fit = trainer_of(cell, data, _taught(cell, data, results), ranks, metrics)
    at_once = fitted_at_once(cell.model.architecture)
    row |= {"legs": _resume(fit, results), "device": device_name(ranks.device)}
    row |= {} if at_once else costs(cell, data)
    saved = time.monotonic()
    while not fit.finished and not _pauses(job, fit):
        fit.epoch()
        due = fit.finished or _pauses(job, fit) or time.monotonic() - saved > CHECKPOINT_EVERY_S
        if ranks.rank == 0 and due:
            results.write_checkpoint(cell.id, _bytes({"fit": fit.state_dict(), "legs": _legs(row)}))
            saved = time.monotonic()
        yield Report(row | _progress(fit), fit.monitored)
    if not fit.finished:
        yield Report(row | _progress(fit) | {"legs": _legs(row)}, fit.monitored, paused=True)
        return
    fit.use_best()
    row |= (
        _progress(fit)
        | {"converged": fit.converged}
        | (_measured(copy.deepcopy(fit.network), data.shape) if at_once else {})
    )
    files: Files = {}
    if job.stage == "confirm":
        tested, predictions = _test(fit, data, metrics)
        row |= tested
        if ranks.rank == 0:
            files |= results.write_predictions(cell.id, predictions)
    if ranks.rank == 0:
        if job.teaches:
            left = targets.of_parts(fit.network, data, ranks.device, job.views)
            files |= results.write_targets(cell.id, left)
            row |= {"views": [views.id for views in job.views]}
        if job.stage != "search" and (attended := examples(fit.network, data, ranks.device)) is not None:
            files |= results.write_examples(cell.id, attended)
        row = _finish(fit, data, results, row, files)
    yield Report(row, fit.monitored, ended=True)


def _taught(cell: Cell, data: Tensors, results: ResultStore) -> Taught | None:
    """What the cell's teachers have left for it; None where it has none."""
    if not cell.teacher_ids:
        return None
    train, val = (targets.load(results, cell.teacher_ids, part.window_id) for part in (data.train, data.val))
    views = cell.views
    return Taught(train, val, [
        targets.load(results, cell.teacher_ids, data.train.window_id, views.id, number)
        for number in range(1, views.count + 1)
    ] if views else [])  # fmt: skip


def _pauses(job: Job, fit: Trainer) -> bool:
    """Whether the job has reached the epoch at which it pauses."""
    return job.until is not None and len(fit.curve) >= job.until


def _legs(row: Row) -> list[list[str]]:
    """The stretches in which a cell was trained so far, this one too: node, start, end."""
    return [*row["legs"], [row["node"], row["started_at"], now()]]


def _resume(fit: Trainer, results: ResultStore) -> list[list[str]]:
    """Continue from the checkpoint, or from the finished weights if only test scores or targets are wanted.

    Returns:
        The stretches in which the cell was trained so far.
    """
    cell_id, device = fit.cell.id, fit.ranks.device
    if (content := results.checkpoint(cell_id)) is not None:
        state = torch.load(io.BytesIO(content), weights_only=True, map_location=device)
        fit.load_state_dict(state["fit"])
        legs: list[list[str]] = state["legs"]
        return legs
    row = results.row(cell_id)
    if row is None or row["status"] != "completed":
        return []
    try:
        content, curve = results.weights(row), results.curve(row)
    except DamagedError as error:
        log.warning("%s; the cell starts afresh", error)
        return []
    fit.best = torch.load(io.BytesIO(content), weights_only=True, map_location=device)["state_dict"]
    fit.curve = curve
    return [*row["legs"], [row["node"], row["started_at"], row["finished_at"]]]


def _bytes(state: Row) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _progress(fit: Trainer) -> Row:
    best = fit.curve[fit.best_epoch - 1]
    return {
        "epochs": len(fit.curve),
        "best_epoch": fit.best_epoch,
        **{name: value for name, value in best.items() if not name.startswith(("epoch", "seconds", "train_loss"))},
        "train_seconds": sum(epoch["seconds"] for epoch in fit.curve),
    }


def costs(cell: Cell, data: Tensors) -> Row:
    """The columns that say what the cell's network costs; the same network is measured once per process."""
    return dict(_costs(cell.model, data.shape, len(data.classes)))


@lru_cache(maxsize=64)
def _costs(model: ModelConfig, shape: tuple[int, int], classes: int) -> Row:
    with torch.random.fork_rng():
        return _measured(model.build(shape, classes), shape)


def _measured(network: nn.Module, shape: tuple[int, int]) -> Row:
    counted, timed = cost(network, shape), latency(network, shape)
    return counted._asdict() | {
        "latency_ms": timed.median_ms,
        "latency_p95_ms": timed.p95_ms,
        "latency_device": f"{device_name(torch.device('cpu'))}, 1 thread, batch 1",
    }


def _test(fit: Trainer, data: Tensors, metrics: dict[str, Metric]) -> tuple[Row, pa.Table]:
    """The one look at the test set, with the weights of the best validation epoch: scores and predictions."""
    logits = fit.predict(data.test.x).cpu().numpy()
    labels = data.test.y.numpy()
    table = pa.table(
        {
            "window_id": data.test.window_id.tolist(),
            "subject": data.test.subject.tolist(),
            "label": labels.astype(np.int16),
            "logits": list(logits),
        },
        metadata={CLASSES: json.dumps(data.classes)},
    )
    return dict(scores(metrics, labels, logits, "test_")), table


def _finish(fit: Trainer, data: Tensors, results: ResultStore, row: Row, files: Files) -> Row:
    """Curve and weights, then the row, which makes the cell count; the checkpoint is no longer needed."""
    files |= results.write_curve(fit.cell.id, fit.curve)
    files |= results.write_weights(fit.cell.id, _bytes(_weights(fit, data)))
    row = results.final_row(row, "completed", files=files)
    results.write_row(row)
    results.delete_checkpoint(fit.cell.id)
    return row


def _weights(fit: Trainer, data: Tensors) -> Row:
    """All that is needed to use the finished network; `torch.load(weights_only=True)` reads it.

    `ModelConfig.model_validate(saved["model"]).build(saved["shape"], len(saved["classes"]))` is the network of it.
    """
    return {
        "state_dict": {name: value.cpu() for name, value in fit.best.items()},
        "mean": data.mean,
        "std": data.std,
        "model": fit.cell.model.model_dump(),
        "shape": list(data.shape),
        "channels": list(data.channels),
        "classes": list(data.classes),
    }


def device_name(device: torch.device) -> str:
    """e.g. `cpu: AMD EPYC 7763`, `cuda: NVIDIA H100`."""
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"cpu: {processor()}"
