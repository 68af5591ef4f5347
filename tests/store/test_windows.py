"""Windows that are damaged count as missing, and are made again."""

import logging
import shutil

import pytest

from har_ray.data.datasets.spar import SPAR
from har_ray.errors import StorageError
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from tests.data.windows_of import made


@pytest.fixture
def copy(spar_storage, tmp_path):
    """A storage root of its own with SPAR's windows, and their manifest."""
    shutil.copytree(spar_storage.local / "windows", tmp_path / "windows")
    (folder,) = (tmp_path / "windows").iterdir()
    return WindowStore(Storage(tmp_path)), folder


def shard(folder):
    return min(folder.glob("*.parquet"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: (folder / "manifest.json").write_bytes(b"\xff"),
        lambda folder: shard(folder).unlink(),
        lambda folder: shard(folder).write_bytes(shard(folder).read_bytes()[:-1]),
    ],
)
def test_what_is_damaged_is_named_and_made_again(ray_session, copy, spar_spec, caplog, damage):
    store, folder = copy
    named = {path.name for path in (folder / "manifest.json", shard(folder))}
    before = store.read(spar_spec.id, ["window_id"])["window_id"].to_pylist()
    damage(folder)
    with caplog.at_level(logging.WARNING):
        assert store.manifest(spar_spec.id) is None
    (warning,) = caplog.messages
    assert any(f"{folder}: {name} is damaged; the windows count as missing" == warning for name in named)
    with pytest.raises(StorageError, match="no complete windows; run the same command again"):
        store.read(spar_spec.id)
    made(SPAR, spar_spec.preset, None, Storage(folder.parent.parent))
    assert sorted(store.read(spar_spec.id, ["window_id"])["window_id"].to_pylist()) == sorted(before)


def test_a_flipped_bit_is_not_read_as_a_window(copy, spar_spec):
    store, folder = copy
    content = bytearray(shard(folder).read_bytes())
    content[len(content) // 2] ^= 1
    shard(folder).write_bytes(content)
    with pytest.raises(StorageError, match=r"\.parquet: cannot be read: .*; delete .* and run the same command again"):
        store.read(spar_spec.id)
    with pytest.raises(StorageError, match=r"\.parquet: cannot be read"):
        list(store.batches(spar_spec.id, ["x", "y", "start", "window_id", "recording", "subject"]))


def test_batches_hold_the_same_windows_as_the_whole(spar_storage, spar_spec):
    store = WindowStore(spar_storage)
    batches = list(store.batches(spar_spec.id, ["window_id"]))
    whole = store.read(spar_spec.id, ["window_id"])["window_id"].to_pylist()
    assert [name for batch in batches for name in batch["window_id"].to_pylist()] == whole
    assert len(whole) == 4685
