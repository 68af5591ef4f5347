"""Training by gradients. Inline in a trial's process and in Ray Train workers it is the same code and the same curve.

Weights start from the cell's seed, the order of windows from seed and epoch. See `trainer.py` for what is around it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from har_ray.data.tensors import Tensors
from har_ray.errors import ExtensionError, TrainingError
from har_ray.losses.objective import Objective
from har_ray.metrics import Metric
from har_ray.models.architectures import Outputs, outputs
from har_ray.models.config import BUILT_IN_ARCHITECTURE
from har_ray.plan.cells import Cell
from har_ray.registry import describe
from har_ray.training.ranks import Ranks
from har_ray.training.schedule import learning_rate
from har_ray.training.trainer import Epoch, Taught, Trainer
from har_ray.training.views import train_view

SHOWN = 256
"""So many training windows, spread over all, are shown to the losses before training."""


class Wanted(NamedTuple):
    """What is wanted of a batch: labels (B,) and the teacher's output; `share`: how much that counts."""

    share: float
    y: Tensor
    teacher: Outputs | None


class Student(nn.Module):
    """Network and objective in one module, so that data-parallel training sees what the losses train too."""

    def __init__(self, network: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, x: Tensor, wanted: Sequence[Wanted]) -> Tensor:
        """Losses (1 + L, B), see `Objective.forward`; of windows that are mixed, the mean of what is wanted of each."""
        found = outputs(self.network, x)
        losses = [one.share * self.objective(found, one.y, one.teacher) for one in wanted]
        return torch.stack(losses).sum(dim=0) if len(losses) > 1 else torch.as_tensor(losses[0])


class Seen(NamedTuple):
    """All training windows as an epoch sees them (N, T, C), and the teacher's output on just these."""

    x: Tensor
    teacher: Outputs | None


class Partners(NamedTuple):
    """The windows that those of a batch are mixed with, one each, and the share of these."""

    share: float
    rows: Tensor


class Fit(Trainer):
    """Trains one cell by gradients, an epoch at a time.

    Args:
        cell, data, ranks, metrics: see `Trainer`.
        taught: what its teachers have left; None without one.
    """

    def __init__(
        self,
        cell: Cell,
        data: Tensors,
        taught: Taught | None = None,
        ranks: Ranks | None = None,
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        super().__init__(cell, data, ranks, metrics)
        device = self.ranks.device
        objective = Objective(cell.losses)
        self._bind(objective, data, taught and taught.train)
        self.student = Student(self.network, objective).to(device)
        self.parallel = self.ranks.wrap(self.student)
        self.averaged = _averaged(self.network, cell.training.ema) if cell.training.ema else None
        self.optimiser = torch.optim.AdamW(
            self.student.parameters(), lr=cell.training.lr, weight_decay=cell.training.weight_decay, fused=True
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=cell.training.precision == "fp16")
        self.taught = taught and taught.to(device)
        assert bool(taught and taught.views) == bool(cell.augment and taught), "a teacher says what it sees"

    def _bind(self, objective: Objective, data: Tensors, targets: Outputs | None) -> None:
        """Show the losses the outputs for some windows; the network is left as it was built."""
        training = self.network.training
        rows = torch.arange(0, len(data.train.y), max(1, len(data.train.y) // SHOWN))[:SHOWN]
        with torch.no_grad():
            shown = outputs(self.network.eval(), data.train.x[rows])
        self.network.train(training)
        objective.bind(shown, targets and _rows(targets, rows), data.train.y)

    @property
    def converged(self) -> bool:
        """Validation has not improved for `patience` epochs."""
        return len(self.curve) - self.best_epoch >= self.cell.training.patience

    def _learn(self, number: int) -> Epoch:
        total, *terms = (self._pass_over_windows(number) / len(self.train.y)).tolist()
        if not math.isfinite(total):
            raise TrainingError(f"the training loss became {total} in epoch {number}; try a smaller train.lr")
        named = zip(self.student.objective.names, terms, strict=True)
        return {"train_loss": total} | {f"train_loss.{name}": term for name, term in named}

    def _pass_over_windows(self, number: int) -> Tensor:
        """One pass over the training windows; the sums of the losses over them (1 + L,)."""
        self.student.train()
        seed = self.cell.seed * 1_000_003 + number
        torch.manual_seed(seed)  # of dropout, for a run that goes on from a checkpoint too
        seen = self._seen(number)
        order = torch.Generator().manual_seed(seed)
        sums = torch.zeros(1 + len(self.student.objective.names), dtype=torch.float64, device=self.ranks.device)
        batches = torch.split(torch.randperm(len(self.train.y), generator=order), self.cell.training.batch_size)
        for step, batch in enumerate(batches):
            self._set_learning_rate(number - 1 + step / len(batches))
            rows, weights = (part.to(self.ranks.device) for part in self.ranks.share(batch))
            losses = self._losses(seen, rows, self._partners(batch, number, step))
            weighted = (losses.float() * weights).sum(dim=1)
            # Gradients are averaged over the ranks; times `world` that is the mean over the global batch.
            loss = weighted[0] * self.ranks.world / len(batch)
            self.optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(self.scaler.scale(loss))
            self._clip()
            self.scaler.step(self.optimiser)
            self.scaler.update()
            if self.averaged is not None:
                self.averaged.update_parameters(self.network)
            sums += weighted.detach()
        return self.ranks.sum(sums)

    def _set_learning_rate(self, epoch: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.cell.training, epoch)

    def _clip(self) -> None:
        """Pascanu, Mikolov, Bengio 2013, https://arxiv.org/abs/1211.5063."""
        if self.cell.training.clip is not None:
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.student.parameters(), self.cell.training.clip)

    def _seen(self, number: int) -> Seen:
        """The training windows of an epoch: as they are, or a view of their own, or one that the teacher has seen."""
        if not self.cell.augment:
            return Seen(self.train.x, self.taught and self.taught.train)
        turn = (number - 1) % len(self.taught.views) if self.taught else number - 1
        x = train_view(self.data, self.cell.augment, self.cell.seed, turn + 1).to(self.ranks.device)
        return Seen(x, self.taught and self.taught.views[turn])

    def _partners(self, batch: Tensor, number: int, step: int) -> Partners | None:
        """What this rank's part of a batch is mixed with; None where it is not."""
        alpha = self.cell.training.mixup
        if not alpha:
            return None
        chance = np.random.default_rng((self.cell.seed, number, step))
        others, _ = self.ranks.share(batch[torch.from_numpy(chance.permutation(len(batch)))])
        return Partners(1 - chance.beta(alpha, alpha), others.to(self.ranks.device))

    def _losses(self, seen: Seen, rows: Tensor, partners: Partners | None) -> Tensor:
        """The losses (1 + L, B) of these training windows, mixed with their partners.

        Raises:
            ExtensionError: somebody's network or loss raised an error; names it.
        """
        x, wanted = seen.x[rows], [self._wanted(seen, rows, 1.0)]
        if partners is not None:
            x = torch.lerp(x, seen.x[partners.rows], partners.share)
            wanted = [
                self._wanted(seen, rows, 1 - partners.share),
                self._wanted(seen, partners.rows, partners.share),
            ]
        try:
            with self._autocast():
                return torch.as_tensor(self.parallel(x, wanted))
        except ExtensionError:
            raise
        except Exception as error:
            if self.cell.model.architecture == BUILT_IN_ARCHITECTURE:
                raise
            raise ExtensionError(f"{self.cell.model.architecture}: {describe(error)}") from error

    def _wanted(self, seen: Seen, rows: Tensor, share: float) -> Wanted:
        return Wanted(share, self.train.y[rows], seen.teacher and _rows(seen.teacher, rows))

    def _evaluated(self) -> nn.Module:
        self.student.eval()
        return self.averaged.module if self.averaged is not None else self.network

    @torch.no_grad()
    def _diagnostics(self, found: Outputs) -> dict[str, float]:
        if self.taught is not None and self.taught.val is None:
            return {}
        return self.student.objective.diagnostics(found, self.val.y, self.taught and self.taught.val)

    def state_dict(self) -> dict[str, Any]:
        return {
            "student": self.student.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "averaged": self.averaged.state_dict() if self.averaged is not None else {},
            "best": self.best,
            "curve": self.curve,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.student.load_state_dict(state["student"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.best, self.curve = state["best"], state["curve"]


def _averaged(network: nn.Module, decay: float) -> AveragedModel:
    """A mean of the network's weights and buffers over the steps to come, always in evaluation mode."""
    rule = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=rule, use_buffers=True).eval()


def _rows(targets: Outputs, rows: Tensor) -> Outputs:
    return Outputs(targets.logits[rows], {name: values[rows] for name, values in targets.maps.items()})
