"""`fetch` of a made-up dataset, from a server, an archive or a folder."""

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from har_ray.data.dataset import Archive, Dataset, Recording, Rejects
from har_ray.data.raw.fetch import fetch, raw_folder
from har_ray.data.raw.identity import identify, warn_if_altered
from har_ray.data.raw.unpack import MissingToolError
from har_ray.errors import DataError, StorageError

FILES = {"Publisher/raw/1.csv": b"1,2\n", "Publisher/raw/2.csv": b"3,4\n"}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return out.getvalue()


def locate(folder: Path | None) -> Sequence[str]:
    assert folder is not None
    found = {path.name: str(path) for path in folder.rglob("*.csv")}
    missing = {"1.csv", "2.csv"} - found.keys()
    if missing:
        raise DataError(f"{folder}: {', '.join(sorted(missing))} missing")
    return sorted(found.values())


def read(source: str, channels: Sequence[str], rejects: Rejects) -> Iterator[Recording]:
    raise NotImplementedError


def dataset(archive: Archive | None) -> Dataset:
    return Dataset(
        name="made-up",
        title="Made up",
        homepage="https://example.org",
        terms="CC BY 4.0",
        citation="Somebody 2020",
        archive=archive,
        rate_hz=50.0,
        channels=(),
        classes=("still",),
        null_name=None,
        subjects=("1",),
        samples=2,
        presets={},
        locate=locate,
        read=read,
    )


class Publisher:
    """A server of one folder; `asked` are the paths it was asked for."""

    def __init__(self, folder: Path, url: str, asked: list[str]) -> None:
        self.folder, self.url, self.asked = folder, url, asked

    def publish(self, content: bytes, sha256: str | None = None) -> Dataset:
        (self.folder / "made up.zip").write_bytes(content)
        return dataset(Archive(f"{self.url}/made%20up.zip", "made up.zip", sha256=sha256, size_bytes=len(content)))


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    folder = tmp_path / "www"
    folder.mkdir()
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Publisher(folder, f"http://127.0.0.1:{server.server_port}", asked)
        server.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.name != ".made-up.lock")


def record(root: Path) -> object:
    found: dict[str, object] = json.loads((root / "made-up" / "SOURCE.json").read_text())
    return {name: found[name] for name in ("origin", "sha256", "folder")}


def test_the_publishers_archive_once(publisher: Publisher, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = zipped(FILES)
    sha256 = hashlib.sha256(content).hexdigest()
    made_up = publisher.publish(content, sha256)
    assert raw_folder(made_up, root) is None
    with caplog.at_level(logging.INFO):
        assert fetch(made_up, root) == root / "made-up"
    assert "terms: CC BY 4.0; cite: Somebody 2020" in caplog.text
    assert fetch(made_up, root) == raw_folder(made_up, root) == root / "made-up"
    assert [Path(source).read_bytes() for source in locate(root / "made-up")] == list(FILES.values())
    assert names(root) == ["made-up"]
    assert record(root) == {"origin": f"{publisher.url}/made%20up.zip", "sha256": sha256, "folder": None}
    assert len(publisher.asked) == 1


def test_two_at_once_fetch_once(publisher: Publisher, root: Path) -> None:
    made_up = publisher.publish(zipped(FILES))
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: fetch(made_up, root), range(4)))
    assert folders == [root / "made-up"] * 4
    assert len(publisher.asked) == 1


def test_a_packaged_dataset_needs_nothing(root: Path) -> None:
    assert fetch(dataset(None), root) is None
    assert raw_folder(dataset(None), root) is None
    assert not root.exists()
    with pytest.raises(DataError, match=r"made-up: comes with None; there is nothing to fetch from x.zip"):
        fetch(dataset(None), root, "x.zip")


def test_a_file_that_moved(publisher: Publisher, root: Path) -> None:
    made_up = dataset(Archive(f"{publisher.url}/gone.zip", "gone.zip"))
    with pytest.raises(DataError, match=r"gone.zip: HTTP 404 .*publishers move files.*fetch NAME --from PATH_OR_URL"):
        fetch(made_up, root)
    assert names(root) == []


@pytest.mark.parametrize("by_url", [False, True])
def test_an_archive_of_the_users_own(publisher: Publisher, root: Path, by_url: bool) -> None:
    made_up = dataset(Archive("https://example.org/gone.zip", "gone.zip"))
    path = publisher.folder / "mine.zip"
    path.write_bytes(zipped({"other/layout/1.csv": b"", "2.csv": b""}))
    source = f"{publisher.url}/mine.zip" if by_url else str(path)
    assert fetch(made_up, root, source) == fetch(made_up, root, source) == root / "made-up"
    assert path.exists()
    assert names(root) == ["made-up"]


def test_an_archive_that_is_not_the_publishers_is_accepted_with_a_warning(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mine = tmp_path / "mine.zip"
    mine.write_bytes(zipped(FILES))
    made_up = dataset(Archive("https://example.org/a.rar", "a.rar", sha256="0" * 64, size_bytes=1))
    folder = fetch(made_up, root, str(mine))
    sha256 = hashlib.sha256(mine.read_bytes()).hexdigest()
    identity = identify(made_up, folder, root)
    warn_if_altered(made_up, identity)
    assert identity.publishers is False
    assert f"made-up: {mine} is not the publisher's copy" in caplog.text
    assert record(root) == {"origin": str(mine), "sha256": sha256, "folder": None}


def test_the_publishers_archive_with_another_checksum_is_refused(publisher: Publisher, root: Path) -> None:
    made_up = publisher.publish(zipped(FILES), "0" * 64)
    with pytest.raises(DataError, match=r"made%20up.zip: SHA-256 is [0-9a-f]{64}, expected 0{64}"):
        fetch(made_up, root)
    assert names(root) == []


def test_a_folder_is_used_where_it_lies(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine"
    (mine / "deep").mkdir(parents=True)
    for name in ("1.csv", "deep/2.csv"):
        (mine / name).touch()
    made_up = dataset(Archive("https://example.org/a.zip", "a.zip"))
    monkeypatch.chdir(tmp_path)
    assert fetch(made_up, root, "mine") == mine
    monkeypatch.chdir("/")
    assert fetch(made_up, root) == raw_folder(made_up, root) == fetch(made_up, root, str(mine)) == mine
    assert record(root) == {"origin": str(mine), "sha256": None, "folder": str(mine)}
    assert names(root) == ["made-up"]


def test_a_folder_that_is_gone(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("1.csv", "2.csv"):
        (mine / name).touch()
    made_up = dataset(Archive("https://example.org/a.zip", "a.zip"))
    fetch(made_up, root, str(mine))
    mine.rename(tmp_path / "moved")
    with pytest.raises(DataError, match=rf"SOURCE.json: points to {mine}, which does not exist; .*fetch made-up"):
        fetch(made_up, root)


def test_a_folder_without_the_files_is_not_recorded(root: Path, tmp_path: Path) -> None:
    (tmp_path / "1.csv").touch()
    with pytest.raises(DataError, match=r"2.csv missing"):
        fetch(dataset(Archive("https://example.org/a.zip", "a.zip")), root, str(tmp_path))
    assert names(root) == []


def test_files_put_there_by_hand(root: Path) -> None:
    made_up = dataset(Archive("https://example.org/a.zip", "a.zip"))
    home = root / "made-up"
    home.mkdir(parents=True)
    (home / "1.csv").touch()
    with pytest.raises(DataError, match=rf"2.csv missing; put it into {home}, or delete {home} to fetch again"):
        fetch(made_up, root)
    (home / "2.csv").touch()
    assert fetch(made_up, root) == fetch(made_up, root, str(home)) == home
    with pytest.raises(DataError, match=r"holds made-up from files put there by hand already; delete it to fetch from"):
        fetch(made_up, root, "https://example.org/b.zip")


def test_another_source_than_the_first(publisher: Publisher, root: Path) -> None:
    made_up = publisher.publish(zipped(FILES))
    fetch(made_up, root)
    with pytest.raises(
        DataError, match=rf"made-up from {publisher.url}/made%20up.zip already; delete it to fetch from"
    ):
        fetch(made_up, root, "https://example.org/b.zip")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(FILES)[:-60], "truncated or altered: File is not a zip file"),
        (zipped({"Publisher/raw/1.csv": b""}), "2.csv missing"),
        (zipped({**FILES, "../evil.csv": b""}), "member '../evil.csv' would be written outside the folder"),
        (b"<html>We have moved</html>", "is an HTML page, not an archive"),
    ],
)
def test_a_bad_archive_leaves_nothing_and_the_next_run_is_clean(
    publisher: Publisher, root: Path, content: bytes, reason: str
) -> None:
    made_up = publisher.publish(content)
    with pytest.raises(DataError) as caught:
        fetch(made_up, root)
    assert str(caught.value).startswith(f"made-up from {publisher.url}/made%20up.zip: ")
    assert reason in str(caught.value)
    assert names(root) == []
    assert fetch(publisher.publish(zipped(FILES)), root) == root / "made-up"
    assert names(root) == ["made-up"]


@pytest.mark.parametrize("error", [MissingToolError("no unar"), KeyboardInterrupt(), StorageError("the disk is full")])
def test_an_archive_that_may_be_good_is_not_downloaded_again(
    publisher: Publisher, root: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    made_up = publisher.publish(zipped(FILES))
    with monkeypatch.context() as patched:
        patched.setattr("har_ray.data.raw.fetch.unpack", fail)
        with pytest.raises(type(error)):
            fetch(made_up, root)
    assert raw_folder(made_up, root) is None
    fetch(made_up, root)
    assert len(publisher.asked) == 1
    assert names(root) == ["made-up"]


def test_what_a_killed_process_left_is_cleared(publisher: Publisher, root: Path) -> None:
    left = root / ".made-up.fetching" / "raw"
    left.mkdir(parents=True)
    (left / "1.csv").touch()
    assert fetch(publisher.publish(zipped(FILES)), root) == root / "made-up"
    assert names(root) == ["made-up"]


def test_a_root_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/root: cannot be read or written: .*Not a directory"):
        fetch(dataset(Archive("https://example.org/a.zip", "a.zip")), tmp_path / "file" / "root")


def test_a_record_that_cannot_be_read(publisher: Publisher, root: Path) -> None:
    made_up = publisher.publish(zipped(FILES))
    fetch(made_up, root)
    (root / "made-up" / "SOURCE.json").write_text("{")
    with pytest.raises(DataError, match=r"SOURCE.json: cannot be read: .*; delete .*made-up and fetch again"):
        raw_folder(made_up, root)
