"""The result store: what a grid leaves behind, written and read, also while the grid runs.

    STORAGE/<grid name>/
        run.json                    what was run: grid, command, commit, versions, the data's classes
        plan.json                   the variants, every expected confirm cell, every planned cell with its stage
        winners.json                what the search chose, from how many candidates
        rows/<cell id>.json         one result per cell, written the moment it ends
        rows.gathered               a copy of many rows, so that reading them does not take a request for each
        cells/<cell id>/            curve.json, predictions.parquet, weights.pt, targets.parquet (of teachers),
                                    examples.parquet (of networks with attention)
        exports/  exported/         what is exported of cells, see `exports.py`
        tracked/<tracker>/<cell id> which cells a tracker has had
        report/                     the report
        wandb/  tensorboard/        offline runs of W&B, event files of TensorBoard

A row names the files of its cell with their checksums; rows and the three files above hold their own. What is not as it
was written counts as missing, and the log says so in a line. Needs neither Ray nor torch, so that `analysis` runs on a
laptop without them.
"""

import contextlib
import json
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from har_ray import __version__
from har_ray.errors import DamagedError, StorageError
from har_ray.store.exports import MEASURED, Exports
from har_ray.store.gathered import Gathered
from har_ray.store.storage import AT_ONCE, Digest, Storage, read_table, table_bytes

log = logging.getLogger(__name__)

CURVE, PREDICTIONS, WEIGHTS, TARGETS = "curve.json", "predictions.parquet", "weights.pt", "targets.parquet"
EXAMPLES, CHECKPOINT = "examples.parquet", "checkpoint.pt"
STARTED = {"run.json", "plan.json", "rows"}
"""What is in the folder of every grid that was started, as soon as it has results."""
LEVELS = 3
"""So deep do folders lie in that of a grid."""
CLASSES = b"classes"
"""Key of the Parquet schema's metadata under which predictions name the classes, a JSON list."""

FIRST_COLUMNS = (
    "cell_id", "dataset", "preset", "protocol", "fold", "stage", "variant", "size", "architecture", "seed",
    "teacher_id",
)  # fmt: skip
LAST_COLUMNS = (
    "status", "error", "epochs", "best_epoch", "converged", "params", "macs", "flops_published", "bytes", "latency_ms",
    "latency_p95_ms", "latency_device", "train_seconds", "device", "node", "started_at", "finished_at",
    "har_ray_version", "git_commit",
)  # fmt: skip
"""The columns of `load` that every grid has; between them stand the grid's hyper-parameters and scores. Behind them
stand `MEASURED`, where a cell has been exported."""

WHOLE_NUMBERS = ("fold", "seed", "attention_ratio", "attention_kernel", "attention_position", "epochs", "best_epoch",
                 "params", "macs", "flops_published", "bytes", "flash_bytes", "arena_bytes")  # fmt: skip
SCORES = ("attention_sd_", "attention_r2_", "val_", "test_")
NOT_COLUMNS = ("files", "legs")
"""What rows hold beside the columns of `load`."""

Row = dict[str, Any]
Files = dict[str, Digest]
"""What a cell has left, by file name, as its row says it."""


class ResultStore:
    """The results of one grid.

    Args:
        root: `STORAGE/<grid name>`.
        git_commit: for the rows that are written.
    """

    def __init__(self, root: Storage | str | Path, git_commit: str | None = None) -> None:
        self.root = root if isinstance(root, Storage) else Storage(root)
        self.git_commit = git_commit
        self.exports = Exports(self.root)

    # Rows

    def write_row(self, row: Row) -> None:
        self.root.write_json(_row(row["cell_id"]), row)

    def final_row(self, row: Row, status: str, error: str | None = None, files: Files | None = None) -> Row:
        """The row of a cell that ended, with the files that it has left; it counts once it is written."""
        return row | {
            "status": status,
            "error": error,
            "files": {name: list(digest) for name, digest in (files or {}).items()},
            "har_ray_version": __version__,
            "git_commit": self.git_commit,
            "finished_at": now(),
        }

    def row(self, cell_id: str) -> Row | None:
        """None where there is no row, or a damaged one."""
        return self.root.known_json(_row(cell_id), "cell")

    def rows(self, cell_ids: Iterable[str] | None = None) -> dict[str, Row]:
        """The rows there are, by cell id; all, or those of `cell_ids`."""
        return self._rows(cell_ids).rows()

    def gather(self) -> None:
        """Copy all rows into one file, from which `rows` takes those that have not changed since."""
        self._rows().write(self.root)

    def _rows(self, cell_ids: Iterable[str] | None = None) -> Gathered:
        present = {entry.name.removesuffix(".json"): entry for entry in self.root.files("rows")}
        wanted = sorted(present if cell_ids is None else present.keys() & set(cell_ids))
        try:
            gathered = Gathered.read(self.root)
        except (FileNotFoundError, DamagedError):
            gathered = Gathered({})
        changed = [cell_id for cell_id in wanted if not gathered.has(cell_id, present[cell_id])]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = dict(zip(changed, pool.map(self.row, changed), strict=True))
        return gathered.updated({cell_id: (present[cell_id], row) for cell_id, row in found.items()}, wanted)

    # What a cell leaves besides its row. What is written returns its part of the row's `files`.

    def write_curve(self, cell_id: str, curve: Sequence[Row]) -> Files:
        return self._write(cell_id, CURVE, (json.dumps(curve, indent=1) + "\n").encode())

    def curve(self, row: Row) -> list[Row]:
        """One entry per epoch: epoch (from 1), train_loss and its terms, validation scores, what else was found on
        validation windows (`attention_sd_…`, the losses' diagnostics), seconds."""
        curve: list[Row] = json.loads(self.read(row, CURVE))
        return curve

    def write_weights(self, cell_id: str, content: bytes) -> Files:
        return self._write(cell_id, WEIGHTS, content)

    def weights(self, row: Row) -> bytes:
        return self.read(row, WEIGHTS)

    def write_predictions(self, cell_id: str, table: pa.Table) -> Files:
        return self._write(cell_id, PREDICTIONS, table_bytes(table))

    def predictions(self, row: Row) -> pa.Table:
        """The test predictions: window_id, subject, label (class index), logits (list of K floats); see `CLASSES`."""
        return read_table(self.read(row, PREDICTIONS))

    def write_targets(self, cell_id: str, table: pa.Table) -> Files:
        return self._write(cell_id, TARGETS, table_bytes(table))

    def targets(self, row: Row) -> pa.Table:
        """A teacher's targets for training and validation windows: window_id, logits, attention maps."""
        return read_table(self.read(row, TARGETS))

    def write_examples(self, cell_id: str, table: pa.Table) -> Files:
        return self._write(cell_id, EXAMPLES, table_bytes(table))

    def examples(self, row: Row) -> pa.Table | None:
        """What a network with attention attends to in one validation window of each class: window_id, label, x (T, C)
        in the dataset's units, attention maps; None of a network without."""
        return read_table(self.read(row, EXAMPLES)) if EXAMPLES in row["files"] else None

    def read(self, row: Row, name: str) -> bytes:
        """A file of a cell, which is as its row says.

        Raises:
            DamagedError: it is not, or it is gone, or the row knows of none.
        """
        return self.root.read_whole(_artefact(row["cell_id"], name), row["files"].get(name))

    def _write(self, cell_id: str, name: str, content: bytes) -> Files:
        return {name: self.root.write(_artefact(cell_id, name), content)}

    def checkpoint(self, cell_id: str) -> bytes | None:
        """None where there is none, or a damaged one."""
        with contextlib.suppress(FileNotFoundError):
            content = self.root.read(_artefact(cell_id, CHECKPOINT))
            checksum, _, state = content.partition(b"\n")
            if checksum.decode(errors="replace") == Digest.of(state).sha256:
                return state
            log.warning("%s: %s is damaged; the cell starts afresh", self.root, _artefact(cell_id, CHECKPOINT))
        return None

    def write_checkpoint(self, cell_id: str, state: bytes) -> None:
        self.root.write(_artefact(cell_id, CHECKPOINT), Digest.of(state).sha256.encode() + b"\n" + state)

    def delete_checkpoint(self, cell_id: str) -> None:
        self.root.delete(_artefact(cell_id, CHECKPOINT))

    def begun(self) -> set[str]:
        """The cells that have left anything."""
        return set(self.root.names("cells"))

    # Trackers

    def tracked(self, tracker: str) -> set[str]:
        """The cells that a tracker has had, which it gets once."""
        return set(self.root.names(f"tracked/{tracker}"))

    def mark_tracked(self, cell_id: str, tracker: str) -> None:
        self.root.write(f"tracked/{tracker}/{cell_id}", b"")

    # The grid

    def plan(self) -> Row:
        """`variants`: their traits; `expected`: the confirm cells of the tables; `cells`: all, with their stage.

        Raises:
            FileNotFoundError: no grid was started here.
            DamagedError: it is not as it was written.
        """
        return self._of_the_grid("plan.json")

    def write_plan(self, plan: Row) -> None:
        self.root.write_json("plan.json", plan)

    def winners(self) -> list[Row]:
        """One entry per group: its columns, `hyper`, `val_score`, `monitor`, how many candidates there were."""
        try:
            winners: list[Row] = self._of_the_grid("winners.json")["winners"]
        except FileNotFoundError:
            return []
        return winners

    def write_winners(self, winners: Sequence[Row]) -> None:
        self.root.write_json("winners.json", {"winners": list(winners)})

    def run_info(self) -> Row:
        """How the grid was made: `grid`, `grid_path`, `grid_hash`, `command`, `git_commit`, `versions`, `data`, …"""
        return self._of_the_grid("run.json")

    def write_run_info(self, info: Row) -> None:
        self.root.write_json("run.json", info)

    def keep(self, folder: Path, name: str) -> None:
        """Copy all files of a local folder to the folder `name` of the results; links are left out."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                self.root.write(f"{name}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def _of_the_grid(self, name: str) -> Row:
        try:
            return self.root.read_json(name)
        except FileNotFoundError:
            raise FileNotFoundError(no_grid(self.root, self.root.uri, f"no {name} here")) from None
        except DamagedError as error:
            raise DamagedError(f"{error}; the grid's command writes it again") from error


def now() -> str:
    """UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _row(cell_id: str) -> str:
    return f"rows/{cell_id}.json"


def _artefact(cell_id: str, name: str) -> str:
    return f"cells/{cell_id}/{name}"


def failure_line(row: Row) -> str:
    """A failed cell in one line: which it is, and the last line of its error."""
    reason = str(row["error"] or "no reason is given").strip().splitlines()[-1]
    return f"failed: {row['variant']} seed {row['seed']} (cell {row['cell_id']}): {reason}"


def load(path: str | Path, pending: bool = False, files: bool = False) -> pd.DataFrame:
    """The results of a grid, one row per cell of its current plan, also while it runs.

    Args:
        path: `STORAGE/<grid name>`, a path or a URI.
        pending: also the planned cells that have not ended yet, with status `pending`.
        files: also the columns `files`, what each cell has left, and `legs`, the earlier stretches in which it was
            trained, each with node, start and end.

    Returns:
        `FIRST_COLUMNS`, a column for each hyper-parameter and score of the grid, `LAST_COLUMNS`; missing values are NaN
        or None. `status` is `completed`, `stopped` (cut by the search) or `failed` (see `error`). Of the best epoch, on
        validation windows: `attention_sd_<map>`, how far an attention map varies over windows, and
        `attention_r2_<map>`, R² of a student's for its teacher's. Where a cell has been exported, `MEASURED` too. Rows
        of an older plan under the same name are left out.

    Raises:
        FileNotFoundError: there is no grid at `path`.
        StorageError: it cannot be read.
    """
    store = ResultStore(path)
    try:
        plan = store.plan()["cells"]
    except FileNotFoundError:
        raise FileNotFoundError(no_grid(store.root, path, "no plan.json here")) from None
    rows = store.rows(cell["cell_id"] for cell in plan)
    exported = store.exports.of({cell_id: row["files"][WEIGHTS][1] for cell_id, row in rows.items() if _kept(row)})
    merged = [
        cell
        | rows.get(cell["cell_id"], {"status": "pending"})
        | {name: value for name, value in exported.get(cell["cell_id"], {}).items() if name in MEASURED}
        | {"stage": cell["stage"]}
        for cell in plan
    ]
    frame = pd.DataFrame(merged)
    frame = frame.reindex(columns=[*_columns(list(frame.columns)), *NOT_COLUMNS * files])
    if not pending:
        frame = frame[frame["status"] != "pending"].reset_index(drop=True)
    return frame.astype({name: "Int64" for name in WHOLE_NUMBERS if name in frame.columns})


def no_grid(root: Storage, path: str | Path, found: str) -> str:
    """The message where something is missing that every grid's folder has; the nearest grids are named.

    These are those in `path`, as where it is the storage of some, or else the one that it is a folder of. A grid's
    folder that has lost a file gets it again.
    """
    if (there := set(root.names())) & STARTED:
        return f"{path}: {found}, but {', '.join(sorted(there & STARTED))}; the grid's command writes it"
    near = [f"{path}/{name}" for name in root.folders() if STARTED & set(root.names(name))] or _above(root)
    hint = f": {' or '.join(near)}" if near else ""
    return f"{path}: {found}; expected STORAGE/<grid name> of a grid that was started{hint}"


def _above(root: Storage) -> list[str]:
    """The grid that a folder, such as that of its report, belongs to, where there is one."""
    for _ in range(LEVELS):
        root = root.parent
        if root.path and STARTED & set(root.names()):
            return [root.uri]
    return []


def _kept(row: Row) -> bool:
    """Whether a cell has left its weights."""
    return WEIGHTS in (row.get("files") or {})


def _columns(found: Sequence[str]) -> list[str]:
    scores = [name for name in found if name.startswith(SCORES)]
    measured = [name for name in MEASURED if name in found]
    return [*FIRST_COLUMNS, *hyper_columns(found), *scores, *LAST_COLUMNS, *measured]


def hyper_columns(found: Iterable[str]) -> list[str]:
    """Those of a row's columns that are hyper-parameters."""
    others = (*FIRST_COLUMNS, *LAST_COLUMNS, *MEASURED, *NOT_COLUMNS)
    return [name for name in found if name not in others and not name.startswith(SCORES)]


def curve(path: str | Path, cell_id: str) -> pd.DataFrame:
    """The learning curve of a cell that has ended, one row per epoch."""
    store = ResultStore(path)
    return pd.DataFrame(store.curve(_ended(store, cell_id)))


def predictions(path: str | Path, cell_id: str) -> pd.DataFrame:
    """The test predictions of a confirm cell: window_id, subject, label (class index), logits (list of K floats)."""
    store = ResultStore(path)
    frame: pd.DataFrame = store.predictions(_ended(store, cell_id)).to_pandas()
    return frame


def _ended(store: ResultStore, cell_id: str) -> Row:
    row = store.row(cell_id)
    if row is None:
        raise StorageError(f"{store.root}: cell {cell_id} has not ended; no row of it")
    return row
