"""URLs that let their holder in, from a server that asks for a password: what is kept and said must not."""

import base64
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from har_ray.data.dataset import Archive
from har_ray.data.raw.download import download
from har_ray.data.raw.fetch import fetch, raw_folder
from har_ray.data.raw.identity import identify
from har_ray.data.raw.url import redacted, url_hash, without_secrets
from har_ray.errors import DataError
from tests.data.raw.test_download import Handler, Server, Step, cut, serve, status
from tests.data.raw.test_fetch import FILES, dataset, zipped

SECRET = "hunter2"
MADE_UP = dataset(Archive("https://example.org/gone.zip", "gone.zip"))
SIGNED = f"?X-Amz-Signature={SECRET}&id=7&{SECRET}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr("har_ray.data.raw.transfer.time.sleep", lambda _: None)
    with Server() as running:
        running.body = zipped(FILES)
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def signed(server: Server) -> str:
    return f"http://me:{SECRET}@127.0.0.1:{server.server_port}/data.zip{SIGNED}#{SECRET}"


class Told:
    """All that a fetch has said: its log, the console, and an error with its causes."""

    def __init__(self, root: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self.root, self.caplog, self.capfd = root, caplog, capfd
        caplog.set_level(logging.DEBUG)

    def fetch(self, source: str) -> str:
        """Fetch, and look for the secret in everything; returns the error's message, or the origin as it is shown."""
        lines: list[str] = []
        try:
            folder = fetch(MADE_UP, self.root, source)
            said = identify(MADE_UP, folder, self.root).origin
        except DataError as error:
            said, lines = str(error), traceback.format_exception(error)
        out, err = self.capfd.readouterr()
        everything = "\n".join([said, *lines, self.caplog.text, out, err])
        assert SECRET not in everything
        for path in self.root.rglob("*"):
            assert SECRET not in path.name
            assert path.is_dir() or SECRET.encode() not in path.read_bytes()
        return said


@pytest.fixture
def told(tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Told:
    return Told(tmp_path / "root", caplog, capfd)


def test_a_fetch_signs_in_and_tells_nobody(server: Server, told: Told) -> None:
    asked: list[str] = []

    def check(to: Handler) -> None:
        asked.append(to.path)
        serve(to)

    server.script = [check]
    host = f"http://127.0.0.1:{server.server_port}"
    assert told.fetch(signed(server)) == f"{host}/data.zip?X-Amz-Signature=…&id=…&…"
    assert asked == [f"/data.zip{SIGNED}"]
    assert server.asked[0]["Authorization"] == f"Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}"
    kept = json.loads((told.root / "made-up/SOURCE.json").read_text())
    assert kept["origin"] == f"{host}/data.zip?X-Amz-Signature=…&id=…&…"
    assert f"made-up from {host}/data.zip?X-Amz-Signature=…&id=…&… into" in told.caplog.text


def test_the_same_url_is_known_and_another_told_apart(server: Server, told: Told) -> None:
    url = signed(server)
    first = told.fetch(url)
    assert told.fetch(url) == first
    for other in (url.replace("id=7", "id=8"), url.replace("//me:", "//you:"), url.removesuffix(SECRET) + "x"):
        assert told.fetch(other).endswith("already; delete it to fetch with another user or other values in the URL")
    assert "delete it to fetch from http://127.0.0.1" in told.fetch(url.replace("data.zip", "else.zip"))
    assert len(server.asked) == 1


@pytest.mark.parametrize("other", ["", "id=8"])
def test_a_half_file_is_gone_on_with_for_the_same_url_only(server: Server, told: Told, other: str) -> None:
    url = signed(server)
    server.script = [cut(100), status(404)]
    assert "HTTP 404" in told.fetch(url)
    assert sorted(path.suffix for path in (told.root / ".made-up.fetching").iterdir()) == [".json", ".part"]
    told.fetch(url.replace("id=7", other) if other else url)
    assert raw_folder(MADE_UP, told.root) is not None
    assert server.ranges[2] == (None if other else "bytes=100-")


def malformed(to: Handler) -> None:
    to.wfile.write(b"HTTP/1.1 404 Not Found\r\nno header\r\n\r\n")


REDIRECT = f"http://me:{SECRET}@127.0.0.1:1/elsewhere?X-Goog-Signature={SECRET}"
FAILURES: list[tuple[str, list[Step], str]] = [
    ("moved", [status(404)], "/data.zip?X-Amz-Signature=…&id=…&…: HTTP 404 Not Found"),
    ("always busy", [status(503)] * 6, "HTTP 503 Service Unavailable (6 attempts)"),
    ("busy for hours", [status(503, Retry_After="7200")], "run the same command again in 7200 s"),
    ("cut and cut", [cut(100)] * 6, "100 bytes are kept in"),
    ("no archive", [lambda to: to.send(200, b"<html>")], "&…: "),
    ("redirected to nobody", [status(302, Location=REDIRECT)] * 6, "url: /elsewhere?… (Caused by"),
    ("redirected to another scheme", [status(302, Location=f"ftp{REDIRECT[4:]}")], "no valid http:// or https:// URL"),
    ("redirected to no URL", [status(302, Location=f"http://me:{SECRET}/@[x")], "no valid http:// or https:// URL"),
    ("redirected in circles", [status(302, Location=f"/data.zip{SIGNED}")] * 40, "Exceeded 30 redirects"),
    ("malformed headers", [malformed], "HTTP 404 Not Found"),
]


@pytest.mark.parametrize(("steps", "said"), [(s, m) for _, s, m in FAILURES], ids=[name for name, _, _ in FAILURES])
def test_a_fetch_that_fails_tells_nobody(server: Server, told: Told, steps: list[Step], said: str) -> None:
    server.script = list(steps)
    assert said in told.fetch(signed(server))
    assert raw_folder(MADE_UP, told.root) is None


def test_no_server_tells_nobody(server: Server, told: Told) -> None:
    with Server() as gone:
        url = signed(gone)
    message = told.fetch(url)
    assert "Connection refused" in message
    assert "url: /data.zip?…" in message


@pytest.mark.parametrize(
    "source",
    [
        f"s3://key:{SECRET}@bucket/a.zip?secret_key={SECRET}",
        f"https://me:p/{SECRET}@example.org/a.zip",
        f"https://me:p?{SECRET}@example.org/a.zip",
        f"https://me:p#{SECRET}@example.org/a.zip",
        f"https://me:{SECRET}@[example.org/a.zip",
        f"https://me:{SECRET}@/a.zip",
        f"https://me:{SECRET}%E2%82%AC@example.org/a.zip",
    ],
)
def test_a_url_that_is_none_is_refused_without_its_secret(told: Told, source: str) -> None:
    assert f"{source.partition(':')[0]}://" in told.fetch(source)


@pytest.mark.parametrize("expected", [{"size_bytes": 1}, {"sha256": "0" * 64}])
def test_a_file_that_is_not_the_expected_one(server: Server, tmp_path: Path, expected: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"^http://127.0.0.1:\d+/data.zip\?X-Amz-Signature=….*expected") as caught:
        download(signed(server), tmp_path / "data.zip", **expected)
    assert SECRET not in str(caught.value)


def test_a_dataset_that_is_not_fetched_tells_nobody(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is nothing to fetch from https://example.org/a.zip\?token=…$"):
        fetch(dataset(None), tmp_path, f"https://me:{SECRET}@example.org/a.zip?token={SECRET}")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a.zip", "https://example.org/a.zip"),
        ("https://me:a@b@example.org:8443/a%20b.zip", "https://example.org:8443/a%20b.zip"),
        ("https://h/@scope/a.tgz?a=1&b=2=3&c=", "https://h/@scope/a.tgz?a=…&b=…&…"),
        ("https://h/a.zip?c2VjcmV0==", "https://h/a.zip?…"),
        ("https://h?token=x#y", "https://h?token=…"),
        ("https://me:1@[::1]:80/a", "https://[::1]:80/a"),
        ("/home/me@work/a.zip?b=c", "/home/me@work/a.zip?b=c"),
        ("C:\\data\\a.zip", "C:\\data\\a.zip"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert without_secrets(url) == without_secrets(shown) == shown


def test_messages_and_hashes() -> None:
    assert redacted("at 'ftp://me:x@h/a?b=c' (x)") == "at 'ftp://h/a?… (x)"
    urls = ["https://h/?a=1", "https://h/?a=2", "https://x@h/?a=1", "https://y@h/?a=1", "/a", "/b"]
    assert len({url_hash(url) for url in urls}) == len(urls)
    assert url_hash(urls[0]) == url_hash(urls[0])
