"""What a cell was trained by, for fine-tuning its rounded network: its losses, and what its teachers have left."""

import torch
from torch import Tensor

from har_ray.candidates import losses_of
from har_ray.errors import ExportError
from har_ray.export.int8.tuning import Loss
from har_ray.export.trained import Trained
from har_ray.losses.objective import LossConfigs, Objective
from har_ray.models.architectures import Outputs, outputs
from har_ray.store.results import ResultStore, Row
from har_ray.training import targets
from har_ray.training.trainer import EVALUATION_BATCH
from har_ray.variants import VARIANTS, Variant


def training_loss(results: ResultStore, info: Row, trained: Trained) -> Loss:
    """The mean of a cell's losses over training windows, of their logits and rows; its network is not changed.

    Of a teacher's targets it takes the stored ones of the windows as they are, augmented or not. Attention maps, which
    an int8 file has none of, are those of the float network, so that losses that compare them have no gradient.

    Args:
        info: the grid's `run.json`.

    Raises:
        ExportError: `run.json` has no such variant.
        ExtensionError: a loss can't be imported, or raises an error.
        TrainingError: a teacher has left no targets for these windows.
    """
    y = torch.from_numpy(trained.train.y)
    objective = Objective(_losses(info, results.row(trained.row["cell_id"]) or trained.row))
    found, taught = _outputs(trained), _taught(results, trained)
    objective.bind(found, taught, y)

    def loss(logits: Tensor, rows: Tensor) -> Tensor:
        student = _rows(found, rows)._replace(logits=logits)
        total: Tensor = objective(student, y[rows], taught and _rows(taught, rows))[0]
        return total.mean()

    return loss


@torch.no_grad()
def _outputs(trained: Trained) -> Outputs:
    """The float network's, of all training windows."""
    scaled = torch.from_numpy((trained.train.x - trained.mean) / trained.std)
    found = [outputs(trained.network, x) for x in torch.split(scaled, EVALUATION_BATCH)]
    maps = {name: torch.cat([one.maps[name] for one in found]) for name in found[0].maps}
    return Outputs(torch.cat([one.logits for one in found]), maps)


def _taught(results: ResultStore, trained: Trained) -> Outputs | None:
    """The teachers', of all training windows; None where there is no teacher."""
    if not (teachers := trained.row["teacher_id"]):
        return None
    return targets.load(results, teachers.split("+"), trained.train.window_id)


def _rows(known: Outputs, rows: Tensor) -> Outputs:
    return Outputs(known.logits[rows], {name: values[rows] for name, values in known.maps.items()})


def _losses(info: Row, row: Row) -> LossConfigs:
    """The losses of a cell's variant, with the options that its row has for them."""
    declared = {one["name"]: Variant.model_validate(one) for one in info["grid"]["variants"]}
    known = declared | {name: one for name, one in VARIANTS.items() if name not in declared}
    if row["variant"] not in known:
        raise ExportError(
            f"cell {row['cell_id']}: run.json has no variant {row['variant']!r}, whose losses fine-tuning needs; the "
            "grid's command writes it again"
        )
    return losses_of(known[row["variant"]], row)
