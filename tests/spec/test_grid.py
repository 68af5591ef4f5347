"""A bad grid stops before anything is computed, with all mistakes reported together and a hint that helps."""

import os
import re
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from har_ray import grid
from har_ray.errors import GridError
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
        ({"datasets": dataset(protocol="official")}, "datasets[0].protocol", "the publishers of spar made no split"),
        (
            {"datasets": dataset(name="opportunity", preset="published", protocol="official")},
            "datasets[0].protocol",
            "official: preset published cuts across recordings, as the published study did; only random reproduces",
        ),
        ({"datasets": dataset(protocol="subject-kfold", folds=11)}, "datasets[0].protocol", "11 folds of 10 subjects"),
        ({"datasets": dataset(folds=3)}, "datasets[0].folds", "is for subject-kfold, not for subject-holdout"),
        ({"datasets": dataset(test_subjects=[True])}, "datasets[0].test_subjects[0]", "found true; quote it"),
        (
            {"datasets": dataset(test_subjects=[1.5])},
            "datasets[0].test_subjects[0]",
            "1.5 is read as a number; quote it",
        ),
        ({"datasets": dataset(test_subjects=[11])}, "datasets[0].test_subjects[0]", "subject of spar '11' is unknown"),
        ({"datasets": dataset(channels=["wrist_acc"])}, "datasets[0].channels[0]", "did you mean 'wrist_acc_"),
        ({"datasets": dataset(rate_hz=12.3)}, "datasets[0].rate_hz", "window_s: 2 s at 12.3 Hz are 24.6 samples"),
        (
            {"datasets": dataset(window_s=1)},
            "datasets[0].window_s",
            "12 samples (1 s at 12 Hz) are too few for deepconvlstm; at least 17",
        ),
        ({"teacher": None}, "teacher", "missing; RB-KD, RAB-KD learn from one"),
        ({"teacher": "LMM"}, "teacher", "'LMM' is unknown; did you mean 'MM'?"),
        ({"teacher": "RB-KD"}, "teacher", "teacher 'RB-KD' is unknown"),
        ({"search": None}, "search", "missing; LM-Att, RB-KD, RAB-KD have hyper-parameters"),
        ({"search": space(attention=None)}, "search.space.attention", "missing; needed by LM-Att, RAB-KD"),
        ({"search": space(beta=None)}, "search.space.beta", "missing; needed by RAB-KD"),
        ({"search": space(beta=-0.1)}, "search.space.beta", "greater than or equal to 0, found -0.1"),
        ({"search": space(attention_loss="centerd")}, "search.space.attention_loss", "did you mean 'centred'?"),
        ({"search": space(alpha=[1.5])}, "search.space.alpha[0]", "less than or equal to 1, found 1.5"),
        (
            {"search": space(attention={"kind": "cbam", "ratio": [2, 8], "kernel": 3, "position": 1})},
            "search.space.attention.ratio",
            "8 leaves no hidden unit of the 4 filters of LM-Att; at most 4",
        ),
        (
            {"search": space(attention={"kind": "spatial", "kernel": [4], "position": 1})},
            "search.space.attention.kernel",
            "4 is even",
        ),
        ({"seeds": [100]}, "search.seeds", "100 is also in seeds"),
        ({"seeds": []}, "seeds", "at least 1 item"),
        ({"name": "a/b"}, "name", "string should match pattern"),
        ({"tracking": {"wandb": "ofline"}}, "tracking.wandb", "'ofline' is unknown; did you mean 'offline'?"),
        ({"storage": "s3://KEY:SECRET@bucket"}, "storage", "user info before @ would be stored and shown; give keys"),
        (
            {
                "datasets": [
                    {
                        "name": "sensors",
                        "preset": "wrist",
                        "protocol": "loso",
                        "path": "https://me:SECRET@host/a.rar?sig=SECRET",
                    }
                ]
            },
            "datasets[0].path",
            "user info before @ and the parameter sig would be stored and shown; fetch it beforehand: ",
        ),
        ({"storage": "mock://bucket"}, "storage", "expected a path or a file://, s3:// or gs:// URI"),
        ({"tracking": {"wanb": "offline"}}, "tracking.wanb", "tracker 'wanb' is unknown; did you mean 'wandb'?"),
        ({"metrics": ["f1_makro"]}, "metrics[0]", "metric 'f1_makro' is unknown; did you mean 'f1_macro'?"),
        ({"train": {"monitor": "val_f1"}}, "train.monitor", "score 'val_f1' is unknown; did you mean 'val_f1_"),
        ({"name": "windows"}, "name", "is where windows lie"),
        ({"variants": ["LM", {"name": "LM", "size": "MM"}]}, "variants[1]", "'LM' is a variant of ours"),
        (
            {"variants": [{"name": "X", "size": "LM", "options": {"filtres": 3}}]},
            "variants[0].options",
            "option of deepconvlstm 'filtres' is unknown; did you mean 'filters'?",
        ),
        (
            {"variants": [{"name": "X", "options": {"filters": 3}}]},
            "variants[0].options",
            "option 'units' of deepconvlstm is missing",
        ),
        (
            {"variants": ["LM", {"name": "X", "size": "LM", "losses": {"distilation": {}}}]},
            "variants[1].losses.distilation",
            "loss 'distilation' is unknown; did you mean 'distillation'?",
        ),
        (
            {"variants": [{"name": "X", "architecture": "ds-cnn", "options": {"width": [16, 24]}, "max_params": 3000}]},
            "variants[0].max_params",
            "3,000 is less than the 3,487 of {width: 24} on spar",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "max_macs": 20000}]},
            "variants[0].max_macs",
            "20,000 is less than the 30,768 of {filters: 4, units: 8} on spar",
        ),
        (
            {"variants": [{"name": "X", "architecture": "random-forest", "train": {"lr": 0.1}}]},
            "variants[0].train",
            "random-forest takes none: it is fitted to all windows at once",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "train": {"warmup": 3}}], "train": {"epochs": 3}},
            "variants[0].train.warmup",
            "3 leaves none of the 3 epochs",
        ),
        (
            {"variants": ["RB-KD"], "teacher_epochs": 3, "train": {"warmup": 3}},
            "teacher_epochs",
            "3 epochs are no more than MM's warmup of 3",
        ),
        ({"variants": ["LM"], "teacher_epochs": 3}, "teacher_epochs", "no variant has a teacher"),
        ({"variants": ["RB-KD"], "teacher": ["OM", "MN"]}, "teacher", "teacher 'MN' is unknown; did you mean 'OM'?"),
        (
            {"teacher": ["OM", "MM"]},
            "teacher",
            "RAB-KD compares attention maps, so that all its teachers have to be",
        ),
        (
            {"variants": ["LM", {"name": "X", "size": "LM", "teacher": "MM"}]},
            "variants[1].teacher",
            "none of its losses takes one",
        ),
        (
            {"variants": ["RB-KD", {"name": "X", "size": "LM", "losses": {"distillation": {}}, "teacher": "RB-KD"}]},
            "variants[1].teacher",
            "teacher 'RB-KD' is unknown",
        ),
        (
            {"datasets": dataset(channels=["acelerometer", "all"])},
            "datasets[0].channels[0]",
            "channel or group of channels of spar 'acelerometer' is unknown; did you mean 'accelerometer'?",
        ),
        (
            {"datasets": dataset(channels="accelerometer+gyroscop")},
            "datasets[0].channels",
            "channel or group of channels of spar 'gyroscop' is unknown; did you mean 'gyroscope'?",
        ),
        (
            {"datasets": dataset(channels=["wrist_acc_x", "gyroscope"])},
            "datasets[0].channels[1]",
            "'gyroscope' is a group of channels; list channels alone or groups alone",
        ),
        ({"datasets": dataset(channels=["all", "all"])}, "datasets[0].channels", "'all' is listed twice"),
        (
            {"datasets": dataset(channels=["all", "gyroscope"]), "variants": ["LM"], "teacher": None, "search": None},
            "search",
            "missing; datasets[0].channels has groups to choose from",
        ),
        (
            {"datasets": dataset(align="gravity", channels=["wrist_gyr_x", "wrist_gyr_y", "wrist_gyr_z"])},
            "datasets[0].align",
            "gravity: wrist_gyr: no accelerometer there to find gravity by (acc_x, acc_y, acc_z)",
        ),
        (
            {"datasets": dataset(protocol="random", val="windows")},
            "datasets[0].val",
            "windows is for protocols by subject, not for random",
        ),
        (
            {"datasets": dataset(val_subjects=["3"], val="windows")},
            "datasets[0].val_subjects",
            "has no meaning where windows validate",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "train": {"mixupp": 0.2}}]},
            "variants[0].train.mixupp",
            "key 'mixupp' is unknown; did you mean 'mixup'?",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "train": {"epochs": 9}}]},
            "variants[0].train.epochs",
            "'epochs' is the same for all variants of a grid",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "train": {"ema": [0.9, 1.5]}}]},
            "variants[0].train.ema",
            "Input should be less than 1; found 1.5",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "augment": {"rotate": {}}}]},
            "variants[0].augment.rotate",
            "augmentation 'rotate' is unknown; did you mean 'rotation'?",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "augment": {"rotation": {"degree": 20}}}]},
            "variants[0].augment.rotation",
            "option of rotation 'degree' is unknown; did you mean 'degrees'?",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "augment": {"rotation": {"degrees": [20, 200]}}}]},
            "variants[0].augment.rotation",
            "rotation: degrees 200 is not from 0 to 180",
        ),
        (
            {
                "variants": [{"name": "X", "size": "LM", "augment": {"rotation": {}}}],
                "datasets": dataset(channels=["wrist_acc_x", "wrist_gyr_y"]),
            },
            "variants[0].augment.rotation",
            "rotation: needs sensors with three axes, named like acc_x, acc_y, acc_z; found wrist_acc_x, wrist_gyr_y",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "losses": {"attention-transfer": {"beta": 1}}}]},
            "variants[0].attention",
            "missing; attention-transfer compares attention maps",
        ),
        (
            {"variants": [{"name": "X", "size": "LM", "losses": {"distillation": {"alpha": [0.5, 1.5]}}}]},
            "variants[0].losses",
            "distillation: alpha 1.5 is not between 0 and 1",
        ),
        (
            {"search": None, "variants": [{"name": "X", "options": {"filters": [2, 4], "units": 8}}]},
            "search",
            "missing; X",
        ),
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


def test_all_mistakes_are_reported_together_each_with_its_line(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("name: x\nvariants: [LM, XX]\nseeds: [0]\nepochs: 3\ndatasets:\n  - name: spar\n    preset: wrst\n")
    with pytest.raises(GridError) as caught:
        load_grid(path)
    lines = [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]
    assert [line.partition(" ")[0] for line in lines] == [":2:", ":4:", ":6:", ":7:"]
    assert "datasets[0].protocol: this key is missing" in lines[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", r"grid.yaml:2: name: 'name' is given twice"),
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
    path = write_grid(tmp_path)
    with pytest.raises(GridError, match=rf"No such file or directory; did you mean {re.escape(str(path))}\?$"):
        load_grid(path.with_name(f"x{path.name}"))
    with pytest.raises(GridError, match=r": a folder; expected a YAML file$"):
        load_grid(tmp_path)


def test_a_descriptor_is_no_grid_which_is_one_line(tmp_path):
    (tmp_path / "mine.yaml").write_text("files: '*.csv'\nsubject: {column: who}\nlabel: {column: y}\npresets: {}\n")
    with pytest.raises(
        GridError, match=r"mine\.yaml: a descriptor of recordings; expected a grid, .*kind: table[^\n]*$"
    ):
        load_grid(tmp_path / "mine.yaml")


def test_set_changes_the_grid_before_it_is_checked(tmp_path):
    path = write_grid(tmp_path)
    spec, _ = load_grid(path, ["train.epochs=7", "seeds=[5]", "datasets.0.rate_hz=25", "resources.student.cpus=2"])
    assert (spec.train.epochs, spec.seeds, spec.datasets[0].rate_hz, spec.resources.student.cpus) == (7, [5], 25, 2)
    assert spec.datasets[0].preset_label == "wrist@rate_hz=25"
    assert "did you mean 'epochs'" in errors(tmp_path, ["train.epoch=7"])[0]
    assert "expected key.path=value" in errors(tmp_path, ["train.epochs"])[0]
    assert "--set name.x=1" in errors(tmp_path, ["name.x=1"])[0]


def test_what_is_wrong_with_a_value_of_set_is_said_of_it_and_not_of_a_line_of_the_file(tmp_path):
    spar = "datasets=[{name: spar, preset: wirst, protocol: loso, rate_hz: [10, 25]}]"
    several = errors(tmp_path, [spar, "train.epochs=two"])
    assert sorted(line.partition(", ")[0] for line in several) == [
        "--set datasets[0].preset: preset of spar 'wirst' is unknown; did you mean 'wrist'? (wrist)",
        "--set train.epochs: input should be a valid integer",
    ]
    (of_an_item,) = errors(tmp_path, ["datasets.0.rate_hz=[12, 25]", "datasets.0.preset=wirst"])
    assert of_an_item.startswith("--set datasets[0].preset: ")
    (other,) = errors(tmp_path, ["train.epochs=2"], seed=[0])
    assert re.search(r"\.yaml:\d+: seed: key 'seed' is unknown", other)


def test_a_tracker_is_switched_on_and_off_by_a_bare_word(tmp_path):
    path = tmp_path / "grid.yaml"
    text = write_grid(tmp_path).read_text()
    assert "wandb: 'off'" in text
    path.write_text(text.replace("wandb: 'off'", "wandb: off\n  tensorboard: true"))
    assert load_grid(path)[0].tracking == {"tensorboard": {}}
    assert load_grid(path, ["tracking.tensorboard=false"])[0].tracking == {}


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


def test_a_key_in_a_grid_is_not_repeated(tmp_path):
    changes = {"storage": "s3://me:hunter2@bucket", "tracking": {"wandb": {"api_key": "hunter2"}}}
    lines = errors(tmp_path, **changes)
    assert not any("hunter2" in line for line in lines)
    assert any(
        "tracking.wandb.api_key: would be stored with the results and shown; give it by" in line for line in lines
    )


def test_a_warm_up_as_long_as_training_is_refused(tmp_path):
    with pytest.raises(GridError, match=r"train\.warmup: 4 leaves none of train\.epochs"):
        load_grid(write_grid(tmp_path), ["train.warmup=4"])


def test_what_follows_from_another_mistake_is_not_reported(tmp_path):
    """A wrong name hides what depends on the data set, wrong seeds what depends on them; duplicates are named right."""
    wrong = {"name": "spr", "preset": "paper", "protocol": "loso", "channels": ["x"]}
    twin = {"name": "spar", "preset": "wrist", "protocol": "random"}
    lines = errors(tmp_path, datasets=[wrong, twin, twin], seeds=["z"])
    assert [line.split(": ", 2)[1] for line in lines] == ["datasets[0].name", "datasets[2]", "seeds[0]"]
    assert "is the same as datasets[1]" in lines[1]


def test_a_misspelt_key_is_one_mistake_and_not_also_a_missing_one(tmp_path):
    search = TINY["search"]
    required = {"trails" if key == "trials" else key: value for key, value in search.items()}
    (line,) = errors(tmp_path, search=required)
    assert "search.trails: key 'trails' is unknown; did you mean 'trials'?" in line
    needed = {"betta" if key == "beta" else key: value for key, value in search["space"].items()}
    (line,) = errors(tmp_path, search=search | {"space": needed})
    assert "search.space.betta: key 'betta' is unknown; did you mean 'beta'?" in line
    (line,) = errors(tmp_path, search={key: value for key, value in search.items() if key != "trials"})
    assert line.endswith("search.trials: this key is missing")


@pytest.mark.parametrize("seconds", ["-3", "soon", "nan"])
def test_a_wait_that_is_no_time_is_named(tmp_path, capsys, seconds):
    with pytest.raises(SystemExit):
        grid.main([str(write_grid(tmp_path)), "--storage-wait", seconds])
    assert f"--storage-wait: expected a number of seconds, 0 or more; found '{seconds}'" in capsys.readouterr().err


def test_what_ends_a_process_ends_a_command_like_ctrl_c_from_its_first_moment(capsys):
    before, folders = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], []

    def work():
        with TemporaryDirectory() as folder:
            folders.append(Path(folder))
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(10)
            finally:
                os.kill(os.getpid(), signal.SIGINT)  # an impatient second one
                folders.append(Path(folder).with_name("ended"))
        return 0

    assert grid.guarded(work) == 130
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert len(folders) == 2
    assert not folders[0].exists()
    assert "the same command continues" in capsys.readouterr().err
