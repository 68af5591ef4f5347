"""Temporary folders. What a process that was killed has left of them, the next one that needs one deletes.

A process holds a lock beside its folder for as long as it lives, which the system lets go of however it ends.
"""

import os
import shutil
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType

from filelock import FileLock, Timeout

PREFIX, LOCK = "har-ray-", ".lock"


class TemporaryFolder:
    """An empty folder, deleted with all that is in it by `cleanup` or at the end of a `with` block.

    Args:
        what: it is for, a word of its name.
    """

    def __init__(self, what: str) -> None:
        delete_left()
        name = f"{PREFIX}{what}-{uuid.uuid4().hex}"
        self._lock = _lock(Path(gettempdir(), name + LOCK))
        self._lock.acquire()  # before there is a folder that somebody could take for one that was left
        self._folder = TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        self._folder.cleanup()
        Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()


def delete_left() -> None:
    """Delete the folders whose process is gone, of those that this user's processes have made."""
    home = Path(gettempdir())
    for path in home.glob(f"{PREFIX}*{LOCK}"):
        if path.is_symlink() or not _is_ours(path):
            continue
        lock = _lock(path)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):  # in use, or just gone
            continue
        for folder in home.glob(f"{path.name.removesuffix(LOCK)}-*"):
            if not folder.is_symlink() and _is_ours(folder):
                shutil.rmtree(folder, ignore_errors=True)
        path.unlink(missing_ok=True)
        lock.release()


def _is_ours(path: Path) -> bool:
    """Whether it is this user's; where the system does not say, everything there is."""
    try:
        return os.name != "posix" or path.lstat().st_uid == os.getuid()
    except FileNotFoundError:
        return False


def _lock(path: Path) -> FileLock:
    return FileLock(path, thread_local=False)
