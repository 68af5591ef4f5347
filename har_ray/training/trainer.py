"""A cell in training, whatever its network learns by: validation after every epoch, and the best epoch's weights.

Notable: the result depends on the cell alone. A run that continues from its checkpoint equals one that was never
interrupted, to the last bit on CPU. The weights of the best validation epoch are kept by copy. The test set is not seen
here.
"""

import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from har_ray.data.tensors import Part, Tensors
from har_ray.metrics import DEFAULT, Metric, load_metrics, scores
from har_ray.models.architectures import Maps, Outputs, outputs
from har_ray.models.attention import map_sd
from har_ray.plan.cells import Cell
from har_ray.training.ranks import Ranks

EVALUATION_BATCH = 256
"""Windows per forward pass without gradient; fixed, so that scores do not depend on what else is configured."""
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

Epoch = dict[str, float]


class Taught(NamedTuple):
    """What a cell's teachers have left for it, row by row.

    Attributes:
        train: their output on the training windows.
        val: the same on the validation windows; without it losses are not asked for their diagnostics.
        views: the same on the augmented views that the cell's epochs go round.
    """

    train: Outputs
    val: Outputs | None = None
    views: Sequence[Outputs] = ()

    def to(self, device: torch.device) -> "Taught":
        val = None if self.val is None else _outputs_to(self.val, device)
        return Taught(_outputs_to(self.train, device), val, [_outputs_to(one, device) for one in self.views])


class Trainer(ABC):
    """Trains one cell, an epoch at a time.

    Args:
        cell: what to train.
        data: its windows.
        ranks: the processes that share the work, and the device.
        metrics: the validation scores of an epoch, by name; `cell.training.monitor` is one of them.
    """

    def __init__(self, cell: Cell, data: Tensors, ranks: Ranks | None, metrics: Mapping[str, Metric] | None) -> None:
        self.cell, self.ranks, self.data = cell, ranks or Ranks(), data
        self.metrics = dict(metrics or load_metrics(DEFAULT))
        torch.manual_seed(cell.seed)
        self.network = cell.model.build(data.shape, len(data.classes))
        self.train, self.val = _to(data.train, self.ranks.device), _to(data.val, self.ranks.device)
        self.curve: list[Epoch] = []
        self.best = copy.deepcopy(self.network.state_dict())

    @abstractmethod
    def _learn(self, number: int) -> Epoch:
        """Learn from the training windows; `train_loss` and its parts, as means over them."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that the next epoch depends on; plain types and tensors."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""

    @property
    @abstractmethod
    def converged(self) -> bool:
        """More epochs would not make it better."""

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
    def finished(self) -> bool:
        return self.converged or len(self.curve) >= self.cell.training.epochs

    def epoch(self) -> Epoch:
        """Train on every training window once, then validate.

        Raises:
            TrainingError: the loss is not finite.
        """
        start = time.perf_counter()
        number = len(self.curve) + 1
        losses = self._learn(number)
        evaluated = self._evaluated()
        found = self._outputs(self.val.x, evaluated)
        self.curve.append(
            {"epoch": number}
            | losses
            | scores(self.metrics, self.val.y.cpu().numpy(), found.logits.cpu().numpy(), "val_")
            | {f"attention_sd_{name}": sd for name, sd in map_sd(found.maps).items()}
            | self._diagnostics(found)
            | {"seconds": time.perf_counter() - start}
        )
        if self.best_epoch == number:
            self.best = copy.deepcopy(evaluated.state_dict())
        return self.curve[-1]

    def _evaluated(self) -> nn.Module:
        """The network that is validated and kept, in evaluation mode."""
        return self.network.eval()

    def _diagnostics(self, found: Outputs) -> dict[str, float]:
        """What else an epoch says of the outputs for the validation windows."""
        return {}

    def predict(self, x: Tensor) -> Tensor:
        """Logits (N, K) float32 of windows (N, T, C), each rank working on its share."""
        return self._outputs(x, self.network.eval()).logits

    @torch.no_grad()
    def _outputs(self, x: Tensor, network: nn.Module) -> Outputs:
        """The network's logits (N, K) and maps for windows (N, T, C), float32."""
        found = []
        for part in torch.split(x[self.ranks.rank :: self.ranks.world], EVALUATION_BATCH):
            with self._autocast():
                found.append(outputs(network, part.to(self.ranks.device)))
        logits = self.ranks.gather(torch.cat([one.logits.float() for one in found]))
        maps: Maps = {name: torch.cat([one.maps[name].float() for one in found]) for name in found[0].maps}
        return Outputs(logits, {name: self.ranks.gather(values) for name, values in maps.items()})

    def _autocast(self) -> AbstractContextManager[Any]:
        precision = self.cell.training.precision
        return torch.autocast(self.ranks.device.type, DTYPES[precision], enabled=precision != "fp32")

    def use_best(self) -> None:
        """Go back to the weights of the best validation epoch."""
        self.network.load_state_dict(self.best)


def _outputs_to(targets: Outputs, device: torch.device) -> Outputs:
    return Outputs(targets.logits.to(device), {name: values.to(device) for name, values in targets.maps.items()})


def _to(part: Part, device: torch.device) -> Part:
    return part._replace(x=part.x.to(device), y=part.y.to(device))
