"""A small grid as a job on a cluster of three raylets, while things break at random times; nothing may be lost.

    python -m benchmarks.chaos 60            at least 60 faults, over as many grids as that takes
    python -m benchmarks.chaos 3 --seed 7    the first three of another sequence

The storage is an S3 server of this process, which can be stalled, refuse, or have one of its files cut short while no
grid runs. What the table says: how often each fault happened; cells that were computed again after their row was there
(lost), and cells whose confirm row differs from that of an undisturbed run (changed), over all grids; seconds from a
fault to the next row; how much memory the head's processes held at most.

`moto[s3]`, `flask` and `flask-cors` come with the `dev` dependencies.
"""

import argparse
import contextlib
import json
import logging
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import yaml

from benchmarks.raylets import Cluster
from benchmarks.s3 import S3
from har_ray.store.results import load
from har_ray.store.storage import Storage
from tests.s3 import KEYS

GRID: dict[str, Any] = {
    "name": "chaos",
    "datasets": [{"name": "spar", "preset": "wrist", "protocol": "subject-holdout", "rate_hz": 12}],
    "variants": ["MM", "LM", "LM-Att", "RB-KD"],
    "teacher": "MM",
    "seeds": [0, 1, 2],
    "search": {
        "trials": 3,
        "seeds": [100],
        "space": {
            "temperature": [1, 2, 4],
            "alpha": [0.5],
            "attention": {"kind": ["channel", "cbam"], "ratio": 2, "kernel": 3, "position": 1},
        },
    },
    "train": {"epochs": 6, "patience": 6, "batch_size": 64},
    "resources": {"teacher": {"workers": 1}, "student": {"workers": 0}},
    "tracking": {"wandb": "off"},
}
SCORES = ["val_f1_macro", "val_accuracy", "test_f1_macro", "test_f1_weighted", "test_accuracy", "epochs", "best_epoch"]
OUTAGE_S = (2.0, 12.0)
"""For how long the storage is away; the grid waits for minutes."""
BETWEEN_S = (4.0, 14.0)
"""From one fault to the next."""
GRID_S = 900.0
"""A grid that takes longer has hung, which ends everything."""


@dataclass
class Tally:
    """What happened over all grids."""

    faults: Counter[str] = field(default_factory=Counter)
    waits: dict[str, list[float]] = field(default_factory=dict)
    grids: int = 0
    lost: int = 0
    changed: int = 0
    head_bytes: int = 0

    def lines(self) -> Iterator[str]:
        yield "| fault | times | median s to the next row | longest |"
        yield "| --- | ---: | ---: | ---: |"
        for kind, times in sorted(self.faults.items()):
            waits = self.waits.get(kind) or [float("nan")]
            yield f"| {kind} | {times} | {median(waits):.0f} | {max(waits):.0f} |"
        yield ""
        yield (
            f"{sum(self.faults.values())} faults in {self.grids} grids: {self.lost} cells lost, {self.changed} confirm "
            f"rows changed; the head's processes held {self.head_bytes / 1e6:.0f} MB at most"
        )


class Chaos:
    """Runs grids and breaks things, in an order drawn from a seed."""

    def __init__(self, seed: int, s3: S3, folder: Path, kinds: list[str]) -> None:
        self.random, self.s3, self.folder, self.tally = random.Random(seed), s3, folder, Tally()
        self.cluster = Cluster()
        self.bag: list[str] = []
        self.faults: dict[str, Callable[[], bool]] = {
            # Between two calls, and in one.
            "trial killed": lambda: self._kill("ray::CellTrial", "ray::ResourceTrainable"),
            "Ray Train worker killed": lambda: self._kill("ray::RayTrainWorker"),
            "raylet killed": self._kill_raylet,
            "driver killed": self._kill_driver,
            "head killed": self._kill_head,
            "node added": self._add_node,
            "node removed": self._remove_node,
            "storage stalled": lambda: self._break_storage("stalled"),
            "storage refused": lambda: self._break_storage("refused"),
            "stored file truncated": lambda: False,  # between two runs, see `_truncate`
        }
        self.kinds = kinds or list(self.faults)

    def next_kind(self) -> str:
        """Each kind once, in any order, then again."""
        if not self.bag:
            self.bag = self.random.sample(self.kinds, len(self.kinds))
        return self.bag.pop()

    # Faults; each says whether it could happen at this moment

    def _kill(self, *names: str) -> bool:
        found = [process for node in self.cluster.nodes() for process in node.named(names)]
        if found:
            with contextlib.suppress(psutil.NoSuchProcess):
                self.random.choice(found).kill()
        return bool(found)

    def _kill_raylet(self) -> bool:
        node = self.cluster.others.pop(self.random.randrange(len(self.cluster.others)))
        node.kill()
        self.cluster.others.append(self.cluster.add())
        return True

    def _kill_driver(self) -> bool:
        drivers = self.cluster.drivers()
        for driver in drivers:
            with contextlib.suppress(psutil.NoSuchProcess):
                driver.kill()
        return bool(drivers)

    def _kill_head(self) -> bool:
        """With it goes the cluster; another one takes its place."""
        self.cluster.stop()
        self.cluster = Cluster()
        return True

    def _add_node(self) -> bool:
        self.cluster.others.append(self.cluster.add())
        return True

    def _remove_node(self) -> bool:
        if len(self.cluster.others) < 2:
            return False
        self.cluster.others.pop(0).stop()
        return True

    def _break_storage(self, how: str) -> bool:
        self.s3.breaks = how
        time.sleep(self.random.uniform(*OUTAGE_S))
        self.s3.breaks = None
        return True

    # Grids

    def run(self, path: Path, uri: str, faults: int) -> None:
        """One grid to its end, disturbed by at most so many faults; what it left is compared by the caller."""
        log, end, truncated = self.folder / "log", time.monotonic() + GRID_S, set[str]()
        first = len(self.s3.rows)
        job = self.cluster.submit(path, log)
        due, kind = time.monotonic() + self.random.uniform(*BETWEEN_S), self.next_kind()
        while True:
            if time.monotonic() > end:
                raise TimeoutError(f"the grid did not end; see {log}")
            if (code := job.poll()) is not None:
                if code == 0:
                    break
                if kind == "stored file truncated" and faults > 0:
                    truncated |= self._truncate(uri)
                    self._note(kind)
                    faults, kind = faults - 1, self.next_kind()
                job = self.cluster.submit(path, log)
            if faults > 0 and time.monotonic() > due and len(self.s3.rows) > first:
                faults, kind, due = self._disturb(kind, faults)
            self.tally.head_bytes = max(self.tally.head_bytes, self.cluster.head.memory())
            time.sleep(0.3)
        written = Counter(cell for _, cell in self.s3.rows[first:])
        self.tally.lost += sum(times > 1 for cell, times in written.items() if cell not in truncated)
        self.tally.grids += 1

    def _disturb(self, kind: str, faults: int) -> tuple[int, str, float]:
        happened = self.faults["driver killed" if kind == "stored file truncated" else kind]()
        if happened:
            self._note("driver killed" if kind == "stored file truncated" else kind)
            faults -= 1
        if kind != "stored file truncated":
            kind = self.next_kind() if happened else self.random.choice(self.kinds)
        return faults, kind, time.monotonic() + self.random.uniform(*BETWEEN_S)

    def _note(self, kind: str) -> None:
        self.tally.faults[kind] += 1
        print(f"{sum(self.tally.faults.values())}: {kind}, {len(self.s3.rows)} rows so far", flush=True)
        threading.Thread(target=self._wait_for_row, args=(kind, time.monotonic()), daemon=True).start()

    def _wait_for_row(self, kind: str, start: float) -> None:
        known = len(self.s3.rows)
        while len(self.s3.rows) == known:
            time.sleep(0.1)
        self.tally.waits.setdefault(kind, []).append(self.s3.rows[known][0] - start)

    def _truncate(self, uri: str) -> set[str]:
        """Cut one file of the results short; the cells that must then be computed again."""
        storage = Storage(uri).child(GRID["name"])
        files = [entry for entry in storage.files("") if entry.size > 1 and "running" not in entry.name]
        entry = self.random.choice(files)
        storage.write(entry.name, storage.read(entry.name)[: self.random.randrange(entry.size)])
        print(f"   {entry.name}", flush=True)
        return set(re.findall(r"\b[0-9a-f]{16}\b", entry.name))


def confirmed(uri: str) -> dict[str, str]:
    """The confirm rows as exact text, by cell."""
    rows = load(uri)
    rows = rows[rows["stage"] == "confirm"]
    return {row["cell_id"]: json.dumps([str(row[name]) for name in SCORES]) for row in rows.to_dict("records")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=8, help="faults for each grid at most (default: %(default)s)")
    parser.add_argument("--kinds", nargs="*", default=[], help="only these, e.g. 'driver killed'")
    args = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ.update(KEYS)
    s3, folder = S3(), Path(tempfile.mkdtemp(prefix="har-ray-chaos-"))
    chaos = Chaos(args.seed, s3, folder, args.kinds)
    try:
        expected = _undisturbed(chaos)
        while (left := args.faults - sum(chaos.tally.faults.values())) > 0:
            uri = s3.uri(f"grid-{chaos.tally.grids}")
            chaos.run(_grid(folder, uri), uri, min(left, args.each))
            found = confirmed(Storage(uri).child(GRID["name"]).uri)
            chaos.tally.changed += sum(found.get(cell) != row for cell, row in expected.items())
            print(f"grid {chaos.tally.grids} ended: {chaos.tally.lost} lost, {chaos.tally.changed} changed", flush=True)
    finally:  # after Ctrl-C too
        chaos.cluster.stop()
        print("\n".join(chaos.tally.lines()))
    return 1 if chaos.tally.lost or chaos.tally.changed else 0


def _grid(folder: Path, uri: str) -> Path:
    path = folder / "chaos.yaml"
    path.write_text(yaml.safe_dump(GRID | {"storage": uri}))
    return path


def _undisturbed(chaos: Chaos) -> dict[str, str]:
    uri = chaos.s3.uri("undisturbed")
    start, requests = time.monotonic(), len(chaos.s3.requests)
    chaos.run(_grid(chaos.folder, uri), uri, 0)
    rows = load(Storage(uri).child(GRID["name"]).uri)
    took, asked = time.monotonic() - start, len(chaos.s3.requests) - requests
    print(f"undisturbed: {len(rows)} cells in {took:.0f} s, {asked} S3 requests", flush=True)
    chaos.tally.grids = 0
    return confirmed(Storage(uri).child(GRID["name"]).uri)


if __name__ == "__main__":
    sys.exit(main())
