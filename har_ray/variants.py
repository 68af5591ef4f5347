"""The variants that a grid compares: size, attention or not, teacher or not, and which losses.

Names as in Agac and Durmaz Incel 2024, doi 10.1109/IE61493.2024.10599908. OM original model, MM moderate-size model, LM
lightweight model; Att with attention; RB-KD response-based knowledge distillation; RB-KD-Att the same into a student
with attention; RAB-KD response- and attention-based distillation, teacher and student with the same attention.
"""

from dataclasses import dataclass
from typing import Literal

from har_ray.models.architectures.deepconvlstm import DeepConvLSTM, SequenceAxis
from har_ray.models.attention import AttentionConfig

Size = Literal["OM", "MM", "LM"]
SIZES: dict[Size, tuple[int, int]] = {"OM": (64, 128), "MM": (8, 16), "LM": (4, 8)}
"""Filters of a convolution and units of an LSTM layer."""


@dataclass(frozen=True)
class Variant:
    """What sets a variant apart. `transfers_attention` implies a teacher with the student's attention."""

    size: Size
    attention: bool = False
    distils: bool = False
    transfers_attention: bool = False

    @property
    def searches(self) -> tuple[str, ...]:
        """The keys of a grid's search space that this variant has."""
        has = {
            "temperature": self.distils,
            "alpha": self.distils,
            "beta": self.transfers_attention,
            "attention": self.attention,
        }
        return tuple(key for key, present in has.items() if present)


VARIANTS: dict[str, Variant] = {
    "OM": Variant("OM"),
    "MM": Variant("MM"),
    "LM": Variant("LM"),
    "OM-Att": Variant("OM", attention=True),
    "MM-Att": Variant("MM", attention=True),
    "LM-Att": Variant("LM", attention=True),
    "RB-KD": Variant("LM", distils=True),
    "RB-KD-Att": Variant("LM", attention=True, distils=True),
    "RAB-KD": Variant("LM", attention=True, distils=True, transfers_attention=True),
}


def build(
    size: Size,
    shape: tuple[int, int],
    classes: int,
    attention: AttentionConfig | None = None,
    sequence_axis: SequenceAxis = "channels",
) -> DeepConvLSTM:
    """The network of a size for windows of `shape` (T, C) and `classes` classes, initialised from torch's generator."""
    filters, units = SIZES[size]
    return DeepConvLSTM(*shape, classes, filters, units, attention, sequence_axis)
