"""From grid to cells: equal budgets, the right teacher for each student, ids that depend on what decides a result."""

from typing import Any

from har_ray.models.config import AttentionConfig, AttentionSpace
from har_ray.plan.plan import Plan
from har_ray.spec.grid import Space, load_grid
from har_ray.variants import OPTIONAL_SEARCH_KEYS, SEARCH_KEYS
from tests.grids import TINY, candidates_of, teacher_of, write_grid


def plan(tmp_path, *overrides, **changes):
    spec = load_grid(write_grid(tmp_path, **changes), list(overrides))[0]
    return Plan(spec, [f"windows-of-{entry.name}" for entry in spec.datasets])


def test_a_teacher_has_the_data_the_fold_and_the_seed_of_its_student(tmp_path):
    datasets = [{"name": "spar", "preset": "wrist", "protocol": "subject-kfold", "folds": 3, "rate_hz": 12}]
    spec, _ = load_grid(write_grid(tmp_path, datasets=datasets))
    plan = Plan(spec, ["windows"])
    students = [job.cell for job in plan.search_jobs if job.cell.teacher_id]
    assert {cell.protocol.fold for cell in students} == {0, 1, 2}
    for cell in students:
        teacher = teacher_of(plan, cell)
        assert teacher is not None
        assert (teacher.id, teacher.windows_id, teacher.protocol, teacher.seed) == (
            cell.teacher_id, cell.windows_id, cell.protocol, cell.seed,
        )  # fmt: skip
        assert teacher.hyper.get("attention") == (cell.hyper["attention"] if cell.variant == "RAB-KD" else None)


def test_a_teacher_is_asked_for_the_views_of_all_its_students(tmp_path):
    """Two students with augmentation of their own, one that searches it, and one without, of one teacher and seed."""
    taught = {"size": "LM", "losses": {"distillation": {"temperature": 2, "alpha": 0.5}}}
    variants = [
        "MM",
        {"name": "A", "augment": {"jitter": {"sd": 0.1}}, "train": {"views": 3}} | taught,
        {"name": "B", "augment": {"rotation": {"degrees": [10, 20]}}} | taught,
        {"name": "C"} | taught,
    ]
    grid = plan(tmp_path, variants=variants, seeds=[0], search={"trials": "all", "seeds": [100]})
    assert [job.cell.variant for job in grid.search_jobs] == ["B", "B"]
    searched, *_ = grid.teacher_jobs(grid.search_jobs)
    assert [(view.augment, view.count) for view in searched.views] == [
        ({"rotation": {"degrees": 10}}, 8), ({"rotation": {"degrees": 20}}, 8),
    ]  # fmt: skip
    (confirm,) = grid.teacher_jobs(grid.confirm_jobs(grid.settled))
    assert [(view.augment, view.count) for view in confirm.views] == [({"jitter": {"sd": 0.1}}, 3)]
    assert confirm.stage == "confirm"
    winner = {grid.folds[0].group("B"): candidates_of(grid)["B"][0]}
    (chosen,) = grid.teacher_jobs(grid.confirm_jobs(winner))
    assert chosen.cell.id == confirm.cell.id
    assert len(confirm.joined(chosen).views) == 2


def test_what_a_variant_trains_otherwise_is_its_own_and_not_its_teachers(tmp_path):
    student = {
        "name": "A", "size": "LM", "losses": {"distillation": {"temperature": 2, "alpha": 0.5}},
        "train": {"lr": [0.01, 0.02], "ema": 0.9},
    }  # fmt: skip
    grid = plan(tmp_path, variants=["MM", student], seeds=[0], search={"trials": "all", "seeds": [100]})
    assert [(job.cell.training.lr, job.cell.training.ema) for job in grid.search_jobs] == [(0.01, 0.9), (0.02, 0.9)]
    assert [job.cell.columns()["train.lr"] for job in grid.search_jobs] == [0.01, 0.02]
    for job in grid.search_jobs:
        teacher = teacher_of(grid, job.cell)
        assert teacher is not None
        assert (teacher.training, teacher.augment) == (grid.spec.train, {})
        again = Plan(grid.spec, ["windows-of-spar"]).confirm_jobs({job.cell.group: job.cell.candidate})
        assert {one.cell.training for one in again if one.cell.variant == "A"} == {job.cell.training}


def test_unused_attention_keys_do_not_multiply_configurations():
    space = AttentionSpace(kind=["channel", "spatial", "cbam"], ratio=[2, 4], kernel=[3, 5, 7], position=[1, 2, 3, 4])
    configs = space.configs()
    # channel 2 ratios, spatial 3 kernels, cbam 2 × 3; at 4 positions
    assert len(configs) == len(set(configs)) == 4 * (2 + 3 + 6)


def test_every_variant_gets_the_same_number_of_different_candidates(tmp_path):
    grid = plan(tmp_path, variants=["LM-Att", "RB-KD", "RB-KD-Att", "RAB-KD"], teacher="OM")
    drawn = candidates_of(grid)
    assert {variant: len(set(found)) for variant, found in drawn.items()} == {
        "LM-Att": 4,  # the whole space: two kinds, two positions
        "RB-KD": 6,
        "RB-KD-Att": 6,
        "RAB-KD": 6,
    }
    assert drawn == candidates_of(plan(tmp_path, variants=["RAB-KD", "LM-Att", "RB-KD-Att", "RB-KD"], teacher="OM"))


def test_more_trials_keep_the_earlier_ones(tmp_path):
    few = candidates_of(plan(tmp_path, "search.trials=3"))["RAB-KD"]
    many = candidates_of(plan(tmp_path, "search.trials=9"))["RAB-KD"]
    assert many[:3] == few
    everything = candidates_of(plan(tmp_path, "search.trials=all"))["RAB-KD"]
    assert len(everything) == 3 * 3 * 1 * 4
    assert set(many) < set(everything)


def test_a_variant_has_the_hyper_parameters_of_its_losses_and_attention(tmp_path):
    by_variant = {job.cell.variant: job.cell for job in plan(tmp_path).search_jobs}
    assert set(by_variant) == {"LM-Att", "RB-KD", "RAB-KD"}
    assert list(by_variant["LM-Att"].hyper) == ["attention"]
    assert by_variant["LM-Att"].teacher_id is None
    assert list(by_variant["RB-KD"].hyper) == ["temperature", "alpha"]
    assert by_variant["RB-KD"].model.attention is None
    assert list(by_variant["RAB-KD"].hyper) == ["temperature", "alpha", "beta", "attention"]
    assert by_variant["RAB-KD"].teacher_id is not None


def test_each_student_has_the_teacher_of_its_seed_and_attention(tmp_path):
    grid = plan(tmp_path)
    for job in grid.search_jobs:
        teacher = teacher_of(grid, job.cell)
        if job.cell.variant == "LM-Att":
            assert teacher is None
            continue
        assert teacher is not None
        assert teacher.id == job.cell.teacher_id
        assert (teacher.seed, teacher.windows_id, teacher.protocol) == (100, job.cell.windows_id, job.cell.protocol)
        wanted = ("MM-Att", job.cell.model.attention) if job.cell.variant == "RAB-KD" else ("MM", None)
        assert (teacher.variant, teacher.model.attention) == wanted
        assert (teacher.losses, teacher.teacher_id) == ({}, None)
        assert teacher.model.options == {"filters": 8, "units": 16}


def test_a_teacher_is_of_the_students_data_and_fold(tmp_path):
    kfold = TINY["datasets"][0] | {"protocol": "subject-kfold", "folds": 3}
    spec = load_grid(write_grid(tmp_path, datasets=[TINY["datasets"][0], kfold, kfold | {"rate_hz": 10}]))[0]
    grid, teachers = Plan(spec, ["at-12-hz", "at-12-hz", "at-10-hz"]), set()
    for job in grid.search_jobs:
        if teacher := teacher_of(grid, job.cell):
            same = ("dataset", "preset", "windows_id", "protocol", "seed", "training")
            assert [getattr(teacher, name) for name in same] == [getattr(job.cell, name) for name in same]
            teachers.add(teacher.id)
    # seven folds, each with MM and with MM-Att in each of the configurations that were drawn
    assert len(teachers) == 7 * (1 + len({one.model.attention for one in candidates_of(grid)["RAB-KD"]}))


def test_teachers_are_planned_once_and_those_in_the_tables_are_confirm_cells(tmp_path):
    grid = plan(tmp_path)
    jobs = grid.teacher_jobs(grid.certain_students())
    assert len({job.cell.id for job in jobs}) == len(jobs)
    assert all(job.teaches for job in jobs)
    stages = {(job.cell.variant, job.cell.seed): job.stage for job in jobs}
    assert stages[("MM", 100)] == "teachers"
    assert stages[("MM", 0)] == stages[("MM", 1)] == "confirm"
    assert stages[("MM-Att", 100)] == "teachers"
    without = plan(tmp_path, variants=["LM", "RB-KD"])
    assert {job.stage for job in without.teacher_jobs(without.certain_students())} == {"teachers"}


def test_a_teacher_that_stands_in_the_tables_is_one_cell(tmp_path):
    grid = plan(tmp_path)
    (fold,) = grid.folds
    winners = {fold.group(variant): found[0] for variant, found in candidates_of(grid).items()}
    confirm = grid.confirm_jobs(winners)
    assert [row["seed"] for row in grid.expected()] == [0, 1] * 5
    assert len(confirm) == 5 * 2
    teaching = [job.cell for job in confirm if job.teaches]
    assert [(cell.variant, cell.seed) for cell in teaching] == [("MM", 0), ("MM", 1)]
    assert {job.cell.teacher_id for job in confirm if job.cell.variant == "RB-KD"} == {cell.id for cell in teaching}


def test_folds_multiply_cells(tmp_path):
    kfold = [TINY["datasets"][0] | {"protocol": "subject-kfold", "folds": 5}]
    jobs = plan(tmp_path, datasets=kfold, variants=["LM-Att"]).search_jobs
    assert len(jobs) == 5 * 4
    assert {job.cell.protocol.fold for job in jobs} == set(range(5))


def test_the_id_depends_on_what_decides_the_result_and_on_nothing_else(tmp_path):
    (cell, *_) = (job.cell for job in plan(tmp_path).search_jobs)
    assert cell.model_copy().id == cell.id  # known from here on, so that a copy could take it along
    copies = {
        cell.model_copy(update=change).id
        for change in (
            {"seed": 7},
            {"training": cell.training.model_copy(update={"lr": 0.1})},
            {
                "model": cell.model.model_copy(
                    update={"attention": AttentionConfig(kind="spatial", kernel=7, position=3)}
                )
            },
            {"model": cell.model.model_copy(update={"sequence_axis": "time"})},
            {"losses": {"distillation": {"temperature": 1.0, "alpha": 0.5}}},
            {"protocol": cell.protocol.model_copy(update={"fold": 1})},
            {"teacher_id": "x"},
            {"windows_id": "y"},
        )
    }
    assert len(copies) == 8
    assert cell.id not in copies
    other = plan(tmp_path, "resources.student.cpus=2", "tracking.wandb=offline", "seeds=[3]", "search.trials=9")
    assert cell.id in {job.cell.id for job in other.search_jobs}


DRAWN = [
    (4.0, 0.9, 1.0, "channel", 2, None, 4),
    (4.0, 0.9, 1.0, "channel", 2, None, 1),
    (4.0, 0.5, 1.0, "cbam", 2, 3, 1),
    (4.0, 0.1, 1.0, "channel", 2, None, 4),
    (4.0, 0.1, 1.0, "cbam", 2, 3, 4),
    (1.0, 0.1, 1.0, "cbam", 2, 3, 4),
]
"""T, α, β, and the attention's kind, ratio, kernel and position."""


def test_the_draw_is_that_of_the_first_version(tmp_path):
    """Grids that were searched keep their candidates: these are what version 0.1 drew for TINY's RAB-KD."""
    drawn = candidates_of(plan(tmp_path))["RAB-KD"]
    assert [tuple(one.columns.values()) for one in drawn] == DRAWN


def test_the_space_has_the_keys_that_variants_ask_for():
    assert tuple(Space.model_fields) == (*SEARCH_KEYS, *OPTIONAL_SEARCH_KEYS)


def test_the_attention_loss_is_searched_where_the_grid_names_it_and_nowhere_else(tmp_path):
    grid = plan(tmp_path, "search.space.attention_loss=[centred, published]", "search.trials=all")
    found = [one.losses["attention-transfer"] for one in candidates_of(grid)["RAB-KD"]]
    assert [one["attention_loss"] for one in found].count("published") == len(found) / 2
    assert list(candidates_of(grid)["RB-KD"][0].hyper) == ["temperature", "alpha"]
    without = candidates_of(plan(tmp_path))["RAB-KD"][0]
    assert "attention_loss" not in without.hyper
    assert without.losses["attention-transfer"] == {"beta": 1.0}


DECLARED = [
    "LM",
    "RB-KD",
    {"name": "LM-time", "size": "LM", "sequence_axis": "time"},
    {"name": "LM-wide", "options": {"filters": [4, 6], "units": 8}},
    {"name": "KD-hot", "size": "LM", "losses": {"distillation": {"temperature": [20, 40]}}},
    {"name": "LM-own", "size": "LM", "attention": {"kind": "spatial", "kernel": [3, 5], "position": 1}},
]


def test_a_grid_declares_variants_of_its_own(tmp_path):
    grid = plan(tmp_path, "search.trials=all", variants=DECLARED)
    columns = {name: [one.columns for one in found] for name, found in candidates_of(grid).items()}
    assert columns["LM-time"] == [{}]
    assert candidates_of(grid)["LM-time"][0].model.sequence_axis == "time"
    assert candidates_of(grid)["LM"][0].model.sequence_axis == "channels"
    assert columns["LM-wide"] == [{"options.filters": f, "options.units": 8} for f in (4, 6)]
    # The temperature is the variant's own, alpha the search space's.
    assert columns["KD-hot"] == [{"temperature": t, "alpha": a} for t in (20, 40) for a in (0.1, 0.5, 0.9)]
    assert [one.model.attention.kernel for one in candidates_of(grid)["LM-own"]] == [3, 5]
    assert {job.cell.variant for job in grid.search_jobs} == {"RB-KD", "LM-wide", "KD-hot", "LM-own"}
    assert [traits.taught for traits in grid.traits()] == [False, True, False, False, True, False]


def test_a_teacher_may_be_a_variant_of_the_grids_own(tmp_path):
    big = {"name": "Big", "options": {"filters": 16, "units": 32}}
    grid = plan(tmp_path, variants=[big, "LM", "RB-KD", "RAB-KD"], teacher="Big")
    (cell, *_) = (job.cell for job in grid.search_jobs if job.cell.variant == "RAB-KD")
    teacher = teacher_of(grid, cell)
    assert (teacher.variant, teacher.model.attention) == ("Big-Att", cell.model.attention)
    assert teacher.model.options == {"filters": 16, "units": 32}
    stages = {(job.cell.variant, job.cell.seed): job.stage for job in grid.teacher_jobs(grid.certain_students())}
    assert stages["Big", 0] == "confirm"


CHANNELS: list[dict[str, Any]] = [
    {"name": "spar", "preset": "wrist", "protocol": "subject-holdout", "channels": ["accelerometer", "all"]},
    {"name": "spar", "preset": "wrist", "protocol": "loso", "channels": "accelerometer"},
]
ACCELEROMETER = ("wrist_acc_x", "wrist_acc_y", "wrist_acc_z")


def test_groups_of_channels_are_searched_like_any_hyper_parameter(tmp_path):
    grid = plan(tmp_path, variants=["LM"], teacher=None, datasets=CHANNELS[:1])
    first, second = (job.cell for job in grid.search_jobs)
    assert [cell.hyper for cell in (first, second)] == [{"channels": "accelerometer"}, {"channels": "all"}]
    assert first.channels == ACCELEROMETER
    assert len(second.channels) == 6
    assert first.id != second.id
    assert grid.settled == {}
    assert grid.folds[0].setting.preset == "wrist@channels=accelerometer|all"
    assert grid.recorded([{**first.group.columns(), "hyper": {"channels": "accelerometer"}}])


def test_one_group_of_channels_is_no_choice(tmp_path):
    """The windows are cut with these channels alone, and cells are what they are without the word."""
    grid = plan(tmp_path, variants=["LM"], teacher=None, datasets=CHANNELS[1:])
    assert grid.folds[0].entry.cut.channels == ACCELEROMETER
    assert grid.folds[0].setting.preset == "wrist@channels=accelerometer"
    (job, *_) = grid.confirm_jobs(grid.settled)
    assert (job.cell.channels, job.cell.hyper) == (None, {})
    listed = [CHANNELS[1] | {"channels": list(ACCELEROMETER)}]
    (same, *_) = (of := plan(tmp_path, variants=["LM"], teacher=None, datasets=listed)).confirm_jobs(of.settled)
    assert same.cell.id == job.cell.id


def test_a_teacher_has_the_channels_of_its_student(tmp_path):
    grid = plan(tmp_path, variants=["MM", "RB-KD"], teacher="MM", datasets=CHANNELS[:1])
    taught = [job.cell for job in grid.search_jobs if job.cell.teacher_id]
    assert {cell.channels for cell in taught} == {ACCELEROMETER, grid.folds[0].entry.cut.channels}
    assert all(teacher_of(grid, cell).channels == cell.channels for cell in taught)


KD = {"size": "LM", "losses": {"distillation": {"temperature": 2, "alpha": 0.5}}}
TAUGHT: list[Any] = [
    "MM",
    {"name": "Wide", "architecture": "ds-cnn", "options": {"width": 32}},
    {"name": "A", **KD},
    {"name": "B", "teacher": ["Wide", "MM", "Wide"], **KD},
]


def test_several_teachers_are_a_cell_each_and_a_name_given_twice_is_two_seeds(tmp_path):
    grid = plan(tmp_path, variants=TAUGHT, teacher="MM", seeds=[3], search=None)
    jobs = {job.cell.variant: job for job in grid.confirm_jobs(grid.settled)}
    alone, several = (grid.teachers_of(jobs[name].cell) for name in "AB")
    assert [(cell.variant, cell.seed) for cell in alone] == [("MM", 3)]
    assert [(cell.variant, cell.seed) for cell in several] == [("Wide", 3), ("MM", 3), ("Wide", 10_003)]
    assert jobs["A"].cell.teacher_id == jobs["MM"].cell.id
    assert jobs["B"].cell.teacher_id == "+".join(cell.id for cell in several)
    assert jobs["B"].cell.teacher_ids == tuple(cell.id for cell in several)
    teaching = grid.teacher_jobs(list(jobs.values()))
    assert {job.cell.id: job.stage for job in teaching} == {
        jobs["MM"].cell.id: "confirm",
        jobs["Wide"].cell.id: "confirm",
        several[2].id: "teachers",
    }
    assert [traits.large for traits in grid.traits()] == [True, True, False, False]  # "Wide" is there to teach


def test_teachers_may_be_stopped_early(tmp_path):
    """Then they are cells of their own, beside those that are compared."""
    grid = plan(tmp_path, variants=TAUGHT, teacher="MM", seeds=[3], search=None, teacher_epochs=1)
    jobs = {job.cell.variant: job.cell for job in grid.confirm_jobs(grid.settled)}
    (teacher,) = grid.teachers_of(jobs["A"])
    assert teacher.training.epochs == 1 < jobs["MM"].training.epochs
    assert teacher.id != jobs["MM"].id
    longer = plan(tmp_path, variants=TAUGHT, teacher="MM", seeds=[3], search=None, teacher_epochs=1000)
    (same,) = longer.teachers_of(jobs["A"])
    assert same.id == jobs["MM"].id  # at most
    assert teacher.training.model_copy(update={"epochs": jobs["MM"].training.epochs}) == jobs["MM"].training


def test_all_teachers_of_a_student_see_its_views(tmp_path):
    variants = [*TAUGHT[:2], TAUGHT[3] | {"augment": {"jitter": {"sd": 0.1}}}]
    grid = plan(tmp_path, variants=variants, teacher="MM", seeds=[3], search=None)
    teaching = [job for job in grid.teacher_jobs(grid.confirm_jobs(grid.settled)) if job.views]
    assert [job.cell.seed for job in teaching] == [3, 3, 10_003]
    assert {view.seed for job in teaching for view in job.views} == {3}
