"""A bad grid stops before anything is computed, with every error at once and a hint that helps."""

from pathlib import Path

import pytest

from har_ray import grid
from har_ray.errors import GridError
from har_ray.overview import stage_plans
from har_ray.spec.grid import load_grid
from tests.grids import TINY, write_grid


def errors(tmp_path, overrides=(), **changes):
    with pytest.raises(GridError) as caught:
        load_grid(write_grid(tmp_path, **changes), list(overrides))
    return str(caught.value).splitlines()


def space(**changes):
    search = TINY["search"]
    return search | {"space": search["space"] | changes}


def dataset(**changes):
    return [TINY["datasets"][0] | changes]


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"trian": {}}, "trian", "key 'trian' is unknown; did you mean 'train'?"),
        ({"train": {"epoch": 3}}, "train.epoch", "key 'epoch' is unknown; did you mean 'epochs'?"),
        ({"variants": ["LM", "RABKD"]}, "variants[1]", "variant 'RABKD' is unknown; did you mean 'RAB-KD'?"),
        ({"variants": ["LM", "LM"]}, "variants", "'LM' is listed twice"),
        ({"datasets": dataset(name="spr")}, "datasets[0].name", "dataset 'spr' is unknown; did you mean 'spar'?"),
        ({"datasets": dataset(preset="wirst")}, "datasets[0].preset", "'wirst' is unknown; did you mean 'wrist'?"),
        ({"datasets": dataset(protocol="lso")}, "datasets[0].protocol", "'lso' is unknown; did you mean 'loso'?"),
        ({"datasets": dataset(protocol="official")}, "datasets[0]", "the publishers of spar made no split"),
        ({"datasets": dataset(protocol="subject-kfold", folds=11)}, "datasets[0]", "11 folds of 10 subjects"),
        ({"datasets": dataset(folds=3)}, "datasets[0]", "folds is for subject-kfold, not for subject-holdout"),
        ({"datasets": dataset(test_subjects=[11])}, "datasets[0]", "subject '11' does not exist"),
        ({"datasets": dataset(channels=["wrist_acc"])}, "datasets[0]", "did you mean 'wrist_acc_"),
        ({"datasets": dataset(rate_hz=12.3)}, "datasets[0]", "window_s: 2 s at 12.3 Hz are 24.6 samples"),
        ({"datasets": dataset(window_s=1)}, "datasets[0]", "12 samples are too few for four convolutions; at least 17"),
        ({"teacher": None}, "teacher", "missing; RB-KD, RAB-KD learn from one"),
        ({"teacher": "LM"}, "teacher", "'LM' is unknown; did you mean 'OM'?"),
        ({"search": None}, "search", "missing; LM-Att, RB-KD, RAB-KD have hyper-parameters"),
        ({"search": space(attention=None)}, "search.space.attention", "missing; needed by LM-Att, RAB-KD"),
        ({"search": space(beta=None)}, "search.space.beta", "missing; needed by RAB-KD"),
        ({"search": space(alpha=[1.5])}, "search.space.alpha[0]", "less than or equal to 1, found 1.5"),
        (
            {"search": space(attention={"kind": "cbam", "ratio": [2, 8], "kernel": 3, "position": 1})},
            "search.space.attention.ratio",
            "8 leaves no hidden unit of the 4 filters of LM-Att; at most 4",
        ),
        (
            {"search": space(attention={"kind": "spatial", "kernel": [4], "position": 1})},
            "search.space.attention",
            "kernel 4 is even",
        ),
        ({"seeds": [100]}, "search.seeds", "100 is also in seeds"),
        ({"seeds": []}, "seeds", "at least 1 item"),
        ({"name": "a/b"}, "name", "string should match pattern"),
        ({"tracking": {"wandb": "ofline"}}, "tracking.wandb", "'ofline' is unknown; did you mean 'offline'?"),
        (
            {"resources": {"student": {"workers": 100}}},
            "train.batch_size",
            "64 windows can't be shared by 100 workers",
        ),
    ],
)
def test_each_mistake_is_named(tmp_path, changes, key, message):
    (line,) = errors(tmp_path, **changes)
    assert line.startswith(f"{tmp_path}/grid.yaml:")
    assert f": {key}: " in line
    assert message in line


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("name: x\nvariants: [LM, XX]\nseeds: [0]\nepochs: 3\ndatasets:\n  - name: spar\n    preset: wrst\n")
    with pytest.raises(GridError) as caught:
        load_grid(path)
    lines = [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]
    assert [line.partition(" ")[0] for line in lines] == [":7:", ":6:", ":2:", ":4:"]
    assert "datasets[0].protocol: this key is missing" in lines[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", r"grid.yaml:2: 'name' is given twice"),
        ("- a\n", "expected a mapping of keys"),
        ("name: [\n", "not valid YAML"),
    ],
)
def test_files_that_are_no_grid(tmp_path, text, message):
    (tmp_path / "grid.yaml").write_text(text)
    with pytest.raises(GridError, match=message):
        load_grid(tmp_path / "grid.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(GridError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_grid(tmp_path / "nowhere.yaml")


def test_set_changes_the_grid_before_it_is_checked(tmp_path):
    path = write_grid(tmp_path)
    spec, _ = load_grid(path, ["train.epochs=7", "seeds=[5]", "datasets.0.rate_hz=25", "resources.student.cpus=2"])
    assert (spec.train.epochs, spec.seeds, spec.datasets[0].rate_hz, spec.resources.student.cpus) == (7, [5], 25, 2)
    assert spec.datasets[0].preset_label == "wrist@rate_hz=25"
    assert "did you mean 'epochs'" in errors(tmp_path, ["train.epoch=7"])[0]
    assert "expected key.path=value" in errors(tmp_path, ["train.epochs"])[0]
    assert "--set name.x=1" in errors(tmp_path, ["name.x=1"])[0]


def test_a_bare_off_is_a_word(tmp_path):
    path = tmp_path / "grid.yaml"
    text = write_grid(tmp_path).read_text()
    path.write_text(text.replace("wandb: 'off'", "wandb: off"))
    assert "wandb: off" in path.read_text()
    assert load_grid(path)[0].tracking.wandb == "off"


def test_the_command_ends_with_2_and_computes_nothing(tmp_path, capsys):
    path = write_grid(tmp_path, variants=["LMM"])
    assert grid.main([str(path)]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_storage_that_cannot_be_written_stops_the_command(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert grid.main([str(write_grid(tmp_path)), "--storage", str(tmp_path / "file" / "below")]) == 2
    assert "cannot write" in capsys.readouterr().err
    assert grid.main([str(write_grid(tmp_path)), "--storage", "ftp://host/x"]) == 2
    assert "expected a path or a file://, s3:// or gs:// URI" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        # Teachers known beforehand, search, confirm cells without a search. quick: OM at four seeds, OM-Att with
        # the two attention configurations drawn for RAB-KD; 3 + 6 + 6 + 6 candidates; OM, MM and LM at three seeds.
        ("quick", (4 + 2, 21, 9)),
        ("full", None),
        ("paper", None),
    ],
)
def test_the_grids_that_come_along_are_good(name, cells):
    spec, _ = load_grid(Path(__file__).parents[2] / "grids" / f"{name}.yaml")
    assert spec.name == name
    stages = stage_plans(spec)
    assert all(stage.jobs for stage in stages)
    if cells:
        assert tuple(len(stage.jobs) for stage in stages) == cells
