"""The stages of a grid on Ray Tune: what is to do of them, run, and what the search chose."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ray
from ray import tune
from ray.tune.execution.placement_groups import PlacementGroupFactory
from ray.tune.schedulers import FIFOScheduler

from har_ray.errors import HarRayError
from har_ray.plan.cells import Job, Stage
from har_ray.plan.plan import Group, Hyper, certain_students, confirm_jobs, places, search_jobs, settled, teacher_jobs
from har_ray.search.halving import Progress, Standing, rungs, standings, too_few
from har_ray.search.progress import Watch
from har_ray.search.scheduler import GroupedASHA
from har_ray.search.trial import CellTrial
from har_ray.spec.grid import GridSpec, Resources
from har_ray.store.results import Row
from har_ray.tracking.wandb import Tracker
from har_ray.training.run import Place, final_row, is_done

MAX_FAILURES = 3
"""How often a trial whose process died is started again; an error inside a cell is not tried again.

By Tune, and by the stage after Tune gave up: where a process dies while two of its calls are under way, Tune 2.60 takes
the second call's failure for that of the trial that it has just put back into the queue.
"""


@dataclass
class Stages:
    """Runs stages of one grid; `rows` are the results so far."""

    spec: GridSpec
    place: Place
    tracker: Tracker
    rows: dict[str, Row] = field(default_factory=dict)

    def run_all(self) -> bool:
        """Teachers, search, the winners' teachers, confirm; whether every cell ended well.

        Every teacher that is known beforehand is trained first; those of the search's winners follow it.
        """
        for role in ("teacher", "student"):
            check_resources(role, getattr(self.spec.resources, role), ray.cluster_resources())
        search, chosen = search_jobs(self.spec), settled(self.spec)
        teachers = teacher_jobs(self.spec, certain_students(self.spec))
        self._write_plan([*teachers, *search, *confirm_jobs(self.spec, chosen)])
        self.run("teachers", teachers)
        self.run("search", search)
        winners, record = self.winners(search)
        self.place.results.root.write_json("winners.json", record)
        confirm = confirm_jobs(self.spec, chosen | winners)
        teachers = teacher_jobs(self.spec, [*search, *confirm])
        self._write_plan([*teachers, *search, *confirm])
        self.run("teachers", teacher_jobs(self.spec, confirm))
        self.run("confirm", confirm)
        self.tracker.ended(self.rows[job.cell.id] for job in confirm if job.cell.id in self.rows)
        self.place.results.root.delete("ray")
        groups = sum(1 for _ in places(self.spec)) * len(self.spec.variants)
        lost = groups * len(self.spec.seeds) - len(confirm)
        if lost:
            print(f"{lost} confirm cells could not be planned: every candidate of their search failed")
        planned = [*teachers, *search, *confirm]
        return not lost and all(is_done(job, self.rows.get(job.cell.id), self.place.results) for job in planned)

    def _write_plan(self, jobs: Sequence[Job]) -> None:
        """Every cell once, with the stage that its result counts in."""
        rank = {"search": 0, "teachers": 1, "confirm": 2}
        ordered = {job.cell.id: job for job in sorted(jobs, key=lambda job: rank[job.stage])}
        plan = [job.cell.columns() | {"stage": job.stage} for job in ordered.values()]
        self.place.results.root.write_json("plan.json", plan)

    def refresh(self, jobs: Sequence[Job]) -> None:
        self.rows |= self.place.results.rows(job.cell.id for job in jobs)

    def to_do(self, jobs: Sequence[Job]) -> list[Job]:
        return [job for job in jobs if not is_done(job, self.rows.get(job.cell.id), self.place.results)]

    def run(self, stage: Stage, jobs: Sequence[Job]) -> None:
        """Bring all jobs of a stage to their end; those that were finished earlier are not run again."""
        self.refresh(jobs)
        rules = self._cutting_rules(jobs) if stage == "search" else {}
        for job in jobs:
            row = self.rows.get(job.cell.id, {})
            if row.get("status") == "stopped" and row.get("asha") != rules.get(job.cell.id):
                del self.rows[job.cell.id]  # by the rule of now, among the candidates of now, it may go further
        ready = [job for job in self.to_do(jobs) if self._has_teacher(job)]
        watch = Watch(stage, len(jobs), len(jobs) - len(ready), self.place, self.tracker, rules)
        resources = self.spec.resources.teacher if stage == "teachers" else self.spec.resources.student
        for _ in range(MAX_FAILURES):
            watch.died = {}
            if ready:
                scheduler = self._scheduler(jobs) if stage == "search" else FIFOScheduler()
                _tune(stage, ready, resources, self.place, scheduler, watch)
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
        self.rows[job.cell.id] = final_row(job.cell.columns(), "failed", self.place, error)
        self.place.results.write_row(self.rows[job.cell.id])
        return False

    def _cutting_rules(self, jobs: Sequence[Job]) -> dict[str, str]:
        """What decides whether a candidate is cut, by cell id; a cell that was cut by another rule is not done."""
        asha = self.spec.search.asha if self.spec.search else None
        return {
            job.cell.id: f"{asha.grace_period}, {asha.reduction_factor}, {len(race)} candidates" if asha else "none"
            for race in _races(jobs)
            for job in race
        }

    def _scheduler(self, jobs: Sequence[Job]) -> FIFOScheduler:
        asha = self.spec.search.asha if self.spec.search else None
        if asha is None:
            return FIFOScheduler()
        at = rungs(asha.grace_period, asha.reduction_factor, self.spec.train.epochs)
        # What failed is tried again, so that nothing is known of it yet.
        groups = [{n: p._replace(failed=False) for n, p in self.progress(race).items()} for race in _races(jobs)]
        return GroupedASHA(groups, at, asha.reduction_factor)

    def progress(self, jobs: Sequence[Job]) -> dict[str, Progress]:
        """What is known of these search jobs, by cell id."""
        known = {}
        for job in jobs:
            row = self.rows.get(job.cell.id)
            if row is None or row["status"] == "failed":
                known[job.cell.id] = Progress(failed=row is not None)
            else:
                curve = [epoch[self.spec.train.monitor] for epoch in self.place.results.curve(job.cell.id)]
                known[job.cell.id] = Progress(curve, ended=True)
        return known

    def winners(self, jobs: Sequence[Job]) -> tuple[dict[Group, Hyper], list[Row]]:
        """The best configuration of each group of finished search jobs, and what to record of the choice.

        With several search seeds a configuration stands by the rungs it survived, then by its mean score. A group of
        which every candidate failed has no winner.
        """
        chosen: dict[Group, Hyper] = {}
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
            attention = best.attention.model_dump() if best.attention else {}
            record.append(
                dict(zip(("dataset", "preset", "protocol", "fold", "variant"), group, strict=True))
                | {key: getattr(best, key) for key in ("temperature", "alpha", "beta")}
                | {f"attention_{key}": attention.get(key) for key in ("kind", "ratio", "kernel", "position")}
                | {"val_score": standing[best].score, "candidates": len(standing)}
                | {status: statuses.count(status) for status in ("stopped", "failed")}
            )
        return chosen, record

    def _standing(self, jobs: Sequence[Job]) -> dict[Hyper, Standing]:
        search = self.spec.search
        asha = search.asha if search else None
        standing: dict[Hyper, list[Standing]] = {}
        for race in _races(jobs):
            cut = asha is not None and not too_few(len(race), asha.reduction_factor)
            at = rungs(asha.grace_period, asha.reduction_factor, self.spec.train.epochs) if asha and cut else []
            places = standings(self.progress(race), at, asha.reduction_factor if asha else 2)
            for job in race:
                standing.setdefault(_hyper(job), []).append(places[job.cell.id])
        return {
            hyper: Standing(sum(s.rungs_survived for s in ones), sum(s.score for s in ones) / len(ones))
            for hyper, ones in standing.items()
        }


def _hyper(job: Job) -> Hyper:
    return Hyper(job.cell.temperature, job.cell.alpha, job.cell.beta, job.cell.attention)


def _races(jobs: Sequence[Job]) -> list[list[Job]]:
    """Search jobs that are ranked against each other: of one group and one seed."""
    races: dict[tuple[Group, int], list[Job]] = {}
    for job in jobs:
        races.setdefault((job.cell.group, job.cell.seed), []).append(job)
    return list(races.values())


def _tune(
    stage: Stage, jobs: Sequence[Job], resources: Resources, place: Place, scheduler: FIFOScheduler, watch: Watch
) -> None:
    # Tune's own log files and console output would tell in many words what `Watch` and the rows tell. Its handler of
    # Ctrl-C would end this stage as if it were complete, and the next would begin.
    os.environ |= {
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "RAY_AIR_NEW_OUTPUT": "0",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",
    }
    watch.scheduler = scheduler
    tune.Tuner(
        tune.with_resources(CellTrial, _trial_resources(resources)),
        param_space={
            "trial": tune.grid_search([_trial(job) for job in jobs]),
            "place": vars(place),
            "resources": resources.model_dump(),
        },
        tune_config=tune.TuneConfig(
            metric="score",
            mode="max",
            scheduler=scheduler,
            reuse_actors=True,
            max_concurrent_trials=_concurrency(resources, ray.cluster_resources()),
            trial_name_creator=lambda trial: trial.config["trial"]["name"],
            trial_dirname_creator=lambda trial: trial.config["trial"]["name"],
        ),
        run_config=tune.RunConfig(
            name=stage,
            storage_path=place.results.root.child("ray").uri,
            callbacks=[watch],
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
        ),
    ).fit()


def _trial(job: Job) -> Row:
    return {"name": job.cell.id, "stage": job.stage, "job": job.model_dump_json(), "columns": job.cell.columns()}


def check_resources(role: str, resources: Resources, available: Mapping[str, float]) -> None:
    """Raise `HarRayError` if the cluster has no room for a single trial, which would wait for ever."""
    for key, kind, each in (("cpus", "CPU", resources.cpus), ("gpus", "GPU", resources.gpus)):
        needed, there = each * max(1, resources.workers), available.get(kind, 0)
        if needed > there:
            raise HarRayError(
                f"resources.{role}: a trial needs {needed:g} {kind}s, the cluster has {there:g}; "
                f"--set resources.{role}.{key}={there / max(1, resources.workers):g}"
            )


def _trial_resources(resources: Resources) -> PlacementGroupFactory:
    """What Tune reserves: all that an inline trial needs; for Ray Train workers a token, they reserve their own."""
    if resources.workers:
        return PlacementGroupFactory([{"memory": 1}])
    return PlacementGroupFactory([{"CPU": resources.cpus, "GPU": resources.gpus}])


def _concurrency(resources: Resources, available: Mapping[str, float]) -> int:
    """How many trials can have their workers at the same time; at least one.

    Drivers wait for their workers, so more of them than there is room for workers would wait for ever.
    """
    each = max(1, resources.workers)
    fits = [available.get("CPU", 1) // (each * resources.cpus)]
    if resources.gpus:
        fits.append(available.get("GPU", 0) // (each * resources.gpus))
    return max(1, int(min(fits)))
