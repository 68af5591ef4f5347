"""Reads a grid's results: every confirm cell that the tables should hold, and how it stands.

A cell is `completed`, `failed`, `stopped` or `missing`; nothing downstream can overlook one that did not complete,
because the list is made of the cells that were *expected*, not of the rows that happen to exist.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.seeds import Predictions, Score, SeedScores
from har_ray.errors import DamagedError
from har_ray.groups import Group, Setting
from har_ray.metrics import DEFAULT, Floats, Indices
from har_ray.store.results import PREDICTIONS, ResultStore, Row, load
from har_ray.store.storage import in_advance, read_table
from har_ray.timeline import Span, slots_of
from har_ray.variants import BASELINE, Traits, in_order

LONGEST_COMMAND = 120
"""Characters of a command below a figure, about two lines."""
COMMIT_DIGITS = 10
"""Of a commit below tables and figures, enough to find it; files of raw numbers have all."""


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


@dataclass(frozen=True)
class Cell:
    """One expected confirm cell.

    Attributes:
        row: filled only when it is completed.
        curve: the monitored validation score of each epoch (E,), NaN where an epoch has none.
        confusion: of its test predictions (K, K): rows are labels, columns predictions.
    """

    key: Key
    state: str
    error: str = ""
    row: Row = field(default_factory=dict)
    curve: Floats = field(default_factory=lambda: np.empty(0))
    confusion: Indices = field(default_factory=lambda: np.empty((0, 0), np.int64))


@dataclass(frozen=True, eq=False)
class Results:
    """All that the report is made of; equal only to itself, so that what follows from it can be cached."""

    path: str
    info: Row
    known_traits: dict[str, Traits]
    cells: list[Cell]
    seeds: dict[tuple[Setting, str, int], SeedScores]
    """By setting, variant and seed, those of which all cells are completed."""
    winners: list[Row]
    planned: list[Row]
    """Every cell of every stage, with its row as far as it is known."""

    @cached_property
    def failures(self) -> list[Row]:
        """The failed rows of every stage, the search's too."""
        return [row for row in self.planned if row["status"] == "failed"]

    @cached_property
    def searched(self) -> list[Row]:
        """The rows of stage `search` that were completed or stopped."""
        return [row for row in self.planned if row["stage"] == "search" and row["status"] in ("completed", "stopped")]

    @cached_property
    def slots(self) -> dict[str, list[Span]]:
        """Which cell ran when, see `har_ray.timeline`."""
        return slots_of(self.planned)

    @cached_property
    def stages(self) -> dict[str, tuple[int, int]]:
        """For each stage how many of its planned cells have ended, and how many are planned so far."""
        total = Counter(row["stage"] for row in self.planned)
        ended = Counter(row["stage"] for row in self.planned if row["status"] != "pending")
        return {stage: (ended[stage], count) for stage, count in total.items()}

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
        return [Score.of(name) for name in _metrics(self.info)]

    def of(self, setting: Setting, variant: str) -> list[Cell]:
        return [cell for cell in self.cells if (cell.key.setting, cell.key.variant) == (setting, variant)]

    def complete_seeds(self, setting: Setting, variant: str) -> dict[int, SeedScores]:
        """The scores of the complete seeds, in their order."""
        seeds = sorted(seed for where, name, seed in self.seeds if (where, name) == (setting, variant))
        return {seed: self.seeds[setting, variant, seed] for seed in seeds}

    def count(self, state: str) -> int:
        return sum(cell.state == state for cell in self.cells)

    @property
    def complete(self) -> bool:
        return self.count("completed") == len(self.cells)

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come, as far as the results tell."""
        return bool(self.info.get("finished_at")) or all(cell.state in ("completed", "failed") for cell in self.cells)

    @property
    def monitor(self) -> str:
        """The validation score by which weights and hyper-parameters are chosen, e.g. `val_f1_macro`."""
        return _monitor(self.info)

    @cached_property
    def baseline(self) -> str:
        """The variant that others are compared with: what the grid says, else LM, else its first one."""
        names = list(dict.fromkeys(cell.key.variant for cell in self.cells))
        default = BASELINE if BASELINE in names or not names else names[0]
        return str((self.info.get("grid") or {}).get("baseline") or default)

    def title_of(self, score: str) -> str:
        """`val. F1 macro (%)` for `val_f1_macro`."""
        name = score.removeprefix("val_")
        return "val. " + next((known.title for known in self.scores if known.name == name), name)

    def class_names(self, setting: Setting, classes: int) -> list[str]:
        """The names of the K classes as the predictions or `run.json` say them, or else their numbers."""
        for (where, _, _), seed in self.seeds.items():
            if where == setting and len(seed.names) == classes:
                return list(seed.names)
        names = [str(name) for name in self.data(setting).get("classes") or []]
        return names if len(names) == classes else [str(index) for index in range(classes)]

    def cut(self, setting: Setting) -> tuple[float, float] | None:
        """The rate in Hz and the length in seconds of a setting's windows, as far as `run.json` says."""
        about = self.data(setting)
        return (float(about["rate_hz"]), about["window"] / about["rate_hz"]) if about.get("rate_hz") else None

    def data(self, setting: Setting) -> Row:
        """What `run.json` says of a setting's windows; empty where it says nothing."""
        entries: list[Row] = self.info.get("data") or []
        return next((one for one in entries if (one.get("dataset"), one.get("preset")) == setting[:2]), {})

    @property
    def name(self) -> str:
        """The grid's."""
        return str((self.info.get("grid") or {}).get("name", "unnamed grid"))

    @property
    def provenance(self) -> dict[str, str]:
        """What every table and figure carries: the command, the commit and the grid's hash."""
        return provenance(self.info)

    @property
    def made_by(self) -> str:
        """`provenance` in one line."""
        return self._made_by(self.provenance["command"])

    @property
    def made_by_short(self) -> str:
        """The same for a figure, where a long command would take more room than the data."""
        command = self.provenance["command"]
        is_short = len(command) <= LONGEST_COMMAND
        return self._made_by(command if is_short else f"{command.partition(' --set ')[0]} --set …")

    def _made_by(self, command: str) -> str:
        commit, is_dirty, _ = self.provenance["git_commit"].partition("-dirty")
        return f"{command} · commit {commit[:COMMIT_DIGITS]}{is_dirty} · grid {self.provenance['grid_hash']}"


def provenance(info: Row) -> dict[str, str]:
    """See `Results.provenance`; `info` is the grid's `run.json`."""
    commit = str(info.get("git_commit") or "unknown") + ("-dirty" if info.get("git_dirty") else "")
    command, grid_hash = (str(info.get(name) or "unknown") for name in ("command", "grid_hash"))
    return {"command": command, "git_commit": commit, "grid_hash": grid_hash}


def load_results(path: str) -> Results:
    """Read the results of the grid at `path` (a path or a URI), finished or not.

    Raises:
        FileNotFoundError: there is no grid at `path`.
    """
    store = ResultStore(path)
    planned = _records(load(path, pending=True, files=True))
    plan, info = store.plan(), store.run_info()
    found = {Key.of(row): row for row in planned if row["stage"] == "confirm"}
    # A confirm cell that nobody expected is a row too: it is shown, not dropped.
    keys = dict.fromkeys([*map(Key.of, plan["expected"]), *found])
    cells, seeds = _read(store, {key: found.get(key) for key in keys}, info)
    traits = {entry["name"]: Traits.model_validate(entry) for entry in plan["variants"]}
    return Results(path, info, traits, cells, seeds, store.winners(), planned)


def _records(frame: pd.DataFrame) -> list[Row]:
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def _metrics(info: Row) -> Sequence[str]:
    return (info.get("grid") or {}).get("metrics") or DEFAULT


def _monitor(info: Row) -> str:
    return str(((info.get("grid") or {}).get("train") or {}).get("monitor") or "val_f1_macro")


Stored = tuple[bytes, list[Row]] | DamagedError | ValueError | None
"""A completed cell's test predictions, as they are stored, and its learning curve, or why they can't be had."""


def _read(
    store: ResultStore, rows: Mapping[Key, Row | None], info: Row
) -> tuple[list[Cell], dict[tuple[Setting, str, int], SeedScores]]:
    """The cells in the order of `rows`, and the seeds that are complete; one seed's predictions after the other's."""
    scores, monitor = [Score.of(name) for name in _metrics(info)], _monitor(info)
    folds: dict[tuple[Setting, str, int], list[Key]] = {}
    for key in rows:
        folds.setdefault((key.setting, key.variant, key.seed), []).append(key)
    cells: dict[Key, Cell] = {}
    seeds: dict[tuple[Setting, str, int], SeedScores] = {}
    stored = in_advance(lambda key: _stored(store, rows[key]), list(chain.from_iterable(folds.values())))
    for seed, keys in folds.items():
        read = [_cell(key, rows[key], next(stored), scores, monitor) for key in keys]
        cells |= {cell.key: cell for cell, _ in read}
        complete = [predictions for _, predictions in read if predictions is not None]
        if len(complete) == len(keys):
            seeds[seed] = SeedScores.of([cell.row for cell, _ in read], complete, scores)
    return [cells[key] for key in rows], seeds


def _stored(store: ResultStore, row: Row | None) -> Stored:
    if row is None or row["status"] != "completed":
        return None
    try:
        return store.read(row, PREDICTIONS), store.curve(row)
    except (DamagedError, ValueError) as error:
        return error


def _cell(
    key: Key, row: Row | None, stored: Stored, scores: Sequence[Score], monitor: str
) -> tuple[Cell, Predictions | None]:
    """A cell, and its test predictions where it is completed."""
    if row is None or row["status"] not in ("completed", "failed", "stopped"):
        return Cell(key, "missing"), None
    if row["status"] != "completed" or stored is None:
        return Cell(key, str(row["status"]), str(row["error"] or "no reason is given")), None
    if any(row.get(f"test_{score.name}") is None for score in scores):
        return Cell(key, "failed", "completed, but a test score is missing in its row"), None
    try:
        if isinstance(stored, Exception):
            raise stored
        content, curve = stored
        predictions = Predictions.of(read_table(content))
    except (DamagedError, KeyError, ValueError) as error:
        return Cell(key, "failed", f"completed, but its artefacts cannot be read: {error}"), None
    monitored = np.array([epoch.get(monitor) for epoch in curve], dtype=np.float64)
    return Cell(key, "completed", "", row, monitored, predictions.confusion()), predictions
