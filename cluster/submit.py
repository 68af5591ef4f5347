"""What `cluster/submit.sh` runs: check a grid, submit it as a Ray job, follow the job, exit as it exits.

No key of an object store goes with a job. Ray 2.60 writes a job's runtime environment to `runtime_env_agent.log` on
every node and shows it in `ray job list` and on five pages of the dashboard's API. What the nodes have in their own
environment it writes and shows nowhere, but for Ray Tune, which would copy keys from the job to its trials' runtime
environment; har_ray forbids it.
"""

import argparse
import asyncio
import logging
import os
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
from ray.exceptions import RayError
from ray.job_submission import JobStatus, JobSubmissionClient

from har_ray import grid, provenance
from har_ray.errors import HarRayError
from har_ray.spec.grid import GridSpec, load_grid
from har_ray.store.storage import Storage

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
"""What S3 needs beside keys, and all may read."""
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
POLL_S = 0.5


class ClusterError(HarRayError):
    """The cluster cannot be reached, or does not take the job."""


def main() -> int:
    """The exit status of the job; 2 where the grid is bad or the cluster does not take it."""
    parser = argparse.ArgumentParser(prog="cluster/submit.sh", description="Run a grid as a job on a Ray cluster.")
    grid.add_arguments(parser)
    args = parser.parse_args()
    if Path(sys.argv[1]) != args.grid:
        parser.error("expected GRID.yaml first, then its options")
    return grid.guarded(lambda: submit(args, sys.argv[2:]))


def submit(args: argparse.Namespace, options: list[str]) -> int:
    """Check the grid, submit it, follow the job; returns its exit status."""
    spec, _ = load_grid(args.grid, args.set)
    storage = Storage(args.storage or spec.storage)
    if storage.uri.startswith("s3://") and (held := [name for name in KEYS if name in os.environ]):
        print(f"{', '.join(held)}: not sent; the nodes use their own, see cluster/README.md", file=sys.stderr)
    command = shlex.join(entrypoint(from_root(args.grid), options, spec, storage))
    address = os.environ["RAY_API_SERVER_ADDRESS"]
    logging.disable(logging.WARNING)  # Ray's on the upload, some of whose loggers have levels of their own
    try:
        client = JobSubmissionClient(address)
        job = client.submit_job(entrypoint=command, runtime_env=runtime_env())
    except (ConnectionError, RuntimeError, RayError) as error:
        raise ClusterError(f"cluster {address}: {line(error)}") from error
    print(f"job {job}: {command}", flush=True)
    try:
        return followed(client, job)
    except (OSError, RuntimeError) as error:
        raise ClusterError(f"cluster {address}: lost while job {job} ran: {line(error)}") from error


def line(error: Exception) -> str:
    return " ".join(str(error).split())


def entrypoint(path: str, options: Sequence[str], spec: GridSpec, storage: Storage) -> list[str]:
    """The job runs in a copy of this folder that ends with it: what it reads and leaves has absolute paths."""
    command = ["python", "-m", "har_ray.grid", path, *options, "--storage", storage.uri]
    if storage.local and any(entry.dataset.archive for entry in spec.datasets):
        command += ["--set", f"data={Path(spec.data).expanduser().resolve()}"]
    return command


def from_root(path: Path) -> str:
    """A grid in this folder travels with it; another one lies where the head finds it too."""
    full = path.resolve()
    return str(full.relative_to(ROOT) if full.is_relative_to(ROOT) else full)


def runtime_env() -> dict[str, Any]:
    """This folder without what `.gitignore` and `.rayignore` name, its commit, and what S3 needs beside keys."""
    commit, dirty = provenance.source()
    variables = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    if commit:
        variables |= {provenance.COMMIT: commit, provenance.DIRTY: str(int(dirty))}
    return {"working_dir": str(ROOT), "env_vars": variables}


def followed(client: JobSubmissionClient, job: str) -> int:
    """Show the job's log until it ends; its exit status, or 130 after Ctrl-C."""
    try:
        while not (info := client.get_job_info(job)).status.is_terminal():
            asyncio.run(show_log(client, job))
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        print(f"\njob {job} goes on as long as its cluster:", file=sys.stderr)
        print(f"  cluster/job.sh logs --follow {job}\n  cluster/job.sh stop {job}", file=sys.stderr)
        return grid.INTERRUPTED
    if info.driver_exit_code is None:
        print(f"job {job} {info.status.lower()}: {info.message}", file=sys.stderr)
    return exit_status(info.status == JobStatus.SUCCEEDED, info.driver_exit_code)


def exit_status(succeeded: bool, code: int | None) -> int:
    """As a shell has it: 128 and the signal for a job that was stopped by one."""
    if code is None:
        return 0 if succeeded else 1
    return 128 - code if code < 0 else code


async def show_log(client: JobSubmissionClient, job: str) -> None:
    """From its beginning to its end, or until the connection breaks."""
    with suppress(aiohttp.ClientError, RuntimeError):
        async for lines in client.tail_job_logs(job):
            print(lines, end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
