"""How every cell of a grid is trained: the section `train` of a grid file."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainConfig(BaseModel):
    """How every cell of a grid is trained.

    Attributes:
        epochs: at most.
        patience: epochs without a better `monitor` before training ends; the best epoch's weights are kept.
        batch_size: over all workers together.
        lr: Adam's, at its highest.
        schedule: of the learning rate: it stays, or falls to 0 over `epochs` along half a cosine.
        warmup: epochs over which the learning rate rises from 0 at the start.
        clip: the largest norm of a step's gradient; None: any.
        monitor: the validation score that decides: `val_` and a metric of the grid; larger is better.
        precision: of the forward pass and the losses; `bf16` and `fp16` by autocast.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=150, ge=1)
    patience: int = Field(default=15, ge=1)
    batch_size: int = Field(default=64, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = Field(default=0, ge=0)
    clip: float | None = Field(default=None, gt=0)
    monitor: str = Field(default="val_f1_macro", pattern="^val_")
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
