"""Files in the raw format: 250 space-separated columns, no header. Sample i of column c is 1000 i + c unless said."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from har_ray.data import cleaning
from har_ray.data.dataset import NULL, Rejects
from har_ray.data.datasets.opportunity import (
    CHALLENGE_CHANNELS,
    COLUMNS,
    GESTURE,
    GESTURES,
    LOCOMOTION,
    OPPORTUNITY,
    PAPER_CHANNELS,
    SHA256,
    read_published,
)
from har_ray.data.protocol import Protocol
from har_ray.data.tensors import check_split, load_windows
from har_ray.errors import DataError
from har_ray.spec.dataset import DatasetSpec
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from tests.data.windows_of import made

DRINK = 407521
WRIST = ("rla_acc_x", "rla_gyr_z")


def row(i, t_ms=None, label=0, **cells):
    """Sample i as a list of 250 texts; `cells` are columns as `c64="NaN"`."""
    fields = [str(1000 * i + column) for column in range(1, 251)]
    fields[0], fields[249] = str(i * 1000 // 30 if t_ms is None else t_ms), str(label)
    for column, text in cells.items():
        fields[int(column[1:]) - 1] = text
    return fields


def write(folder, rows, name="S1-ADL1.dat", gap=" ", end="\n"):
    path = folder / name
    path.write_text("".join(gap.join(fields) + end for fields in rows), newline="")
    return str(path)


def read(source, channels=WRIST):
    rejects = Rejects()
    return list(OPPORTUNITY.read(source, channels, rejects)), dict(rejects.counts)


def test_columns_in_the_order_asked_for_with_a_label_per_sample(tmp_path):
    source = write(tmp_path, [row(0), row(1, label=406516), row(2, label=405506), row(3)], name="S3-Drill.dat")
    (recording,), rejects = read(source, ("rla_gyr_z", "rla_acc_x", "r_shoe_compass"))
    assert (recording.name, recording.subject, recording.rate_hz) == ("S3-Drill.dat:0", "S3", 30.0)
    assert recording.x.dtype == np.float32
    assert recording.x.tolist() == [[1000 * i + 69, 1000 * i + 64, 1000 * i + 134] for i in range(4)]
    assert recording.labels.dtype == np.int16
    assert recording.labels.tolist() == [NULL, 0, 16, NULL]
    assert OPPORTUNITY.classes[0] == "Open Door 1"
    assert OPPORTUNITY.classes[16] == "Toggle Switch"
    assert rejects == {}


def test_every_gesture_has_its_own_label(tmp_path):
    source = write(tmp_path, [row(i, label=code) for i, code in enumerate(GESTURES)])
    (recording,), _ = read(source)
    assert [OPPORTUNITY.classes[label] for label in recording.labels] == list(GESTURES.values())


def read_locomotion(source, channels=WRIST):
    read = OPPORTUNITY.reader(OPPORTUNITY.presets["arena"]).read
    return list(read(source, channels, Rejects()))


def test_the_arena_preset_is_labelled_by_locomotion_whatever_the_gesture(tmp_path):
    """There is no code 3: sitting, 4, is the third class."""
    codes = [("0", DRINK), ("1", 0), ("2", DRINK), ("4", 405506), ("5", 0)]
    source = write(tmp_path, [row(i, label=gesture, c244=code) for i, (code, gesture) in enumerate(codes)])
    (recording,) = read_locomotion(source)
    assert recording.labels.tolist() == [NULL, 0, 1, 2, 3]
    assert recording.labels.dtype == np.int16
    assert recording.x[:, 0].tolist() == [64, 1064, 2064, 3064, 4064]
    assert OPPORTUNITY.classes_of(OPPORTUNITY.presets["arena"]) == ("Stand", "Walk", "Sit", "Lie")
    (recording,), _ = read(source)
    assert recording.labels.tolist() == [15, NULL, 15, 16, NULL]


@pytest.mark.parametrize("code", ["3", "406516", "NaN"])
def test_an_unknown_code_of_locomotion_is_named(tmp_path, code):
    source = write(tmp_path, [row(0, c244="1"), row(1, c244=code)])
    with pytest.raises(DataError, match=rf"line 2: column 244 \(Locomotion\): code '{code}' is unknown"):
        read_locomotion(source)


def test_arena_windows_are_of_four_classes_and_split_by_person(ray_session, tmp_path):
    """Of windows of 4 samples, a new one every 2, 4 or 5 samples of the same code hold one, 6 or 7 hold two."""
    folder = tmp_path / "raw"
    folder.mkdir()
    codes = ["1"] * 7 + ["0"] * 4 + ["5"] * 5 + ["2"] * 4 + ["4"] * 6
    for name in SHA256:
        write(folder, [row(i, label=DRINK, c244=code) for i, code in enumerate(codes)], name=name)
    storage = Storage(tmp_path)
    preset = replace(OPPORTUNITY.presets["arena"], window_s=4 / 30, stride_s=2 / 30)
    spec, manifest = made(OPPORTUNITY, preset, folder, storage)
    assert manifest["classes"] == ["Stand", "Walk", "Sit", "Lie"]
    each = {"Stand": 6 * 2, "Walk": 6 * 1, "Sit": 6 * 2, "Lie": 6 * 1}  # of six files
    assert manifest["windows_per_subject_and_class"] == {f"S{i}": each for i in (1, 2, 3, 4)}
    parts = check_split(storage, spec.id, Protocol(name="subject-kfold", folds=4, fold=0))
    assert {name: part.subjects for name, part in parts.items()} == {
        "train": ["S3", "S4"], "val": ["S2"], "test": ["S1"],
    }  # fmt: skip
    _, manifest = made(OPPORTUNITY, replace(preset, null_class=True), folder, storage)
    assert manifest["classes"] == ["Stand", "Walk", "Sit", "Lie", "null"]
    assert manifest["windows_per_subject_and_class"]["S1"] == each | {"null": 6 * 1}


def test_a_grid_knows_the_classes_and_folds_of_arena():
    entry = DatasetSpec(name="opportunity", preset="arena", protocol="subject-kfold", folds=4)
    assert ((entry.length, len(entry.cut.channels)), entry.classes, entry.preset_label) == ((90, 133), 4, "arena")
    assert len(entry.protocols) == 4
    with_null = DatasetSpec(name="opportunity", preset="arena", protocol="loso", null_class=True)
    assert (with_null.classes, with_null.preset_label) == (5, "arena@null_class=True")


@pytest.mark.parametrize(("gap", "end"), [("  ", "\n"), ("\t", "\n"), (" ", " \n"), (" ", "\r\n"), (" \t ", "\r\n")])
def test_any_white_space_parts_the_fields(tmp_path, gap, end):
    rows = [row(i, c10="NaN") for i in range(5)]
    (recording,), _ = read(write(tmp_path, rows, gap=gap, end=end))
    assert recording.x[:, 0].tolist() == [64, 1064, 2064, 3064, 4064]


def test_short_losses_are_bridged_and_long_ones_cut(tmp_path):
    """At 30 Hz half a second is 15 samples: 15 missing from 10 are a line, 16 missing from 40 cut the recording."""
    rows = [row(i) for i in range(80)]
    for i in (*range(10, 25), *range(40, 56)):
        rows[i][63] = "NaN"
    rows[3][60] = "NaN"  # of a column that is not asked for
    recordings, rejects = read(write(tmp_path, rows))
    assert [recording.name for recording in recordings] == ["S1-ADL1.dat:0", "S1-ADL1.dat:1"]
    assert recordings[0].x[:, 0].tolist() == [1000 * i + 64 for i in range(40)]
    assert recordings[1].x[:, 0].tolist() == [1000 * i + 64 for i in range(56, 80)]
    assert [recording.before_gap for recording in recordings] == [True, False]
    assert rejects == {"rla_acc_x missing for over 0.5 s": 16}


def test_a_channel_without_any_value_leaves_nothing(tmp_path):
    recordings, rejects = read(write(tmp_path, [row(i, c64="NaN") for i in range(20)]))
    assert recordings == []
    assert rejects == {"rla_acc_x missing for over 0.5 s": 20}


def test_cut_at_leaps_and_reversals_of_the_clock_never_bridged(tmp_path):
    """100 ms, three steps, still belong together; 133 do not. The NaN before the leap has no neighbour after it."""
    times = [0, 33, 133, 266, 300, 290, 323]
    rows = [row(i, t_ms=t) for i, t in enumerate(times)]
    rows[2][63] = "NaN"
    recordings, rejects = read(write(tmp_path, rows))
    assert [recording.x[:, 0].tolist() for recording in recordings] == [[64, 1064], [3064, 4064], [5064, 6064]]
    assert [recording.before_gap for recording in recordings] == [True, False, False]
    assert rejects == {"rla_acc_x missing at an end of a recording": 1}


def test_block_borders_leave_no_trace(tmp_path, monkeypatch):
    rows = [row(i, label=DRINK if i % 7 < 3 else 0) for i in range(60)]
    rows[20][63] = rows[21][63] = "NaN"
    source = write(tmp_path, rows)
    (whole,), _ = read(source)
    monkeypatch.setattr(cleaning, "BLOCK_BYTES", 3000)
    (parts,), _ = read(source)
    assert (parts.x == whole.x).all()
    assert (parts.labels == whole.labels).all()
    assert len(parts.x) == 60


@pytest.mark.parametrize(
    ("i", "spoil", "message"),
    [
        (41, lambda fields: fields.pop(), "line 42: 249 fields, expected 250"),
        (41, lambda fields: fields.append("1"), "line 42: 251 fields, expected 250"),
        (7, lambda fields: fields.__setitem__(63, "abc"), r"line 8: column 64 \(rla_acc_x\) is 'abc', expected a num"),
        (7, lambda fields: fields.__setitem__(0, "x"), r"line 8: column 1 \(MILLISEC\) is 'x', expected a number"),
        (9, lambda fields: fields.__setitem__(249, "406515"), r"line 10: column 250 .* '406515' is unknown; did you"),
        (9, lambda fields: fields.__setitem__(249, "NaN"), r"line 10: column 250 .* 'NaN' is unknown"),
    ],
)
def test_a_line_that_is_not_as_described_is_named(tmp_path, monkeypatch, i, spoil, message):
    monkeypatch.setattr(cleaning, "BLOCK_BYTES", 5000)
    rows = [row(k) for k in range(50)]
    spoil(rows[i])
    with pytest.raises(DataError, match=rf"S1-ADL1\.dat: {message}"):
        read(write(tmp_path, rows))


@pytest.mark.parametrize("cut", [1, 4, 700])
def test_a_file_that_is_cut_short_is_noticed(tmp_path, cut):
    source = Path(write(tmp_path, [row(i, label=DRINK) for i in range(5)]))
    source.write_bytes(source.read_bytes()[: -1 - cut])
    with pytest.raises(DataError, match=r"line 5: .*the file ends in the middle of this line"):
        read(str(source))


def test_no_newline_at_the_end_is_fine(tmp_path):
    source = Path(write(tmp_path, [row(i, label=DRINK) for i in range(5)]))
    source.write_bytes(source.read_bytes()[:-1])
    (recording,), _ = read(str(source))
    assert len(recording.x) == 5


def test_empty_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"S1-ADL1\.dat: the file is empty"):
        read(write(tmp_path, []))
    with pytest.raises(DataError, match=r"S2-ADL1\.dat: cannot be read"):
        read(str(tmp_path / "S2-ADL1.dat"))
    with pytest.raises(DataError, match=r"'S1-ADL6\.dat' is unknown; did you mean 'S1-ADL"):
        read(write(tmp_path, [row(0)], name="S1-ADL6.dat"))


def test_an_unknown_channel_is_named(tmp_path):
    with pytest.raises(DataError, match="channel 'rla_acc_w' is unknown; did you mean 'rla_acc_"):
        read(write(tmp_path, [row(0)]), ("rla_acc_w",))


def test_locate_finds_24_files_or_names_the_missing(tmp_path):
    folder = tmp_path / "my copy" / "dataset"
    folder.mkdir(parents=True)
    for name in SHA256:
        (folder / name).touch()
    sources = OPPORTUNITY.locate(tmp_path)
    assert len(sources) == 24
    assert [Path(source).name for source in sources[:2]] == ["S1-ADL1.dat", "S1-ADL2.dat"]
    (folder / "S2-Drill.dat").unlink()
    (folder / "S4-ADL5.dat").unlink()
    with pytest.raises(DataError, match=r"2 of 24 files are missing .*: S2-Drill\.dat, S4-ADL5\.dat"):
        OPPORTUNITY.locate(tmp_path)


def test_the_official_split():
    parts = {name: OPPORTUNITY.official(f"{name}:3") for name in SHA256} if OPPORTUNITY.official else {}
    of = {part: [name.removesuffix(".dat") for name in parts if parts[name] == part] for part in set(parts.values())}
    assert len(of["train"]) == 12
    assert of["val"] == ["S2-ADL3", "S3-ADL3"]
    assert of["test"] == ["S2-ADL4", "S2-ADL5", "S3-ADL4", "S3-ADL5"]
    assert all(name.startswith("S4") for name in of[None])
    assert len(of[None]) == 6


def test_presets_have_the_published_shapes():
    shapes = {
        name: (round(preset.window_s * preset.rate_hz), round(preset.stride_s * preset.rate_hz), len(preset.channels))
        for name, preset in OPPORTUNITY.presets.items()
    }
    assert shapes == {
        "arena": (90, 45, 133),
        "paper": (30, 30, 45),
        "published": (30, 30, 45),
        "wrist": (60, 30, 6),
        "challenge": (24, 12, 113),
    }
    assert len(OPPORTUNITY.classes) == 17
    assert [COLUMNS[name] for name in OPPORTUNITY.presets["arena"].channels] == list(range(2, 135))
    assert OPPORTUNITY.presets["challenge"].null_class
    assert not OPPORTUNITY.presets["paper"].null_class
    assert OPPORTUNITY.presets["wrist"].channels == (*(f"rla_acc_{a}" for a in "xyz"), *(f"rla_gyr_{a}" for a in "xyz"))


def test_channels_are_the_columns_of_the_published_selections():
    assert len(OPPORTUNITY.channels) == len(COLUMNS) == 133
    assert [c.name for c in OPPORTUNITY.channels] == list(COLUMNS)
    assert list(COLUMNS.values()) == list(range(2, 135))
    units = [range(first, first + 9) for first in (38, 51, 64, 77, 90)]
    assert [COLUMNS[name] for name in PAPER_CHANNELS] == [column for unit in units for column in unit]
    assert {COLUMNS[name] for name in CHALLENGE_CHANNELS} == {
        *range(2, 47), *range(51, 60), *range(64, 73), *range(77, 86), *range(90, 99), *range(103, 135),
    }  # fmt: skip


def published(folder, **files):
    """Files of S1 with a row for each given (label, cells); a session that is not given has one row without values."""
    for session in ("ADL1", "ADL2", "ADL3", "ADL4", "ADL5", "Drill"):
        rows = files.get(session, [(0, {"c64": "NaN", "c70": "NaN"})])
        write(folder, [row(i, label=label, **cells) for i, (label, cells) in enumerate(rows)], name=f"S1-{session}.dat")
    channels = ("rla_acc_x", "rla_mag_x")
    (recording,) = read_published(str(folder / "S1-Drill.dat"), channels, rejects := Rejects())
    assert not rejects.counts
    return recording


def cells(acc, mag):
    return [(0, {"c64": a, "c70": m}) for a, m in zip(acc.split(), mag.split(), strict=True)]


def test_as_published_missing_values_are_filled_within_a_file_then_clipped(tmp_path):
    """Of the limits ±3000 a value above becomes 2940 (at 0.99 of 6000), of -1000 to 1500 it becomes 1475."""
    drill = cells("NaN 100 NaN 400 3000 3001 NaN", "1500 1501 -1000 -1001 NaN NaN 20")
    adl1 = cells("-3000 -3001 NaN 3999 NaN", "NaN NaN NaN NaN NaN")
    recording = published(tmp_path, Drill=drill, ADL1=adl1)
    assert (recording.name, recording.subject, recording.x.dtype) == ("S1", "S1", np.float32)
    # -1001 and 20 leave two between them, -660.67 and -320.33; 3001 is held to the file's end; -3001 and 3999 have 499
    # between them; before a first value, and where a file has none, there is 0.
    assert recording.x[:7, 0].tolist() == [0, 100, 250, 400, 3000, 2940, 2940]
    assert recording.x[:7, 1] == pytest.approx([1500, 1475, -1000, -1000, -660.667, -320.333, 20], abs=0.001)
    assert recording.x[7:12, 0].tolist() == [-3000, -3000, 499, 2940, 2940]
    assert recording.x[7:, 1].tolist() == [0] * 9
    assert recording.x[12:, 0].tolist() == [0] * 4


def test_as_published_neither_long_gaps_nor_the_clock_cut(tmp_path):
    """22 samples, 20 of them missing and an hour between two: `read` keeps nothing in one piece."""
    values = [(0, {"c64": str(100 * i) if i in (0, 21) else "NaN", "c70": "0"}) for i in range(22)]
    values[10][1]["c1"] = "3600000"
    assert published(tmp_path, Drill=values).x[:22, 0].tolist() == pytest.approx([100 * i for i in range(22)])


def test_as_published_windows_cross_files_in_order_and_take_the_first_label(ray_session, tmp_path):
    """S1's files have 7, 2, 1, 1, 1 and 1 samples: 13, three windows of 4 and one left over."""
    folder = tmp_path / "raw"
    folder.mkdir()
    labels = {"Drill": [0, DRINK, DRINK, 0, DRINK, 406516, 0], "ADL1": [0, 405506], "ADL2": [0]}
    for name in SHA256:
        given = labels.get(name[3:-4], [DRINK]) if name.startswith("S1") else [DRINK] * 8
        write(folder, [row(0, label=label, c64=str(i)) for i, label in enumerate(given)], name=name)
    preset = replace(OPPORTUNITY.presets["published"], window_s=4 / 30, stride_s=4 / 30)
    storage = Storage(tmp_path)
    spec, manifest = made(OPPORTUNITY, preset, folder, storage)
    assert manifest["rejects"] == {}
    windows = load_windows(WindowStore(storage), spec.id)
    # The first begins without a gesture and is left out, though half of it is one; the second begins with Drink from
    # Cup and holds two gestures and none; the third begins with the last sample of ADL1.
    assert windows.window_id.tolist() == ["S1:4", "S1:8"]
    assert [OPPORTUNITY.classes[y] for y in windows.y] == ["Drink from Cup", "Toggle Switch"]
    acc_x = PAPER_CHANNELS.index("rla_acc_x")
    assert windows.x[:, :, acc_x].tolist() == [[4, 5, 6, 0], [1, 0, 0, 0]]


def test_as_published_a_channel_without_limits_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(DataError, match="opportunity as published: channel 'l_shoe_compass' is unknown"):
        next(read_published(str(tmp_path / "S1-Drill.dat"), ("l_shoe_compass",), Rejects()))
    write(tmp_path, [row(0)], name="S1-Drill.dat")
    with pytest.raises(DataError, match=r"S1-ADL1\.dat: cannot be read"):
        next(read_published(str(tmp_path / "S1-Drill.dat"), WRIST, Rejects()))


publishers = pytest.mark.skipif("HAR_RAY_TEST_DATA" not in os.environ, reason="HAR_RAY_TEST_DATA is not set")


@publishers
def test_names_units_and_codes_are_the_publishers():
    folder = Path(os.environ["HAR_RAY_TEST_DATA"]) / "opportunity"
    text = (folder / "column_names.txt").read_text(encoding="latin-1")
    described = {int(m[1]): (m[2], m[3]) for m in re.finditer(r"Column: (\d+) (.*?); .*unit = (.*)", text)}
    kinds = {"acc": "acc|Nav_A|Body_A", "gyr": "gyro|AngVel", "mag": "magnetic", "quat": "Quaternion", "eu": "Eu"}
    placements = {"up": r"\^", "low": "_", "body": "Body", "nav": "Nav", "bt": "^Accelerometer", "l": "L-", "r": "R-"}
    for channel in OPPORTUNITY.channels:
        description, unit = described[COLUMNS[channel.name]]
        assert channel.unit == unit
        *words, axis = channel.name.split("_")
        if axis != "compass":
            assert description.lower().endswith(axis)
        for word in (*words, "compass" if axis == "compass" else words[-1]):
            assert re.search(kinds.get(word, placements.get(word, word.upper())), description, re.IGNORECASE), channel
    legend = (folder / "label_legend.txt").read_text(encoding="latin-1")
    gestures = re.findall(r"(\d+)   -   ML_Both_Arms   -   (.+)", legend)
    assert {int(code): name.strip() for code, name in gestures} == GESTURES
    assert list(GESTURES) == [int(code) for code, _ in gestures]
    locomotion = re.findall(r"(\d+)   -   Locomotion   -   (.+)", legend)
    assert [(int(code), name.strip()) for code, name in locomotion] == list(LOCOMOTION.classes.items())
    for labels in (GESTURE, LOCOMOTION):
        assert re.search(rf"^Column: {labels.column} {labels.name}$", text, re.MULTILINE)
    hashes = re.findall(r"(\S+) sha256:(\w+)", (folder / "dat_sha256_sizes.txt").read_text())
    assert dict(hashes) == SHA256


def test_a_file_of_full_size_takes_a_task_far_less_than_a_gibibyte(tmp_path):
    """50 MB, 250 columns, all 113 channels of the challenge, read in a process of its own."""
    path = tmp_path / "S2-ADL1.dat"
    with path.open("w") as file:
        i = 0
        while file.tell() < 50e6:
            file.write("".join(" ".join(row(j, label=DRINK if j % 100 < 50 else 0)) + "\n" for j in range(i, i + 500)))
            i += 500
    read = (
        "import resource, sys; from har_ray.data.dataset import Rejects;"
        "from har_ray.data.datasets.opportunity import *;"
        "n = sum(len(r.x) for r in OPPORTUNITY.read(sys.argv[1], CHALLENGE_CHANNELS, Rejects()));"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    answer = subprocess.run([sys.executable, "-c", read, str(path)], capture_output=True, text=True, check=True)
    samples, peak_kib = map(int, answer.stdout.split())
    assert samples == i
    assert peak_kib < 1 << 20
