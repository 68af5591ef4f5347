"""How a grid was made: each start of it, whose recordings, nothing made up where nothing was recorded."""

from analysis.facts import facts, grid_said
from tests.analysis.conftest import INFO

ABOUT = {"title": "Sensors Activity Dataset", "homepage": "https://a.b/c", "terms": "none stated", "citation": "Shoaib"}


def start(at, commit, dirty=False):
    return {"started_at": at, "git_commit": commit, "git_dirty": dirty, "grid_hash": "abc123"}


def test_a_grid_that_was_started_once():
    found = facts(INFO)
    assert found["started at"] == "2026-01-01T00:00:00Z"
    assert found["finished at"] == "2026-01-01T01:00:00Z"
    assert found["git commit"] == "0123456"
    assert "started again at" not in found


def test_every_further_start_is_told_with_its_code():
    info = INFO | {"starts": [start("Monday", "aaa"), start("Tuesday", "bbb", dirty=True), start("Friday", "ccc")]}
    found = facts(info | {"started_at": "Friday", "finished_at": None})
    assert found["started at"] == "Monday"
    assert found["started again at"] == (
        "Tuesday (commit bbb with uncommitted changes, grid abc123); Friday (commit ccc, grid abc123)"
    )
    assert found["finished at"] == "not yet"


def test_whose_recordings_they_were():
    data = [{"dataset": "sensors", "about": ABOUT}, {"dataset": "mine"}]
    found = facts(INFO | {"data": data})
    assert found["recordings: sensors"] == ("Sensors Activity Dataset. https://a.b/c. terms: none stated. cite: Shoaib")
    assert found["recordings: mine"] == "unknown"


def test_what_was_left_out_and_what_to_doubt():
    finding = {"where": "subject 8 (p8.csv)", "text": "acc points another way", "remedy": "say align: gravity"}
    one = {"dataset": "mine", "rejects": {"no time stamp": 1200}, "findings": [finding]}
    found = facts(INFO | {"data": [one, one, {"dataset": "spar"}]})  # two settings of the same recordings
    assert found["left out of mine"] == "1,200 × no time stamp"
    assert not any(name.startswith("windows of") for name in found)
    assert found["to doubt in mine"] == "subject 8 (p8.csv): acc points another way; say align: gravity"
    assert not {name for name in found if name.endswith(" spar")} - {"recordings: spar"}


def test_how_much_is_in_windows():
    lost = {"of no class": {"windows": 25, "seconds": 30.0}}
    account = {"seconds": 100.0, "seconds_in_windows": 70.0, "windows": 60, "left_out": lost}
    found = facts(INFO | {"data": [{"dataset": "mine", "preset": "wrist", "account": account}]})
    said = "read: 1:40 min, of which 1:10 min in 60 windows; left out: 30 s, 25 windows of no class"
    assert found["windows of mine, wrist"] == said


def test_what_is_not_recorded_is_unknown():
    assert set(facts({}).values()) == {"unknown", "not yet"}


def test_what_a_grid_does_not_say_takes_no_line():
    """An option's name alone says something: `rotation: {}` turns windows."""
    grid: dict[str, object] = {
        "name": "tiny",
        "teacher": None,
        "datasets": [{"name": "spar", "rate_hz": None, "folds": 5, "test_subjects": []}],
        "variants": ["LM", {"name": "A", "attention": False, "losses": {}, "augment": {"rotation": {}}}],
        "train": {"epochs": 60, "clip": None, "mixup": 0.0},
        "search": {"space": {"alpha": [0.0, 0.5], "beta": None}},
    }
    assert grid_said(grid) == {
        "name": "tiny",
        "datasets": [{"name": "spar", "folds": 5}],
        "variants": ["LM", {"name": "A", "augment": {"rotation": {}}}],
        "train": {"epochs": 60},
        "search": {"space": {"alpha": [0.0, 0.5]}},
    }
