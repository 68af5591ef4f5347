"""What is left to do of a grid: which cell can start now, and what follows when one has ended. No Ray.

There is no barrier between stages: a student can start as soon as its own teacher's targets are there, and a group is
confirmed as soon as its own search has ended.
"""

import heapq
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from har_ray.groups import Group
from har_ray.losses import needs_maps
from har_ray.plan.cells import Job, Stage
from har_ray.plan.plan import Plan, races_of
from har_ray.search.choice import choose, cutting_rules, halving_of
from har_ray.search.halving import Halving, Progress
from har_ray.store.results import ResultStore, Row

MAX_DEATHS = 3
"""How often a cell whose process dies is begun again, beyond what Tune does itself: if a process dies while two of its
calls are under way, Tune 2.60 takes the second call's failure for that of the trial that it has just put back."""
PLAN_EVERY_S = 5.0
"""The plan is written so often at most while groups are concluded; of many cells it takes a while."""
STAGES: tuple[Stage, ...] = ("teachers", "search", "confirm")
"""In the order in which cells that can start are started: what others wait for comes first."""


@dataclass
class Agenda:
    """The jobs of one grid, from the first to the last.

    Attributes:
        rows: the results so far, of the current plan's cells.
        curves: of search cells that have ended, the monitored score of each epoch.
        repeated: cells whose files turned out to be damaged; they count as not done.
    """

    plan: Plan
    results: ResultStore
    rows: dict[str, Row]
    curves: dict[str, list[float]]
    repeated: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.settled: set[str] = set()  # done, or failed in this run
        self.running: set[str] = set()
        self.deaths: dict[str, int] = {}
        self._ready: list[tuple[tuple[int, bool, int], str]] = []
        self._students: dict[str, list[str]] = {}  # teacher → those that wait for it
        self._order = count()
        self._searched = self._groups_of(self.plan.search_jobs)
        self._winners: dict[Group, Row] = {}
        self.rules = cutting_rules(self.plan, self.plan.search_jobs)
        for cell_id, row in list(self.rows.items()):
            if row["status"] == "stopped" and row.get("cut_rule") != self.rules.get(cell_id):
                del self.rows[cell_id]  # under the current rule, among the current candidates, it may go further
        teachers = self.plan.teacher_jobs(self.plan.certain_students())
        self._add([*teachers, *self.plan.search_jobs, *self.plan.confirm_jobs(self.plan.settled)])
        self._write_plan()
        self.found = len(self.settled)

    @staticmethod
    def _groups_of(jobs: Iterable[Job]) -> dict[Group, list[Job]]:
        groups: dict[Group, list[Job]] = {}
        for job in jobs:
            groups.setdefault(job.cell.group, []).append(job)
        return groups

    # What Tune asks for and tells

    def next(self) -> Job | None:
        """A job that can start now; None: there is none until another has ended."""
        while self._ready:
            _, cell_id = heapq.heappop(self._ready)
            if cell_id not in self.running and cell_id not in self.settled:
                self.running.add(cell_id)
                return self.jobs[cell_id]
        return None

    @property
    def finished(self) -> bool:
        return len(self.settled) == len(self.jobs)

    def ended(self, cell_id: str, row: Row, curve: Sequence[float] = ()) -> None:
        """A cell has its final row."""
        self.running.discard(cell_id)
        self.repeated.discard(cell_id)
        self.rows[cell_id], self.curves[cell_id] = row, list(curve)
        job = self.jobs[cell_id]
        if row["status"] != "failed" and not job.is_done(row):
            self._push(job)  # more has been asked of it meanwhile
            return
        self._settle(job)
        self._update_plan()

    def died(self, cell_id: str, row: Row) -> bool:
        """The process of a cell has died; whether the cell is begun again, else its row says that it failed."""
        self.running.discard(cell_id)
        self.deaths[cell_id] = self.deaths.get(cell_id, 0) + 1
        if self.deaths[cell_id] < MAX_DEATHS:
            self._push(self.jobs[cell_id])
            return True
        self._fail(self.jobs[cell_id], "its process died repeatedly; see Ray's logs of its machine", row)
        self._update_plan()
        return False

    # What follows

    def _add(self, jobs: Iterable[Job]) -> None:
        """Jobs of the plan; what two of them ask of the same cell is done by one."""
        for job in jobs:
            known = self.jobs.get(job.cell.id)
            job = job if known is None else known.joined(job)
            self.jobs[job.cell.id] = job
            self.settled.discard(job.cell.id)
            if self._is_done(job):
                self._settle(job)
            elif job.cell.id not in self.running:
                self._push(job)

    def _is_done(self, job: Job) -> bool:
        return job.cell.id not in self.repeated and job.is_done(self.rows.get(job.cell.id))

    def _push(self, job: Job) -> None:
        """Let a job start, now or when its teacher's targets are there."""
        teacher = job.cell.teacher_id
        if teacher is None or self._is_done(self.jobs[teacher]):
            maps = needs_maps(job.cell.losses)  # its winner wants a teacher of its own, so that more depends on it
            priority = (STAGES.index("teachers" if job.teaches else job.stage), not maps, next(self._order))
            heapq.heappush(self._ready, (priority, job.cell.id))
        elif teacher in self.settled:
            reason = self.rows[teacher].get("error") or "it has no result"
            self._fail(job, f"its teacher {teacher} failed: {reason}", job.cell.columns())
        else:
            self._students.setdefault(teacher, []).append(job.cell.id)

    def _fail(self, job: Job, error: str, row: Row) -> None:
        """Before anything is computed of it, or after its process has died."""
        row = self.results.final_row(row, "failed", error)
        self.results.write_row(row)
        self.rows[job.cell.id] = row
        self._settle(job)

    def _settle(self, job: Job) -> None:
        """Nothing more will come of this job; what waited for it goes on."""
        self.settled.add(job.cell.id)
        for student in self._students.pop(job.cell.id, []):
            self._push(self.jobs[student])
        self._conclude(job.cell.group)

    def _conclude(self, group: Group) -> None:
        """Choose a group's winner once all its candidates have ended, and plan what confirms it."""
        jobs = self._searched.get(group)
        if jobs is None or not all(job.cell.id in self.settled for job in jobs):
            return
        del self._searched[group]
        winner, record = choose(self.plan, jobs, self.rows, self.curves)
        if winner is None:
            return
        self._winners[group] = record
        confirm = self.plan.confirm_jobs({group: winner})
        self._add([*self.plan.teacher_jobs(confirm), *confirm])

    def _update_plan(self) -> None:
        if self._planned < len(self.jobs) and (self.finished or time.monotonic() - self._written > PLAN_EVERY_S):
            self._write_plan()

    def _write_plan(self) -> None:
        """What the search has chosen so far, and every cell once, with the stage that its result counts in."""
        groups = self._groups_of(self.plan.search_jobs)
        self._planned, self._written = len(self.jobs), time.monotonic()
        self.results.write_winners([self._winners[group] for group in groups if group in self._winners])
        self.results.write_plan(
            {
                "variants": [traits.model_dump() for traits in self.plan.traits()],
                "expected": self.plan.expected(),
                "cells": [job.cell.columns() | {"stage": job.stage} for job in self.jobs.values()],
            }
        )

    # What the search knows

    def races(self) -> list[tuple[dict[str, Progress], Halving]]:
        """The candidates that are ranked against each other, with what is known of them, and the rule."""
        return [
            ({job.cell.id: self._progress(job) for job in race}, halving_of(self.plan, race))
            for race in races_of(self.plan.search_jobs)
        ]

    def _progress(self, job: Job) -> Progress:
        if not self._is_done(job):
            return Progress()  # what failed is tried again, so that nothing is known of it yet
        return Progress(self.curves[job.cell.id], ended=True)

    # How it stands

    def counts(self) -> Mapping[Stage, tuple[int, int]]:
        """For each stage how many of its cells are settled, and how many there are as far as is known."""
        counts = {stage: [0, 0] for stage in STAGES}
        for cell_id, job in self.jobs.items():
            counts[job.stage][0] += cell_id in self.settled
            counts[job.stage][1] += 1
        counts["confirm"][1] = max(counts["confirm"][1], len(self.plan.expected()))
        return {stage: (done, total) for stage, (done, total) in counts.items()}

    @property
    def unplanned(self) -> int:
        """Confirm cells that could not be planned because every candidate of their search failed."""
        confirm = sum(job.stage == "confirm" for job in self.jobs.values())
        return len(self.plan.expected()) - confirm if self.finished else 0

    @property
    def complete(self) -> bool:
        """Whether every cell has ended well."""
        return self.finished and not self.unplanned and all(map(self._is_done, self.jobs.values()))

    def confirmed(self) -> list[Row]:
        """The rows of all completed confirm cells."""
        return [
            self.rows[cell_id] for cell_id, job in self.jobs.items() if job.stage == "confirm" and self._is_done(job)
        ]
