"""The storage root: whole files or none, the same through a path and through a URI; what happens when it fails."""

import contextlib
import json
import logging
import pickle
import subprocess
import sys
import threading
import time

import pytest

from har_ray.errors import DamagedError, StorageError
from har_ray.store.results import FIRST_COLUMNS, LAST_COLUMNS, ResultStore, load
from har_ray.store.storage import AHEAD, AT_ONCE, Storage, in_advance
from tests.s3 import SECRET, s3_server


@pytest.fixture(params=["path", "uri"])
def storage(request, tmp_path):
    return Storage(tmp_path if request.param == "path" else f"file://{tmp_path}")


@pytest.fixture(scope="module")
def s3():
    with s3_server() as server:
        yield server


def test_what_is_written_is_read(storage, tmp_path):
    child = storage.child("a", "b")
    child.write("c/d.bin", b"1")
    child.write("c/d.bin", b"2")
    child.write_json("j.json", {"x": [1.5, None]})
    assert (tmp_path / "a/b/c/d.bin").read_bytes() == b"2"
    assert child.read_json("j.json") == {"x": [1.5, None]}
    assert child.names() == ["c", "j.json"]
    assert child.names("nowhere") == []
    assert [(entry.name, entry.size) for entry in storage.files("a")][:1] == [("b/c/d.bin", 1)]
    child.delete("c")
    child.delete("never there")
    assert not (tmp_path / "a/b/c").exists()
    assert pickle.loads(pickle.dumps(child)).read_json("j.json") == {"x": [1.5, None]}
    assert (child.parent.path, child.parent) == (storage.child("a").path, storage.child("a"))


def test_a_reader_never_sees_half_a_file(storage):
    contents = [bytes([i]) * 300_000 for i in range(2)]
    storage.write("f", contents[0])
    done = threading.Event()

    def write():
        for i in range(100):
            storage.write("f", contents[i % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert storage.read("f") in contents
    writer.join()
    assert storage.names() == ["f"]


def test_rows_are_read_with_the_stage_of_the_plan_and_only_those_planned(tmp_path):
    store = ResultStore(tmp_path)
    cell = {"files": {}, "cell_id": "a", "variant": "LM", "seed": 3, "dataset": "spar"}
    cells = [cell | {"stage": "confirm"}, cell | {"cell_id": "b", "stage": "search", "Margin.weight": 0.1}]
    store.write_plan({"variants": [], "expected": [], "cells": cells})
    for cell_id in ("a", "old"):
        store.write_row(cell | {"cell_id": cell_id, "status": "completed", "epochs": 4, "test_f1_macro": 0.5})
    rows = load(tmp_path)
    # The grid's own hyper-parameters and scores stand between what every grid has.
    assert list(rows.columns) == [*FIRST_COLUMNS, "Margin.weight", "test_f1_macro", *LAST_COLUMNS]
    assert rows[["cell_id", "stage", "status", "epochs"]].values.tolist() == [["a", "confirm", "completed", 4]]
    assert load(tmp_path, pending=True)["status"].tolist() == ["completed", "pending"]
    assert load(f"file://{tmp_path}").equals(rows)


def test_no_grid_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no plan\.json here"):
        load(tmp_path)


@pytest.mark.parametrize("place", ["{0}/file/below", "/proc/results"])
def test_an_unwritable_place_is_named(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        Storage(place.format(tmp_path)).check_writable()


def test_a_json_file_that_is_not_as_it_was_written_is_never_read(tmp_path):
    storage = Storage(tmp_path)
    storage.write_json("row.json", {"score": 0.25, "error": None, "names": ["ä", "b"]})
    whole = (tmp_path / "row.json").read_bytes()
    damaged = [whole[:n] for n in range(len(whole) - 1)]
    damaged += [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(len(whole))]
    read = set()
    for content in damaged:
        (tmp_path / "row.json").write_bytes(content)
        with contextlib.suppress(DamagedError):
            read.add(json.dumps(storage.read_json("row.json"), sort_keys=True))
    # A flipped bit may turn a blank into another one that JSON reads just as well.
    assert read <= {json.dumps({"score": 0.25, "error": None, "names": ["ä", "b"]}, sort_keys=True)}


@pytest.mark.parametrize(
    "uri",
    [
        "s3://KEY:{0}@bucket/a",
        "s3://bucket/a?access_key=KEY&secret_key={0}",
        "s3://bucket/a?session_token={0}",
        "gs://{0}@bucket/a",
    ],
)
def test_a_key_in_a_uri_is_refused_and_not_repeated(uri):
    with pytest.raises(StorageError) as caught:
        Storage(uri.format(SECRET))
    assert "would be stored and shown; give keys by the environment" in str(caught.value)
    assert "AWS_PROFILE" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("uri", ["mock://bucket/a", "ftp://host/a", "://a"])
def test_another_scheme_is_refused(uri):
    with pytest.raises(StorageError, match="expected a path or a file://, s3:// or gs:// URI"):
        Storage(uri)


FULL = """
import resource, signal, sys, time
from har_ray.errors import StorageError
from har_ray.store.storage import Storage

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
waits, sleep = [], time.sleep

def wait(seconds):
    sleep(seconds)
    waits.append(seconds)
    if len(waits) == 2 and sys.argv[2] == "room":
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

time.sleep = wait
storage = Storage(sys.argv[1], patience_s=float(sys.argv[3]))
try:
    storage.write("rows/a.json", bytes(5000))
except StorageError as error:
    print(error)
print(*waits)
"""


def full_disk(folder, what, patience_s):
    """A disk on which no file may be larger than a thousand bytes, from the kernel's point of view; or, where `what` is
    `room`, until it was waited for twice. The last line has the seconds of each wait."""
    command = [sys.executable, "-c", FULL, str(folder), what, str(patience_s)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_a_write_that_fails_leaves_nothing_and_is_one_line(tmp_path):
    done = full_disk(tmp_path, "never", 0)
    message, _ = done.stdout.splitlines()
    assert message == f"storage {tmp_path}: cannot write rows/a.json: File too large"
    assert list((tmp_path / "rows").iterdir()) == []


def test_a_full_disk_is_waited_for_and_said_once(tmp_path):
    done = full_disk(tmp_path, "room", 60)
    assert done.stdout == "0.5 1.0\n"
    assert (tmp_path / "rows/a.json").stat().st_size == 5000
    assert done.stderr.splitlines() == [
        f"storage {tmp_path}: cannot write rows/a.json: File too large; waiting up to 1:00 min for it",
        f"storage {tmp_path}: it works again",
    ]  # without a handler, Python shows warnings


def test_that_a_file_is_not_there_says_that_the_storage_works_again(tmp_path, caplog, monkeypatch):
    (tmp_path / "rows").write_text("in the way of the folder")
    monkeypatch.setattr("har_ray.store.storage.time.sleep", lambda seconds: (tmp_path / "rows").unlink())
    with caplog.at_level(logging.WARNING), pytest.raises(FileNotFoundError):
        Storage(tmp_path, patience_s=20).read("rows/a.json")
    waits, works = caplog.messages
    assert waits.startswith(f"storage {tmp_path}: cannot read rows/a.json: ")
    assert waits.endswith("Not a directory; waiting up to 20 s for it")
    assert works == f"storage {tmp_path}: it works again"


def test_waiting_ends(tmp_path):
    message, waits = full_disk(tmp_path, "never", 2).stdout.splitlines()
    assert message.endswith("cannot write rows/a.json: File too large; given up after 2 s")
    assert waits in ("0.5", "0.5 1.0")  # the next of 2 s would end too late


def test_a_small_file_takes_two_requests_at_most(s3):
    storage = Storage(s3.uri("requests"))
    for action in (
        lambda: storage.write_json("rows/a.json", {"x": 1}),
        lambda: storage.read_json("rows/a.json"),
        lambda: storage.names("rows"),
        lambda: storage.files("rows"),
    ):
        before = len(s3.requests)
        action()
        assert 1 <= len(s3.requests) - before <= 2, s3.requests[before:]
    assert storage.names("rows") == ["a.json"]


def test_rows_are_read_from_one_file_once_they_are_gathered(s3, monkeypatch):
    store = ResultStore(s3.uri("gathered"))
    for i in range(20):
        store.write_row({"cell_id": f"c{i}", "status": "completed", "files": {}})
    monkeypatch.setattr("har_ray.store.gathered.SETTLED_NS", 0)
    store.gather()
    before = len(s3.requests)
    assert len(store.rows()) == 20
    assert len(s3.requests) - before <= 4  # a listing, the copy, and nothing for the rows


def test_a_row_is_taken_from_the_copy_only_while_it_is_the_same(tmp_path, monkeypatch):
    store = ResultStore(tmp_path)
    for name in ("a", "b"):
        store.write_row({"cell_id": name, "status": "completed", "files": {}})
    store.gather()  # too young: a second write might look the same
    assert (tmp_path / "rows.gathered").read_bytes().endswith(b"{}")
    monkeypatch.setattr("har_ray.store.gathered.SETTLED_NS", 0)
    store.gather()
    store.write_row({"cell_id": "a", "status": "failed", "files": {}})
    (tmp_path / "rows/b.json").write_text((tmp_path / "rows/b.json").read_text())  # rewritten in place
    assert {name: row["status"] for name, row in store.rows().items()} == {"a": "failed", "b": "completed"}
    (tmp_path / "rows.gathered").write_text("damaged")
    assert store.rows()["a"]["status"] == "failed"
    (tmp_path / "rows/a.json").unlink()
    assert list(store.rows()) == ["b"]


def test_s3_that_goes_away_is_waited_for_then_given_up(s3, caplog, monkeypatch):
    storage = Storage(s3.uri("away"), patience_s=120)
    storage.write("a", b"1")
    s3.stop()
    with caplog.at_level(logging.WARNING), monkeypatch.context() as patched:
        # Arrow tries for seconds by itself before it is waited for.
        patched.setattr("har_ray.store.storage.time.sleep", lambda seconds: s3.start())
        assert storage.read("a") == b"1"
    waits, works = caplog.messages
    assert f"storage {storage.uri}: cannot read a: " in waits
    assert waits.endswith("waiting up to 2:00 min for it")
    assert works == f"storage {storage.uri}: it works again"
    s3.stop()
    start = time.monotonic()
    with pytest.raises(StorageError, match="given up after 1 s"):
        Storage(s3.uri("away"), patience_s=1).write("b", b"2")
    with pytest.raises(StorageError, match="cannot write b: "):
        Storage(s3.uri("away")).write("b", b"2")
    assert time.monotonic() - start < 30
    s3.start()


@pytest.mark.parametrize("mark", ["?", "#", "a?b", "a?region=x#y"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_question_marks_and_hashes_in_a_path_are_characters_like_others(tmp_path, scheme, mark):
    """They once began the options of a URI, and what was below such a folder lay in another."""
    root = Storage(f"{scheme}{tmp_path}/{mark}")
    root.child("windows", "id").write("x.json", b"1")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("x.json")] == [f"{mark}/windows/id/x.json"]
    assert root.child("windows").parent == root
    assert Storage(root.child("windows").uri).names("id") == ["x.json"]


def test_a_file_uri_is_decoded_and_names_no_machine(tmp_path):
    assert Storage(f"file://{tmp_path}/a%20b%3Fc").path == Storage(f"file://localhost{tmp_path}/a b?c").path
    with pytest.raises(StorageError, match=r"names the machine 'host'; expected file:///PATH or a path"):
        Storage("file://host/a")


def test_the_options_of_an_object_store_stay_at_the_end():
    root = Storage("s3://bucket/a#1?region=eu-west-1")
    assert root.path == "bucket/a#1"
    assert root.child("b").uri == "s3://bucket/a#1/b?region=eu-west-1"
    assert root.child("b").parent == root


def test_files_are_read_side_by_side_in_their_order_and_not_all_in_advance():
    """The first of them wait for each other, so that one thread alone would never end."""
    together, begun = threading.Barrier(AT_ONCE), []

    def read(item):
        begun.append(item)
        if item < AT_ONCE:
            together.wait(timeout=10)
        return -item

    results = in_advance(read, list(range(3 * AHEAD)))
    assert [next(results) for _ in range(5)] == [0, -1, -2, -3, -4]
    assert len(begun) <= AHEAD + 4
    assert list(results) == [-item for item in range(5, 3 * AHEAD)]


def test_what_reading_raises_is_raised_where_it_is_asked_for():
    results = in_advance(lambda item: 1 // item, [1, 0])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
