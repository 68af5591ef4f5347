"""Whether everything in a store is as it was written: for a run, which makes again what is not, and `har-ray check`."""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from har_ray.errors import DamagedError, StorageError
from har_ray.store.gathered import NAME as GATHERED
from har_ray.store.gathered import Gathered
from har_ray.store.results import CHECKPOINT, ResultStore, Row
from har_ray.store.storage import AT_ONCE, Storage
from har_ray.store.windows import MANIFEST, WindowStore

log = logging.getLogger(__name__)


class Fault(NamedTuple):
    """A file that is not as it was written, by its name in `home`."""

    home: Storage
    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.home}: {self.name} {self.what}"

    def repair(self) -> None:
        """Delete it, so that the next run makes it again."""
        self.home.delete(self.name)


def damaged_cells(results: ResultStore, rows: Mapping[str, Row]) -> set[str]:
    """The cells of these rows with a file that is missing or damaged; the log names each such file."""
    found = set()
    for cell_id, fault in _damaged_files(results, rows):
        log.warning("%s; it is made again if the grid still has its cell", fault)
        found.add(cell_id)
    return found


def faults(results: ResultStore) -> Iterator[Fault]:
    """Everything that is wrong with the results of a grid and with its windows; reads all of it."""
    yield from _documents(results)
    rows = {}
    for name in results.root.names("rows"):
        row = results.row(name.removesuffix(".json"))
        if row is None:
            yield Fault(results.root, f"rows/{name}", "is damaged")
        else:
            rows[row["cell_id"]] = row
    yield from (fault for _, fault in _damaged_files(results, rows))
    for cell_id in results.root.names("cells"):
        if CHECKPOINT in results.root.names(f"cells/{cell_id}") and results.checkpoint(cell_id) is None:
            yield Fault(results.root, f"cells/{cell_id}/{CHECKPOINT}", "is damaged")
    yield from _exports(results)
    yield from _windows(results)
    yield from (Fault(results.root, name, "was left by a process that was killed") for name in results.root.leftovers())


def _documents(results: ResultStore) -> Iterator[Fault]:
    readers: dict[str, Callable[[], object]] = {
        "run.json": results.run_info,
        "plan.json": results.plan,
        "winners.json": results.winners,
        GATHERED: lambda: Gathered.read(results.root),
    }
    for name, reader in readers.items():
        try:
            reader()
        except FileNotFoundError:
            continue
        except DamagedError:
            yield Fault(results.root, name, "is damaged")


def _damaged_files(results: ResultStore, rows: Mapping[str, Row]) -> Iterator[tuple[str, Fault]]:
    """Each file that is not as its row says, with its cell's id."""
    files = [(row, name) for row in rows.values() for name in row["files"]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wholes = pool.map(lambda file: _is_whole(results, *file), files)
        for (row, name), whole in zip(files, wholes, strict=True):
            if not whole:
                yield row["cell_id"], Fault(results.root, f"cells/{row['cell_id']}/{name}", "is missing or damaged")


def _exports(results: ResultStore) -> Iterator[Fault]:
    """Of what is exported."""
    for record in results.root.names("exported"):
        row = results.exports.row(record.removesuffix(".json"))
        if row is None:
            yield Fault(results.root, f"exported/{record}", "is damaged")
            continue
        for name in row["files"]:
            try:
                results.exports.read(row, name)
            except DamagedError:
                yield Fault(results.root, name, "is missing or damaged")


def _is_whole(results: ResultStore, row: Row, name: str) -> bool:
    try:
        results.read(row, name)
    except DamagedError:
        return False
    return True


def _windows(results: ResultStore) -> Iterator[Fault]:
    """Of the windows that the grid was made of, as far as `run.json` can be read."""
    try:
        ids = [entry["windows_id"] for entry in results.run_info().get("data") or []]
    except (FileNotFoundError, DamagedError):
        return
    windows = WindowStore(results.root.parent)
    for windows_id in dict.fromkeys(ids):
        home = windows.folder(windows_id)
        try:
            windows.check(windows_id)
        except StorageError:
            yield Fault(home, MANIFEST, "is missing or damaged, or one of its shards is")
