"""From grid to cells: equal budgets, the right teacher for each student, ids that depend on what decides a result."""

from har_ray.models.attention import AttentionConfig
from har_ray.plan.plan import (
    attention_configs,
    candidates,
    certain_students,
    confirm_jobs,
    search_jobs,
    settled,
    teacher_jobs,
    teacher_of,
)
from har_ray.spec.grid import AttentionSpace, load_grid
from tests.grids import TINY, write_grid


def spec(tmp_path, *overrides, **changes):
    return load_grid(write_grid(tmp_path, **changes), list(overrides))[0]


def test_unused_attention_keys_do_not_multiply_configurations():
    space = AttentionSpace(kind=["channel", "spatial", "cbam"], ratio=[2, 4], kernel=[3, 5, 7], position=[1, 2, 3, 4])
    configs = attention_configs(space)
    # channel 2 ratios, spatial 3 kernels, cbam 2 × 3; at 4 positions
    assert len(configs) == len(set(configs)) == 4 * (2 + 3 + 6)


def test_every_variant_gets_the_same_number_of_different_candidates(tmp_path):
    grid = spec(tmp_path, variants=["LM-Att", "RB-KD", "RB-KD-Att", "RAB-KD"], teacher="OM")
    drawn = {variant: candidates(grid, variant) for variant in grid.variants}
    assert {variant: len(set(hypers)) for variant, hypers in drawn.items()} == {
        "LM-Att": 4,  # the whole space: two kinds, two positions
        "RB-KD": 6,
        "RB-KD-Att": 6,
        "RAB-KD": 6,
    }
    assert drawn == {variant: candidates(grid, variant) for variant in grid.variants}


def test_more_trials_keep_the_earlier_ones(tmp_path):
    few = candidates(spec(tmp_path, "search.trials=3"), "RAB-KD")
    many = candidates(spec(tmp_path, "search.trials=9"), "RAB-KD")
    assert many[:3] == few
    everything = candidates(spec(tmp_path, "search.trials=all"), "RAB-KD")
    assert len(everything) == 3 * 3 * 1 * 4
    assert set(many) < set(everything)


def test_hyper_parameters_that_a_variant_lacks_are_none(tmp_path):
    by_variant = {job.cell.variant: job.cell for job in search_jobs(spec(tmp_path))}
    assert set(by_variant) == {"LM-Att", "RB-KD", "RAB-KD"}
    assert by_variant["LM-Att"].temperature is None
    assert by_variant["LM-Att"].teacher_id is None
    assert by_variant["RB-KD"].attention is None
    assert by_variant["RB-KD"].beta is None
    for name in ("temperature", "alpha", "beta", "attention", "teacher_id"):
        assert by_variant["RAB-KD"].model_dump()[name] is not None


def test_each_student_has_the_teacher_of_its_seed_and_attention(tmp_path):
    grid = spec(tmp_path)
    for job in search_jobs(grid):
        teacher = teacher_of(grid, job.cell)
        if job.cell.variant == "LM-Att":
            assert teacher is None
            continue
        assert teacher is not None
        assert teacher.id == job.cell.teacher_id
        assert (teacher.seed, teacher.windows_id, teacher.protocol) == (100, job.cell.windows_id, job.cell.protocol)
        wanted = ("MM-Att", job.cell.attention) if job.cell.variant == "RAB-KD" else ("MM", None)
        assert (teacher.variant, teacher.attention) == wanted
        assert (teacher.temperature, teacher.alpha, teacher.beta, teacher.teacher_id) == (None, None, None, None)


def test_teachers_are_planned_once_and_those_in_the_tables_are_confirm_cells(tmp_path):
    grid = spec(tmp_path)
    jobs = teacher_jobs(grid, certain_students(grid))
    assert len({job.cell.id for job in jobs}) == len(jobs)
    assert all(job.teaches for job in jobs)
    stages = {(job.cell.variant, job.cell.seed): job.stage for job in jobs}
    assert stages[("MM", 100)] == "teachers"
    assert stages[("MM", 0)] == stages[("MM", 1)] == "confirm"
    assert stages[("MM-Att", 100)] == "teachers"
    without = spec(tmp_path, variants=["LM", "RB-KD"])
    assert {job.stage for job in teacher_jobs(without, certain_students(without))} == {"teachers"}


def test_a_teacher_that_stands_in_the_tables_is_one_cell(tmp_path):
    grid = spec(tmp_path)
    winners = settled(grid) | {
        ("spar", "wrist@rate_hz=12", "subject-holdout", 0, variant): candidates(grid, variant)[0]
        for variant in ("LM-Att", "RB-KD", "RAB-KD")
    }
    confirm = confirm_jobs(grid, winners)
    assert len(confirm) == 5 * 2
    teaching = [job.cell for job in confirm if job.teaches]
    assert [(cell.variant, cell.seed) for cell in teaching] == [("MM", 0), ("MM", 1)]
    assert {job.cell.teacher_id for job in confirm if job.cell.variant == "RB-KD"} == {cell.id for cell in teaching}


def test_folds_multiply_cells(tmp_path):
    kfold = [TINY["datasets"][0] | {"protocol": "subject-kfold", "folds": 5}]
    jobs = search_jobs(spec(tmp_path, datasets=kfold, variants=["LM-Att"]))
    assert len(jobs) == 5 * 4
    assert {job.cell.protocol.fold for job in jobs} == set(range(5))


def test_the_id_depends_on_what_decides_the_result_and_on_nothing_else(tmp_path):
    (cell, *_) = (job.cell for job in search_jobs(spec(tmp_path)))
    copies = {
        cell.model_copy(update=change).id
        for change in (
            {"seed": 7},
            {"train": cell.train.model_copy(update={"lr": 0.1})},
            {"attention": AttentionConfig(kind="spatial", kernel=7, position=3)},
            {"protocol": cell.protocol.model_copy(update={"fold": 1})},
            {"sequence_axis": "time"},
            {"teacher_id": "x"},
            {"windows_id": "y"},
        )
    }
    assert len(copies) == 7
    assert cell.id not in copies
    other = spec(tmp_path, "resources.student.cpus=2", "tracking.wandb=offline", "seeds=[3]", "search.trials=9")
    assert cell.id in {job.cell.id for job in search_jobs(other)}
