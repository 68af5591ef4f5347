"""`python -m har_ray.data`, called in this process; own recordings of two people, row i of `ax` holds i."""

import json
from pathlib import Path

import numpy as np
import pytest

from har_ray.data.__main__ import main
from har_ray.data.describe import figures as describe_figures
from har_ray.data.describe import lines as describe
from har_ray.data.describe import numbers as describe_numbers
from har_ray.data.describe.numbers import Description, Example, added_s
from har_ray.figures import style
from har_ray.store.windows import WindowStore

DESCRIPTOR = r"""
files: raw/*.csv
rate_hz: 10
subject: {pattern: 'p(\d+)'}
label: {column: activity, classes: [sit, walk, fly]}
channels:
  wrist_acc_x: {column: ax, unit: m/s^2}
  wrist_acc_y: {column: ay, unit: m/s^2}
  pulse: {column: hr, unit: bpm}
presets:
  wrist: {window_s: 2, stride_s: 1}
  pulse: {window_s: 1, stride_s: 1, channels: [pulse]}
"""


@pytest.fixture
def mine(tmp_path):
    """The path of a descriptor: person 1 sits for 5 s and walks for 3 s, person 2 walks for 4 s."""
    (tmp_path / "raw").mkdir()
    for person, labels in ((1, ["sit"] * 50 + ["walk"] * 30), (2, ["walk"] * 40)):
        values = range(len(labels)) if person == 1 else reversed(range(len(labels)))  # no copy of the other's
        lines = [f"{i},{-i},60,{label}" for i, label in zip(values, labels, strict=True)]
        (tmp_path / f"raw/p{person}.csv").write_text("\n".join(["ax,ay,hr,activity", *lines]))
    (tmp_path / "mine.yaml").write_text(DESCRIPTOR)
    return tmp_path / "mine.yaml"


def output_of(capsys, *arguments, code=0):
    """What is printed, without the padding of columns."""
    assert main([str(a) for a in arguments]) == code
    captured = capsys.readouterr()
    return [" ".join(line.split()) for line in (captured.err if code else captured.out).splitlines()]


def test_list_names_every_dataset(capsys):
    lines = output_of(capsys, "list")
    assert lines[0] == "name rate subjects classes channels presets what"
    assert lines[1].startswith("spar 50 Hz 10 7 6 wrist SPAR: smart-watch recordings")


def test_info_of_the_catalogue(capsys):
    lines = output_of(capsys, "info", "spar")
    assert "terms: BSD 3-Clause, with seglearn" in lines
    assert "recorded: 244,102 labelled samples, 1:21:22 h:mm:ss" in lines
    assert "subjects: 10: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10" in lines
    assert "channels (g): 3: wrist_acc_x, wrist_acc_y, wrist_acc_z" in lines
    (preset,) = [line for line in lines if line.startswith("preset")]
    assert preset == (
        "preset wrist: windows [100, 6] of 2 s every 1 s (50 samples) at 50 Hz; label rule pure; 7 classes"
    )


def test_info_says_what_is_cut_as_published(capsys):
    (published,) = [line for line in output_of(capsys, "info", "opportunity") if line.startswith("preset published")]
    assert published.endswith(
        "label rule first; 17 classes; files joined and gaps bridged as published, for protocol random alone"
    )


def test_info_names_the_classes_of_a_track_and_the_presets_that_take_it(capsys):
    lines = output_of(capsys, "info", "opportunity")
    assert "classes of locomotion: 4: Stand, Walk, Sit, Lie" in lines
    (arena,) = [line for line in lines if line.startswith("preset arena")]
    assert arena == (
        "preset arena: windows [90, 133] of 3 s every 1.5 s (45 samples) at 30 Hz; label rule pure; "
        "4 classes of locomotion"
    )


def test_info_of_own_recordings(capsys, mine):
    lines = output_of(capsys, "info", mine)
    assert lines[0] == f"mine: own recordings: 2 files raw/*.csv, described by {mine}"
    assert "classes: 3: sit, walk, fly" in lines
    assert "channels (bpm): 1: pulse" in lines


def test_prepare_then_describe(capsys, mine, ray_session):
    storage = mine.parent / "results"
    lines = output_of(capsys, "prepare", mine, "--preset", "wrist", "--storage", storage)
    assert lines[0] == "mine: 9 windows [20, 3], 2 s at 10 Hz"
    lines = output_of(capsys, "describe", mine, "--preset", "wrist", "--storage", storage)
    assert lines[1] == "read: 12 s, of which 12 s in 9 windows"
    assert str(mine) in lines[2]
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert any(line.startswith("warning: class 'fly': nobody has it; name it in label.no_class") for line in warnings)
    assert any(line.startswith("warning: everybody: pulse is always 60") for line in warnings)
    del lines[1 : lines.index("class windows h:mm:ss subjects") - 1]
    # 5 s are four windows of 2 s every second; together they cover the 5 s.
    assert lines[2:6] == [
        "class windows h:mm:ss subjects",
        "sit 4 0:00:05 1",
        "walk 5 0:00:07 2",
        "fly 0 0:00:00 0",
    ]
    assert lines[7:10] == ["subject windows h:mm:ss classes", "1 6 0:00:08 2", "2 3 0:00:04 1"]
    assert lines[11] == "channel unit min 1 % median 99 % max"
    assert lines[12].startswith("wrist_acc_x m/s^2 0 ")
    assert lines[12].endswith(" 79")
    assert lines[14] == "pulse bpm 60 60 60 60 60"
    pictures = [Path(line.removeprefix("figure: ")) for line in lines if line.startswith("figure: ")]
    assert pictures == [storage / "describe/mine-wrist" / f"{name}.png" for name in ("windows", "ranges", "examples")]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_describe_into_a_folder_of_choice(capsys, mine, ray_session):
    out = mine.parent / "figures"
    output_of(capsys, "describe", mine, "--preset", "pulse", "--storage", mine.parent / "results", "--out", out)
    assert (out / "examples.svg").exists()


def test_rejects_are_printed(capsys):
    manifest = {"dataset": "d", "windows": 1234, "window": 24, "channels": [{}] * 6, "rate_hz": 12.0, "sources": 2}
    lines = list(describe.prepared_lines(manifest | {"rejects": {"no time stamp": 1000}}))
    assert lines == ["d: 1,234 windows [24, 6], 2 s at 12 Hz", "  left out: 1,000 × no time stamp"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("info", "sapr"), "dataset 'sapr' is unknown; did you mean 'spar'? (spar,"),
        (("info", "none.yaml"), "none.yaml: cannot be read: No such file or directory"),
        (("describe", "spar", "--preset", "wrst"), "preset of spar 'wrst' is unknown; did you mean 'wrist'?"),
        (("prepare", "sensors"), "sensors: choose a preset, one of arena, paper, wrist"),
        (
            ("fetch", "spar", "--from", "x"),
            "comes with the Python package seglearn; there is nothing to fetch from x",
        ),
    ],
)
def test_a_fault_is_a_message_and_status_2(capsys, arguments, message):
    (line,) = output_of(capsys, *arguments, code=2)
    assert message in line


def test_without_raw_files_prepare_says_how_to_get_them(capsys, tmp_path):
    (line,) = output_of(
        capsys, "prepare", "wisdm", "--preset", "paper", "--data", tmp_path, "--storage", tmp_path / "results", code=2
    )
    assert line == f"wisdm: no raw files in {tmp_path}; `python -m har_ray.data fetch wisdm` first"


def test_fetch_shows_the_terms_and_uses_a_folder_where_it_lies(capsys, tmp_path):
    raw = tmp_path / "copy"
    raw.mkdir()
    (raw / "WISDM_ar_v1.1_raw.txt").write_text("33,Jogging,49105962326000,-0.69,12.68,0.5;\n")
    lines = output_of(capsys, "fetch", "wisdm", "--from", raw, "--data", tmp_path / "data")
    assert lines[1].startswith("terms: free to use")
    assert lines[2].startswith("cite: J. R. Kwapisz")
    assert lines[3] == f"wisdm: in {raw}"
    assert str(raw) in lines[4]
    assert json.loads((tmp_path / "data/wisdm/SOURCE.json").read_text())["folder"] == str(raw)


def test_own_recordings_need_no_fetching(capsys, mine):
    nothing, source = output_of(capsys, "fetch", mine)
    assert nothing == "mine: nothing to fetch"
    assert str(mine) in source


def test_time_covered_twice_counts_once():
    recording = np.array(["a", "a", "a", "a", "b"])
    start = np.array([0, 10, 20, 200, 210])
    y = np.array([0, 0, 1, 1, 1])
    # Beyond the first: 1 s more; another class; after a pause; another recording.
    assert added_s(recording, start, y, 2.0, 10.0).tolist() == [2, 1, 2, 2, 2]


def test_ranges_and_examples_are_those_of_the_windows(spar_storage, spar_spec):
    found = describe_numbers.describe(WindowStore(spar_storage), spar_spec.id, 50.0)
    assert found.windows.sum() == 4685
    assert found.windows[0, 0] == 55
    assert 1.2 < found.hours.sum() < 1.36  # of 244,102 samples at 50 Hz, the ends of recordings lost
    assert (np.diff(found.ranges, axis=1) > 0).all()
    assert [example.label for example in found.examples] == list(range(7))
    assert found.examples[0].x.shape == (24, 6)


def test_quantiles_of_a_sample_are_close_and_limits_exact(spar_storage, spar_spec, monkeypatch):
    whole = describe_numbers.describe(WindowStore(spar_storage), spar_spec.id, 50.0).ranges
    monkeypatch.setattr(describe_numbers, "MAX_VALUES", 200_000)
    sampled = describe_numbers.describe(WindowStore(spar_storage), spar_spec.id, 50.0).ranges
    assert (sampled[:, [0, 4]] == whole[:, [0, 4]]).all()
    assert (sampled[:, 2] != whole[:, 2]).any()
    assert np.allclose(sampled[:, 1:4], whole[:, 1:4], atol=0.3)


@pytest.mark.parametrize(("classes", "subjects", "channels"), [(1, 1, 1), (18, 51, 6), (3, 4, 45)])
def test_figures_of_few_and_many(tmp_path, classes, subjects, channels):
    manifest = {
        "classes": [f"activity number {k}" for k in range(classes)],
        "subjects": [str(s) for s in range(subjects)],
        "channels": [{"name": f"imu{c // 3}_acc_{'xyz'[c % 3]}", "unit": "g"} for c in range(channels)],
        "rate_hz": 50.0,
    }
    windows = np.arange(classes * subjects).reshape(classes, subjects) + 1
    examples = [Example(k, "0", np.zeros((100, channels), np.float32)) for k in range(classes)]
    ranges = np.tile(np.arange(5.0), (channels, 1))
    found = Description(manifest, windows, windows / 3600, ranges, examples)
    paths = describe_figures.write_figures(found, "title", "command", tmp_path / "figures")
    assert [path.stat().st_size > 5000 for path in paths] == [True] * 3
    with style():
        figure = describe_figures.examples_figure(found, "title")
    titles = [text for panel in figure.axes if (text := panel.get_title(loc="left"))]
    assert titles == [f"activity number {k} (subject 0)" for k in range(classes)]
