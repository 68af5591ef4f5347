"""The result store: what a grid leaves behind, written and read, also while the grid runs.

    STORAGE/<grid name>/
        run.json                    what was run: grid, command, commit, versions, the data's classes
        plan.json                   the variants, every expected confirm cell, every planned cell with its stage
        winners.json                what the search chose, from how many candidates
        rows/<cell id>.json         one result per cell, written the moment it ends
        cells/<cell id>/            curve.json, predictions.parquet, weights.pt, targets.parquet (of teachers)

Needs neither Ray nor torch, so that `analysis` runs on a laptop without them.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from har_ray import __version__
from har_ray.store.storage import Storage

FIRST_COLUMNS = (
    "cell_id", "dataset", "preset", "protocol", "fold", "stage", "variant", "size", "architecture", "seed",
    "teacher_id",
)  # fmt: skip
LAST_COLUMNS = (
    "status", "error", "epochs", "best_epoch", "params", "macs", "flops_published", "latency_ms", "latency_p95_ms",
    "latency_device", "train_seconds", "device", "har_ray_version", "git_commit", "finished_at",
)  # fmt: skip
"""The columns of `load` that every grid has; between them stand the grid's hyper-parameters and scores."""

WHOLE_NUMBERS = ("fold", "seed", "attention_ratio", "attention_kernel", "attention_position", "epochs", "best_epoch",
                 "params", "macs", "flops_published")  # fmt: skip
SCORES = ("val_", "test_")

Row = dict[str, Any]


class ResultStore:
    """The results of one grid.

    Args:
        root: `STORAGE/<grid name>`.
        git_commit: for the rows that are written.
    """

    def __init__(self, root: Storage | str | Path, git_commit: str | None = None) -> None:
        self.root = root if isinstance(root, Storage) else Storage(root)
        self.git_commit = git_commit

    # Rows

    def write_row(self, row: Row) -> None:
        self.root.write_json(_row(row["cell_id"]), row)

    def final_row(self, row: Row, status: str, error: str | None = None) -> Row:
        """The row of a cell that ended; it counts once it is written."""
        return row | {
            "status": status,
            "error": error,
            "har_ray_version": __version__,
            "git_commit": self.git_commit,
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def row(self, cell_id: str) -> Row | None:
        return self.root.read_json(_row(cell_id)) if self.root.exists(_row(cell_id)) else None

    def rows(self, cell_ids: Iterable[str] | None = None) -> dict[str, Row]:
        """The rows there are, by cell id; all, or those of `cell_ids`."""
        present = {name.removesuffix(".json") for name in self.root.names("rows")}
        wanted = sorted(present if cell_ids is None else present & set(cell_ids))
        with ThreadPoolExecutor(16) as pool:
            return dict(zip(wanted, pool.map(lambda i: self.root.read_json(_row(i)), wanted), strict=True))

    # What a cell leaves besides its row

    def curve(self, cell_id: str) -> list[Row]:
        """One entry per epoch: epoch (from 1), train_loss and its terms, the validation scores, seconds."""
        curve: list[Row] = self.root.read_json(_artefact(cell_id, "curve.json"))
        return curve

    def write_curve(self, cell_id: str, curve: Sequence[Row]) -> None:
        self.root.write_json(_artefact(cell_id, "curve.json"), curve)

    def checkpoint(self, cell_id: str) -> bytes | None:
        return self._read(_artefact(cell_id, "checkpoint.pt"))

    def write_checkpoint(self, cell_id: str, content: bytes) -> None:
        self.root.write(_artefact(cell_id, "checkpoint.pt"), content)

    def delete_checkpoint(self, cell_id: str) -> None:
        self.root.delete(_artefact(cell_id, "checkpoint.pt"))

    def weights(self, cell_id: str) -> bytes | None:
        return self._read(_artefact(cell_id, "weights.pt"))

    def write_weights(self, cell_id: str, content: bytes) -> None:
        self.root.write(_artefact(cell_id, "weights.pt"), content)

    def predictions(self, cell_id: str) -> pa.Table:
        """The test predictions: window_id, subject, label (class index), logits (list of K floats)."""
        return self.root.read_table(_artefact(cell_id, "predictions.parquet"))

    def write_predictions(self, cell_id: str, table: pa.Table) -> None:
        self.root.write_table(_artefact(cell_id, "predictions.parquet"), table)

    def has_targets(self, cell_id: str) -> bool:
        return self.root.exists(_artefact(cell_id, "targets.parquet"))

    def targets(self, cell_id: str) -> pa.Table:
        """A teacher's targets: window_id, logits, attention maps."""
        return self.root.read_table(_artefact(cell_id, "targets.parquet"))

    def write_targets(self, cell_id: str, table: pa.Table) -> None:
        self.root.write_table(_artefact(cell_id, "targets.parquet"), table)

    def begun(self) -> set[str]:
        """The cells that have left anything."""
        return set(self.root.names("cells"))

    def is_tracked(self, cell_id: str, tracker: str) -> bool:
        return self.root.exists(_artefact(cell_id, f"tracked-{tracker}.json"))

    def mark_tracked(self, cell_id: str, tracker: str) -> None:
        """Note that a tracker has had this cell, so that it gets it once."""
        self.root.write_json(_artefact(cell_id, f"tracked-{tracker}.json"), {})

    # The grid

    def has_plan(self) -> bool:
        return self.root.exists("plan.json")

    def plan(self) -> Row:
        """`variants`: their traits; `expected`: the confirm cells of the tables; `cells`: all, with their stage."""
        empty: Row = {"variants": [], "expected": [], "cells": []}
        return self.root.read_json("plan.json") if self.has_plan() else empty

    def write_plan(self, plan: Row) -> None:
        self.root.write_json("plan.json", plan)

    def winners(self) -> list[Row]:
        """One entry per group: its columns, `hyper`, `val_score`, `monitor`, how many candidates there were."""
        winners: list[Row] = self.root.read_json("winners.json") if self.root.exists("winners.json") else []
        return winners

    def write_winners(self, winners: Sequence[Row]) -> None:
        self.root.write_json("winners.json", winners)

    def run_info(self) -> Row:
        """How the grid was made: `grid`, `grid_path`, `grid_hash`, `command`, `git_commit`, `versions`, `data`, …"""
        info: Row = self.root.read_json("run.json")
        return info

    def write_run_info(self, info: Row) -> None:
        self.root.write_json("run.json", info)

    @property
    def scratch(self) -> Storage:
        """For Ray's own bookkeeping of this grid."""
        return self.root.child("ray")

    def delete_scratch(self) -> None:
        self.root.delete("ray")

    def report_folder(self) -> Path:
        """`RESULTS/report`; for results that are not on a local disk `report-<grid name>` in the working directory."""
        local = self.root.local
        return Path(f"report-{Path(self.root.path).name}") if local is None else local / "report"

    def _read(self, name: str) -> bytes | None:
        return self.root.read(name) if self.root.exists(name) else None


def _row(cell_id: str) -> str:
    return f"rows/{cell_id}.json"


def _artefact(cell_id: str, name: str) -> str:
    return f"cells/{cell_id}/{name}"


def failure_line(row: Row) -> str:
    """A failed cell in one line: which it is, and the last line of its error."""
    reason = str(row["error"] or "no reason is given").strip().splitlines()[-1]
    return f"failed: {row['variant']} seed {row['seed']} (cell {row['cell_id']}): {reason}"


def load(path: str | Path, pending: bool = False) -> pd.DataFrame:
    """The results of a grid, one row per cell of its current plan, also while it runs.

    Args:
        path: `STORAGE/<grid name>`, a path or a URI.
        pending: also the planned cells that have not ended yet, with status `pending`.

    Returns:
        `FIRST_COLUMNS`, a column for each hyper-parameter and score of the grid, `LAST_COLUMNS`; missing values are NaN
        or None. `status` is `completed`, `stopped` (cut by the search) or `failed` (see `error`). Rows of an older plan
        under the same name are left out.

    Raises:
        FileNotFoundError: there is no grid at `path`.
    """
    store = ResultStore(path)
    if not store.has_plan():
        raise FileNotFoundError(f"{path}: no plan.json here; expected STORAGE/<grid name> of a grid that was started")
    plan = store.plan()["cells"]
    rows = store.rows(cell["cell_id"] for cell in plan)
    merged = [cell | rows.get(cell["cell_id"], {"status": "pending"}) | {"stage": cell["stage"]} for cell in plan]
    frame = pd.DataFrame(merged)
    frame = frame.reindex(columns=_columns(list(frame.columns)))
    if not pending:
        frame = frame[frame["status"] != "pending"].reset_index(drop=True)
    return frame.astype({name: "Int64" for name in WHOLE_NUMBERS if name in frame.columns})


def _columns(found: Sequence[str]) -> list[str]:
    between = [name for name in found if name not in (*FIRST_COLUMNS, *LAST_COLUMNS)]
    scores = [name for name in between if name.startswith(SCORES)]
    hyper = [name for name in between if name not in scores and name != "cut_rule"]
    return [*FIRST_COLUMNS, *hyper, *scores, *LAST_COLUMNS]


def curve(path: str | Path, cell_id: str) -> pd.DataFrame:
    """The learning curve of a cell, one row per epoch."""
    return pd.DataFrame(ResultStore(path).curve(cell_id))


def predictions(path: str | Path, cell_id: str) -> pd.DataFrame:
    """The test predictions of a confirm cell: window_id, subject, label (class index), logits (list of K floats)."""
    frame: pd.DataFrame = ResultStore(path).predictions(cell_id).to_pandas()
    return frame
