"""Rows that are read, and rows that are left out for a reason, are all the rows that there are."""

import pytest

from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table
from har_ray.data.soundness.statistics import Gathered
from har_ray.store.storage import Storage
from tests.data.own.tables import CHANNELS, rows, write
from tests.data.windows_of import made


def broken(tmp_path):
    """The descriptor of 80 rows of person 1, of which 8 cannot be read, and 27 of person 2."""
    lines = rows(*["walk"] * 40, *["other"] * 10, *["run"] * 30)
    lines[5] = lines[5].replace("0.500", "", 1)  # no time stamp
    for i in range(20, 27):  # 0.7 s, too long to bridge
        lines[i] = ",".join([lines[i].split(",")[0], "", *lines[i].split(",")[2:]])
    return write(tmp_path, p1=lines, p2=rows(*["walk"] * 27))


def test_rows_of_own_recordings_add_up(tmp_path):
    dataset, gathered, rejects = load_table("mine", broken(tmp_path)), Gathered(CHANNELS), Rejects()
    for source in dataset.locate(None):
        for _ in gathered.watched(source, dataset.read(source, CHANNELS, rejects)):
            pass
    assert rejects.counts == {"no time stamp": 1, "wrist_acc_x missing for over 0.5 s": 7}
    assert sum(part.samples for part in gathered.parts.values()) == 80 + 27 - 1 - 7
    assert dataset.labelled == {"1": {"walking": 40, "running": 30}, "2": {"walking": 27}}


def test_a_manifest_says_of_each_file_what_became_of_it(tmp_path, ray_session):
    dataset = load_table("mine", broken(tmp_path))
    _, manifest = made(dataset, dataset.presets["wrist"], None, Storage(tmp_path / "results"))
    one, two = manifest["files"]
    assert (one["file"], two["file"]) == ("p1.csv", "p2.csv")
    assert one["rejects"] == {"no time stamp": 1, "wrist_acc_x missing for over 0.5 s": 7}
    assert round(one["seconds"] * dataset.rate_hz) == 80 - 1 - 7
    # 20 rows less one, a pause, 13 of walk, 10 of nothing, 30 of run: windows of five rows.
    assert one["windows"] == 3 + 2 + 6
    assert one["left_out"] == {
        "across a change of label": {"windows": 1, "seconds": pytest.approx(0.3)},
        "across a gap": {"windows": 1, "seconds": pytest.approx(0.4)},
        "of no class": {"windows": 2, "seconds": pytest.approx(1)},
    }
    lost = {"across the end of a recording": {"windows": 1, "seconds": pytest.approx(0.2)}}
    assert two == {
        "file": "p2.csv", "seconds": 2.7, "windows": 5, "seconds_in_windows": 2.5, "left_out": lost, "rejects": {},
    }  # fmt: skip
    assert manifest["windows"] == one["windows"] + two["windows"]
    assert manifest["rejects"] == one["rejects"]
