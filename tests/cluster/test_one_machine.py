"""`cluster/local.sh`, `submit.sh` and `job.sh`: the README's commands as written, signals, half a start."""

import re
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
import requests

from har_ray.store.results import load
from tests.cluster.clone import (
    ROOT,
    alive,
    clone,
    ended,
    environment,
    read_until,
    sessions,
    started,
    state,
)  # fmt: skip

pytestmark = pytest.mark.xdist_group("ray")


def readme_commands(heading):
    """The lines of the first block of code below a heading of cluster/README.md that run a script of its folder."""
    section = (ROOT / "cluster" / "README.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    block = re.search(r"(?:^    .*\n)+", section, re.MULTILINE)
    assert block
    return [line.strip() for line in block[0].splitlines() if line.strip().startswith("cluster/")]


def where(marker, folders):
    """Files, command lines and pages of the dashboard that hold a key."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    found = [str(path) for path in files if marker.encode() in path.read_bytes()]
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [str(one)] * (marker.encode() in one.read_bytes())
        except OSError:
            continue  # it has ended
    return found


def drivers(clone):
    """The job: a Python that runs a grid whose storage lies in the clone."""
    words = {"python", "har_ray.grid", f"{clone}/results"}
    return [one for one in psutil.process_iter(["cmdline"]) if words <= set(one.info["cmdline"] or [])]


PAGES = ("api/jobs/", "api/v0/jobs", "api/v0/tasks", "api/v0/actors", "api/v0/runtime_envs", "logical/actors")


def pages(cluster, token):
    headers = {"Authorization": f"Bearer {token}"}
    answers = [requests.get(f"{cluster}/{page}?detail=1", headers=headers, timeout=60) for page in PAGES]
    assert [one.status_code for one in answers] == [200] * len(PAGES)
    return "".join(one.text for one in answers)


def test_the_commands_of_the_readme_run_a_grid_and_leave_nothing(tmp_path, ray_session):
    key, commit = secrets.token_hex(16), "0123456789abcdef"
    home, folder = tmp_path / "home", clone(tmp_path / "clone")
    home.mkdir()
    (command,) = readme_commands("One machine")
    env = environment(home, HAR_RAY_GIT_COMMIT=commit, HAR_RAY_GIT_DIRTY="1", AWS_SECRET_ACCESS_KEY=key)
    process = started(command, folder, env)
    read_until(process, r"\[cells\] .*(best|done)")
    (driver,) = drivers(folder)
    driver.suspend()  # before it makes its report and ends, while the workers of its trial are there
    found = state(folder)
    nodes, token = Path(found["HAR_RAY_CLUSTER"]), Path(found["RAY_AUTH_TOKEN_PATH"])
    ids = sessions(nodes)
    assert len(ids) >= 3  # two nodes and the job
    assert [stat.S_IMODE(one.stat().st_mode) for one in (nodes, token)] == [0o700, 0o600]
    assert requests.get(f"{found['RAY_API_SERVER_ADDRESS']}/api/jobs/", timeout=60).status_code == 401
    assert driver.environ()["AWS_SECRET_ACCESS_KEY"] == key  # the job does have it
    assert where(key, [nodes]) == []
    assert key not in pages(found["RAY_API_SERVER_ADDRESS"], token.read_text())
    driver.resume()
    code, rest = ended(process)
    results = folder / "results" / "quick"
    assert (code, f"report: {results}/report/report.html" in rest) == (0, True), rest
    assert load(results)[["status", "git_commit"]].values.tolist() == [["completed", commit]] * 5
    assert '"git_dirty": true' in (results / "run.json").read_text()
    assert where(key, [folder, home]) == []
    assert alive(ids) == []
    assert (nodes.exists(), (folder / "cluster/local.env").exists(), (home / ".ray").exists()) == (False, False, False)


@pytest.fixture
def cluster(tmp_path):
    """A clone with a cluster of one node, until Ctrl-C."""
    folder = clone(tmp_path / "clone")
    process = started("cluster/local.sh --cpus 2 1", folder, environment(tmp_path))
    try:
        yield folder, process, read_until(process, "Ctrl-C stops it")
    finally:
        if process.poll() is None:
            ended(process, signal.SIGTERM)


def test_jobs_from_another_terminal_until_ctrl_c(tmp_path, cluster):
    folder, process, said = cluster
    assert "1 nodes with 2 CPUs" in said
    nodes = state(folder)["HAR_RAY_CLUSTER"]

    def run(command):
        return ended(started(command, folder, environment(tmp_path)))

    code, said = run("cluster/local.sh 1 true")
    assert (code, "this clone has a cluster already" in said) == (1, True), said
    submit = started("cluster/submit.sh grids/quick.yaml", folder, environment(tmp_path))
    job = read_until(submit, r"\[windows\]").split("job ", 1)[1].split(":", 1)[0]
    code, said = ended(submit, signal.SIGINT)
    assert (code, f"cluster/job.sh logs --follow {job}" in said) == (130, True), said
    code, said = run(f"cluster/job.sh status {job}")
    assert (code, "RUNNING" in said) == (0, True), said
    ids = sessions(nodes)
    assert ended(process, signal.SIGINT)[0] == 130
    assert alive(ids) == []
    assert not Path(nodes).exists()
    code, said = run("cluster/submit.sh grids/quick.yaml")
    assert (code, "no cluster; start one with cluster/local.sh" in said) == (2, True), said


def test_half_a_start_and_what_a_killed_script_left_are_stopped(tmp_path):
    """The second node fails. Before, a script was killed, and its node, here a `sleep`, lived on."""
    commands = tmp_path / "commands" / "bin"
    commands.mkdir(parents=True)
    fails = 'case "$*" in *--address=*) sleep 4; echo "no such head"; exit 1;; esac\n'
    for name, first in (("ray", fails), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\n{first}exec {Path(sys.executable).parent / name} "$@"\n')
        (commands / name).chmod(0o755)
    folder = clone(tmp_path / "clone", venv=commands.parent)
    left = tempfile.mkdtemp(prefix="hr-", dir="/tmp")
    node = subprocess.Popen(["sleep", "600"], start_new_session=True, env={"HAR_RAY_NODES": left})
    dead = subprocess.Popen(["true"])
    dead.wait()
    (folder / "cluster/local.env").write_text(f"# as process {dead.pid};\nHAR_RAY_CLUSTER={left}\n")
    process = started("cluster/local.sh 2 true", folder, environment(tmp_path))
    code, said = ended(process)
    assert (code, "the cluster did not start" in said, "no such head" in said) == (1, True, True), said
    assert node.wait(60) == -signal.SIGKILL
    assert (Path(left).exists(), (folder / "cluster/local.env").exists()) == (False, False)
    assert alive(sessions(tmp_path)) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "N '': expected a whole number from 1; usage: cluster/local.sh [--cpus C] N [COMMAND ...]"),
        ("two", "N 'two': expected a whole number from 1"),
        ("--cpus 0 2", "--cpus '0': expected a whole number from 1"),
    ],
)
def test_a_bad_number_is_said_before_anything_starts(arguments, message, tmp_path):
    command = ["bash", "-c", f"{ROOT}/cluster/local.sh {arguments}"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(tmp_path))
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
