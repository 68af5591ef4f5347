"""The stages of a grid on Ray Tune: what is left to do of them, run, and what the search chose."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import ray
from ray import tune
from ray.tune.execution.placement_groups import PlacementGroupFactory
from ray.tune.schedulers import FIFOScheduler

from har_ray.candidates import Candidate
from har_ray.errors import HarRayError
from har_ray.groups import Group
from har_ray.plan.cells import Job, Stage
from har_ray.plan.plan import Plan, races_of
from har_ray.search.halving import Halving, Progress, Standing, standings
from har_ray.search.progress import Watch
from har_ray.search.scheduler import GroupedASHA, Race
from har_ray.search.trial import CellTrial
from har_ray.spec.grid import Resources
from har_ray.store.results import ResultStore, Row
from har_ray.store.stores import Stores
from har_ray.tracking import Tracking
from har_ray.training.run import is_done

MAX_FAILURES = 3
"""How often a trial whose process died is started again; an error inside a cell is not tried again.

By Tune, and by the stage where Tune no longer does: if a process dies while two of its calls are under way, Tune 2.60
takes the second call's failure for that of the trial that it has just put back into the queue.
"""


@dataclass
class Stages:
    """Runs the stages of one grid; `rows` are the results so far."""

    plan: Plan
    stores: Stores
    tracking: Tracking
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def results(self) -> ResultStore:
        return self.stores.results

    def run_all(self) -> bool:
        """Teachers, search, the winners' teachers, confirm; whether every cell ended well.

        Every teacher that is known beforehand is trained first; those of the search's winners follow it.
        """
        for role in ("teacher", "student"):
            check_resources(role, getattr(self.plan.spec.resources, role), ray.cluster_resources())
        plan, search = self.plan, self.plan.search_jobs
        teachers = plan.teacher_jobs(plan.certain_students())
        self._write_plan([*teachers, *search, *plan.confirm_jobs(plan.settled)])
        self.run("teachers", teachers)
        self.run("search", search)
        winners, record = self.winners(search)
        self.results.write_winners(record)
        confirm = plan.confirm_jobs(plan.settled | winners)
        teachers = plan.teacher_jobs([*search, *confirm])
        self._write_plan([*teachers, *search, *confirm])
        self.run("teachers", plan.teacher_jobs(confirm))
        self.run("confirm", confirm)
        self.tracking.ended(self.rows[job.cell.id] for job in confirm if job.cell.id in self.rows)
        self.results.delete_scratch()
        lost = len(plan.expected()) - len(confirm)
        if lost:
            print(f"{lost} confirm cells could not be planned: every candidate of their search failed")
        planned = [*teachers, *search, *confirm]
        return not lost and all(is_done(job, self.rows.get(job.cell.id), self.results) for job in planned)

    def _write_plan(self, jobs: Sequence[Job]) -> None:
        """Every cell once, with the stage that its result counts in."""
        rank = {"search": 0, "teachers": 1, "confirm": 2}
        ordered = {job.cell.id: job for job in sorted(jobs, key=lambda job: rank[job.stage])}
        self.results.write_plan(
            {
                "variants": [traits.model_dump() for traits in self.plan.traits()],
                "expected": self.plan.expected(),
                "cells": [job.cell.columns() | {"stage": job.stage} for job in ordered.values()],
            }
        )

    def refresh(self, jobs: Sequence[Job]) -> None:
        self.rows |= self.results.rows(job.cell.id for job in jobs)

    def to_do(self, jobs: Sequence[Job]) -> list[Job]:
        return [job for job in jobs if not is_done(job, self.rows.get(job.cell.id), self.results)]

    def run(self, stage: Stage, jobs: Sequence[Job]) -> None:
        """Bring all jobs of a stage to their end."""
        self.refresh(jobs)
        rules = self._cutting_rules(jobs) if stage == "search" else {}
        for job in jobs:
            row = self.rows.get(job.cell.id, {})
            if row.get("status") == "stopped" and row.get("cut_rule") != rules.get(job.cell.id):
                del self.rows[job.cell.id]  # under the current rule, among the current candidates, it may go further
        ready = [job for job in self.to_do(jobs) if self._has_teacher(job)]
        watch = Watch(stage, len(jobs), len(jobs) - len(ready), self.results, self.tracking, rules)
        resources = self.plan.spec.resources.teacher if stage == "teachers" else self.plan.spec.resources.student
        for _ in range(MAX_FAILURES):
            watch.died = {}
            if ready:
                scheduler = self._scheduler(jobs) if stage == "search" else FIFOScheduler()
                _tune(stage, ready, resources, self.stores, scheduler, watch)
                self.refresh(jobs)
            ready = [job for job in ready if job.cell.id in watch.died]
            if not ready:
                break
        watch.close()
        self.refresh(jobs)

    def _has_teacher(self, job: Job) -> bool:
        """Whether a job can be run; one whose teacher failed fails with it, before anything is computed."""
        teacher = job.cell.teacher_id
        if teacher is None or (self.rows.get(teacher) or {}).get("status") == "completed":
            return True
        reason = (self.rows.get(teacher) or {}).get("error") or "it has no result"
        error = f"its teacher {teacher} failed: {reason}"
        self.rows[job.cell.id] = self.results.final_row(job.cell.columns(), "failed", error)
        self.results.write_row(self.rows[job.cell.id])
        return False

    def _halving(self, race: Sequence[Job]) -> Halving:
        search = self.plan.spec.search
        return Halving.of(search.asha if search else None, len(race), self.plan.spec.train.epochs)

    def _cutting_rules(self, jobs: Sequence[Job]) -> dict[str, str]:
        """What decides whether a candidate is cut, by cell id; a cell that was cut by another rule is not done."""
        races = ((race, self._halving(race)) for race in races_of(jobs))
        return {
            job.cell.id: f"{list(halving.rungs)}, {halving.reduction_factor}, {len(race)} candidates"
            for race, halving in races
            for job in race
        }

    def _scheduler(self, jobs: Sequence[Job]) -> FIFOScheduler:
        # What failed is tried again, so that nothing is known of it yet.
        return GroupedASHA(
            [
                Race({n: p._replace(failed=False) for n, p in self.progress(race).items()}, self._halving(race))
                for race in races_of(jobs)
            ]
        )

    def progress(self, jobs: Sequence[Job]) -> dict[str, Progress]:
        """What is known of these search jobs, by cell id."""
        known = {}
        for job in jobs:
            row = self.rows.get(job.cell.id)
            if row is None or row["status"] == "failed":
                known[job.cell.id] = Progress(failed=row is not None)
            else:
                curve = [epoch[self.plan.spec.train.monitor] for epoch in self.results.curve(job.cell.id)]
                known[job.cell.id] = Progress(curve, ended=True)
        return known

    def winners(self, jobs: Sequence[Job]) -> tuple[dict[Group, Candidate], list[Row]]:
        """The best candidate of each group of finished search jobs, and what to record of the choice.

        With several search seeds a candidate stands by the rungs it survived, then by its mean score. A group of
        which every candidate failed has no winner.
        """
        chosen: dict[Group, Candidate] = {}
        record = []
        groups: dict[Group, list[Job]] = {}
        for job in jobs:
            groups.setdefault(job.cell.group, []).append(job)
        for group, members in groups.items():
            standing = self._standing(members)
            best = max(standing, key=standing.__getitem__)
            if standing[best].score == -math.inf:
                continue
            chosen[group] = best
            statuses = [self.rows[job.cell.id]["status"] for job in members]
            record.append(
                group.columns()
                | {"hyper": best.columns, "monitor": self.plan.spec.train.monitor, "val_score": standing[best].score}
                | {"candidates": len(standing)}
                | {status: statuses.count(status) for status in ("stopped", "failed")}
            )
        return chosen, record

    def _standing(self, jobs: Sequence[Job]) -> dict[Candidate, Standing]:
        standing: dict[Candidate, list[Standing]] = {}
        for race in races_of(jobs):
            found = standings(self.progress(race), self._halving(race))
            for job in race:
                candidate = Candidate(job.cell.hyper, job.cell.model, job.cell.losses)
                standing.setdefault(candidate, []).append(found[job.cell.id])
        return {
            candidate: Standing(sum(s.rungs_survived for s in ones), sum(s.score for s in ones) / len(ones))
            for candidate, ones in standing.items()
        }


def _tune(
    stage: Stage, jobs: Sequence[Job], resources: Resources, stores: Stores, scheduler: FIFOScheduler, watch: Watch
) -> None:
    # Tune's own log files and console output would repeat at length what `Watch` and the rows say. Its handler of
    # Ctrl-C would end this stage as if it were complete, and the next would begin.
    os.environ |= {
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "RAY_AIR_NEW_OUTPUT": "0",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",
    }
    tune.Tuner(
        tune.with_resources(CellTrial, _trial_resources(resources)),
        param_space={
            "trial": tune.grid_search([_trial(job) for job in jobs]),
            "stores": asdict(stores),
            "resources": resources.model_dump(),
        },
        tune_config=tune.TuneConfig(
            metric="score",
            mode="max",
            scheduler=scheduler,
            reuse_actors=True,
            max_concurrent_trials=concurrency(resources, ray.cluster_resources()),
            trial_name_creator=lambda trial: trial.config["trial"]["name"],
            trial_dirname_creator=lambda trial: trial.config["trial"]["name"],
        ),
        run_config=tune.RunConfig(
            name=stage,
            storage_path=stores.results.scratch.uri,
            callbacks=[watch],
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
        ),
    ).fit()


def _trial(job: Job) -> Row:
    return {
        "name": job.cell.id,
        "stage": job.stage,
        "epochs": job.cell.training.epochs,
        "job": job.model_dump_json(),
        "columns": job.cell.columns(),
    }


def check_resources(role: str, resources: Resources, available: Mapping[str, float]) -> None:
    """Raise `HarRayError` if the cluster has no room for a single trial, which would wait for ever."""
    for key, resource, each in (("cpus", "CPU", resources.cpus), ("gpus", "GPU", resources.gpus)):
        needed, there = each * max(1, resources.workers), available.get(resource, 0)
        if needed > there:
            raise HarRayError(
                f"resources.{role}: a trial needs {needed:g} {resource}s, the cluster has {there:g}; "
                f"--set resources.{role}.{key}={there / max(1, resources.workers):g}"
            )


def _trial_resources(resources: Resources) -> PlacementGroupFactory:
    """What Tune reserves: all that an inline trial needs; for Ray Train workers a token, they reserve their own."""
    if resources.workers:
        return PlacementGroupFactory([{"memory": 1}])
    return PlacementGroupFactory([{"CPU": resources.cpus, "GPU": resources.gpus}])


def concurrency(resources: Resources, available: Mapping[str, float]) -> int:
    """How many trials can have their workers at the same time; at least one.

    Drivers wait for their workers, so more of them than there is room for workers would wait for ever.
    """
    each = max(1, resources.workers)
    fits = [available.get("CPU", 1) // (each * resources.cpus)]
    if resources.gpus:
        fits.append(available.get("GPU", 0) // (each * resources.gpus))
    return max(1, int(min(fits)))
