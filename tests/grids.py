"""Small grids for tests."""

import copy
from typing import Any

import yaml

from har_ray.store.results import load

TINY: dict[str, Any] = {
    "name": "tiny",
    "datasets": [{"name": "spar", "preset": "wrist", "protocol": "subject-holdout", "rate_hz": 12}],
    "variants": ["MM", "LM", "LM-Att", "RB-KD", "RAB-KD"],
    "teacher": "MM",
    "seeds": [0, 1],
    "search": {
        "trials": 6,
        "seeds": [100],
        "space": {
            "temperature": [1, 2, 4],
            "alpha": [0.1, 0.5, 0.9],
            "beta": 1.0,
            "attention": {"kind": ["channel", "cbam"], "ratio": 2, "kernel": 3, "position": [1, 4]},
        },
        "asha": {"grace_period": 1, "reduction_factor": 3},
    },
    "train": {"epochs": 4, "patience": 4, "batch_size": 64},
    "tracking": {"wandb": "off"},
}


SCORES = ["val_f1_macro", "val_accuracy", "test_f1_macro", "test_f1_weighted", "test_accuracy", "epochs", "best_epoch"]


def write_grid(folder, **changes):
    """A grid file in `folder`, whose storage lies beside it; `changes` replace top-level keys, None removes one."""
    content = copy.deepcopy(TINY) | {"storage": str(folder / "results")} | changes
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return path


def candidates_of(plan):
    """The candidates of each variant, in the plan's first fold."""
    return {variant.name: plan.candidates(plan.folds[0], variant) for variant in plan.spec.variants}


def teacher_of(plan, cell):
    """The teacher of a cell that has one at most."""
    (teacher,) = plan.teachers_of(cell) or [None]
    return teacher


def confirmed(folder):
    """The confirm rows, as exact values."""
    rows = load(folder)
    return rows[rows["stage"] == "confirm"].set_index("cell_id")[["variant", "seed", "status", *SCORES]].sort_index()
