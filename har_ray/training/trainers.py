"""Which trainer a cell takes."""

from collections.abc import Mapping

from har_ray.data.tensors import Tensors
from har_ray.metrics import Metric
from har_ray.models.architectures import fitted_at_once
from har_ray.plan.cells import Cell
from har_ray.training.at_once import AtOnce
from har_ray.training.fit import Fit
from har_ray.training.ranks import Ranks
from har_ray.training.trainer import Taught, Trainer


def trainer_of(
    cell: Cell, data: Tensors, taught: Taught | None, ranks: Ranks, metrics: Mapping[str, Metric] | None = None
) -> Trainer:
    """By gradients, see `Fit`, or at once, where its architecture has a `fit`."""
    if fitted_at_once(cell.model.architecture):
        return AtOnce(cell, data, ranks, metrics)
    return Fit(cell, data, taught, ranks, metrics)
