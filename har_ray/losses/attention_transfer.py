"""Attention transfer: the student's channel and spatial attention maps are to follow the teacher's.

Agac and Durmaz Incel 2024 (doi 10.1109/IE61493.2024.10599908) add β times the mean squared differences of the maps
(`published`). Most of such a difference is that of the maps' means, which a constant satisfies, while what a map says
of a window is how it differs from its mean. So by default (`centred`) the means are taken out, and the difference is
in units of the teacher's variance.
"""

from typing import ClassVar, get_args

import torch
from torch import Tensor, nn

from har_ray.losses import LOSSES, Loss
from har_ray.models.architectures import Maps, Outputs
from har_ray.models.attention import map_sd
from har_ray.models.config import CONSTANT_SD, AttentionLoss


@LOSSES.register("attention-transfer")
class AttentionTransfer(Loss):
    """Summed over the maps, `published`: the mean squared difference; `centred`: that of p + o and t, over v.

    p is the student's map, t the teacher's, o an offset for each entry of the map, v the variance of t over windows,
    mean over the entries. Where student and teacher differ in filters, p is the student's channel map projected to the
    teacher's width by a linear layer. Projection and offset are trained jointly, then discarded. The offset starts
    where the means of p + o and t are equal, so a map that is the same for every window scores 1, and a perfect one 0;
    over windows the mean of `centred` is 1 - R², and β has one meaning for all maps and datasets.

    The mean of a batch is not used: ranks that share a batch would each take out that of their own share, so the curve
    would depend on their number. v and where o starts are those of the windows that `bind` is given. A map of which the
    teacher's is constant has nothing to transfer, and counts 0.

    Args:
        beta: β, 0 or above. With 0, a control, the student's maps are compared and reported but not trained;
            the projection is, at weight 1.
        attention_loss: `centred` or `published`.

    Raises:
        ValueError: an argument is out of its range.
    """

    needs_teacher: ClassVar[bool] = True
    needs_maps: ClassVar[bool] = True

    def __init__(self, beta: float, attention_loss: str = "centred") -> None:
        if not beta >= 0:
            raise ValueError(f"beta {beta:g} is below 0")
        if attention_loss not in get_args(AttentionLoss):
            known = " or ".join(get_args(AttentionLoss))
            raise ValueError(f"attention_loss {attention_loss!r} is unknown; expected {known}")
        super().__init__(weight=beta or 1.0)
        self.trains_student, self.centred = beta > 0, attention_loss == "centred"
        self.projection: nn.Module = nn.Identity()
        self.offsets = nn.ParameterDict()
        self.scales: dict[str, float] = {}

    def bind(self, student: Outputs, teacher: Outputs | None, y: Tensor) -> None:
        assert teacher is not None, "needs_teacher"
        if "channel" in teacher.maps:
            found, wanted = student.maps["channel"].shape[1], teacher.maps["channel"].shape[1]
            if found != wanted:
                self.projection = nn.Linear(found, wanted, bias=not self.centred)
        if self.centred:
            self._centre(student, teacher)

    @torch.no_grad()
    def _centre(self, student: Outputs, teacher: Outputs) -> None:
        sd = map_sd(teacher.maps)
        for name, found in self._projected(student.maps, teacher.maps).items():
            wanted = teacher.maps[name].float()
            self.offsets[name] = nn.Parameter((wanted - found).mean(dim=0))
            variance = wanted.var(dim=0, correction=0).mean().item()
            self.scales[name] = 1 / variance if sd[name] > CONSTANT_SD else 0.0

    def _projected(self, student: Maps, teacher: Maps) -> Maps:
        """The student's maps in the shape of the teacher's, float32: half precision is coarse beside their variance."""
        found: Maps = {}
        for name in teacher:
            values = student[name] if self.trains_student else student[name].detach()
            with torch.autocast(values.device.type, enabled=False):
                found[name] = self.projection(values.float()) if name == "channel" else values.float()
        return found

    def forward(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        assert teacher is not None, "needs_teacher"
        differences = []
        for name, found in self._projected(student.maps, teacher.maps).items():
            if self.centred:
                found = found + self.offsets[name]
            squared = (found - teacher.maps[name].float()).square().flatten(1).mean(dim=1)
            differences.append(squared * self.scales[name] if self.centred else squared)
        return torch.stack(differences).sum(dim=0)

    def diagnostics(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> dict[str, float]:
        """`attention_r2_channel` and `attention_r2_spatial`; none of a map of which the teacher's is constant."""
        assert teacher is not None, "needs_teacher"
        varying = {name: values for name, values in teacher.maps.items() if map_sd({name: values})[name] > CONSTANT_SD}
        found = self._projected(student.maps, varying)
        return {f"attention_r2_{name}": r2(found[name], wanted.float()) for name, wanted in varying.items()}


def r2(found: Tensor, wanted: Tensor) -> float:
    """R² of maps (N, …) for others, the mean over the windows taken out of each entry of both.

    1 - the sum of squared residuals / the total sum of squares: 1 for a map that follows the other in every window,
    0 for one that is the same for every window, below 0 for one that varies otherwise.
    """
    found, wanted = found - found.mean(dim=0), wanted - wanted.mean(dim=0)
    return 1 - ((found - wanted).square().sum() / wanted.square().sum()).item()
