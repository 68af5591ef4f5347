"""The one training loop. Inline in a trial's process and in Ray Train workers it is the same code and the same curve.

Notable: the result depends on the cell alone. Weights start from the cell's seed, the order of windows from seed and
epoch, so a run that continues from its checkpoint equals one that was never interrupted, to the last bit on CPU. The
weights of the best validation epoch are kept by copy. The test set is not seen here.
"""

import copy
import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from har_ray.data.tensors import Part, Tensors
from har_ray.errors import ExtensionError, TrainingError
from har_ray.losses.objective import Objective
from har_ray.metrics import DEFAULT, Metric, load_metrics, scores
from har_ray.models.architectures import Outputs, describe, outputs
from har_ray.models.attention import map_sd
from har_ray.models.config import BUILT_IN_ARCHITECTURE
from har_ray.plan.cells import Cell
from har_ray.training.ranks import Ranks
from har_ray.training.schedule import learning_rate

EVALUATION_BATCH = 256
"""Windows per forward pass without gradient; fixed, so that scores do not depend on what else is configured."""
SHOWN = 256
"""So many training windows, spread over all, are shown to the losses before training."""
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

Epoch = dict[str, float]


class Student(nn.Module):
    """Network and objective in one module, so that data-parallel training sees what the losses train too."""

    def __init__(self, network: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, x: Tensor, y: Tensor, teacher: Outputs | None) -> Tensor:
        """Losses (1 + L, B), see `Objective.forward`."""
        return torch.as_tensor(self.objective(outputs(self.network, x), y, teacher))


class Fit:
    """Trains one cell, an epoch at a time.

    Args:
        cell: what to train.
        data: its windows.
        targets: the teacher's output on `data.train`, row by row, or None without a teacher.
        val_targets: the same on `data.val`; the losses are asked for their diagnostics only if it is there where
            `targets` is.
        ranks: the processes that share the work, and the device.
        metrics: the validation scores of an epoch, by name; `cell.training.monitor` is one of them.
    """

    def __init__(
        self,
        cell: Cell,
        data: Tensors,
        targets: Outputs | None = None,
        ranks: Ranks | None = None,
        metrics: Mapping[str, Metric] | None = None,
        val_targets: Outputs | None = None,
    ) -> None:
        self.cell, self.ranks = cell, ranks or Ranks()
        self.metrics = dict(metrics or load_metrics(DEFAULT))
        device = self.ranks.device
        torch.manual_seed(cell.seed)
        self.network = cell.model.build(data.shape, len(data.classes))
        objective = Objective(cell.losses)
        self._bind(objective, data, targets)
        self.student = Student(self.network, objective).to(device)
        self.parallel = self.ranks.wrap(self.student)
        self.optimiser = torch.optim.Adam(self.student.parameters(), lr=cell.training.lr, fused=True)
        self.scaler = torch.amp.GradScaler(device.type, enabled=cell.training.precision == "fp16")
        self.train, self.val = _to(data.train, device), _to(data.val, device)
        self.targets = targets and _outputs_to(targets, device)
        self.val_targets = val_targets and _outputs_to(val_targets, device)
        self.curve: list[Epoch] = []
        self.best = copy.deepcopy(self.network.state_dict())

    def _bind(self, objective: Objective, data: Tensors, targets: Outputs | None) -> None:
        """Show the losses the outputs for some windows; the network is left as it was built."""
        training = self.network.training
        rows = torch.arange(0, len(data.train.y), max(1, len(data.train.y) // SHOWN))[:SHOWN]
        with torch.no_grad():
            shown = outputs(self.network.eval(), data.train.x[rows])
        self.network.train(training)
        objective.bind(shown, targets and _rows(targets, rows), data.train.y)

    @property
    def monitored(self) -> list[float]:
        """The monitored validation score of each epoch."""
        return [epoch[self.cell.training.monitor] for epoch in self.curve]

    @property
    def best_epoch(self) -> int:
        """From 1; the first of equals; 0 before the first epoch."""
        scores = self.monitored
        return scores.index(max(scores)) + 1 if scores else 0

    @property
    def converged(self) -> bool:
        """Validation has not improved for `patience` epochs."""
        return len(self.curve) - self.best_epoch >= self.cell.training.patience

    @property
    def finished(self) -> bool:
        return self.converged or len(self.curve) >= self.cell.training.epochs

    def epoch(self) -> Epoch:
        """Train on every training window once, then validate.

        Raises:
            TrainingError: the loss is not finite.
        """
        start = time.perf_counter()
        number = len(self.curve) + 1
        total, *terms = (self._pass_over_windows(number) / len(self.train.y)).tolist()
        if not math.isfinite(total):
            raise TrainingError(f"the training loss became {total} in epoch {number}; try a smaller train.lr")
        named = zip(self.student.objective.names, terms, strict=True)
        found = self._outputs(self.val.x)
        self.curve.append(
            {"epoch": number, "train_loss": total}
            | {f"train_loss.{name}": term for name, term in named}
            | scores(self.metrics, self.val.y.cpu().numpy(), found.logits.cpu().numpy(), "val_")
            | self._diagnostics(found)
            | {"seconds": time.perf_counter() - start}
        )
        if self.best_epoch == number:
            self.best = copy.deepcopy(self.network.state_dict())
        return self.curve[-1]

    def _pass_over_windows(self, number: int) -> Tensor:
        """One pass over the training windows; the sums of the losses over them (1 + L,)."""
        self.student.train()
        order = torch.Generator().manual_seed(self.cell.seed * 1_000_003 + number)
        sums = torch.zeros(1 + len(self.student.objective.names), dtype=torch.float64, device=self.ranks.device)
        batches = torch.split(torch.randperm(len(self.train.y), generator=order), self.cell.training.batch_size)
        for step, batch in enumerate(batches):
            self._set_learning_rate(number - 1 + step / len(batches))
            rows, weights = (part.to(self.ranks.device) for part in self.ranks.share(batch))
            losses = self._losses(rows)
            weighted = (losses.float() * weights).sum(dim=1)
            # Gradients are averaged over the ranks; times `world` that is the mean over the global batch.
            loss = weighted[0] * self.ranks.world / len(batch)
            self.optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(self.scaler.scale(loss))
            self._clip()
            self.scaler.step(self.optimiser)
            self.scaler.update()
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

    def _losses(self, rows: Tensor) -> Tensor:
        """The losses (1 + L, B) of these training windows.

        Raises:
            ExtensionError: somebody's network or loss raised an error; names it.
        """
        teacher = self.targets and _rows(self.targets, rows)
        try:
            with self._autocast():
                return torch.as_tensor(self.parallel(self.train.x[rows], self.train.y[rows], teacher))
        except ExtensionError:
            raise
        except Exception as error:
            if self.cell.model.architecture == BUILT_IN_ARCHITECTURE:
                raise
            raise ExtensionError(f"{self.cell.model.architecture}: {describe(error)}") from error

    def predict(self, x: Tensor) -> Tensor:
        """Logits (N, K) float32 of windows (N, T, C), each rank working on its share."""
        return self._outputs(x).logits

    @torch.no_grad()
    def _outputs(self, x: Tensor) -> Outputs:
        """The network's logits (N, K) and maps for windows (N, T, C), float32."""
        self.student.eval()
        found = []
        for part in torch.split(x[self.ranks.rank :: self.ranks.world], EVALUATION_BATCH):
            with self._autocast():
                found.append(outputs(self.network, part.to(self.ranks.device)))
        logits = self.ranks.gather(torch.cat([one.logits.float() for one in found]))
        maps = {name: torch.cat([one.maps[name].float() for one in found]) for name in found[0].maps}
        return Outputs(logits, {name: self.ranks.gather(values) for name, values in maps.items()})

    @torch.no_grad()
    def _diagnostics(self, found: Outputs) -> dict[str, float]:
        """What else an epoch says of the outputs for the validation windows: how far maps vary, and what losses say."""
        varies = {f"attention_sd_{name}": sd for name, sd in map_sd(found.maps).items()}
        if self.targets is not None and self.val_targets is None:
            return varies
        return varies | self.student.objective.diagnostics(found, self.val.y, self.val_targets)

    def _autocast(self) -> AbstractContextManager[Any]:
        precision = self.cell.training.precision
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


def _rows(targets: Outputs, rows: Tensor) -> Outputs:
    return Outputs(targets.logits[rows], {name: values[rows] for name, values in targets.maps.items()})


def _outputs_to(targets: Outputs, device: torch.device) -> Outputs:
    return Outputs(targets.logits.to(device), {name: values.to(device) for name, values in targets.maps.items()})


def _to(part: Part, device: torch.device) -> Part:
    return part._replace(x=part.x.to(device), y=part.y.to(device))
