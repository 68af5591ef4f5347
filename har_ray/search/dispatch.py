"""Ray Tune runs a grid: one run of it for all stages, which asks for the next cell whenever there may be room for one.

How many cells run at a time is decided by Ray alone: each trial reserves what it and its workers need, and starts when
the cluster has it, also on a node that has just joined. A few wait at any time with what they need asked for, so that a
process that is free takes the next cell at once, and an autoscaler sees that there is more to do.
"""

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import ray
from ray import tune
from ray.autoscaler.sdk import request_resources
from ray.tune.search import Searcher

from har_ray.errors import HarRayError, StorageError
from har_ray.plan.cells import Job
from har_ray.plan.plan import Plan
from har_ray.plan.room import missing, needed
from har_ray.search.agenda import Agenda
from har_ray.search.progress import Watch
from har_ray.search.reuse import Reuse
from har_ray.search.trial import CellTrial
from har_ray.spec.grid import Resources, StageResources
from har_ray.store.check import damaged_cells
from har_ray.store.results import ResultStore, Row
from har_ray.store.storage import AT_ONCE
from har_ray.store.stores import Stores
from har_ray.temporary import TemporaryFolder
from har_ray.tracking import Tracking

MAX_FAILURES = 3
"""How often a trial whose process died is started again; an error inside a cell is not tried again."""
FEWEST_AHEAD = 2
"""Trials that wait at least, those whose process is starting included; on a larger cluster two for each of its CPUs, so
that while a process starts on each, a process that is free finds another cell to take."""
LOOK_EVERY_S = 5.0
NEVER = "1000000000"
"""Seconds after which Tune would say that there may not be enough resources; `check_room` says it at once."""
WAIT_FOR_NODES_S = 1800.0
"""For how long a cluster without a node for a trial may take to get one."""


def run(
    plan: Plan,
    stores: Stores,
    tracking: Tracking,
    own_cluster: bool,
    stage_ended: Callable[[str], None] = lambda stage: None,
) -> bool:
    """Bring every cell of a grid to its end, those that are done apart; whether all have ended well.

    Args:
        own_cluster: nobody else will add nodes to it.
        stage_ended: is called with the name of each stage that has ended before the grid has.

    Raises:
        HarRayError: no node has room for a trial.
        StorageError: the storage was given up; what was finished is kept.
    """
    check_room(plan.spec.resources, own_cluster)
    agenda = _agenda(plan, stores.results)
    watch = Watch(agenda, tracking, stage_ended)
    tracking.ended(agenda.confirmed())
    try:
        if not agenda.finished:
            _tune(agenda, stores, watch)
        if watch.storage_error is not None:
            raise watch.storage_error
    except StorageError as error:
        raise StorageError(f"{error}; what was finished is kept, the same command continues") from error
    watch.close()
    stores.results.gather()
    return agenda.complete


def _agenda(plan: Plan, results: ResultStore) -> Agenda:
    rows = results.rows()
    repeated = damaged_cells(results, rows)
    searched = [rows[job.cell.id] for job in plan.search_jobs if job.cell.id in rows]
    known = [row for row in searched if row["status"] != "failed" and row["cell_id"] not in repeated]
    monitor = plan.spec.train.monitor
    with ThreadPoolExecutor(AT_ONCE) as pool:
        read = pool.map(lambda row: [epoch[monitor] for epoch in results.curve(row)], known)
        curves = dict(zip((row["cell_id"] for row in known), read, strict=True))
    return Agenda(plan, results, rows, curves, repeated)


def check_room(wanted: StageResources, own_cluster: bool) -> None:
    """Wait until some node has room for each sort of trial, having said what is missing; nodes may still join.

    Raises:
        HarRayError: no node has, and none will or none came in time.
    """
    end = time.monotonic() + (0.0 if own_cluster else WAIT_FOR_NODES_S)
    said = False
    while lines := missing(wanted, [node["Resources"] for node in ray.nodes() if node["Alive"]]):
        if time.monotonic() >= end:
            raise HarRayError("\n".join(lines))
        if not said:
            print("\n".join(f"waiting for a node: {line}" for line in lines), flush=True)
            # An autoscaler starts nodes for what is asked of it, and no trial asks yet.
            request_resources(bundles=[needed(wanted.teacher), needed(wanted.student)])
            said = True
        time.sleep(LOOK_EVERY_S)
    if said:
        request_resources(bundles=[])


class Dispatcher(Searcher):
    """Hands the agenda's next cell to Tune, which asks again and again."""

    def __init__(self, agenda: Agenda, watch: Watch) -> None:
        super().__init__()
        self.agenda, self.watch = agenda, watch
        self.looked, self.ahead = 0.0, FEWEST_AHEAD

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if self.watch.storage_error is not None:
            raise self.watch.storage_error
        if self.agenda.finished:
            return str(Searcher.FINISHED)
        if len(self.watch.waiting) >= self._ahead():
            return None
        job = self.agenda.next()
        if job is None:
            return None
        self.watch.waiting.add(job.cell.id)
        return {"trial": _trial(job, job.resources(self.agenda.plan.spec.resources))}

    def _ahead(self) -> int:
        if time.monotonic() - self.looked > LOOK_EVERY_S:
            self.looked = time.monotonic()
            self.ahead = max(FEWEST_AHEAD, 2 * int(ray.cluster_resources().get("CPU", 0)))
        return self.ahead

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """The watch hears of it as well, and knows more."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: resuming goes by result rows."""


def _tune(agenda: Agenda, stores: Stores, watch: Watch) -> None:
    # Tune's own log files and console output would repeat at length what `Watch` and the rows say. Its handler of
    # Ctrl-C would end the run as if it were complete. How many trials may wait is decided by the dispatcher.
    os.environ |= {
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "RAY_AIR_NEW_OUTPUT": "0",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",
        "TUNE_MAX_PENDING_TRIALS_PG": "100000",
        "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": NEVER,
        "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S_AUTOSCALER": NEVER,
    }
    # Tune's bookkeeping is for `Tuner.restore`. It stays on this node: the storage sees no pickles of Ray's.
    with TemporaryFolder("tune") as books:
        tune.Tuner(
            tune.with_resources(CellTrial, _placement),
            param_space={"stores": asdict(stores)},
            tune_config=tune.TuneConfig(
                metric="score",
                mode="max",
                search_alg=Dispatcher(agenda, watch),
                scheduler=Reuse(),
                num_samples=-1,
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.config["trial"]["name"],
                trial_dirname_creator=lambda trial: trial.config["trial"]["name"],
            ),
            run_config=tune.RunConfig(
                name=stores.grid,
                storage_path=str(books),
                callbacks=[watch],
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            ),
        ).fit()


def _placement(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """What Tune reserves for a trial, its workers included."""
    wanted = needed(Resources(**config["trial"]["resources"]))
    return tune.PlacementGroupFactory([{name: count for name, count in wanted.items() if count}])


def _trial(job: Job, wanted: Resources) -> Row:
    return {
        "name": job.cell.id,
        "epochs": job.cell.training.epochs,
        "job": job.model_dump_json(),
        "columns": job.cell.columns(),
        "resources": wanted.model_dump(),
    }
