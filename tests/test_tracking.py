"""W&B: off writes nothing, online without a key is said before anything is trained, a run holds what its row says."""

import sys

import pytest

from har_ray.errors import HarRayError
from har_ray.spec.grid import load_grid
from har_ray.store.storage import Storage
from har_ray.tracking.wandb import Tracker
from har_ray.training.run import Place
from tests.grids import write_grid


def tracker(tmp_path, mode):
    spec, _ = load_grid(write_grid(tmp_path, tracking={"wandb": mode}))
    return Tracker(spec, Place(Storage(spec.storage).uri, spec.name, None))


ROW = {
    "cell_id": "0123456789abcdef", "dataset": "spar", "variant": "LM", "seed": 3, "status": "completed",
    "temperature": None, "val_f1_macro": 0.5, "test_f1_macro": 0.4, "params": 1963,
}  # fmt: skip


def finish(one):
    results = one.place.results
    curve = [{"epoch": n, "train_loss": 1.0 / n, "val_f1_macro": 0.1 * n, "seconds": 1.0} for n in (1, 2, 3)]
    results.root.write_json(results.artefact(ROW["cell_id"], "curve.json"), curve)


@pytest.fixture
def no_key(tmp_path, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_online_without_a_key_is_an_error_at_once(tmp_path, no_key):
    with pytest.raises(HarRayError, match="online needs a key: `wandb login`"), tracker(tmp_path, "online"):
        pytest.fail("entered without a key")


def test_off_writes_nothing_and_does_not_need_wandb(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with tracker(tmp_path, "off") as one:
        finish(one)
        one.ended([ROW])
    assert not list((tmp_path / "results").rglob("wandb*"))


def test_offline_logs_each_completed_cell_once(tmp_path, no_key):
    for _ in range(2):
        with tracker(tmp_path, "offline") as one:
            finish(one)
            one.ended([ROW, ROW, ROW | {"cell_id": "failed", "status": "failed"}])
    (run,) = (tmp_path / "results").rglob("offline-run-*")
    assert run.name.endswith(ROW["cell_id"])
    log = next(run.glob("*.wandb")).read_bytes()
    for text in (b"val_f1_macro", b"tiny", b"spar LM seed 3", b"test_f1_macro"):
        assert text in log


def test_a_cell_that_cannot_be_logged_costs_nothing_else(tmp_path, capsys):
    with tracker(tmp_path, "offline") as one:
        finish(one)
        one.ended([ROW | {"cell_id": "without-curve"}, ROW])
    assert "[wandb] cell without-curve was not logged" in capsys.readouterr().err
    assert one.results.root.exists(f"cells/{ROW['cell_id']}/wandb.json")
