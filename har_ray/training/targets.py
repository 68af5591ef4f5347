"""Teacher targets: a trained teacher's logits and attention maps on the training windows, computed once and stored.

Keyed by window id, so that they fit whatever order a reader has. Students read them; the teacher is not run again.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from har_ray.data.tensors import Part
from har_ray.errors import TrainingError
from har_ray.models.architectures.deepconvlstm import DeepConvLSTM
from har_ray.models.attention import Maps
from har_ray.store.results import ResultStore
from har_ray.store.storage import Storage
from har_ray.training.fit import EVALUATION_BATCH
from har_ray.training.losses import Taught

FILE = "targets.parquet"


@torch.no_grad()
def compute(teacher: DeepConvLSTM, part: Part, device: torch.device) -> Taught:
    """The teacher's output on all windows of a part, in evaluation mode, on the CPU."""
    teacher = teacher.to(device).eval()
    outputs = [teacher.with_maps(x.to(device)) for x in torch.split(part.x, EVALUATION_BATCH)]
    maps: Maps = {kind: torch.cat([m[kind].cpu() for _, m in outputs]) for kind in outputs[0][1]}
    return Taught(torch.cat([logits.cpu() for logits, _ in outputs]), maps)


def store(results: ResultStore, teacher_id: str, window_id: Sequence[str], taught: Taught) -> None:
    """Write the targets beside the teacher's other artefacts."""
    columns = {"window_id": pa.array(window_id), "logits": _column(taught.logits)}
    columns |= {kind: _column(values) for kind, values in taught.maps.items()}
    results.root.write_table(results.artefact(teacher_id, FILE), pa.table(columns))


@lru_cache(maxsize=4)
def _read(results_uri: str, teacher_id: str) -> tuple[npt.NDArray[np.str_], Taught]:
    results = ResultStore(Storage(results_uri))
    name = results.artefact(teacher_id, FILE)
    if not results.root.exists(name):
        raise TrainingError(f"teacher {teacher_id} has left no targets: {results.root}/{name} does not exist")
    table = results.root.read_table(name)
    values = {n: _tensor(table[n]) for n in table.column_names if n != "window_id"}
    return table["window_id"].to_numpy().astype(str), Taught(values.pop("logits"), values)


def load(results: ResultStore, teacher_id: str, window_id: npt.NDArray[np.str_]) -> Taught:
    """The targets for these windows, row by row. The last few teachers are kept in memory.

    Raises:
        TrainingError: there are no targets, or none for one of the windows (another fold's or other windows).
    """
    known, taught = _read(results.root.uri, teacher_id)
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known, window_id, sorter=order), len(known) - 1)
    rows = order[place]
    strange = known[rows] != window_id
    if strange.any():
        raise TrainingError(f"teacher {teacher_id} has no target for window {window_id[strange][0]}")
    index = torch.from_numpy(rows)
    return Taught(taught.logits[index], {kind: values[index] for kind, values in taught.maps.items()})


def _column(values: Tensor) -> pa.Array:
    return pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(values.float().numpy()))


def _tensor(column: pa.ChunkedArray) -> Tensor:
    return torch.from_numpy(column.combine_chunks().to_numpy_ndarray().copy())
