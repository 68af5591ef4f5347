"""What cannot be run here is checked: the cluster's YAML by its readers' schemas, versions, what a job uploads."""

import re
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from jsonschema import Draft202012Validator
from ray._private.ray_constants import get_runtime_env_default_excludes
from ray._private.runtime_env.packaging import create_package
from ray.autoscaler._private.util import prepare_config, validate_config

from har_ray.provenance import COMMIT, DIRTY
from tests.cluster.clone import ROOT, clone

CLUSTER = ROOT / "cluster"


def read(name):
    return yaml.safe_load((CLUSTER / name).read_text())


def ray_up():
    return prepare_config(read("ray-up.yaml"))


def test_ray_up_reads_its_file():
    config = ray_up()
    validate_config(config)
    types = config["available_node_types"]
    assert {name: (one["min_workers"], one["max_workers"]) for name, one in types.items()} == {
        "head": (0, 0),
        "gpu": (0, 4),
        "gpu-spot": (0, 0),
    }
    spot = types["gpu-spot"]["node_config"]
    assert spot.pop("InstanceMarketOptions") == {"MarketType": "spot"}
    assert spot == types["gpu"]["node_config"]
    assert all((ROOT / local).exists() for local in config["file_mounts"].values() if not local.startswith("~"))


def test_every_ray_start_says_that_it_wants_tokens():
    """Ray 2.60 starts without one where it is not told so."""
    config = ray_up()
    starts = [
        line for role in ("head", "worker") for line in config[f"{role}_start_ray_commands"] if "ray start" in line
    ]
    assert [re.findall(r"RAY_AUTH_MODE=(\w+) .*ray start", one) for one in starts] == [["token"], ["token"]]
    assert "export RAY_AUTH_MODE=token" in (CLUSTER / "environment.sh").read_text()
    assert read("rayjob.yaml")["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}


def test_kuberay_knows_every_field_of_the_job():
    schema = yaml.safe_load((Path(__file__).parent / "rayjob.schema.yaml").read_text())
    errors = Draft202012Validator(schema).iter_errors(read("rayjob.yaml"))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(("key", "value"), [("shutdownAfterJobFinish", True), ("ttlSecondsAfterFinished", "10m")])
def test_a_wrong_field_of_the_job_is_found(key, value):
    schema = yaml.safe_load((Path(__file__).parent / "rayjob.schema.yaml").read_text())
    job = read("rayjob.yaml")
    job["spec"][key] = value
    (error,) = Draft202012Validator(schema).iter_errors(job)
    assert key in f"{error.json_path}: {error.message}"


def test_all_files_name_the_ray_of_the_constraints():
    (version,) = re.findall(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    docker = read("ray-up.yaml")["docker"]
    assert [docker["head_image"], docker["worker_image"]] == [
        f"rayproject/ray:{version}-py311-cpu",
        f"rayproject/ray:{version}-py311-gpu",
    ]
    assert read("rayjob.yaml")["spec"]["rayClusterSpec"]["rayVersion"] == version
    dockerfile = (CLUSTER / "Dockerfile").read_text()
    assert "FROM python:3.11-" in dockerfile
    assert "pip install --constraint /src/constraints.txt" in dockerfile


def test_the_image_says_of_which_commit_it_is():
    dockerfile = (CLUSTER / "Dockerfile").read_text()
    assert f"ENV {COMMIT}=$GIT_COMMIT" in dockerfile
    assert DIRTY not in dockerfile


def test_a_job_takes_the_code_and_the_grids_along_and_nothing_else(tmp_path):
    folder = clone(tmp_path / "clone")
    left = ["results/quick/run.json", "data/sensors.rar", "wandb/run/log", ".git/config", ".env", ".aws/credentials"]
    left += ["cluster/local.env", "cluster/.slurm-a1b2c3/token", "har_ray/__pycache__/grid.pyc", "nested/.env"]
    for name in left:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("not for others")
    package = tmp_path / "package.zip"
    create_package(str(folder), package, include_gitignore=True, excludes=get_runtime_env_default_excludes())
    names = {name for name in ZipFile(package).namelist() if not name.endswith("/")}
    assert {name.split("/")[0] for name in names if "/" in name} == {"analysis", "cluster", "grids", "har_ray"}
    assert {"har_ray/data/datasets/spar.py", "analysis/report.html", "grids/quick.yaml"} <= names
    assert names.isdisjoint([*left, "grids/quick.png"])
    assert package.stat().st_size < 3_000_000  # all of the code is 1.9 MB, not compressed
