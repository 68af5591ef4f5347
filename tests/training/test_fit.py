"""The loop on real recordings: it learns, it continues bit by bit, it keeps the best weights by copy."""

import copy
import io
import math
from typing import ClassVar

import pytest
import torch
from sklearn.metrics import f1_score

from har_ray.errors import TrainingError
from har_ray.models.architectures import Outputs, outputs
from har_ray.models.config import AttentionConfig, ModelConfig
from har_ray.training import targets
from har_ray.training.fit import Fit, Partners
from har_ray.training.ranks import Ranks
from har_ray.training.trainer import Taught
from har_ray.training.views import train_view


def fitted(cell, data, epochs, taught=None):
    fit = Fit(cell, data, taught and Taught(taught))
    for _ in range(epochs):
        fit.epoch()
    return fit


def scores(fit):
    return [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in fit.curve]


def equal(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns_real_recordings(data, make_cell):
    fit = fitted(make_cell("MM", epochs=6), data, 6)
    losses = [epoch["train_loss"] for epoch in fit.curve]
    assert losses == sorted(losses, reverse=True)
    # Seven classes, the most frequent has 17 % of the windows.
    assert fit.curve[-1]["val_accuracy"] > 0.5


def test_validation_is_on_the_validation_windows(data, make_cell):
    fit = fitted(make_cell("MM", train={"lr": 1e-2}), data, 1)
    with torch.no_grad():
        predicted = fit.network.eval()(data.val.x).argmax(dim=1)
    expected = f1_score(data.val.y, predicted, average="macro")
    assert fit.curve[0]["val_f1_macro"] == pytest.approx(expected)
    assert fit.curve[0]["val_accuracy"] == pytest.approx(float((predicted == data.val.y).float().mean()))


class Recorded(Ranks):
    """One process that notes each batch."""

    batches: ClassVar[list[list[int]]] = []

    def share(self, batch):
        self.batches.append(batch.tolist())
        return super().share(batch)


def test_every_epoch_takes_every_window_once_in_batches_and_in_an_order_of_its_own(data, make_cell):
    Recorded.batches.clear()
    fit = Fit(make_cell(train={"batch_size": 500}), data, ranks=Recorded())
    fit.epoch()
    fit.epoch()
    assert [len(batch) for batch in Recorded.batches] == [500, 500, 500, 500, 196] * 2
    first, second = ([row for batch in part for row in batch] for part in (Recorded.batches[:5], Recorded.batches[5:]))
    assert sorted(first) == sorted(second) == list(range(2196))
    assert first != second
    assert first != sorted(first)


def test_a_network_starts_from_the_seed_of_its_cell(data, make_cell):
    torch.manual_seed(5)
    expected = make_cell(seed=5).model.build(data.shape, len(data.classes)).state_dict()
    assert equal(Fit(make_cell(seed=5), data).network.state_dict(), expected)


def test_a_window_is_compared_with_what_the_teacher_says_of_it(data, make_cell):
    """With the student's own first outputs as targets there is nothing to learn, with other windows' there is."""
    cell = make_cell("RB-KD", temperature=1.0, alpha=0.0, teacher_id="t", train={"lr": 1e-9})
    start = Fit(cell, data).network
    own = targets.compute(start, data.train, torch.device("cpu"))
    shuffled = Outputs(own.logits.roll(1, dims=0), {})
    aligned, misaligned = (
        fitted(cell, data, 1, taught).curve[0]["train_loss.distillation"] for taught in (own, shuffled)
    )
    assert aligned < 1e-6 < 1e-4 < misaligned


def test_the_result_depends_on_the_cell_alone(data, make_cell):
    one = fitted(make_cell(), data, 2)
    fitted(make_cell("MM", seed=5), data, 1)  # another cell in between, in the same process
    torch.rand(3)
    two = fitted(make_cell(), data, 2)
    assert scores(one) == scores(two)
    assert equal(one.network.state_dict(), two.network.state_dict())
    assert scores(one) != scores(fitted(make_cell(seed=1), data, 2))


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"train": {"schedule": "cosine", "warmup": 1, "clip": 0.5}},
        {"train": {"ema": 0.9, "mixup": 0.4, "weight_decay": 0.1}, "augment": {"rotation": {}, "time-warp": {}}},
        {"model": ModelConfig(architecture="tinierhar", options={"dropout": 0.3})},
    ],
)
def test_continuing_from_a_checkpoint_equals_never_stopping(data, make_cell, made):
    cell = make_cell(epochs=4, **made)
    whole = fitted(cell, data, 4)
    half = fitted(cell, data, 2)
    buffer = io.BytesIO()
    torch.save(half.state_dict(), buffer)
    buffer.seek(0)
    continued = Fit(cell, data)
    continued.load_state_dict(torch.load(buffer, weights_only=True))
    while not continued.finished:
        continued.epoch()
    assert scores(continued) == scores(whole)
    assert equal(continued.best, whole.best)
    assert equal(continued.network.state_dict(), whole.network.state_dict())


ONE_STEP = {"batch_size": 3000}


def test_the_mean_of_the_weights_is_validated_and_kept(data, make_cell):
    """With one step an epoch: the first step's weights, then half of the mean so far and half of the step's."""
    plain = Fit(make_cell(epochs=3, train=ONE_STEP), data)
    steps = []
    for _ in range(3):
        plain.epoch()
        steps.append(copy.deepcopy(plain.network.state_dict()))
    mean = steps[0]
    for step in steps[1:]:
        mean = {name: (mean[name] + step[name]) / 2 for name in mean}
    fit = fitted(make_cell(epochs=3, train=ONE_STEP | {"ema": 0.5}), data, 3)
    assert equal(fit.network.state_dict(), steps[-1])
    plain.network.load_state_dict(mean)
    expected = f1_score(data.val.y, plain.predict(data.val.x).argmax(dim=1), average="macro", zero_division=0)
    assert fit.curve[-1]["val_f1_macro"] == pytest.approx(expected)
    fit.curve[-1]["val_f1_macro"] = 2.0
    fit.best = {name: value.clone() for name, value in fit.averaged.module.state_dict().items()}
    fit.use_best()
    for name, value in fit.network.state_dict().items():
        torch.testing.assert_close(value, mean[name])


def test_weight_decay_takes_its_share_of_a_weight_beside_the_step(data, make_cell):
    start = Fit(make_cell(), data).network.state_dict()
    start = {name: value.clone() for name, value in start.items()}
    without, with_it = (
        fitted(make_cell(train=ONE_STEP | {"lr": 0.01, "weight_decay": decay}), data, 1).network.state_dict()
        for decay in (0, 0.1)
    )
    for name, value in start.items():
        torch.testing.assert_close(with_it[name], without[name] - 0.01 * 0.1 * value, rtol=1e-4, atol=1e-6)


def test_mixed_windows_are_to_be_both_labels_in_their_shares(data, make_cell):
    fit = Fit(make_cell(train={"mixup": 1.0}), data)
    rows, others = torch.arange(0, 300, 10), torch.arange(1500, 1800, 10)
    total, *_ = fit._losses(fit._seen(1), rows, Partners(0.3, others))
    logits = fit.network(0.7 * data.train.x[rows] + 0.3 * data.train.x[others])
    log_p = torch.log_softmax(logits, dim=1)
    every = range(len(rows))
    expected = -0.7 * log_p[every, data.train.y[rows]] - 0.3 * log_p[every, data.train.y[others]]
    torch.testing.assert_close(total, expected)


def partners(fit, batch, step):
    found = fit._partners(batch, 1, step)
    assert found is not None
    return found


def test_each_window_of_a_batch_is_mixed_once_into_another_on_whichever_rank(data, make_cell):
    cell = make_cell(train={"mixup": 0.4})
    batch = torch.arange(50, 81)
    alone = partners(Fit(cell, data), batch, 0)
    assert sorted(alone.rows.tolist()) == batch.tolist()
    assert alone.rows.tolist() != batch.tolist()
    assert 0 <= alone.share <= 1
    assert alone.share != partners(Fit(cell, data), batch, 1).share
    for rank in range(2):
        fit = Fit(cell, data)
        fit.ranks = Ranks(rank, 2)
        assert partners(fit, batch, 0).rows.tolist() == alone.rows[rank::2].tolist()


def test_every_epoch_of_a_student_without_a_teacher_sees_a_view_of_its_own(data, make_cell):
    fit = Fit(make_cell(augment={"scaling": {"sd": 0.1}}), data)
    first, second = fit._seen(1).x, fit._seen(2).x
    assert torch.equal(first, Fit(make_cell(augment={"scaling": {"sd": 0.1}}), data)._seen(1).x)
    assert not torch.equal(first, second)
    # Scaling is about 0 in units, which is not that of the scaled windows.
    factors = (first * data.std + data.mean) / (data.train.x * data.std + data.mean)
    torch.testing.assert_close(factors[:, 0, 0], factors[:, 5, 1], rtol=1e-2, atol=1e-2)
    assert torch.equal(Fit(make_cell(), data)._seen(1).x, data.train.x)


def test_a_teacher_says_what_it_makes_of_the_view_that_the_student_sees(data, make_cell):
    """With the student's own first outputs on two views as targets there is nothing to learn, in any epoch."""
    augment = {"rotation": {"degrees": 40.0}}
    cell = make_cell(
        "RB-KD", temperature=1.0, alpha=0.0, teacher_id="t", augment=augment, train={"lr": 1e-9, "views": 2}
    )
    own = targets.compute(cell.model.build(data.shape, len(data.classes)), data.train, torch.device("cpu"))
    start = Fit(cell, data, Taught(own, views=[own, own])).network
    seen = [data.train._replace(x=train_view(data, augment, cell.seed, number)) for number in (1, 2)]
    views = [targets.compute(start, part, torch.device("cpu")) for part in seen]
    aligned, swapped = (Fit(cell, data, Taught(own, views=seen)) for seen in (views, views[::-1]))
    for _ in range(3):
        assert aligned.epoch()["train_loss.distillation"] < 1e-6
        assert swapped.epoch()["train_loss.distillation"] > 1e-4


def test_the_best_weights_are_a_copy(data, make_cell):
    fit = fitted(make_cell(epochs=9), data, 1)
    kept = {name: value.clone() for name, value in fit.best.items()}
    fit.curve[0]["val_f1_macro"] = 2.0  # never beaten
    fit.epoch()
    assert equal(fit.best, kept)
    assert not equal(fit.best, fit.network.state_dict())
    fit.use_best()
    assert equal(fit.network.state_dict(), kept)


def test_it_stops_when_patience_is_spent(data, make_cell):
    fit = Fit(make_cell(epochs=50, train={"patience": 3}), data)
    fit.curve = [{"val_f1_macro": s} for s in (0.1, 0.5, 0.4, 0.5)]
    assert (fit.best_epoch, fit.finished) == (2, False)
    fit.curve.append({"val_f1_macro": 0.3})
    assert (fit.finished, fit.converged) == (True, True)


def test_training_that_ran_out_of_epochs_has_not_converged(data, make_cell):
    fit = Fit(make_cell(epochs=4, train={"patience": 3}), data)
    fit.curve = [{"val_f1_macro": s} for s in (0.1, 0.5, 0.4, 0.5)]
    assert (fit.finished, fit.converged) == (True, False)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_step_is_as_long_as_the_clipped_gradient_and_the_schedule_say(data, make_cell, precision):
    """With plain gradient descent in Adam's place a step moves the weights by rate times norm, however it is scaled."""
    train = {"clip": 1e-3, "lr": 0.5, "warmup": 2, "batch_size": len(data.train.y), "precision": precision}
    fit = Fit(make_cell(epochs=4, train=train), data)
    fit.optimiser = torch.optim.SGD(fit.student.parameters())  # type: ignore[assignment]
    moved = []
    for _ in range(3):
        before = torch.cat([p.detach().flatten() for p in fit.student.parameters()])
        fit.epoch()
        moved.append(float((torch.cat([p.detach().flatten() for p in fit.student.parameters()]) - before).norm()))
    assert moved == pytest.approx([0, 0.25e-3, 0.5e-3], rel=1e-3)


def test_a_loss_that_is_not_finite_is_an_error(data, make_cell):
    fit = Fit(make_cell(), data)
    with torch.no_grad():
        next(fit.network.parameters()).fill_(math.inf)
    with pytest.raises(TrainingError, match=r"the training loss became nan in epoch 1; try a smaller train\.lr"):
        fit.epoch()


def test_distillation_leaves_the_teacher_as_it_was_and_its_projection_out(data, make_cell):
    attention = AttentionConfig(kind="cbam", ratio=2, kernel=3, position=2)
    teacher = fitted(make_cell("MM-Att", attention=attention), data, 1)
    taught = targets.compute(teacher.network, data.train, torch.device("cpu"))
    before = {name: value.clone() for name, value in teacher.network.state_dict().items()}
    cell = make_cell("RAB-KD", attention=attention, temperature=2.0, alpha=0.5, beta=1.0, teacher_id="t")
    student = Fit(cell, data, Taught(taught))
    projection = student.student.objective.losses[2].get_submodule("projection")
    start = [p.detach().clone() for p in projection.parameters()]
    student.epoch()
    assert equal(teacher.network.state_dict(), before)
    assert student.curve[0]["train_loss.attention-transfer"] > 0
    assert student.curve[0]["train_loss.distillation"] > 0
    assert all(not torch.equal(p, s) for p, s in zip(projection.parameters(), start, strict=True))
    assert not any("projection" in name or "objective" in name for name in student.best)


def test_an_epoch_says_how_far_maps_vary_and_how_well_they_follow_the_teachers(data, make_cell):
    attention = AttentionConfig(kind="spatial", kernel=3, position=2)
    teacher = fitted(make_cell("MM-Att", attention=attention), data, 2).network
    taught, val_taught = (targets.compute(teacher, part, torch.device("cpu")) for part in (data.train, data.val))
    hyper = {"attention": attention, "temperature": 2.0, "alpha": 0.5, "teacher_id": "t"}
    fits = {}
    for beta in (1.0, 0.0):
        fits[beta] = Fit(make_cell("RAB-KD", beta=beta, epochs=4, **hyper), data, Taught(taught, val_taught))
        while not fits[beta].finished:
            fits[beta].epoch()
    learned, control = (fit.curve[-1] for fit in fits.values())
    with torch.no_grad():
        spatial = outputs(fits[1.0].network.eval(), data.val.x).maps["spatial"].flatten(1).numpy()
    assert learned["attention_sd_spatial"] == pytest.approx(spatial.std(axis=0).mean(), rel=1e-4)
    assert learned["attention_r2_spatial"] > control["attention_r2_spatial"] + 0.2
    assert fits[1.0].curve[0]["train_loss.attention-transfer"] > learned["train_loss.attention-transfer"]


def test_a_target_is_of_its_window_alone(data, make_cell):
    network = fitted(make_cell("MM"), data, 1).network
    taught = targets.compute(network, data.train, torch.device("cpu"))
    with torch.no_grad():
        alone = network(data.train.x[700:701])
    assert torch.allclose(taught.logits[700], alone[0], atol=1e-5)


def test_targets_are_made_in_evaluation_mode(data):
    teacher = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5)).train()
    taught = targets.compute(teacher, data.val, torch.device("cpu"))
    assert torch.equal(taught.logits, data.val.x.flatten(1))


class Noting(torch.nn.Module):
    """A linear network that notes in which mode it is called."""

    modes: ClassVar[list[str]] = []

    def __init__(self, window, channels, classes):
        super().__init__()
        self.head = torch.nn.Linear(window * channels, classes)

    def forward(self, x):
        self.modes.append("training" if self.training else "evaluation")
        return self.head(x.flatten(1))


def test_it_trains_in_training_mode_and_judges_in_evaluation_mode(data, make_cell):
    cell = make_cell(train={"batch_size": 500})
    fit = Fit(cell.model_copy(update={"model": ModelConfig(architecture=f"{__name__}:Noting")}), data)
    Noting.modes.clear()
    fit.epoch()
    # 2196 windows in batches of 500, and 1004 of which up to 256 are judged at a time.
    assert Noting.modes == ["training"] * 5 + ["evaluation"] * 4


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_trains_too(data, make_cell, precision):
    fit = fitted(make_cell(train={"precision": precision}), data, 2)
    exact = fitted(make_cell(), data, 2)
    assert fit.curve[-1]["train_loss"] == pytest.approx(exact.curve[-1]["train_loss"], rel=0.05)
    assert fit.curve[-1]["train_loss"] != exact.curve[-1]["train_loss"]


@pytest.mark.parametrize(("size", "world"), [(64, 2), (7, 2), (5, 3), (1, 2)])
def test_ranks_share_a_batch_without_losing_or_doubling_a_window(size, world):
    batch = torch.arange(100, 100 + size)
    shares = [Ranks(rank, world).share(batch) for rank in range(world)]
    assert all(len(rows) for rows, _ in shares)
    counted = [int(row) for rows, weights in shares for row, w in zip(rows, weights, strict=True) if w]
    assert sorted(counted) == batch.tolist()
