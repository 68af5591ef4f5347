"""A grid with more than twenty mistakes: all of them in one round, each with its line."""

import pytest

from har_ray.errors import GridError
from har_ray.spec.grid import load_grid

TWENTY = """\
name: twenty/mistakes
datasets:
  - {name: spr, preset: wrist, protocol: loso}
  - {name: spar, preset: wirst, protocol: loso}
  - {name: spar, preset: wrist, protocol: lso}
  - {name: spar, preset: wrist, protocol: loso, folds: 4}
  - {name: spar, preset: wrist, protocol: subject-kfold, folds: 11}
  - {name: spar, preset: wrist, protocol: random, rate_hz: 12.3}
  - {name: spar, preset: wrist, protocol: random, window: 2}
variants: [LM, RABKD, RAB-KD, RB-KD]
teacher: XM
seeds: [0, 1]
search:
  trials: none
  seeds: [100, 1]
  space:
    alpha: [0.1, 1.5]
    temperature: [1, 2, 1]
    attention: {kind: cbam, ratio: [2, 8], kernel: 3, position: 1}
  asha: {grace_period: 0}
train: {epochs: 10, monitor: val_f1}
tracking: {wandb: {mode: ofline}}
resources: {student: {cpus: no}}
epochs: 3
"""
MISTAKES = {
    1: "name: string should match pattern",
    3: "datasets[0].name: dataset 'spr' is unknown; did you mean 'spar'?",
    4: "datasets[1].preset: preset of spar 'wirst' is unknown",
    5: "datasets[2].protocol: value 'lso' is unknown",
    6: "datasets[3].folds: is for subject-kfold, not for loso",
    7: "datasets[4].protocol: subject-kfold: 11 folds of 10 subjects",
    8: "datasets[5].rate_hz: window_s: 2 s at 12.3 Hz are 24.6 samples",
    9: "datasets[6].window: key 'window' is unknown; did you mean 'window_s'?",
    10: "variants[1]: variant 'RABKD' is unknown; did you mean 'RAB-KD'?",
    11: "teacher: teacher 'XM' is unknown",
    14: "search.trials: expected a whole number above 0, or all; found 'none'",
    15: "search.seeds: 1 is also in seeds",
    16: "search.space.beta: missing; needed by RAB-KD",
    17: "search.space.alpha[1]: input should be less than or equal to 1, found 1.5",
    18: "search.space.temperature: 1.0 is listed twice",
    19: "search.space.attention.ratio: 8 leaves no hidden unit of the 4 filters of RAB-KD",
    20: "search.asha.grace_period: input should be greater than or equal to 1, found 0",
    21: "train.monitor: score 'val_f1' is unknown; did you mean 'val_f1_macro'?",
    22: "tracking.wandb: wandb: mode 'ofline' is unknown; did you mean 'offline'?",
    23: "resources.student.cpus: no is read as false, expected a number",
    24: "epochs: key 'epochs' is unknown here; did you mean 'train.epochs'?",
}
"""Line → how its message begins. Those of 6, 7, 8, 11, 15, 16, 19 and 21 are mistakes between keys."""


def test_more_than_twenty_mistakes_are_reported_in_one_round(tmp_path):
    (tmp_path / "grid.yaml").write_text(TWENTY)
    with pytest.raises(GridError) as caught:
        load_grid(tmp_path / "grid.yaml")
    prefix = f"{tmp_path}/grid.yaml:"
    lines = [line.removeprefix(prefix).split(": ", 1) for line in str(caught.value).splitlines()]
    assert [int(number) for number, _ in lines] == list(MISTAKES)
    assert [text for (_, text), begin in zip(lines, MISTAKES.values(), strict=True) if not text.startswith(begin)] == []


def test_a_line_that_several_keys_share_by_an_anchor_is_one_mistake(tmp_path):
    """The three networks are told apart by their names alone, and each has two epochs to warm up for three."""
    path = tmp_path / "grid.yaml"
    path.write_text(
        "name: shared\n"
        "datasets: [{name: spar, preset: wrist, protocol: loso}]\n"
        "variants:\n"
        "  - {name: A, architecture: ds-cnn, options: {width: 8}, train: &slow {warmup: 3}}\n"
        "  - {name: B, architecture: ds-cnn, options: {width: 12}, train: *slow}\n"
        "  - {name: C, architecture: ds-cnn, options: {width: 16}, train: {warmup: 3}}\n"
        "seeds: [0]\n"
        "train: {epochs: 2}\n"
    )
    with pytest.raises(GridError) as found:
        load_grid(path)
    leaves = "train.warmup: 3 leaves none of the 2 epochs"
    assert str(found.value).splitlines() == [
        f"{path}:4: variants[0].{leaves} (and so in variants[1].train.warmup)",
        f"{path}:6: variants[2].{leaves}",
    ]
