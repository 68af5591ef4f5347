"""Between Ray Tune and the agenda: what happened to trials, the rows of those that did not get to write their own, and
what a user sees of a running grid.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.util import metrics

from har_ray.errors import StorageError
from har_ray.search.agenda import Agenda
from har_ray.search.left import Kind, Running, TimeLeft
from har_ray.store.results import Row, failure_line
from har_ray.text import duration
from har_ray.tracking import Tracking

EVERY_S = 10.0
"""A line at most this often while nothing ends; one for each cell that ends, at most one per second."""
GATHER_EVERY = 500
"""After so many cells their rows are copied into one file."""


@dataclass
class _Cell:
    """A cell that runs.

    Attributes:
        since: when it began, less what it ran for before it paused.
        share: the part of its epochs that is done.
    """

    since: float
    share: float = 0.0


class Watch(tune.Callback):
    """Tells the agenda what became of cells, and the user how far it is.

    Args:
        stage_ended: is called with the name of a stage when the last cell of it that is planned has ended, and others
            are to come.

    Attributes:
        storage_error: why the storage was given up; then nothing more is started.
    """

    def __init__(self, agenda: Agenda, tracking: Tracking, stage_ended: Callable[[str], None]) -> None:
        self.agenda, self.results, self.tracking = agenda, agenda.results, tracking
        self.stage_ended, self.ended_stages = stage_ended, _ended_stages(agenda)
        self.storage_error: StorageError | None = None
        self.failed = self.gathered = 0
        self.start, self.printed = time.monotonic(), 0.0
        self.best: tuple[float, str] | None = None
        self.waiting: set[str] = set()  # handed to Tune, not started yet
        self.running: dict[str, _Cell] = {}
        self.spent: dict[str, float] = {}  # cell id → seconds that it ran for before it paused
        self.left = TimeLeft()
        for cell_id in self.agenda.settled & self.agenda.rows.keys():
            if seconds := self.agenda.rows[cell_id].get("train_seconds"):
                self.left.ended(self._kind(cell_id), seconds)
        self.metrics = _Metrics(self.results.root.uri.rpartition("/")[2])
        self._line()

    def __getstate__(self) -> dict[str, Any]:
        """Tune stores its callbacks for `Tuner.restore`, which nothing here uses: resuming goes by result rows."""
        return {}

    # What Tune tells. An error that leaves a callback would count as the trial's.

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self.waiting.discard(_cell_id(trial))
        self.running[_cell_id(trial)] = _Cell(time.monotonic() - self.spent.pop(_cell_id(trial), 0.0))

    def on_trial_result(self, iteration: int, trials: list[Trial], trial: Trial, result: Row, **info: Any) -> None:
        if result.get("storage_error"):
            self.storage_error = StorageError(result["storage_error"])
        if result["curve"]:
            self.best = max(self.best or (0.0, ""), (max(result["curve"]), result["row"]["variant"]))
        self.metrics.trained(result["epochs"])
        self.running[_cell_id(trial)].share = len(result["curve"]) / trial.config["trial"]["epochs"]
        if time.monotonic() - self.printed > EVERY_S:
            self._line()

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        if self.storage_error is None:
            self._guarded(lambda: self._ended(_cell_id(trial), trial.last_result))

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        row = (trial.last_result or {}).get("row") or trial.config["trial"]["columns"]
        self.running.pop(_cell_id(trial), None)
        self._guarded(lambda: self._died(_cell_id(trial), row))

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StorageError as error:
            self.storage_error = error

    # What follows

    def _ended(self, cell_id: str, result: Row) -> None:
        row, curve = result["row"], result["curve"]
        seconds = time.monotonic() - self.running.pop(cell_id).since
        if not result["ended"]:
            self.spent[cell_id] = seconds
            self.agenda.pauses(cell_id, row, curve)
        else:
            if result["failed"]:
                self._print(failure_line(row))
            else:
                self.left.ended(self._kind(cell_id), seconds)
            self.agenda.ended(cell_id, row, curve)
            if self.agenda.jobs[cell_id].stage == "confirm":
                self.tracking.ended([row])
        self._count(failed=result["failed"])

    def _died(self, cell_id: str, row: Row) -> None:
        if not self.agenda.died(cell_id, row):
            self._print(failure_line(self.agenda.rows[cell_id]))
            self._count(failed=True)

    def _count(self, failed: bool) -> None:
        self.failed += failed
        if self.here - self.gathered >= GATHER_EVERY:
            self.gathered = self.here
            self.results.gather()
        if time.monotonic() - self.printed > 1.0:
            self._line()
            self._look_at_stages()

    def _look_at_stages(self) -> None:
        known, self.ended_stages = self.ended_stages, _ended_stages(self.agenda)
        if not self.agenda.finished:
            for stage in self.ended_stages - known:
                self.stage_ended(stage)

    # What a user sees

    @property
    def here(self) -> int:
        """How many cells have come to their end in this run."""
        return len(self.agenda.settled & self.agenda.here)

    def close(self) -> None:
        """Say how the grid ended."""
        found = f", {self.agenda.found} of them earlier" if self.agenda.found else ""
        took = f" in {duration(time.monotonic() - self.start)}" if self.here else ""
        self._print(f"done: {self._counts()}{found}{took}{self._ends()}")
        if self.agenda.unplanned:
            every = "every candidate of their search failed"
            self._print(f"{self.agenda.unplanned} confirm cells could not be planned: {every}")
        self.metrics.set(self)

    def _line(self) -> None:
        best = f", best validation score {self.best[0]:.3f} ({self.best[1]})" if self.best else ""
        running = f", {len(self.running)} running" if self.running else ""
        self._print(f"{self._counts()}{running}{self._ends()}{best}{self._left()}")
        self.metrics.set(self)
        self.printed = time.monotonic()

    def _counts(self) -> str:
        counts = self.agenda.counts()
        stages = ", ".join(f"{stage} {done}/{total}" for stage, (done, total) in counts.items() if total)
        done, total = map(sum, zip(*counts.values(), strict=True))
        return f"{done} of {total} cells ({stages})"

    def _ends(self) -> str:
        cut = f", {self.agenda.cut} cut" if self.agenda.cut else ""
        return cut + (f", {self.failed} failed" if self.failed else "")

    def _left(self) -> str:
        """Time left, from how long cells took and what is done of those that run."""
        now = time.monotonic()
        running = [Running(self._kind(name), now - cell.since, cell.share) for name, cell in self.running.items()]
        waiting = defaultdict[Kind, float](float)
        for variant, count in self.agenda.to_come().items():
            waiting["confirm", variant] += count
        for name in self.agenda.jobs.keys() - self.agenda.settled - self.running.keys():
            waiting[self._kind(name)] += 1 - self.agenda.share(name)
        left = self.left.seconds(waiting, running)
        return f", about {duration(left)} left" if left else ""

    def _kind(self, cell_id: str) -> Kind:
        job = self.agenda.jobs[cell_id]
        return job.stage, job.cell.variant

    def _print(self, text: str) -> None:
        print(f"[cells] {text}", file=sys.stdout, flush=True)


class _Metrics:
    """For Ray's dashboard and Prometheus: cells by state, epochs trained."""

    def __init__(self, grid: str) -> None:
        self.cells = metrics.Gauge("har_ray_cells", "Cells of a grid by state", tag_keys=("grid", "state"))
        self.epochs = metrics.Counter("har_ray_epochs", "Epochs trained", tag_keys=("grid",))
        self.grid = {"grid": grid}

    def trained(self, epochs: int) -> None:
        if epochs:  # Ray takes no 0
            self.epochs.inc(epochs, tags=self.grid)

    def set(self, watch: Watch) -> None:
        agenda = watch.agenda
        running, paused, settled = len(watch.running), len(agenda.paused), len(agenda.settled)
        states = {"running": running, "paused": paused, "failed": watch.failed, "cut": agenda.cut, "ended": settled}
        states["waiting"] = max(0, len(agenda.jobs) - settled - running - paused)
        for state, number in states.items():
            self.cells.set(number, tags=self.grid | {"state": state})


def _ended_stages(agenda: Agenda) -> set[str]:
    """The stages of which every cell that is planned so far has ended."""
    return {stage for stage, (done, total) in agenda.counts().items() if done == total > 0}


def _cell_id(trial: Trial) -> str:
    return str(trial.config["trial"]["name"])
