"""A user's own recordings become windows; `tables.py` writes the files."""

import gzip
import logging
import textwrap
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from har_ray.data.dataset import NULL
from har_ray.data.own import files as table_files
from har_ray.data.own import scan as table_scan
from har_ray.data.own.dataset import load_table
from har_ray.data.tensors import load_windows
from har_ray.data.windows import WindowSpec
from har_ray.errors import DataError
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from tests.data.own.tables import CHANNELS, DESCRIPTOR, read, rows, write
from tests.data.windows_of import made


@pytest.fixture(autouse=True)
def _no_scans_from_other_tests():
    table_scan._scans.clear()


def windows(path, preset="wrist"):
    """What training would read, through Ray and Parquet."""
    dataset = load_table("mine", path)
    storage = Storage(path.parent / "results")
    spec, manifest = made(dataset, dataset.presets[preset], None, storage)
    return manifest, load_windows(WindowStore(storage), spec.id)


def test_an_unseen_dataset_becomes_windows_without_code(ray_session, tmp_path):
    path = write(
        tmp_path,
        p1=rows(*["walk"] * 12, *["run"] * 5),
        p2=rows(*["other"] * 5, *["walk"] * 5, *[""] * 5),
        p10=rows(*["run"] * 4),
    )
    manifest, found = windows(path)
    assert manifest["classes"] == ["walking", "running"]
    assert manifest["subjects"] == ["1", "2", "10"]
    assert manifest["windows_per_subject_and_class"] == {"1": {"walking": 2, "running": 1}, "2": {"walking": 1}}
    assert manifest["channels"] == [
        {"name": "wrist_acc_x", "unit": "m/s^2"},
        {"name": "wrist_acc_y", "unit": "unknown unit"},
    ]
    assert found.window_id.tolist() == [
        "raw/p1.csv:0:0",
        "raw/p1.csv:0:5",
        "raw/p1.csv:0:12",
        "raw/p2.csv:0:5",
    ]
    assert found.subject.tolist() == ["1", "1", "1", "2"]
    assert found.y.tolist() == [0, 0, 1, 0]
    assert found.x[2].tolist() == [[12, 112], [13, 113], [14, 114], [15, 115], [16, 116]]


def test_what_the_dataset_says_of_itself(tmp_path):
    dataset = load_table("mine", write(tmp_path, p1=rows("walk", "walk", "", "other", "run"), p2=rows("run")))
    assert dataset.samples == 4
    assert dataset.classes == ("walking", "running")
    assert dataset.null_name == "other"
    assert dataset.rate_hz == 10
    assert dataset.unit("wrist_acc_x") == "m/s^2"
    assert (dataset.presets["wrist"].channels, dataset.presets["wrist"].rate_hz) == (CHANNELS, 10)
    assert [Path(source).name for source in dataset.locate(None)] == ["p1.csv", "p2.csv"]


def test_gzip_and_parquet_hold_the_same_windows_as_csv(ray_session, tmp_path):
    lines = {"p1": rows(*["walk"] * 12, *["run"] * 5), "p2": rows(*["run"] * 8, *[""] * 3)}
    lines["p1"][3] = "0.300,,103,x,walk"  # bridged by a line
    of_csv, of_gzip, of_parquet = (tmp_path / suffix for suffix in ("csv", "csv.gz", "parquet"))
    for folder in (of_csv, of_gzip, of_parquet):
        folder.mkdir()
        write(folder, DESCRIPTOR.replace("*.csv", f"*.{folder.name}"), **lines)
        for path in (folder / "raw").iterdir():
            if folder == of_gzip:
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            if folder == of_parquet:
                pq.write_table(csv.read_csv(path), path.with_suffix(".parquet"))
    expected, *others = (windows(folder / "mine.yaml")[1] for folder in (of_csv, of_gzip, of_parquet))
    assert expected.x[0][:, 0].tolist() == [0, 1, 2, 3, 4]
    assert expected.y.tolist() == [0, 0, 1, 1]
    for other in others:
        assert np.array_equal(other.x, expected.x)
        assert np.array_equal(other.y, expected.y)
        assert np.array_equal(other.subject, expected.subject)


def test_a_channel_is_read_in_the_order_asked_for(tmp_path):
    (recording,), _ = read(write(tmp_path, p1=rows("walk", "run")), ("wrist_acc_y", "wrist_acc_x"))
    assert recording.x.tolist() == [[100, 0], [101, 1]]
    assert recording.labels.tolist() == [0, 1]
    with pytest.raises(DataError, match="mine: channel 'wrist_acc_z' is unknown; did you mean"):
        read(write(tmp_path), ("wrist_acc_z",))


def test_a_subject_column_cuts_the_file(tmp_path):
    descriptor = DESCRIPTOR.replace(r"{pattern: 'p(\d+)'}", "{column: note}")
    lines = [line.replace(",x,", f",{who},") for who in ("ann", "bob", "ann") for line in rows(*["walk"] * 6)]
    recordings, _ = read(write(tmp_path, descriptor, p1=lines))
    assert [(r.name, r.subject, len(r.x)) for r in recordings] == [
        ("raw/p1.csv:0", "ann", 6),
        ("raw/p1.csv:1", "bob", 6),
        ("raw/p1.csv:2", "ann", 6),
    ]
    assert load_table("mine", tmp_path / "mine.yaml").subjects == ("ann", "bob")


def test_leaps_and_reversals_of_time_cut_and_small_ones_do_not(tmp_path):
    stamps = [0.0, 0.1, 0.22, 0.28, 0.6, 0.7, 1.1, 1.2, 0.5, 0.6]  # 0.32: two lost; 0.4: three lost; then back
    lines = [f"{t},{i},0,x,walk" for i, t in enumerate(stamps)]
    recordings, rejects = read(write(tmp_path, p1=lines))
    assert [r.x[:, 0].tolist() for r in recordings] == [[0, 1, 2, 3, 4, 5], [6, 7], [8, 9]]
    assert rejects == {}


def test_rows_without_a_time_stamp_are_left_out_and_counted(tmp_path):
    lines = rows(*["walk"] * 4)
    lines[1] = ",1,101,x,walk"
    (recording,), rejects = read(write(tmp_path, p1=lines))
    assert recording.x[:, 0].tolist() == [0, 2, 3]
    assert rejects == {"no time stamp": 1}


def test_without_a_time_column_rows_are_regular(tmp_path):
    descriptor = DESCRIPTOR.replace("time: {column: t, unit: s}", "")
    (recording,), _ = read(write(tmp_path, descriptor, p1=rows(*["walk"] * 30, step=7.0)))
    assert len(recording.x) == 30


@pytest.mark.parametrize("missing", ["", "NaN", "NA"])
def test_missing_values_are_bridged_for_half_a_second_no_longer(tmp_path, missing):
    lines = rows(*["walk"] * 30)
    for i in (*range(3, 8), *range(12, 18)):
        lines[i] = f"{i / 10},{missing},{100 + i},x,walk"
    recordings, rejects = read(write(tmp_path, p1=lines))
    assert [len(r.x) for r in recordings] == [12, 12]
    assert np.allclose(recordings[0].x[:, 0], np.arange(12))
    assert rejects == {"wrist_acc_x missing for over 0.5 s": 6}


@pytest.mark.parametrize(
    ("label", "classes", "labels"),
    [
        ("{column: activity}", ("b", "c2", "c10"), [2, 1, 0, NULL]),
        ("{column: activity, no_class: [b, '']}", ("c2", "c10"), [1, 0, NULL, NULL]),
        ("{column: activity, classes: [c10, b, c2, d]}", ("c10", "b", "c2", "d"), [0, 2, 1, NULL]),
        ("{column: activity, map: {c2: run, b: run, c10: sit}}", ("run", "sit"), [1, 0, 0, NULL]),
        ("{column: activity, map: {c10: b}, classes: [b, c2]}", ("b", "c2"), [0, 1, 0, NULL]),
        (r"{pattern: '(p)\d', map: {p: sit}}", ("sit",), [0, 0, 0, 0]),
    ],
)
def test_classes_are_named_or_found(tmp_path, label, classes, labels):
    descriptor = "\n".join(f"    label: {label}" if "label:" in s else s for s in DESCRIPTOR.splitlines())
    path = write(tmp_path, descriptor, p1=rows("c10", "c2", " b ", ""))
    (recording,), _ = read(path)
    assert load_table("mine", path).classes == classes
    assert recording.labels.tolist() == labels


def test_a_file_is_read_in_blocks_that_leave_no_trace(tmp_path):
    lines = rows(*["walk"] * 30_000, *["run"] * 30_000)  # more than the parser's block of 1 MiB
    path = write(tmp_path, p1=lines)
    assert (tmp_path / "raw/p1.csv").stat().st_size > 1 << 20
    (recording,), _ = read(path)
    assert (recording.x[:, 1] == 100 + np.arange(60_000)).all()
    assert (recording.labels == np.repeat([0, 1], 30_000)).all()
    lines[59_000] = "5900.000,x,1,x,run"
    with pytest.raises(DataError, match=r"p1\.csv: line 59002: column 2 \(ax\) is 'x', expected a number"):
        read(write(tmp_path, p1=lines))


def test_presets_choose_channels_and_rate(tmp_path):
    more = "  slow: {channels: [wrist_acc_y], rate_hz: 5, window_s: 0.4, stride_s: 0.2, null_class: true}\n"
    dataset = load_table("mine", write(tmp_path, textwrap.dedent(DESCRIPTOR) + more, p1=rows("walk")))
    assert WindowSpec.of(dataset, "", dataset.presets["slow"]).shape == (2, 1)
    assert dataset.presets["slow"].null_class


def test_what_was_looked_through_is_not_looked_through_again(tmp_path, monkeypatch):
    path = write(tmp_path, p1=rows("walk"), p2=rows("run"))
    first = load_table("mine", path)
    assert (tmp_path / ".mine.yaml.scan.json").exists()
    looked_at = []

    def noted(path, types, spec):
        looked_at.append(path.name)
        return table_files.read_columns(path, types, spec)

    monkeypatch.setattr(table_scan, "read_columns", noted)
    table_scan._scans.clear()  # as a new process
    assert load_table("mine", path).fingerprint == first.fingerprint
    assert looked_at == []
    write(tmp_path, p2=rows("run", "run"))
    changed = load_table("mine", path)
    assert looked_at == ["p2.csv"]
    assert changed.samples == 3
    assert changed.fingerprint != first.fingerprint


def test_looking_through_many_files_is_one_line(tmp_path, caplog):
    path = write(tmp_path, **{f"p{i}": rows("walk") for i in range(12)})
    with caplog.at_level(logging.INFO, logger="har_ray"):
        load_table("mine", path)
        load_table("mine", path)
    assert caplog.messages == [f"looking through 12 new or changed files in {tmp_path}"]


@pytest.mark.parametrize("content", [None, "{", '{"version": 0}', '{"version": 1, "files": {"raw/p1.csv": {}}}'])
def test_a_record_that_cannot_be_used_does_no_harm(tmp_path, caplog, content):
    path, kept = write(tmp_path, p1=rows("walk")), tmp_path / ".mine.yaml.scan.json"
    if content is None:
        kept.mkdir()  # can be neither read nor written
    else:
        kept.write_text(content)
    with caplog.at_level(logging.INFO, logger="har_ray"):
        assert load_table("mine", path).samples == 1
    assert "looking through" in caplog.text
    caplog.clear()
    load_table("mine", path)
    assert "looking through" not in caplog.text, "within a process it is known anyway"


def test_the_fingerprint_is_of_recordings_not_of_presets_or_folders(tmp_path):
    here, there, other = (tmp_path / name for name in ("here", "there", "other"))
    for folder in (here, there, other):
        folder.mkdir()
    first = load_table("mine", write(here, p1=rows("walk"))).fingerprint
    more = textwrap.dedent(DESCRIPTOR) + "  long: {window_s: 1, stride_s: 1}  # one more\n"
    assert load_table("mine", write(there, more, p1=rows("walk"))).fingerprint == first
    recoded = DESCRIPTOR.replace("run: running", "run: walking")
    assert load_table("mine", write(other, recoded, p1=rows("walk"))).fingerprint != first


def test_keys_that_came_later_do_not_change_the_windows_of_who_does_not_use_them(tmp_path):
    path = write(tmp_path, header="t,ax,ay,note,activity", p1=rows("walk", "run"))
    first = "f6588bf28f80b4628b29805e25b908840d44b67bf2dec67acc89dd748bee9f86"  # as it was before there were any
    assert load_table("mine", path).fingerprint == first
    path.write_text(path.read_text().replace("unit: s}", "unit: s, packets: true}"))
    assert load_table("mine", path).fingerprint != first
