"""A trial of Ray Tune: one cell after the other in one process, which keeps windows and teacher targets in memory.

A step is an epoch. With `workers: 0` the process trains by itself, otherwise it hands the job to its Ray Train workers;
the reports are the same.
"""

from collections.abc import Generator
from typing import Any

import torch
from ray import tune

from har_ray.plan.cells import Job
from har_ray.spec.grid import Resources
from har_ray.store.stores import Stores
from har_ray.training.ranks import Ranks
from har_ray.training.run import Report, run
from har_ray.training.workers import Workers


class CellTrial(tune.Trainable):
    """Config: `trial` (`name`: the cell's id, `job`, `columns`), `stores`, `resources`.

    A result carries `row`, the row so far; `curve`, the monitored score of every epoch; `score`, its best; `ended`,
    whether the row is final; `failed`.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self.stores = Stores(**config["stores"])
        self.resources = Resources(**config["resources"])
        self.workers: Workers | None = None
        torch.set_num_threads(1)
        if self.resources.workers:
            self.workers = Workers(self.stores, self.resources.workers, self.resources.cpus, self.resources.gpus)
        self._begin(config)

    def _begin(self, config: dict[str, Any]) -> None:
        self.job = Job.model_validate_json(config["trial"]["job"])
        self.reports: Generator[Report, None, None] = (
            self.workers.run(self.job) if self.workers else run(self.job, self.stores, Ranks.alone())
        )

    def step(self) -> dict[str, Any]:
        report = next(self.reports)
        return {
            "score": max(report.curve, default=0.0),
            "monitor": self.job.cell.training.monitor,
            "row": report.row,
            "curve": report.curve,
            "ended": report.ended,
            "done": report.ended,
            "failed": report.row.get("status") == "failed",
        }

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._end()
        self._begin(new_config)
        return True

    def _end(self) -> None:
        """Leave a job that was stopped before its end."""
        self.reports.close()

    def cleanup(self) -> None:
        self._end()
        if self.workers:
            self.workers.close()
