"""`export: true` in a grid: every confirm cell is exported, as many at a time as the cluster has CPUs for."""

import logging
import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import ray

from har_ray.errors import HarRayError
from har_ray.export.folder import export
from har_ray.spec.grid import Export
from har_ray.store.results import WEIGHTS, ResultStore, Row
from har_ray.store.stores import Stores
from har_ray.text import counted

log = logging.getLogger(__name__)

TOGETHER = 8
"""Cells that one worker exports one after the other at most: networks alike are traced once, which takes as long as
several exports."""


def export_confirmed(stores: Stores, how: Export) -> bool:
    """Export the completed confirm cells that are not exported yet; whether all are now. Needs a running Ray.

    A cell that can't be exported is named with the reason; the others are exported all the same.
    """
    results = stores.results
    confirmed = {cell["cell_id"] for cell in results.plan()["cells"] if cell["stage"] == "confirm"}
    rows = {cell_id: row for cell_id, row in results.rows(confirmed).items() if row["status"] == "completed"}
    exports = results.exports.of({cell_id: row["files"][WEIGHTS][1] for cell_id, row in rows.items()})
    there = [cell_id for cell_id, row in exports.items() if how == _how(row)]
    wanted = [row for cell_id, row in rows.items() if cell_id not in there]
    failed, waiting = 0, [_export.remote(stores, cell_ids, how) for cell_ids in _alike(wanted)]
    ended = 0
    while waiting:
        (worker,), waiting = ray.wait(waiting)
        try:
            cell_id, reason, said = ray.get(next(worker))
        except StopIteration:
            continue
        waiting.append(worker)
        ended += 1
        failed += reason is not None
        name = f"{rows[cell_id]['variant']} seed {rows[cell_id]['seed']} (cell {cell_id})"
        what = f"[export] {ended}/{len(wanted)} {name}: {said}"
        print(what if reason is None else f"[export] not exported: {name}: {reason}", flush=True)
    done = len(rows) - failed
    print(f"[export] done: {done} of {counted(len(rows), 'cell')}, {len(there)} of them earlier", flush=True)
    return not failed


def _how(row: Row) -> Export:
    """How an export was made; older ones say nothing of what they do not have."""
    return Export(**{name: row[name] for name in Export.model_fields if name in row})


def _alike(rows: Iterable[Row]) -> list[list[str]]:
    """The ids of the cells, those of networks alike together; what takes longest first."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["architecture"], row["params"], row["macs"], row["dataset"], row["preset"]].append(row)
    parts = [alike[i : i + TOGETHER] for alike in found.values() for i in range(0, len(alike), TOGETHER)]
    parts.sort(key=lambda part: -sum(row["macs"] or 0 for row in part))
    return [[row["cell_id"] for row in part] for part in parts]


@ray.remote(num_cpus=1, num_returns="streaming")  # type: ignore[untyped-decorator]
def _export(stores: Stores, cell_ids: list[str], how: Export) -> Iterator[tuple[str, str | None, str]]:
    """Export cells; of each why it can't be, else None, and what it came to."""
    import torch

    torch.set_num_threads(1)
    info = stores.results.run_info()
    for cell_id in cell_ids:
        yield cell_id, *_exported(stores.results, cell_id, info, how)


def _exported(results: ResultStore, cell_id: str, info: Row, how: Export) -> tuple[str | None, str]:
    try:
        row = results.row(cell_id)
        assert row is not None, f"cell {cell_id} was completed"
        made = export(results, row, info, how)
    except HarRayError as error:
        return str(error), ""
    except Exception:
        log.warning("cell %s is not exported: %s", cell_id, traceback.format_exc())
        return traceback.format_exc().strip().splitlines()[-1], ""
    return None, f"{made['flash_bytes']:,} bytes, {100 * made['int8_agreement']:.1f} % as the float network"
