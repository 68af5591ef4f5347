"""From a path or a URI to a file system: which schemes there are, and that no URI holds a key."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from har_ray.errors import StorageError

SCHEMES = ("file", "s3", "gs")
SECRET = re.compile(r"(?i)key|secret|token|password|credential")
"""Names of a URI's query parameters, or of a tracker's options, whose values are secrets."""
CONNECT_S, REQUEST_S = 5.0, 30.0
"""Seconds after which an S3 server that does not answer counts as away."""


def file_system(root: str | Path) -> tuple[pafs.FileSystem, str]:
    """The file system of a storage root, and the path in it.

    Raises:
        StorageError: the URI is of no known scheme, holds a key, or its server cannot be asked for the region.
    """
    text = str(root)
    if "://" not in text:
        return pafs.LocalFileSystem(), str(Path(root).expanduser().resolve())
    try:
        parts = urlsplit(text)
        if parts.scheme not in SCHEMES:
            raise StorageError(
                f"storage {text.partition('://')[0]}://…: expected a path or a file://, s3:// or gs:// URI"
            )
        _check_no_key(text)
        return _s3(text) if parts.scheme == "s3" else pafs.FileSystem.from_uri(text)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise StorageError(f"storage {text}: {reason}; expected a path or a file://, s3:// or gs:// URI") from error


def _check_no_key(uri: str) -> None:
    parts = urlsplit(uri)
    wrong = ["user info before @"] if "@" in parts.netloc else []
    parameters = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    wrong += [f"the parameter {name}" for name in parameters if SECRET.search(name)]
    if wrong:
        bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise StorageError(
            f"storage {bare}: {' and '.join(wrong)} would be stored and shown; give keys by "
            "the environment of every node (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; "
            "GOOGLE_APPLICATION_CREDENTIALS), see cluster/README.md"
        )


def _s3(uri: str) -> tuple[pafs.FileSystem, str]:
    """As `FileSystem.from_uri`, but a small file is written in one request instead of three."""
    parts = urlsplit(uri)
    options: dict[str, str | bool | None] = dict(parse_qsl(parts.query))
    for name in ("allow_bucket_creation", "allow_bucket_deletion"):
        if name in options:
            options[name] = str(options[name]).lower() in ("true", "1")
    if not options.get("region") and not options.get("endpoint_override"):
        options["region"] = pafs.resolve_s3_region(parts.netloc)
    s3 = pafs.S3FileSystem(allow_delayed_open=True, connect_timeout=CONNECT_S, request_timeout=REQUEST_S, **options)
    return s3, f"{parts.netloc}{parts.path}".rstrip("/")
