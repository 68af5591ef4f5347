"""The grid as a Ray job: a head with token authentication, `ray job submit`, as cluster/README.md says."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from har_ray.store.results import load
from tests.grids import write_grid

ROOT = Path(__file__).parent.parent
RAY = Path(sys.executable).with_name("ray")


@pytest.fixture
def head(tmp_path):
    """A cluster of its own; yields its address and the environment in which `ray` talks to it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    environment |= {"RAY_AUTH_MODE": "token", "HOME": str(tmp_path)}  # the token lies in ~/.ray
    environment |= {"RAY_USAGE_STATS_ENABLED": "0", "PATH": f"{RAY.parent}:{os.environ['PATH']}"}
    run: dict[str, Any] = {"env": environment, "check": True, "capture_output": True, "text": True, "timeout": 120}
    subprocess.run([RAY, "get-auth-token", "--generate"], **run)
    folder = Path("/tmp") / f"har-ray-{os.getpid()}"  # Ray's sockets have long names; a short folder leaves room
    # The defaults are taken where another Ray runs on this machine.
    dashboard = free_port()
    ports = [f"--port={free_port()}", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={free_port()}"]
    subprocess.run([RAY, "start", "--head", "--num-cpus=2", f"--temp-dir={folder}", *ports], **run)
    yield f"http://127.0.0.1:{dashboard}", environment
    # Not `ray stop`: it would stop every Ray of this machine, the one that the other tests share among them.
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or []):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_grid_runs_as_a_job(head, tmp_path, ray_session):
    address, environment = head
    path = write_grid(tmp_path, variants=["LM"], search=None, teacher=None, seeds=[0], train={"epochs": 1})
    command = ["python", "-m", "har_ray.grid", str(path)]
    done = subprocess.run(
        [RAY, "job", "submit", "--address", address, "--working-dir", ".", "--", *command],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[confirm] done: 1 of 1 cells" in done.stdout
    assert load(tmp_path / "results" / "tiny")["status"].tolist() == ["completed"]
