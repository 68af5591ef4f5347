"""Windows are those of the content that was read: edited or cut files give others, the same elsewhere the same."""

import json
import logging
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from har_ray.data.datasets.wisdm import FILE, WISDM
from har_ray.data.datasets.wisdm_watch import WISDM_WATCH
from har_ray.data.raw import identity
from har_ray.data.raw.download import file_sha256
from har_ray.data.raw.fetch import fetch
from har_ray.data.raw.identity import identify, warn_if_altered
from har_ray.data.raw.source import SOURCE_FILE
from har_ray.data.tensors import load_windows
from har_ray.errors import DataError
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from tests.data.windows_of import made

LINES = [f"33,{name},{49 * 10**12 + 50_000_000 * i},{0.01 * i:.2f},9.81,0.5;" for name in ("Jogging", "Walking")
         for i in range(60)]  # fmt: skip
"""Three seconds of each of two activities: three windows of each."""


def write(path: Path, lines=LINES) -> Path:
    """The publisher's one text, as a folder, an archive or the file itself, as the name of `path` says."""
    text = "\n".join(lines) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"WISDM_ar_v1.1/{FILE}", text)
    elif path.suffix == ".txt":
        path.write_text(text)
    else:
        path.mkdir(exist_ok=True)
        (path / FILE).write_text(text)
    return path


FORMS = ("copy.zip", "copy", FILE)


@pytest.fixture
def windows(ray_session, tmp_path):
    """Makes the windows of what lies at a path: id, manifest and values."""
    storage = Storage(tmp_path / "results")

    def make(path, root=tmp_path / "data"):
        folder = fetch(WISDM, root, str(path))
        spec, manifest = made(WISDM, WISDM.presets["paper"], folder, storage, root)
        return spec.id, manifest, load_windows(WindowStore(storage), spec.id).x

    return make


@pytest.mark.parametrize("form", FORMS)
def test_an_edited_file_makes_other_windows(windows, tmp_path, form):
    path = write(tmp_path / form)
    first_id, first, x = windows(path)
    assert first["windows"] == 6
    write(path, [line.replace(",9.81,", ",9.99,") for line in LINES])
    second_id, second, y = windows(path)
    assert second_id != first_id
    assert second["windows"] == 6
    assert np.unique(x[:, :, 1]) == pytest.approx([9.81])
    assert np.unique(y[:, :, 1]) == pytest.approx([9.99])


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_file_makes_fewer_windows(windows, tmp_path, form):
    path = write(tmp_path / form)
    first_id, _, _ = windows(path)
    write(path, LINES[:100])
    second_id, second, _ = windows(path)
    assert second_id != first_id
    assert second["windows"] == 3 + 2


@pytest.mark.parametrize("form", FORMS)
def test_the_same_content_elsewhere_or_touched_makes_nothing_again(windows, tmp_path, form):
    first_id, first, _ = windows(write(tmp_path / form))
    os.utime(tmp_path / form if form != "copy" else tmp_path / form / FILE, (1, 1))
    again_id, again, _ = windows(tmp_path / form)
    there_id, there, _ = windows(write(tmp_path / "elsewhere" / form), root=tmp_path / "other")
    assert first_id == again_id == there_id
    assert first["shards"] == again["shards"] == there["shards"]


@pytest.mark.parametrize("form", FORMS)
def test_the_manifest_says_whose_files_they_were(windows, tmp_path, form):
    _, manifest, _ = windows(write(tmp_path / form))
    source = manifest["source"]
    assert (source["origin"], source["publishers"], source["files"]) == (str(tmp_path / form), False, 1)
    assert source["size_bytes"] == sum(len(line) + 1 for line in LINES)


def test_files_with_published_checksums_are_the_publishers_or_not(tmp_path):
    folder = write(tmp_path / "copy")
    known = replace(WISDM, checksums={FILE: file_sha256(folder / FILE)})
    assert identify(known, folder, tmp_path / "data").publishers is True
    assert identify(WISDM, folder, tmp_path / "data").publishers is False
    assert identify(replace(WISDM, checksums={}), folder, tmp_path / "data").publishers is None


def test_an_archive_of_known_checksum_vouches_for_what_was_unpacked_until_it_is_edited(tmp_path):
    archive = write(tmp_path / "copy.zip")
    assert WISDM.archive is not None
    known = replace(WISDM, checksums={}, archive=replace(WISDM.archive, sha256=file_sha256(archive)))
    folder = fetch(known, tmp_path / "data", str(archive))
    assert folder is not None
    assert identify(known, folder, tmp_path / "data").publishers is True
    other = replace(known, archive=WISDM.archive)
    assert identify(other, folder, tmp_path / "data").publishers is False
    (text,) = folder.rglob(FILE)
    text.write_text(text.read_text().replace("9.81", "9.99", 1))
    os.utime(text, (1, 1))
    assert identify(known, folder, tmp_path / "data").publishers is False


def test_every_file_that_is_read_counts_and_a_missing_one_does_not(tmp_path):
    accel, gyro = (tmp_path / f"watch/{sensor}/data_1600_{sensor}_watch.txt" for sensor in ("accel", "gyro"))
    for path in (accel, gyro):
        path.parent.mkdir(parents=True)
        path.write_text("1600,A,1000000,1,2,3;\n")
    both = identify(WISDM_WATCH, tmp_path, tmp_path / "data")
    assert (both.files, both.size_bytes, both.publishers) == (2, 44, None)
    gyro.write_text("1600,A,1000000,1,2,33;\n")
    edited = identify(WISDM_WATCH, tmp_path, tmp_path / "data")
    gyro.unlink()
    alone = identify(WISDM_WATCH, tmp_path, tmp_path / "data")
    assert len({both.fingerprint, edited.fingerprint, alone.fingerprint}) == 3
    assert alone.files == 1


def test_files_are_hashed_once_and_nothing_is_written_beside_the_users(tmp_path, monkeypatch):
    folder, root = write(tmp_path / "copy"), tmp_path / "data"
    fetch(WISDM, root, str(folder))
    first = identify(WISDM, folder, root)
    hashed: list[Path] = []

    def noted(path):
        hashed.append(path)
        return file_sha256(path)

    monkeypatch.setattr(identity, "file_sha256", noted)
    assert identify(WISDM, folder, root) == first
    assert hashed == []
    os.utime(folder / FILE, (1, 1))
    assert identify(WISDM, folder, root) == first
    assert hashed == [folder / FILE]
    assert [path.name for path in folder.iterdir()] == [FILE]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"a": 1}', '{"a": [1, 2]}'])
def test_a_cache_that_cannot_be_used_costs_time_only(tmp_path, content):
    folder, root = write(tmp_path / "copy"), tmp_path / "data"
    fetch(WISDM, root, str(folder))
    kept = root / "wisdm/CHECKSUMS.json"
    if content is None:
        kept.mkdir()  # can be neither read nor written
    else:
        kept.write_text(content)
    assert identify(WISDM, folder, root).fingerprint == identify(WISDM, folder, tmp_path / "nowhere").fingerprint
    assert not list(kept.parent.glob("*.part"))


def test_processes_may_identify_the_same_files_together(tmp_path):
    folder, root = write(tmp_path / "copy"), tmp_path / "data"
    fetch(WISDM, root, str(folder))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: identify(WISDM, folder, root), range(32)))
    assert len(set(found)) == 1


def test_files_put_there_by_hand_and_credentials_of_an_earlier_record(tmp_path):
    folder, root = write(tmp_path / "data/wisdm"), tmp_path / "data"
    assert identify(WISDM, folder, root).origin == f"files put into {folder} by hand"
    url = "https://me:secret@example.org/a.zip?token=secret"
    (folder / SOURCE_FILE).write_text(json.dumps({"origin": url, "folder": None, "sha256": None, "fingerprint": None}))
    assert identify(WISDM, folder, root).origin == "https://example.org/a.zip?token=…"
    assert fetch(WISDM, root, url) == folder
    with pytest.raises(DataError, match="delete it to fetch with another user or other values in the URL"):
        fetch(WISDM, root, url.replace("token=secret", "token=other"))


def test_a_file_that_is_neither_archive_nor_the_datasets_says_both(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("no records")
    with pytest.raises(DataError) as caught:
        fetch(WISDM, tmp_path / "data", str(other))
    message = str(caught.value)
    assert "archive" in message
    assert FILE in message
    assert "\n" not in message


def test_an_archive_that_is_gone_leaves_what_was_unpacked(tmp_path):
    archive, root = write(tmp_path / "copy.zip"), tmp_path / "data"
    fetch(WISDM, root, str(archive))
    archive.unlink()
    assert fetch(WISDM, root, str(archive)) == root / "wisdm"


def test_a_changed_archive_that_is_damaged_leaves_what_was_unpacked(tmp_path):
    archive, root = write(tmp_path / "copy.zip"), tmp_path / "data"
    fetch(WISDM, root, str(archive))
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"wisdm from .*neither a readable archive"):
        fetch(WISDM, root, str(archive))
    assert len(list((root / "wisdm").rglob(FILE))) == 1


def test_a_changed_archive_is_unpacked_again_with_one_line(tmp_path, caplog):
    archive, root = write(tmp_path / "copy.zip"), tmp_path / "data"
    fetch(WISDM, root, str(archive))
    write(archive, LINES[:100])
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="har_ray"):
        fetch(WISDM, root)
        fetch(WISDM, root, str(archive))
    assert caplog.messages == [f"wisdm: {archive} has changed since it was unpacked; unpacking it again"]
    assert sorted(path.name for path in root.iterdir()) == [".wisdm.lock", "wisdm"]


def test_a_copy_that_is_not_the_publishers_is_said_in_one_line(tmp_path, caplog):
    folder = write(tmp_path / "copy")
    fetch(WISDM, tmp_path / "data", str(folder))
    warn_if_altered(WISDM, identify(WISDM, folder, tmp_path / "data"))
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.startswith(f"wisdm: {folder} is not the publisher's copy")
