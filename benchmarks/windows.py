"""Raw files to Parquet shards: har_ray's windows stage against the plain way, in one run on this machine.

    python -m benchmarks.windows FOLDER [--replicas 10] [--work /tmp]

FOLDER holds the ten `Participant_<i>.csv` of the Sensors Activity Dataset. The replica is the same files under other
names (links, not copies). The plain way is what a script would do: one process, `pandas.read_csv`, numpy's sliding
windows, `DataFrame.to_parquet`. Both cut preset `paper`: 45 channels, windows of 50. Ray's start is not counted. Memory
is the largest resident set seen of the driver, and of its largest worker.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import psutil
from numpy.lib.stride_tricks import sliding_window_view

from har_ray.data.cleaning import natural_key
from har_ray.data.datasets.sensors import CLASSES, COLUMNS, SENSORS

PRESET = SENSORS.presets["paper"]
POLL_S = 0.05
MIB = 1 << 20


class Run(NamedTuple):
    """What one way took; memory in MiB, 0 for no workers."""

    seconds: float
    windows: int
    driver_mib: float
    worker_mib: float


def plain(files: list[Path], out: Path) -> int:
    """The plain way; returns how many windows it wrote."""
    columns = [COLUMNS[name] - 1 for name in PRESET.channels]
    frames = []
    for file in files:
        table = pd.read_csv(file, header=1)
        labels = table.iloc[:, 69].str.strip().str.lower().replace("upsatirs", "upstairs")
        x = table.iloc[:, columns].to_numpy(np.float32)
        edges = [0, *(np.flatnonzero(labels.to_numpy()[1:] != labels.to_numpy()[:-1]) + 1), len(x)]
        for start, stop in pairwise(edges):
            windows = sliding_window_view(x[start:stop], 50, axis=0)[::50].transpose(0, 2, 1)
            frames.append(
                pd.DataFrame(
                    {
                        "subject": file.stem,
                        "start": start + 50 * np.arange(len(windows)),
                        "y": CLASSES.index(labels.iloc[start]),
                        "x": list(windows.reshape(len(windows), -1)),
                    }
                )
            )
    everything = pd.concat(frames)
    everything.to_parquet(out / "windows.parquet")
    return len(everything)


def ours(files: list[Path], out: Path) -> int:
    """The windows stage; returns how many windows it wrote."""
    from har_ray.data.raw.identity import identify
    from har_ray.data.shards import prepare
    from har_ray.data.windows import WindowSpec
    from har_ray.store.storage import Storage
    from har_ray.store.windows import WindowStore

    names = [str(file) for file in files]
    # Identified beforehand: what is timed is the making of windows, not the checksums of the files.
    dataset = replace(SENSORS, locate=lambda folder: names, fingerprint="benchmark", origin="replicas")
    identity = identify(dataset, None, out)
    spec = WindowSpec.of(dataset, identity.fingerprint, PRESET)
    manifest = prepare(dataset, spec, identity, None, WindowStore(Storage(out)))
    return int(manifest["windows"])


def links(folder: Path, replicas: int, work: Path) -> list[Path]:
    """The ten files, under `replicas` names each."""
    found = sorted(folder.rglob("Participant_*.csv"), key=lambda path: natural_key(path.name))
    files = []
    for number in range(replicas):
        (work / f"replica-{number}").mkdir()
        for file in found:
            link = work / f"replica-{number}" / file.name
            link.symlink_to(file.resolve())
            files.append(link)
    return files


@contextmanager
def watched_memory() -> Iterator[dict[str, int]]:
    """The largest resident set of this process and of any Ray worker, in bytes, while the block runs."""
    peak = {"driver": 0, "worker": 0}
    done = threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not done.wait(POLL_S):
            peak["driver"] = max(peak["driver"], me.memory_info().rss)
            for process in psutil.process_iter(["cmdline", "memory_info"]):
                name = (process.info["cmdline"] or [""])[0]
                if name.startswith("ray::") and process.info["memory_info"]:
                    peak["worker"] = max(peak["worker"], process.info["memory_info"].rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def child(way: str, folder: Path, replicas: int) -> None:
    """One way in this process; prints a `Run` as JSON."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        files = links(folder, replicas, work)
        if way == "ours":
            from har_ray import cluster

            with cluster.connected("local"):
                ours(files[:10], work / "warm-up")  # Ray starts its worker processes
                result = _measure(way, files, work / "out")
        else:
            result = _measure(way, files, work / "out")
    print(json.dumps(result))


def _measure(way: str, files: list[Path], out: Path) -> Run:
    out.mkdir()
    with watched_memory() as peak:
        start = time.perf_counter()
        windows = (ours if way == "ours" else plain)(files, out)
        seconds = time.perf_counter() - start
    return Run(seconds, windows, peak["driver"] / MIB, peak["worker"] / MIB)


def main() -> None:
    parser = argparse.ArgumentParser(description="Raw files to Parquet shards, against the plain way.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--replicas", type=int, default=10)
    parser.add_argument("--child", nargs=2, metavar=("WAY", "REPLICAS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], args.folder, int(args.child[1]))
        return
    print("| files | way | seconds | samples/s | ratio | driver MiB | largest worker MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for replicas in (1, args.replicas):
        runs = {way: _spawn(way, args.folder, replicas) for way in ("plain", "ours")}
        for way, run in runs.items():
            rate = SENSORS.samples * replicas / run.seconds
            print(
                f"| {10 * replicas} | {way} | {run.seconds:.1f} | {rate:,.0f} | "
                f"{runs['plain'].seconds / run.seconds:.2f} | {run.driver_mib:.0f} | {run.worker_mib:.0f} |",
                flush=True,
            )


def _spawn(way: str, folder: Path, replicas: int) -> Run:
    """A process of its own for each way, so that none inherits the other's memory."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.windows", str(folder), "--child", way, str(replicas)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Run(*json.loads(answer.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
