"""What `--plan` and `--status` show: cells by stage, what is done, how long the rest takes, how the variants stand."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import pandas as pd
import torch
from torch.nn.functional import cross_entropy

from har_ray.data.protocol import Protocol
from har_ray.data.splits import subject_parts
from har_ray.data.tensors import check_split
from har_ray.data.windows import class_names
from har_ray.models.architectures.deepconvlstm import SequenceAxis
from har_ray.models.attention import AttentionConfig
from har_ray.plan.cells import Cell, Job
from har_ray.plan.plan import candidates, certain_students, confirm_jobs, places, search_jobs, settled, teacher_jobs
from har_ray.search.halving import rungs, too_few
from har_ray.spec.dataset import DatasetSpec
from har_ray.spec.grid import GridSpec, Resources
from har_ray.store.results import ResultStore, load
from har_ray.store.storage import Storage
from har_ray.training.run import is_done
from har_ray.variants import Size, build

TIMED_STEPS = 3


class StagePlan(NamedTuple):
    """One line of the plan: the jobs known, and how many more there will be when the search has chosen."""

    name: str
    jobs: Sequence[Job]
    later: int
    resources: Resources


def stage_plans(spec: GridSpec) -> list[StagePlan]:
    """All stages, before the search has chosen."""
    chosen = settled(spec)
    search, confirm = search_jobs(spec), confirm_jobs(spec, chosen)
    folds = sum(1 for _ in places(spec))
    later = (folds * len(spec.variants) - len(chosen)) * len(spec.seeds)
    later_teachers = folds * len(spec.seeds) if "RAB-KD" in spec.variants and len(candidates(spec, "RAB-KD")) > 1 else 0
    return [
        StagePlan("teachers", teacher_jobs(spec, certain_students(spec)), later_teachers, spec.resources.teacher),
        StagePlan("search", search, 0, spec.resources.student),
        StagePlan("confirm", confirm, later, spec.resources.student),
    ]


def plan_lines(spec: GridSpec, storage: Storage) -> Iterator[str]:
    """Cells by stage, done and to do, resources, and the time it takes at most on this machine."""
    stages, cpus = stage_plans(spec), os.cpu_count() or 1
    results = ResultStore(storage.child(spec.name))
    rows = results.rows(job.cell.id for stage in stages for job in stage.jobs)
    seconds = _cell_seconds(spec, storage)
    yield f"{spec.name}: {len(spec.datasets)} datasets, {len(spec.variants)} variants, {len(spec.seeds)} seeds"
    total = 0.0
    for stage in stages:
        left = [job for job in stage.jobs if not is_done(job, rows.get(job.cell.id), results)]
        known = sum(seconds(job.cell) for job in left) * (_search_share(spec) if stage.name == "search" else 1.0)
        rest = stage.later * known / len(left) if left else stage.later * _mean(map(seconds, _cells(stages)))
        share = max(1, stage.resources.workers) * stage.resources.cpus
        at_once = max(1.0, cpus // share)
        total += (known + rest) / at_once
        later = f" + {stage.later} that the search chooses" if stage.later else ""
        yield (
            f"  {stage.name:<9} {len(stage.jobs)} cells{later}, {len(stage.jobs) - len(left)} done; "
            f"{stage.resources.workers or 'no'} Ray Train workers, {stage.resources.cpus:g} CPUs, "
            f"{stage.resources.gpus:g} GPUs each"
        )
    yield (
        f"  time      at most {duration(total)} on {cpus:g} CPUs, if every cell trains all its epochs; "
        "steps timed on this machine"
    )


def _cells(stages: Sequence[StagePlan]) -> list[Cell]:
    return [job.cell for stage in stages for job in stage.jobs]


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / max(1, len(numbers))


def _search_share(spec: GridSpec) -> float:
    """The part of the search's epochs that successive halving leaves, if all candidates ran side by side."""
    asha = spec.search.asha if spec.search else None
    shares = []
    for variant in spec.variants:
        count = remaining = len(candidates(spec, variant))
        if asha is None or count < 2 or too_few(count, asha.reduction_factor):
            continue
        spent = last = 0
        for rung in rungs(asha.grace_period, asha.reduction_factor, spec.train.epochs):
            spent += remaining * (rung - last)
            remaining, last = -(-remaining // asha.reduction_factor), rung
        shares.append((spent + remaining * (spec.train.epochs - last)) / (count * spec.train.epochs))
    return _mean(shares) if shares else 1.0


def _cell_seconds(spec: GridSpec, storage: Storage) -> Callable[[Cell], float]:
    """Seconds that a cell takes at most: steps of an epoch × epochs × the measured time of a step."""
    entries = {(e.windows.id, p): (e, _train_windows(e, p, storage)) for e, p in places(spec)}

    def seconds(cell: Cell) -> float:
        entry, windows = entries[cell.windows_id, cell.protocol]
        classes = len(class_names(entry.dataset, entry.cut))
        step = _step_seconds(
            cell.kind.size, entry.windows.shape, classes, cell.attention, cell.sequence_axis, cell.train.batch_size
        )
        return step * windows / cell.train.batch_size * cell.train.epochs

    return seconds


def _train_windows(entry: DatasetSpec, protocol: Protocol, storage: Storage) -> float:
    """Training windows: counted where the shards exist, else from the dataset's nominal size."""
    if storage.exists(f"windows/{entry.windows.id}/manifest.json"):
        return check_split(storage, entry.windows.id, protocol)["train"].windows
    by_subject = protocol.name not in ("random", "official")
    share = len(subject_parts(protocol, entry.all_subjects).train) / len(entry.all_subjects) if by_subject else 0.72
    return entry.dataset.samples / entry.dataset.rate_hz / entry.cut.stride_s * share


@lru_cache(maxsize=256)
def _step_seconds(
    size: Size, shape: tuple[int, int], classes: int, attention: AttentionConfig | None, axis: SequenceAxis, batch: int
) -> float:
    """The time of a training step on one thread, after a first one that does not count."""
    torch.set_num_threads(1)
    model = build(size, shape, classes, attention, axis)
    x, y = torch.zeros(batch, *shape), torch.zeros(batch, dtype=torch.long)
    times = []
    for _ in range(1 + TIMED_STEPS):
        start = time.perf_counter()
        torch.autograd.backward(cross_entropy(model(x), y))
        times.append(time.perf_counter() - start)
    return sum(times[1:]) / TIMED_STEPS


def status_lines(spec: GridSpec, storage: Storage) -> Iterator[str]:
    """How far the grid is, and the best validation score of each variant."""
    if not storage.exists(f"{spec.name}/plan.json"):
        yield f"{spec.name}: not started; nothing at {storage.child(spec.name)}"
        return
    rows = load(storage.child(spec.name).uri, pending=True)
    for stage, part in rows.groupby("stage", sort=False):
        counts = part["status"].value_counts()
        running = _running(spec, storage, part.loc[part["status"] == "pending", "cell_id"])
        waiting = int(counts.get("pending", 0)) - running
        ends = ", ".join(f"{counts.get(status, 0)} {status}" for status in ("completed", "stopped", "failed"))
        yield f"{stage}: {len(part)} cells: {ends}, {running} running, {waiting} waiting"
    monitor = spec.train.monitor
    for variant, part in rows[rows["status"] != "pending"].groupby("variant", sort=False):
        best = part.sort_values(monitor, na_position="first").iloc[-1]
        yield f"{variant:<10} best {monitor} {best[monitor]:.3f} ({best['stage']}, seed {best['seed']})"
    for _, row in rows[rows["status"] == "failed"].iterrows():
        reason = str(row["error"]).strip().splitlines()[-1]
        yield f"failed: {row['variant']} seed {row['seed']} ({row['cell_id']}): {reason}"


def _running(spec: GridSpec, storage: Storage, cell_ids: Iterable[str]) -> int:
    """Cells that have begun: with a checkpoint and without a row."""
    begun = set(storage.child(spec.name).names("cells"))
    return sum(cell_id in begun for cell_id in cell_ids)


def ending_lines(spec: GridSpec, results: ResultStore) -> Iterator[str]:
    """One line per variant: test scores of the confirm cells."""
    rows = load(results.root.uri)
    confirm = rows[rows["stage"] == "confirm"]
    groups = ["dataset", "preset", "protocol"]
    expected = len(spec.seeds)
    for place, part in confirm.groupby(groups, sort=False):
        yield " / ".join(map(str, place)) + (
            " (random windows: recordings on both sides, scores too good)" if place[2] == "random" else ""
        )
        folds = part["fold"].nunique()
        for variant in spec.variants:
            yield _variant_line(variant, part[part["variant"] == variant], expected * folds)


def _variant_line(variant: str, rows: pd.DataFrame, expected: int) -> str:
    done = rows[rows["status"] == "completed"]
    if done.empty:
        return f"  {variant:<10} no cell completed of {expected}"
    scores = 100 * done["test_f1_macro"].astype(float)
    spread = f" ± {scores.std():.1f}" if len(done) > 1 else ""
    return (
        f"  {variant:<10} test macro F1 {scores.mean():5.1f}{spread} %  ({len(done)}/{expected} cells)  "
        f"{done['params'].iloc[0]:>9,} parameters  {done['macs'].iloc[0]:>11,} multiply-adds"
    )


def duration(seconds: float) -> str:
    """e.g. `12 s`, `3:05 min`, `2:03:05 h`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"
