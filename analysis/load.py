"""Reads a grid's results: every confirm cell that the tables should hold, and how it stands.

A cell is `completed`, `failed`, `stopped` or `missing`; nothing downstream can overlook one that did not complete,
because the list is made of the cells that were *expected*, not of the rows that happen to exist.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.variants import in_order
from har_ray.store import results as store

Row = dict[str, Any]
Indices = NDArray[np.int64]

HYPER_PARAMETERS = (
    "temperature", "alpha", "beta", "attention_kind", "attention_ratio", "attention_kernel", "attention_position",
)  # fmt: skip


def protocol_label(protocol: str) -> str:
    """A protocol as tables name it: one that leaks says so."""
    return f"{protocol} (LEAKS)" if protocol == "random" else protocol


class Setting(NamedTuple):
    """What one table compares variants within: like is compared with like."""

    dataset: str
    preset: str
    protocol: str

    @property
    def leaks(self) -> bool:
        """Whether windows of one recording are in both the training and the test part."""
        return self.protocol == "random"

    @property
    def title(self) -> str:
        """For headings: `sensors, wrist (rate_hz=12.5), subject-holdout`; a leaking protocol says so."""
        preset, _, changes = self.preset.partition("@")
        preset += f" ({changes.replace(',', ', ')})" if changes else ""
        leak = " split (LEAKS: same recordings in train and test)" if self.leaks else ""
        return f"{self.dataset}, {preset}, {self.protocol}{leak}"

    @property
    def slug(self) -> str:
        """For file names and LaTeX labels."""
        return "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in self)


class Key(NamedTuple):
    """What the tables know a confirm cell by; its hyper-parameters are the search's winners."""

    setting: Setting
    fold: int
    variant: str
    seed: int

    @classmethod
    def of(cls, row: Row) -> "Key":
        setting = Setting(row["dataset"], row["preset"], row["protocol"])
        return cls(setting, int(row["fold"] or 0), row["variant"], int(row["seed"]))


@dataclass(frozen=True)
class Predictions:
    """Test predictions; the arrays are (N,), one entry per window, `classes` is K."""

    subjects: NDArray[np.str_]
    labels: Indices
    predicted: Indices
    classes: int


@dataclass(frozen=True)
class Cell:
    """One expected confirm cell. `row`, `predictions` and `curve` are filled only when it is completed."""

    key: Key
    state: str
    error: str = ""
    row: Row = field(default_factory=dict)
    predictions: Predictions | None = None
    curve: list[Row] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Results:
    """All that the report is made of; equal only to itself, so that what follows from it can be cached."""

    path: str
    info: Row
    cells: list[Cell]
    winners: list[Row]
    failures: list[Row]
    """The failed rows of every stage, the search's too."""

    def settings(self) -> list[Setting]:
        """In the order in which the grid lists them."""
        return list(dict.fromkeys(cell.key.setting for cell in self.cells))

    def variants(self, setting: Setting) -> list[str]:
        return in_order(cell.key.variant for cell in self.cells if cell.key.setting == setting)

    def of(self, setting: Setting, variant: str) -> list[Cell]:
        return [cell for cell in self.cells if (cell.key.setting, cell.key.variant) == (setting, variant)]

    def count(self, state: str) -> int:
        return sum(cell.state == state for cell in self.cells)

    def class_names(self, setting: Setting, classes: int) -> list[str]:
        """The names of the K classes, or their numbers where `run.json` does not tell them."""
        for entry in self.info.get("data") or []:
            names = [str(name) for name in entry.get("classes") or []]
            if (entry.get("dataset"), entry.get("preset")) == setting[:2] and len(names) == classes:
                return names
        return [str(index) for index in range(classes)]

    @property
    def provenance(self) -> dict[str, str]:
        """What every table and figure carries: the command, the commit and the grid's hash."""
        commit = str(self.info.get("git_commit") or "unknown") + ("-dirty" if self.info.get("git_dirty") else "")
        command, grid_hash = (str(self.info.get(name) or "unknown") for name in ("command", "grid_hash"))
        return {"command": command, "git_commit": commit, "grid_hash": grid_hash}

    @property
    def made_by(self) -> str:
        """`provenance` in one line."""
        made = self.provenance
        return f"{made['command']} · commit {made['git_commit']} · grid {made['grid_hash']}"


def load_results(path: str) -> Results:
    """Read the results of the grid at `path` (a path or a URI), finished or not.

    Raises:
        FileNotFoundError: there is no grid at `path`.
    """
    grid = store.ResultStore(path)
    planned = _records(store.load(path, pending=True))
    info, winners = store.run_info(path), grid.winners()
    found = _rows_by_key(planned, winners)
    expected = [Key.of(row) for row in info.get("expected") or []]
    # A confirm cell that nobody expected is a row too: it is shown, not dropped.
    keys = dict.fromkeys(expected + [Key.of(row) for row in planned if row["stage"] == "confirm"])
    with ThreadPoolExecutor(16) as pool:
        cells = list(pool.map(lambda key: _cell(path, key, found.get(key)), keys))
    return Results(path, info, cells, winners, [row for row in planned if row["status"] == "failed"])


def _records(frame: pd.DataFrame) -> list[Row]:
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def _rows_by_key(rows: list[Row], winners: list[Row]) -> dict[Key, Row]:
    """The row of each confirm cell.

    A teacher at a confirm seed is trained once, in the stage `teachers`, and stands in the tables as its variant:
    such a row is taken where no confirm row is, if it is the only one or has the winner's hyper-parameters.
    """
    chosen = {
        (Setting(w["dataset"], w["preset"], w["protocol"]), int(w["fold"] or 0), w["variant"]): w for w in winners
    }
    found: dict[Key, Row] = {}
    teachers: dict[Key, dict[str, Row]] = {}
    for row in rows:
        if row["stage"] == "confirm":
            found[Key.of(row)] = row
        elif row["stage"] == "teachers":
            teachers.setdefault(Key.of(row), {})[row["cell_id"]] = row
    for key, candidates in teachers.items():
        winner = chosen.get(key[:3], {})
        matching = [row for row in candidates.values() if _is_winner(row, winner)]
        if len(matching) == 1:
            found.setdefault(key, matching[0])
    return found


def _is_winner(row: Row, winner: Row) -> bool:
    return all(winner.get(name) is None or row[name] == winner[name] for name in HYPER_PARAMETERS)


def _cell(path: str, key: Key, row: Row | None) -> Cell:
    if row is None or row["status"] not in ("completed", "failed", "stopped"):
        return Cell(key, "missing")
    if row["status"] != "completed":
        return Cell(key, str(row["status"]), str(row["error"] or "no reason is given"))
    if any(row[name] is None for name in ("test_f1_macro", "test_f1_weighted", "test_accuracy")):
        return Cell(key, "failed", "completed, but a test score is missing in its row")
    try:
        predictions = _predictions(path, row["cell_id"])
        curve = store.ResultStore(path).curve(row["cell_id"])
    except (FileNotFoundError, KeyError, ValueError) as error:
        return Cell(key, "failed", f"completed, but its artefacts cannot be read: {error}")
    return Cell(key, "completed", row=row, predictions=predictions, curve=curve)


def _predictions(path: str, cell_id: str) -> Predictions:
    frame = store.predictions(path, cell_id)
    logits = np.stack(frame["logits"].to_list())  # (N, K)
    labels = frame["label"].to_numpy(dtype=np.int64)
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(f"predictions.parquet: labels {labels.min()} to {labels.max()}, but {logits.shape[1]} logits")
    subjects = frame["subject"].astype(str).to_numpy(dtype=np.str_)
    return Predictions(subjects, labels, logits.argmax(axis=1), logits.shape[1])
