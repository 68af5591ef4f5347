"""What a user is told by the commands that are typed, on files of own recordings: `--plan`, `describe`, a run."""

import json

import pytest
import yaml

from har_ray import grid
from har_ray.data.__main__ import main as data
from har_ray.data.own.dataset import load_table
from har_ray.errors import DataError
from har_ray.spec.grid import load_grid
from har_ray.store.stores import Stores
from har_ray.windows_stage import planned_findings, window_specs
from tests.data.soundness.people import POSTURES, recording

DESCRIPTOR = r"""
files: raw/*.csv
rate_hz: 50
subject: {pattern: 'p(\d+)'}
label: {column: activity}
channels:
  acc_x: {column: ax, unit: m/s^2}
  acc_y: {column: ay, unit: m/s^2}
  acc_z: {column: az, unit: m/s^2}
presets:
  wrist: {window_s: 2, stride_s: 1}
"""
CLASSES = ("stand", "lie", "stairs")
IN_G = "warning: subjects 2 and 4 (p2.csv and p4.csv): acc is not in the unit of the others"


@pytest.fixture
def write(tmp_path):
    """Writes four people's files, 10 s of each of their classes, with a descriptor and a grid; the grid's path."""

    def written(in_g=(), classes=("stand", "lie"), more=None, protocol="loso", strict=False):
        (tmp_path / "raw").mkdir()
        for subject in range(1, 5):
            labels = [CLASSES.index(name) for name in ((more or {}).get(subject) or classes)]
            one = recording(str(subject), subject, classes=[label % len(POSTURES) for label in labels])
            x = one.x[:, :3] / (9.80665 if subject in in_g else 1)
            words = [CLASSES[label] for label in labels for _ in range(500)]
            rows = [f"{a:.5f},{b:.5f},{c:.5f},{word}" for (a, b, c), word in zip(x.tolist(), words, strict=True)]
            (tmp_path / "raw" / f"p{subject}.csv").write_text("\n".join(["ax,ay,az,activity", *rows]) + "\n")
        mine = tmp_path / "mine.yaml"
        mine.write_text(DESCRIPTOR + ("strict: true\n" if strict else ""))
        entry = {"name": "mine", "kind": "table", "path": str(mine), "preset": "wrist", "protocol": protocol}
        path = tmp_path / "grid.yaml"
        content = {"name": "g", "datasets": [entry], "variants": ["LM"], "seeds": [0], "train": {"epochs": 1}}
        content |= {"tracking": {"wandb": "off"}, "storage": str(tmp_path / "results")}
        path.write_text(yaml.safe_dump(content))
        return path

    return written


def planned(path, *changes):
    """What `--plan` adds to its lines, without the half minute in which it times epochs."""
    spec, _ = load_grid(path, list(changes))
    return "\n".join(planned_findings(spec, window_specs(spec), Stores(spec.storage, spec.name, None)))


def test_what_the_plan_accepts_has_windows(write):
    """A count that begins again each second makes recordings of a second."""
    path = write()
    mine = path.parent / "mine.yaml"
    mine.write_text(mine.read_text().replace("rate_hz: 50", "rate_hz: 50\ntime: {column: ms, unit: ms}"))
    for file in (path.parent / "raw").iterdir():
        head, *rows = file.read_text().splitlines()
        counted = [f"{i % 50 * 20},{row}" for i, row in enumerate(rows)]
        file.write_text("\n".join([f"ms,{head}", *counted]) + "\n")
    with pytest.raises(DataError, match="everybody: no recording is as long as a window of 2 s: the longest lasts 1 s"):
        planned(path)


def test_the_plan_names_people_in_another_unit(write, capsys):
    assert grid.main([str(write(in_g=(2, 4))), "--plan"]) == 0
    out = capsys.readouterr().out
    assert f"  checked   mine: {IN_G}: its mean norm is 1/9.6" in out
    assert "of 9.81 m/s^2, as if it were in g; " in out
    assert "{files: 'p4.csv', channels: 'acc_*', in_file: g}" in out
    looked = "looked at the first rows of 4 files (4 of 4 subjects) and at who does what"
    assert f"mine: {looked}; all rows are checked when windows are made" in out


def test_a_plan_of_sound_recordings_warns_of_nothing(write):
    assert "warning" not in planned(write())


def test_the_plan_refuses_a_class_that_nobody_is_left_to_learn_from(write, capsys):
    path = write(more={2: ("stand", "lie", "stairs")})
    assert grid.main([str(path), "--plan"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "mine: class 'stairs': only subject 2 has it, which leaves nobody to learn it from in 2 folds of loso; "
        "name it in label.no_class ([stairs]), map it to another class, or record it with others"
    )
    assert "warning: class 'stairs': only subject 2 has it" in planned(path, "datasets.0.protocol=random")


def test_what_is_strict_is_refused_by_the_plan_by_a_run_and_by_describe(write, capsys, ray_session, tmp_path):
    path = write(in_g=(2, 4), strict=True)
    for action in (
        lambda: grid.main([str(path), "--plan"]),
        lambda: grid.main([str(path)]),
        lambda: data(["describe", str(tmp_path / "mine.yaml"), "--storage", str(tmp_path / "results")]),
    ):
        assert action() == 2
        assert "mine: subjects 2 and 4 (p2.csv and p4.csv): acc is not in the unit" in capsys.readouterr().err


def test_what_was_found_is_kept_with_the_windows_and_said_again(write, capsys, ray_session, tmp_path):
    path = write(in_g=(2, 4))
    for _ in range(2):
        assert data(["describe", str(tmp_path / "mine.yaml"), "--storage", str(tmp_path / "results")]) == 0
        out = capsys.readouterr().out
        assert IN_G in out
        assert "all recordings were checked when their windows were made" in out
    assert IN_G in planned(path)
    assert "mine: all recordings were checked when their windows were made" in planned(path)


def test_names_that_are_one_are_said_alike_by_all(write, capsys, ray_session, tmp_path):
    path = write()
    raw = tmp_path / "raw" / "p3.csv"
    raw.write_text(raw.read_text().replace("stand", "Stand"))
    descriptor, storage = str(tmp_path / "mine.yaml"), str(tmp_path / "results")
    said = "warning: labels 'stand' and 'Stand': differ only by case, blanks or zeros ('stand' in 1,500 rows, first"
    assert f"mine: {said}" in planned(path, "datasets.0.protocol=random")
    for action in ("info", "describe"):
        assert data([action, descriptor, *(("--storage", storage) if action == "describe" else ())]) == 0
        assert capsys.readouterr().out.count(said) == 1
    (manifest,) = (tmp_path / "results" / "windows").glob("*/manifest.json")
    kinds = [row["kind"] for row in json.loads(manifest.read_text())["findings"]]
    assert kinds == ["near-equal labels"]


def test_several_people_and_labels_in_one_file_are_counted_together(write, tmp_path):
    path = write(more={2: ("stand", "lie", "stairs")})
    lines = [
        f"{line},{subject}"
        for subject in range(1, 5)
        for line in (tmp_path / "raw" / f"p{subject}.csv").read_text().splitlines()[1:]
    ]
    for raw in (tmp_path / "raw").iterdir():
        raw.unlink()
    (tmp_path / "raw" / "all.csv").write_text("\n".join(["ax,ay,az,activity,who", *lines]) + "\n")
    mine = tmp_path / "mine.yaml"
    mine.write_text(mine.read_text().replace(r"{pattern: 'p(\d+)'}", "{column: who}"))
    once = {"stand": 500, "lie": 500}
    assert load_table("mine", mine).labelled == {"1": once, "2": {**once, "stairs": 500}, "3": once, "4": once}
    assert "warning: class 'stairs': only subject 2 has it" in planned(path, "datasets.0.protocol=random")


def test_a_plan_of_the_catalogue_says_when_its_recordings_are_checked(tmp_path, write):
    path = write()
    spar = "[{name: spar, preset: wrist, protocol: loso}]"
    assert planned(path, f"datasets={spar}") == "spar: its recordings are checked when their windows are made"


def test_two_people_are_told_what_they_can_do(write, capsys, tmp_path):
    path = write()
    for subject in (3, 4):
        (tmp_path / "raw" / f"p{subject}.csv").unlink()
    for protocol in ("loso", "subject-holdout"):
        assert grid.main([str(path), "--plan", "--set", f"datasets.0.protocol={protocol}"]) == 2
        assert "of two people one can train, with val: windows, and one test" in capsys.readouterr().err
    advice = ("datasets.0.protocol=subject-holdout", "datasets.0.val=windows")
    assert "there are two people only" in planned(path, *advice)
