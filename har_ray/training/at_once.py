"""Training of what is fitted to all training windows at once, as trees are: one epoch, no gradients."""

from collections.abc import Mapping
from typing import Any, cast

from torch.nn.functional import cross_entropy

from har_ray.data.tensors import Tensors
from har_ray.metrics import Metric
from har_ray.plan.cells import Cell
from har_ray.training.ranks import Ranks
from har_ray.training.trainer import Epoch, Trainer


class AtOnce(Trainer):
    """Trains one cell in one epoch, by its network's own `fit`; each rank does the same."""

    def __init__(
        self,
        cell: Cell,
        data: Tensors,
        ranks: Ranks | None = None,
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        super().__init__(cell, data, ranks, metrics)
        self.network.to(self.ranks.device)

    @property
    def converged(self) -> bool:
        return bool(self.curve)

    def _learn(self, number: int) -> Epoch:
        cast(Any, self.network).fit(self.data.train.x, self.data.train.y, self.cell.seed)
        self.network.to(self.ranks.device)
        loss = float(cross_entropy(self.predict(self.train.x), self.train.y))
        return {"train_loss": loss, "train_loss.cross-entropy": loss}

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "best": self.best, "curve": self.curve}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.best, self.curve = state["best"], state["curve"]
