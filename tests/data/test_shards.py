"""SPAR through Ray Data into Parquet and back: the numbers of the recordings, read by pyarrow alone."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from har_ray.data.dataset import Rejects
from har_ray.data.datasets import spar
from har_ray.data.datasets.spar import SPAR
from har_ray.data.protocol import Protocol
from har_ray.data.tensors import check_split, fit_scaler, load_tensors, load_windows, make_tensors
from har_ray.errors import DataError
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from tests.data.windows_of import made


def test_the_reader_finds_what_the_package_documents():
    (source,) = SPAR.locate(None)
    recordings = list(SPAR.read(source, SPAR.presets["wrist"].channels, Rejects()))
    assert len(recordings) == 140
    assert sum(len(r.x) for r in recordings) == SPAR.samples
    assert {r.subject for r in recordings} == set(SPAR.subjects)
    assert {int(label) for r in recordings for label in np.unique(r.labels)} == set(range(7))
    assert recordings[0].x[0].tolist() == pytest.approx([-1.083608, -0.018609, -0.02726, 0.41141, -1.603097, -2.488642])


def test_channels_come_in_the_order_asked_for():
    (source,) = SPAR.locate(None)
    first = next(SPAR.read(source, ("wrist_gyr_z", "wrist_acc_x"), Rejects()))
    assert first.x[0].tolist() == pytest.approx([-2.488642, -1.083608])


def test_a_file_that_is_not_the_known_one_is_not_unpickled(tmp_path):
    other = tmp_path / "watch_dataset.npy"
    other.write_bytes(b"not the file")
    with pytest.raises(DataError, match=r"SHA-256 is [0-9a-f]{64}, expected eb122f23"):
        next(spar.read(str(other), ("wrist_acc_x",), Rejects()))


def test_the_manifest_says_what_the_shards_hold(spar_storage, spar_spec):
    store = WindowStore(spar_storage)
    home, manifest = store.folder(spar_spec.id), store.manifest(spar_spec.id)
    assert manifest is not None
    tables = [pq.read_table(home.full(shard["name"])) for shard in manifest["shards"]]
    assert sum(len(table) for table in tables) == manifest["windows"] == 4685
    x = tables[0]["x"].combine_chunks().to_numpy_ndarray()
    assert x.dtype == np.float32
    assert x.shape[1:] == (manifest["window"], len(manifest["channels"])) == (24, 6)
    assert manifest["channels"][3] == {"name": "wrist_gyr_x", "unit": "rad/s"}
    counts = manifest["windows_per_subject_and_class"]
    assert sum(n for classes in counts.values() for n in classes.values()) == 4685
    # Subject 1's two pendulum recordings have 1489 and 1398 samples at 50 Hz: 357 and 336 at 12 Hz, windows of 24
    # every 12: 28 + 27.
    assert counts["1"]["pendulum"] == 55


def test_prepared_windows_are_found_again(spar_storage, spar_spec):
    before = spar_storage.names(f"windows/{spar_spec.id}")
    made(SPAR, spar_spec.preset, None, spar_storage)
    assert spar_storage.names(f"windows/{spar_spec.id}") == before


def test_shards_without_a_manifest_do_not_count(ray_session, spar_storage, spar_spec, tmp_path):
    storage = Storage(tmp_path)
    half = storage.child("windows", spar_spec.id)
    half.write("half-written.parquet", b"PAR1 and then the machine went down")
    _, manifest = made(SPAR, spar_spec.preset, None, storage)
    assert "half-written.parquet" not in [shard["name"] for shard in manifest["shards"]]
    ours, theirs = (load_windows(WindowStore(s), spar_spec.id) for s in (storage, spar_storage))
    assert np.array_equal(ours.window_id, theirs.window_id)
    assert np.array_equal(ours.x, theirs.x)


def test_an_unreadable_source_is_named_and_nothing_is_finished(ray_session, tmp_path, spar_spec):
    bad = tmp_path / "raw.npy"
    bad.write_bytes(b"x")
    dataset = replace(SPAR, locate=lambda folder: [str(bad)])
    with pytest.raises(DataError, match=r"raw\.npy: SHA-256"):
        made(dataset, spar_spec.preset, None, Storage(tmp_path / "store"))
    assert WindowStore(Storage(tmp_path / "store")).manifest(spar_spec.id) is None


def test_a_preset_that_no_window_fits_is_an_error(ray_session, tmp_path):
    longer = replace(SPAR.presets["wrist"], window_s=100.0, stride_s=100.0)
    with pytest.raises(DataError) as error:
        made(SPAR, longer, None, Storage(tmp_path))
    assert str(error.value) == (  # of 244,102 samples at 50 Hz, 4,882 s, in 140 recordings
        "spar: no window comes out of 1 file; read: 1:21:22 h, of which 0 s in 0 windows; "
        "left out: 1:21:22 h, 140 windows in recordings that are shorter than a window"
    )


def test_the_scaler_knows_the_training_windows_alone(spar_storage, spar_spec, holdout):
    windows = load_windows(WindowStore(spar_storage), spar_spec.id)
    manifest = WindowStore(spar_storage).manifest(spar_spec.id)
    assert manifest is not None
    untouched = make_tensors(windows, manifest, holdout)
    changed = windows.x.copy()
    changed[~np.isin(windows.subject, ["1", "2", "3", "4", "5"])] *= 100
    touched = make_tensors(windows._replace(x=changed), manifest, holdout)
    assert torch.equal(untouched.mean, touched.mean)
    assert torch.equal(untouched.std, touched.std)
    assert torch.equal(untouched.train.x, touched.train.x)
    assert untouched.train.x.mean(dim=(0, 1)).abs().max() < 1e-5
    assert (untouched.train.x.std(dim=(0, 1)) - 1).abs().max() < 1e-4
    assert not set(untouched.train.subject) & set(untouched.test.subject)


def test_a_constant_channel_is_not_divided_by_zero():
    mean, std = fit_scaler(np.full((4, 3, 2), 7.0, np.float32))
    assert (mean.tolist(), std.tolist()) == ([7, 7], [1, 1])


def test_a_process_reads_its_shards_once(spar_storage, spar_spec, holdout):
    first = load_tensors(spar_storage, spar_spec.id, holdout)
    assert load_tensors(spar_storage, spar_spec.id, Protocol(name="subject-holdout")) is first


def test_a_class_without_training_windows_stops_before_training(spar_storage, spar_spec, holdout):
    windows = load_windows(WindowStore(spar_storage), spar_spec.id)
    manifest = WindowStore(spar_storage).manifest(spar_spec.id)
    assert manifest is not None
    kept = ~(np.isin(windows.subject, ["1", "2", "3", "4", "5"]) & (windows.y == 3))
    fewer = windows._replace(**{name: getattr(windows, name)[kept] for name in windows._fields})
    with pytest.raises(DataError, match="no training window of internal rotation"):
        make_tensors(fewer, manifest, holdout)


def test_check_split_counts_without_reading_the_windows(spar_storage, spar_spec, holdout):
    parts = check_split(spar_storage, spar_spec.id, holdout)
    assert parts["test"].subjects == ["8", "9", "10"]
    assert {name: part.windows for name, part in parts.items()} == {"train": 2196, "val": 1004, "test": 1485}
