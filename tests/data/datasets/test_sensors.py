"""Files in the raw format: two header rows, 70 fields. Row i of column c holds i + c / 100 unless said."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from har_ray.data import cleaning
from har_ray.data.dataset import Rejects
from har_ray.data.datasets.sensors import COLUMNS, SENSORS
from har_ray.errors import DataError

BLOCK = ["time_stamp", "Ax", "Ay", "Az", "Lx", "Ly", "Lz", "Gx", "Gy", "Gz", "Mx", "My", "Mz"]
POSITIONS = ["Left_pocket", "Right_pocket", "Wrist", "Upper_arm", "Belt"]
HEADER = [
    [name if k == 0 else "" for name in POSITIONS for k in range(14)],
    [name for position in POSITIONS for name in [*BLOCK, "Activity" if position == "Belt" else ""]],
]


def row(i, label="walking", **cells):
    """Row i as a list of 70 texts; `cells` are columns as `c30="1.5"`."""
    fields = [f"{i + column / 100:.2f}" for column in range(1, 71)]
    for block in range(5):
        fields[14 * block], fields[14 * block + 13] = "1.39E+12", ""
    fields[69] = label
    for column, text in cells.items():
        fields[int(column[1:]) - 1] = text
    return fields


def write(folder, rows, name="Participant_3.csv", end="\n", header=HEADER):
    path = folder / name
    path.write_text("".join(",".join(fields) + end for fields in [*header, *rows]), newline="")
    return str(path)


def read(source, channels=("wrist_acc_x", "belt_mag_z")):
    rejects = Rejects()
    return list(SENSORS.read(source, channels, rejects)), dict(rejects.counts)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_positions_are_channels_of_one_recording(tmp_path, end):
    channels = ("belt_mag_z", "wrist_acc_x", "left_pocket_acc_x", "right_pocket_gyr_y", "upper_arm_lin_z")
    (recording,), rejects = read(write(tmp_path, [row(i) for i in range(3)], end=end), channels)
    assert (recording.name, recording.subject, recording.rate_hz) == ("Participant_3.csv:0", "3", 50.0)
    assert [COLUMNS[name] for name in channels] == [69, 30, 2, 23, 49]
    expected = np.array([[i + c / 100 for c in (69, 30, 2, 23, 49)] for i in range(3)], dtype=np.float32)
    assert recording.x.dtype == np.float32
    assert (recording.x == expected).all()
    assert rejects == {}


def test_labels_stay_per_sample_in_one_recording_and_are_tidied(tmp_path):
    labels = ["walking", " Standing ", "jogging", "sitting", "biking", "upsatirs", "upstairs", "DOWNSTAIRS"]
    (recording,), _ = read(write(tmp_path, [row(i, label) for i, label in enumerate(labels)]))
    assert recording.labels.dtype == np.int16
    assert recording.labels.tolist() == [0, 1, 2, 3, 4, 5, 5, 6]
    assert SENSORS.classes[5] == "upstairs"


def test_empty_fields_are_bridged_for_half_a_second_no_longer(tmp_path):
    rows = [row(i) for i in range(100)]
    for i in (*range(10, 35), *range(50, 76)):
        rows[i][29] = ""
    recordings, rejects = read(write(tmp_path, rows), ("wrist_acc_x",))
    assert [len(recording.x) for recording in recordings] == [50, 24]
    assert np.allclose(recordings[0].x[:, 0], np.arange(50) + 0.30, atol=1e-5)
    assert [recording.before_gap for recording in recordings] == [True, False]
    assert rejects == {"wrist_acc_x missing for over 0.5 s": 26}


def test_block_borders_leave_no_trace(tmp_path, monkeypatch):
    source = write(tmp_path, [row(i, "biking" if i % 5 else "sitting") for i in range(60)])
    (whole,), _ = read(source)
    monkeypatch.setattr(cleaning, "BLOCK_BYTES", 1500)
    (parts,), _ = read(source)
    assert len(parts.x) == 60
    assert (parts.x == whole.x).all()
    assert (parts.labels == whole.labels).all()


@pytest.mark.parametrize(
    ("i", "spoil", "message"),
    [
        (30, lambda fields: fields.pop(0), "line 33: 69 fields, expected 70"),
        (30, lambda fields: fields.append(""), "line 33: 71 fields, expected 70"),
        (5, lambda fields: fields.__setitem__(29, "abc"), r"line 8: column 30 \(Ax\) is 'abc', expected a number"),
        (
            6,
            lambda fields: fields.__setitem__(69, "wlking"),
            "line 9: column 70: label 'wlking' is unknown; did you mean",
        ),
        (6, lambda fields: fields.__setitem__(69, ""), "line 9: column 70: label '' is unknown"),
    ],
)
def test_a_line_that_is_not_as_described_is_named(tmp_path, monkeypatch, i, spoil, message):
    monkeypatch.setattr(cleaning, "BLOCK_BYTES", 3000)
    rows = [row(k) for k in range(40)]
    spoil(rows[i])
    with pytest.raises(DataError, match=rf"Participant_3\.csv: {message}"):
        read(write(tmp_path, rows))


def test_a_header_without_a_wanted_column_is_named(tmp_path):
    header = [HEADER[0], ["Bx" if k == 29 else name for k, name in enumerate(HEADER[1])]]
    with pytest.raises(DataError, match="line 2: column 30 is 'Bx', expected 'Ax'"):
        read(write(tmp_path, [row(0)], header=header))
    (recording,), _ = read(write(tmp_path, [row(0)], header=header), ("belt_mag_z",))
    assert len(recording.x) == 1
    with pytest.raises(DataError, match="line 2: column 69 is '', expected 'Mz'"):
        read(write(tmp_path, [], header=[HEADER[0], HEADER[1][:60]]), ("belt_mag_z",))


@pytest.mark.parametrize("cut", [2, 100])
def test_a_file_that_is_cut_short_is_noticed(tmp_path, cut):
    source = Path(write(tmp_path, [row(i) for i in range(5)]))
    source.write_bytes(source.read_bytes()[: -1 - cut])
    with pytest.raises(DataError, match=r"line 7: .*the file ends in the middle of this line"):
        read(str(source))


def test_empty_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"Participant_3\.csv: no rows below the two header rows"):
        read(write(tmp_path, []))
    with pytest.raises(DataError, match=r"Participant_4\.csv: cannot be read"):
        read(str(tmp_path / "Participant_4.csv"))
    with pytest.raises(DataError, match=r"'Participant_11\.csv' is unknown"):
        read(write(tmp_path, [row(0)], name="Participant_11.csv"))


def test_locate_finds_ten_files_in_order_or_names_the_missing(tmp_path):
    (tmp_path / "DataSet").mkdir()
    for i in range(1, 11):
        (tmp_path / "DataSet" / f"Participant_{i}.csv").touch()
    sources = SENSORS.locate(tmp_path)
    assert [Path(source).name for source in sources] == [f"Participant_{i}.csv" for i in range(1, 11)]
    (tmp_path / "DataSet" / "Participant_10.csv").unlink()
    with pytest.raises(DataError, match=r"1 of 10 files are missing .*: Participant_10\.csv"):
        SENSORS.locate(tmp_path)


def test_presets_have_the_published_shapes():
    paper, wrist = SENSORS.presets["paper"], SENSORS.presets["wrist"]
    assert (paper.window_s * paper.rate_hz, paper.stride_s, len(paper.channels)) == (50, 1.0, 45)
    assert (wrist.window_s * wrist.rate_hz, wrist.stride_s) == (100, 1.0)
    assert wrist.channels == (*(f"wrist_acc_{a}" for a in "xyz"), *(f"wrist_gyr_{a}" for a in "xyz"))
    arena = SENSORS.presets["arena"]
    assert (arena.window_s * arena.rate_hz, arena.stride_s * arena.rate_hz, len(arena.channels)) == (150, 75, 60)
    assert len(SENSORS.classes) == 7
    assert len(SENSORS.channels) == 60
    assert (SENSORS.unit("wrist_gyr_y"), SENSORS.unit("belt_mag_x"), SENSORS.unit("belt_lin_x")) == (
        "rad/s",
        "uT",
        "m/s^2",
    )


@pytest.mark.skipif("HAR_RAY_TEST_DATA" not in os.environ, reason="HAR_RAY_TEST_DATA is not set")
def test_a_real_participant(tmp_path):
    script = Path(os.environ["HAR_RAY_TEST_DATA"]) / "make_raw.py"
    subprocess.run([sys.executable, script, "sensors", tmp_path, "--participants", "2"], check=True)
    (recording,), rejects = read(str(tmp_path / "DataSet" / "Participant_2.csv"), SENSORS.presets["paper"].channels)
    assert recording.x.shape == (63_000, 45)
    assert np.isfinite(recording.x).all()
    assert np.bincount(recording.labels).tolist() == [9_000] * 7
    assert np.count_nonzero(np.diff(recording.labels)) == 6
    assert rejects == {}
    gravity = np.linalg.norm(recording.x[recording.labels == SENSORS.classes.index("standing"), :3], axis=1)
    assert np.median(gravity) == pytest.approx(9.8, abs=0.5)
