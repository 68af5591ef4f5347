"""The processes that train one cell together: one alone, or the workers of a Ray Train group.

Every rank takes its share of each global batch, so that the number of workers changes the speed and not the curve. All
ranks must take the same number of steps: one for which a batch has no window takes one of weight 0.
"""

from typing import NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from har_ray.training import batch_norm

T = TypeVar("T")


def device_of(rank: int, world: int) -> torch.device:
    """Of one of `world` processes that share the GPUs they see, in equal parts and in order; the CPU without a GPU."""
    gpus = torch.cuda.device_count()
    return torch.device("cuda", rank * gpus // world) if gpus else torch.device("cpu")


class Ranks(NamedTuple):
    """This process's number among `world` processes, and its device."""

    rank: int = 0
    world: int = 1
    device: torch.device = torch.device("cpu")

    @classmethod
    def alone(cls, gpu: bool = True) -> "Ranks":
        """One process, on a GPU if there is one and it may use it."""
        return cls(device=device_of(0, 1) if gpu else torch.device("cpu"))

    def share(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The indices of this rank's part of a batch (B,), and their weights: 1, or 0 for one that stands in."""
        mine = batch[self.rank :: self.world]
        return (mine, torch.ones(len(mine))) if len(mine) else (batch[:1], torch.zeros(1))

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model with gradients averaged over the ranks, and with batch normalisation over all of them."""
        return nn.parallel.DistributedDataParallel(batch_norm.share(model)) if self.world > 1 else model

    def sum(self, values: Tensor) -> Tensor:
        """Element-wise sum over the ranks."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def gather(self, rows: Tensor) -> Tensor:
        """Rows (n, K) of every rank, of rank r the rows r, r + world, …, put together in order (N, K)."""
        if self.world == 1:
            return rows
        total = int(self.sum(torch.tensor(len(rows), device=rows.device)))
        longest = -(-total // self.world)
        padded = torch.cat([rows, rows.new_zeros(longest - len(rows), *rows.shape[1:])])
        parts = [torch.empty_like(padded) for _ in range(self.world)]
        dist.all_gather(parts, padded)
        return torch.stack(parts, dim=1).flatten(0, 1)[:total]

    def agree(self, value: T) -> T:
        """Rank 0's value, on every rank."""
        box = [value]
        if self.world > 1:
            dist.broadcast_object_list(box, src=0)
        return box[0]
