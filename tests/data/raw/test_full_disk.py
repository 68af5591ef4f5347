"""A disk that takes no more, while an archive arrives or is unpacked: a process may write no file above a limit.

What may be continued is, everything else is gone, and one line names the file and what it takes.
"""

import io
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from har_ray.data.dataset import Archive
from har_ray.data.raw.fetch import fetch, raw_folder
from tests.data.raw.test_download import Server, serving
from tests.data.raw.test_fetch import FILES, dataset, names, zipped

LIMIT = 100_000
SCRIPT = f"""
import resource, sys
from pathlib import Path
from har_ray.data.dataset import Archive
from har_ray.data.raw.fetch import fetch
from har_ray.errors import HarRayError
from tests.data.raw.test_fetch import dataset

resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))
try:
    fetch(dataset(Archive("https://example.org/gone.zip", "gone.zip")), Path(sys.argv[1]), sys.argv[2])
except HarRayError as error:
    print(type(error).__name__, error)
"""
LARGE = {**FILES, "Publisher/raw/1.csv": random.Random(1).randbytes(300_000)}


def fetch_on_a_full_disk(root: Path, source: str) -> str:
    """What the user reads."""
    command = [sys.executable, "-c", SCRIPT, str(root), source]
    repository = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
    return done.stdout.strip()


def fetch_with_room(root: Path, source: str) -> dict[str, bytes]:
    folder = fetch(dataset(Archive("https://example.org/gone.zip", "gone.zip")), root, source)
    assert folder is not None
    assert names(root) == ["made-up"]
    return {f"Publisher/raw/{path.name}": path.read_bytes() for path in folder.rglob("*.csv")}


def left(root: Path) -> list[str]:
    return sorted(path.name.partition("-")[2] for path in (root / ".made-up.fetching").glob("*"))


def deflated(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serving()


def test_a_download_goes_on_where_the_disk_was_full(server: Server, root: Path) -> None:
    server.body = zipped(LARGE)
    said = fetch_on_a_full_disk(root, server.url)
    assert said.startswith(f"StorageError {root / '.made-up.fetching'}")
    assert f"data.zip.part: cannot be written: File too large; it takes {len(server.body):,} bytes, " in said
    assert "100,000 of them are kept; fix that and run the same command again" in said
    assert left(root) == ["data.zip.part", "data.zip.part.json"]
    (part,) = (root / ".made-up.fetching").glob("*.part")
    assert part.read_bytes() == server.body[:LIMIT]
    assert raw_folder(dataset(None), root) is None
    assert fetch_with_room(root, server.url) == LARGE
    assert server.ranges == [None, f"bytes={LIMIT}-"]


def test_a_download_that_cannot_be_continued_leaves_nothing(server: Server, root: Path) -> None:
    server.body = zipped(LARGE)
    server.script = [lambda to: to.send(200, to.server.body, -1)]
    said = fetch_on_a_full_disk(root, server.url)
    assert "cannot be written: File too large; it takes more than 100,000 bytes, 0 of them are kept" in said
    assert left(root) == []
    assert fetch_with_room(root, server.url) == LARGE
    assert server.ranges == [None, None]


def test_a_local_archive_leaves_no_half_copy(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.zip"
    mine.write_bytes(zipped(LARGE))
    said = fetch_on_a_full_disk(root, str(mine))
    assert said.startswith("StorageError ")
    assert f"{mine} cannot be copied there: File too large; it takes {mine.stat().st_size:,} bytes" in said
    assert names(root) == []
    assert fetch_with_room(root, str(mine)) == LARGE


@pytest.mark.parametrize("by_url", [True, False])
def test_a_full_disk_while_unpacking_keeps_a_download_only(
    server: Server, root: Path, tmp_path: Path, by_url: bool
) -> None:
    files = {"Publisher/raw/2.csv": b"3,4\n", "Publisher/raw/1.csv": bytes(3_000_000)}
    server.body = deflated(files)
    mine = tmp_path / "mine.zip"
    mine.write_bytes(server.body)
    source = server.url if by_url else str(mine)
    said = fetch_on_a_full_disk(root, source)
    assert said.startswith(f"StorageError {root / '.made-up.fetching'}")
    assert "raw.unpacking/Publisher/raw/1.csv: cannot be written: File too large; " in said
    assert "unpacks to at least 1,048,580 bytes; make room for them and run the same command again" in said
    assert left(root) == (["data.zip"] if by_url else [])
    assert raw_folder(dataset(None), root) is None
    assert fetch_with_room(root, source) == files
    assert len(server.asked) == by_url
