"""One file from a server (or from a path) to the disk, whole or not at all.

Bytes go to `<name>.part`, and `<name>` appears by a rename once size and checksum are right.
"""

import hashlib
import shutil
from pathlib import Path
from urllib.request import url2pathname

from har_ray.data.raw.transfer import CHUNK_BYTES, MOVED, discard, forget, transfer
from har_ray.data.raw.url import without_secrets
from har_ray.errors import DataError, StorageError


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size_bytes: int | None = None,
    progress: bool = True,
    attempts: int = 6,
    backoff_s: float = 1.0,
) -> Path:
    """Bring `url` to `target`. An earlier download at `target` is only verified; a local file is copied again.

    Args:
        url: `http://`, `https://`, `file://` or a local path.
        target: the file to write; `<target>.part` beside it holds what has arrived so far, and survives a failure.
        sha256, size_bytes: what the file must be, where known (the checksum in lower-case hexadecimal).
        progress: show a bar on a terminal, log a line now and then elsewhere.
        attempts: how often to ask a server that is busy, unreachable or hangs up.
        backoff_s: wait before the second attempt; doubled each time, unless the server says how long (`Retry-After`).

    Returns:
        `target`.

    Raises:
        DataError: the file cannot be obtained, or is not the expected one.
        StorageError: it cannot be written (a full disk).
    """
    local = local_path(url)
    if local is None and target.exists():
        _verify(target, str(target), sha256, size_bytes, "delete it to download it again")
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    if local is not None:
        _copy(local, part)
    else:
        transfer(url, part, size_bytes, progress, attempts, backoff_s)
    try:
        _verify(part, without_secrets(url), sha256, size_bytes, MOVED)
    except DataError:
        discard(part)
        raise
    part.replace(target)
    forget(part)
    return target


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def local_path(source: str) -> Path | None:
    """The path that `source` names, as a path or `file://` URL; None for a web address.

    Raises:
        DataError: a URL of another scheme.
    """
    scheme, separator, _ = source.partition("://")
    if not separator:
        return Path(source).expanduser()
    if scheme.lower() == "file":
        return Path(url2pathname(source.partition("://")[2].removeprefix("localhost")))
    if scheme.lower() in ("http", "https"):
        return None
    raise DataError(f"{without_secrets(source)}: {scheme}:// is not supported (http://, https://, file:// or a path)")


def _verify(path: Path, name: str, sha256: str | None, size_bytes: int | None, advice: str) -> None:
    found_bytes = path.stat().st_size
    if size_bytes is not None and found_bytes != size_bytes:
        raise DataError(f"{name}: {found_bytes:,} bytes, expected {size_bytes:,}; {advice}")
    if sha256 is not None and (found := file_sha256(path)) != sha256:
        raise DataError(f"{name}: SHA-256 is {found}, expected {sha256}; the file was altered; {advice}")


def _copy(source: Path, part: Path) -> None:
    try:
        total, stream = source.stat().st_size, source.open("rb")
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from error
    try:
        with stream, part.open("wb") as out:
            shutil.copyfileobj(stream, out, CHUNK_BYTES)
    except OSError as error:
        discard(part)
        raise StorageError(
            f"{part}: {source} cannot be copied there: {error.strerror or error}; it takes {total:,} bytes; fix that "
            "and run the same command again"
        ) from error
