"""The one training loop. Inline in a trial's process and in Ray Train workers it is the same code and the same curve.

Notable: the result depends on the cell alone. Weights start from the cell's seed, the order of windows from seed and
epoch, so a run that continues from its checkpoint equals one that was never interrupted, to the last bit on CPU. The
weights of the best validation epoch are kept by copy. The test set is not seen here.
"""

import copy
import math
import time
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from har_ray.data.tensors import Part, Tensors
from har_ray.errors import TrainingError
from har_ray.models.architectures.deepconvlstm import DeepConvLSTM
from har_ray.plan.cells import Cell
from har_ray.scores import score
from har_ray.training.losses import Objective, Taught
from har_ray.training.ranks import Ranks
from har_ray.variants import SIZES, build

EVALUATION_BATCH = 256
"""Windows per forward pass without gradient; fixed, so that scores do not depend on what else is configured."""
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

Epoch = dict[str, float]


class Student(nn.Module):
    """Network and objective in one module, so that data-parallel training sees the projection too."""

    def __init__(self, network: DeepConvLSTM, objective: Objective) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, x: Tensor, y: Tensor, taught: Taught | None) -> Tensor:
        """Losses (4, B): total, cross-entropy, distillation, attention transfer."""
        logits, maps = self.network.with_maps(x)
        return torch.stack(self.objective(logits, maps, y, taught))


def build_cell(cell: Cell, shape: tuple[int, int], classes: int) -> DeepConvLSTM:
    """The cell's network, initialised from torch's generator."""
    return build(cell.kind.size, shape, classes, cell.attention, cell.sequence_axis)


class Fit:
    """Trains one cell, an epoch at a time.

    Args:
        cell: what to train.
        data: its windows.
        taught: the teacher's output on `data.train`, row by row, or None without a teacher.
        ranks: the processes that share the work, and the device.
    """

    def __init__(self, cell: Cell, data: Tensors, taught: Taught | None = None, ranks: Ranks | None = None) -> None:
        self.cell, self.ranks = cell, ranks or Ranks()
        device = self.ranks.device
        torch.manual_seed(cell.seed)
        self.network = build_cell(cell, data.shape, len(data.classes))
        student = SIZES[cell.kind.size][0]
        teacher = taught.maps["channel"].shape[1] if taught and "channel" in taught.maps else student
        objective = Objective(cell.temperature, cell.alpha, cell.beta, (student, teacher))
        self.student = Student(self.network, objective).to(device)
        self.parallel = self.ranks.wrap(self.student)
        self.optimiser = torch.optim.Adam(self.student.parameters(), lr=cell.train.lr, fused=True)
        self.scaler = torch.amp.GradScaler(device.type, enabled=cell.train.precision == "fp16")
        self.train, self.val = _to(data.train, device), _to(data.val, device)
        self.taught = taught and Taught(taught.logits.to(device), {k: m.to(device) for k, m in taught.maps.items()})
        self.classes = len(data.classes)
        self.curve: list[Epoch] = []
        self.best = copy.deepcopy(self.network.state_dict())

    @property
    def monitored(self) -> list[float]:
        """The monitored validation score of each epoch."""
        return [epoch[self.cell.train.monitor] for epoch in self.curve]

    @property
    def best_epoch(self) -> int:
        """From 1; the first of equals; 0 before the first epoch."""
        scores = self.monitored
        return scores.index(max(scores)) + 1 if scores else 0

    @property
    def finished(self) -> bool:
        epochs = len(self.curve)
        return epochs >= self.cell.train.epochs or epochs - self.best_epoch >= self.cell.train.patience

    def epoch(self) -> Epoch:
        """Train on every training window once, then validate.

        Raises:
            TrainingError: the loss is not finite.
        """
        start = time.perf_counter()
        number = len(self.curve) + 1
        total, cross_entropy, distilled, transferred = (self._train(number) / len(self.train.y)).tolist()
        if not math.isfinite(total):
            raise TrainingError(f"the training loss became {total} in epoch {number}; try a smaller train.lr")
        predicted = self.predict(self.val.x).argmax(dim=1).cpu().numpy()
        scores = score(self.val.y.cpu().numpy(), predicted, self.classes)
        self.curve.append(
            {
                "epoch": number,
                "train_loss": total,
                "cross_entropy": cross_entropy,
                "distillation": distilled,
                "attention_transfer": transferred,
                "val_f1_macro": scores.f1_macro,
                "val_accuracy": scores.accuracy,
                "seconds": time.perf_counter() - start,
            }
        )
        if self.best_epoch == number:
            self.best = copy.deepcopy(self.network.state_dict())
        return self.curve[-1]

    def _train(self, number: int) -> Tensor:
        """One pass; the sums of the losses over the training windows (4,)."""
        self.student.train()
        order = torch.Generator().manual_seed(self.cell.seed * 1_000_003 + number)
        sums = torch.zeros(4, dtype=torch.float64, device=self.ranks.device)
        for batch in torch.split(torch.randperm(len(self.train.y), generator=order), self.cell.train.batch_size):
            rows, weights = (part.to(self.ranks.device) for part in self.ranks.share(batch))
            taught = self.taught and Taught(self.taught.logits[rows], {k: m[rows] for k, m in self.taught.maps.items()})
            with self._autocast():
                losses = self.parallel(self.train.x[rows], self.train.y[rows], taught)  # (4, B)
            weighted = (losses.float() * weights).sum(dim=1)
            # Gradients are averaged over the ranks; times `world` that is the mean over the global batch.
            loss = weighted[0] * self.ranks.world / len(batch)
            self.optimiser.zero_grad(set_to_none=True)
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimiser)
            self.scaler.update()
            sums += weighted.detach()
        return self.ranks.sum(sums)

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Logits (N, K) float32 of windows (N, T, C), each rank working on its share."""
        self.student.eval()
        logits = []
        for part in torch.split(x[self.ranks.rank :: self.ranks.world], EVALUATION_BATCH):
            with self._autocast():
                logits.append(self.network(part.to(self.ranks.device)).float())
        return self.ranks.gather(torch.cat(logits))

    def _autocast(self) -> AbstractContextManager[Any]:
        precision = self.cell.train.precision
        return torch.autocast(self.ranks.device.type, DTYPES[precision], enabled=precision != "fp32")

    def use_best(self) -> None:
        """Go back to the weights of the best validation epoch."""
        self.network.load_state_dict(self.best)

    def state_dict(self) -> dict[str, Any]:
        """All that the next epoch depends on; plain types and tensors."""
        return {
            "student": self.student.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "best": self.best,
            "curve": self.curve,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.student.load_state_dict(state["student"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.best, self.curve = state["best"], state["curve"]


def _to(part: Part, device: torch.device) -> Part:
    return part._replace(x=part.x.to(device), y=part.y.to(device))
