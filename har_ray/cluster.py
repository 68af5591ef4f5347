"""Connecting to Ray: a cluster that is given or running, else one of this machine for as long as the command runs."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
import ray.data


@contextmanager
def connected(address: str | None, **settings: Any) -> Iterator[None]:
    """A connection to the cluster at `address`, to the running one, or to one started here.

    A process that is connected already keeps its connection. Usage reports are off unless the user has said otherwise;
    the messages of Ray's own workers stay in Ray's logs. `settings` are those of `ray.init`.
    """
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Trials that wait for their Ray Train workers are processes beside the CPUs, which Ray would warn of.
    os.environ.setdefault("RAY_worker_maximum_startup_concurrency", "8")
    ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **settings)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)  # it warns that there are none
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    try:
        yield
    finally:
        ray.shutdown()
