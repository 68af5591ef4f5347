"""What a network is, as data: architecture, options, attention, sequence axis. Needs torch only to build one."""

from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from har_ray.choices import Choices
from har_ray.yaml_check import inconsistent

if TYPE_CHECKING:
    from torch import nn

AttentionKind = Literal["channel", "spatial", "cbam"]
AttentionLoss = Literal["centred", "published"]
SequenceAxis = Literal["channels", "time"]
Option = bool | int | float | str
"""The value of an option of an architecture or a loss."""

BUILT_IN_ARCHITECTURE = "deepconvlstm"

CONSTANT_SD = 1e-3
"""An attention map is constant where its weights, of 0 to 1, vary over windows by less: by a tenth of a percent."""


class AttentionConfig(BaseModel):
    """Where attention sits and how large it is.

    `ratio` (of the channel attention's hidden layer) and `kernel` (of the spatial attention's convolution) are None
    for the kind that does not use them, so that equal configurations are equal objects.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: AttentionKind
    ratio: int | None = Field(default=None, ge=1)
    kernel: int | None = Field(default=None, ge=1)
    position: int = Field(ge=1, le=4)

    @model_validator(mode="after")
    def _only_what_is_used(self) -> "AttentionConfig":
        for name, unused_by in (("ratio", "spatial"), ("kernel", "channel")):
            if (getattr(self, name) is None) != (self.kind == unused_by):
                raise ValueError(f"{name} is {'not used by' if self.kind == unused_by else 'missing for'} {self.kind}")
        if self.kernel is not None and self.kernel % 2 == 0:
            raise ValueError(f"kernel {self.kernel} is even; an odd one keeps the plane's size")
        return self


class AttentionSpace(BaseModel):
    """Attention configurations to choose from: a value or a list for each of `AttentionConfig`'s keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Choices[AttentionKind] = Field(examples=["spatial"])
    ratio: Choices[Annotated[int, Field(ge=1)]] = []
    kernel: Choices[Annotated[int, Field(ge=1)]] = []
    position: Choices[Annotated[int, Field(ge=1, le=4)]] = Field(examples=[1])

    @model_validator(mode="after")
    def _complete(self) -> "AttentionSpace":
        wrong: list[tuple[tuple[str], str, tuple[str]]] = []
        if not self.ratio and {"channel", "cbam"} & set(self.kind):
            wrong.append((("ratio",), "missing; channel attention and cbam need it, e.g. [2]", ("kind",)))
        if not self.kernel and {"spatial", "cbam"} & set(self.kind):
            wrong.append((("kernel",), "missing; spatial attention and cbam need it, e.g. [3]", ("kind",)))
        even = [k for k in self.kernel if k % 2 == 0]
        if even:
            wrong.append((("kernel",), f"{even[0]} is even; an odd one keeps the plane's size", ("kind",)))
        if wrong:
            raise inconsistent(wrong)
        return self

    def configs(self) -> list[AttentionConfig]:
        """Every configuration once: what a kind does not use does not multiply it."""
        configs = []
        for kind, position in product(self.kind, self.position):
            ratios = [None] if kind == "spatial" else self.ratio
            kernels = [None] if kind == "channel" else self.kernel
            for ratio, kernel in product(ratios, kernels):
                configs.append(AttentionConfig(kind=kind, ratio=ratio, kernel=kernel, position=position))
        return configs


class ModelConfig(BaseModel):
    """A network, fully resolved.

    Attributes:
        architecture: a registered name or `package.module:Name`.
        options: passed to it by keyword.
        attention, sequence_axis: passed to it too, where they are not None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str = BUILT_IN_ARCHITECTURE
    options: dict[str, Option] = {}
    attention: AttentionConfig | None = None
    sequence_axis: SequenceAxis | None = None

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @property
    def arguments(self) -> dict[str, Any]:
        """What the architecture is called with besides window, channels and classes."""
        ours = {"attention": self.attention, "sequence_axis": self.sequence_axis}
        return {**self.options, **{name: value for name, value in ours.items() if value is not None}}

    def build(self, shape: tuple[int, int], classes: int) -> "nn.Module":
        """The network for windows of `shape` (T, C) and `classes` classes, initialised from torch's generator.

        Raises:
            ExtensionError: the architecture can't be imported, or raises an error when it is called; names both.
        """
        from har_ray.models.architectures import build

        return build(self, shape, classes)
