"""What the commands about a grid take when it is large: time, and memory of all their processes together.

    python -m benchmarks.scale 1000 5000 10000 [--work FOLDER]
    python -m benchmarks.scale 600 --wide

For each number a store with so many completed confirm cells, and the teachers and search cells that they take, is
written by the project's own plan, agenda and store; only the training is replaced, by the true costs of each network
and made-up predictions, which are the better the more parameters it has.
`--wide` makes it a grid of what a page has to find room for: 20 variants, 18 classes, 51 people, 10 folds, 3 settings.
Then each command runs as a process of its own, from its start to its end, imports included. Memory is the largest sum
of the resident sets of a command's processes at a time, looked at every `EVERY_S`; what they share counts for each.
Files that were just written are in the system's cache. FOLDER keeps the stores for another look; they are written anew
each time.
"""

import argparse
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from math import log10
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import pyarrow as pa
import yaml

from har_ray import provenance
from har_ray.data.splits import subject_parts
from har_ray.data.windows import WindowSpec, class_names
from har_ray.metrics import load_metrics, scores
from har_ray.models.config import ModelConfig
from har_ray.models.cost import cost
from har_ray.plan.cells import Job
from har_ray.plan.plan import Plan
from har_ray.search.agenda import Agenda
from har_ray.spec.dataset import DatasetSpec
from har_ray.spec.grid import load_grid
from har_ray.store.results import ResultStore, Row, now
from har_ray.store.storage import table_bytes
from har_ray.store.stores import Stores
from har_ray.store.windows import WindowStore
from har_ray.windows_stage import window_specs

WINDOWS = 300
"""Test windows of a cell."""
WINDOWS_PER_SUBJECT = 1000
EPOCHS = 30
MACS_PER_MS = 1_000_000
"""Of the device that is made up for latencies."""
GRID: dict[str, Any] = {
    "name": "scale",
    "datasets": [
        {"name": "spar", "preset": "wrist", "protocol": "loso"},
        {"name": "sensors", "preset": "paper", "protocol": "subject-kfold", "folds": 5},
        {"name": "wisdm", "preset": "paper", "protocol": "subject-kfold", "folds": 5},
    ],
    "variants": [
        *("OM", "MM", "LM", "MM-Att", "LM-Att", "RB-KD", "RB-KD-Att", "RAB-KD"),
        {"name": "LM-time", "size": "LM", "sequence_axis": "time"},
        {"name": "KD-hot", "size": "LM", "losses": {"distillation": {"temperature": 20, "alpha": 0.5}}},
    ],
    "teacher": "OM",
    "search": {
        "trials": 6,
        "seeds": [1_000_000],
        "space": {
            "temperature": [1, 2, 4],
            "alpha": [0.1, 0.5, 0.9],
            "beta": 1.0,
            "attention": {"kind": ["channel", "cbam"], "ratio": 2, "kernel": 3, "position": [1, 4]},
        },
    },
    "train": {"epochs": EPOCHS},
    "tracking": {"wandb": "off"},
}
WIDE: dict[str, Any] = {
    "name": "scale",
    "datasets": [
        {"name": "wisdm-watch", "preset": "arena", "protocol": "subject-kfold", "folds": 10, "rate_hz": rate_hz}
        for rate_hz in (8, 10, 20)
    ],
    "variants": [
        *("OM", "MM", "LM", "MM-Att", "LM-Att", "RB-KD", "RB-KD-Att", "RAB-KD"),
        *(
            {
                "name": f"DS-CNN-{width}-{features}",
                "architecture": "ds-cnn",
                "options": {"width": width, "features": features},
            }
            for width in (8, 12, 16, 24, 32, 48)
            for features in (0, 16)
        ),
    ],
    "teacher": "OM",
    "search": GRID["search"],
    "train": {"epochs": EPOCHS},
    "tracking": {"wandb": "off"},
}

EVERY_S = 0.02


class Measured(NamedTuple):
    """What a command took; memory in MiB. `cpu_s` says more where the machine has other work to do."""

    seconds: float
    cpu_s: float
    peak_mib: float


def per_seed(content: dict[str, Any]) -> int:
    """Folds × variants of a grid."""
    entries = [DatasetSpec.model_validate(entry) for entry in content["datasets"]]
    return sum(len(entry.protocols) for entry in entries) * len(content["variants"])


def write_store(folder: Path, content: dict[str, Any], seeds: int) -> Path:
    """A finished grid of so many seeds; returns the grid's file."""
    grid = folder / "grid.yaml"
    paths = {"storage": str(folder / "results"), "data": str(folder / "data")}
    grid.write_text(yaml.safe_dump(content | paths | {"seeds": list(range(seeds))}))
    spec, file = load_grid(grid)
    windows = window_specs(spec)
    stores = Stores(spec.storage, spec.name)
    for entry, one in zip(spec.datasets, windows, strict=True):
        write_windows(stores.windows, entry, one)
    plan = Plan(spec, [one.id for one in windows])
    info = provenance.describe(spec, file, ["har-ray", "run", "grid.yaml"])
    data = [describe(entry, one) for entry, one in zip(spec.datasets, windows, strict=True)]
    stores.results.write_run_info(info | {"data": data, "finished_at": now()})
    finish(Agenda(plan, stores.results, {}, {}))
    return grid


def write_windows(store: WindowStore, entry: DatasetSpec, windows: WindowSpec) -> None:
    """Labels and subjects without the samples, which none of the commands reads."""
    classes, subjects = class_names(entry.dataset, entry.cut), list(entry.all_subjects)
    n = WINDOWS_PER_SUBJECT * len(subjects)
    people, labels = np.repeat(subjects, WINDOWS_PER_SUBJECT), (np.arange(n) % len(classes)).astype(np.int16)
    table = pa.table({"subject": people, "recording": people, "y": labels})
    content = table_bytes(table)
    with store.new_shard(windows.id) as (name, file):
        file.write(content)
    shard = {"name": name, "rows": n, "bytes": len(content)}
    each = {subject: np.bincount(labels[people == subject], minlength=len(classes)).tolist() for subject in subjects}
    manifest = {
        "windows_id": windows.id,
        "dataset": entry.name,
        "subjects": subjects,
        "classes": list(classes),
        "shards": [shard],
        "windows": n,
        "windows_per_subject_and_class": {s: dict(zip(classes, n, strict=True)) for s, n in each.items()},
        "findings": [],
    }
    store.write_manifest(windows.id, manifest)


def describe(entry: DatasetSpec, windows: WindowSpec) -> Row:
    """What `run.json` says of a dataset, in short."""
    classes = class_names(entry.dataset, entry.cut)
    return {"dataset": entry.name, "preset": entry.preset_label, "windows_id": windows.id, "classes": list(classes)}


def finish(agenda: Agenda) -> None:
    """Every cell ends, in the order in which a run would start it."""
    rng = np.random.default_rng(0)
    entries = {fold.windows_id: fold.entry for fold in agenda.plan.folds}
    while (job := agenda.next()) is not None:
        row, curve = end(job, entries[job.cell.windows_id], agenda.results, rng)
        agenda.ended(job.cell.id, row, curve)
    agenda.results.gather()


def end(job: Job, entry: DatasetSpec, results: ResultStore, rng: np.random.Generator) -> tuple[Row, list[float]]:
    """What a cell leaves, and its monitored scores."""
    monitored = np.sort(rng.uniform(0.3, 0.9, EPOCHS)).tolist()
    validated = [dict.fromkeys(("val_f1_macro", "val_f1_weighted", "val_accuracy"), score) for score in monitored]
    curve = [
        {"epoch": number, "train_loss": 1 / number, "train_cross_entropy": 1 / number, **val, "seconds": 0.5}
        for number, val in enumerate(validated, start=1)
    ]
    row = job.cell.columns() | validated[-1] | {"node": "node", "started_at": now(), "device": "cpu: benchmark"}
    row |= {"epochs": EPOCHS, "best_epoch": EPOCHS, "train_seconds": 0.5 * EPOCHS}
    row |= costs(job.cell.model, (entry.length, len(entry.channel_choices[0])), entry.classes)
    files = results.write_curve(job.cell.id, curve)
    if job.stage == "confirm":
        labels = rng.integers(entry.classes, size=WINDOWS)
        logits = predicted(rng, labels, entry.classes, log10(row["params"]) / 2)
        row |= scores(load_metrics(job.metrics), labels, logits, "test_")
        files |= results.write_predictions(job.cell.id, predictions(job, entry, labels, logits))
    if job.teaches:
        files |= results.write_targets(job.cell.id, pa.table({"window_id": ["w"], "logits": [[0.0]]}))
    row = results.final_row(row, "completed", files=files)
    results.write_row(row)
    return row, monitored


@cache
def costs(model: ModelConfig, shape: tuple[int, int], classes: int) -> Row:
    """The columns that say what a network costs."""
    counted = cost(model.build(shape, classes), shape)
    latency_ms = 0.2 + (counted.macs or 0) / MACS_PER_MS
    timed = {"latency_ms": latency_ms, "latency_p95_ms": 1.2 * latency_ms}
    return counted._asdict() | timed | {"latency_device": "cpu: benchmark, 1 thread, batch 1"}


def predicted(rng: np.random.Generator, labels: np.ndarray, classes: int, skill: float) -> np.ndarray:
    """Logits (N, K), those of the labels (N,) raised by `skill`."""
    logits: np.ndarray = rng.standard_normal((WINDOWS, classes)) + skill * np.eye(classes)[labels]
    return logits.astype(np.float32)


def predictions(job: Job, entry: DatasetSpec, labels: np.ndarray, logits: np.ndarray) -> pa.Table:
    """As training writes them."""
    subjects = subject_parts(job.cell.protocol, entry.all_subjects).test
    return pa.table(
        {
            "window_id": [f"{number:03d}-right:{50 * number}" for number in range(WINDOWS)],
            "subject": [subjects[number % len(subjects)] for number in range(WINDOWS)],
            "label": labels.astype(np.int16),
            "logits": list(logits),
        }
    )


def commands(grid: Path) -> Iterator[tuple[str, list[str]]]:
    """What is measured, by how it is called."""
    python, results = sys.executable, str(grid.parent / "results" / "scale")
    yield "har-ray status GRID", [python, "-m", "har_ray.cli", "status", str(grid)]
    yield "har-ray plan GRID", [python, "-m", "har_ray.cli", "plan", str(grid)]
    yield "store.results.load", [python, "-c", f"from har_ray.store.results import load; load({results!r})"]
    yield "python -m analysis RESULTS", [python, "-m", "analysis", results]


def measure(command: list[str]) -> Measured:
    """Run a command and see that it ends well; what it prints is shown on standard error."""
    start, before, peak = time.perf_counter(), cpu_s_of_children(), 0
    with psutil.Popen(command, stdout=sys.stderr) as process:
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(EVERY_S)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with status {process.returncode}")
    return Measured(time.perf_counter() - start, cpu_s_of_children() - before, peak / 2**20)


def resident(process: psutil.Process) -> int:
    """Bytes of a process and of all that it has started; what ends meanwhile counts no more."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def cpu_s_of_children() -> float:
    """Of all processes that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description="What the commands about a grid take when it is large.")
    parser.add_argument("cells", nargs="+", type=int, help="confirm cells, a multiple of folds times variants")
    parser.add_argument("--wide", action="store_true", help="many variants, classes and people")
    parser.add_argument("--work", type=Path, help="where to write the stores and keep them")
    args = parser.parse_args()
    content = WIDE if args.wide else GRID
    step = per_seed(content)
    if any(cells < step or cells % step for cells in args.cells):
        parser.error(f"cells: expected multiples of {step}; found {' '.join(map(str, args.cells))}")
    print("| confirm cells | command | seconds | CPU seconds | peak MiB, all processes |")
    print("| --- | --- | ---: | ---: | ---: |")
    for cells in args.cells:
        with tempfile.TemporaryDirectory() as name:
            folder = (args.work or Path(name)) / str(cells)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for what, command in commands(write_store(folder, content, cells // step)):
                took = measure(command)
                row = f"| {cells:,} | `{what}` | {took.seconds:.1f} | {took.cpu_s:.1f} | {took.peak_mib:.0f} |"
                print(row, flush=True)


if __name__ == "__main__":
    main()
