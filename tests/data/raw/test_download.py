"""`download` against a real server that misbehaves on request, one script step per request."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from har_ray.data.raw import transfer
from har_ray.data.raw.download import download, local_path
from har_ray.errors import DataError

BODY = bytes(range(256)) * 1000
OTHER = bytes(reversed(BODY))
SHA256 = hashlib.sha256(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    server: "Server"

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        step = self.server.script.pop(0) if self.server.script else serve
        step(self)

    def send(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        """`length` overrides the announced length; -1 leaves it out."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length != -1:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


Step = Callable[[Handler], None]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.etag = BODY, '"one"'
        self.script: list[Step] = []
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data.zip"

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for headers in self.asked]


def serve(to: Handler) -> None:
    """As a good server does: ranges, unless `If-Range` names another file than this one."""
    server, asked = to.server, to.headers
    if "Range" in asked and asked["If-Range"] == server.etag:
        start = int(asked["Range"].removeprefix("bytes=").removesuffix("-"))
        content_range = f"bytes {start}-{len(server.body) - 1}/{len(server.body)}"
        to.send(206, server.body[start:], ETag=server.etag, Content_Range=content_range)
    else:
        to.send(200, server.body, ETag=server.etag)


def cut(after: int) -> Step:
    return lambda to: to.send(200, to.server.body[:after], len(to.server.body), ETag=to.server.etag)


def status(code: int, **headers: str) -> Step:
    return lambda to: to.send(code, b"busy", None, **headers)


def serving() -> Iterator[Server]:
    """A server that runs until the iterator goes on."""
    with Server() as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serving()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, which are not waited for."""
    seconds: list[float] = []
    monkeypatch.setattr("har_ray.data.raw.transfer.time.sleep", seconds.append)
    return seconds


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "data.zip"


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_arrives_whole_and_alone(server: Server, target: Path) -> None:
    assert download(server.url, target, sha256=SHA256, size_bytes=len(BODY)) == target
    assert target.read_bytes() == BODY
    assert names(target) == ["data.zip"]
    assert server.asked[0]["Accept-Encoding"] == "identity"


def test_a_second_call_asks_nobody(server: Server, target: Path) -> None:
    for _ in range(2):
        download(server.url, target, sha256=SHA256)
    assert len(server.asked) == 1


def test_a_target_of_other_content_is_not_overwritten(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"data.zip: 4 bytes, expected 256,000; delete it to download it again"):
        download(server.url, target, size_bytes=len(BODY))
    assert target.read_bytes() == b"mine"


def test_an_interrupted_transfer_goes_on_where_it_stopped(
    server: Server, target: Path, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    server.script = [cut(100_000)]
    download(server.url, target, sha256=SHA256, backoff_s=0.5)
    assert server.ranges == [None, "bytes=100000-"]
    assert server.asked[1]["If-Range"] == '"one"'
    assert waits == [0.5]
    assert "100000" in caplog.text
    assert "attempt 2 of 6 in 0.5 s" in caplog.text
    assert names(target) == ["data.zip"]


def test_the_next_process_goes_on_too(server: Server, target: Path) -> None:
    server.script = [cut(100_000)]
    with pytest.raises(DataError) as caught:
        download(server.url, target, sha256=SHA256, attempts=1)
    assert server.url in str(caught.value)
    assert "100,000 bytes are kept in" in str(caught.value)
    assert "run the same command again to continue" in str(caught.value)
    assert names(target) == ["data.zip.part", "data.zip.part.json"]
    download(server.url, target, sha256=SHA256)
    assert server.ranges == [None, "bytes=100000-"]
    assert names(target) == ["data.zip"]


def test_a_transfer_killed_before_the_rename_is_not_repeated(server: Server, target: Path) -> None:
    server.script = [cut(100_000)]
    with pytest.raises(DataError):
        download(server.url, target, attempts=1)
    target.with_name("data.zip.part").write_bytes(BODY)
    download(server.url, target, sha256=SHA256)
    assert len(server.asked) == 1


def test_a_half_file_of_another_url_is_not_gone_on_with(server: Server, target: Path) -> None:
    server.script = [cut(100_000)]
    with pytest.raises(DataError):
        download(server.url, target, attempts=1)
    download(server.url + "?mirror", target, sha256=SHA256)
    assert server.ranges == [None, None]


def test_a_torn_note_means_to_begin_again(server: Server, target: Path) -> None:
    server.script = [cut(100_000)]
    with pytest.raises(DataError):
        download(server.url, target, attempts=1)
    target.with_name("data.zip.part.json").write_text('{"url": "ht')
    download(server.url, target, sha256=SHA256)
    assert server.ranges == [None, None]


def test_a_file_that_changed_is_not_glued(server: Server, target: Path, waits: list[float]) -> None:
    def cut_then_change(to: Handler) -> None:
        cut(100_000)(to)
        server.body, server.etag = OTHER, '"two"'

    server.script = [cut_then_change]
    download(server.url, target)
    assert target.read_bytes() == OTHER
    assert server.ranges == [None, "bytes=100000-"]


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"two"', "Content_Range": f"bytes 100000-{len(BODY) - 1}/{len(BODY)}"},
        {"ETag": '"one"', "Content_Range": f"bytes 100000-{len(BODY) - 1}/{len(BODY) + 1}"},
        {"ETag": '"one"', "Content_Range": f"bytes 0-{len(BODY) - 1}/{len(BODY)}"},
        {"ETag": '"one"'},
    ],
    ids=["other ETag", "other length", "other start", "no Content-Range"],
)
def test_a_206_of_something_else_is_not_glued(
    server: Server, target: Path, waits: list[float], headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    server.script = [cut(100_000), lambda to: to.send(206, OTHER[100_000:], None, **headers)]
    download(server.url, target, sha256=SHA256)
    assert server.ranges == [None, "bytes=100000-", None]
    assert "continued with a different file; starting over" in caplog.text


def test_a_server_without_ranges_sends_all_again(server: Server, target: Path, waits: list[float]) -> None:
    server.script = [cut(100_000), lambda to: to.send(200, BODY, ETag='"one"')]
    download(server.url, target, sha256=SHA256)
    assert server.ranges == [None, "bytes=100000-"]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}], ids=["none", "weak"])
def test_nothing_is_resumed_without_a_strong_validator(
    server: Server, target: Path, waits: list[float], headers: dict[str, str]
) -> None:
    server.script = [lambda to: to.send(200, BODY[:10], len(BODY), **headers)]
    download(server.url, target, sha256=SHA256)
    assert server.ranges == [None, None]


def test_a_date_validates_where_there_is_no_etag(server: Server, target: Path, waits: list[float]) -> None:
    date = "Mon, 06 Jan 2020 00:00:00 GMT"
    server.script = [lambda to: to.send(200, BODY[:10], len(BODY), Last_Modified=date)]
    download(server.url, target, sha256=SHA256)
    assert server.asked[1]["If-Range"] == date


def test_a_range_past_the_end_begins_again(server: Server, target: Path, waits: list[float]) -> None:
    server.script = [cut(100_000), status(416)]
    download(server.url, target, sha256=SHA256)
    assert server.ranges == [None, "bytes=100000-", None]


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_file_that_moved_says_what_to_do(server: Server, target: Path, waits: list[float], code: int) -> None:
    server.script = [status(code)]
    with pytest.raises(DataError) as caught:
        download(server.url, target)
    assert str(caught.value).startswith(f"{server.url}: HTTP {code} ")
    assert "publishers move files" in str(caught.value)
    assert "`fetch NAME --from PATH_OR_URL`" in str(caught.value)
    assert (waits, names(target)) == ([], [])


def test_a_busy_server_is_asked_again_ever_more_slowly(server: Server, target: Path, waits: list[float]) -> None:
    server.script = [status(503), status(429), status(500)]
    download(server.url, target, sha256=SHA256, backoff_s=0.25)
    assert waits == [0.25, 0.5, 1.0]


def test_retry_after_is_honoured(server: Server, target: Path, waits: list[float]) -> None:
    server.script = [
        status(503, Retry_After="7"),
        status(429, Retry_After="Mon, 06 Jan 2020 00:00:00 GMT"),
        status(503, Retry_After="soon"),
    ]
    download(server.url, target, sha256=SHA256, backoff_s=1.0)
    assert waits == [7.0, 0.0, 4.0]


def test_a_server_that_wants_hours_is_reported(server: Server, target: Path, waits: list[float]) -> None:
    server.script = [status(429, Retry_After="7200")]
    with pytest.raises(DataError, match=r"HTTP 429 .*; run the same command again in 7200 s"):
        download(server.url, target)
    assert waits == []


def test_a_server_that_stays_busy_ends_in_an_error(server: Server, target: Path, waits: list[float]) -> None:
    server.script = [status(503)] * 3
    with pytest.raises(DataError, match=r"HTTP 503 Service Unavailable \(3 attempts\); run the same command again"):
        download(server.url, target, attempts=3)
    assert (len(waits), names(target)) == (2, [])
    download(server.url, target, sha256=SHA256)


def test_no_server_at_all(target: Path, waits: list[float]) -> None:
    with Server() as gone:
        url = gone.url
    with pytest.raises(DataError, match=r"(?s)data.zip: .*Connection.*refused.*2 attempts.*--from PATH_OR_URL"):
        download(url, target, attempts=2)
    assert (len(waits), names(target)) == (1, [])


def test_a_body_that_always_ends_early(server: Server, target: Path, waits: list[float]) -> None:
    server.script = [lambda to: to.send(200, BODY[:10], len(BODY))] * 2
    with pytest.raises(DataError, match=r"data.zip: .*10 bytes read, 255990 more expected.*\(2 attempts\)"):
        download(server.url, target, attempts=2)
    assert names(target) == []


def test_an_announced_length_that_is_not_the_known_one(server: Server, target: Path) -> None:
    server.script = [lambda to: to.send(200, b"<html>moved</html>", Content_Type="text/html")]
    with pytest.raises(DataError, match=r"data.zip: the server offers 18 bytes \(text/html\), expected 256,000; "):
        download(server.url, target, size_bytes=len(BODY))
    assert names(target) == []


def test_a_length_that_is_wrong_at_the_end(server: Server, target: Path) -> None:
    server.script = [lambda to: to.send(200, BODY[:10], -1)]
    with pytest.raises(DataError, match=r"http://127.*data.zip: 10 bytes, expected 256,000; publishers move files"):
        download(server.url, target, size_bytes=len(BODY))
    assert names(target) == []


def test_a_wrong_checksum_leaves_nothing_and_the_next_run_is_clean(server: Server, target: Path) -> None:
    server.script = [lambda to: to.send(200, OTHER, ETag='"one"')]
    with pytest.raises(DataError) as caught:
        download(server.url, target, sha256=SHA256)
    assert f"{server.url}: SHA-256 is {hashlib.sha256(OTHER).hexdigest()}, expected {SHA256}" in str(caught.value)
    assert names(target) == []
    assert download(server.url, target, sha256=SHA256).read_bytes() == BODY
    assert server.ranges == [None, None]


def test_a_redirect_is_followed_and_a_loop_is_not(server: Server, target: Path, waits: list[float]) -> None:
    server.script = [status(302, Location="/elsewhere.zip")]
    download(server.url, target, sha256=SHA256)
    server.script = [status(302, Location="/data.zip")] * 40
    with pytest.raises(DataError, match="30 redirects"):
        download(server.url, target.with_name("again.zip"))
    assert waits == []


def test_a_log_gets_a_line_now_and_then(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transfer, "LOG_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO):
        download(server.url, target)
    assert "data.zip: 0.3 MB of 0.3 MB" in caplog.text
    with caplog.at_level(logging.INFO):
        caplog.clear()
        download(server.url, target.with_name("quiet.zip"), progress=False)
    assert caplog.text == ""


def test_local_files_by_path_and_url(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "a copy.zip"
    source.write_bytes(BODY)
    for url in (str(source), source.as_uri()):
        assert download(url, target, sha256=SHA256, size_bytes=len(BODY)).read_bytes() == BODY
    source.write_bytes(OTHER)
    with pytest.raises(DataError, match=r"a copy.zip: SHA-256 is"):
        download(str(source), target, sha256=SHA256)
    assert names(target) == ["data.zip"]
    with pytest.raises(DataError, match=r"nowhere.zip: cannot be read: No such file"):
        download(str(tmp_path / "nowhere.zip"), target)


def test_only_the_web_and_files() -> None:
    assert local_path("https://example.org/a.zip") is None
    assert local_path("file:///a%20b.zip") == Path("/a b.zip")
    assert local_path("a.zip") == Path("a.zip")
    with pytest.raises(DataError, match=r"s3:// is not supported \(http://, https://, file:// or a path\)"):
        local_path("s3://bucket/a.zip")
