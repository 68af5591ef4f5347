"""The variants that a grid compares, as data: size, attention or not, losses. Needs neither Ray nor torch.

Names and sizes as in Agac and Durmaz Incel 2024, doi 10.1109/IE61493.2024.10599908. OM original model, MM moderate-size
model, LM lightweight model; Att with attention; RB-KD response-based knowledge distillation; RB-KD-Att the same into a
student with attention; RAB-KD response- and attention-based distillation, teacher and student with the same attention.
A grid may declare more; to add one of ours, add a line to `VARIANTS`.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from har_ray.choices import OneOrMany, as_list
from har_ray.models.config import BUILT_IN_ARCHITECTURE, AttentionSpace, Option, SequenceAxis

Size = Literal["OM", "MM", "LM"]
SIZES: dict[Size, dict[str, Option]] = {
    "OM": {"filters": 64, "units": 128},
    "MM": {"filters": 8, "units": 16},
    "LM": {"filters": 4, "units": 8},
}
"""DeepConvLSTM's options by size: filters of a convolution and units of an LSTM layer."""

CROSS_ENTROPY = "cross-entropy"
"""The loss that every cell has; named among a variant's losses to give it options."""

SEARCH_KEYS = ("temperature", "alpha", "beta", "attention")
"""The keys of a grid's search space that variants need: options of our losses, and the attention."""
OPTIONAL_SEARCH_KEYS = ("attention_loss",)
"""Those that it may have besides: options of our losses that have a default. Where a grid names none of them, its
candidates are what they were before there were any."""

OptionChoices = dict[str, Option | list[Option]]
"""Options by name; a list is searched."""


Teachers = Annotated[list[str], Field(min_length=1), BeforeValidator(as_list), OneOrMany()]
"""Names of variants: one teacher, or several whose outputs are averaged; a name given twice stands for two seeds."""


class Variant(BaseModel):
    """What sets a variant apart.

    Attributes:
        name: in grids, rows and tables.
        size: of DeepConvLSTM, which stands for `options`.
        architecture: a registered name or `package.module:Name`.
        options: of the architecture; a list is searched.
        attention: True for the attention of the grid's search space, or choices of this variant's own.
        sequence_axis: what the LSTM runs along; None for the grid's.
        augment: how training windows are changed, in this order: name → options; a list is searched.
        train: keys of the grid's section `train` that are otherwise for this variant; a list is searched. Not how long
            it trains nor what it is judged by, which are the same for all.
        teacher: who it learns from, where it has a loss that takes one; None: the grid's.
        max_params, max_macs: the budget: a network of more parameters, or more multiply-adds for a window, is refused.
        losses: besides the cross-entropy, or that one with options: name → options, which the search space gives where
            they are not given here; a list is searched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", examples=["X"])
    size: Size | None = None
    architecture: str = BUILT_IN_ARCHITECTURE
    options: OptionChoices = {}
    attention: bool | AttentionSpace = False
    sequence_axis: SequenceAxis | None = None
    losses: dict[str, OptionChoices] = {}
    augment: dict[str, OptionChoices] = {}
    train: OptionChoices = {}
    teacher: Teachers | None = None
    max_params: int | None = Field(default=None, ge=1)
    max_macs: int | None = Field(default=None, ge=1)

    @property
    def built_in(self) -> bool:
        """Whether its network is DeepConvLSTM, which has sizes, attention and a sequence axis."""
        return self.architecture == BUILT_IN_ARCHITECTURE

    def with_attention(self) -> "Variant":
        """The same with attention, as the teacher of students whose attention maps are compared with its own."""
        return self.model_copy(update={"name": f"{self.name}-Att", "attention": True})


_OM, _MM, _LM = (Variant(name=size, size=size) for size in SIZES)
_RESPONSE: dict[str, OptionChoices] = {"distillation": {}}
_BOTH: dict[str, OptionChoices] = {"distillation": {}, "attention-transfer": {}}

VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        *(_OM, _MM, _LM),
        *(one.with_attention() for one in (_OM, _MM, _LM)),
        Variant(name="RB-KD", size="LM", losses=_RESPONSE),
        Variant(name="RB-KD-Att", size="LM", attention=True, losses=_RESPONSE),
        Variant(name="RAB-KD", size="LM", attention=True, losses=_BOTH),
    )
}
"""In the order of tables and figures."""

BASELINE = "LM"
"""What every variant is compared with, where a grid has it and says nothing else."""


class Traits(BaseModel):
    """What tables and figures know of a variant, ours or a grid's own; the plan records it.

    Attributes:
        large: of the size of OM or MM, or a teacher or trees of the grid's own, so not a candidate for the watch.
        attention: it has attention.
        losses: besides the cross-entropy, by name.
        taught: it learns from a teacher.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    large: bool = False
    attention: bool = False
    losses: tuple[str, ...] = ()
    taught: bool = False

    @property
    def boosted(self) -> bool:
        """A small model with something added: attention, a teacher, another loss."""
        return not self.large and (self.attention or bool(self.losses))

    @property
    def family(self) -> str:
        """What figures distinguish by colour."""
        if "attention-transfer" in self.losses:
            return "response and attention distillation"
        if self.taught:
            return "response distillation"
        if self.losses:
            return "other"
        return "with attention" if self.attention else "from scratch"


FAMILIES = (
    "from scratch", "with attention", "response distillation", "response and attention distillation", "other",
)  # fmt: skip


def traits(variant: Variant, taught: bool, large: bool = False) -> Traits:
    """The traits of a variant.

    Args:
        taught: one of its losses needs a teacher.
        large: whatever its size, it is not meant for the watch.
    """
    return Traits(
        name=variant.name,
        large=large or variant.size in ("OM", "MM"),
        attention=variant.attention is not False,
        losses=tuple(name for name in variant.losses if name != CROSS_ENTROPY),
        taught=taught,
    )


def in_order(names: Iterable[str]) -> list[str]:
    """Distinct names: ours in the order of `VARIANTS`, then a grid's own in the order given."""
    given = list(dict.fromkeys(names))
    return [name for name in VARIANTS if name in given] + [name for name in given if name not in VARIANTS]
