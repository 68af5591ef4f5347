"""Connecting to Ray, and hearing in the driver what the cluster's processes have to say.

The cluster is one that is given or running, else one of this machine for as long as the command runs. The messages of
Ray's own workers stay in Ray's logs; what har_ray logs in any process, such as that it waits for the storage, is shown
by the driver, once for all processes that have the same to say.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import ray
import ray.data
from ray.tune.execution import class_cache
from ray.util.metrics import Counter

from har_ray.errors import HarRayError
from har_ray.ray_address import answering
from har_ray.store.storage import log as storage_log

# Ray Tune would copy these from the driver into the runtime environment of its trials, which Ray writes to its logs and
# shows on its dashboard. Trials have them from their node's own environment.
class_cache.ENV_VARS_TO_PROPAGATE.difference_update(
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"}
)

NOTICES = "har-ray-notices"
LISTEN_EVERY_S = 1.0
ANSWER_S = 10.0
"""A process that does not answer for so long is not there."""

log = logging.getLogger("har_ray")


@contextmanager
def connected(address: str | None, **settings: Any) -> Iterator[bool]:
    """As `joined`; while it lasts this process shows what the cluster's others log, and no block lies in another."""
    with joined(address, **settings) as is_own, _listening():
        yield is_own


@contextmanager
def joined(address: str | None, **settings: Any) -> Iterator[bool]:
    """A connection to the cluster at `address`, to the running one, or to one started here; yields whether it was.

    A process that is connected already keeps its connection. Usage reports are off unless the user has said otherwise.
    `settings` are those of `ray.init`.

    Raises:
        HarRayError: nothing answers at the address, or Ray can't be started.
    """
    if ray.is_initialized():
        yield False
        return
    address = answering(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Trials that wait for their Ray Train workers are processes beside the CPUs, which Ray would warn of.
    os.environ.setdefault("RAY_worker_maximum_startup_concurrency", "8")
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **settings)
    except ConnectionError as error:
        raise HarRayError(f"no Ray cluster at {address}: {error}") from error
    except Exception as error:  # Ray has no class of its own for processes of a node that do not start in time
        raise HarRayError(f"Ray could not be started: {error}; free memory or CPUs, and run it again") from error
    if threading.current_thread() is threading.main_thread():
        # What stops a job (`ray job stop`, Slurm) ends like Ctrl-C, not in the crash report of the handler that Ray has
        # just put in the place of the command's.
        signal.signal(signal.SIGTERM, on_sigterm if callable(on_sigterm) else signal.default_int_handler)
    data = ray.data.DataContext.get_current()
    data.enable_progress_bars = False
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)  # it warns that there are none
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    try:
        yield _is_own()
    finally:
        ray.shutdown()


def _is_own() -> bool:
    """Whether this process started the cluster, which then has no other nodes and never will."""
    node = ray._private.worker.global_worker.node
    return node is not None and bool(node.is_head())


class Notice(NamedTuple):
    """A log message on its way from a worker process to the driver."""

    level: int
    text: str
    outage: str | None
    waits: bool


class Notices:
    """What worker processes have to say, until the driver asks."""

    def __init__(self) -> None:
        self.said: list[Notice] = []

    def say(self, notice: Notice) -> None:
        self.said.append(notice)

    def take(self) -> list[Notice]:
        said, self.said = self.said, []
        return said


class _Forward(logging.Handler):
    """Sends what is logged to the driver, if it listens."""

    def emit(self, record: logging.LogRecord) -> None:
        outage, waits = getattr(record, "outage", None), getattr(record, "waits", False)
        notice = Notice(record.levelno, record.getMessage(), outage, waits)
        # Asked for anew each time: a process may outlive the run that it was started for. Waited for, because it may
        # also be the last that the process has to say.
        with suppress(ValueError, ray.exceptions.RayError):
            ray.get(ray.get_actor(NOTICES).say.remote(notice), timeout=ANSWER_S)


def forward_log() -> None:
    """From now on the driver shows what har_ray logs in this process; called in workers, any number of times."""
    if not any(isinstance(handler, _Forward) for handler in log.handlers):
        log.addHandler(_Forward(logging.WARNING))


class OneOutageOnce(logging.Filter):
    """Lets the first message about an outage pass, and the first about its end; any other message passes.

    Args:
        count: called for every message that something waits, shown or not.
    """

    def __init__(self, count: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.out: set[str] = set()
        self.count = count

    def filter(self, record: logging.LogRecord) -> bool:
        outage = getattr(record, "outage", None)
        if outage is None:
            return True
        known, waits = outage in self.out, bool(getattr(record, "waits", False))
        if waits:
            self.count()
            self.out.add(outage)
        else:
            self.out.discard(outage)
        return known != waits


@contextmanager
def _listening() -> Iterator[None]:
    """Show what workers say, until the block ends."""
    notices: Any = ray.remote(Notices).options(name=NOTICES, num_cpus=0).remote()
    errors = Counter("har_ray_storage_errors", "How often a process began to wait for the storage")
    once, ended = OneOutageOnce(errors.inc), threading.Event()
    for logger in (log, storage_log):
        logger.addFilter(once)
    thread = threading.Thread(target=_listen, args=(notices, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        try:
            thread.join()
        finally:
            thread.join()  # also after Ctrl-C: the process dies of a thread that asks Ray when it has been shut down
        for logger in (log, storage_log):
            logger.removeFilter(once)
        _end(notices)


def _end(notices: Any) -> None:
    """Let its name go, which a next run of this process will want at once."""
    end = time.monotonic() + ANSWER_S
    with suppress(ValueError, ray.exceptions.RayError):
        ray.kill(notices)
        while time.monotonic() < end:
            ray.get_actor(NOTICES)
            time.sleep(0.01)


def _listen(notices: Any, ended: threading.Event) -> None:
    last = False
    while not last:
        last = ended.wait(LISTEN_EVERY_S)
        try:
            said = ray.get(notices.take.remote(), timeout=ANSWER_S)
        except ray.exceptions.RayError:
            return  # the cluster is gone, which the driver hears of by other ways
        for notice in said:
            extra = {"outage": notice.outage, "waits": notice.waits} if notice.outage else {}
            log.log(notice.level, "%s", notice.text, extra=extra)
