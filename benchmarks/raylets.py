"""Ray nodes of this machine, each a raylet that can be killed with all its processes, and a cluster of three.

Keys for an S3 server and a token of the cluster's own are in the environment of all of them.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.s3 import KEYS

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Node:
    """A raylet with all its processes."""

    def __init__(self, folder: Path, environment: dict[str, str], *options: str) -> None:
        folder.mkdir()
        command = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--block"]
        command += [f"--temp-dir={folder}", "--num-cpus=1", "--object-store-memory=150000000", *options]
        command += [f"--dashboard-agent-listen-port={free_port()}"]
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def processes(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        return []

    def named(self, start: tuple[str, ...]) -> list[psutil.Process]:
        """Those whose command line begins with one of these, e.g. `ray::CellTrial`."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if " ".join(process.cmdline()).startswith(start):
                    found.append(process)
        return found

    def memory(self) -> int:
        """Bytes that Ray's own processes hold, workers apart."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if not " ".join(process.cmdline()).startswith("ray::"):
                    total += process.memory_info().rss
        return total

    def kill(self) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Let it leave the cluster in order."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=20)
        self.kill()


class Cluster:
    """A head and two more nodes, with a token of their own and free ports."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hc-", dir="/tmp"))  # sockets have long names
        self.count = 0
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        self.environment = clean | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)} | KEYS
        self.environment |= {
            "RAY_USAGE_STATS_ENABLED": "0",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        self.port, self.dashboard = free_port(), free_port()
        self.head = self._node(
            "--head",
            f"--port={self.port}",
            f"--dashboard-port={self.dashboard}",
            f"--ray-client-server-port={free_port()}",
        )
        self._wait_for_head()
        self.others = [self.add(), self.add()]

    def _node(self, *options: str) -> Node:
        self.count += 1
        return Node(self.folder / str(self.count), self.environment, *options)

    def _wait_for_head(self) -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.dashboard), timeout=1).close()
                return
            time.sleep(0.2)
        raise TimeoutError("the head did not start")

    def add(self) -> Node:
        return self._node(f"--address=127.0.0.1:{self.port}")

    def submit(self, grid: Path, log: Path) -> subprocess.Popen[bytes]:
        address = {"RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{self.dashboard}"}
        with log.open("ab") as out:
            return subprocess.Popen(
                [ROOT / "cluster/submit.sh", grid], env=self.environment | address, cwd=ROOT, stdout=out, stderr=out
            )

    def drivers(self) -> list[psutil.Process]:
        return [p for p in self.head.processes() if "har_ray.grid" in " ".join(_cmdline(p)) and _is_python(p)]

    def nodes(self) -> list[Node]:
        return [self.head, *self.others]

    def stop(self) -> None:
        for node in reversed(self.nodes()):
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _cmdline(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []


def _is_python(process: psutil.Process) -> bool:
    return (_cmdline(process) or [""])[0].rpartition("/")[2].startswith("python")
