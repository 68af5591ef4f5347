"""What the tests share: one local Ray session, and SPAR's windows, made once by the real path."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import ray
import torch

from har_ray import cluster
from har_ray.data.datasets.spar import SPAR
from har_ray.data.protocol import Protocol
from har_ray.data.raw.identity import identify
from har_ray.data.shards import prepare
from har_ray.data.tensors import load_tensors
from har_ray.data.windows import WindowSpec
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from tests.s3 import KEYS


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of the two processes of `make test` one runs all that needs Ray, first, so that no two clusters compete for two
    CPUs; any other file runs as a whole in either, so that what its tests share is made once."""
    for item in items:
        if "ray_session" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("ray"))
        elif not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.location[0]))
    items.sort(key=lambda item: item.get_closest_marker("xdist_group").args != ("ray",))


def pytest_make_parametrize_id(val, argname):
    """The bytes of an archive hold when it was made: a test named after them has another name in each process, and the
    processes of `make test` must find the same tests."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c():
    """What a shell starts in the background ignores Ctrl-C, and so would the commands that tests start to interrupt."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _keys():
    """Of the S3 server that some tests start; Ray's processes have the environment of its start."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def ray_session(_keys):
    """A local cluster of two CPUs, whatever the machine has."""
    with cluster.joined(None, num_cpus=2, include_dashboard=False):
        yield ray


@pytest.fixture(scope="session")
def spar_spec():
    """SPAR at 12 Hz, windows of 2 s: [24, 6]."""
    identity = identify(SPAR, None, Path())
    return WindowSpec.of(SPAR, identity.fingerprint, replace(SPAR.presets["wrist"], rate_hz=12.0))


@pytest.fixture(scope="session")
def spar_storage(request, spar_spec, tmp_path_factory):
    """A storage root that holds the windows of `spar_spec`.

    They are made once for all sessions, and Ray is started by the first alone, where `HAR_RAY_TEST_WINDOWS` names a
    folder to keep them in.
    """
    root, kept = tmp_path_factory.mktemp("spar"), os.environ.get("HAR_RAY_TEST_WINDOWS")
    if kept and Path(kept).is_dir():
        shutil.copytree(kept, root / "windows")
        return Storage(root)
    request.getfixturevalue("ray_session")
    prepare(SPAR, spar_spec, identify(SPAR, None, Path()), None, WindowStore(Storage(root)))
    if kept:
        shutil.copytree(root / "windows", kept)
    return Storage(root)


@pytest.fixture
def windows_made(spar_storage, tmp_path):
    """The windows of `spar_spec` lie where a grid of `write_grid` would make them, which others show."""
    shutil.copytree(Path(spar_storage.uri) / "windows", tmp_path / "results" / "windows")


@pytest.fixture
def no_report(monkeypatch):
    """A grid that runs in this process ends without its report, which takes seconds to draw."""
    monkeypatch.setattr("analysis.report.write_report", lambda results: "not drawn")


@pytest.fixture(scope="session")
def holdout():
    return Protocol(name="subject-holdout")


@pytest.fixture(scope="session")
def data(spar_storage, spar_spec, holdout):
    """SPAR's windows, split and scaled."""
    return load_tensors(spar_storage, spar_spec.id, holdout)
