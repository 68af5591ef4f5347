"""The wheel, installed into an environment of its own outside the repository: the command, a grid, a job."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

from har_ray import __version__
from har_ray.store.results import load
from tests.cluster.clone import ended, environment, started
from tests.grids import write_grid

pytestmark = pytest.mark.xdist_group("ray")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The `bin` folder of an environment that holds the wheel and, from this one, what the wheel depends on."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in ("har_ray", "analysis"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    quiet: dict[str, Any] = {"check": True, "capture_output": True, "timeout": 300}
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)], **quiet)
    (wheel,) = folder.glob("*.whl")
    assert wheel.name == f"har_ray-{__version__}-py3-none-any.whl"
    venv.create(folder / "env", with_pip=False)
    (packages,) = folder.glob("env/lib/python*/site-packages")
    subprocess.run([*pip, "--python", str(folder / "env/bin/python"), "install", "--no-deps", str(wheel)], **quiet)
    # As a plain path: the link to this repository that an editable install leaves there is not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env" / "bin"


def run(installed, folder, *arguments, timeout=400):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTHON"))}
    return subprocess.run(
        [installed / "har-ray", *arguments], cwd=folder, capture_output=True, text=True, timeout=timeout,
        env=environment | {"RAY_ADDRESS": "local", "WANDB_MODE": "offline"},
    )  # fmt: skip


def test_it_is_the_wheel_that_runs(installed, tmp_path):
    code = "import har_ray, analysis; print(har_ray.__file__, analysis.__file__)"
    found = subprocess.run([installed / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(str(installed.parent) in path for path in found.stdout.split())
    assert run(installed, tmp_path, "--version").stdout == f"har-ray {__version__}\n"


def test_the_quick_grid_with_four_epochs_and_one_fold_ends_in_a_report(installed, tmp_path):
    shutil.copy(ROOT / "grids" / "quick.yaml", tmp_path)
    one_fold = "datasets=[{name: spar, preset: wrist, protocol: subject-holdout, rate_hz: 10, stride_s: 2}]"
    shorter = ("train.epochs=4", "search.trials=1", one_fold)
    done = run(installed, tmp_path, "run", "quick.yaml", *(part for change in shorter for part in ("--set", change)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"report: {tmp_path}/results/quick/report/report.html"
    rows = load(tmp_path / "results" / "quick").query("stage == 'confirm'")
    assert rows["variant"].value_counts().to_dict() == dict.fromkeys(
        ["OM", "MM", "LM", "LM-Att", "RB-KD", "RB-KD-Att", "RAB-KD", "DS-CNN", "Feature-MLP"], 1
    )
    assert (rows["status"] == "completed").all()
    page = (tmp_path / "results" / "quick" / "report" / "report.html").read_text()
    assert "har-ray run quick.yaml --set train.epochs=4" in page
    assert "Feature-MLP" in run(installed, tmp_path, "report", "results/quick", "--budget", "params=1000").stdout
    assert "confirm: 9 cells: 9 completed" in run(installed, tmp_path, "status", "quick.yaml").stdout


def test_every_subcommand_and_the_completion(installed, tmp_path):
    assert "spar" in run(installed, tmp_path, "data", "list").stdout
    assert json.loads(run(installed, tmp_path, "schema", "grid").stdout)["properties"]["variants"]
    assert json.loads(run(installed, tmp_path, "schema", "descriptor").stdout)["properties"]["channels"]
    completion = run(installed, tmp_path, "--print-completion", "bash").stdout
    assert all(word in completion for word in ("run", "plan", "status", "report", "data", "schema"))
    wrong = run(installed, tmp_path, "run", "nowhere.yaml")
    assert (wrong.returncode, wrong.stderr) == (2, "nowhere.yaml: cannot be read: No such file or directory\n")


def test_the_installed_package_runs_as_a_job(installed, tmp_path):
    project = tmp_path / "project"  # what is uploaded holds the grid and the scripts, not the package
    shutil.copytree(ROOT / "cluster", project / "cluster", ignore=shutil.ignore_patterns("*.env", "__pycache__"))
    (project / ".venv").symlink_to(installed.parent)
    # Only the wheel's own commands are there; Ray's comes with Ray.
    (installed / "ray").write_text(f"#!{installed}/python\nfrom ray.scripts.scripts import main\nmain()\n")
    (installed / "ray").chmod(0o755)
    write_grid(project, variants=["LM"], search=None, teacher=None, seeds=[0], train={"epochs": 1})
    command = "cluster/local.sh --cpus 2 1 cluster/submit.sh grid.yaml"
    code, said = ended(started(command, project, environment(tmp_path)))
    assert (code, "done: 1 of 1 cells" in said) == (0, True), said
    assert load(project / "results" / "tiny")["status"].tolist() == ["completed"]
