"""Connecting to Ray: a cluster that is given or running, else one of this machine for as long as the command runs."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import ray
import ray.data


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """A connection to the cluster at `address`, to the running one, or to one started here.

    Usage reports are off unless the user has said otherwise; the messages of Ray's own workers stay in Ray's logs.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    try:
        yield
    finally:
        ray.shutdown()
