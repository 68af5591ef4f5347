"""`export: true` in a grid: every confirm cell is exported, as many at a time as the cluster has CPUs for."""

import logging
import traceback

import ray

from har_ray.errors import HarRayError
from har_ray.export.folder import export
from har_ray.store.results import WEIGHTS, ResultStore
from har_ray.store.stores import Stores
from har_ray.text import counted

log = logging.getLogger(__name__)


def export_confirmed(stores: Stores, qat_epochs: int) -> bool:
    """Export the completed confirm cells that are not exported yet; whether all are now. Needs a running Ray.

    A cell that can't be exported is named with the reason; the others are exported all the same.
    """
    results = stores.results
    confirmed = {cell["cell_id"] for cell in results.plan()["cells"] if cell["stage"] == "confirm"}
    rows = {cell_id: row for cell_id, row in results.rows(confirmed).items() if row["status"] == "completed"}
    there = results.exports.of({cell_id: row["files"][WEIGHTS][1] for cell_id, row in rows.items()})
    wanted = [cell_id for cell_id in rows if cell_id not in there]
    tasks = {_export.remote(stores, cell_id, qat_epochs): cell_id for cell_id in wanted}
    failed, waiting = 0, list(tasks)
    while waiting:
        (task,), waiting = ray.wait(waiting)
        if reason := ray.get(task):
            failed += 1
            row = rows[tasks[task]]
            print(f"[export] not exported: {row['variant']} seed {row['seed']} (cell {row['cell_id']}): {reason}")
    done = len(rows) - failed
    print(f"[export] done: {done} of {counted(len(rows), 'cell')}, {len(there)} of them earlier", flush=True)
    return not failed


@ray.remote(num_cpus=1)  # type: ignore[untyped-decorator]
def _export(stores: Stores, cell_id: str, qat_epochs: int) -> str | None:
    """Export a cell; why it can't be, else None."""
    import torch

    torch.set_num_threads(1)
    results: ResultStore = stores.results
    try:
        row = results.row(cell_id)
        assert row is not None, f"cell {cell_id} was completed"
        export(results, row, results.run_info(), qat_epochs)
    except HarRayError as error:
        return str(error)
    except Exception:
        log.warning("cell %s is not exported: %s", cell_id, traceback.format_exc())
        return traceback.format_exc().strip().splitlines()[-1]
    return None
