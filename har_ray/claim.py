"""One name, one grid: what lies under a grid's name is not overwritten by another grid without a word."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from har_ray.errors import DamagedError, HarRayError, StorageError
from har_ray.store.results import ResultStore, Row, now
from har_ray.store.storage import Storage

ALIVE = "running.json"
ALIVE_EVERY_S = 30.0
GONE_AFTER_S = 120.0
"""A run that has not said for so long that it is alive was killed."""
WITHOUT = ("resources", "tracking", "export", "data", "storage")
"""Keys of a grid that change how it is run, not what comes out of it."""


@contextmanager
def claimed(results: ResultStore, info: Row, goes_on: bool) -> Iterator[None]:
    """Hold the grid's folder for as long as it runs.

    Args:
        info: of this run, as it will stand in `run.json`.
        goes_on: the user wants a grid that was changed to go on where the other one stopped.

    Raises:
        HarRayError: a grid of the same name and other content is there.
    """
    _check(results, info, goes_on)
    ended = threading.Event()
    thread = threading.Thread(target=_say_alive, args=(results, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _check(results: ResultStore, info: Row, goes_on: bool) -> None:
    try:
        there = results.run_info()
    except (FileNotFoundError, DamagedError):
        return
    if _content(there) == _content(info):
        return
    name, changed = info["grid"]["name"], ", ".join(_changed(there, info))
    other = f"{results.root} holds another grid of the name {name!r}, which differs in {changed}"
    if (by := running(results)) is not None:
        raise HarRayError(f"{other}, and which {by} is running; give this one another name")
    if not goes_on:
        state = f"finished {there['finished_at']}" if there.get("finished_at") else "is not finished"
        raise HarRayError(
            f"{other}, and which {state}; give this one another name, or let it take that one's place with --continue: "
            "cells that are the same are kept and not computed again"
        )


def _content(info: Row) -> Row:
    return {key: value for key, value in info["grid"].items() if key not in WITHOUT}


def _changed(there: Row, here: Row) -> list[str]:
    before, after = _content(there), _content(here)
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def running(results: ResultStore) -> str | None:
    """Who runs the grid at this moment, e.g. `process 4711 on watch-lab`; None where nobody is known to."""
    try:
        alive = results.root.read_json(ALIVE)
    except (FileNotFoundError, DamagedError):
        return None
    age = datetime.now(UTC) - datetime.fromisoformat(alive["at"])
    here = alive["host"] == socket.gethostname()
    if age.total_seconds() > GONE_AFTER_S or (here and not _exists(alive["process"])):
        return None
    return f"process {alive['process']} on {alive['host']}"


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _say_alive(results: ResultStore, ended: threading.Event) -> None:
    root = Storage(results.root.uri)  # without patience: a run that has given the storage up need not wait once more
    over = False
    while not over:
        try:
            root.write_json(ALIVE, {"process": os.getpid(), "host": socket.gethostname(), "at": now()})
            over = ended.wait(ALIVE_EVERY_S)
            if over:
                root.delete(ALIVE)
        except StorageError:
            over = ended.wait(ALIVE_EVERY_S)  # the run itself says what is wrong with the storage
