"""Connecting to Ray, and what the driver shows of what its workers log."""

import logging

import pytest
import ray

from har_ray import cluster
from har_ray.errors import HarRayError


def record(text, outage=None, waits=False):
    extra = {} if outage is None else {"outage": outage, "waits": waits}
    return logging.makeLogRecord({"msg": text, **extra})


def test_many_processes_that_wait_for_one_storage_are_one_message():
    counted: list[None] = []
    once = cluster.OneOutageOnce(lambda: counted.append(None))
    shown = [
        one.msg
        for one in (
            record("1 waits", "s3", waits=True),
            record("2 waits", "s3", waits=True),
            record("another matter"),
            record("2 works", "s3"),
            record("1 works", "s3"),
            record("3 waits", "s3", waits=True),
        )
        if once.filter(one)
    ]
    assert shown == ["1 waits", "another matter", "2 works", "3 waits"]
    assert len(counted) == 3


@ray.remote(num_cpus=0)
def _log_a_warning():
    cluster.forward_log()
    cluster.forward_log()
    logging.getLogger("har_ray.store.storage").warning("said in a worker")


def test_what_a_worker_logs_is_shown_once(ray_session, caplog):
    with cluster.connected(None), caplog.at_level(logging.WARNING):
        ray.get(_log_a_warning.remote())
    assert caplog.messages.count("said in a worker") == 1


def test_a_worker_that_outlives_a_run_is_heard_in_the_next_and_no_outage_is_carried_over(ray_session, caplog):
    class Worker:
        def wait(self, run):
            cluster.forward_log()
            extra = {"outage": "s3", "waits": True}
            logging.getLogger("har_ray.store.storage").warning("run %d waits", run, extra=extra)

    worker = ray.remote(Worker).options(num_cpus=0).remote()
    for run in range(3):
        with cluster.connected(None), caplog.at_level(logging.WARNING):
            ray.get(worker.wait.remote(run))
    assert caplog.messages == ["run 0 waits", "run 1 waits", "run 2 waits"]


def test_a_ray_that_does_not_start_is_said_in_a_message(monkeypatch):
    def slow(**_):
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", slow)
    with (
        pytest.raises(HarRayError, match=r"Ray could not be started: The current node timed out"),
        cluster.joined("local"),
    ):
        pass
