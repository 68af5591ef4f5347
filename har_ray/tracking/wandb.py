"""W&B: one run per confirm cell.

A run's id is the cell's id, its group the grid, its job type the variant. Offline runs need no key and lie in
`STORAGE/<grid>/wandb`, wherever that is; `python -m analysis wandb` sends what a project does not have. `off` writes
nothing and does not import wandb.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, cast

from har_ray.errors import HarRayError, unknown
from har_ray.store.results import Row
from har_ray.tracking import TRACKERS, Run, Tracker, scalars

MODES = ("online", "offline", "off")
SUMMARY = (
    "attention_sd_", "attention_r2_", "val_", "test_", "params", "macs", "flops_published", "bytes", "latency_",
    "best_epoch", "epochs", "train_seconds",
)  # fmt: skip


@TRACKERS.register("wandb")
class WandbTracker(Tracker):
    """See the head of this file.

    Args:
        entity: who owns the project; by default that of the key.

    Raises:
        ValueError: the mode is unknown.
    """

    def __init__(self, mode: str = "offline", project: str = "har-ray", entity: str | None = None) -> None:
        if mode not in MODES:
            raise ValueError(unknown("mode", mode, MODES))
        self.mode, self.project, self.entity, self.active = mode, project, entity, mode != "off"
        self.run: Run | None = None

    def start(self, run: Run) -> None:
        self.run = run
        if self.mode == "online":
            _log_in()

    def cell_ended(self, row: Row, curve: list[Row]) -> None:
        assert self.run is not None, "started before"
        config = {name: value for name, value in row.items() if not name.startswith(SUMMARY) and name != "files"}
        name = f"{row['dataset']} {row['variant']} seed {row['seed']}"
        with self.opened(row["cell_id"], name, row["variant"], config | {"train": self.run.config["train"]}) as run:
            for epoch in curve:
                run.log(scalars(epoch), step=epoch["epoch"])
            run.summary.update({name: value for name, value in row.items() if name.startswith(SUMMARY)})

    @contextmanager
    def opened(self, run_id: str, name: str, job_type: str, config: Row) -> Iterator[Any]:
        """A run of the grid's group, finished after the block; online, the one that has this id already goes on."""
        import wandb

        assert self.run is not None, "started before"
        self.run.folder.mkdir(parents=True, exist_ok=True)
        with wandb.init(
            entity=self.entity,
            project=self.project,
            id=run_id,
            name=name,
            group=self.run.grid,
            job_type=job_type,
            config=config,
            dir=self.run.folder,
            mode=cast(Literal["online", "offline"], self.mode),
            reinit="create_new",
            resume="allow" if self.mode == "online" else None,
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, x_disable_stats=True, x_save_requirements=False
            ),
        ) as run:
            yield run


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
