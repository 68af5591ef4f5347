"""The grid as a Ray job: a head with token authentication, `ray job submit`, as cluster/README.md says."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from har_ray.store.results import load
from tests.grids import write_grid

ROOT = Path(__file__).parent.parent
RAY = ("-c", "from ray.scripts.scripts import main; main()")
"""The command `ray` of a python."""


@contextmanager
def job_head(home, python=Path(sys.executable)):
    """A cluster of its own, started by `python`; its address and the environment in which `ray` talks to it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTHON"))}
    environment |= {"RAY_AUTH_MODE": "token", "HOME": str(home)}  # the token lies in ~/.ray
    environment |= {"RAY_USAGE_STATS_ENABLED": "0", "PATH": f"{python.parent}:{os.environ['PATH']}"}
    run: dict[str, Any] = {"env": environment, "check": True, "capture_output": True, "text": True, "timeout": 120}
    subprocess.run([python, *RAY, "get-auth-token", "--generate"], **run)
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # Ray's sockets have long names; a short folder leaves room
    # The defaults are taken where another Ray runs on this machine.
    dashboard = free_port()
    ports = [f"--port={free_port()}", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={free_port()}"]
    try:
        subprocess.run([python, *RAY, "start", "--head", "--num-cpus=2", f"--temp-dir={folder}", *ports], **run)
        yield f"http://127.0.0.1:{dashboard}", environment
    finally:
        # Not `ray stop`: it would stop every Ray of this machine, the one that the other tests share among them.
        for process in psutil.process_iter(["cmdline"]):
            if any(folder in part for part in process.info["cmdline"] or []):
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def submitted(python, address, environment, working_dir, folder):
    """Submit a grid of one cell, whose file and results lie in `folder`."""
    path = write_grid(folder, variants=["LM"], search=None, teacher=None, seeds=[0], train={"epochs": 1})
    return subprocess.run(
        [python, *RAY, "job", "submit", "--address", address, "--working-dir", ".", "--",
         "python", "-m", "har_ray.grid", str(path)],
        cwd=working_dir, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_a_grid_runs_as_a_job(tmp_path, ray_session):
    with job_head(tmp_path) as (address, environment):
        done = submitted(Path(sys.executable), address, environment, ROOT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[confirm] done: 1 of 1 cells" in done.stdout
    assert load(tmp_path / "results" / "tiny")["status"].tolist() == ["completed"]
