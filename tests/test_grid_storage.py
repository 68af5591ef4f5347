"""A grid whose storage goes away or is full: it waits, gives up without losing anything, and ends as if nothing was."""

import logging
import re
import subprocess
import threading
import time
from contextlib import suppress

import pytest

from har_ray import grid
from har_ray.store.check import faults
from har_ray.store.results import ResultStore, load
from har_ray.store.storage import Storage
from tests.grids import confirmed, write_grid
from tests.s3 import SECRET, s3_server


def test_a_grid_on_s3_waits_while_it_is_away_and_leaves_everything_there(ray_session, tmp_path, capsys, caplog):
    with s3_server() as s3:
        uri = s3.uri("grids")
        changes = {"variants": ["LM"], "search": None, "teacher": None, "seeds": [0, 1], "train": {"epochs": 3}}
        path = write_grid(tmp_path, storage=uri, tracking={"wandb": "offline"}, **changes)
        s3.stops_at = "predictions.parquet"
        assert grid.main([str(path), "--storage-wait", "2"]) == 2
        (message,) = [line for line in capsys.readouterr().err.splitlines() if "given up" in line]
        assert re.search(r"cannot (read|write|list) \S+: ", message)
        assert message.endswith("given up after 2 s; what was finished is kept, the same command continues")
        s3.start()
        s3.stops_at = "predictions.parquet"
        back = threading.Thread(target=comes_back, args=(s3, caplog), daemon=True)
        back.start()
        with caplog.at_level(logging.WARNING, "har_ray"):
            assert grid.main([str(path), "--storage-wait", "90"]) == 0
        back.join()
        assert len([text for text in caplog.messages if text.endswith("waiting up to 1:30 min for it")]) == 1
        assert "it works again" in caplog.text
        store = Storage(uri).child("tiny")
        assert f"report: {store.child('report', 'report.html')}" in capsys.readouterr().out
        stored = {entry.name: store.read(entry.name) for entry in store.files("")}
        assert b"<html" in stored["report/report.html"]
        assert sum(name.endswith(".wandb") for name in stored) == 2
        assert not [name for name, content in stored.items() if SECRET.encode() in content]
        rows = load(store.uri)
        assert rows["status"].tolist() == ["completed"] * 2
        assert list(faults(ResultStore(store))) == []


def comes_back(s3, caplog):
    """Once it has stopped and a process has said that it waits, or would have."""
    while s3.stops_at is not None:
        time.sleep(0.05)
    wait_for(lambda: "waiting up to 1:30 min" in caplog.text)
    s3.start()


def wait_for(is_so):
    """For less than the storage is waited for."""
    end = time.monotonic() + 60
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no file system may be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_grid_on_a_full_disk_waits_for_room_and_ends_as_one_that_had_it(
    ray_session, tmp_path, small_disk, capsys, caplog
):
    filler = small_disk / "filler"
    changes = {"variants": ["LM"], "search": None, "teacher": None, "seeds": [0, 1], "train": {"epochs": 3}}
    path = write_grid(tmp_path, **changes)
    assert grid.main([str(path)]) == 0
    on_disk = [str(path), "--storage", str(small_disk / "results")]

    fills = threading.Thread(target=fill, args=(small_disk, filler), daemon=True)
    fills.start()
    capsys.readouterr()
    assert grid.main([*on_disk, "--storage-wait", "2"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(r"cannot write \S+: No space left on device; given up after 2 s; what was finished is kept", said)
    fills.join()

    assert grid.main(on_disk) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "No space left on device" in said

    filler.unlink()
    fills = threading.Thread(target=full_for_a_while, args=(small_disk, filler, caplog), daemon=True)
    fills.start()
    with caplog.at_level(logging.WARNING, "har_ray"):
        assert grid.main([*on_disk, "--storage-wait", "90"]) == 0
    fills.join()
    assert "waiting up to 1:30 min" in caplog.text
    assert confirmed(small_disk / "results" / "tiny").equals(confirmed(tmp_path / "results" / "tiny"))
    assert list(faults(ResultStore(small_disk / "results" / "tiny"))) == []


def fill(disk, filler):
    """Once a cell writes its files, leave no room."""
    before = set(disk.glob("results/tiny/cells/*/*"))
    while not set(disk.glob("results/tiny/cells/*/*")) - before:
        time.sleep(0.005)
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def full_for_a_while(disk, filler, caplog):
    """Until a process has said that it waits, or would have."""
    fill(disk, filler)
    wait_for(lambda: "waiting up to 1:30 min" in caplog.text)
    filler.unlink()
