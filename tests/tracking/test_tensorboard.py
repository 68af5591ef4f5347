"""TensorBoard: the event files, read back by their published format, hold the learning curves."""

import struct
from typing import Any

from tensorboardX.proto.event_pb2 import Event

from har_ray.store.results import ResultStore
from har_ray.tracking import Tracking
from tests.s3 import s3_server

ROW: dict[str, Any] = {
    "cell_id": "0123456789abcdef", "dataset": "spar", "preset": "wrist@rate_hz=10", "protocol": "subject-kfold",
    "fold": 2, "variant": "RB-KD", "seed": 3, "status": "completed", "started_at": "1970-01-01T00:01:00.000+00:00",
}  # fmt: skip
CURVE = [
    {"epoch": 1, "train_loss": 1.5, "val_f1_macro": 0.25, "seconds": 2.0},
    {"epoch": 2, "train_loss": float("nan"), "val_f1_macro": 0.75, "seconds": 0.5},
]
FOLDER = "tensorboard/RB-KD/spar-wrist-rate-hz-10-subject-kfold-fold-2-seed-3-0123456789abcdef"


def track(store, curve, *rows):
    files = {"curve.json": list(store.write_curve(ROW["cell_id"], curve)["curve.json"])}
    with Tracking({"tensorboard": {}}, "tiny", {}, store) as tracking:
        tracking.ended([row | {"files": files} for row in rows or [ROW]])


def masked_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events(content):
    """TFRecord: length (8 bytes), checksum of it (4), data, checksum of them (4)."""
    while content:
        length, length_crc = struct.unpack("<QI", content[:12])
        data, (data_crc,) = content[12 : 12 + length], struct.unpack("<I", content[12 + length : 16 + length])
        assert (length_crc, data_crc) == (masked_crc32c(content[:8]), masked_crc32c(data))
        yield Event.FromString(data)
        content = content[16 + length :]


def test_an_event_file_holds_every_finite_value_of_the_curve_at_its_epoch(tmp_path):
    track(ResultStore(tmp_path), CURVE)
    (path,) = (tmp_path / FOLDER).iterdir()
    assert "tfevents" in path.name  # by which TensorBoard finds it
    first, *epochs = events(path.read_bytes())
    assert first.file_version == "brain.Event:2"
    assert [{value.tag: value.simple_value for value in event.summary.value} for event in epochs] == [
        {"train_loss": 1.5, "val_f1_macro": 0.25, "seconds": 2.0},
        {"val_f1_macro": 0.75, "seconds": 0.5},
    ]
    assert [(event.step, event.wall_time) for event in epochs] == [(1, 62.0), (2, 62.5)]


def test_a_cell_is_written_once_and_one_that_failed_not_at_all(tmp_path):
    store = ResultStore(tmp_path)
    track(store, CURVE)
    (path,) = (tmp_path / FOLDER).iterdir()
    before = path.read_bytes()
    track(store, CURVE[:1], ROW, ROW | {"cell_id": "fedcba9876543210", "status": "failed"})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.rglob("*tfevents*")] == [path.name]


def test_a_cell_whose_mark_was_lost_takes_the_place_of_its_first_file(tmp_path):
    store = ResultStore(tmp_path)
    track(store, CURVE)
    store.root.delete("tracked")
    track(store, CURVE[:1])
    (path,) = (tmp_path / FOLDER).iterdir()
    assert [event.step for event in events(path.read_bytes())] == [0, 1]


def test_cells_of_other_variants_seeds_or_hyper_parameters_lie_apart(tmp_path):
    rows = [ROW, ROW | {"cell_id": "1" * 16}, ROW | {"cell_id": "2" * 16, "seed": 4}]
    rows += [ROW | {"cell_id": "3" * 16, "variant": "LM"}]
    store = ResultStore(tmp_path)
    files = {row["cell_id"]: store.write_curve(row["cell_id"], CURVE)["curve.json"] for row in rows}
    with Tracking({"tensorboard": {}}, "tiny", {}, store) as tracking:
        tracking.ended([row | {"files": {"curve.json": list(files[row["cell_id"]])}} for row in rows])
    assert len({path.parent for path in tmp_path.rglob("*tfevents*")}) == 4
    assert {path.name for path in (tmp_path / "tensorboard").iterdir()} == {"LM", "RB-KD"}


def test_they_lie_with_the_results_on_an_object_store_too():
    with s3_server() as server:
        store = ResultStore(server.uri("tiny"))
        track(store, CURVE)
        content = store.root.read(f"{FOLDER}/events.out.tfevents.{ROW['cell_id']}")
    assert [event.step for event in events(content)] == [0, 1, 2]
