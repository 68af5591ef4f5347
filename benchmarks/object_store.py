"""A grid with its results on an object store that goes away twice, and the requests that it makes.

    python -m benchmarks.object_store grids/quick.yaml --like results/quick

Runs the grid against an S3 server of this process, which refuses all requests for 30 seconds, twice, while cells are
trained. Prints seconds, requests by sort of file and method, and, given the results of the same grid on a disk
(`--like`), how many of its confirm rows are different.
"""

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.chaos import confirmed
from benchmarks.s3 import S3
from har_ray.spec.grid import load_grid
from har_ray.store.storage import Storage
from tests.s3 import KEYS

AWAY_S, APART_S = 30.0, 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid", type=Path)
    parser.add_argument("--like", metavar="RESULTS", help="of the same grid on a disk")
    args = parser.parse_args()
    os.environ.update(KEYS)
    s3, name = S3(), load_grid(args.grid)[0].name
    storage, start = s3.uri("grids"), time.monotonic()
    threading.Thread(target=_away_twice, args=(s3,), daemon=True).start()
    command = [sys.executable, "-W", "ignore", "-m", "har_ray.grid", str(args.grid), "--storage", storage]
    code = subprocess.run(command).returncode
    print(f"\nexit {code} after {time.monotonic() - start:.0f} s, {len(s3.requests)} requests\n")
    _table(Counter(_sort(method, path) for method, path in s3.requests))
    if args.like:
        ours, theirs = confirmed(Storage(storage).child(name).uri), confirmed(args.like)
        other = sum(theirs.get(cell) != row for cell, row in ours.items())
        print(f"\n{len(ours)} confirm rows, {other} of them other than on the disk")
    return code


def _away_twice(s3: S3) -> None:
    while not s3.rows:
        time.sleep(0.1)
    for _ in range(2):
        s3.breaks = "refused"
        time.sleep(AWAY_S)
        s3.breaks = None
        time.sleep(APART_S)


def _table(counts: Counter[tuple[str, str]]) -> None:
    methods = sorted({method for _, method in counts})
    print(f"| file | {' | '.join(methods)} |\n| --- |{' ---: |' * len(methods)}")
    for file in sorted({file for file, _ in counts}):
        print(f"| {file} | {' | '.join(str(counts[file, method] or '') for method in methods)} |")


def _sort(method: str, path: str) -> tuple[str, str]:
    """e.g. (rows/*.json, PUT)"""
    place, _, query = path.partition("?")
    if "list-type" in query:
        return "listings", method
    name = re.sub(r"^/bucket/grids/(windows/|[^/]+/)?", "", place)
    return re.sub(r"[0-9a-f]{16,32}", "*", re.sub(r"^(report|wandb)/.*", r"\1/*", name)) or "bucket", method


if __name__ == "__main__":
    sys.exit(main())
