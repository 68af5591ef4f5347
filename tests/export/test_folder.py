"""A cell's folder: what is in it, what it scores where it runs, and that it is the same each time."""

import io
import json
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml
from sklearn.metrics import accuracy_score, f1_score

from har_ray.errors import ExportError
from har_ray.export.card import _scores
from har_ray.export.folder import export
from har_ray.export.trained import load_trained
from har_ray.spec.grid import Export
from har_ray.store.check import faults
from har_ray.store.exports import MEASURED
from har_ray.store.results import load

FILES = {"MODEL_CARD.md", "classifier.cc", "classifier.h", "example.c", "example.py", "model.json", "model.onnx",
         "model.pt2", "model.tflite", "model_data.h", "test_windows.npz"}  # fmt: skip


@pytest.fixture(scope="module")
def windows(exported):
    return np.load(exported[0] / "test_windows.npz")


@pytest.fixture(scope="module")
def stored(grid, cell_of):
    """The logits that training left of the test windows."""
    return np.stack(grid.results.predictions(grid.results.row(cell_of("DS-CNN")))["logits"].to_numpy())


def test_the_folder_holds_every_file_and_the_results_keep_them(grid, exported, cell_of):
    folder, _ = exported
    assert {path.name for path in folder.iterdir()} == FILES
    kept = grid.results.exports.folder(cell_of("DS-CNN")).local
    assert all((kept / name).read_bytes() == (folder / name).read_bytes() for name in FILES)
    assert list(faults(grid.results)) == []


def test_onnx_takes_any_number_of_windows_in_their_own_units(exported, windows, stored):
    model = onnx.load(exported[0] / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(exported[0] / "model.onnx", providers=["CPUExecutionProvider"])
    assert [one.name for one in (*session.get_inputs(), *session.get_outputs())] == ["window", "logits"]
    for count in (1, 7, 1485):
        (logits,) = session.run(None, {"window": windows["x"][:count]})
        assert np.abs(logits - stored[:count]).max() < 1e-4


def test_pt2_is_loaded_by_torch_alone(exported, windows, stored):
    module = torch.export.load(io.BytesIO((exported[0] / "model.pt2").read_bytes())).module()
    for count in (1, 100):
        logits = module(torch.from_numpy(windows["x"][:count])).detach().numpy()
        assert np.abs(logits - stored[:count]).max() < 1e-4


def test_what_was_measured_is_so(grid, exported, windows, stored, cell_of):
    """By scikit-learn, from the int8 logits that are kept."""
    folder, measured = exported
    exports = grid.results.exports
    logits = np.stack(exports.int8(exports.row(cell_of("DS-CNN")))["logits"].to_numpy())
    predicted, labels = logits.argmax(axis=1), windows["y"]
    assert measured["int8_f1_macro"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert measured["int8_accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert measured["int8_agreement"] == pytest.approx((predicted == stored.argmax(axis=1)).mean(), abs=2e-3)
    output = json.loads((folder / "model.json").read_text())["output"]
    least = output["scale"] * (-128 - output["zero_point"])
    assert measured["int8_logit_error"] == pytest.approx(np.abs(logits - np.maximum(stored, least)).max(), abs=1e-4)
    assert measured["flash_bytes"] == (folder / "model.tflite").stat().st_size
    assert 0 < measured["arena_bytes"] < 16_384
    assert measured["measured_on"].startswith("TensorFlow Lite Micro ")
    float_f1 = grid.results.row(cell_of("DS-CNN"))["test_f1_macro"]
    assert measured["onnx_f1_macro"] == measured["pt2_f1_macro"] == pytest.approx(float_f1)
    (row,) = load(grid.results.root.uri).query("cell_id == @measured['cell_id']").to_dict("records")
    assert {name: row[name] for name in MEASURED} == {name: measured[name] for name in MEASURED}


def test_model_json_says_how_raw_values_become_integers(exported, windows, spar_spec):
    about = json.loads((exported[0] / "model.json").read_text())
    assert (about["window"], about["stride"], about["rate_hz"]) == (24, 12, 12.0)
    assert about["channels"][3] == {"name": "wrist_gyr_x", "unit": "rad/s"}
    assert about["classes"][0] == "pendulum"
    mean, std = (np.array(about["scaler"][name]) for name in ("mean", "std"))
    given = about["input"]
    x = windows["x"][0].astype(float)
    by_scaler = (x - mean) / std / given["scale"] + given["zero_point"]
    assert x * np.array(given["factor"]) + np.array(given["offset"]) == pytest.approx(by_scaler, abs=1e-3)


def test_the_scaler_comes_from_the_training_windows_alone(grid, exported, data):
    about = json.loads((exported[0] / "model.json").read_text())
    assert about["scaler"]["mean"] == pytest.approx(data.mean.tolist())
    assert len(np.load(exported[0] / "test_windows.npz")["y"]) == len(data.test.y)


def test_the_same_cell_gives_the_same_bytes(grid, exported, cell_of, tmp_path):
    row, info = grid.results.row(cell_of("DS-CNN")), grid.results.run_info()
    export(grid.results, row, info, Export(), tmp_path, with_windows=True)
    differ = [name for name in FILES if (tmp_path / name).read_bytes() != (exported[0] / name).read_bytes()]
    assert differ == []


def test_another_cell_of_the_same_network_has_its_own_weights(grid, exported, cell_of, tmp_path):
    """The graph is traced once; a file that held the weights of the cell before would give its logits."""
    row = grid.results.row(cell_of("DS-CNN"))
    trained = load_trained(grid.results, row, grid.results.run_info())
    from har_ray.export.floats import float_files, run_onnx, run_pt2

    before = run_onnx(float_files(trained).onnx, trained.test.x[:5])
    with torch.no_grad():
        list(trained.network.parameters())[-1].add_(1.0)  # the biases of the logits
    files = float_files(trained)
    for run in (lambda: run_onnx(files.onnx, trained.test.x[:5]), lambda: run_pt2(files.pt2, trained.test.x[:5])):
        assert run() == pytest.approx(before + 1.0, abs=1e-5)


def test_no_file_names_a_folder_of_this_machine(exported):
    for path in exported[0].iterdir():
        content = path.read_bytes()
        assert not any(name in content for name in (b"/site-packages", str(exported[0].parent).encode())), path.name


def test_the_card_has_hugging_faces_front_matter_and_every_figure(exported):
    folder, measured = exported
    _, front, text = (folder / "MODEL_CARD.md").read_text().split("---\n", 2)
    matter = yaml.safe_load(front)
    (result,) = matter["model-index"][0]["results"]
    assert [metric["value"] for metric in result["metrics"]] == [measured["int8_f1_macro"], measured["int8_accuracy"]]
    assert (matter["license_name"], matter["library_name"]) == ("bsd-3-clause", "tflite")
    for said in (
        f"| macro F1 (%) | {100 * measured['onnx_f1_macro']:.1f} | {100 * measured['int8_f1_macro']:.1f} |",
        f"| {measured['flash_bytes']:,} | {measured['arena_bytes']:,} |",
        "| test | 8, 9, 10 | 1,485 |", "Of 1,485 test windows of 3 people", "too few for an interval",
        "Burns et al. 2018",
        "| wrist\\_acc\\_x | g |" if "\\_" in text else "| wrist_acc_x | g |", "har-ray run it.yaml", "grid ab12",
        f"har-ray export RESULTS --cell {measured['cell_id']} --with-test-windows",
    ):  # fmt: skip
        assert said in text, said


def person_text(people, scores_of):
    """What the card says of people each of whom has so many of ten windows right."""
    subjects = np.repeat([str(i) for i in range(people)], 10)
    said = np.concatenate([[0] * right + [1] * (10 - right) for right in scores_of])
    test = SimpleNamespace(subject=subjects, y=np.zeros(len(subjects), np.int64))
    return _scores(SimpleNamespace(test=test), np.eye(2)[said])["person"]  # type: ignore[arg-type]


def test_an_interval_takes_five_people():
    """One class, a of ten windows found: F1 2a / (10 + a). By t of 4 degrees of freedom: mean ± 2.776 sd / √5."""
    assert person_text(1, [10]) == "100.0"
    assert person_text(2, [10, 5]) == "83.3 (66.7 to 100.0)"
    f1 = np.array([2 * a / (10 + a) for a in (5, 6, 7, 8, 9)])
    half = 2.776 * f1.std(ddof=1) / np.sqrt(5)
    low, high = 100 * (f1.mean() - half), 100 * (f1.mean() + half)
    assert person_text(5, [5, 6, 7, 8, 9]) == f"{100 * f1.mean():.1f} (95 % interval {low:.1f} to {high:.1f})"


def test_weights_of_an_old_version_are_refused_in_one_line(grid, cell_of):
    results = grid.results
    row = results.row(cell_of("LM"))
    saved = torch.load(io.BytesIO(results.weights(row)), weights_only=True)
    before = results.weights(row)
    buffer = io.BytesIO()
    torch.save({"state_dict": saved["state_dict"]}, buffer)
    try:
        files = results.write_weights(row["cell_id"], buffer.getvalue())
        old = row | {"files": row["files"] | {name: list(digest) for name, digest in files.items()}}
        with pytest.raises(ExportError, match=r"without channels, classes.*run the grid again under another name$"):
            load_trained(results, old, results.run_info())
    finally:
        results.write_weights(row["cell_id"], before)


def test_windows_that_are_split_otherwise_are_refused(grid, cell_of):
    info = grid.results.run_info()
    fold = info["data"][0]["folds"][0]
    fold["test"], fold["val"] = fold["val"], fold["test"]
    with pytest.raises(ExportError, match="was tested on other windows"):
        load_trained(grid.results, grid.results.row(cell_of("LM")), info)
