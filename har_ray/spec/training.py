"""How every cell of a grid is trained: the section `train` of a grid file."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

JUDGED_BY = ("epochs", "patience", "monitor", "precision")
"""What is the same for all variants of a grid, so that each gets the same chance."""


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
        weight_decay: of AdamW, Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101; with 0 it is Adam.
        ema: the weights that are validated and kept are a mean over the steps, in which those of the last step have
            a share of 1 - `ema` (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780);
            0: they are the last step's.
        mixup: α of Beta(α, α), by which two windows and what is wanted of them are mixed: Zhang et al. 2018,
            https://arxiv.org/abs/1710.09412; 0: they are not.
        views: of how many augmented views the teacher's output is stored, which a student that has a teacher and
            augmentation goes round by epochs.
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
    weight_decay: float = Field(default=0, ge=0)
    ema: float = Field(default=0, ge=0, lt=1)
    mixup: float = Field(default=0, ge=0)
    views: int = Field(default=8, ge=1)
    monitor: str = Field(default="val_f1_macro", pattern="^val_")
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
