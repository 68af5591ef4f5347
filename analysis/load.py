"""Reads a grid's results: every confirm cell that the tables should hold, and how it stands.

A cell is `completed`, `failed`, `stopped` or `missing`; nothing downstream can overlook one that did not complete,
because the list is made of the cells that were *expected*, not of the rows that happen to exist.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from har_ray.errors import DamagedError, ExtensionError
from har_ray.groups import Group, Setting
from har_ray.metrics import DEFAULT, Floats, Indices, Metric, load_metrics
from har_ray.registry import short_name
from har_ray.store.results import ResultStore, Row, load
from har_ray.variants import Traits, in_order


class Key(NamedTuple):
    """What the tables know a confirm cell by; its hyper-parameters are the search's winners."""

    group: Group
    seed: int

    @classmethod
    def of(cls, row: Row) -> "Key":
        return cls(Group.of(row), int(row["seed"]))

    @property
    def setting(self) -> Setting:
        return self.group.setting

    @property
    def fold(self) -> int:
        return self.group.fold

    @property
    def variant(self) -> str:
        return self.group.variant


class Score(NamedTuple):
    """A metric of the grid: its column, its title, and how it is computed, None where it can't be imported here."""

    name: str
    title: str
    metric: Metric | None
    why_not: str = ""


@dataclass(frozen=True)
class Predictions:
    """Test predictions, one entry per window: subjects and labels (N,), logits (N, K)."""

    subjects: NDArray[np.str_]
    labels: Indices
    logits: Floats

    @property
    def predicted(self) -> Indices:
        """The class of the largest logit (N,)."""
        found: Indices = self.logits.argmax(axis=1)
        return found

    @property
    def classes(self) -> int:
        """K"""
        return int(self.logits.shape[1])


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
    known_traits: dict[str, Traits]
    cells: list[Cell]
    winners: list[Row]
    failures: list[Row]
    """The failed rows of every stage, the search's too."""

    def settings(self) -> list[Setting]:
        """In the order in which the grid lists them."""
        return list(dict.fromkeys(cell.key.setting for cell in self.cells))

    def variants(self, setting: Setting) -> list[str]:
        return in_order(cell.key.variant for cell in self.cells if cell.key.setting == setting)

    def traits(self, variant: str) -> Traits:
        return self.known_traits.get(variant, Traits(name=variant))

    @cached_property
    def scores(self) -> list[Score]:
        """The grid's metrics, in its order."""
        return [_score(name) for name in _metrics(self.info)]

    def of(self, setting: Setting, variant: str) -> list[Cell]:
        return [cell for cell in self.cells if (cell.key.setting, cell.key.variant) == (setting, variant)]

    def count(self, state: str) -> int:
        return sum(cell.state == state for cell in self.cells)

    @property
    def complete(self) -> bool:
        return self.count("completed") == len(self.cells)

    @property
    def monitor(self) -> str:
        """The validation score by which weights and hyper-parameters are chosen, e.g. `val_f1_macro`."""
        return str(((self.info.get("grid") or {}).get("train") or {}).get("monitor") or "val_f1_macro")

    def title_of(self, score: str) -> str:
        """`val. F1 macro (%)` for `val_f1_macro`."""
        name = score.removeprefix("val_")
        return "val. " + next((known.title for known in self.scores if known.name == name), name)

    def class_names(self, setting: Setting, classes: int) -> list[str]:
        """The names of the K classes, or their numbers where `run.json` lacks them."""
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
    store = ResultStore(path)
    planned = _records(load(path, pending=True, files=True))
    plan, info = store.plan(), store.run_info()
    scores = [f"test_{short_name(name)}" for name in _metrics(info)]
    found = {Key.of(row): row for row in planned if row["stage"] == "confirm"}
    # A confirm cell that nobody expected is a row too: it is shown, not dropped.
    keys = dict.fromkeys([*map(Key.of, plan["expected"]), *found])
    with ThreadPoolExecutor(16) as pool:
        cells = list(pool.map(lambda key: _cell(store, key, found.get(key), scores), keys))
    traits = {entry["name"]: Traits.model_validate(entry) for entry in plan["variants"]}
    failures = [row for row in planned if row["status"] == "failed"]
    return Results(path, info, traits, cells, store.winners(), failures)


def _records(frame: pd.DataFrame) -> list[Row]:
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def _metrics(info: Row) -> Sequence[str]:
    return (info.get("grid") or {}).get("metrics") or DEFAULT


def _score(name: str) -> Score:
    short = short_name(name)
    try:
        metric = load_metrics([name])[short]
    except ExtensionError as error:
        return Score(short, short, None, str(error))
    return Score(short, getattr(metric, "title", short), metric)  # without a title it could still be trained with


def _cell(store: ResultStore, key: Key, row: Row | None, scores: Sequence[str]) -> Cell:
    if row is None or row["status"] not in ("completed", "failed", "stopped"):
        return Cell(key, "missing")
    if row["status"] != "completed":
        return Cell(key, str(row["status"]), str(row["error"] or "no reason is given"))
    if any(row.get(score) is None for score in scores):
        return Cell(key, "failed", "completed, but a test score is missing in its row")
    try:
        predictions, curve = _predictions(store, row), store.curve(row)
    except (DamagedError, KeyError, ValueError) as error:
        return Cell(key, "failed", f"completed, but its artefacts cannot be read: {error}")
    return Cell(key, "completed", row=row, predictions=predictions, curve=curve)


def _predictions(store: ResultStore, row: Row) -> Predictions:
    frame = store.predictions(row).to_pandas()
    logits = np.stack(frame["logits"].to_list())  # (N, K)
    labels = frame["label"].to_numpy(dtype=np.int64)
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(f"predictions.parquet: labels {labels.min()} to {labels.max()}, but {logits.shape[1]} logits")
    return Predictions(frame["subject"].astype(str).to_numpy(dtype=np.str_), labels, logits)


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Predictions one after the other."""
    return Predictions(*(np.concatenate(arrays) for arrays in zip(*map(_arrays, parts), strict=True)))


def _arrays(part: Predictions) -> tuple[NDArray[Any], ...]:
    return part.subjects, part.labels, part.logits
