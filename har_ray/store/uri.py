"""From a path or a URI to a file system: which schemes there are, and that no URI holds a key."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from har_ray.errors import StorageError

SCHEMES = ("file", "s3", "gs")
EXPECTED = "expected a path or a file://, s3:// or gs:// URI"
SECRET = re.compile(r"(?i)key|secret|token|passw|credential|signature|^sig$")
CONNECT_S, REQUEST_S = 5.0, 30.0
"""Seconds after which an S3 server that does not answer counts as away."""


def file_system(root: str | Path) -> tuple[pafs.FileSystem, str]:
    """The file system of a storage root, and the path in it.

    Raises:
        StorageError: as `check`, or an S3 server cannot be asked for the region.
    """
    text = str(root)
    check(text)
    if "://" not in text:
        return pafs.LocalFileSystem(), str(Path(root).expanduser().resolve())
    if text.startswith("file:"):
        return pafs.LocalFileSystem(), _local(text)
    try:
        return _s3(text) if text.startswith("s3:") else pafs.FileSystem.from_uri(text.replace("#", "%23"))
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise StorageError(f"storage {text}: {' '.join(str(error).split())}; {EXPECTED}") from error


def check(root: str) -> None:
    """Raise `StorageError` if a URI is of no known scheme, or holds a key, which would be stored and shown."""
    scheme, separator, _ = root.partition("://")
    if not separator:
        return
    if scheme not in SCHEMES:
        raise StorageError(f"storage {scheme}://…: {EXPECTED}")
    wrong = secrets_in(root)
    if wrong:
        parts = urlsplit(root)
        bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise StorageError(
            f"storage {bare}: {' and '.join(wrong)} would be stored and shown; give keys by the environment of every "
            "node (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; GOOGLE_APPLICATION_CREDENTIALS), see "
            "cluster/README.md"
        )


def without_options(root: str) -> tuple[str, str]:
    """A storage root without, and then with nothing but, the options that end the URI of an object store: `?region=…`.

    Anywhere else `?` is a character like others.
    """
    base, mark, options = root.partition("?") if "://" in root and not root.startswith("file:") else (root, "", "")
    return base, mark + options


def _local(uri: str) -> str:
    """The path that a `file://` URI names, in which `?` and `#` are characters like others, and `%20` is a blank."""
    host, _, path = uri.removeprefix("file://").partition("/")
    if host not in ("", "localhost") or not path:
        raise StorageError(f"storage {uri}: names the machine {host!r}; expected file:///PATH or a path")
    return str(Path("/", unquote(path)).resolve())


def secrets_in(url: str) -> list[str]:
    """What in a URL is likely to be secret, in words without the secret."""
    parts = urlsplit(url)
    parameters = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    user = ["user info before @"] if "@" in parts.netloc else []
    return user + [f"the parameter {name}" for name in parameters if is_secret(name)]


def is_secret(name: str) -> bool:
    """Whether a parameter or an option of this name holds a key, a password or the like."""
    return bool(SECRET.search(name))


def _s3(uri: str) -> tuple[pafs.FileSystem, str]:
    """As `FileSystem.from_uri`, but a small file is written in one request instead of three."""
    parts = urlsplit(uri, allow_fragments=False)  # keys may hold #
    options: dict[str, str | bool | None] = dict(parse_qsl(parts.query))
    for name in ("allow_bucket_creation", "allow_bucket_deletion"):
        if name in options:
            options[name] = str(options[name]).lower() in ("true", "1")
    if not options.get("region") and not options.get("endpoint_override"):
        options["region"] = pafs.resolve_s3_region(parts.netloc)
    s3 = pafs.S3FileSystem(allow_delayed_open=True, connect_timeout=CONNECT_S, request_timeout=REQUEST_S, **options)
    return s3, f"{parts.netloc}{parts.path}".rstrip("/")
