"""What a user sees of a running stage, and the rows of trials that did not get to write their own."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from har_ray.store.results import ResultStore, Row, failure_line
from har_ray.text import duration
from har_ray.tracking import Tracking

EVERY_S = 10.0
"""A line at most this often while nothing ends; one for each cell that ends, at most one per second."""


class Watch(tune.Callback):
    """Prints progress and writes the rows of cells that the search stopped or whose process died.

    Args:
        total, done: cells of the stage, and how many had ended before.
        rules: by which rule a cell may be cut, by cell id.
    """

    def __init__(
        self, stage: str, total: int, done: int, results: ResultStore, tracking: Tracking, rules: Mapping[str, str]
    ) -> None:
        self.stage, self.total, self.done, self.results, self.tracking = stage, total, done, results, tracking
        self.rules, self.found = rules, done
        self.failed = self.cut = 0
        self.start, self.printed = time.monotonic(), 0.0
        self.best: tuple[float, str] | None = None
        self.running: dict[str, float] = {}  # cell id → the part of its epochs that is done
        self.died: dict[str, Row] = {}
        if done < total:
            self._line()

    def __getstate__(self) -> dict[str, Any]:
        """Tune stores its callbacks for `Tuner.restore`, which nothing here uses: resuming goes by result rows."""
        return {}

    def on_trial_result(self, iteration: int, trials: list[Trial], trial: Trial, result: Row, **info: Any) -> None:
        if result["curve"]:
            self.best = max(self.best or (0.0, ""), (max(result["curve"]), result["row"]["variant"]))
        self.running[trial.config["trial"]["name"]] = len(result["curve"]) / trial.config["trial"]["epochs"]
        if time.monotonic() - self.printed > EVERY_S:
            self._line()

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        result = trial.last_result
        if not result["ended"]:
            self._write_stopped(result["row"], result["monitor"], result["curve"])
            self.cut += 1
        if result["failed"]:
            self.failed += 1
            self._print(failure_line(result["row"]))
        if trial.config["trial"]["stage"] == "confirm":
            self.tracking.ended([result["row"]])
        self._count(trial.config["trial"]["name"])

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        row = (trial.last_result or {}).get("row") or trial.config["trial"]["columns"]
        self.died[row["cell_id"]] = row
        self.running.pop(row["cell_id"], None)

    def _write_stopped(self, row: Row, monitor: str, curve: list[float]) -> None:
        epochs = [{"epoch": number, monitor: score} for number, score in enumerate(curve, start=1)]
        self.results.write_curve(row["cell_id"], epochs)
        self.results.write_row(self.results.final_row(row, "stopped") | {"cut_rule": self.rules[row["cell_id"]]})
        self.results.delete_checkpoint(row["cell_id"])

    def _count(self, name: str) -> None:
        self.done += 1
        self.running.pop(name, None)
        if time.monotonic() - self.printed > 1.0:
            self._line()

    def close(self) -> None:
        """Mark cells whose process kept dying as failed, and say how the stage ended."""
        for row in self.died.values():
            error = "its process died repeatedly; see Ray's logs of this machine"
            self.results.write_row(self.results.final_row(row, "failed", error))
        self.failed += len(self.died)
        self.done += len(self.died)
        if self.total:
            here = self.done - self.found
            found = f", {self.found} of them earlier" if self.found else ""
            took = f" in {duration(time.monotonic() - self.start)}" if here else ""
            self._print(f"done: {self.done} of {self.total} cells{found}{took}{self._ends()}")

    def _line(self) -> None:
        best = f", best validation score {self.best[0]:.3f} ({self.best[1]})" if self.best else ""
        running = f", {len(self.running)} running" if self.running else ""
        self._print(f"{self.done} of {self.total} cells{running}{self._ends()}{best}{self._left()}")
        self.printed = time.monotonic()

    def _ends(self) -> str:
        cut = f", {self.cut} cut by ASHA" if self.cut else ""
        return cut + (f", {self.failed} failed" if self.failed else "")

    def _left(self) -> str:
        """Time left, from what is done of the cells that ended and of those that run."""
        here = self.done - self.found + sum(self.running.values())
        if self.done == self.found or self.done == self.total:
            return ""
        seconds = (time.monotonic() - self.start) / here * (self.total - self.found - here)
        return f", about {duration(seconds)} left in this stage"

    def _print(self, text: str) -> None:
        print(f"[{self.stage}] {text}", file=sys.stdout, flush=True)
