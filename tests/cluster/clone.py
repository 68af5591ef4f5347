"""A copy of this repository as a user has it, whose environment in `.venv` is not activated; commands run in it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent
STALE = "192.0.2.1:6379"
"""An address at which nothing answers (RFC 5737), as a variable left over from a cluster of yesterday."""


def clone(folder, venv=Path(sys.prefix)):
    """Every file that git tracks or would, with the changes that are not committed; no repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    (folder / ".venv").symlink_to(venv)
    return folder


def environment(home, **variables):
    """That of a new terminal, but for an address of Ray that is not true any more."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTHON", "VIRTUAL_ENV", "AWS_"))}
    path = [one for one in os.environ["PATH"].split(":") if not one.startswith(sys.prefix)]
    return inherited | {"HOME": str(home), "PATH": ":".join(path), "RAY_ADDRESS": STALE} | variables


def started(command, folder, env):
    """A command line in the background, as a shell starts it; its output can be read line by line."""
    return subprocess.Popen(
        ["bash", "-c", f"exec {command}"], cwd=folder, env=env, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def read_until(process, pattern):
    """The output up to a line in which a regular expression is found."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return "".join(lines)
    raise AssertionError(f"no line with {pattern!r}:\n{''.join(lines)}")


def ended(process, number=None, timeout=500):
    """Send a signal, if one is given, and wait; exit status and the rest of the output."""
    if number is not None:
        process.send_signal(number)
    try:
        rest, _ = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    return process.returncode, rest


def state(folder):
    """What `cluster/local.sh` says of its cluster to other terminals."""
    lines = (folder / "cluster" / "local.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def sessions(folder):
    """The sessions of the processes that have a folder in their command line or environment."""
    return {os.getsid(one.pid) for one in psutil.process_iter() if str(folder) in " ".join(words(one))}


def alive(found):
    """Processes of these sessions, without those that have ended and only wait to be collected."""
    return [f"{one.pid} {one.name()}" for one in psutil.process_iter(["status"]) if in_session(one, found)]


def gone(found, patience_s=120):
    """Whether they all end by themselves: some see only in a while that their parent has."""
    deadline = time.monotonic() + patience_s
    while alive(found) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not alive(found)


def in_session(process, found):
    try:
        return process.info["status"] != psutil.STATUS_ZOMBIE and os.getsid(process.pid) in found
    except ProcessLookupError:
        return False


def words(process):
    """Command line and environment of a process, nothing of one that is gone or of somebody else."""
    try:
        return [*process.cmdline(), *process.environ().values()]
    except (psutil.Error, OSError):
        return []
