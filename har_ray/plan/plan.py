"""From a grid to its cells: what the search tries, which teachers that takes, what is confirmed.

Hyper-parameters are drawn once per variant, the same for every dataset and fold, without repetition; the draw depends
on the space alone, so more `trials` later keep the earlier ones.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from har_ray.data.protocol import Protocol
from har_ray.models.attention import AttentionConfig
from har_ray.plan.cells import Cell, Job
from har_ray.spec.dataset import DatasetSpec
from har_ray.spec.grid import AttentionSpace, GridSpec, Space
from har_ray.variants import VARIANTS

Group = tuple[str, str, str, int, str]
"""dataset, preset, protocol, fold, variant: what is compared with each other."""


class Hyper(NamedTuple):
    """The hyper-parameters that the search chooses; None for those that a variant does not have."""

    temperature: float | None = None
    alpha: float | None = None
    beta: float | None = None
    attention: AttentionConfig | None = None


def candidates(spec: GridSpec, variant: str) -> list[Hyper]:
    """What the search tries for a variant; one entry where there is nothing to search."""
    keys = VARIANTS[variant].searches
    if not keys or spec.search is None:
        return [Hyper()]
    everything = whole_space(spec.search.space, keys)
    if spec.search.trials == "all" or spec.search.trials >= len(everything):
        return everything
    seed = hashlib.sha256(f"{keys}{everything}".encode()).digest()[:8]
    drawn = np.random.default_rng(int.from_bytes(seed, "big")).permutation(len(everything))
    return [everything[i] for i in drawn[: spec.search.trials]]


def whole_space(space: Space, keys: Sequence[str]) -> list[Hyper]:
    """The product of the choices for `keys`, each configuration once."""
    values = {key: getattr(space, key) for key in keys}
    if "attention" in values:
        values["attention"] = attention_configs(space.attention) if space.attention else []
    combinations = [dict(zip(values, choice, strict=True)) for choice in product(*values.values())]
    return list(dict.fromkeys(Hyper(**choice) for choice in combinations))


def attention_configs(space: AttentionSpace) -> list[AttentionConfig]:
    """Every attention configuration; what a kind does not use does not multiply it."""
    configs = []
    for kind, position in product(space.kind, space.position):
        ratios: Sequence[int | None] = [None] if kind == "spatial" else space.ratio
        kernels: Sequence[int | None] = [None] if kind == "channel" else space.kernel
        for ratio, kernel in product(ratios, kernels):
            configs.append(AttentionConfig(kind=kind, ratio=ratio, kernel=kernel, position=position))
    return configs


def make_cell(spec: GridSpec, entry: DatasetSpec, protocol: Protocol, variant: str, hyper: Hyper, seed: int) -> Cell:
    """The cell, with the id of the teacher that it needs."""
    cell = Cell(
        dataset=entry.name,
        preset=entry.preset_label,
        windows_id=entry.windows.id,
        protocol=protocol,
        variant=variant,
        seed=seed,
        sequence_axis=spec.sequence_axis,
        train=spec.train,
        **hyper._asdict(),
    )
    teacher = teacher_of(spec, cell)
    return cell.model_copy(update={"teacher_id": teacher.id}) if teacher else cell


def teacher_of(spec: GridSpec, cell: Cell) -> Cell | None:
    """The teacher of a student, of the same data, fold and seed; None for a cell without one.

    RB-KD and RB-KD-Att learn from the teacher without attention, RAB-KD from the one with the student's attention.
    """
    if not cell.kind.distils:
        return None
    assert spec.teacher is not None, "the grid's validation asks for a teacher"
    same = cell.model_copy(update={"temperature": None, "alpha": None, "beta": None, "teacher_id": None})
    if cell.kind.transfers_attention:
        return same.model_copy(update={"variant": f"{spec.teacher}-Att"})
    return same.model_copy(update={"variant": spec.teacher, "attention": None})


def places(spec: GridSpec) -> Iterator[tuple[DatasetSpec, Protocol]]:
    """Every dataset entry with every fold."""
    for entry in spec.datasets:
        for protocol in entry.protocols:
            yield entry, protocol


def search_jobs(spec: GridSpec) -> list[Job]:
    """Every candidate of every variant that has more than one, on the search seeds."""
    if spec.search is None:
        return []
    return [
        Job(cell=make_cell(spec, entry, protocol, variant, hyper, seed), stage="search")
        for entry, protocol in places(spec)
        for variant in spec.variants
        if len(hypers := candidates(spec, variant)) > 1
        for hyper in hypers
        for seed in spec.search.seeds
    ]


def confirm_jobs(spec: GridSpec, winners: Mapping[Group, Hyper]) -> list[Job]:
    """The winner of every group on all seeds; groups that have no winner yet are left out."""
    cells = [
        make_cell(spec, entry, protocol, variant, winners[group], seed)
        for entry, protocol in places(spec)
        for variant in spec.variants
        if (group := (entry.name, entry.preset_label, protocol.name, protocol.fold, variant)) in winners
        for seed in spec.seeds
    ]
    teaching = {cell.teacher_id for cell in cells}
    return [Job(cell=cell, stage="confirm", teaches=cell.id in teaching) for cell in cells]


def teacher_jobs(spec: GridSpec, students: Iterable[Job]) -> list[Job]:
    """The teachers of these students, each once; one that is itself among them keeps its stage."""
    students = list(students)
    confirmed = {job.cell.id for job in students if job.stage == "confirm"}
    teachers = [cell for job in students if (cell := teacher_of(spec, job.cell))]
    jobs = [
        Job(
            cell=cell,
            stage="confirm" if cell.id in confirmed else "teachers",
            teaches=True,
        )
        for cell in teachers
    ]
    return list({job.cell.id: job for job in jobs}.values())


def certain_students(spec: GridSpec) -> list[Job]:
    """Jobs whose teachers are known before the search has chosen: the search's own, and those to be confirmed.

    What a response-distilled student's search will choose does not change its teacher, so any candidate stands for it.
    """
    stand_ins = {
        (entry.name, entry.preset_label, protocol.name, protocol.fold, variant): candidates(spec, variant)[0]
        for entry, protocol in places(spec)
        for variant in spec.variants
        if VARIANTS[variant].distils and not VARIANTS[variant].transfers_attention
    }
    return [*search_jobs(spec), *confirm_jobs(spec, stand_ins | settled(spec))]


def settled(spec: GridSpec) -> dict[Group, Hyper]:
    """The groups that have nothing to search, with their only configuration."""
    return {
        (entry.name, entry.preset_label, protocol.name, protocol.fold, variant): hypers[0]
        for entry, protocol in places(spec)
        for variant in spec.variants
        if len(hypers := candidates(spec, variant)) == 1
    }
