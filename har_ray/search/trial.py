"""A trial of Ray Tune: one cell after the other in one process, which keeps windows and teacher targets in memory.

A step is an epoch. With `workers: 0` the process trains by itself, otherwise it hands the job to Ray Train workers,
which are started once and stay with the process, also while it trains by itself; the reports are the same.
"""

from collections.abc import Generator
from typing import Any

import ray
import torch
from ray import tune

from har_ray import cluster
from har_ray.errors import StorageError
from har_ray.plan.cells import Job
from har_ray.spec.grid import Resources
from har_ray.store.stores import Stores
from har_ray.training.ranks import Ranks
from har_ray.training.run import Report, run
from har_ray.training.workers import Workers


class CellTrial(tune.Trainable):
    """Config: `trial` (`name`: the cell's id, `job`, `columns`, `resources`), `stores`.

    A result carries `row`, the row so far; `curve`, the monitored score of every epoch; `score`, its best; `ended`,
    whether the row is final, else the cell pauses; `failed`; `epochs`, how many were trained for this result;
    `storage_error`, why the storage was given up.
    """

    def setup(self, config: dict[str, Any]) -> None:
        cluster.forward_log()
        torch.set_num_threads(1)
        self.stores = Stores(**config["stores"])
        self.workers: dict[Resources, Workers] = {}
        self._begin(config)

    def _begin(self, config: dict[str, Any]) -> None:
        self.job = Job.model_validate_json(config["trial"]["job"])
        resources = Resources(**config["trial"]["resources"])
        self.reports: Generator[Report, None, None] = (
            self._workers(resources).run(self.job)
            if resources.workers
            else run(self.job, self.stores, Ranks.alone(gpu=resources.gpus > 0))
        )

    def _workers(self, resources: Resources) -> Workers:
        """Kept for the next job that wants them: starting them takes longer than many a cell."""
        if resources not in self.workers:
            gpus = ray.get_runtime_context().get_accelerator_ids()["GPU"] if resources.gpus else []
            self.workers[resources] = Workers(self.stores, resources, gpus)
        return self.workers[resources]

    def step(self) -> dict[str, Any]:
        try:
            report = next(self.reports)
        except StorageError as error:
            report = Report(self.job.cell.columns(), ended=True)
            return self._result(report) | {"storage_error": str(error)}
        return self._result(report)

    def _result(self, report: Report) -> dict[str, Any]:
        return {
            "score": max(report.curve, default=0.0),
            "row": report.row,
            "curve": report.curve,
            "epochs": int(not report.last),
            "ended": report.ended,
            "done": report.last,
            "failed": report.row.get("status") == "failed",
        }

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.reports.close()  # of a job that was stopped before its end
        self._begin(new_config)
        return True

    def cleanup(self) -> None:
        self.reports.close()
        for workers in self.workers.values():
            workers.close()
