"""The raw files of a dataset under one root: downloaded, unpacked, checked, and only then in their place.

    ROOT/<dataset>/              the raw files, or only the pointer to a folder of the user's own
    ROOT/<dataset>/SOURCE.json   where they came from, the archive's SHA-256, the folder pointed to
    ROOT/.<dataset>.fetching/    what has come so far of an archive; gone when the files are in place

Files put into `ROOT/<dataset>/` by hand, without a `SOURCE.json`, are used as well.
"""

import hashlib
import json
import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from filelock import FileLock

from har_ray.data.dataset import Archive, Dataset
from har_ray.data.raw.download import download, file_sha256, local_path
from har_ray.data.raw.unpack import MissingToolError, unpack
from har_ray.errors import DataError, StorageError

log = logging.getLogger(__name__)

SOURCE_FILE = "SOURCE.json"
MAX_BYTES = 16 * 2**30
"""Far more than any dataset here unpacks to (Opportunity's 24 files of 22 to 72 MB), far less than a common disk."""


@dataclass(frozen=True)
class Source:
    """Where a dataset's raw files came from.

    Attributes:
        origin: URL or absolute path.
        sha256: of the archive; None for a folder.
        folder: the user's folder that is used where it lies; None where the files lie beside this record.
    """

    origin: str
    sha256: str | None = None
    folder: str | None = None


def fetch(dataset: Dataset, root: Path, source: str | None = None) -> Path | None:
    """Make the raw files of `dataset` available below `root`; without work where they are already.

    Args:
        dataset: what to fetch.
        root: the folder of all raw data.
        source: an archive (path or URL) or a folder to take instead of the publisher's archive. An archive with another
            checksum than the publisher's is accepted with a warning, a folder is used where it lies.

    Returns:
        The folder for `dataset.locate`: None for a dataset that comes with a Python package.

    Raises:
        DataError: the files cannot be had, are not the dataset's, or came from elsewhere than `source` earlier.
        StorageError: `root` cannot be read or written.
    """
    if dataset.archive is None:
        if source is not None:
            raise DataError(f"{dataset.name}: comes with a Python package; there is nothing to fetch from {source}")
        return None
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Two grids started at once would write to the same half file.
        with FileLock(root / f".{dataset.name}.lock"):
            folder = raw_folder(dataset, root)
            if folder is None:
                return _bring(dataset, dataset.archive, root, _origin(source or dataset.archive.url))
            if source is not None:
                _check_same(dataset, root, folder, _origin(source))
    except OSError as error:
        raise StorageError(f"{root}: cannot be read or written: {error}") from error
    try:
        dataset.locate(folder)
    except DataError as error:
        raise DataError(f"{error}; put it into {folder}, or delete {root / dataset.name} to fetch again") from error
    return folder


def raw_folder(dataset: Dataset, root: Path) -> Path | None:
    """Where the raw files lie that were fetched into `root`, or put there; None where there are none yet.

    Raises:
        DataError: they lay in a folder of the user's own that is gone, or `SOURCE.json` cannot be read.
    """
    home = root / dataset.name
    if not home.is_dir():
        return None
    source = _read_source(home)
    if source is None or source.folder is None:
        return home
    if not Path(source.folder).is_dir():
        raise DataError(
            f"{home / SOURCE_FILE}: points to {source.folder}, which is not there; put it back, or delete {home} "
            f"and run `fetch {dataset.name} --from FOLDER`"
        )
    return Path(source.folder)


def _origin(source: str) -> str:
    """A URL as it is, a path made absolute: what is recorded must mean the same from every working directory."""
    local = local_path(source)
    return source if local is None else str(local.resolve())


def _check_same(dataset: Dataset, root: Path, folder: Path, origin: str) -> None:
    home = root / dataset.name
    source = _read_source(home)
    known = source.origin if source else "files put there by hand"
    if origin not in (known, str(folder.resolve()), str(home.resolve())):
        raise DataError(f"{home}: holds {dataset.name} from {known} already; delete it to fetch from {origin}")


def _bring(dataset: Dataset, archive: Archive, root: Path, origin: str) -> Path:
    home, work = root / dataset.name, root / f".{dataset.name}.fetching"
    staged = work / "raw"
    log.info("%s from %s into %s; terms: %s; cite: %s", dataset.name, origin, home, dataset.terms, dataset.citation)
    work.mkdir(exist_ok=True)
    shutil.rmtree(staged, ignore_errors=True)  # left by a process that was killed
    try:
        folder = local_path(origin)
        if folder is not None and folder.is_dir():
            dataset.locate(folder)
            staged.mkdir()
            source = Source(origin, folder=origin)
        else:
            folder = home
            source = Source(origin, sha256=_bring_archive(dataset, archive, origin, work, staged))
        (staged / SOURCE_FILE).write_text(json.dumps(asdict(source), indent=2) + "\n")
        staged.rename(home)
        shutil.rmtree(work)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        if work.is_dir() and not any(work.iterdir()):
            work.rmdir()
    return folder


def _bring_archive(dataset: Dataset, archive: Archive, origin: str, work: Path, staged: Path) -> str:
    """Unpack the archive into `staged` and return its SHA-256; only an archive that may be good stays in `work`."""
    name = PurePosixPath(urlsplit(origin).path).name
    target = work / f"{hashlib.sha256(origin.encode()).hexdigest()[:8]}-{name}"
    if origin == archive.url:
        download(origin, target, sha256=archive.sha256, size_bytes=archive.size_bytes)
    else:
        download(origin, target)
    sha256 = file_sha256(target)
    if archive.sha256 not in (None, sha256):
        log.warning("%s: %s is not the publisher's archive (SHA-256 %s)", dataset.name, origin, sha256)
    try:
        unpack(target, staged, max_bytes=MAX_BYTES)
        dataset.locate(staged)
    except MissingToolError:
        raise
    except DataError as error:
        target.unlink()
        raise DataError(f"{dataset.name} from {origin}: {error}") from error
    return sha256


def _read_source(home: Path) -> Source | None:
    path = home / SOURCE_FILE
    if not path.exists():
        return None
    try:
        return Source(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: cannot be read: {error}; delete {home} and fetch again") from error
