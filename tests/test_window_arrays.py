"""`har_ray.windows`: the windows and folds of a grid, for other people's code."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

import har_ray
from har_ray.data import account
from har_ray.data.protocol import Protocol
from har_ray.data.tensors import load_tensors, load_windows, split_rows
from har_ray.errors import DataError, GridError, HarRayError
from har_ray.store.windows import WindowStore
from tests.data.own.tables import rows, write

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def spar():
    return har_ray.windows("spar", rate_hz=12)


def outcome(code, folder):
    """What a fresh Python prints that runs `code` in `folder`."""
    started = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert started.returncode == 0, started.stderr
    return started.stdout


def test_the_lines_of_the_readme_run_as_written_and_without_ray(tmp_path):
    section = (ROOT / "README.md").read_text().partition("## Windows for your own code")[2]
    lines = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert lines is not None
    assert len(lines[1].replace("\n\n", "\n").splitlines()) <= 6
    code = f"{lines[1]}\nimport sys\nprint(len(train), len(test), 'ray' in sys.modules)"
    assert outcome(code, tmp_path) == (
        "(4677, 50, 6) ('pendulum', 'abduction', 'forward elevation', 'internal rotation', 'external rotation', "
        "'trapezius extension', 'upright row') ('wrist_acc_x', 'wrist_acc_y', 'wrist_acc_z', 'wrist_gyr_x', "
        "'wrist_gyr_y', 'wrist_gyr_z')\n3597 519 False\n"
    )


def test_importing_the_package_imports_nothing_else(tmp_path):
    code = "import sys, har_ray; print([m for m in ('numpy', 'pydantic', 'torch', 'ray') if m in sys.modules])"
    assert outcome(code, tmp_path) == "[]\n"
    with pytest.raises(AttributeError, match="has no attribute 'window'"):
        _ = har_ray.window


def test_they_are_those_of_a_grids_shards(spar, spar_storage, spar_spec):
    store = WindowStore(spar_storage)
    stored, manifest = load_windows(store, spar_spec.id), store.require(spar_spec.id)
    assert spar.windows_id == spar_spec.id
    for name in stored._fields:
        assert np.array_equal(getattr(spar, name), getattr(stored, name)), name
        assert getattr(spar, name).dtype.kind == getattr(stored, name).dtype.kind
    assert (list(spar.classes), list(spar.subjects)) == (manifest["classes"], manifest["subjects"])
    assert [{"name": name, "unit": manifest["channels"][i]["unit"]} for i, name in enumerate(spar.channels)] == (
        manifest["channels"]
    )


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("loso", {}),
        ("loso", {"val": "windows"}),
        ("subject-kfold", {"folds": 4}),
        ("subject-holdout", {"test_subjects": ("2", "3"), "val_subjects": ("1",)}),
        ("random", {}),
    ],
)
def test_folds_are_those_of_a_grid(spar, spar_storage, spar_spec, protocol, options):
    store = WindowStore(spar_storage)
    stored, manifest = load_windows(store, spar_spec.id), store.require(spar_spec.id)
    folds = spar.folds(protocol, **options)
    count = {"loso": 10, "subject-kfold": 4}.get(protocol, 1)
    assert len(folds) == count
    for number, fold in enumerate(folds):
        one = Protocol(name=protocol, fold=number, **({"folds": count} | options))
        expected = split_rows(stored.subject, stored.y, stored.recording, manifest, one)
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(fold, expected, strict=True))
    assert sorted(np.concatenate(folds[-1]).tolist()) == list(range(4685))
    if protocol == "subject-holdout":
        assert set(spar.subject[folds[0].test]) == {"2", "3"}


def test_a_part_scaled_by_hand_is_what_a_cell_trains_on(spar, spar_storage, spar_spec):
    fold = spar.folds("loso")[3]
    mean, std = (getattr(spar.x[fold.train], name)(axis=(0, 1)) for name in ("mean", "std"))
    cell = load_tensors(spar_storage, spar_spec.id, Protocol(name="loso", folds=10, fold=3))
    assert np.allclose((spar.x[fold.test] - mean) / std, cell.test.x, atol=1e-4)
    assert np.array_equal(spar.y[fold.test], cell.test.y)


def test_a_torch_dataset_of_all_or_of_some(spar):
    x, y = next(iter(DataLoader(spar.torch(), batch_size=3)))
    assert (x.shape, y.tolist()) == ((3, 24, 6), spar.y[:3].tolist())
    (x, y), *rest = spar.torch(np.array([7, 5]))
    assert np.array_equal(x, spar.x[7])
    assert (int(y), int(rest[0][1])) == (spar.y[7], spar.y[5])


def test_own_recordings_by_the_path_of_their_descriptor(tmp_path):
    path = write(tmp_path, p1=rows(*["walk"] * 10, *["other"] * 5), p2=rows(*["run"] * 6), p10=rows(*["walk"] * 5))
    mine = har_ray.windows(str(path))
    assert mine.x[:, 0].tolist() == [[0, 100], [5, 105], [0, 100], [0, 100]]
    assert mine.window_id.tolist() == ["raw/p1.csv:0:0", "raw/p1.csv:0:5", "raw/p10.csv:0:0", "raw/p2.csv:0:0"]
    assert [mine.classes[label] for label in mine.y] == ["walking", "walking", "walking", "running"]
    assert (mine.subjects, mine.channels) == (("1", "2", "10"), ("wrist_acc_x", "wrist_acc_y"))
    path.write_text(path.read_text().replace("window_s: 0.5", "window_s: 0.6"))
    assert har_ray.windows(str(path)).x.shape == (2, 6, 2)


def test_what_makes_results_wrong_is_logged_and_kept(tmp_path, caplog, spar):
    """One of two people walks, the other runs; p2's file has a channel that measures nothing."""
    path = write(tmp_path, p1=rows(*["walk"] * 150), p2=[f"{i / 10},7,{1000 + i},x,run" for i in range(150)])
    mine = har_ray.windows(str(path))
    kinds = ["dead channel", "class of one person", "class of one person", "people", "label"]
    assert [one.kind for one in mine.findings] == kinds
    warnings = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert warnings == [f"mine: {one}" for one in mine.findings]
    assert mine.findings[0].where == "subject 2 (p2.csv)"
    assert har_ray.windows(str(path), channels=["wrist_acc_y"]).findings == mine.findings[1:], "of what is asked for"
    path.write_text(f"{path.read_text()}strict: true\n")
    with pytest.raises(DataError, match=r"^mine: subject 2 \(p2\.csv\): wrist_acc_x is always 7"):
        har_ray.windows(str(path))
    assert spar.findings == ()


def test_what_is_left_out_is_counted(tmp_path):
    path = write(tmp_path, p1=[*rows(*["walk"] * 10), "nan,1,2,x,walk"], p2=rows(*["run"] * 10))
    mine = har_ray.windows(str(path))
    assert mine.rejects == {"no time stamp": 1}
    assert [row["rejects"] for row in mine.files] == [{"no time stamp": 1}, {}]
    with pytest.raises(DataError) as caught:
        har_ray.windows(str(path), window_s=5)
    assert str(caught.value) == (
        "mine: no window comes out of 2 files; left out: 1 × no time stamp; read: 2 s, of which 0 s in 0 windows; "
        "left out: 2 s, 4 windows in recordings that are shorter than a window"
    )


def test_what_gaps_cost_is_said_of_each_file(tmp_path):
    """Rows 7 to 11 of p1 are lost, and ay of rows 9 to 14 of p2, in which time begins again with row 18."""
    stamped = [f"{i / 10},{i},{100 + i},x,walk" for i in range(20)]
    dead = [f"{i % 18 / 10},{i},{'' if 9 <= i < 15 else i},x,walk" for i in range(28)]
    path = write(tmp_path, p1=stamped[:7] + stamped[12:], p2=dead)
    mine = har_ray.windows(str(path))
    assert [row["file"] for row in mine.files] == ["p1.csv", "p2.csv"]
    assert [row["left_out"] for row in mine.files] == [
        # 7 rows: a window of 5, and a second that the gap cuts; 8 rows: the same at the file's end.
        {account.GAP: lost(1, 0.2), account.END: lost(1, 0.3)},
        # 9 rows before the channel is missing, 3 after it until time begins again, 10 from there.
        {account.GAP: lost(1, 0.4), account.SHORT: lost(1, 0.3)},
    ]
    assert mine.rejects == {"wrist_acc_y missing for over 0.5 s": 6}
    assert sum(row["windows"] for row in mine.files) == len(mine.y) == 5
    for row in mine.files:
        assert row["seconds_in_windows"] + sum(one["seconds"] for one in row["left_out"].values()) == (
            pytest.approx(row["seconds"])
        )


def lost(windows, seconds):
    return {"windows": windows, "seconds": pytest.approx(seconds)}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sparr", {}, "dataset 'sparr' is unknown; did you mean 'spar'?"),
        ("nowhere.yaml", {}, "nowhere.yaml: cannot be read: No such file or directory"),
        ("spar", {"preset": "wist"}, "preset of spar 'wist' is unknown; did you mean 'wrist'?"),
        ("sensors", {}, "sensors: choose a preset, one of arena, paper, wrist"),
        ("spar", {"windw_s": 3}, "har_ray.windows: windw_s: key 'windw_s' is unknown; did you mean 'window_s'?"),
        ("spar", {"subjects": ["1", "11"]}, "har_ray.windows: subjects[1]: subject of spar '11' is unknown"),
        ("spar", {"path": "elsewhere"}, "spar: comes with the Python package seglearn"),
    ],
)
def test_what_a_grid_would_refuse_is_refused_by_name(name, options, message):
    with pytest.raises(HarRayError) as caught:
        har_ray.windows(name, **options)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_split_that_a_grid_would_refuse_is_refused(spar, tmp_path):
    with pytest.raises(GridError, match=r"^har_ray\.windows: protocol: official: the publishers of spar made no split"):
        spar.folds("official")
    mine = har_ray.windows(str(write(tmp_path, p1=rows(*["walk"] * 5), p2=rows(*["walk"] * 5), p3=rows(*["run"] * 5))))
    with pytest.raises(DataError, match="protocol loso, fold 0: no training window of walking"):
        mine.folds("loso")


def test_faults_of_many_files_are_one_line_for_each_cause(tmp_path):
    good = "0,1,2,x,walk"
    bad = {"p1": "0.1,oops,2,x,walk", "p2": "0.1,oops,2,x,run", "p3": "0.1,no,1,x,run"}
    path = write(tmp_path, **{person: [good, line] for person, line in bad.items()})
    with pytest.raises(DataError) as caught:
        har_ray.windows(str(path))
    assert len(str(caught.value).splitlines()) == 2
    assert "raw/p1.csv: line 3: column 2 (ax) is 'oops', expected a number" in str(caught.value)
    assert str(caught.value).splitlines()[0].endswith("(and 1 more file with this fault)")


def test_from_a_storage_they_are_read_or_made_there(ray_session, spar, spar_storage, tmp_path):
    read = har_ray.windows("spar", rate_hz=12, storage=spar_storage.uri)
    assert np.array_equal(read.x, spar.x)
    path = write(tmp_path, p1=rows(*["walk"] * 10), p2=rows(*["run"] * 5))
    made, plain = har_ray.windows(str(path), storage=tmp_path / "results"), har_ray.windows(str(path))
    assert (tmp_path / "results" / "windows" / plain.windows_id / "manifest.json").is_file()
    assert np.array_equal(made.x, plain.x)
    assert made.rejects == plain.rejects == {}
    assert made.files == plain.files
    assert made.findings == plain.findings
