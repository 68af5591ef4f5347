"""W&B: one run per confirm cell, logged from the result store by a thread of the driver; training never waits for it.

A run's id is the cell's id, its group the grid, its job type the variant. Offline runs need no key and lie in
`STORAGE/<grid>/wandb` (in `./wandb` for a store that is not on a disk); `wandb sync` sends them later. `off` writes
nothing and does not import wandb.
"""

import math
import sys
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any

from har_ray.errors import HarRayError
from har_ray.spec.grid import GridSpec
from har_ray.store.results import Row
from har_ray.training.run import Place

MARK = "wandb.json"
"""Written into a cell's folder when its run was logged, so that it is logged once."""
SUMMARY = ("val_", "test_", "params", "macs", "flops_published", "latency_", "best_epoch", "epochs", "train_seconds")


class Tracker:
    """Logs confirm cells as they end; on leaving, waits for what is still to be logged.

    Raises:
        HarRayError: online tracking without a key, on entering.
    """

    def __init__(self, spec: GridSpec, place: Place) -> None:
        self.spec, self.place, self.results = spec, place, place.results
        self.mode = spec.tracking.wandb
        self.queue: SimpleQueue[Row | None] = SimpleQueue()
        self.thread = Thread(target=self._log_all, daemon=True)

    def __enter__(self) -> "Tracker":
        if self.mode == "online":
            _log_in()
        if self.mode != "off":
            self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.queue.put(None)
        if self.thread.is_alive() and kind is None:
            self.thread.join()

    def ended(self, rows: Iterable[Row]) -> None:
        """Log these confirm cells; those that were logged before, or did not complete, are passed over."""
        for row in rows:
            if self.mode != "off" and row.get("status") == "completed":
                self.queue.put(row)

    def _log_all(self) -> None:
        while (row := self.queue.get()) is not None:
            mark = self.results.artefact(row["cell_id"], MARK)
            if self.results.root.exists(mark):
                continue
            try:
                self._log(row)
            except Exception as error:
                # A W&B that is down must not cost the grid; the cell is logged when the grid is run again.
                print(f"[wandb] cell {row['cell_id']} was not logged: {error}", file=sys.stderr)
            else:
                self.results.root.write_json(mark, {"mode": self.mode})

    def _log(self, row: Row) -> None:
        import wandb

        config = {name: value for name, value in row.items() if not name.startswith(SUMMARY)}
        run = wandb.init(
            project=self.spec.tracking.project,
            id=row["cell_id"],
            name=f"{row['dataset']} {row['variant']} seed {row['seed']}",
            group=self.spec.name,
            job_type=row["variant"],
            config=config | {"train": self.spec.train.model_dump()},
            dir=self._folder(),
            mode="online" if self.mode == "online" else "offline",
            reinit="create_new",
            resume="allow" if self.mode == "online" else None,
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, x_disable_stats=True, x_save_requirements=False
            ),
        )
        for epoch in self.results.curve(row["cell_id"]):
            run.log({k: v for k, v in epoch.items() if k != "epoch" and math.isfinite(v)}, step=epoch["epoch"])
        run.summary.update({name: value for name, value in row.items() if name.startswith(SUMMARY)})
        run.finish()

    def _folder(self) -> Path:
        local = self.results.root.local or Path.cwd()
        local.mkdir(parents=True, exist_ok=True)
        return local


def _log_in() -> None:
    import wandb

    try:
        known: Any = wandb.login()
    except wandb.Error as error:
        known, reason = False, error
    else:
        reason = None
    if not known:
        raise HarRayError(
            "tracking.wandb: online needs a key: `wandb login`, or WANDB_API_KEY, or `--set tracking.wandb=offline`"
            + (f" ({reason})" if reason else "")
        )
