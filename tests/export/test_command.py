"""The command: which cell it takes, what it says, and what it refuses in one line."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from analysis.load import load_results
from har_ray import cli
from har_ray.export import __main__ as command
from har_ray.export import installed
from har_ray.export.int8 import fitted
from har_ray.store.exports import Exports
from tests.analysis.conftest import GridStore

BEST = "the model within the budget with the best validation score"


@pytest.fixture
def run(grid, capsys):
    """The command with these arguments: its exit status, and what it says on both streams."""

    def run(*arguments, main=command.main):
        status = main([*arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return lambda *arguments, **how: run(grid.results.root.uri, *arguments, **how)


def refused(answer):
    """The one line of a refusal."""
    status, out, err = answer
    assert (status, out, err.count("\n")) == (2, "", 1), err
    return err.strip()


def test_without_a_choice_it_takes_the_student_that_validation_chose(grid, run, cell_of, tmp_path):
    rows = {name: grid.results.row(cell_of(name)) for name in ("LM", "DS-CNN")}
    best = max(rows, key=lambda name: rows[name]["val_f1_macro"])
    status, out, _ = run("--out", str(tmp_path))
    assert status == 0
    # LM lacks a seed that failed, and still has a complete one.
    assert f": {best}, fold 0, seed 0 (cell {cell_of(best)}): the small model with the best validation score" in out
    assert "bytes of flash" in out
    assert (tmp_path / cell_of(best) / "model.tflite").is_file()
    assert not (tmp_path / cell_of(best) / "test_windows.npz").exists()


def test_the_same_as_a_subcommand(grid, run, cell_of, tmp_path):
    uri = grid.results.root.uri
    assert cli.main(["export", uri, "--variant", "DS-CNN", "--qat-epochs", "1"]) == 0
    record = Exports(grid.results.root).row(cell_of("DS-CNN")) or {}
    assert f"exports/{cell_of('DS-CNN')}/model.tflite" in record["files"]
    card = Path(grid.results.exports.folder(cell_of("DS-CNN")).uri, "MODEL_CARD.md").read_text()
    assert f"    har-ray export RESULTS --cell {cell_of('DS-CNN')} --qat-epochs 1\n" in card


def test_a_variant_a_budget_and_a_cell_lead_to_the_same_cell(grid, cell_of):
    from har_ray.export import choice

    results = load_results(grid.results.root.uri)
    lm = grid.results.row(cell_of("LM"))
    ds = grid.results.row(cell_of("DS-CNN"))
    assert [one.id for one in choice.of_variant(results, "DS-CNN")] == [cell_of("DS-CNN")]
    assert choice.named(results, cell_of("DS-CNN")).id == cell_of("DS-CNN")
    smaller, larger = sorted((lm, ds), key=lambda row: row["params"])
    found = choice.within(results, {"params": smaller["params"]})
    assert [one.id for one in found] == [smaller["cell_id"]]
    best = max((smaller, larger), key=lambda row: row["val_f1_macro"])
    assert [one.id for one in choice.within(results, {"params": larger["params"]})] == [best["cell_id"]]


def test_of_several_cells_of_a_variant_validation_chooses(grid, tmp_path):
    from har_ray.export import choice

    store = GridStore(tmp_path / "tiny")
    for seed, (validation, test) in enumerate([(0.5, 0.9), (0.7, 0.6), (0.6, 0.8)]):
        store.completed("LM", seed, test, row={"val_f1_macro": validation}, cell_id=f"lm{seed}")
    (one,) = choice.of_variant(load_results(store.write()), "LM")
    assert (one.id, one.why) == ("lm1", "of its 3 completed cells the one with the best validation score")


def test_what_it_refuses(grid, run, cell_of, tmp_path):
    assert refused(run("--variant", "DSCNN")) == "variant 'DSCNN' is unknown; did you mean 'DS-CNN'? (LM, DS-CNN)"
    wrong = cell_of("DS-CNN")[:-1] + "x"
    assert refused(run("--cell", wrong)).startswith(f"cell {wrong!r} is unknown; did you mean '{cell_of('DS-CNN')}'?")
    failed = cell_of("LM", 1)
    assert refused(run("--cell", failed)) == (
        f"cell {failed} (LM, seed 1) is not completed: TrainingError: the loss became nan"
    )
    searched = cell_of("LM", 2)
    assert refused(run("--cell", searched)).startswith(f"cell {searched} is of stage search; expected one of stage")
    least = min(grid.results.row(cell_of(name))["params"] for name in ("LM", "DS-CNN"))
    assert refused(run("--budget", "params=10")).startswith(
        f"nothing is within 10 params; the least of it: {least:,} params ("
    )
    assert "cost 'parms' is unknown; did you mean 'params'?" in refused(run("--budget", "parms=10"))


def test_a_folder_that_can_not_be_written_is_said_before_anything_is_exported(grid, run, cell_of, tmp_path):
    (tmp_path / "file").write_text("")
    said = refused(run("--cell", cell_of("DS-CNN"), "--out", str(tmp_path / "file")))
    assert said.endswith(f"{tmp_path}/file/{cell_of('DS-CNN')} can't be written: Not a directory")


def test_what_can_not_be_exported_stops_nothing_else(grid, monkeypatch, run, cell_of):
    """Two chosen, the first of which has an operation without an int8 form."""
    from har_ray.export import choice, folder
    from har_ray.export import trained as trained_module

    both = [choice.named(load_results(grid.results.root.uri), cell_of(name)) for name in ("LM", "DS-CNN")]
    monkeypatch.setattr(choice, "recommended", lambda results: both)

    def load_trained(results, row, info):
        trained = trained_module.load_trained(results, row, info)
        return replace(trained, network=nn.GELU()) if row["variant"] == "LM" else trained

    monkeypatch.setattr(folder, "load_trained", load_trained)
    monkeypatch.setattr(folder, "fitted", lambda network, *rest: fitted(network, *rest[:-1]))
    status, out, err = run()
    assert status == 2
    assert f"DS-CNN, fold 0, seed 0 (cell {cell_of('DS-CNN')}): named" in out
    assert err.count("\n") == 1
    assert f"LM, fold 0, seed 0 (cell {cell_of('LM')}) is not exported: " in err
    assert "aten.gelu.default has no int8 form" in err


@pytest.mark.parametrize(("chosen", "why", "instead"), [
    (["--variant", "Forest"], "its only completed cell", "the best network is LM: --variant LM"),
    (["--budget", "bytes=5000"], BEST, "the best network within it is LM: --variant LM"),
    (["--budget", "bytes=2000"], BEST, "there is no network within it"),
])  # fmt: skip
def test_where_trees_are_chosen_the_best_network_is_named(chosen, why, instead, tmp_path, capsys):
    store = GridStore(tmp_path / "tiny")
    trees = {"architecture": "random-forest", "bytes": 2000, "params": None, "macs": None}
    store.completed("Forest", 0, 0.9, row=trees, cell_id="trees")
    for variant, f1 in (("LM", 0.8), ("MM", 0.7)):
        store.completed(variant, 0, f1, row={"architecture": "deepconvlstm"})
    said = refused((command.main([store.write(), *chosen]), *capsys.readouterr()))
    assert said.endswith(
        f"Forest, fold 0, seed 0 (cell trees) is not exported: {why}, but trees have no int8 file; {instead}"
    )


def test_without_its_windows_it_says_what_makes_them(grid, cell_of, spar_spec, tmp_path, capsys):
    """As where the results of a grid alone were copied to another machine."""
    shutil.copytree(grid.results.root.local, tmp_path / "copied")
    said = refused((command.main([str(tmp_path / "copied"), "--cell", cell_of("LM")]), *capsys.readouterr()))
    assert said.endswith(
        f"are not, or not all, in {tmp_path}/windows/{spar_spec.id}; an export needs them, and the grid's command "
        "makes them: har-ray run it.yaml"
    )


@pytest.mark.parametrize("wrong", ["-1", "1.5", "many"])
def test_epochs_are_a_whole_number(run, wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(f"--qat-epochs={wrong}")
    assert f"argument --qat-epochs: '{wrong}': expected a whole number, 0 or more" in capsys.readouterr().err


def test_no_grid_is_refused(capsys, tmp_path):
    assert command.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"{tmp_path}: no plan.json here")


def test_a_missing_package_is_named_with_what_installs_it(run, monkeypatch):
    monkeypatch.setattr(installed, "PACKAGES", (*installed.PACKAGES, "no_such_runtime"))
    said = refused(run())
    assert said == "an export needs no_such_runtime, which is not installed: pip install 'har-ray[export]'"
