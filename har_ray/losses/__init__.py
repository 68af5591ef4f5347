"""The terms of what a cell minimises, one file each under its registered name, and what is asked of one.

Every cell has the cross-entropy; a variant names the others. `objective.py` adds them up.
"""

from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn

from har_ray.models.architectures import Outputs
from har_ray.registry import Registry


class Loss(nn.Module):
    """One term. Its options are the parameters of its constructor, `weight` among them unless it has its own.

    Attributes:
        needs_teacher: it compares with a teacher's output, so the variant learns from one.
        needs_maps: it compares attention maps, so the teacher has the student's attention.
        weight: what the term is multiplied with.
        label_weight: what the cross-entropy is multiplied with beside this term.
    """

    needs_teacher: ClassVar[bool] = False
    needs_maps: ClassVar[bool] = False

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight, self.label_weight = weight, 1.0

    def bind(self, student: Outputs, teacher: Outputs | None, y: Tensor) -> None:
        """Build what depends on shapes, or on what the outputs are like before training; called once, then.

        Args:
            student: the outputs of the untrained network for some windows (N, …), spread over the training windows.
            teacher: the teacher's for the same.
            y: the labels of all training windows, int64.

        Parameters made here are trained jointly with the student, then discarded.
        """

    def diagnostics(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> dict[str, float]:
        """How well the term is met, by name; given the same as `forward` for all validation windows, after every epoch.

        Each becomes a column of the curve and, of the best epoch, of the row: `Margin.met` for `met` of `Margin`.
        """
        return {}

    def forward(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        """The term for each window (B,), of logits (B, K) and maps, labels (B,), the teacher's output on the same."""
        raise NotImplementedError


LOSSES: Registry[Loss] = Registry("loss", __name__, Loss)


def needs_teacher(losses: Iterable[str]) -> bool:
    """Whether one of the losses compares with a teacher."""
    return any(LOSSES.find(name).needs_teacher for name in losses)


def needs_maps(losses: Iterable[str]) -> bool:
    """Whether one of the losses compares attention maps, so that the teacher has the student's attention."""
    return any(LOSSES.find(name).needs_maps for name in losses)
