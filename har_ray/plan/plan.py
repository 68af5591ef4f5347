"""From a grid to its jobs: what the search tries, which teachers that takes, what is confirmed, what is expected."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from har_ray.candidates import CHANNELS, Candidate, candidates, resolve
from har_ray.data.protocol import Protocol
from har_ray.groups import Group, Setting
from har_ray.losses import needs_maps, needs_teacher
from har_ray.models.architectures import fitted_at_once
from har_ray.plan.cells import Cell, Job, Views
from har_ray.spec.dataset import DatasetSpec
from har_ray.spec.grid import GridSpec
from har_ray.variants import Traits, Variant, traits

Winners = Mapping[Group, Candidate]

SEEDS_APART = 10_000
"""Between the seeds of teachers of one name, so that they are none of the grid's."""


class Fold(NamedTuple):
    """A dataset entry with one fold of its protocol, and the windows it is about."""

    entry: DatasetSpec
    windows_id: str
    protocol: Protocol
    setting: Setting

    def group(self, variant: str) -> Group:
        return Group(self.setting, self.protocol.fold, variant)


class Plan:
    """What follows from a grid.

    Args:
        windows_ids: of the grid's datasets, in order.
    """

    def __init__(self, spec: GridSpec, windows_ids: Sequence[str]) -> None:
        self.spec = spec
        self._teacher_cells: dict[tuple[object, ...], Cell] = {}
        self._candidates: dict[tuple[object, ...], list[Candidate]] = {}
        self.folds = [
            Fold(entry, windows_id, protocol, Setting(entry.name, entry.preset_label, protocol.label))
            for entry, windows_id in zip(spec.datasets, windows_ids, strict=True)
            for protocol in entry.protocols
        ]

    def candidates(self, fold: Fold, variant: Variant) -> list[Candidate]:
        """What the search tries of a variant: the same wherever there is the same choice of channels."""
        groups = tuple(fold.entry.channel_groups)
        known = (groups, variant.name)
        if known not in self._candidates:
            search = self.spec.search
            space: dict[str, Any] = dict(search.space) if search else {}
            trials = search.trials if search else "all"
            self._candidates[known] = candidates(variant, space, trials, self.spec.sequence_axis, groups)
        return self._candidates[known]

    @cached_property
    def settled(self) -> dict[Group, Candidate]:
        """The groups that have nothing to search, with their only candidate."""
        return {group: found[0] for group, found in self.by_group.items() if len(found) == 1}

    @cached_property
    def by_group(self) -> dict[Group, list[Candidate]]:
        """The candidates of every group."""
        return {
            fold.group(variant.name): self.candidates(fold, variant)
            for fold in self.folds
            for variant in self.spec.variants
        }

    def recorded(self, winners: Iterable[Mapping[str, Any]]) -> dict[Group, Candidate]:
        """The candidates that a record of winners names, where they still are candidates."""
        found = {}
        for winner in winners:
            for candidate in self.by_group.get(Group.of(winner), []):
                if candidate.columns == winner["hyper"]:
                    found[Group.of(winner)] = candidate
        return found

    @cached_property
    def search_jobs(self) -> list[Job]:
        """Every candidate of every variant that has more than one, on the search seeds."""
        return [
            self._job(fold, variant, candidate, seed, "search")
            for fold in self.folds
            for variant in self.spec.variants
            if len(self.candidates(fold, variant)) > 1
            for candidate in self.candidates(fold, variant)
            for seed in (self.spec.search.seeds if self.spec.search else [])
        ]

    def confirm_jobs(self, winners: Winners) -> list[Job]:
        """The winner of every group on all seeds; groups that have no winner yet are left out."""
        jobs = [
            self._job(fold, variant, winners[group], seed, "confirm")
            for fold in self.folds
            for variant in self.spec.variants
            if (group := fold.group(variant.name)) in winners
            for seed in self.spec.seeds
        ]
        taught = _views(jobs)
        return [
            job.model_copy(update={"teaches": True, "views": tuple(taught[job.cell.id])})
            if job.cell.id in taught
            else job
            for job in jobs
        ]

    def teacher_jobs(self, students: Iterable[Job]) -> list[Job]:
        """The teachers of these students, each once; one that is itself among them keeps its stage."""
        students = list(students)
        confirmed = {job.cell.id for job in students if job.stage == "confirm"}
        teachers = {cell.id: cell for job in students for cell in self.teachers_of(job.cell)}
        return [
            Job(
                cell=teachers[cell_id],
                stage="confirm" if cell_id in confirmed else "teachers",
                teaches=True,
                views=tuple(views),
                metrics=self.metrics,
            )
            for cell_id, views in _views(students).items()
        ]

    def certain_students(self) -> list[Job]:
        """Jobs whose teachers are known before the search has chosen: the search's own, and those to be confirmed.

        Where what the search will choose does not change the teacher, any candidate stands for the winner.
        """
        stand_ins = {
            fold.group(variant.name): self.candidates(fold, variant)[0]
            for fold in self.folds
            for variant in self.spec.variants
            if needs_teacher(variant.losses) and not needs_maps(variant.losses) and not variant.augment
            if not fold.entry.channel_groups
        }
        return [*self.search_jobs, *self.confirm_jobs(stand_ins | self.settled)]

    def expected(self) -> list[dict[str, Any]]:
        """Every confirm cell that the tables should hold: the columns of its group, and its seed."""
        return [
            {**fold.group(variant.name).columns(), "seed": seed}
            for fold in self.folds
            for variant in self.spec.variants
            for seed in self.spec.seeds
        ]

    def traits(self) -> list[Traits]:
        """What tables and figures need to know of the variants."""
        return [traits(v, needs_teacher(v.losses), self._for_comparison(v)) for v in self.spec.variants]

    def _for_comparison(self, variant: Variant) -> bool:
        """Whether a variant of the grid's own is there to teach or as a baseline, not for the watch."""
        teaches = any(variant.name in self.spec.teachers(student) for student in self.spec.variants)
        return variant.size is None and (teaches or fitted_at_once(variant.architecture))

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(self.spec.metrics)

    def teachers_of(self, cell: Cell) -> list[Cell]:
        """The teachers of a student, of the same data and fold; none for a cell that learns from nobody.

        The first of a name has the student's seed. A student whose attention maps are compared learns from teachers
        with the same attention, any other from teachers without.
        """
        return [
            self._teacher(cell, teacher, cell.seed + SEEDS_APART * number)
            for teacher, number in self._teachers.get(cell.variant, [])
        ]

    def _teacher(self, student: Cell, teacher: Variant, seed: int) -> Cell:
        attention = student.hyper["attention"] if teacher.attention else None
        data = (student.group.setting, student.windows_id, student.protocol, student.channels)
        known = (*data, seed, teacher.name, attention)
        if known not in self._teacher_cells:  # many students learn from the same
            hyper = candidates(teacher, {"attention": None}, "all", self.spec.sequence_axis)[0].hyper
            chosen = resolve(teacher, hyper | ({"attention": attention} if attention else {}), self.spec.sequence_axis)
            made = self._made(chosen)
            training = made["training"]
            if (most := self.spec.teacher_epochs) is not None:
                made["training"] = training.model_copy(update={"epochs": min(most, training.epochs)})
            changes = {"variant": teacher.name, "size": teacher.size, "teacher_id": None, "seed": seed}
            self._teacher_cells[known] = student.model_copy(update=changes | made)
        return self._teacher_cells[known]

    @cached_property
    def _teachers(self) -> dict[str, list[tuple[Variant, int]]]:
        """The teachers of each variant that has any, each with how many of its name stand before it."""
        known = self.spec.known_variants
        return {
            variant.name: [
                (known[name].with_attention() if needs_maps(variant.losses) else known[name], names[:i].count(name))
                for i, name in enumerate(names)
            ]
            for variant in self.spec.variants
            if (names := self.spec.teachers(variant))
        }

    def _made(self, candidate: Candidate) -> dict[str, Any]:
        """What a cell has of a candidate."""
        made = {key: value for key, value in candidate._asdict().items() if key != "train"}
        return made | {"training": self.spec.train.model_copy(update=candidate.train)}

    def _job(self, fold: Fold, variant: Variant, candidate: Candidate, seed: int, stage: Any) -> Job:
        cell = Cell(
            dataset=fold.setting.dataset,
            preset=fold.setting.preset,
            windows_id=fold.windows_id,
            protocol=fold.protocol,
            variant=variant.name,
            seed=seed,
            size=variant.size,
            channels=fold.entry.channel_groups.get(str(candidate.hyper.get(CHANNELS))),
            **self._made(candidate),
        )
        if teachers := self.teachers_of(cell):
            cell = cell.model_copy(update={"teacher_id": "+".join(teacher.id for teacher in teachers)})
        return Job(cell=cell, stage=stage, metrics=self.metrics)


def _views(students: Iterable[Job]) -> dict[str, dict[Views, None]]:
    """Teacher → the views that its students need its targets of, in a fixed order; {} where it needs to leave none."""
    found: dict[str, dict[Views, None]] = {}
    for job in students:
        for teacher_id in job.cell.teacher_ids:
            views = found.setdefault(teacher_id, {})
            if job.cell.views is not None:
                views[job.cell.views] = None
    return found


def races_of(jobs: Iterable[Job]) -> dict[Group, dict[str, list[Job]]]:
    """Search jobs by group and candidate; a candidate's name is the id of its first cell."""
    races: dict[Group, dict[Candidate, list[Job]]] = {}
    for job in jobs:
        races.setdefault(job.cell.group, {}).setdefault(job.cell.candidate, []).append(job)
    return {group: {ones[0].cell.id: ones for ones in race.values()} for group, race in races.items()}
