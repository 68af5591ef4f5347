"""TensorBoard: the learning curve of each confirm cell, an event file each.

They lie in `STORAGE/<grid>/tensorboard/<variant>/<setting, fold, seed, cell id>`, wherever that is;
`tensorboard --logdir` shows them, the variants apart. A cell's file is named by its id, so that one that is written
again takes the place of the first.
"""

from collections.abc import Iterator
from datetime import datetime

from har_ray.store.results import Row
from har_ray.text import slug
from har_ray.tracking import TRACKERS, Run, Tracker, scalars

FILE_VERSION = "brain.Event:2"
"""What the first event of a file must say, see https://github.com/tensorflow/tensorboard, `event.proto`."""


@TRACKERS.register("tensorboard")
class TensorBoardTracker(Tracker):
    """See the head of this file."""

    def __init__(self) -> None:
        self.run: Run | None = None

    def start(self, run: Run) -> None:
        self.run = run

    def cell_ended(self, row: Row, curve: list[Row]) -> None:
        from tensorboardX import RecordWriter

        assert self.run is not None, "started before"
        folder = self.run.folder / "tensorboard" / row["variant"] / _name(row)
        folder.mkdir(parents=True, exist_ok=True)
        writer = RecordWriter(str(folder / f"events.out.tfevents.{row['cell_id']}"))
        for event in _events(row, curve):
            writer.write(event)
        writer.close()


def _name(row: Row) -> str:
    """`spar-wrist-loso-fold-0-seed-1-0123456789abcdef`"""
    parts = (row["dataset"], row["preset"], row["protocol"], "fold", row["fold"], "seed", row["seed"], row["cell_id"])
    return "-".join(slug(str(part)) for part in parts)


def _events(row: Row, curve: list[Row]) -> Iterator[bytes]:
    """One event for each epoch, at the time when it ended: the cell's start and the seconds of training since."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    time = datetime.fromisoformat(row["started_at"]).timestamp()
    yield Event(wall_time=time, file_version=FILE_VERSION).SerializeToString()
    for epoch in curve:
        time += epoch["seconds"]
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars(epoch).items()]
        yield Event(wall_time=time, step=epoch["epoch"], summary=Summary(value=values)).SerializeToString()
