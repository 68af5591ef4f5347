"""How long an epoch of a cell takes on this machine: measured on noise in the shape of its data, in one process.

Some batches are trained and validated and a checkpoint is made as in a run; what else the machine has to do meanwhile
is not counted.
"""

import io
import time
from typing import NamedTuple

import numpy as np
import torch

from har_ray.data.tensors import Part, Tensors
from har_ray.models.architectures import Outputs, outputs
from har_ray.plan.cells import Cell
from har_ray.training.ranks import Ranks
from har_ray.training.trainer import Taught, Trainer
from har_ray.training.trainers import trainer_of
from har_ray.windows_stage import PartSizes

TIMED_S = 1.0
"""About how long each sort of network is timed, in whole batches, at least one and no more than an epoch has."""


class Task(NamedTuple):
    """A cell whose epoch is to be timed, and the data that stand for its own."""

    cell: Cell
    teacher: Cell | None
    sizes: PartSizes
    shape: tuple[int, int]
    classes: int
    channels: tuple[str, ...]


def epoch_seconds(task: Task) -> float:
    """The time of an epoch: training with all losses, validation, and the checkpoint's bytes."""
    torch.set_num_threads(1)
    batch = task.cell.training.batch_size
    first = _epoch_s(task, 1)
    batches = min(max(1, int(TIMED_S / first)), -(-task.sizes.train // batch))
    return _epoch_s(task, batches) * task.sizes.train / (batches * batch) + _checkpoint_s(task)


def _epoch_s(task: Task, batches: int) -> float:
    fit = _fit(task, batches)
    fit.epoch()
    start = _clock_s()
    fit.epoch()
    return _clock_s() - start


def _clock_s() -> float:
    """On a CPU that of the process, which does not count what the machine has to do besides."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def _fit(task: Task, batches: int) -> Trainer:
    rows = batches * task.cell.training.batch_size
    validated = max(1, round(rows * task.sizes.val / max(1, task.sizes.train)))
    train, val = (_noise(task, count) for count in (rows, validated))
    classes, scale = tuple(map(str, range(task.classes))), torch.ones(len(task.channels))
    data = Tensors(train, val, val, torch.zeros(len(scale)), scale, classes, task.channels)
    targets = _targets(task, train)
    taught = targets and Taught(targets, views=[targets] if task.cell.augment else [])
    return trainer_of(task.cell, data, taught, Ranks.alone())


def _noise(task: Task, count: int) -> Part:
    ids = np.arange(count).astype(str)
    return Part(torch.randn(count, *task.shape), torch.arange(count) % task.classes, ids, ids)


def _targets(task: Task, part: Part) -> Outputs | None:
    """What the teacher would have left for windows: its output for one, repeated."""
    if task.teacher is None:
        return None
    with torch.no_grad():
        one = outputs(task.teacher.model.build(task.shape, task.classes).eval(), part.x[:1])
    n = len(part.y)
    maps = {name: values.expand(n, *values.shape[1:]) for name, values in one.maps.items()}
    return Outputs(one.logits.expand(n, -1), maps)


def _checkpoint_s(task: Task) -> float:
    fit = _fit(task, 1)
    start = _clock_s()
    torch.save(fit.state_dict(), io.BytesIO())
    return _clock_s() - start
