"""A cell: one training run of the grid, fully resolved. Its id is a hash of everything that decides its result."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict

from har_ray.candidates import TRAIN, Candidate, HyperParameters, hyper_columns
from har_ray.data.protocol import Protocol
from har_ray.groups import Group, Setting
from har_ray.metrics import DEFAULT
from har_ray.models.config import ModelConfig, Option
from har_ray.registry import short_name
from har_ray.spec.grid import Resources, StageResources
from har_ray.spec.training import TrainConfig
from har_ray.store.results import PREDICTIONS, TARGETS
from har_ray.variants import Size

Stage = Literal["teachers", "search", "confirm"]


class Views(BaseModel):
    """Augmented views of a cell's training windows, which its teachers' output is computed on; `seed` is the cell's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    augment: dict[str, dict[str, Option]]
    count: int
    seed: int

    def __hash__(self) -> int:
        return hash(self.id)

    @cached_property
    def id(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class Cell(BaseModel):
    """dataset × preset × protocol and fold × variant × hyper-parameters × seed.

    Attributes:
        windows_id: stands for the recordings' content and the way they are cut.
        hyper: the hyper-parameters; `model` and `losses` follow from them and the variant.
        size: of the variant, where it has one.
        losses: besides the cross-entropy, or that one with options: name → options.
        augment: of the training windows, in this order: name → options.
        teacher_id: stands for everything about the teacher; of several their ids, joined by `+`.
        training: how it is trained.
        channels: of the windows, where the search chooses among groups of them; None: all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    preset: str
    windows_id: str
    protocol: Protocol
    variant: str
    seed: int
    hyper: HyperParameters = {}
    size: Size | None = None
    model: ModelConfig = ModelConfig()
    losses: dict[str, dict[str, Option]] = {}
    augment: dict[str, dict[str, Option]] = {}
    teacher_id: str | None = None
    training: TrainConfig = TrainConfig()
    channels: tuple[str, ...] | None = None

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits, of everything here but the names for what is resolved in other fields."""
        named_elsewhere = {"dataset", "preset", "hyper", "size"}
        # Without a choice of channels a cell is what it was before there were any.
        unused = {"channels"} if self.channels is None else set()
        made_of = self.model_dump(mode="json", exclude=named_elsewhere | unused)
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, which would keep the id of the original."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("id", None)
        return copied

    @property
    def candidate(self) -> Candidate:
        """What was chosen for it."""
        train = {key.removeprefix(TRAIN): value for key, value in self.hyper.items() if key.startswith(TRAIN)}
        return Candidate(self.hyper, self.model, self.losses, self.augment, cast(dict[str, Option], train))

    @property
    def views(self) -> "Views | None":
        """The augmented windows that its teacher's targets are of; None where these are the windows as they are."""
        if self.teacher_id is None or not self.augment:
            return None
        return Views(augment=self.augment, count=self.training.views, seed=self.seed)

    @property
    def teacher_ids(self) -> tuple[str, ...]:
        """The cells that it learns from."""
        return tuple(self.teacher_id.split("+")) if self.teacher_id else ()

    @property
    def group(self) -> Group:
        """Trials are ranked only against trials of the same group."""
        return Group(Setting(self.dataset, self.preset, self.protocol.label), self.protocol.fold, self.variant)

    def columns(self) -> dict[str, Any]:
        """What a result row says of the cell."""
        return {
            "cell_id": self.id,
            **self.group.columns(),
            "size": self.size,
            "architecture": self.model.architecture,
            "seed": self.seed,
            "teacher_id": self.teacher_id,
            **hyper_columns(self.hyper),
        }


class Job(BaseModel):
    """A cell and what the grid needs of it besides its weights and validation scores.

    Attributes:
        stage: that the result counts in; test scores are made for `confirm` only, so that no other cell sees the
            test set.
        teaches: its teacher targets are needed.
        views: of what besides the windows as they are.
        until: the epoch at which training pauses; None: it goes on to its end.
        metrics: the grid's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: Cell
    stage: Stage
    teaches: bool = False
    views: tuple[Views, ...] = ()
    until: int | None = None
    metrics: tuple[str, ...] = DEFAULT

    def joined(self, other: "Job") -> "Job":
        """One job for what two ask of the same cell; a confirm cell is one whatever else it is."""
        first, second = sorted((self, other), key=lambda job: ("search", "teachers", "confirm").index(job.stage))
        views = tuple(dict.fromkeys([*first.views, *second.views]))
        return second.model_copy(update={"teaches": first.teaches or second.teaches, "views": views})

    def resources(self, of: StageResources) -> Resources:
        """Of its trial. A cell that teaches is trained as a teacher, also where it is confirmed at the same time."""
        return of.teacher if self.teaches else of.student

    def is_done(self, row: Mapping[str, Any] | None) -> bool:
        """Whether nothing is left to do, given the cell's row. A cell that the search stopped is done for it alone."""
        if row is None or row["status"] == "failed":
            return False
        if row["status"] == "stopped":
            return self.stage == "search"
        wanted = [TARGETS] * self.teaches + [PREDICTIONS] * (self.stage == "confirm")
        scores = [f"test_{short_name(name)}" for name in self.metrics] if self.stage == "confirm" else []
        return (
            all(name in row["files"] for name in wanted)
            and all(row.get(score) is not None for score in scores)
            and {views.id for views in self.views} <= set(row.get("views") or [])
        )
