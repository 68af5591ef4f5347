"""Teacher targets: a trained teacher's logits and attention maps, computed once and stored.

Of the training windows, which students learn from, and of the validation windows, on which it is measured how well they
did. Keyed by window id, so that they fit whatever order a reader has. The teacher is not run again.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from har_ray.data.tensors import Part, Tensors
from har_ray.errors import DamagedError, TrainingError
from har_ray.models.architectures import Maps, Outputs, outputs
from har_ray.plan.cells import Views
from har_ray.store.results import TARGETS, ResultStore
from har_ray.store.storage import Storage
from har_ray.training.trainer import EVALUATION_BATCH
from har_ray.training.views import train_view

AS_THEY_ARE = ""
"""Stands for the id of views of windows that are not augmented."""


@torch.no_grad()
def compute(teacher: nn.Module, part: Part, device: torch.device) -> Outputs:
    """The teacher's output on all windows of a part, in evaluation mode, on the CPU."""
    teacher = teacher.to(device).eval()
    found = [outputs(teacher, x.to(device)) for x in torch.split(part.x, EVALUATION_BATCH)]
    maps: Maps = {name: torch.cat([one.maps[name].cpu() for one in found]) for name in found[0].maps}
    return Outputs(torch.cat([one.logits.cpu() for one in found]), maps)


def of_parts(teacher: nn.Module, data: Tensors, device: torch.device, views: Iterable[Views] = ()) -> pa.Table:
    """The targets that a teacher leaves: of the training and the validation windows, and of views of the former."""
    found = [table(part.window_id.tolist(), compute(teacher, part, device)) for part in (data.train, data.val)]
    for wanted in views:
        for number in range(1, wanted.count + 1):
            part = data.train._replace(x=train_view(data, wanted.augment, wanted.seed, number))
            found.append(table(part.window_id.tolist(), compute(teacher, part, device), wanted.id, number))
    return pa.concat_tables(found)


def table(window_id: Sequence[str], targets: Outputs, views_id: str = AS_THEY_ARE, view: int = 0) -> pa.Table:
    """The targets as they are stored beside the teacher's other files."""
    columns: dict[str, pa.Array] = {
        "window_id": pa.array(window_id),
        "views": pa.array([views_id] * len(window_id)).dictionary_encode(),
        "view": pa.array([view] * len(window_id), pa.int16()),
        "logits": column(targets.logits),
    }
    return pa.table(columns | {name: column(values) for name, values in targets.maps.items()})


@lru_cache(maxsize=4)
def _read(root: Storage, teacher_id: str, views_id: str, view: int) -> tuple[npt.NDArray[np.str_], Outputs]:
    results = ResultStore(root)
    row = results.row(teacher_id)
    if row is None or TARGETS not in row["files"]:
        raise TrainingError(f"teacher {teacher_id} has left no targets in {results.root}")
    try:
        stored = results.targets(row)
    except DamagedError as error:
        raise TrainingError(f"{error}; the grid's command makes it again") from error
    stored = stored.filter((pc.field("views") == views_id) & (pc.field("view") == view))
    if not len(stored):
        raise TrainingError(f"teacher {teacher_id} has left no targets of view {view} of {views_id}")
    values = {n: _tensor(stored[n]) for n in stored.column_names if n not in ("window_id", "views", "view")}
    return stored["window_id"].to_numpy().astype(str), Outputs(values.pop("logits"), values)


def load(
    results: ResultStore,
    teacher_ids: Sequence[str],
    window_id: npt.NDArray[np.str_],
    views_id: str = AS_THEY_ARE,
    view: int = 0,
) -> Outputs:
    """The targets for these windows, row by row: as they are, or of a view of them; of several teachers their mean.

    Raises:
        TrainingError: as `_load` does.
    """
    several = [_load(results, teacher_id, window_id, views_id, view) for teacher_id in teacher_ids]
    shared = set.intersection(*(set(one.maps) for one in several))
    maps = {name: torch.stack([one.maps[name] for one in several]).mean(dim=0) for name in sorted(shared)}
    return Outputs(torch.stack([one.logits for one in several]).mean(dim=0), maps) if several[1:] else several[0]


def _load(results: ResultStore, teacher_id: str, window_id: npt.NDArray[np.str_], views_id: str, view: int) -> Outputs:
    """The targets of one teacher. The last few are kept in memory.

    Raises:
        TrainingError: there are no targets, or none for one of the windows (another fold's or other windows).
    """
    known, targets = _read(results.root, teacher_id, views_id, view)
    order = np.argsort(known)
    rows = order[np.minimum(np.searchsorted(known, window_id, sorter=order), len(known) - 1)]
    strange = known[rows] != window_id
    if strange.any():
        raise TrainingError(f"teacher {teacher_id} has no target for window {window_id[strange][0]}")
    index = torch.from_numpy(rows)
    return Outputs(targets.logits[index], {name: values[index] for name, values in targets.maps.items()})


def column(values: Tensor) -> pa.Array:
    """Values (N, …) as a column of N tensors, float32."""
    return pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(values.float().numpy()))


def _tensor(column: pa.ChunkedArray) -> Tensor:
    return torch.from_numpy(column.combine_chunks().to_numpy_ndarray().copy())
