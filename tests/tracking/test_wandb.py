"""W&B: off writes nothing, online without a key is said before anything is trained, a run holds what its row says."""

import sys

import pytest

from har_ray.errors import ExtensionError, HarRayError
from har_ray.store.results import ResultStore
from har_ray.tracking import Tracking, make_tracker

ROW = {
    "cell_id": "0123456789abcdef", "dataset": "spar", "variant": "LM", "seed": 3, "status": "completed",
    "temperature": None, "val_f1_macro": 0.5, "test_f1_macro": 0.4, "params": 1963,
}  # fmt: skip


@pytest.fixture
def track(tmp_path):
    """Makes the tracking of a grid `tiny` whose results lie in `tmp_path`."""

    def make(**trackers):
        return Tracking(trackers, "tiny", {"train": {"epochs": 3}}, ResultStore(tmp_path))

    return make


def finish(tracking):
    curve = [{"epoch": n, "train_loss": 1.0 / n, "val_f1_macro": 0.1 * n, "seconds": 1.0} for n in (1, 2, 3)]
    return ROW | {"files": {"curve.json": list(tracking.results.write_curve(ROW["cell_id"], curve)["curve.json"])}}


@pytest.fixture
def no_key(tmp_path, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_online_without_a_key_is_an_error_before_anything_runs(track, no_key):
    with (
        pytest.raises(HarRayError, match="online needs a key: `wandb login`"),
        track(wandb={"mode": "online"}),
    ):
        pytest.fail("entered without a key")


def test_off_writes_nothing_and_does_not_need_wandb(track, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with track(wandb={"mode": "off"}) as tracking:
        tracking.ended([finish(tracking)])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["curve.json"]


def test_offline_logs_each_completed_cell_once(track, tmp_path, no_key):
    for _ in range(2):
        with track(wandb={"mode": "offline"}) as tracking:
            row = finish(tracking)
            tracking.ended([row, row, row | {"cell_id": "failed", "status": "failed"}])
    (run,) = tmp_path.rglob("offline-run-*")
    assert run.name.endswith(ROW["cell_id"])
    log = next(run.glob("*.wandb")).read_bytes()
    for text in (b"val_f1_macro", b"tiny", b"spar LM seed 3", b"test_f1_macro"):
        assert text in log


def test_a_cell_that_cannot_be_logged_costs_nothing_else(track, no_key, capsys):
    with track(wandb={}) as tracking:
        row = finish(tracking)
        tracking.ended([row | {"cell_id": "without-curve"}, row])
    assert "[wandb] cell without-curve was not tracked" in capsys.readouterr().err
    assert tracking.results.tracked("wandb") == {ROW["cell_id"]}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("wandb", {"mode": "ofline"}, "wandb: mode 'ofline' is unknown; did you mean 'offline'?"),
        ("wandb", {"projct": "x"}, "option of wandb 'projct' is unknown; did you mean 'project'?"),
        ("wanb", {}, "tracker 'wanb' is unknown; did you mean 'wandb'?"),
    ],
)
def test_a_tracker_that_cannot_be_made_says_why(name, options, message):
    with pytest.raises(ExtensionError) as caught:
        make_tracker(name, options)
    assert message in str(caught.value)
