"""Rows that are read, and rows that are left out for a reason, are all the rows that there are."""

from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table
from har_ray.data.soundness.statistics import Gathered
from tests.data.own.tables import CHANNELS, rows, write


def test_rows_of_own_recordings_add_up(tmp_path):
    lines = rows(*["walk"] * 40, *["other"] * 10, *["run"] * 30)
    lines[5] = lines[5].replace("0.500", "", 1)  # no time stamp
    for i in range(20, 27):  # 0.7 s, too long to bridge
        lines[i] = ",".join([lines[i].split(",")[0], "", *lines[i].split(",")[2:]])
    path = write(tmp_path, p1=lines, p2=rows(*["walk"] * 25))
    dataset, gathered, rejects = load_table("mine", path), Gathered(CHANNELS), Rejects()
    for source in dataset.locate(None):
        for _ in gathered.watched(source, dataset.read(source, CHANNELS, rejects)):
            pass
    assert rejects.counts == {"no time stamp": 1, "wrist_acc_x missing for over 0.5 s": 7}
    assert sum(part.samples for part in gathered.parts.values()) == 80 + 25 - 1 - 7
    assert dataset.labelled == {"1": {"walking": 40, "running": 30}, "2": {"walking": 25}}
