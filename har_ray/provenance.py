"""How a grid was made: what `run.json` says beside the results."""

import hashlib
import os
import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from har_ray import __version__
from har_ray.errors import DamagedError
from har_ray.machine import processor
from har_ray.spec.grid import GridSpec
from har_ray.store.results import ResultStore, Row
from har_ray.yaml_file import YamlFile

PACKAGES = ["fvcore", "numpy", "pandas", "pyarrow", "ray", "scikit-learn", "torch", "wandb"]
COMMIT, DIRTY = "HAR_RAY_GIT_COMMIT", "HAR_RAY_GIT_DIRTY"
"""What `cluster/submit.sh` says of the code that it uploads without its repository: the commit; 1 or 0."""


def describe(spec: GridSpec, file: YamlFile, command: Sequence[str]) -> Row:
    """Grid, command, commit, versions and machine, as plain values."""
    commit, dirty = source()
    return {
        "grid": spec.model_dump(mode="json"),
        "grid_path": str(file.path),
        "grid_text": file.text,
        "grid_hash": hashlib.sha256(spec.model_dump_json().encode()).hexdigest()[:12],
        "command": shlex.join(command),
        "git_commit": commit,
        "git_dirty": dirty,
        "har_ray_version": __version__,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {processor()}",
        "started_at": now(),
        "finished_at": None,
    }


START = ("started_at", "finished_at", "command", "grid_hash", "git_commit", "git_dirty", "machine")
"""What is kept of each start of a grid."""


def ended(info: Row) -> Row:
    """The same when all is done: this start has finished, and so has the grid."""
    finished = {"finished_at": now()}
    *earlier, last = info["starts"]
    return info | finished | {"starts": [*earlier, last | finished]}


def starts(info: Row, results: ResultStore) -> list[Row]:
    """Every start of a grid, from the first to the one that `info` describes; an interrupted one never finished."""
    try:
        before = results.run_info()
    except (FileNotFoundError, DamagedError):
        return [_start(info)]
    return [*(before.get("starts") or [_start(before)]), _start(info)]


def _start(info: Row) -> Row:
    return {name: info.get(name) for name in START}


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def source() -> tuple[str | None, bool]:
    """The commit of the code that runs, None where it is unknown, and whether files differ from it.

    Of this repository, where this file is one of it. An installed package may lie in the repository of somebody else.
    """
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return os.environ.get(COMMIT) or None, os.environ.get(DIRTY) == "1"
    return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain"))


def _git(*arguments: str) -> str | None:
    """What git says in the folder of this file, or None where it fails or there is none."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
