"""One file from a web server into a half file beside its target, `<name>.part`.

Notable: a broken transfer continues where it stopped, in the next process too, but only if the server confirms
(`If-Range`, `Content-Range`) that its file is still the same; what it said about it lies in `<name>.part.json`. Neither
files nor messages nor log hold the secrets of a URL, or of one that it redirects to.
"""

import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import requests
import urllib3
from tqdm import tqdm

from har_ray.data.raw.url import redacted, url_hash, without_secrets
from har_ray.errors import DataError, StorageError

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
TIMEOUT_S = (15.0, 60.0)
"""To connect, and between two reads."""
MAX_WAIT_S = 300.0
"""A server that asks for a longer wait is reported instead."""
LOG_EVERY_S = 15.0
MOVED = "publishers move files: get a copy another way and use `fetch NAME --from PATH_OR_URL`"


class _TransientError(Exception):
    """Worth another attempt, after `wait_s` where the server named a time."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class _Remote:
    """What a server said about the file it sends; stored beside the half file."""

    url_hash: str
    etag: str
    modified: str
    total: int | None

    @property
    def validator(self) -> str:
        """What `If-Range` takes: a strong ETag, else the date; empty where neither was sent."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def transfer(url: str, part: Path, size_bytes: int | None, progress: bool, attempts: int, backoff_s: float) -> None:
    """Bring all of `url` into the half file; the arguments are those of `download`.

    Raises:
        DataError: it cannot be obtained.
        StorageError: it cannot be written.
    """
    shown = without_secrets(url)
    with _log_without_secrets(), requests.Session() as session:
        for attempt in range(1, attempts + 1):
            try:
                _attempt(session, url, part, size_bytes, progress)
                return
            except _TransientError as error:
                if attempt == attempts:
                    raise DataError(f"{shown}: {error} ({attempts} attempts); {_what_now(part, url)}") from error
                wait_s = min(backoff_s * 2 ** (attempt - 1), MAX_WAIT_S) if error.wait_s is None else error.wait_s
                if wait_s > MAX_WAIT_S:
                    raise DataError(f"{shown}: {error}; run the same command again in {wait_s:.0f} s") from error
                log.warning("%s: %s; attempt %d of %d in %.3g s", shown, error, attempt + 1, attempts, wait_s)
                time.sleep(wait_s)


@contextmanager
def _log_without_secrets() -> Iterator[None]:
    """urllib3 quotes URLs in its log: in a warning of malformed headers, and in all lines of level DEBUG."""

    def redact(record: logging.LogRecord) -> bool:
        record.msg, record.args, record.exc_info = redacted(record.getMessage()), None, None
        return True

    theirs = [logging.getLogger(f"urllib3.{module}") for module in ("connection", "connectionpool")]
    for logger in theirs:
        logger.addFilter(redact)
    try:
        yield
    finally:
        for logger in theirs:
            logger.removeFilter(redact)


def _what_now(part: Path, url: str) -> str:
    if not (kept := _kept(part, url)):
        return f"run the same command again later, or: {MOVED}"
    return f"{kept:,} bytes are kept in {part}: run the same command again to continue, or: {MOVED}"


def _kept(part: Path, url: str) -> int:
    """How many bytes the same command can continue from; where there are none, nothing is left."""
    kept = part.stat().st_size if _read_note(part, url) else 0
    if not kept:
        discard(part)
    return kept


def _attempt(session: requests.Session, url: str, part: Path, size_bytes: int | None, progress: bool) -> None:
    remote = _read_note(part, url)
    done = part.stat().st_size if remote else 0
    if remote and done == remote.total:
        return
    # A compressed transfer would count and resume in other bytes than the file's.
    headers = {"Accept-Encoding": "identity"}
    if remote and done:
        headers |= {"Range": f"bytes={done}-", "If-Range": remote.validator}
    try:
        with _ask(session, url, headers) as response:
            _check_status(response, part)
            if response.status_code == requests.codes.partial_content:
                if remote is None or not _continues(response, remote, done):
                    discard(part)
                    raise _TransientError("the server continued with a different file; starting over")
            else:
                remote, done = _begin(response, url, part, size_bytes), 0
            _stream(response, part, done, remote.total, progress)
    # Once headers are in, the body comes from urllib3 itself, whose errors requests does not translate. No error is
    # chained: they quote URLs, which a traceback would show.
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        raise _TransientError(redacted(str(error))) from None
    except requests.RequestException as error:
        raise DataError(f"{without_secrets(url)}: {redacted(str(error))}; {MOVED}") from None
    except OSError as error:
        raise _no_room(part, url, remote.total if remote else size_bytes, error) from error


def _ask(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    try:
        return session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S)
    except ValueError:  # of requests, or of urllib for what is in a `Location`
        raise DataError(
            f"{without_secrets(url)}: this, or what the server redirects to, is no valid http:// or https:// URL; "
            "in a user name or password, special characters are to be written as %XX"
        ) from None


def _no_room(part: Path, url: str, total: int | None, error: OSError) -> StorageError:
    arrived = part.stat().st_size if part.exists() else 0
    needed = f"more than {arrived:,} bytes" if total is None else f"{total:,} bytes"
    kept = _kept(part, url)
    return StorageError(
        f"{part}: cannot be written: {error.strerror or error}; it takes {needed}, {kept:,} of them are kept; "
        "fix that and run the same command again"
    )


def _check_status(response: requests.Response, part: Path) -> None:
    status = f"HTTP {response.status_code} {response.reason}"
    match response.status_code:
        case 200 | 206:
            return
        case 416:
            discard(part)
            raise _TransientError(f"{status}: the file is shorter than the part that has arrived; starting over")
        case 408 | 429 | 500 | 502 | 503 | 504:
            raise _TransientError(status, _retry_after_s(response))
        case _:
            raise DataError(f"{without_secrets(response.url)}: {status}; {MOVED}")


def _retry_after_s(response: requests.Response) -> float | None:
    """The header holds seconds or a date; anything else is ignored."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - datetime.now(UTC)
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


def _continues(response: requests.Response, remote: _Remote, done: int) -> bool:
    """Whether a 206 is the rest of the same file; some servers ignore `If-Range`, some the start of a range."""
    content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if content_range is None or int(content_range[1]) != done:
        return False
    return (
        (remote.total is None or content_range[2] in ("*", str(remote.total)))
        and response.headers.get("ETag", remote.etag) == remote.etag
        and response.headers.get("Last-Modified", remote.modified) == remote.modified
    )


def _begin(response: requests.Response, url: str, part: Path, size_bytes: int | None) -> _Remote:
    """Empty the half file for a body that starts at byte 0."""
    length = response.headers.get("Content-Length", "")
    remote = _Remote(
        url_hash=url_hash(url),
        etag=response.headers.get("ETag", ""),
        modified=response.headers.get("Last-Modified", ""),
        total=int(length) if length.isdecimal() else None,
    )
    if size_bytes is not None and remote.total not in (None, size_bytes):
        content_type = response.headers.get("Content-Type", "no type given")
        raise DataError(
            f"{without_secrets(url)}: the server offers {remote.total:,} bytes ({content_type}), "
            f"expected {size_bytes:,}; {MOVED}"
        )
    # In this order: a crash in between leaves an empty half file, never old bytes with a new note.
    part.write_bytes(b"")
    forget(part)
    if remote.validator:
        _note(part).write_text(json.dumps(asdict(remote)))
    return remote


def _stream(response: requests.Response, part: Path, done: int, total: int | None, progress: bool) -> None:
    chunks = response.raw.stream(CHUNK_BYTES, decode_content=False)
    with part.open("ab") as out:
        out.writelines(_shown(chunks, response.url, done, total, progress))
    found = part.stat().st_size
    if total is not None and found != total:
        raise _TransientError(f"the connection ended after {found:,} of {total:,} bytes")


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_note(part: Path, url: str) -> _Remote | None:
    """None for a torn note too: without it nothing proves that the half file belongs to what the server has now."""
    try:
        remote = _Remote(**json.loads(_note(part).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return remote if remote.url_hash == url_hash(url) and part.exists() else None


def discard(part: Path) -> None:
    """Leave nothing of a half file."""
    part.unlink(missing_ok=True)
    forget(part)


def forget(part: Path) -> None:
    """What its server said of a file that is whole is of no use any more."""
    _note(part).unlink(missing_ok=True)


def _shown(chunks: Iterator[bytes], url: str, done: int, total: int | None, progress: bool) -> Iterator[bytes]:
    """The same chunks, with a bar on a terminal and a line now and then in the log elsewhere."""
    name = PurePosixPath(urlsplit(url).path).name
    next_line_s = time.monotonic() + LOG_EVERY_S
    # None makes tqdm show the bar only on a terminal.
    with tqdm(
        desc=name, initial=done, total=total, unit="B", unit_scale=True, disable=None if progress else True
    ) as bar:
        for chunk in chunks:
            yield chunk
            done += len(chunk)
            bar.update(len(chunk))
            if progress and bar.disable and time.monotonic() >= next_line_s:
                next_line_s += LOG_EVERY_S
                log.info("%s: %.1f MB of %s", name, done / 1e6, f"{total / 1e6:.1f} MB" if total else "unknown size")
