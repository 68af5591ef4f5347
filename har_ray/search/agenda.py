"""What is left to do of a grid: which cell can start now, and what follows when one has ended. No Ray.

There is no barrier between stages: a student can start as soon as its own teacher's targets are there, and a group is
confirmed as soon as its own search has ended.
"""

import heapq
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from har_ray.candidates import Candidate
from har_ray.groups import Group
from har_ray.losses import needs_maps
from har_ray.plan.cells import Job, Stage
from har_ray.plan.plan import Plan, races_of
from har_ray.search.choice import choose, halving_of
from har_ray.search.halving import Fate, Progress, Standing, decide
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
        curves: of search cells that have left one, the monitored score of each epoch.
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
        self.here: set[str] = set()  # came to their end in this run
        self.deaths: dict[str, int] = {}
        self.halving = halving_of(self.plan)
        self._ready: list[tuple[tuple[int, bool, bool, int], str]] = []
        self._students: dict[str, list[str]] = {}  # teacher → those that wait for it
        self._order = count()
        self._races = races_of(self.plan.search_jobs)  # that have no winner yet
        self._goals: dict[str, int] = {}  # epochs that a candidate's cell may be trained for
        self._changed: dict[Group, None] = {}  # races in which something has happened
        self._winners: dict[Group, Row] = {}
        # Cells that wait at a rung, with their row so far. What was cut among other candidates, or by another rule, may
        # go on.
        self.paused = {
            job.cell.id: self.rows.pop(job.cell.id)
            for job in self.plan.search_jobs
            if job.cell.id in self.curves and self.rows.get(job.cell.id, {}).get("status") == "stopped"
        }
        teachers = self.plan.teacher_jobs(self.plan.certain_students())
        self._add([*teachers, *self.plan.search_jobs, *self.plan.confirm_jobs(self.plan.settled)])
        self._advance()
        self._write_plan()

    # What Tune asks for and tells

    def next(self) -> Job | None:
        """A job that can start now; None: there is none until another has ended."""
        while self._ready:
            _, cell_id = heapq.heappop(self._ready)
            if cell_id not in self.running and cell_id not in self.settled:
                self.running.add(cell_id)
                job = self.jobs[cell_id]
                return job.model_copy(update={"until": self._goal(job)}) if job.stage == "search" else job
        return None

    @property
    def finished(self) -> bool:
        return len(self.settled) == len(self.jobs)

    def ended(self, cell_id: str, row: Row, curve: Sequence[float] = ()) -> None:
        """A cell has its final row."""
        self.running.discard(cell_id)
        self.repeated.discard(cell_id)
        self.rows[cell_id], self.curves[cell_id] = row, list(curve)
        self.here.add(cell_id)
        job = self.jobs[cell_id]
        if row["status"] != "failed" and not job.is_done(row):
            self._push(job)  # more has been asked of it meanwhile
        else:
            self._settle(job)
            self._advance()
            self._update_plan()

    def pauses(self, cell_id: str, row: Row, curve: Sequence[float]) -> None:
        """A cell has reached a rung; this is its row so far."""
        self.running.discard(cell_id)
        self.curves[cell_id] = list(curve)
        job = self.jobs[cell_id]
        if job.stage != "search":
            self._push(job)  # it has been asked for as a whole meanwhile
        else:
            self.paused[cell_id] = row
        self._changed[job.cell.group] = None
        self._advance()
        self._update_plan()

    def died(self, cell_id: str, row: Row) -> bool:
        """The process of a cell has died; whether the cell is begun again, else its row says that it failed."""
        self.running.discard(cell_id)
        self.deaths[cell_id] = self.deaths.get(cell_id, 0) + 1
        if self.deaths[cell_id] < MAX_DEATHS:
            self._push(self.jobs[cell_id])
            return True
        self._fail(self.jobs[cell_id], "its process died repeatedly; see Ray's logs of its machine", row)
        self._advance()
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
            elif job.stage != "search" or job.cell.id not in self.paused:
                self.paused.pop(job.cell.id, None)
                self._push(job)
            else:
                self._changed[job.cell.group] = None

    def _is_done(self, job: Job) -> bool:
        return job.cell.id not in self.repeated and job.is_done(self.rows.get(job.cell.id))

    def _goal(self, job: Job) -> int:
        return self._goals.get(job.cell.id, self.halving.goals[0])

    def _push(self, job: Job) -> None:
        """Let a job start, now or when its teachers' targets are there."""
        if job.cell.id in self.running:
            return  # what is left of it then follows
        waited_for = [teacher for teacher in job.cell.teacher_ids if not self._is_done(self.jobs[teacher])]
        failed = next((teacher for teacher in waited_for if teacher in self.settled), None)
        if not waited_for:
            maps = needs_maps(job.cell.losses)  # its winner wants a teacher of its own, so that more depends on it
            stage = STAGES.index("teachers" if job.teaches else job.stage)
            begun = job.cell.id in self.curves  # it was promoted, so that it takes longest to its end
            heapq.heappush(self._ready, ((stage, not maps, not begun, next(self._order)), job.cell.id))
        elif failed is not None:
            reason = self.rows[failed].get("error") or "it has no result"
            self._fail(job, f"its teacher {failed} failed: {reason}", job.cell.columns())
        else:
            self._students.setdefault(waited_for[0], []).append(job.cell.id)

    def _fail(self, job: Job, error: str, row: Row) -> None:
        """Before anything is computed of it, or after its process has died."""
        self._finish(job, self.results.final_row(row, "failed", error))

    def _finish(self, job: Job, row: Row) -> None:
        """Write the row of a cell that does not write it itself."""
        self.results.write_row(row)
        self.rows[job.cell.id] = row
        self.here.add(job.cell.id)
        self._settle(job)

    def _settle(self, job: Job) -> None:
        """Nothing more will come of this job; what waited for it goes on."""
        self.settled.add(job.cell.id)
        self._changed[job.cell.group] = None
        for student in self._students.pop(job.cell.id, []):
            self._push(self.jobs[student])

    # The search

    def _advance(self) -> None:
        """Promote and cut candidates where something has happened, and choose winners."""
        while self._changed:
            group, _ = self._changed.popitem()
            race = self._races.get(group)
            if race is None:
                continue
            standings = {name: Standing(tuple(map(self._progress, jobs))) for name, jobs in race.items()}
            for name, fate in decide(standings, self.halving).items():
                for job in race[name]:
                    self._follow(job, fate)
            if all(job.cell.id in self.settled for jobs in race.values() for job in jobs):
                del self._races[group]
                self._conclude(group, *choose(standings, race, self.halving))

    def _progress(self, job: Job) -> Progress:
        cell_id = job.cell.id
        status = self.rows[cell_id]["status"] if cell_id in self.settled else None  # what failed earlier is tried again
        return Progress(self.curves.get(cell_id, ()), status == "completed", status == "failed")

    def _follow(self, job: Job, fate: Fate) -> None:
        """Let a cell that waits at a rung go on, or cut it. One that was cut goes on if a better one fails later."""
        cell_id = job.cell.id
        self._goals[cell_id] = fate.goal
        was_cut = cell_id in self.settled and self.rows[cell_id]["status"] == "stopped"
        if cell_id not in self.paused and not was_cut:
            return
        if fate.goal > len(self.curves[cell_id]):
            self.settled.discard(cell_id)
            self.paused.pop(cell_id, None)
            self._push(job)
        elif fate.ends and not was_cut:
            self._cut(job, self.paused.pop(cell_id))

    def _cut(self, job: Job, row: Row) -> None:
        """Write the row of a cell that goes no further, unless an earlier run has."""
        if row.get("status") == "stopped":
            self.rows[job.cell.id] = row
            self._settle(job)
            return
        monitor, scores = job.cell.training.monitor, self.curves[job.cell.id]
        files = self.results.write_curve(
            job.cell.id, [{"epoch": number, monitor: score} for number, score in enumerate(scores, start=1)]
        )
        *legs, (node, start, end) = row["legs"]  # it ended when it paused, not now
        row = self.results.final_row(row | {"legs": legs, "node": node, "started_at": start}, "stopped", files=files)
        self._finish(job, row | {"finished_at": end})
        self.results.delete_checkpoint(job.cell.id)

    def _conclude(self, group: Group, winner: Candidate | None, record: Row) -> None:
        """Record what a group's search has chosen, and plan what confirms it."""
        if winner is None:
            return
        self._winners[group] = record
        confirm = self.plan.confirm_jobs({group: winner})
        self._add([*self.plan.teacher_jobs(confirm), *confirm])

    # The plan

    def _update_plan(self) -> None:
        if self._planned < len(self.jobs) and (self.finished or time.monotonic() - self._written > PLAN_EVERY_S):
            self._write_plan()

    def _write_plan(self) -> None:
        """What the search has chosen so far, and every cell once, with the stage that its result counts in."""
        groups = dict.fromkeys(job.cell.group for job in self.plan.search_jobs)
        self._planned, self._written = len(self.jobs), time.monotonic()
        self.results.write_winners([self._winners[group] for group in groups if group in self._winners])
        self.results.write_plan(
            {
                "variants": [traits.model_dump() for traits in self.plan.traits()],
                "expected": self.plan.expected(),
                "cells": [job.cell.columns() | {"stage": job.stage} for job in self.jobs.values()],
            }
        )

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
    def found(self) -> int:
        """Cells that have come to their end, and had before this run."""
        return len(self.settled - self.here)

    @property
    def cut(self) -> int:
        """Cells that the search has cut, in this run or before."""
        return sum(self.rows[cell_id]["status"] == "stopped" for cell_id in self.settled)

    def share(self, cell_id: str) -> float:
        """The part of its epochs that a search cell has been trained for."""
        return len(self.curves.get(cell_id, ())) / self.halving.epochs

    def to_come(self) -> Counter[str]:
        """Confirm cells of each variant that are no jobs yet, because their search goes on."""
        planned = Counter(job.cell.variant for job in self.jobs.values() if job.stage == "confirm")
        return Counter(cell["variant"] for cell in self.plan.expected()) - planned

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
