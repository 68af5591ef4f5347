"""The raw files of a dataset under one root: downloaded, unpacked and checked before they count as there.

    ROOT/<dataset>/                  the raw files, or only the pointer to a folder or file of the user's own
    ROOT/<dataset>/SOURCE.json       where they came from, the archive's SHA-256, the folder or file pointed to
    ROOT/<dataset>/CHECKSUMS.json    SHA-256 by file, see `identity.py`
    ROOT/.<dataset>.fetching/        what has arrived of an archive so far; gone when the files are complete

Files put into `ROOT/<dataset>/` by hand, without a `SOURCE.json`, are used as well.
"""

import logging
import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from filelock import FileLock

from har_ray.data.dataset import Archive, Dataset
from har_ray.data.raw.download import download, file_sha256, local_path
from har_ray.data.raw.identity import CHECKSUMS_FILE, checksums, fingerprint
from har_ray.data.raw.source import SOURCE_FILE, Source, read_source, write_source
from har_ray.data.raw.unpack import MissingToolError, unpack
from har_ray.data.raw.url import url_hash, without_secrets
from har_ray.errors import DataError, StorageError

log = logging.getLogger(__name__)

MAX_BYTES = 16 * 2**30
"""Far more than any dataset here unpacks to (Opportunity's 24 files of 22 to 72 MB), far less than a common disk."""


def fetch(dataset: Dataset, root: Path, source: str | None = None) -> Path | None:
    """Make the raw files of `dataset` available below `root`; where they are already, nothing is done.

    Args:
        dataset: what to fetch.
        root: the folder of all raw data.
        source: what to take instead of the publisher's archive: another archive (path or URL), or a folder or, for a
            dataset of one file, that file, which are read where they lie. An archive on this machine that has changed
            since it was unpacked is unpacked again.

    Returns:
        What `dataset.locate` takes: the folder or the file, or None for a dataset that needs no fetching.

    Raises:
        DataError: the files cannot be obtained, are not the dataset's, or were brought from another source before.
        StorageError: `root` cannot be read or written.
    """
    if dataset.archive is None:
        if source is not None:
            raise DataError(
                f"{dataset.name}: comes with {dataset.origin}; there is nothing to fetch from {without_secrets(source)}"
            )
        return None
    asked = None if source is None else _origin(source)
    try:
        if _to_bring(dataset, dataset.archive, root, asked):
            root.mkdir(parents=True, exist_ok=True)
            # Two grids started at the same time would write to the same half file.
            with FileLock(root / f".{dataset.name}.lock"):
                if origin := _to_bring(dataset, dataset.archive, root, asked):
                    _bring(dataset, dataset.archive, root, origin)
    except OSError as error:
        raise StorageError(f"{root}: cannot be read or written: {error}") from error
    folder = raw_folder(dataset, root)
    try:
        dataset.locate(folder)
    except DataError as error:
        raise DataError(f"{error}; put it into {folder}, or delete {root / dataset.name} to fetch again") from error
    return folder


def raw_folder(dataset: Dataset, root: Path) -> Path | None:
    """Where the raw files lie that were fetched into `root`, or put there; None where there are none yet.

    Raises:
        DataError: the user's own folder or file is gone, or `SOURCE.json` cannot be read.
    """
    home = root / dataset.name
    if not home.is_dir():
        return None
    source = read_source(home)
    if source is None or source.folder is None:
        return home
    if not Path(source.folder).exists():
        raise DataError(
            f"{home / SOURCE_FILE}: points to {source.folder}, which does not exist; put it back, or delete {home} "
            f"and run `fetch {dataset.name} --from PATH`"
        )
    return Path(source.folder)


def _origin(source: str) -> str:
    """A URL as it is, a path made absolute: what is recorded must mean the same from every working directory."""
    local = local_path(source)
    return source if local is None else str(local.resolve())


def _to_bring(dataset: Dataset, archive: Archive, root: Path, asked: str | None) -> str | None:
    """Where files must be brought from, or None where the existing ones will do."""
    folder = raw_folder(dataset, root)
    if folder is None:
        return asked or archive.url
    home = root / dataset.name
    source = read_source(home)
    lies_there = (str(folder.resolve()), str(home.resolve()))
    if asked is not None and asked not in lies_there and not (source and source.is_from(asked)):
        raise _other_origin(dataset, home, source, without_secrets(asked))
    return source.origin if source and _archive_changed(home, source) else None


def _other_origin(dataset: Dataset, home: Path, source: Source | None, asked: str) -> DataError:
    known = source.origin if source else "files put there by hand"
    other = "with another user or other values in the URL" if asked == known else f"from {asked}"
    return DataError(f"{home}: holds {dataset.name} from {known} already; delete it to fetch {other}")


def _archive_changed(home: Path, source: Source) -> bool:
    """Whether the local archive that the files were unpacked from holds something else by now."""
    archive = local_path(source.origin) if source.sha256 else None
    if archive is None or not archive.is_file():
        return False
    return checksums([archive], home / CHECKSUMS_FILE)[archive] != source.sha256


def _bring(dataset: Dataset, archive: Archive, root: Path, origin: str) -> None:
    home, work = root / dataset.name, root / f".{dataset.name}.fetching"
    staged, replaced = work / "raw", work / "replaced"
    if home.exists():
        log.info("%s: %s has changed since it was unpacked; unpacking it again", dataset.name, origin)
    else:
        shown = without_secrets(origin)
        log.info("%s from %s into %s; terms: %s; cite: %s", dataset.name, shown, home, dataset.terms, dataset.citation)
    work.mkdir(exist_ok=True)
    for left in (staged, replaced):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        local = local_path(origin)
        if local is not None and (local.is_dir() or _fault(dataset, local) is None):
            dataset.locate(local)
            staged.mkdir()
            source = Source.of(origin, folder=origin)
        else:
            source = _bring_archive(dataset, archive, origin, work, staged)
        write_source(staged, source)
        if home.exists():
            home.rename(replaced)
        staged.rename(home)
        shutil.rmtree(work)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        if work.is_dir() and not any(work.iterdir()):
            work.rmdir()


def _fault(dataset: Dataset, path: Path) -> DataError | None:
    """Why `path` cannot be read as the dataset's raw files, or None where it can."""
    try:
        dataset.locate(path)
    except DataError as error:
        return error
    return None


def _bring_archive(dataset: Dataset, archive: Archive, origin: str, work: Path, staged: Path) -> Source:
    """Unpack the archive into `staged`; only a downloaded archive that may be good stays in `work`."""
    local = local_path(origin)  # in a path `?` and `#` are characters like others
    name = local.name if local else PurePosixPath(urlsplit(without_secrets(origin)).path).name
    target = work / f"{url_hash(origin)[:8]}-{name}"
    if origin == archive.url:
        download(origin, target, sha256=archive.sha256, size_bytes=archive.size_bytes)
    else:
        download(origin, target)
    try:
        _unpack(dataset, origin, target, staged)
        files = dataset.raw_files(staged)
    except (MissingToolError, StorageError):
        if local_path(origin) is not None:
            target.unlink()  # it is copied anew each time
        raise
    except DataError as error:
        target.unlink()
        raise DataError(f"{dataset.name} from {without_secrets(origin)}: {error}") from error
    unpacked = fingerprint(checksums(files, staged / CHECKSUMS_FILE))
    return Source.of(origin, sha256=file_sha256(target), fingerprint=unpacked)


def _unpack(dataset: Dataset, origin: str, archive: Path, staged: Path) -> None:
    try:
        unpack(archive, staged, max_bytes=MAX_BYTES)
    except MissingToolError:
        raise
    except DataError as error:
        local = local_path(origin)
        if local is None:
            raise
        raise DataError(f"neither a readable archive ({error}) nor raw files ({_fault(dataset, local)})") from error
