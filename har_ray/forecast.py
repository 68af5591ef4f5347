"""`--plan`: cells by stage, what is done, and about how long the rest takes on this machine.

The time of an epoch is measured, not modelled: of each sort of network with its losses, on as many processes side by
side as trials will run. How many epochs a cell trains is known only afterwards: about as many as finished cells of its
variant did, else `TYPICAL`.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property
from multiprocessing import get_context
from statistics import mean
from typing import NamedTuple

import torch

from har_ray.epoch_time import Task, epoch_seconds
from har_ray.models.architectures import fitted_at_once
from har_ray.plan.cells import Cell, Job, Stage
from har_ray.plan.plan import Plan, races_of
from har_ray.plan.room import missing
from har_ray.search.choice import halving_of
from har_ray.spec.grid import Resources
from har_ray.store.results import Row
from har_ray.store.stores import Stores
from har_ray.text import counted, duration
from har_ray.windows_stage import part_sizes

TYPICAL = 0.7
"""How far cells get between the fewest epochs (0: patience and one) and all of them (1): 0.73 in the mean of the 36
completed cells of grids/quick.yaml, patience 8 of 40 epochs."""
RAY_S, WORKERS_S = 18.0, 12.0
"""Starting Ray, windows and report together; the groups of Ray Train workers. On 2 CPUs, quick grid."""


class StagePlan(NamedTuple):
    """A stage before the search has chosen: the jobs known, and stand-ins for those that it will choose."""

    name: Stage
    jobs: Sequence[Job]
    later: Sequence[Job]


def stage_plans(plan: Plan, winners: Sequence[Row] = ()) -> list[StagePlan]:
    """All stages, given what the search has chosen; elsewhere a variant's first candidate stands for its winner.

    A cell is in one stage only, as in a run: a teacher that is to be confirmed is a confirm cell.
    """
    known = plan.settled | plan.recorded(winners)
    first = {group: found[0] for group, found in plan.by_group.items()}
    confirm = plan.confirm_jobs(known)
    later = plan.confirm_jobs({group: candidate for group, candidate in first.items() if group not in known})
    certain = _joined([*plan.teacher_jobs([*plan.certain_students(), *confirm]), *plan.search_jobs, *confirm])
    ids = {job.cell.id for job in certain}
    chosen = [job for job in _joined([*plan.teacher_jobs(later), *later]) if job.cell.id not in ids]
    stages: tuple[Stage, ...] = ("teachers", "search", "confirm")
    return [StagePlan(name, *([job for job in jobs if job.stage == name] for jobs in (certain, chosen)))
            for name in stages]  # fmt: skip


def _joined(jobs: Iterable[Job]) -> list[Job]:
    """Each cell once."""
    cells: dict[str, Job] = {}
    for job in jobs:
        known = cells.get(job.cell.id)
        cells[job.cell.id] = known.joined(job) if known else job
    return list(cells.values())


def plan_lines(plan: Plan, stores: Stores) -> Iterator[str]:
    """Cells by stage, done and to do, resources, and about how long the rest takes on this machine."""
    spec, forecast = plan.spec, Forecast(plan, stores)
    yield (
        f"{spec.name}: {counted(len(spec.datasets), 'dataset')}, {counted(len(spec.variants), 'variant')}, "
        f"{counted(len(spec.seeds), 'seed')}"
    )
    for stage in forecast.stages:
        later = f" + {len(stage.later)} that the search chooses" if stage.later else ""
        done = sum(map(forecast.is_done, stage.jobs))
        resources = spec.resources.teacher if stage.name == "teachers" else spec.resources.student
        others = sum(job.resources(spec.resources) != resources for job in stage.jobs)
        yield (
            f"  {stage.name:<9} {counted(len(stage.jobs), 'cell')}{later}, {done} done; "
            f"each with {counted(resources.workers or 'no', 'Ray Train worker')}, "
            f"{counted(resources.cpus, 'CPU')}, {counted(resources.gpus or 'no', 'GPU')}"
            + (f"; {others} that teach as the teachers" if others else "")
        )
    yield from _search_lines(plan)
    for line in missing(spec.resources, [{"CPU": forecast.cpus, "GPU": torch.cuda.device_count()}]):
        yield f"  room      none on this machine: {line}"
    if not forecast.left:
        yield "  time      nothing is left to train; the report is made again"
        return
    low, about, high = (duration(forecast.seconds(share)) for share in (0.0, TYPICAL, 1.0))
    device = "" if forecast.on_asked_device else ", on its CPU instead of the GPUs that the grid asks for"
    yield (
        f"  time      about {about} on {forecast.cpus} CPUs; {low} if every cell stops as early as it can, {high} if "
        f"none does; epochs timed on this machine{device}"
    )


def _search_lines(plan: Plan) -> Iterator[str]:
    """Candidates of each variant that has any choice, and the epochs that they take at most, in each fold."""
    halving = halving_of(plan)
    searched: dict[str, int] = {}
    for group, found in plan.by_group.items():
        if len(found) > 1:
            searched[group.variant] = max(searched.get(group.variant, 0), len(found))
    seeds = len(plan.spec.search.seeds) if plan.spec.search else 0
    if searched:
        each = ", ".join(
            f"{name} {count} candidates in {halving.epochs_spent(count) * seeds:,} epochs at most"
            for name, count in searched.items()
        )
        rule = f"the best 1/{halving.reduction_factor} go on" if halving.rungs else "none is cut"
        at = f" at epoch {', '.join(map(str, halving.rungs))}" if halving.rungs else ""
        yield f"  searched  {each}, in each fold; {rule}{at}"


class Sort(NamedTuple):
    """What decides how long an epoch takes, so that it is timed once: not the values of losses, nor seeds."""

    windows_id: str
    channels: int | None
    network: str
    attention: str
    losses: tuple[str, ...]
    augment: tuple[str, ...]
    mixes: bool

    @classmethod
    def of(cls, cell: Cell) -> "Sort":
        network = f"{cell.model.architecture} {cell.model.options} {cell.model.sequence_axis}"
        attention = cell.model.attention.kind if cell.model.attention else ""
        channels = None if cell.channels is None else len(cell.channels)
        losses, augment = tuple(cell.losses), tuple(cell.augment)
        return cls(cell.windows_id, channels, network, attention, losses, augment, cell.training.mixup > 0)


class Forecast:
    """How long what is left of a grid takes."""

    def __init__(self, plan: Plan, stores: Stores) -> None:
        self.plan, self.results = plan, stores.results
        self.stages = stage_plans(plan, self.results.winners())
        self.cpus = os.cpu_count() or 1
        self.rows = self.results.rows(job.cell.id for stage in self.stages for job in stage.jobs)
        self.sizes = {
            (fold.windows_id, fold.protocol): part_sizes(fold.entry, fold.windows_id, fold.protocol, stores)
            for fold in plan.folds
        }

    def is_done(self, job: Job) -> bool:
        return job.is_done(self.rows.get(job.cell.id))

    def seconds(self, share: float) -> float:
        """Of all that is left; `share`: how far cells get between their fewest epochs (0) and all of them (1).

        Slots are taken to be busy but for the last cells, of which one may run alone (Graham 1969, list scheduling).
        """
        total, tail, workers = RAY_S, 0.0, 0.0
        cut = self._search_share(share)
        for job in self.left:
            resources = job.resources(self.plan.spec.resources)
            seconds, slots = self._epochs(job.cell, share) * self._epoch_s(job.cell), self._slots(resources)
            total += seconds * (cut if job.stage == "search" else 1.0) / slots
            tail = max(tail, seconds * (1 - 1 / slots))
            workers = max(workers, WORKERS_S if resources.workers else 0.0)
        return total + tail + workers

    @cached_property
    def left(self) -> list[Job]:
        """The jobs to be done."""
        return [job for stage in self.stages for job in (*stage.jobs, *stage.later) if not self.is_done(job)]

    @property
    def on_asked_device(self) -> bool:
        asked = self.plan.spec.resources
        return torch.cuda.is_available() or not (asked.teacher.gpus or asked.student.gpus)

    def _slots(self, resources: Resources) -> int:
        return max(1, int(self.cpus // (max(1, resources.workers) * resources.cpus)))

    def _epochs(self, cell: Cell, share: float) -> float:
        if fitted_at_once(cell.model.architecture):
            return 1
        known = self._trained.get(cell.variant)
        fewest = min(cell.training.patience + 1, cell.training.epochs)
        return known if known is not None else fewest + share * (cell.training.epochs - fewest)

    @cached_property
    def _trained(self) -> dict[str, float]:
        """Epochs that completed cells have trained, in the mean of each variant."""
        epochs: dict[str, list[int]] = {}
        for row in self.rows.values():
            if row["status"] == "completed":
                epochs.setdefault(row["variant"], []).append(row["epochs"])
        return {variant: mean(counts) for variant, counts in epochs.items()}

    def _search_share(self, share: float) -> float:
        """The part of the search's epochs that halving leaves."""
        halving = halving_of(self.plan)
        spent = planned = 0.0
        for race in races_of(self.plan.search_jobs).values():
            jobs = [job for jobs in race.values() for job in jobs]
            epochs = round(self._epochs(jobs[0].cell, share))
            spent += halving.epochs_spent(len(race), epochs) * len(jobs) / len(race)
            planned += len(jobs) * epochs
        return spent / planned if planned else 1.0

    def _epoch_s(self, cell: Cell) -> float:
        return self._timed[Sort.of(cell)]

    @cached_property
    def _timed(self) -> dict[Sort, float]:
        """Seconds of an epoch of each sort of cell that is left, timed side by side."""
        cells: dict[Sort, Cell] = {}
        for job in self.left:
            cells.setdefault(Sort.of(job.cell), job.cell)
        tasks = [self._task(cell) for cell in cells.values()]
        with ProcessPoolExecutor(min(self.cpus, max(1, len(tasks))), mp_context=get_context("spawn")) as pool:
            return dict(zip(cells, pool.map(epoch_seconds, tasks), strict=True))

    def _task(self, cell: Cell) -> Task:
        entry = next(fold.entry for fold in self.plan.folds if fold.windows_id == cell.windows_id)
        channels = cell.channels or entry.cut.channels
        return Task(
            cell,
            next(iter(self.plan.teachers_of(cell)), None),
            self.sizes[cell.windows_id, cell.protocol],
            (entry.length, len(channels)),
            entry.classes,
            channels,
        )
