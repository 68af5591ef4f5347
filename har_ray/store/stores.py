"""Where a grid's windows and results lie; plain values, so that it travels to any process."""

from dataclasses import dataclass

from har_ray.store.results import ResultStore
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore


@dataclass(frozen=True)
class Stores:
    """Of one grid in one storage root.

    Attributes:
        root: the storage root, a path or URI.
        grid: the grid's name.
        git_commit: of the code that runs; stands in every row.
    """

    root: str
    grid: str
    git_commit: str | None = None

    @property
    def windows(self) -> WindowStore:
        return WindowStore(Storage(self.root))

    @property
    def results(self) -> ResultStore:
        return ResultStore(Storage(self.root).child(self.grid), self.git_commit)
