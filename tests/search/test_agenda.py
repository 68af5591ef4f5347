"""What can start when, what follows when a cell has ended, which candidate is chosen; with made-up rows."""

import heapq

import pytest

from har_ray.plan.cells import Job
from har_ray.plan.plan import Plan
from har_ray.search.agenda import MAX_DEATHS, Agenda
from har_ray.spec.grid import load_grid
from har_ray.store.results import ResultStore
from har_ray.store.storage import Storage
from tests.grids import TINY, write_grid

SPAR = TINY["datasets"][0]


@pytest.fixture(autouse=True)
def _plan_at_once(monkeypatch):
    monkeypatch.setattr("har_ray.search.agenda.PLAN_EVERY_S", 0.0)


def agenda_of(path, rows=None, curves=None) -> Agenda:
    spec, _ = load_grid(path)
    plan = Plan(spec, [f"windows-{i}" for i, _ in enumerate(spec.datasets)])
    return Agenda(plan, ResultStore(Storage(spec.storage).child(spec.name)), dict(rows or {}), dict(curves or {}))


def row_of(job: Job, status="completed", **more):
    files = {"curve.json": [1, ""], "predictions.parquet": [1, ""], "targets.parquet": [1, ""]}
    scores = dict.fromkeys(("test_f1_macro", "test_f1_weighted", "test_accuracy"), 0.5)
    return job.cell.columns() | scores | {"status": status, "files": files} | more


def end(agenda: Agenda, job: Job, score=0.5, status="completed"):
    agenda.ended(job.cell.id, row_of(job, status, error="why" if status == "failed" else None), [score])


def startable(agenda: Agenda) -> list[Job]:
    """All that can start at once."""
    found = []
    while (job := agenda.next()) is not None:
        found.append(job)
    return found


@pytest.fixture
def searched(tmp_path):
    """RB-KD with two candidates on two search seeds; its teachers have ended, its search is running."""
    search = {"trials": 2, "seeds": [100, 101], "space": {"temperature": [1, 2], "alpha": 0.5}}
    agenda = agenda_of(write_grid(tmp_path, variants=["RB-KD"], search=search))
    for teacher in startable(agenda):
        end(agenda, teacher)
    return agenda, startable(agenda)


def temperature(job):
    return job.cell.hyper["temperature"]


def test_a_student_starts_when_its_own_teacher_has_ended(tmp_path):
    agenda = agenda_of(write_grid(tmp_path))
    first = startable(agenda)
    # Teachers come first. LM has nothing to search and LM-Att no teacher, so that their cells need not wait either.
    teach = [job.teaches for job in first]
    assert teach == sorted(teach, reverse=True)
    assert {(job.cell.variant, job.cell.seed) for job in first if job.cell.variant == "MM"} == {
        ("MM", 0),
        ("MM", 1),
        ("MM", 100),
    }
    assert {job.cell.variant for job in first if not job.teaches} == {"LM", "LM-Att"}
    teacher = next(job for job in first if job.cell.variant == "MM" and job.cell.seed == 100)
    end(agenda, teacher)
    students = startable(agenda)
    assert {(job.cell.variant, job.cell.teacher_id) for job in students} == {("RB-KD", teacher.cell.id)}
    assert len(students) == 6


def test_a_group_is_confirmed_while_others_are_still_searched(tmp_path):
    agenda = agenda_of(write_grid(tmp_path, variants=["LM-Att", "RB-KD"]))
    jobs = [job for job in startable(agenda) if job.cell.variant == "LM-Att"]
    for job in jobs:
        assert not agenda.finished
        end(agenda, job)
    confirm = startable(agenda)
    assert [(job.cell.variant, job.stage, job.cell.seed) for job in confirm] == [
        ("LM-Att", "confirm", 0),
        ("LM-Att", "confirm", 1),
    ]
    assert [winner["variant"] for winner in agenda.results.winners()] == ["LM-Att"]
    planned = {cell["cell_id"] for cell in agenda.results.plan()["cells"]}
    assert {job.cell.id for job in confirm} <= planned


def test_the_winner_is_best_over_the_search_seeds(searched):
    agenda, jobs = searched
    scores = {(1, 100): 0.9, (1, 101): 0.1, (2, 100): 0.6, (2, 101): 0.6}
    for job in jobs:
        end(agenda, job, scores[temperature(job), job.cell.seed])
    assert {temperature(job) for job in startable(agenda)} == {2}
    (record,) = agenda.results.winners()
    assert (record["val_score"], record["candidates"], record["stopped"]) == (0.6, 2, 0)


def test_a_failed_candidate_never_wins(searched):
    agenda, jobs = searched
    for job in jobs:
        end(agenda, job, 0.9 if temperature(job) == 1 else 0.1, "failed" if temperature(job) == 1 else "completed")
    assert {temperature(job) for job in startable(agenda)} == {2}
    assert agenda.results.winners()[0]["failed"] == 1


def test_a_group_of_which_every_candidate_failed_has_no_winner_and_the_grid_is_not_complete(searched):
    agenda, jobs = searched
    for job in jobs:
        end(agenda, job, status="failed")
    assert startable(agenda) == []
    assert (agenda.finished, agenda.unplanned, agenda.complete) == (True, 2, False)
    assert agenda.results.winners() == []


def test_a_student_fails_with_its_teacher_and_says_so(tmp_path):
    agenda = agenda_of(write_grid(tmp_path, variants=["RB-KD"]))
    for teacher in startable(agenda):
        end(agenda, teacher, status="failed")
    assert startable(agenda) == []
    failed = [row for row in agenda.results.rows().values() if row["status"] == "failed"]
    assert {row["variant"] for row in failed} == {"RB-KD"}
    assert all(row["error"] == f"its teacher {row['teacher_id']} failed: why" for row in failed)


@pytest.fixture
def race(tmp_path):
    """Six candidates of RB-KD; two pass the rung at epoch 1 of 4; the smallest id of those cut is audited."""
    search = {"trials": 6, "seeds": [100], "space": {"temperature": list(range(1, 8)), "alpha": 0.5}}
    agenda = agenda_of(write_grid(tmp_path, variants=["RB-KD"], search=search | {"asha": {"grace_period": 1}}))
    for teacher in startable(agenda):
        end(agenda, teacher)
    return agenda, startable(agenda)


def pause(agenda: Agenda, job: Job, *curve: float):
    leg = ["node", "2026-01-01T00:00:00.000+00:00", "2026-01-01T00:01:00.000+00:00"]
    agenda.pauses(job.cell.id, job.cell.columns() | {"legs": [leg]}, curve)


def test_candidates_pause_at_a_rung_and_those_that_are_certain_to_be_among_the_best_go_on(race):
    agenda, jobs = race
    assert [job.until for job in jobs] == [1] * 6
    by_id = sorted(jobs, key=lambda job: job.cell.id)
    best, second, audited, *others = by_id
    pause(agenda, best, 0.9)
    for job in others:
        pause(agenda, job, 0.5)
    # Both that are missing may be better than all of these.
    assert startable(agenda) == []
    pause(agenda, audited, 0.4)
    (again,) = startable(agenda)
    assert (again.cell.id, again.until) == (best.cell.id, 3)
    assert {row["status"] for row in agenda.results.rows().values()} == {"stopped"}
    pause(agenda, second, 0.8)
    assert {(job.cell.id, job.until) for job in startable(agenda)} == {(second.cell.id, 3), (audited.cell.id, 4)}
    cut = {row["cell_id"]: row for row in agenda.results.rows().values()}
    assert set(cut) == {job.cell.id for job in others}
    row = cut[others[0].cell.id]
    assert (row["node"], row["started_at"], row["finished_at"]) == (
        "node", "2026-01-01T00:00:00.000+00:00", "2026-01-01T00:01:00.000+00:00",
    )  # fmt: skip
    assert agenda.results.curve(row) == [{"epoch": 1, "val_f1_macro": 0.5}]
    assert (agenda.cut, agenda.counts()["search"]) == (3, (3, 6))


def test_what_was_known_to_be_better_at_last_wins_and_what_the_rung_was_worth_is_recorded(race):
    """At the rung 0.7 and 0.6 are ahead; the audited candidate, cut with 0.3, ends at 0.871, the survivor at 0.765."""
    agenda, jobs = race
    audited, *others, second, first = sorted(jobs, key=lambda job: job.cell.id)
    pause(agenda, first, 0.7)
    pause(agenda, second, 0.6)
    for job in (audited, *others):
        pause(agenda, job, 0.3)
    for job in startable(agenda):
        if job.until == 3:
            pause(agenda, job, *((0.7, 0.7, 0.765) if job.cell.id == first.cell.id else (0.6, 0.6, 0.6)))
        else:
            agenda.ended(job.cell.id, row_of(job), (0.3, 0.4, 0.6, 0.871))
    (last,) = startable(agenda)
    assert (last.cell.id, last.until) == (first.cell.id, 4)
    agenda.ended(last.cell.id, row_of(last), (0.7, 0.7, 0.765, 0.75))
    (record,) = agenda.results.winners()
    assert record["hyper"] == audited.cell.hyper
    assert (record["val_score"], record["candidates"], record["stopped"]) == (0.871, 6, 4)
    assert record["epochs"] == 4 + 4 + 3 + 3 * 1
    assert record["rungs"] == [1, 3]
    survivor, cut = ({"at_rung": 0.7, "at_last": 0.765, "audited": False},
                     {"at_rung": 0.3, "at_last": 0.871, "audited": True})  # fmt: skip
    assert record["finished"] in ([survivor, cut], [cut, survivor])
    assert {job.cell.hyper["temperature"] for job in startable(agenda)} == {temperature(audited)}


def test_a_cut_candidate_goes_on_when_a_survivor_fails(race):
    agenda, jobs = race
    scores = dict(zip(sorted(job.cell.id for job in jobs), (0.1, 0.2, 0.9, 0.8, 0.7, 0.3), strict=True))
    for job in jobs:
        pause(agenda, job, scores[job.cell.id])
    going = {job.cell.id: job for job in startable(agenda)}
    assert sorted(scores[cell_id] for cell_id in going) == [0.1, 0.8, 0.9]
    failing = next(job for job in going.values() if scores[job.cell.id] == 0.8)
    agenda.ended(failing.cell.id, row_of(failing, "failed", error="why"), [0.8])
    (instead,) = startable(agenda)
    assert (scores[instead.cell.id], instead.until) == (0.7, 3)


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({}, {}),  # the rung at epoch 1 is as before: nothing is left
        ({"asha": {"grace_period": 1, "reduction_factor": 2, "audit": 0}}, {0.7: 2}),  # three pass the rung
        ({"asha": None}, {0.8: 4, 0.7: 4, 0.6: 4, 0.2: 4, 0.1: 4}),
    ],
)
def test_a_cell_that_was_cut_goes_on_where_the_rule_of_now_lets_it(tmp_path, change, again):
    search = {"trials": 6, "seeds": [100], "space": {"temperature": list(range(1, 8)), "alpha": 0.5}}
    search |= {"asha": {"grace_period": 1, "reduction_factor": 3, "audit": 0}} | change
    path = write_grid(tmp_path, variants=["RB-KD"], search=search, seeds=[0])
    plan = agenda_of(path).plan
    jobs = [job.cell.id for job in plan.search_jobs]
    scores = dict(zip(jobs, (0.9, 0.8, 0.7, 0.6, 0.2, 0.1), strict=True))
    rows = {job.cell.id: row_of(job) for job in plan.teacher_jobs(plan.certain_students())}
    for job in plan.search_jobs:
        rows[job.cell.id] = row_of(job, "completed" if scores[job.cell.id] == 0.9 else "stopped")
    curves = {cell_id: [score] * {0.9: 4, 0.8: 3}.get(score, 1) for cell_id, score in scores.items()}
    agenda = agenda_of(path, rows, curves)
    found = {scores[job.cell.id]: job.until for job in startable(agenda) if job.stage == "search"}
    assert found == again


def test_a_cell_whose_process_died_is_begun_again_until_it_is_given_up(searched):
    agenda, (first, *_) = searched
    for death in range(1, MAX_DEATHS + 1):
        assert agenda.died(first.cell.id, first.cell.columns()) == (death < MAX_DEATHS)
        assert startable(agenda) == [first] * (death < MAX_DEATHS)
    assert "its process died repeatedly" in agenda.results.row(first.cell.id)["error"]
    assert first.cell.id in agenda.settled


def test_what_is_asked_of_a_running_cell_later_is_done_after_it(tmp_path):
    """OM-Att's winner is confirmed; that RAB-KD's winner needs it as its teacher is known only while it runs."""
    attention = {"kind": "cbam", "ratio": 2, "kernel": 3, "position": 1}
    space = {"temperature": 1, "alpha": 0.5, "beta": [0.1, 1.0], "attention": attention}
    search = {"trials": "all", "seeds": [100], "space": space}
    agenda = agenda_of(write_grid(tmp_path, variants=["MM-Att", "RAB-KD"], search=search))
    running = {job.cell.id: job for job in startable(agenda)}
    confirm = [job for job in running.values() if job.stage == "confirm"]
    assert {(job.cell.variant, job.teaches) for job in confirm} == {("MM-Att", False)}
    for teacher in [job for job in running.values() if job.stage == "teachers"]:
        end(agenda, teacher)
    for job in startable(agenda):
        end(agenda, job)
    for job in confirm:
        row = row_of(job)
        del row["files"]["targets.parquet"]
        agenda.ended(job.cell.id, row, [0.5])
    again = startable(agenda)
    assert [(job.cell.id, job.stage, job.teaches) for job in again] == [(j.cell.id, "confirm", True) for j in confirm]


def test_a_cell_with_a_damaged_file_is_not_done(tmp_path):
    path = write_grid(tmp_path, variants=["LM"], search=None, teacher=None)
    jobs = agenda_of(path).plan.confirm_jobs(agenda_of(path).plan.settled)
    rows = {job.cell.id: row_of(job) for job in jobs}
    assert agenda_of(path, rows).complete
    agenda = Agenda(agenda_of(path).plan, agenda_of(path).results, rows, {}, repeated={jobs[1].cell.id})
    assert startable(agenda) == [jobs[1]]
    end(agenda, jobs[1])
    assert agenda.complete


SECONDS = {"MM": 4, "MM-Att": 4, "LM": 2, "LM-Att": 2, "RB-KD": 2, "RAB-KD": 2}


def test_four_slots_are_busy_from_the_first_cell_to_the_last_of_two_datasets(tmp_path):
    """The grid of the other tests, twice, with cells of two and of four seconds."""
    datasets = [SPAR, SPAR | {"rate_hz": 10}]
    agenda = agenda_of(write_grid(tmp_path, datasets=datasets, seeds=[0, 1, 2]))
    now, worked = 0, 0
    running: list[tuple[int, str, Job]] = []
    while not agenda.finished:
        while len(running) < 4 and (job := agenda.next()) is not None:
            seconds = SECONDS[job.cell.variant]
            heapq.heappush(running, (now + seconds, job.cell.id, job))
            worked += seconds
        now, _, job = heapq.heappop(running)
        end(agenda, job)
    assert agenda.complete
    assert worked / (4 * now) > 0.95
