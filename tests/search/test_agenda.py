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
    assert agenda.results.winners()[0]["failed"] == 2


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


@pytest.mark.parametrize(("trials", "again"), [(6, 0), (7, 1)])
def test_a_cell_that_was_cut_is_done_only_by_the_same_rule(tmp_path, trials, again):
    """With more candidates more of them pass a rung: one that was cut among fewer is run again."""
    search = {"trials": trials, "seeds": [100], "space": {"temperature": list(range(1, 8)), "alpha": 0.5}}
    path = write_grid(tmp_path, variants=["RB-KD"], search=search | {"asha": {"grace_period": 1}})
    plan = agenda_of(path).plan
    *others, cut = plan.search_jobs[:6]
    teachers = {job.cell.id: row_of(job) for job in plan.teacher_jobs(plan.certain_students())}
    rows = teachers | {job.cell.id: row_of(job) for job in others}
    rows[cut.cell.id] = row_of(cut, "stopped", cut_rule="[1, 3], 3, 6 candidates")
    agenda = agenda_of(path, rows, {cell_id: [0.1] for cell_id in rows})
    assert [job.cell.id for job in startable(agenda) if job.stage == "search"] == [
        job.cell.id for job in plan.search_jobs[5:] * again
    ]


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
