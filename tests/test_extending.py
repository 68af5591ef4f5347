"""What CONTRIBUTING.md says can be added, added outside the repository and run, as docs/extending.md says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from har_ray.store.results import ResultStore, load
from har_ray.store.results import curve as read_curve

pytestmark = pytest.mark.xdist_group("ray")

ROOT = Path(__file__).parent.parent


def blocks(page, language):
    """The code blocks of a page."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


def command(folder, *arguments, **environment):
    """Run the installed package's python in `folder`, with a Ray of its own."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {"RAY_ADDRESS": "local"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=variables | environment, capture_output=True, text=True, timeout=400,
    )  # fmt: skip


@pytest.fixture(scope="module")
def mylab(tmp_path_factory):
    """The page's package and grid, written as it says."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mylab").mkdir()
    (folder / "mylab" / "__init__.py").write_text("")
    names = ("nets", "losses", "augmentations", "metrics", "trackers")
    for name, text in zip(names, blocks("extending.md", "python"), strict=True):
        (folder / "mylab" / f"{name}.py").write_text(text)
    (grid,) = blocks("extending.md", "yaml")
    (folder / "mine.yaml").write_text(grid)
    return folder


@pytest.fixture(scope="module")
def finished(mylab):
    """The page's grid, run to its report."""
    done = command(mylab, "-m", "har_ray.cli", "run", "mine.yaml", "--set", "train.epochs=2")
    assert done.returncode == 0, done.stdout + done.stderr
    return mylab / "results" / "mine", done.stdout


def test_an_architecture_is_one_file(finished):
    folder, output = finished
    gru = load(folder).query("variant == 'GRU'")
    assert set(gru["architecture"]) == {"mylab.nets:TinyGRU"}
    assert sorted(gru.query("stage == 'search'")["options.units"]) == [4, 8]
    units = int(gru.query("stage == 'confirm'")["options.units"].iloc[0])
    # T=20, C=6, K=7: 3 gates of u·(6+u) weights and two biases each, then the head
    expected = 20 * 3 * units * (6 + units) + units * 7
    assert set(gru.query("stage == 'confirm'")["macs"]) == {expected}
    assert set(gru.query("stage == 'confirm'")["params"]) == {3 * units * (6 + units + 2) + units * 7 + 7}
    assert gru["flops_published"].isna().all()
    assert re.search(r"^ +GRU[†‡]* +\d", output, re.MULTILINE)


def test_an_augmentation_is_one_file(finished):
    folder, _ = finished
    rows = load(folder).query("variant == 'LM-drop'")
    assert set(rows["Dropout.share"]) == {0.2}
    assert set(rows["status"]) == {"completed"}


def test_a_weighted_loss_is_one_file_and_its_weight_is_searched(finished):
    folder, _ = finished
    rows = load(folder).query("variant == 'KD-margin'")
    searched = rows.query("stage == 'search'")
    assert sorted(zip(searched["Margin.weight"], searched["temperature"], strict=True)) == [
        (0.1, 2.0), (0.1, 4.0), (1.0, 2.0), (1.0, 4.0),
    ]  # fmt: skip
    (winner,) = [w for w in ResultStore(folder).winners() if w["variant"] == "KD-margin"]
    confirm = rows.query("stage == 'confirm'")
    assert set(confirm["Margin.weight"]) == {winner["hyper"]["Margin.weight"]}
    curve = read_curve(folder, confirm["cell_id"].iloc[0]).to_dict("records")
    assert all(epoch["train_loss.mylab.losses:Margin"] > 0 for epoch in curve)
    assert confirm["Margin.met"].between(0, 1).all()
    assert confirm["Margin.met"].iloc[0] in [epoch["Margin.met"] for epoch in curve]
    teachers = load(folder).set_index("cell_id").loc[confirm["teacher_id"]]
    assert set(teachers["variant"]) == {"MM"}


def test_a_variant_is_a_line_of_yaml(finished):
    folder, _ = finished
    rows = load(folder).query("variant == 'LM-time' and stage == 'confirm'")
    # f=4, u=8, T=20, C=6, K=7 along time: 24+84·3, 4·(8·(24+8)+8) + 4·(8·16+8), 8·7+7
    assert set(rows["params"]) == {276 + 4 * (8 * 32 + 8) + 4 * (8 * 16 + 8) + 63}


def test_a_metric_is_one_file(finished):
    folder, output = finished
    confirm = load(folder).query("stage == 'confirm'")
    assert confirm["test_Kappa"].between(-1, 1).all()
    assert confirm["val_Kappa"].notna().all()
    assert (confirm["test_Kappa"] < confirm["test_accuracy"]).all()  # κ takes out what chance would find
    assert "Cohen's κ (%)" in output
    assert "Cohen&#39;s κ (%)" in (folder / "report" / "report.html").read_text()


def test_a_tracker_is_one_file(finished, mylab):
    folder, _ = finished
    lines = [line.split() for line in (mylab / "tracked.txt").read_text().splitlines()]
    confirm = load(folder).query("stage == 'confirm'")
    assert sorted((variant, int(seed)) for variant, seed, *_ in lines) == sorted(
        zip(confirm["variant"], confirm["seed"].astype(int), strict=True)
    )


def test_the_report_holds_them_all(finished):
    folder, _ = finished
    page = (folder / "report" / "report.html").read_text()
    assert all(name in page for name in ("GRU", "KD-margin", "LM-time", "Margin.weight", "options.units"))
    figures = {path.name for path in (folder / "report" / "figures").glob("*.png")}
    assert "spar-wrist-rate-hz-10-subject-holdout-f1-macs.png" in figures


def test_a_missing_module_is_found_before_anything_starts(mylab):
    grid = (mylab / "mine.yaml").read_text().replace("mylab.nets", "mylab.nest")
    (mylab / "missing.yaml").write_text(grid)
    done = command(mylab, "-m", "har_ray.grid", "missing.yaml", "--storage", "elsewhere")
    assert done.returncode == 2
    assert "variants[4].architecture: mylab.nest:TinyGRU: there is no module 'mylab.nest'" in done.stderr
    assert not (mylab / "elsewhere").exists()


FAULTY = """
from torch import nn

class Faulty(nn.Module):
    def __init__(self, window, channels, classes):
        super().__init__()
        self.head = nn.Linear(window * channels, classes)

    def forward(self, x):
        if self.training:
            raise RuntimeError("only when it trains")
        return self.head(x.flatten(1))
"""


def test_an_error_in_such_code_names_the_class_the_line_and_the_cell(mylab):
    (mylab / "mylab" / "faulty.py").write_text(FAULTY)
    text = (mylab / "mine.yaml").read_text().replace("name: mine", "name: faulty")
    (mylab / "faulty.yaml").write_text(text)
    only = "variants=[{name: F, architecture: mylab.faulty:Faulty}]"
    done = command(
        mylab, "-m", "har_ray.grid", "faulty.yaml", "--set", only, "--set", "seeds=[0]", "--set", "teacher=null"
    )
    assert done.returncode == 1
    (cell,) = load(mylab / "results" / "faulty")["cell_id"]
    assert (
        f"[cells] failed: F seed 0 (cell {cell}): mylab.faulty:Faulty: RuntimeError: only when it trains" in done.stdout
    )
    assert "faulty.py:11" in done.stdout


DATASET = """
from har_ray.data.dataset import Channel, Dataset, Preset, Recording

import numpy as np


def read(source, channels, rejects):
    for subject in ("1", "2", "3"):
        x = np.tile(np.arange(40, dtype=np.float32)[:, None], (1, len(channels)))
        yield Recording(f"{subject}:0", subject, x, np.zeros(40, dtype=np.int16), 20.0)


TINY = Dataset(
    name="tiny", title="Tiny", homepage="none", terms="none", citation="none", archive=None, fingerprint="1",
    origin="this file", rate_hz=20.0, channels=(Channel("acc_x", "g"),), classes=("still",), null_name=None,
    subjects=("1", "2", "3"), samples=120, locate=lambda folder: [__file__], read=read,
    presets={"wrist": Preset(("acc_x",), window_s=1.0, stride_s=1.0, rate_hz=20.0)},
)
"""


def test_a_dataset_of_the_catalogue_is_two_files(tmp_path):
    for package in ("har_ray", "analysis"):
        shutil.copytree(ROOT / package, tmp_path / package)
    home = tmp_path / "har_ray" / "data" / "datasets"
    (home / "tiny.py").write_text(DATASET)
    catalogue = home / "__init__.py"
    text = catalogue.read_text()
    line = "CATALOG: dict[str, Dataset] = {d.name: d for d in ("
    assert line in text
    imports = "from har_ray.data.datasets.tiny import TINY\n"
    catalogue.write_text(text.replace(line, f"{line}TINY, ").replace("\nCATALOG", f"{imports}\nCATALOG", 1))
    listed = command(tmp_path, "-m", "har_ray.data", "list", PYTHONPATH=str(tmp_path))
    assert "tiny" in listed.stdout, listed.stderr
    done = command(tmp_path, "-m", "har_ray.data", "prepare", "tiny", PYTHONPATH=str(tmp_path))
    assert "6 windows [20, 1]" in done.stdout, done.stdout + done.stderr
