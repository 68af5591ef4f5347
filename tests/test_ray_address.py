"""An address where no Ray is ends a command in one line within seconds, whatever is there instead."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ray._common.utils import get_ray_address_file
from ray._private.utils import write_ray_address

from har_ray import ray_address
from har_ray.errors import HarRayError
from har_ray.ray_address import answering

ROOT = Path(__file__).parent.parent


@contextmanager
def nobody():
    """A port that is taken, so that no other process gets it, and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def silent():
    """A port that accepts whoever comes, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as server:
        yield server.getsockname()[1]


@contextmanager
def website():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_address(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.mark.parametrize("scheme", ["", "ray://"])
@pytest.mark.parametrize("how", ["--address", "the environment's RAY_ADDRESS"])
def test_an_address_where_nobody_is_is_said_at_once(monkeypatch, how, scheme):
    with nobody() as port:
        address = f"{scheme}127.0.0.1:{port}"
        if how != "--address":
            monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(HarRayError) as caught:
            answering(address if how == "--address" else None)
    assert str(caught.value) == (
        f"no Ray cluster at {address} (Connection refused), which {how} names; without it one is started here"
    )


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_port_that_never_answers_is_not_waited_for(monkeypatch, scheme):
    monkeypatch.setattr(ray_address, "ANSWER_S", 0.5)
    start = time.monotonic()
    with silent() as port, pytest.raises(HarRayError, match=rf"no Ray cluster at {scheme}127.0.0.1:{port} \(no answer"):
        answering(f"{scheme}127.0.0.1:{port}")
    assert time.monotonic() - start < 5


def test_something_else_that_listens_is_not_ray():
    with website() as port, pytest.raises(HarRayError, match=r"\(what listens there is no Ray\)"):
        answering(f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:8265", "--address is http://127.0.0.1:8265, the address of a dashboard, which takes jobs"),
        ("nonsense", "--address is 'nonsense'; expected HOST:PORT of a cluster's head, or auto"),
        ("ftp://host:6379", "expected HOST:PORT"),
        ("host:99999", "expected HOST:PORT"),
        ("nowhere.invalid:6379", "no Ray cluster at nowhere.invalid:6379 ("),
    ],
)
def test_what_is_no_address_of_a_cluster_is_named(address, message):
    with pytest.raises(HarRayError) as caught:
        answering(address)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_ray_that_is_there_is_found(ray_session):
    address = ray_session.get_runtime_context().gcs_address
    assert answering(address) == address
    assert [answering(one) for one in (None, "", "auto", "local")] == [None, None, "auto", "local"]


def test_a_cluster_that_is_gone_is_not_looked_for_where_its_start_left_its_address(monkeypatch, tmp_path):
    """As Ray itself finds it; `ray stop` removes the file, a node that is killed does not."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    file = Path(get_ray_address_file(None))
    assert (answering(None), file.is_relative_to(tmp_path)) == (None, True)
    file.parent.mkdir()
    with nobody() as port:
        file.write_text(f"127.0.0.1:{port}")
        for address in (None, "auto"):
            with pytest.raises(HarRayError) as caught:
                answering(address)
            assert str(caught.value) == (
                f"no Ray cluster at 127.0.0.1:{port} (Connection refused), which an earlier `ray start` left in "
                f"{file}; after `ray stop`, which removes it, one is started here"
            )
        assert answering("local") == "local"
    file.write_text("")
    with pytest.raises(HarRayError, match=r"no Ray cluster at an empty address \(no HOST:PORT\), which an earlier"):
        answering(None)


def test_a_cluster_that_was_started_here_is_found(monkeypatch, tmp_path, ray_session):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    Path(get_ray_address_file(None)).parent.mkdir()
    write_ray_address(ray_session.get_runtime_context().gcs_address)
    assert answering(None) is None


def test_a_grid_ends_within_seconds_in_one_line(tmp_path):
    """Ray itself would look for about a quarter of an hour."""
    (tmp_path / "grid.yaml").write_text("name: a\n")  # not even looked at
    with silent() as port:
        environment = os.environ | {"RAY_ADDRESS": f"127.0.0.1:{port}", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "har_ray.grid", "grid.yaml"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"no Ray cluster at 127.0.0.1:{port} (no answer within 5 s), which the environment's")
    assert done.stderr.count("\n") == 1
