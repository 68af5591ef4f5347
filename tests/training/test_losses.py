"""Losses against hand-made numbers and scikit-learn's definitions; attention transfer that really transfers."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import accuracy_score, f1_score

from har_ray.models.attention import AttentionConfig
from har_ray.scores import score
from har_ray.training.losses import Objective, Taught, attention_transfer, distillation
from har_ray.variants import SIZES, build

KINDS = {
    "channel": AttentionConfig(kind="channel", ratio=2, position=1),
    "spatial": AttentionConfig(kind="spatial", kernel=3, position=2),
    "cbam": AttentionConfig(kind="cbam", ratio=2, kernel=3, position=3),
}


def test_distillation_is_t_squared_kl_of_teacher_to_student():
    student, teacher, t = np.array([[1.0, 2.0, 0.0]]), np.array([[3.0, 1.0, 0.5]]), 4.0
    expected = t**2 * entropy(softmax(teacher[0] / t), softmax(student[0] / t))
    found = distillation(torch.tensor(student), torch.tensor(teacher), t)
    assert found.tolist() == pytest.approx([expected])


def test_distillation_is_zero_for_a_perfect_student_at_any_temperature():
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    for temperature in (1.0, 4.0, 15.0):
        assert distillation(logits, logits, temperature).abs().max() < 1e-4


def test_alpha_weighs_the_cross_entropy():
    logits, teacher, y = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]]), torch.tensor([0])
    losses = Objective(temperature=1.0, alpha=0.9)(logits, {}, y, Taught(teacher, {}))
    cross_entropy = math.log(1 + math.exp(-2))
    kl = -math.log(2) - 0.5 * (-cross_entropy + -cross_entropy - 2)
    assert losses.cross_entropy.item() == pytest.approx(cross_entropy)
    assert losses.distillation.item() == pytest.approx(kl)
    assert losses.total.item() == pytest.approx(0.9 * cross_entropy + 0.1 * kl)


def test_without_a_teacher_the_loss_is_the_cross_entropy():
    logits, y = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    losses = Objective()(logits, {}, y, None)
    assert torch.equal(losses.total, F.cross_entropy(logits, y, reduction="none"))


def test_attention_transfer_is_the_mean_squared_difference_summed_over_the_kinds():
    student = {"channel": torch.tensor([[0.0, 1.0]]), "spatial": torch.zeros(1, 2, 2)}
    teacher = {"channel": torch.tensor([[0.5, 1.0]]), "spatial": torch.full((1, 2, 2), 0.1)}
    assert attention_transfer(student, teacher, torch.nn.Identity()).item() == pytest.approx(0.125 + 0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_attention_transfer_reaches_the_students_attention_and_trains_its_projection(kind):
    torch.manual_seed(2)  # with seed 0 the ReLU of cbam's two hidden units is closed for every window
    x, y = torch.randn(8, 24, 6), torch.randint(0, 7, (8,))
    teacher = build("OM", (24, 6), 7, KINDS[kind])
    with torch.no_grad():
        taught = Taught(*teacher.with_maps(x))
    student = build("LM", (24, 6), 7, KINDS[kind])
    # α = 1 and β alone in the transferred part: its gradient is the only one looked at.
    objective = Objective(temperature=1.0, alpha=1.0, beta=1.0, widths=(SIZES["LM"][0], SIZES["OM"][0]))
    logits, maps = student.with_maps(x)
    transferred = objective(logits, maps, y, taught).attention_transfer
    assert transferred.min() > 0
    transferred.mean().backward()
    assert student.attention is not None
    gradients = [p.grad for p in student.attention.parameters()]
    assert all(g is not None and g.abs().max() > 0 for g in gradients)
    projection = list(objective.projection.parameters())
    if kind != "spatial":
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in projection)
        assert tuple(projection[0].shape) == (64, 4)


def test_equal_widths_need_no_projection():
    assert not list(Objective(beta=1.0, widths=(8, 8)).parameters())


@pytest.mark.parametrize("absent", [False, True])
def test_scores_equal_scikit_learns_over_a_fixed_class_list(absent):
    rng = np.random.default_rng(1)
    y, predicted = rng.integers(0, 4 if absent else 6, 500), rng.integers(0, 5, 500)
    found = score(y, predicted, 6)
    for average in ("macro", "weighted"):
        expected = f1_score(y, predicted, labels=list(range(6)), average=average, zero_division=0)
        assert getattr(found, f"f1_{average}") == pytest.approx(expected)
    assert found.accuracy == pytest.approx(accuracy_score(y, predicted))
