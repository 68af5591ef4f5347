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
        patience_s: for how long a storage that fails is tried again.
    """

    root: str
    grid: str
    git_commit: str | None = None
    patience_s: float = 0.0

    @property
    def storage(self) -> Storage:
        return Storage(self.root, self.patience_s)

    @property
    def windows(self) -> WindowStore:
        return WindowStore(self.storage)

    @property
    def results(self) -> ResultStore:
        return ResultStore(self.storage.child(self.grid), self.git_commit)
