"""A cell: one training run of the grid, fully resolved. Its id is a hash of everything that decides its result."""

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from har_ray.data.protocol import Protocol
from har_ray.models.architectures.deepconvlstm import SequenceAxis
from har_ray.models.attention import AttentionConfig
from har_ray.variants import VARIANTS, Variant

Stage = Literal["teachers", "search", "confirm"]


class TrainConfig(BaseModel):
    """How every cell of a grid is trained.

    Attributes:
        epochs: at most.
        patience: epochs without a better `monitor` before training ends; the best epoch's weights are kept.
        batch_size: over all workers together.
        lr: Adam's.
        monitor: the validation score that decides; larger is better.
        precision: of the forward pass and the losses; `bf16` and `fp16` by autocast.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=300, ge=1)
    patience: int = Field(default=10, ge=1)
    batch_size: int = Field(default=64, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    monitor: Literal["val_f1_macro", "val_accuracy"] = "val_f1_macro"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"


class Cell(BaseModel):
    """dataset × preset × protocol and fold × variant × hyper-parameters × seed.

    Hyper-parameters that a variant does not have are None. `windows_id` stands for the recordings' content and the
    way they are cut, `teacher_id` for everything about the teacher.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    preset: str
    windows_id: str
    protocol: Protocol
    variant: str
    seed: int
    temperature: float | None = None
    alpha: float | None = None
    beta: float | None = None
    attention: AttentionConfig | None = None
    teacher_id: str | None = None
    sequence_axis: SequenceAxis = "channels"
    train: TrainConfig = TrainConfig()

    @property
    def id(self) -> str:
        """16 hexadecimal digits, of everything here but the two names that `windows_id` stands for."""
        made_of = self.model_dump(mode="json", exclude={"dataset", "preset"})
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def kind(self) -> Variant:
        return VARIANTS[self.variant]

    @property
    def group(self) -> tuple[str, str, str, int, str]:
        """Trials are ranked only against trials of the same group."""
        return self.dataset, self.preset, self.protocol.name, self.protocol.fold, self.variant

    def columns(self) -> dict[str, Any]:
        """What a result row says of the cell."""
        attention = self.attention.model_dump() if self.attention else {}
        return {
            "cell_id": self.id,
            "dataset": self.dataset,
            "preset": self.preset,
            "protocol": self.protocol.name,
            "fold": self.protocol.fold,
            "variant": self.variant,
            "size": self.kind.size,
            "seed": self.seed,
            "teacher_id": self.teacher_id,
            "temperature": self.temperature,
            "alpha": self.alpha,
            "beta": self.beta,
            **{f"attention_{key}": attention.get(key) for key in ("kind", "ratio", "kernel", "position")},
        }


class Job(BaseModel):
    """A cell and what the grid needs of it beside its weights and validation scores.

    Attributes:
        stage: that the result counts in; test scores are made for `confirm` only, so that no other cell sees the
            test set.
        teaches: its teacher targets are needed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: Cell
    stage: Stage
    teaches: bool = False
