"""The result store: what a grid leaves behind, and how to read it, also while the grid runs.

    STORAGE/<grid name>/
        run.json                    what was run: grid, command, commit, versions, the data's classes
        plan.json                   every planned cell with its stage
        winners.json                what the search chose, from how many candidates
        rows/<cell id>.json         one result per cell, written the moment it ends
        cells/<cell id>/            curve.json, predictions.parquet, weights.pt, targets.parquet (of teachers)

Needs neither Ray nor torch, so that `analysis` runs on a laptop without them.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from har_ray.store.storage import Storage

COLUMNS = [
    "cell_id", "dataset", "preset", "protocol", "fold", "stage", "variant", "size", "seed", "teacher_id",
    "temperature", "alpha", "beta", "attention_kind", "attention_ratio", "attention_kernel", "attention_position",
    "status", "error", "epochs", "best_epoch", "val_f1_macro", "val_accuracy",
    "test_f1_macro", "test_f1_weighted", "test_accuracy", "params", "macs", "flops_published",
    "latency_ms", "latency_p95_ms", "latency_device", "train_seconds", "device",
    "har_ray_version", "git_commit", "finished_at",
]  # fmt: skip
"""The columns of `load`, in order."""

WHOLE_NUMBERS = ["fold", "seed", "attention_ratio", "attention_kernel", "attention_position", "epochs", "best_epoch",
                 "params", "macs", "flops_published"]  # fmt: skip

Row = dict[str, Any]


class ResultStore:
    """Reads and writes the results of one grid; `root` is `STORAGE/<grid name>`."""

    def __init__(self, root: Storage | str | Path) -> None:
        self.root = root if isinstance(root, Storage) else Storage(root)

    def artefact(self, cell_id: str, name: str) -> str:
        return f"cells/{cell_id}/{name}"

    def write_row(self, row: Row) -> None:
        self.root.write_json(f"rows/{row['cell_id']}.json", row)

    def row(self, cell_id: str) -> Row | None:
        name = f"rows/{cell_id}.json"
        return self.root.read_json(name) if self.root.exists(name) else None

    def rows(self, cell_ids: Iterable[str] | None = None) -> dict[str, Row]:
        """The rows there are, by cell id; all, or those of `cell_ids`."""
        present = {name.removesuffix(".json") for name in self.root.names("rows")}
        wanted = sorted(present if cell_ids is None else present & set(cell_ids))
        with ThreadPoolExecutor(16) as pool:
            return dict(zip(wanted, pool.map(lambda i: self.root.read_json(f"rows/{i}.json"), wanted), strict=True))

    def curve(self, cell_id: str) -> list[Row]:
        """One entry per epoch: epoch (from 1), train_loss and its parts, val_f1_macro, val_accuracy, seconds."""
        curve: list[Row] = self.root.read_json(self.artefact(cell_id, "curve.json"))
        return curve

    def plan(self) -> list[Row]:
        plan: list[Row] = self.root.read_json("plan.json") if self.root.exists("plan.json") else []
        return plan

    def winners(self) -> list[Row]:
        winners: list[Row] = self.root.read_json("winners.json") if self.root.exists("winners.json") else []
        return winners


def load(path: str | Path, pending: bool = False) -> pd.DataFrame:
    """The results of a grid, one row per cell of its current plan, also while it runs.

    Args:
        path: `STORAGE/<grid name>`, a path or a URI.
        pending: also the planned cells that have not ended yet, with status `pending`.

    Returns:
        The columns `COLUMNS`; missing values are NaN or None. `status` is `completed`, `stopped` (cut by ASHA) or
        `failed` (see `error`). Rows of an older plan under the same name are left out.

    Raises:
        FileNotFoundError: there is no grid at `path`.
    """
    store = ResultStore(path)
    if not store.root.exists("plan.json"):
        raise FileNotFoundError(f"{path}: no plan.json here; expected STORAGE/<grid name> of a grid that was started")
    plan = store.plan()
    rows = store.rows(cell["cell_id"] for cell in plan)
    merged = [cell | rows.get(cell["cell_id"], {"status": "pending"}) | {"stage": cell["stage"]} for cell in plan]
    frame = pd.DataFrame(merged).reindex(columns=COLUMNS)
    if not pending:
        frame = frame[frame["status"] != "pending"].reset_index(drop=True)
    return frame.astype(dict.fromkeys(WHOLE_NUMBERS, "Int64"))


def run_info(path: str | Path) -> Row:
    """How the grid was made: `grid`, `grid_path`, `grid_hash`, `command`, `git_commit`, `versions`, `data`, …"""
    info: Row = Storage(path).read_json("run.json")
    return info


def curve(path: str | Path, cell_id: str) -> pd.DataFrame:
    """The learning curve of a cell, one row per epoch."""
    return pd.DataFrame(ResultStore(path).curve(cell_id))


def predictions(path: str | Path, cell_id: str) -> pd.DataFrame:
    """The test predictions of a confirm cell: window_id, subject, label (class index), logits (list of K floats)."""
    store = ResultStore(path)
    frame: pd.DataFrame = store.root.read_table(store.artefact(cell_id, "predictions.parquet")).to_pandas()
    return frame
