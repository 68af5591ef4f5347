"""The command on real recordings, from grid file to report: once, again, disturbed, in another order."""

import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from har_ray import cli, grid
from har_ray.store.check import faults
from har_ray.store.results import ResultStore, load, now, predictions
from tests.grids import confirmed, write_grid
from tests.processes import ray_processes

pytestmark = pytest.mark.xdist_group("ray")

DISTURBED = {"teacher": {"workers": 0}, "student": {"workers": 0}}


def winners_of(folder):
    """What was chosen from what, in how many epochs."""
    return {winner["variant"]: winner for winner in ResultStore(folder).winners()}


@pytest.fixture(scope="module")
def finished(ray_session, tmp_path_factory):
    """A tiny grid that nobody disturbed; teachers in Ray Train workers, W&B offline."""
    folder = tmp_path_factory.mktemp("undisturbed")
    resources = {"teacher": {"workers": 1}, "student": {"workers": 0}}
    path = write_grid(folder, resources=resources, tracking={"wandb": "offline"})
    assert grid.main([str(path)]) == 0
    return path, folder / "results" / "tiny"


def test_every_cell_ends_and_the_tables_hold_every_variant_and_seed(finished):
    _, folder = finished
    rows = load(folder)
    assert set(rows["status"]) <= {"completed", "stopped"}
    confirm = rows[rows["stage"] == "confirm"]
    assert (confirm["status"] == "completed").all()
    seeds = confirm.groupby("variant")["seed"].agg(sorted).to_dict()
    assert seeds == {variant: [0, 1] for variant in ("MM", "LM", "LM-Att", "RB-KD", "RAB-KD")}
    assert confirm[["test_f1_macro", "params", "macs", "flops_published", "latency_ms"]].notna().all(axis=None)
    searched = rows[rows["stage"] == "search"]
    assert searched["test_f1_macro"].isna().all()
    assert searched["variant"].value_counts().to_dict() == {"LM-Att": 4, "RB-KD": 6, "RAB-KD": 6}


@pytest.mark.usefixtures("windows_made")
def test_a_variant_of_the_grids_own_with_all_that_teaches_better(ray_session, tmp_path):
    """Another architecture than its teacher's, augmentation that is searched, mixed windows, a mean of weights."""
    student = {
        "name": "DS-KD",
        "architecture": "ds-cnn",
        "options": {"width": 8, "blocks": 1},
        "losses": {
            "cross-entropy": {"label_smoothing": 0.05, "class_weights": "sqrt"},
            "distillation": {"temperature": 2, "alpha": 0.5},
        },
        "augment": {"rotation": {"degrees": [10, 20]}, "jitter": {"sd": 0.05}},
        "train": {"mixup": 0.2, "ema": 0.9, "weight_decay": 0.01, "views": 2},
    }
    train = {"epochs": 3, "patience": 3, "schedule": "cosine", "warmup": 1}
    search = {"trials": "all", "seeds": [100]}
    path = write_grid(tmp_path, variants=["LM", student], teacher="LM", seeds=[0], search=search, train=train)
    assert grid.main([str(path)]) == 0
    rows = load(tmp_path / "results" / "tiny")
    confirm = rows[rows["stage"] == "confirm"].set_index("variant")
    assert confirm["status"].tolist() == ["completed"] * 2
    (winner,) = ResultStore(tmp_path / "results" / "tiny").winners()
    assert confirm.loc["DS-KD", "rotation.degrees"] == winner["hyper"]["rotation.degrees"]
    assert sorted(rows.loc[rows["stage"] == "search", "rotation.degrees"]) == [10, 20]
    # Depthwise-separable: 6·5·8 + 16, 8·5 + 16 + 8·8 + 16; head (2·8 + 1)·7.
    assert confirm.loc["DS-KD", "params"] == 256 + 136 + 119
    assert "DS-KD" in (tmp_path / "results" / "tiny" / "report" / "report.html").read_text()
    assert list(faults(ResultStore(tmp_path / "results" / "tiny"))) == []


def test_students_learn_from_the_teacher_of_their_seed(finished):
    _, folder = finished
    rows = load(folder).set_index("cell_id")
    students = rows[rows["teacher_id"].notna()]
    teachers = rows.loc[students["teacher_id"]]
    assert (teachers["seed"].to_numpy() == students["seed"].to_numpy()).all()
    wanted = students["variant"].map({"RB-KD": "MM", "RAB-KD": "MM-Att"})
    assert (teachers["variant"].to_numpy() == wanted.to_numpy()).all()


def test_winners_are_recorded_with_what_they_beat(finished):
    _, folder = finished
    winners = {w["variant"]: w for w in ResultStore(folder).winners()}
    rows = load(folder)
    for variant, winner in winners.items():
        confirm = rows[(rows["stage"] == "confirm") & (rows["variant"] == variant)]
        for key, value in winner["hyper"].items():
            assert {value} == set(confirm[key].astype(object).where(confirm[key].notna(), None))
    assert list(winners["RB-KD"]["hyper"]) == ["temperature", "alpha"]
    assert next(iter(winners["LM-Att"]["hyper"])) == "attention_kind"
    assert {v: w["candidates"] for v, w in winners.items()} == {"LM-Att": 4, "RB-KD": 6, "RAB-KD": 6}


def test_artefacts_are_whole(finished):
    _, folder = finished
    rows = load(folder)
    for cell_id in rows.loc[rows["stage"] == "confirm", "cell_id"]:
        table = predictions(folder, cell_id)
        assert list(table.columns) == ["window_id", "subject", "label", "logits"]
        assert len(table) == 1485
        raw = (folder / "cells" / cell_id / "weights.pt").read_bytes()
        assert torch.load(io.BytesIO(raw), weights_only=True)["shape"] == [24, 6]
    assert not list(folder.glob("cells/*/checkpoint.pt"))
    assert not (folder / "ray").exists()
    assert list(faults(ResultStore(folder))) == []
    assert ResultStore(folder).run_info()["finished_at"] is not None
    page = (folder / "report" / "report.html").read_text()
    assert all(variant in page for variant in ("MM", "LM-Att", "RB-KD", "RAB-KD"))


def test_wandb_holds_one_offline_run_for_each_confirm_cell(finished):
    _, folder = finished
    rows = load(folder)
    runs = sorted(path.name.rpartition("-")[2] for path in (folder / "wandb").glob("offline-run-*"))
    assert runs == sorted(rows.loc[rows["stage"] == "confirm", "cell_id"])


def test_the_same_command_again_trains_nothing(finished, capsys):
    path, folder = finished
    before = {p: p.stat().st_mtime_ns for p in [*folder.glob("rows/*"), *folder.glob("cells/*/*")]}
    assert grid.main([str(path)]) == 0
    assert {p: p.stat().st_mtime_ns for p in [*folder.glob("rows/*"), *folder.glob("cells/*/*")]} == before
    output = capsys.readouterr().out
    rows = len(load(folder))
    assert f"[cells] done: {rows} of {rows} cells (teachers 7/7, search 16/16, confirm 10/10), {rows} of them" in output
    assert "Test results: spar, wrist (rate_hz=12), subject-holdout" in output
    assert "report: " in output


def test_status_and_plan_show_what_is_done(finished, capsys):
    path, _ = finished
    assert grid.main([str(path), "--status"]) == 0
    status = capsys.readouterr().out
    assert "confirm: 10 cells: 10 completed, 0 stopped, 0 failed, 0 interrupted, 0 waiting" in status
    assert "RAB-KD     best val_f1_macro 0." in status
    assert grid.main([str(path), "--plan"]) == 0
    plan = capsys.readouterr().out
    assert "search    16 cells, 16 done" in plan
    assert "confirm   10 cells, 10 done" in plan
    assert "nothing is left to train" in plan


@pytest.mark.usefixtures("windows_made", "no_report")
def test_one_trial_at_a_time_inline_and_in_another_order_gives_the_same_rows(finished, tmp_path, ray_session):
    _, folder = finished
    variants = ["RAB-KD", "LM"]
    path = write_grid(tmp_path, variants=variants, resources={"teacher": {"cpus": 2}, "student": {"cpus": 2}})
    assert grid.main([str(path)]) == 0
    assert_same(tmp_path / "results" / "tiny", folder, variants)


def assert_same(ours, folder, variants):
    """The variants were searched and confirmed with the same outcome, to the last bit."""
    expected = confirmed(folder)
    assert confirmed(ours).equals(expected[expected["variant"].isin(variants)])
    assert winners_of(ours) == {name: winner for name, winner in winners_of(folder).items() if name in variants}


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


@pytest.mark.usefixtures("no_report")
def test_every_file_that_is_damaged_between_runs_is_named_and_made_again(finished, tmp_path, capsys, caplog):
    path, folder = finished
    shutil.copytree(folder.parent, tmp_path / "results")
    ours = tmp_path / "results" / "tiny"
    rows = load(ours, files=True)
    teaches = rows["files"].map(lambda files: "targets.parquet" in files)
    taught = rows[teaches & (rows["stage"] == "confirm")]
    confirm = rows.query("stage == 'confirm' and variant != 'MM'")["cell_id"].tolist()
    search = rows.query("stage == 'search' and status == 'completed'")["cell_id"].tolist()
    damaged = [
        damage(ours / "cells" / taught["cell_id"].iloc[0] / "targets.parquet"),
        damage(ours / f"rows/{search[0]}.json"),
    ]
    for cell_id, name in zip(confirm, ("predictions.parquet", "curve.json", "weights.pt"), strict=False):
        damaged.append(damage(ours / "cells" / cell_id / name))
    damaged.append(damage(ours / "cells" / search[1] / "curve.json"))
    (ours / "cells" / confirm[-1] / "predictions.parquet").unlink()
    for name in ("plan.json", "winners.json", "run.json"):
        damage(ours / name)
    shard = next((tmp_path / "results" / "windows").glob("*/*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1])

    assert cli.main(["check", str(ours)]) == 1
    listed = capsys.readouterr().out
    assert all(file.name in listed for file in damaged)
    assert "10 files to be made again" in listed
    with caplog.at_level(logging.WARNING):
        assert grid.main([str(path), "--storage", str(tmp_path / "results")]) == 0
    assert f"{shard.name} is damaged; the windows count as missing" in caplog.text
    for file in damaged:
        assert str(file.relative_to(ours)) in caplog.text
    assert (
        "done: 33 of 33 cells (teachers 7/7, search 16/16, confirm 10/10), 26 of them earlier"
        in capsys.readouterr().out
    )
    assert confirmed(ours).equals(confirmed(folder))
    assert list(faults(ResultStore(ours))) == []


def test_another_grid_of_the_same_name_needs_leave(finished, tmp_path, capsys):
    path, folder = finished
    before = (folder / "plan.json").read_bytes()
    assert grid.main([str(path), "--set", "train.epochs=1"]) == 2
    message = capsys.readouterr().err
    assert f"{folder} holds another grid of the name 'tiny', which differs in train, and which finished 20" in message
    assert "give this one another name, or let it take that one's place with --continue" in message
    results = ResultStore(folder)
    results.root.write_json("running.json", {"process": 7, "host": "elsewhere", "at": now()})
    assert grid.main([str(path), "--set", "train.epochs=1", "--continue"]) == 2
    assert "and which process 7 on elsewhere is running; give this one another name" in capsys.readouterr().err
    results.root.delete("running.json")
    assert (folder / "plan.json").read_bytes() == before


@pytest.fixture
def command(tmp_path):
    """Starts the command as a user would, with a Ray of its own."""
    started = []

    def start(path):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {"RAY_ADDRESS": "local"}
        with (tmp_path / "log").open("a") as log:
            process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "har_ray.grid", str(path)],
            stdout=log, stderr=log, env=environment, cwd=Path(__file__).parent.parent, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def until(condition, process, seconds=500.0):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the command ended before it was disturbed"
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.usefixtures("windows_made")
def test_killed_drivers_and_trials_cost_no_bit(finished, tmp_path, command):
    _, folder = finished
    variants = ["MM", "LM", "RB-KD"]
    path = write_grid(tmp_path, variants=variants, resources=DISTURBED)
    ours = tmp_path / "results" / "tiny"
    search = set(load(folder).query("stage == 'search'")["cell_id"])

    first = command(path)
    until(lambda: sum((ours / "rows" / f"{cell}.json").exists() for cell in search) >= 4, first)
    of_ray = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait()
    _, alive = psutil.wait_procs(of_ray, timeout=120)
    assert alive == []  # Ray's processes end with their driver
    kept = {p.name: json.loads(p.read_text()) for p in ours.glob("rows/*.json")}
    assert 4 <= len(kept) < 13  # of three teachers, six candidates and four confirmed students

    second = command(path)
    until(lambda: len(list(ours.glob("rows/*.json"))) > len(kept) + 2, second)
    until(lambda: kill_a_trial(second.pid), second)
    assert second.wait(timeout=500) == 0, (tmp_path / "log").read_text()
    assert_same(ours, folder, variants)
    assert {name: json.loads((ours / "rows" / name).read_text()) for name in kept} == kept


def kill_a_trial(driver):
    """SIGKILL to a trial's process; whether there was one, which there is not between two stages."""
    trials = ray_processes(driver, "CellTrial", "ResourceTrainable")
    for process in trials[:1]:
        process.kill()
    return bool(trials)


@pytest.mark.usefixtures("windows_made")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_the_stop_of_a_job_end_with_130_and_a_hint(asked, tmp_path, command):
    process = command(write_grid(tmp_path, resources=DISTURBED))
    rows = tmp_path / "results" / "tiny" / "rows"
    until(lambda: rows.exists() and any(rows.iterdir()), process)
    process.send_signal(asked)
    assert process.wait(timeout=300) == 130
    log = (tmp_path / "log").read_text()
    assert "the same command continues" in log
    assert "***" not in log  # as the report of a crash begins
    assert all(json.loads(p.read_text())["status"] == "completed" for p in rows.iterdir())


@pytest.mark.usefixtures("windows_made", "no_report")
def test_a_failing_cell_is_reported_and_the_others_are_finished(ray_session, tmp_path, capsys):
    train = {"epochs": 2, "lr": 1e30}
    path = write_grid(tmp_path, variants=["MM", "RB-KD"], train=train, search=None, seeds=[0])
    assert grid.main([str(path), "--set", "search={trials: 1, seeds: [9], space: {temperature: 1, alpha: 0.5}}"]) == 1
    rows = load(tmp_path / "results" / "tiny").set_index("variant")
    assert (rows["status"] == "failed").all()
    assert "the training loss became" in str(rows.loc["MM", "error"])
    assert "its teacher" in str(rows.loc["RB-KD", "error"])
    assert "0/1, 1 failed" in capsys.readouterr().out


@pytest.mark.usefixtures("no_report")
def test_own_recordings_join_a_grid_without_code(ray_session, tmp_path, capsys):
    """Four people, two activities, 20 Hz: described by a file, split by person, trained on."""
    for person in range(4):
        lines = [
            f"{0.1 * ((i * (1 + label)) % 7):.2f},{0.5 * label + 0.01 * person:.2f},{'run' if label else 'walk'}"
            for label in (0, 1)
            for i in range(600)
        ]
        (tmp_path / f"p{person}.csv").write_text("ax,ay,activity\n" + "\n".join(lines) + "\n")
    (tmp_path / "own.yaml").write_text(
        "files: p*.csv\nrate_hz: 20\nsubject: {pattern: 'p(\\d)'}\nlabel: {column: activity}\n"
        "channels: {wrist_acc_x: ax, wrist_acc_y: ay}\npresets: {wrist: {window_s: 1, stride_s: 1}}\n"
    )
    entry = {"kind": "table", "name": "own", "path": str(tmp_path / "own.yaml"), "preset": "wrist", "protocol": "loso"}
    changes = {"variants": ["LM"], "search": None, "teacher": None, "seeds": [0], "train": {"epochs": 1}}
    assert grid.main([str(write_grid(tmp_path, datasets=[entry], **changes))]) == 0
    rows = load(tmp_path / "results" / "tiny")
    assert rows["fold"].tolist() == [0, 1, 2, 3]
    assert (rows["status"] == "completed").all()
    # 30 windows of each activity and person
    assert "[windows] own, wrist: 240 windows" in capsys.readouterr().out
    wrong = [entry | {"preset": "wirst"}]
    assert grid.main([str(write_grid(tmp_path, datasets=wrong, **changes))]) == 2
    assert "did you mean 'wrist'" in capsys.readouterr().err
