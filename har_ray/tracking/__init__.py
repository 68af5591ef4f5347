"""Experiment trackers, one file each under its registered name, and how the driver keeps them posted.

Trackers hear of confirm cells as they end, in a thread of the driver and from the result store; training never waits
for them.
"""

import math
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple

from har_ray.errors import ExtensionError
from har_ray.registry import Registry, short_name
from har_ray.store.results import ResultStore, Row
from har_ray.temporary import TemporaryFolder


class Run(NamedTuple):
    """What trackers learn of the grid at its start.

    Attributes:
        grid: its name.
        config: its whole specification, as plain values.
        folder: a local folder for files: that of the results where they lie on a disk, else one whose files are moved
            there after each cell.
    """

    grid: str
    config: dict[str, Any]
    folder: Path


class LocalFolder:
    """The folder that trackers write to: that of the results where they lie on a disk, else a temporary one."""

    def __init__(self, results: ResultStore) -> None:
        self.results = results
        self.temporary = None if results.root.local else TemporaryFolder("tracking")
        self.path = results.root.local or (self.temporary.path if self.temporary else Path())

    def deliver(self) -> None:
        """Move what has been written to where the results are."""
        if self.temporary is None:
            return
        self.results.keep(self.path, ".")
        for path in self.path.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def close(self) -> None:
        if self.temporary:
            self.temporary.cleanup()


class Tracker:
    """Hears of a grid. Its options are the parameters of its constructor; each moment does nothing unless overridden.

    One whose `active` is False is left out altogether.
    """

    active: bool = True

    def start(self, run: Run) -> None:
        """Before anything is computed; raises `HarRayError` if it can't work, e.g. without a key."""

    def cell_ended(self, row: Row, curve: list[Row]) -> None:
        """A confirm cell was completed: its result row, and one entry for each epoch. Called once for each cell.

        An error costs nothing but this call, which is repeated when the grid is run again.
        """

    def finish(self) -> None:
        """After the last cell."""


def scalars(epoch: Row) -> dict[str, float]:
    """What there is to draw of an epoch: its finite values by name."""
    return {name: value for name, value in epoch.items() if name != "epoch" and math.isfinite(value)}


TRACKERS: Registry[Tracker] = Registry("tracker", __name__, Tracker)


def make_tracker(name: str, options: Mapping[str, Any]) -> Tracker:
    """A tracker by its name.

    Raises:
        ExtensionError: it can't be found, or refuses its options.
    """
    wrong = TRACKERS.check_options(name, options)
    if wrong:
        raise ExtensionError("\n".join(wrong))
    return TRACKERS.make(name, options)


class Tracking:
    """All trackers of a grid; on leaving, waits for what is still to be tracked."""

    def __init__(
        self, trackers: Mapping[str, Mapping[str, Any]], grid: str, config: dict[str, Any], results: ResultStore
    ) -> None:
        made = {short_name(name): make_tracker(name, options) for name, options in trackers.items()}
        self.trackers = {name: tracker for name, tracker in made.items() if tracker.active}
        self.results, self.had = results, dict[str, set[str]]()
        self.local = LocalFolder(results)
        self.run = Run(grid, config, self.local.path)
        self.queue: SimpleQueue[Row | None] = SimpleQueue()
        self.thread = Thread(target=self._track_all, daemon=True)

    def __enter__(self) -> "Tracking":
        for name, tracker in self.trackers.items():
            tracker.start(self.run)
            self.had[name] = self.results.tracked(name)
        self.thread.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.queue.put(None)
        if error_type is None:
            self.thread.join()
            for tracker in self.trackers.values():
                tracker.finish()
        self.local.close()

    def ended(self, rows: Iterable[Row]) -> None:
        """Track these confirm cells; those that were tracked before, or did not complete, are passed over."""
        for row in rows:
            if row.get("status") == "completed":
                self.queue.put(row)

    def _track_all(self) -> None:
        while (row := self.queue.get()) is not None:
            for name, tracker in self.trackers.items():
                if row["cell_id"] not in self.had[name]:
                    self._track(name, tracker, row)

    def _track(self, name: str, tracker: Tracker, row: Row) -> None:
        try:
            tracker.cell_ended(row, self.results.curve(row))
            self.local.deliver()
        except Exception as error:
            # A tracker that is down must not cost the grid; the cell is tracked when the grid is run again.
            print(f"[{name}] cell {row['cell_id']} was not tracked: {error}", file=sys.stderr)
        else:
            self.results.mark_tracked(row["cell_id"], name)
            self.had[name].add(row["cell_id"])
